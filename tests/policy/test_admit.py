"""Admission: what counts as known, and why what does not (docs/spec/decision.md, F1 to F4)."""

from __future__ import annotations

import datetime as dt

import pytest

from heyi.model.errors import InvalidInput
from heyi.model.fact import Source, Stated, Value
from heyi.policy.decide import DecisionPoint
from heyi.policy.language.schema import Schema, admit

DAY = dt.date(2026, 12, 1)


def one(
    schema: Schema,
    name: str,
    value: object,
    source: Source = Source.ATTESTED,
    until: dt.date | None = None,
) -> tuple[dict[str, Value], dict[str, str]]:
    admitted = admit(schema, {name: Stated(value=value, source=source, until=until)}, day=DAY)  # type: ignore[arg-type]
    assert admitted.day == DAY
    return {n: v for n, v in admitted.known.items() if n != "legal_day"}, dict(admitted.rejected)


@pytest.mark.parametrize("source", list(Source))
def test_a_source_counts_from_the_weakest_that_the_schema_names(
    schema: Schema, source: Source
) -> None:
    known, rejected = one(schema, "consent.given", True, source)
    if source >= Source.REGISTRY:
        assert (known, rejected) == ({"consent.given": True}, {})
    else:
        assert (known, rejected) == (
            {},
            {"consent.given": f"{source.label} is weaker than registry"},
        )


def test_the_answer_says_why_a_fact_from_a_weak_source_is_unknown(
    point: DecisionPoint, complete: dict[str, dict[str, Value]]
) -> None:
    stated = {
        n: Stated(value=v, source=Source.ATTESTED)
        for n, v in complete["referral"].items()
        if n != "legal_day"
    }
    stated["consent.withdrawn"] = Stated(value=False, source=Source.DECLARED)
    decision = point.decide_stated(stated, day=DAY)
    assert decision.unknown == {"consent.withdrawn": "declared is weaker than registry"}
    assert decision.outcome.value == "deny" and decision.curable


@pytest.mark.parametrize(
    ("until", "counts"),
    [(DAY - dt.timedelta(days=1), False), (DAY, True), (DAY + dt.timedelta(days=1), True)],
)
def test_the_last_day_of_an_attestation_is_inside(
    schema: Schema, until: dt.date, counts: bool
) -> None:
    known, rejected = one(schema, "data.anonymised", True, until=until)
    assert known == ({"data.anonymised": True} if counts else {})
    assert rejected == ({} if counts else {"data.anonymised": "expired on 2026-11-30"})


@pytest.mark.parametrize(
    ("name", "value", "message", "hint"),
    [
        ("data.sensitive", True, "`data.sensitive` is derived", "data.personal &&"),
        ("consent.gven", True, "unknown fact `consent.gven`", "did you mean `consent.given`?"),
        ("subjects.min_age", 151, "`subjects.min_age` is 151, outside 0 to 150", "completed years"),
        ("subjects.min_age", -1, "outside 0 to 150", "completed years"),
        ("subjects.min_age", True, "`subjects.min_age` is `True`", "a whole number from 0 to 150"),
        ("subjects.min_age", 3.5, "`subjects.min_age` is `3.5`", "a whole number from 0 to 150"),
        ("act.action", "acess", "`acess` is not a value of `act.action`", "did you mean `access`?"),
        ("act.action", None, "`act.action` is `None`", "one of access, compute"),
        ("consent.given", "true", "`consent.given` is `true`", "give true or false"),
        ("consent.given", 1, "`consent.given` is `1`", "give true or false"),
        ("data.special", ["hiv", "flu"], "`flu` is not a value of `data.special`", ""),
        ("data.special", "hiv", "`data.special` is `hiv`", "a list of hiv"),
        ("legal_day", "yesterday", "`legal_day` is `yesterday`", "YYYY-MM-DD"),
    ],
)
def test_what_is_no_value_of_a_fact_is_refused(
    schema: Schema, name: str, value: object, message: str, hint: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        one(schema, name, value)
    assert message in caught.value.message
    assert hint in caught.value.hint


@pytest.mark.parametrize("value", [[["hiv"]], [{"hiv": True}], [None], [1]])
def test_members_of_a_set_that_are_no_words_are_refused(schema: Schema, value: object) -> None:
    with pytest.raises(InvalidInput):
        one(schema, "data.special", value)


def test_a_value_is_checked_even_where_its_source_is_too_weak(schema: Schema) -> None:
    with pytest.raises(InvalidInput):
        one(schema, "subjects.min_age", 151, Source.DECLARED)


def test_the_legal_day_is_that_of_the_question(schema: Schema) -> None:
    # `one` has checked that the day is still that of the question
    assert one(schema, "legal_day", dt.date(2001, 1, 1)) == ({}, {})
