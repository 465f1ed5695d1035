"""Remedies: the smallest lawful changes that would lift a denial, each tried on the engines before it is offered (L8).

Weighted MaxSAT: every fact would rather stay as it is, at a cost that tells who must act; the outcome must not be deny.
It is solved by implicit hitting sets in the manner of MaxHS (Davies and Bacchus 2011): the engine names what still
stands in the way, any solution must change one of the facts that this obstacle reads, and the cheapest combination is
tried next (A*, with the sum over obstacles that share no fact as its bound). The first combination that passes is
therefore the smallest; tests compare its cost with z3's MaxSAT.
"""

from __future__ import annotations

import heapq
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from heyi.model.decision import Decision, Effect, Outcome, Remedy, Step
from heyi.model.fact import Value
from heyi.policy.decide import DecisionPoint
from heyi.policy.engines.interpret import evaluate
from heyi.policy.engines.normal_form import Either, Every, Literal, Normal, negated, normal
from heyi.policy.language import ir
from heyi.policy.language.schema import LEGAL_DAY, Admitted, FactSpec, FactType, to_ordinals

MOST = 3
TRIES = 4_000
"""Combinations tried before the search gives up; a remedy that was found until then is still the smallest."""
FIXED = ("act.purpose", "data.", "subjects.", "recipient.", "requester.")
"""What a request is about: calling it something else is no remedy, though the facts may lawfully differ, and where it
is unknown nobody is told what to claim."""
LEGAL_BASIS = "basis.kind"
"""Consent may be sought where there is none; claiming another basis is no remedy."""
STEP = 10_000
"""One step more outweighs all differences in who must act."""
WEIGHTS = {
    "registry": 1,
    "requester": 1,
    "handler": 2,
    "recipient": 3,
    "subject": 4,
    "authority": 6,
}
ANOTHER_ACT = 8
"""To ask for another act or delivery, or to rest on another basis, rather than to bring what is missing."""

Changes = tuple[tuple[str, Value], ...]


def with_remedies(point: DecisionPoint, decision: Decision, admitted: Admitted) -> Decision:
    """The decision with up to three remedies, the smallest first; none where it is permitted or beyond cure."""
    if decision.outcome is not Outcome.DENY or not decision.curable or decision.alarm:
        return decision
    search = Search(point, admitted.known, admitted.rejected)
    remedies = []
    for changes in search.smallest():
        after = point.decide(Admitted(known={**admitted.known, **dict(changes)}, rejected={}))
        if after.alarm or after.outcome is Outcome.DENY:  # the engines have the last word
            continue
        remedies.append(
            Remedy(steps=tuple(search.step(n, v) for n, v in changes), promises=after.outcome)
        )
        if len(remedies) == MOST:
            break
    return replace(decision, remedies=tuple(remedies))


@dataclass(frozen=True, slots=True)
class Obstacle:
    """What stands in the way where `goal` is not known to hold: a red line, evidence, a refusal, a lacking ground."""

    goal: Normal


class Search:
    """The cheapest changes of `start` that lead away from deny."""

    def __init__(
        self, point: DecisionPoint, start: Mapping[str, Value], rejected: Container[str] = ()
    ) -> None:
        """`rejected` are facts that were stated and do not count: nobody may be told to state the contrary of them,
        unless somebody may change them."""
        self.point = point
        self.book = point.book
        self.schema = point.book.schema
        self.start = dict(start)
        self.rejected = rejected

    def smallest(self) -> Iterator[Changes]:
        """Changes that lift the denial, cheapest first; none contains another."""
        found: list[frozenset[tuple[str, Value]]] = []
        seen: set[frozenset[tuple[str, Value]]] = set()
        queue: list[tuple[int, list[tuple[str, str]], Changes]] = [(0, [], ())]
        for _ in range(TRIES):
            if not queue:
                return
            _bound, _order, changes = heapq.heappop(queue)
            made = frozenset(changes)
            if made in seen or any(smaller <= made for smaller in found):
                continue
            seen.add(made)
            facts = {**self.start, **dict(changes)}
            if self.point.outcome(facts)[0] is not Outcome.DENY:
                found.append(made)
                yield changes
                continue
            known = to_ordinals(facts)
            frozen = {name for name, _ in changes}
            choices = [
                self.ways(o, known, frozen) for o in self.obstacles if not _certain(o.goal, known)
            ]
            if not all(choices):
                continue  # something stands in the way that nobody may change
            cost = sum(self.cost(name) for name, _ in changes)
            for name, value in min(choices, key=len):
                wider = tuple(sorted((*changes, (name, value)), key=lambda c: (c[0], str(c[1]))))
                rest = [c for c in choices if all(n != name for n, _ in c)]
                bound = cost + self.cost(name) + self.at_least(rest)
                heapq.heappush(queue, (bound, [(n, str(v)) for n, v in wider], wider))

    @cached_property
    def obstacles(self) -> list[Obstacle]:
        """What can lead to a denial: each red line, require and review, and each track of a jurisdiction."""
        found = []
        for rule in self.book.rules:
            away = negated(normal(rule.applies))
            if rule.effect is Effect.FORBID:
                found.append(Obstacle(away))
            elif rule.effect is Effect.REQUIRE:
                found.append(Obstacle(Either((away, normal(rule.needs)))))
            elif rule.effect is Effect.REVIEW:
                found.append(Obstacle(Either((away, _not_refused(rule)))))
        for track in self.book.tracks:
            for jurisdiction in self.book.jurisdictions:
                grounds = [
                    normal(r.applies)
                    if r.effect is Effect.GROUND
                    else Every((normal(r.applies), _not_refused(r)))
                    for r in self.book.rules
                    if r.track == track.id and r.article.jurisdiction == jurisdiction
                ]
                found.append(Obstacle(Either((negated(normal(track.opens)), *grounds))))
        return found

    def ways(
        self, obstacle: Obstacle, known: ir.Known, frozen: set[str]
    ) -> list[tuple[str, Value]]:
        """Single changes that make a part of the goal known to hold: a solution contains one of them."""
        found: dict[tuple[str, Value], None] = {}
        for literal in _literals(obstacle.goal):
            if _certain(literal, known):
                continue
            for name in ir.facts_read(literal.atom):
                if name in frozen or not self.changeable(name):
                    continue
                for value in self.values[name]:
                    if value != self.start.get(name) and _certain(
                        literal, {**known, **to_ordinals({name: value})}
                    ):
                        found[name, value] = None
        return list(found)

    def changeable(self, name: str) -> bool:
        if (
            name == LEGAL_DAY
            or name.startswith(FIXED)
            or (name == LEGAL_BASIS and name not in self.start)
        ):
            return False
        return bool(self.schema.facts[name].changed_by) or (
            name not in self.start and name not in self.rejected
        )

    def cost(self, name: str) -> int:
        """Of changing a fact, or of learning one that is unknown."""
        if name not in self.start:
            return STEP
        who = min((WEIGHTS[party] for party in self.schema.facts[name].changed_by), default=0)
        return STEP + who + (ANOTHER_ACT if name.startswith(("act.", "basis.")) else 0)

    def at_least(self, choices: list[list[tuple[str, Value]]]) -> int:
        """A lower bound of what it costs to overcome obstacles: those that share no fact add up."""
        total, taken = 0, set[str]()
        for choice in sorted(choices, key=len):
            names = {name for name, _ in choice}
            if not names & taken:
                taken |= names
                total += min(self.cost(name) for name in names)
        return total

    @cached_property
    def values(self) -> dict[str, list[Value]]:
        """Values worth trying for each fact, one for each way in which conditions can tell values apart."""
        bounds: dict[str, set[int]] = {}
        for obstacle in self.obstacles:
            for literal in _literals(obstacle.goal):
                for name, value in _bounds(literal.atom):
                    bounds.setdefault(name, set()).add(value)
        return {
            n: self.worth_trying(s, bounds.get(n, set()))
            for n, s in self.schema.facts.items()
            if not s.derived
        }

    def worth_trying(self, spec: FactSpec, bounds: set[int]) -> list[Value]:
        match spec.type:
            case FactType.BOOL:
                return [False, True]
            case FactType.ENUM:
                return [
                    v
                    for v in spec.values
                    if spec.id != LEGAL_BASIS or v == "consent" or spec.id not in self.start
                ]
            case FactType.SET:
                return [frozenset(), *(frozenset({v}) for v in spec.values)]
            case FactType.INT:
                near = {spec.minimum, spec.maximum} | {b + d for b in bounds for d in (-1, 0, 1)}
                return sorted(n for n in near if spec.minimum <= n <= spec.maximum)
            case FactType.DATE:
                return []

    def step(self, name: str, value: Value) -> Step:
        spec = self.schema.facts[name]
        text = ", ".join(sorted(value)) if isinstance(value, frozenset) else str(value)
        return Step(
            fact=name,
            value=text.lower() if isinstance(value, bool) else text,
            who=spec.changed_by or (spec.source.label,),
        )


def _not_refused(review: ir.Rule) -> Normal:
    """Its approval is not known to be refused: an unknown one counts as not given yet."""
    return Literal(ir.Member(ir.Fact(review.approval), ("refused",)), False)


def _literals(form: Normal) -> Iterator[Literal]:
    if isinstance(form, Literal):
        yield form
    else:
        for part in form.of:
            yield from _literals(part)


def _certain(form: Normal, known: ir.Known) -> bool:
    match form:
        case Literal(ir.Member(fact, ("refused",)), False) if fact.name not in known:
            return True  # F5: an unknown approval is not refused
        case Literal(atom, holds):
            return evaluate(atom, known) is holds
        case Every(of):
            return all(_certain(part, known) for part in of)
        case Either(of):
            return any(_certain(part, known) for part in of)


def _bounds(atom: ir.Condition) -> Iterator[tuple[str, int]]:
    match atom:
        case ir.Compare(_, ir.Fact(name), ir.FixedValue(value)):
            yield name, int(value)
        case ir.Member(fact, values):
            yield from ((fact.name, v) for v in values if isinstance(v, int))
