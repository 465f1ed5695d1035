"""Frozen values as JSON and back: a round trip, one form a value, and strict reading."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heyi.crypto.canonical import Json, canonical, from_canonical
from heyi.crypto.codec import from_json, to_fraction, to_json
from heyi.model.errors import InvalidInput
from heyi.model.party import Party, PartyKind, Tier


class Colour(Enum):
    RED = "red"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    colour: Colour
    day: dt.date
    part: Fraction
    names: tuple[str, ...]
    members: frozenset[str]
    counts: dict[str, int]
    inner: Sample | None = None


samples = st.builds(
    Sample,
    colour=st.just(Colour.RED),
    day=st.dates(),
    part=st.fractions(),
    names=st.lists(st.text(st.characters(exclude_categories=["Cs"]))).map(tuple),
    members=st.frozensets(st.text("abc", max_size=2)),
    counts=st.dictionaries(st.text("abc", max_size=2), st.integers(-(2**53) + 1, 2**53 - 1)),
)


@given(samples)
def test_a_round_trip_gives_the_same_value_and_the_same_bytes(value: Sample) -> None:
    written = to_json(value)
    assert from_json(written, Sample) == value
    assert from_json(from_canonical(canonical(written)), Sample) == value
    assert written["members"] == sorted(value.members)


PARTY = Party(
    id="clinic",
    kind=PartyKind.INSTITUTION,
    tier=Tier.VILLAGE,
    zh="卫生室",
    en="clinic",
    public_key="00" * 32,
    speaks_for=("ethics",),
)


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "hospital"},
        {"zh": 5},
        {"zh": ""},
        {"id": "Not An Id"},
        {"speaks_for": "ethics"},
        {"more": 1},
        {"zh": None},
    ],
    ids=repr,
)
def test_what_is_no_party_is_refused(change: dict[str, Json]) -> None:
    good = to_json(PARTY)
    assert from_json(good, Party) == PARTY
    with pytest.raises(InvalidInput):
        from_json({**good, **change}, Party)


@pytest.mark.parametrize("value", [None, [], "x", 1, True])
def test_another_kind_of_json_is_refused(value: Json) -> None:
    with pytest.raises(InvalidInput, match="is no party"):
        from_json(value, Party)


def test_a_missing_field_is_refused_also_where_it_has_a_default() -> None:
    good = to_json(PARTY)
    for name in good:
        with pytest.raises(InvalidInput):
            from_json({k: v for k, v in good.items() if k != name}, Party)


@given(st.fractions())
def test_the_text_of_a_fraction_is_the_fraction(value: Fraction) -> None:
    assert to_fraction(str(value), digits=4_000) == value


@pytest.mark.parametrize(
    ("text", "value"), [("-1/20", Fraction(-1, 20)), ("0.05", Fraction(1, 20))]
)
def test_decimals_and_signs_are_read(text: str, value: Fraction) -> None:
    assert to_fraction(text) == value


@pytest.mark.parametrize(
    "text",
    ["1e-99999999", "1e5", "1/0", "1/-2", "+1", " 1", "1_0", "１", "1/", ".5", "inf", "", 1, 0.5],
)
def test_a_fraction_in_another_form_is_refused_at_once(text: object) -> None:
    """`Fraction("1e-99999999")` computes for ever."""
    with pytest.raises(InvalidInput) as refused:
        to_fraction(text)
    assert refused.value.hint
    written = to_json(
        Sample(
            colour=Colour.RED,
            day=dt.date(2026, 1, 1),
            part=Fraction(1),
            names=(),
            members=frozenset(),
            counts={},
        )
    )
    with pytest.raises(InvalidInput, match="is no sample"):
        from_json({**written, "part": text}, Sample)


def test_a_long_fraction_is_refused() -> None:
    for text in ("1" * 41, "1/" + "1" * 41, "0." + "1" * 41, "9" * 1_000_000):
        with pytest.raises(InvalidInput, match="too long") as refused:
            to_fraction(text)
        assert len(refused.value.message) < 100


def test_what_has_no_form_is_refused() -> None:
    with pytest.raises(InvalidInput, match="cannot be written as JSON"):
        to_json(object())


def test_a_text_that_is_no_unicode_is_refused() -> None:
    party = Party(
        id="clinic",
        kind=PartyKind.INSTITUTION,
        tier=Tier.VILLAGE,
        zh="\ud800",
        en="clinic",
        public_key="00" * 32,
    )
    with pytest.raises(InvalidInput, match="cannot be written as JSON"):
        to_json(party)
