"""The vocabulary's constructors refuse nonsense."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heyi.model.asset import Asset, Field, Identifier, Reason
from heyi.model.errors import InvalidInput
from heyi.model.party import Party, PartyKind, Tier, check_id
from heyi.model.permit import Permit
from heyi.model.request import Request

KEY = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
REASON = Reason(zh="因", en="why")


def permit(**changed: Any) -> Permit:
    arguments = {
        "id": "p", "case": "c", "asset": "a", "data": "d", "holder": "h", "audience": "h",
        "requester": "r", "requester_key": KEY, "purpose": "care", "delivery": "open",
        "kinds": ("age",), "operations": {"count": "sha256:0"}, "min_cell": 1, "max_calls": 1,
        "obligations": (), "conditions": (), "issued_at": 5, "expires_at": 6, "decision": 0,
        "rulebook": "r",
    }  # fmt: skip
    return Permit(**{**arguments, **changed})


def party(**changed: Any) -> Party:
    arguments = {
        "id": "clinic",
        "kind": PartyKind.INSTITUTION,
        "tier": Tier.VILLAGE,
        "zh": "卫生室",
        "en": "clinic",
    }
    return Party(**{**arguments, "public_key": KEY, **changed})


def field(**changed: Any) -> Field:
    arguments = {
        "heading": "年龄",
        "kind": "age",
        "identifier": Identifier.QUASI,
        "level": 3,
        "reason": REASON,
    }
    return Field(**{**arguments, **changed})


def asset(**changed: Any) -> Asset:
    arguments = {
        "id": "checkups", "holder": "clinic", "zh": "体检", "en": "check-ups", "fields": (field(),),
        "level": 3, "level_reason": REASON, "deid_grade": 1, "rows": 10, "duplicates": 0,
        "encoding": "utf-8", "digest": "0" * 64,
    }  # fmt: skip
    return Asset(**{**arguments, **changed})


def request(**changed: Any) -> Request:
    arguments = {
        "id": "r-1", "zh": "申请", "en": "request", "requester": "lab", "recipient": "lab",
        "assets": ("a", "b"), "kinds": ("age",), "action": "use", "purpose": "research",
        "delivery": "federated",
    }  # fmt: skip
    return Request(**{**arguments, **changed})


@pytest.mark.parametrize(
    ("changed", "message"),
    [({"expires_at": 5}, "expire before it begins"), ({"expires_at": 4}, "expire before it begins"),
     ({"min_cell": 0}, "at least 1"), ({"max_calls": 0}, "at least 1"),
     ({"max_calls": -1}, "at least 1"), ({"operations": {}}, "permits nothing")],
)  # fmt: skip
def test_a_permit_that_makes_no_sense_is_refused(changed: dict[str, Any], message: str) -> None:
    assert permit().min_cell == 1
    with pytest.raises(InvalidInput, match=message):
        permit(**changed)


@pytest.mark.parametrize(
    ("changed", "message"),
    [({"id": "Clinic"}, "not a valid party id"), ({"zh": ""}, "Chinese and an English name"),
     ({"en": ""}, "Chinese and an English name"), ({"public_key": "d7"}, "32 bytes in hexadecimal"),
     ({"public_key": "z" * 64}, "32 bytes in hexadecimal"),
     ({"hosted_by": "clinic"}, "cannot be hosted by itself")],
)  # fmt: skip
def test_a_party_that_makes_no_sense_is_refused(changed: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        party(**changed)


def test_a_party_is_served_by_its_host_or_by_itself() -> None:
    assert (party().host, party(hosted_by="township").host) == ("clinic", "township")


@pytest.mark.parametrize("value", ["a", "a1", "county-hospital", "r-1-b", "a" * 64])
def test_identifiers(value: str) -> None:
    assert check_id(value, "party") == value


@pytest.mark.parametrize(
    "value",
    [
        "",
        "A",
        "1a",
        "-a",
        "a-",
        "a--b",
        "a_b",
        "a b",
        "a\n",
        "é",
        "县",
        "a" * 65,
        "a/../b",
        "a.b",
        "а",
    ],
)
def test_what_is_no_identifier_is_refused(value: str) -> None:
    with pytest.raises(InvalidInput, match="not a valid party id"):
        check_id(value, "party")


@given(st.text(max_size=6))
def test_an_identifier_is_ascii_whatever_comes(value: str) -> None:
    try:
        check_id(value, "party")
    except InvalidInput:
        return
    assert value.isascii() and value == value.lower() and "--" not in value


@pytest.mark.parametrize("level", [0, 6, -1])
def test_levels_run_from_1_to_5(level: int) -> None:
    with pytest.raises(InvalidInput, match="level of field"):
        field(level=level)
    with pytest.raises(InvalidInput, match="level of asset"):
        asset(level=level)


@pytest.mark.parametrize("share", [-1, 1001])
def test_shares_are_permille(share: int) -> None:
    with pytest.raises(InvalidInput, match="permille"):
        field(missing_permille=share)


def test_an_asset_that_makes_no_sense_is_refused() -> None:
    for grade in (0, 5):
        with pytest.raises(InvalidInput, match="de-identification grade"):
            asset(deid_grade=grade)
    with pytest.raises(InvalidInput, match="two fields with one heading"):
        asset(fields=(field(), field(kind="sbp")))
    with pytest.raises(InvalidInput, match="not a valid asset id"):
        asset(id="体检")


def test_a_request_names_assets_each_once() -> None:
    assert request().assets == ("a", "b")
    with pytest.raises(InvalidInput, match="names no asset"):
        request(assets=())
    with pytest.raises(InvalidInput, match="names an asset twice"):
        request(assets=("a", "b", "a"))
