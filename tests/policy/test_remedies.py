"""Law L8: a remedy, carried out, gives what it promised, and changes only what may be changed."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import pytest

from heyi.model.decision import Decision, Outcome, Remedy, Step
from heyi.model.fact import Source, Stated, Value
from heyi.policy.decide import DecisionPoint
from heyi.policy.language.schema import LEGAL_DAY, Admitted, FactType, Schema, admit
from heyi.policy.remedy import MOST, with_remedies

Facts = dict[str, Value]
SHARE_PERCENT = 80  # of the curable denials, at least so many are offered a remedy


def value_of(schema: Schema, step: Step) -> Value:
    """What a step's text says, as a value of its fact."""
    spec = schema.facts[step.fact]
    match spec.type:
        case FactType.BOOL:
            return spec.check({"true": True, "false": False}[step.value])
        case FactType.INT:
            return spec.check(int(step.value))
        case FactType.SET:
            return spec.check([v for v in step.value.split(", ") if v])
        case _:
            return spec.check(step.value)


@pytest.fixture(scope="module")
def curable(point: DecisionPoint, near: Callable[[Random], Facts]) -> list[Facts]:
    """The curable denials among the worked cases, and 300 near complete profiles."""
    schema, found = point.book.schema, []
    for case in point.book.cases:
        stated = {
            n: Stated(
                value=schema.spec(n).check(v),
                source=Source[case.sources.get(n, "attested").upper()],
            )
            for n, v in case.given.items()
        }
        found.append(dict(admit(schema, stated, day=case.at).known))
    found = [f for f in found if point.outcome(f) == (Outcome.DENY, True)]
    assert len(found) >= 50
    rng, drawn = Random(8), 0
    while drawn < 300:
        facts = near(rng)
        if point.outcome(facts) == (Outcome.DENY, True):
            found.append(facts)
            drawn += 1
    return found


def remedied(point: DecisionPoint, facts: Facts) -> Decision:
    admitted = Admitted(known=facts, rejected={})
    return with_remedies(point, point.decide(admitted), admitted)


@pytest.fixture(scope="module")
def searched(point: DecisionPoint, curable: list[Facts]) -> list[tuple[Facts, tuple[Remedy, ...]]]:
    """The remedies of each curable denial: searched once, since a search is slow."""
    return [(facts, remedied(point, facts).remedies) for facts in curable]


def test_l8_a_remedy_gives_what_it_promised(
    point: DecisionPoint,
    searched: list[tuple[Facts, tuple[Remedy, ...]]],
    decide: Callable[[Facts], Decision],
) -> None:
    schema, offered = point.book.schema, 0
    for facts, remedies in searched:
        offered += bool(remedies)
        assert len(remedies) <= MOST
        assert len({r.steps for r in remedies}) == len(remedies)
        for remedy in remedies:
            assert remedy.steps and remedy.promises is not Outcome.DENY
            after = dict(facts)
            for step in remedy.steps:
                spec = schema.facts[step.fact]
                assert step.fact != LEGAL_DAY
                assert spec.changed_by or step.fact not in facts, f"nobody may change {step.fact}"
                assert step.who == (spec.changed_by or (spec.source.label,))
                after[step.fact] = value_of(schema, step)
                assert after[step.fact] != facts.get(step.fact), f"{step.fact} stays as it is"
            assert decide(after).outcome is remedy.promises
    assert 100 * offered >= SHARE_PERCENT * len(searched), (
        f"{offered} of {len(searched)} curable denials have a remedy"
    )


def test_no_step_of_a_remedy_is_idle(
    point: DecisionPoint, searched: list[tuple[Facts, tuple[Remedy, ...]]]
) -> None:
    """The smallest changes are promised: without any one of its steps a remedy leaves a denial."""
    schema, idle = point.book.schema, []
    for facts, remedies in searched:
        for remedy in remedies:
            for left_out in remedy.steps:
                after = {
                    **facts,
                    **{s.fact: value_of(schema, s) for s in remedy.steps if s is not left_out},
                }
                if point.outcome(after)[0] is not Outcome.DENY:
                    idle.append((left_out.fact, [s.fact for s in remedy.steps]))
    assert not idle, f"{len(idle)} idle steps, the first: {idle[0]}"


def test_none_is_offered_where_none_is_needed_or_possible(
    point: DecisionPoint, near: Callable[[Random], Facts], curable: list[Facts]
) -> None:
    rng, seen = Random(9), set()
    for _ in range(600):
        facts = near(rng)
        decision = remedied(point, facts)
        if (decision.outcome, decision.curable) != (Outcome.DENY, True):
            seen.add((decision.outcome, decision.curable))
            assert decision.remedies == ()
    assert (Outcome.DENY, False) in seen and (Outcome.PERMIT, False) in seen


def test_the_shortest_remedy_stands_first(
    searched: list[tuple[Facts, tuple[Remedy, ...]]],
) -> None:
    lengths = [[len(r.steps) for r in remedies] for _, remedies in searched]
    assert all(ls == sorted(ls) for ls in lengths)
    assert any(len(ls) > 1 for ls in lengths)


def test_the_remedy_of_a_missing_separate_consent_is_that_consent(
    point: DecisionPoint, complete: dict[str, Facts]
) -> None:
    remedies = remedied(point, {**complete["referral"], "consent.separate": False}).remedies
    assert remedies[0].steps == (
        Step(fact="consent.separate", value="true", who=("handler", "subject")),
    )
    assert remedies[0].promises is Outcome.PERMIT_WITH_OBLIGATIONS
