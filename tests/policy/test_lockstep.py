"""Two readings of the shipped rulebook agree; if one is tampered with, the answer is no."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from dataclasses import replace
from random import Random

import pytest

from heyi.model.decision import Effect, Outcome
from heyi.model.fact import Value
from heyi.policy.decide import DecisionPoint
from heyi.policy.decision_json import decision_to_json
from heyi.policy.engines.interpret import read
from heyi.policy.engines.to_python import PythonEngine
from heyi.policy.language import ir
from heyi.policy.language.schema import Admitted, to_ordinals
from heyi.policy.remedy import with_remedies

Facts = dict[str, Value]


def test_interpreter_and_generated_python_agree_on_8000_fact_sets(
    point: DecisionPoint,
    near: Callable[[Random], Facts],
    anything: Callable[[Random, float], Facts],
) -> None:
    rng, engine, outcomes = Random(3), PythonEngine(point.book), set()
    for n in range(8_000):
        facts = near(rng) if n % 2 else anything(rng, (0.0, 0.1, 0.3, 0.6, 0.9)[n // 2 % 5])
        known = to_ordinals(facts)
        one, other = read(point.book, known), engine.read(known)
        assert one == other, facts
        outcomes.add((one.outcome, one.curable))
    assert len(outcomes) == 5, "every outcome occurs"


def tampered(point: DecisionPoint, rule: ir.Rule) -> DecisionPoint:
    """A decision point whose generated engine was made from the opposite of one rule."""
    changed = replace(rule, applies=ir.Not(rule.applies))
    other = copy(point)  # a new one would generate an engine only to have it replaced
    other._engine = PythonEngine(
        replace(
            point.book, rules=tuple(changed if r.id == rule.id else r for r in point.book.rules)
        )
    )
    return other


@pytest.mark.parametrize("effect", list(Effect))
def test_a_negated_rule_raises_the_alarm(
    point: DecisionPoint, complete: dict[str, Facts], effect: Effect
) -> None:
    rules = [r for r in point.book.rules if r.effect is effect]
    assert rules
    for rule in rules:
        other = tampered(point, rule)
        for profile in ("treatment", "referral"):
            admitted = Admitted(known=complete[profile], rejected={})
            assert point.decide(admitted).outcome.is_permit
            decision = other.decide(admitted)
            assert (decision.outcome, decision.curable) == (Outcome.DENY, False)
            assert decision.alarm == f"two readings differ on {rule.id}"
            assert decision_to_json(decision)["alarm"] == decision.alarm
            assert with_remedies(other, decision, admitted).remedies == ()


def test_evidence_that_one_reading_takes_for_granted_raises_the_alarm(
    point: DecisionPoint, complete: dict[str, Facts]
) -> None:
    rules = tuple(replace(r, needs=ir.TRUE) if r.id == "PIPL-29.1" else r for r in point.book.rules)
    other = DecisionPoint(point.book)
    other._engine = PythonEngine(replace(point.book, rules=rules))
    without = Admitted(known={**complete["referral"], "consent.separate": False}, rejected={})
    assert point.decide(without).alarm is None
    assert other.decide(without).alarm == "two readings differ on PIPL-29.1"


def test_a_fold_that_differs_raises_the_alarm(
    point: DecisionPoint, complete: dict[str, Facts]
) -> None:
    other = DecisionPoint(point.book)
    honest = other._engine.read_masks
    other._engine.read_masks = lambda values: (*honest(values)[:4], 0)
    refused = Admitted(known={**complete["referral"], "consent.given": False}, rejected={})
    decision = other.decide(refused)
    assert (decision.outcome, decision.curable) == (Outcome.DENY, False)
    assert decision.alarm == "two readings differ on the outcome"
