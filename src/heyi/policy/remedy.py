"""Remedies: lawful changes that would permit a request, each tried on the engine before it is offered (law L8).

The search is constructive: make the `needs` of unmet requires true, answer what is unknown and matters, and, where a
track lacks a ground, try each ground in turn; then decide again. Only facts that somebody may lawfully change, or
that are yet to be learned, are touched.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from heyi.model.decision import Decision, Effect, Outcome, Remedy, Step
from heyi.model.fact import Value
from heyi.policy import ir
from heyi.policy.decide import DecisionPoint
from heyi.policy.facts import LEGAL_DAY, Admitted, FactSpec, FactType, to_ordinals
from heyi.policy.interpret import evaluate, undetermining

MOST = 3
FIXED = ("act.purpose", "data.", "subjects.", "recipient.", "requester.")
"""What a request is about: calling it something else is no remedy, though the facts may lawfully differ."""
LEGAL_BASIS = "basis.kind"
"""Consent may be sought where there is none; claiming another basis is no remedy."""
ROUNDS = 6


def with_remedies(point: DecisionPoint, decision: Decision, admitted: Admitted) -> Decision:
    """The decision with up to three remedies, the shortest first; none where it is permitted or beyond cure."""
    if decision.outcome is not Outcome.DENY or not decision.curable or decision.alarm:
        return decision
    search = _Search(point, admitted)
    found: dict[tuple[Step, ...], Remedy] = {}
    for ground in (None, *search.grounds()):
        remedy = search.remedy(ground)
        if remedy is not None and search.holds(remedy):
            found.setdefault(remedy.steps, remedy)
    shortest = sorted(found.values(), key=_cost)
    return replace(decision, remedies=tuple(shortest[:MOST]))


def _cost(remedy: Remedy) -> tuple[int, int, list[str]]:
    """Fewest steps first; among equals, evidence and answers before another legal basis or other data."""
    heavy = sum(s.fact.startswith(("basis.", "data.", "act.")) for s in remedy.steps)
    return len(remedy.steps), heavy, [s.fact for s in remedy.steps]


class _Search:
    def __init__(self, point: DecisionPoint, admitted: Admitted) -> None:
        self.point = point
        self.book = point.book
        self.start = dict(admitted.known)
        self.last = self.start

    def grounds(self) -> Iterator[ir.Rule]:
        """Grounds of tracks that are open and lack one."""
        known = to_ordinals(self.start)
        for track in self.book.tracks:
            grounds = [r for r in self.book.rules if r.track == track.id]
            if evaluate(track.opens, known) is False or any(evaluate(r.applies, known) is True for r in grounds):
                continue
            yield from (r for r in grounds if r.effect is Effect.GROUND)

    def remedy(self, ground: ir.Rule | None) -> Remedy | None:
        """Changes that lead from the facts as they are to something other than deny, or None."""
        facts = dict(self.start)
        if ground is not None and not self.make(ground.applies, True, facts):
            return None
        for _ in range(ROUNDS):
            outcome, _curable = self.point.outcome(facts)
            if outcome is not Outcome.DENY:
                outcome = self.without_idle_changes(facts)
                self.last = facts
                steps = tuple(self.step(n, v) for n, v in sorted(facts.items()) if self.start.get(n) != v)
                return Remedy(steps=steps, promises=outcome)
            if not self.advance(facts):
                return None
        return None

    def holds(self, remedy: Remedy) -> bool:
        """Whether both readings in lockstep give what the remedy promises."""
        decision = self.point.decide(Admitted(known=self.last, rejected={}))
        return decision.alarm is None and decision.outcome is remedy.promises

    def without_idle_changes(self, facts: dict[str, Value]) -> Outcome:
        """Take back each change that is not needed for the answer; return the answer that remains."""
        outcome, _ = self.point.outcome(facts)
        for name in sorted(n for n, v in facts.items() if self.start.get(n) != v):
            trial = {n: v for n, v in facts.items() if n != name} | (
                {name: self.start[name]} if name in self.start else {}
            )
            again, _ = self.point.outcome(trial)
            if again is not Outcome.DENY:
                facts.clear()
                facts.update(trial)
                outcome = again
        return outcome

    def advance(self, facts: dict[str, Value]) -> bool:
        """Meet what is unmet and settle what is unknown; false when nothing more can be done."""
        known = to_ordinals(facts)
        changed = False
        for rule in self.book.rules:
            truth = evaluate(rule.applies, known)
            if truth is False:
                continue
            if rule.effect is Effect.REQUIRE and evaluate(rule.needs, known) is not True:
                changed |= self.make(rule.needs, True, facts)
            elif rule.effect is Effect.FORBID and truth is None:
                changed |= self.settle(rule.applies, facts)
            known = to_ordinals(facts)
        for track in self.book.tracks:
            if evaluate(track.opens, known) is None:
                changed |= self.settle(track.opens, facts)
        return changed

    def settle(self, condition: ir.Condition, facts: dict[str, Value]) -> bool:
        """Answer one unknown fact so that an undetermined condition becomes false."""
        for name in dict.fromkeys(undetermining(condition, to_ordinals(facts))):
            for value in _answers(self.book.schema.facts[name]):
                trial = {**facts, name: value}
                if evaluate(condition, to_ordinals(trial)) is False:
                    facts[name] = value
                    return True
        return False

    def make(self, condition: ir.Condition, wanted: bool, facts: dict[str, Value]) -> bool:
        """Change facts until `condition` is `wanted`; false, and nothing changed, where it cannot be."""
        trial = dict(facts)
        if not self.force(condition, wanted, trial) or evaluate(condition, to_ordinals(trial)) is not wanted:
            return False
        facts.update(trial)
        return True

    def force(self, condition: ir.Condition, wanted: bool, facts: dict[str, Value]) -> bool:
        if evaluate(condition, to_ordinals(facts)) is wanted:
            return True
        match condition:
            case ir.Not(of):
                return self.force(of, not wanted, facts)
            case ir.All(of) | ir.Some(of):
                if isinstance(condition, ir.All) is wanted:
                    return all(self.force(part, wanted, facts) for part in of)
                return any(self.make(part, wanted, facts) for part in of)
            case _:
                return any(
                    self.changeable(name, facts) and self.set_one(condition, wanted, name, facts)
                    for name in ir.facts_read(condition)
                )

    def set_one(self, condition: ir.Condition, wanted: bool, name: str, facts: dict[str, Value]) -> bool:
        for value in _answers(self.book.schema.facts[name], condition):
            if name == LEGAL_BASIS and name in self.start and value != "consent":
                continue
            if evaluate(condition, to_ordinals({**facts, name: value})) is wanted:
                facts[name] = value
                return True
        return False

    def changeable(self, name: str, facts: Mapping[str, Value]) -> bool:
        if name == LEGAL_DAY or (name in self.start and name.startswith(FIXED)):
            return False
        return bool(self.book.schema.facts[name].changed_by) or name not in facts

    def step(self, name: str, value: Value) -> Step:
        spec = self.book.schema.facts[name]
        text = ", ".join(sorted(value)) if isinstance(value, frozenset) else str(value)
        return Step(
            fact=name,
            value=text.lower() if isinstance(value, bool) else text,
            who=spec.changed_by or (spec.source.label,),
        )


def _answers(spec: FactSpec, condition: ir.Condition | None = None) -> Iterator[Value]:
    """Values worth trying, the harmless ones first; numbers next to the literals of the condition."""
    match spec.type:
        case FactType.BOOL:
            yield from (False, True)
        case FactType.ENUM:
            yield from spec.values
        case FactType.SET:
            yield frozenset()
            yield from (frozenset({v}) for v in spec.values)
        case FactType.INT:
            numbers = {spec.minimum, spec.maximum}
            if isinstance(condition, ir.Compare):
                for term in (condition.left, condition.right):
                    if isinstance(term, ir.Literal) and isinstance(term.value, int):
                        numbers |= {term.value - 1, term.value, term.value + 1}
            yield from sorted(n for n in numbers if spec.minimum <= n <= spec.maximum)
        case FactType.DATE:
            return
