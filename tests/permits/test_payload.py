"""The payload of a permit: a round trip, strict reading, and errors that name the field."""

from __future__ import annotations

from typing import Any

import pytest

from heyi.crypto.canonical import canonical, from_canonical
from heyi.model.errors import VerificationError
from heyi.model.permit import Permit
from heyi.permits.payload import from_payload, to_payload

PERMIT = Permit(
    id="p",
    case="c",
    asset="a",
    data="d",
    holder="h",
    audience="h",
    requester="r",
    requester_key="00" * 32,
    purpose="care",
    delivery="open",
    kinds=("age", "sex"),
    operations={"tokens": "sha256:1", "count": "sha256:0"},
    min_cell=1,
    max_calls=1,
    obligations=(),
    conditions=(),
    issued_at=5,
    expires_at=6,
    decision=0,
    rulebook="r",
)
FIELDS: dict[str, Any] = from_canonical(to_payload(PERMIT))


def refused(value: object, message: str) -> None:
    with pytest.raises(VerificationError, match=message):
        from_payload(canonical(value))


def test_a_permit_is_read_back_from_its_payload() -> None:
    assert from_payload(to_payload(PERMIT)) == PERMIT


def test_the_bytes_are_fixed() -> None:
    """Signed permits must stay valid: no release may change these bytes."""
    assert to_payload(PERMIT) == (
        b'{"asset":"a","audience":"h","case":"c","conditions":[],"data":"d","decision":0,'
        b'"delivery":"open","expires_at":6,"holder":"h","id":"p","issued_at":5,'
        b'"kinds":["age","sex"],"max_calls":1,"min_cell":1,"obligations":[],'
        b'"operations":{"count":"sha256:0","tokens":"sha256:1"},"purpose":"care",'
        b'"requester":"r","requester_key":"' + b"00" * 32 + b'","rulebook":"r","utility":""}'
    )


@pytest.mark.parametrize("name", Permit.__dataclass_fields__)
def test_a_field_that_is_absent_or_of_another_type_is_refused(name: str) -> None:
    refused({**FIELDS, name: None}, f"^not a permit: `{name}` is malformed$")
    refused({n: v for n, v in FIELDS.items() if n != name}, "^not a permit$")


@pytest.mark.parametrize(
    ("name", "value"),
    [("kinds", [1]), ("kinds", "age"), ("operations", []), ("operations", {"count": 5}),
     ("conditions", [["x"]]), ("min_cell", True), ("id", 5)],
)  # fmt: skip
def test_the_error_names_the_malformed_field(name: str, value: object) -> None:
    refused({**FIELDS, name: value}, f"^not a permit: `{name}` is malformed$")


@pytest.mark.parametrize("value", [None, [], "permit", 5, {}, {**FIELDS, "surplus": 1}], ids=repr)
def test_what_is_no_permit_is_refused(value: object) -> None:
    refused(value, "^not a permit$")


def test_a_permit_that_makes_no_sense_is_refused_with_the_reason_of_the_class() -> None:
    refused({**FIELDS, "expires_at": 5}, "^not a permit: permit `p` would expire before it begins$")
