"""Removing facts from a request that is not permitted never permits it: single facts, and pairs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import combinations
from random import Random

import pytest

from heyi.model.fact import Source, Stated, Value
from heyi.policy.decide import DecisionPoint
from heyi.policy.language.schema import LEGAL_DAY, admit

Facts = Mapping[str, Value]


@pytest.fixture(scope="module")
def refused(point: DecisionPoint, near: Callable[[Random], dict[str, Value]]) -> list[Facts]:
    """What is not permitted: worked cases, and 200 denials near complete profiles."""
    schema, found = point.book.schema, []
    for case in point.book.cases:
        stated = {
            name: Stated(
                value=schema.spec(name).check(value),
                source=Source[case.sources.get(name, "attested").upper()],
            )
            for name, value in case.given.items()
        }
        known = admit(schema, stated, day=case.at).known
        if not point.outcome(known)[0].is_permit:
            found.append(known)
    assert len(found) >= 100
    rng, denials = Random(1), 0
    while denials < 200:
        facts = near(rng)
        if point.outcome(facts)[0].value == "deny":
            found.append(facts)
            denials += 1
    return found


def test_no_single_fact_opens_by_its_absence(point: DecisionPoint, refused: list[Facts]) -> None:
    deletions, opened = 0, []
    for facts in refused:
        for name in facts:
            if name == LEGAL_DAY:
                continue
            deletions += 1
            outcome, _ = point.outcome({n: v for n, v in facts.items() if n != name})
            if outcome.is_permit:
                opened.append((name, dict(facts)))
    assert not opened, f"{len(opened)} of {deletions} deletions opened, the first {opened[0]}"
    assert deletions >= 5_000, f"only {deletions} deletions"


def test_no_pair_of_facts_opens_by_its_absence(point: DecisionPoint, refused: list[Facts]) -> None:
    rng, deletions = Random(2), 0
    for facts in rng.sample([f for f in refused if len(f) > 40], 40):  # enough for 200 pairs
        for pair in rng.sample(list(combinations(sorted(set(facts) - {LEGAL_DAY}), 2)), 200):
            deletions += 1
            outcome, _ = point.outcome({n: v for n, v in facts.items() if n not in pair})
            assert not outcome.is_permit, f"without {pair} after {deletions} deletions"
    assert deletions == 8_000


def test_what_is_permitted_can_close_by_absence(
    point: DecisionPoint, complete: dict[str, dict[str, Value]]
) -> None:
    """The counterpart: the deletions above are not without effect."""
    facts = complete["referral"]
    closed = {
        n
        for n in facts
        if not point.outcome({k: v for k, v in facts.items() if k != n})[0].is_permit
    }
    assert {"consent.withdrawn", "consent.separate", "evidence.contract", "data.personal"} <= closed
