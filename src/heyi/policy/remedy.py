"""Remedies: the smallest lawful changes that would lift a denial, each tried on the engines (L8).

This is weighted MaxSAT. Hard clause: the outcome is not deny. Soft clauses: each fact stays as it
is, weighted by who would have to change it. The search uses implicit hitting sets, as MaxHS does:

(1) Take the cheapest set of changes that has not been tried, and ask the engine for the outcome.
(2) If it is still deny, find the obstacles: rules and tracks that still lead to a denial.
(3) Every solution changes a fact that an obstacle reads. Extend the set by each of these changes.

It is an A* search. Its bound adds up the cheapest changes for obstacles that share no fact, and so
never exceeds the true cost. Therefore the first set that passes is the smallest. Tests compare its
cost with z3's MaxSAT.

Example: a denial because consent is missing gives `consent.given -> true (the patient)`.

Source: J. Davies and F. Bacchus, Solving MAXSAT by solving a sequence of simpler SAT instances,
CP 2011.
"""

from __future__ import annotations

import heapq
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from weakref import WeakKeyDictionary

from heyi.model.decision import Decision, Effect, Outcome, Remedy, Step
from heyi.model.fact import Value
from heyi.policy.decide import DecisionPoint
from heyi.policy.engines.interpret import evaluate
from heyi.policy.engines.normal_form import Either, Every, Literal, Normal, negated, normal
from heyi.policy.language import ir
from heyi.policy.language.schema import LEGAL_DAY, Admitted, FactSpec, FactType, to_ordinals

MOST = 3
"""Remedies offered at most."""
TRIES = 4_000
"""Sets of changes tried before the search gives up; remedies found until then are the smallest."""
FIXED = ("act.purpose", "data.", "subjects.", "recipient.", "requester.")
"""Facts that say what a request is about. To state them differently is no remedy, known or not."""
LEGAL_BASIS = "basis.kind"
"""A remedy may seek consent; it never claims another legal basis."""
STEP = 10_000
"""Cost of one change: one change more outweighs all differences in who must act."""
WEIGHTS = {
    "registry": 1,
    "requester": 1,
    "handler": 2,
    "recipient": 3,
    "subject": 4,
    "authority": 6,
}
"""Cost by who must act: the easier for the requester, the less."""
ANOTHER_ACT = 8
"""Cost of asking for another act, delivery or basis; to bring what is missing is better."""

Changes = tuple[tuple[str, Value], ...]


def with_remedies(point: DecisionPoint, decision: Decision, admitted: Admitted) -> Decision:
    """The decision with up to three remedies, the smallest first.

    There are none where the request is permitted or its denial is beyond cure.
    """
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
    """A rule or track that leads to a denial unless `goal` is known to hold.

    `reads` are the facts of the goal: no other fact changes whether it holds.
    """

    goal: Normal
    reads: frozenset[str]


def obstacle(goal: Normal) -> Obstacle:
    return Obstacle(
        goal, frozenset(n for part in _literals(goal) for n in ir.facts_read(part.atom))
    )


class Search:
    """The search for the cheapest changes of the facts `start` that lift a denial."""

    def __init__(
        self, point: DecisionPoint, start: Mapping[str, Value], rejected: Container[str] = ()
    ) -> None:
        """`rejected` are facts that were stated but do not count.

        They look unknown. Nevertheless no remedy states them, unless somebody may change them.
        """
        self.point = point
        self.book = point.book
        self.schema = point.book.schema
        self.start = dict(start)
        self.rejected = rejected
        self._known = to_ordinals(self.start)
        self._answered: dict[tuple[int, Changes], list[tuple[str, Value]] | None] = {}

    def smallest(self) -> Iterator[Changes]:
        """Sets of changes that lift the denial, cheapest first; none contains another."""
        found: list[frozenset[tuple[str, Value]]] = []
        seen: set[frozenset[tuple[str, Value]]] = set()
        # bound, the changes as text (equal bounds must not compare values of two types), changes
        queue: list[tuple[int, list[tuple[str, str]], Changes]] = [(0, [], ())]
        for _ in range(TRIES):
            if not queue:
                return
            _bound, _order, changes = heapq.heappop(queue)
            made = frozenset(changes)
            # reached before by other steps, or more than a remedy that was found
            if made in seen or any(smaller <= made for smaller in found):
                continue
            seen.add(made)
            facts = {**self.start, **dict(changes)}
            if self.point.outcome(facts)[0] is not Outcome.DENY:
                found.append(made)
                yield changes
                continue
            choices = list(self.choices(changes))
            if not all(choices):
                continue  # nobody may change what this obstacle reads
            cost = sum(self.cost(name) for name, _ in changes)
            # every solution meets every obstacle, so one is enough: that with the fewest ways
            for name, value in min(choices, key=len):
                wider = tuple(sorted((*changes, (name, value)), key=lambda c: (c[0], str(c[1]))))
                rest = [c for c in choices if all(n != name for n, _ in c)]
                bound = cost + self.cost(name) + self.at_least(rest)
                heapq.heappush(queue, (bound, [(n, str(v)) for n, v in wider], wider))

    def choices(self, changes: Changes) -> Iterator[list[tuple[str, Value]]]:
        """The ways to remove each obstacle that is left after these changes."""
        touched = {name for name, _ in changes}
        for n, o in enumerate(self.obstacles):
            # Only changes of facts that an obstacle reads matter to it. They are few, so that the
            # same question comes back for many sets of changes and is answered once.
            apart = o.reads.isdisjoint(touched)
            relevant = () if apart else tuple(c for c in changes if c[0] in o.reads)
            if (n, relevant) not in self._answered:
                known = {**self._known, **to_ordinals(dict(relevant))}
                frozen = {name for name, _ in relevant}
                left = None if _certain(o.goal, known) else self.ways(o, known, frozen)
                self._answered[n, relevant] = left
            choice = self._answered[n, relevant]
            if choice is not None:
                yield choice

    @property
    def obstacles(self) -> list[Obstacle]:
        """One for each forbid, require and review, and one for each track in each jurisdiction."""
        if self.point not in _OBSTACLES:
            _OBSTACLES[self.point] = list(_obstacles(self.book))
        return _OBSTACLES[self.point]

    def ways(
        self, obstacle: Obstacle, known: ir.Known, frozen: set[str]
    ) -> list[tuple[str, Value]]:
        """Single changes that make some literal of the goal certain; a solution contains one.

        Facts in `frozen` have been changed already.
        """
        found: dict[tuple[str, Value], None] = {}
        for literal in _literals(obstacle.goal):
            if _certain(literal, known):
                continue
            for name in ir.facts_read(literal.atom):
                # a fact changes once: another value for it is another set of changes
                if name in frozen or not self.changeable(name):
                    continue
                for value in self.values[name]:
                    if value != self.start.get(name) and _certain(
                        literal, {**known, **to_ordinals({name: value})}
                    ):
                        found[name, value] = None
        return list(found)

    def changeable(self, name: str) -> bool:
        """Whether a remedy may change a fact, or state it where it is unknown."""
        unclaimed = name == LEGAL_BASIS and name not in self.start
        if name == LEGAL_DAY or name.startswith(FIXED) or unclaimed:
            return False
        unknown = name not in self.start and name not in self.rejected
        return unknown or bool(self.schema.facts[name].changed_by)

    def cost(self, name: str) -> int:
        """The cost of changing a fact, or of stating one that is unknown."""
        if name not in self.start:
            return STEP
        who = min((WEIGHTS[party] for party in self.schema.facts[name].changed_by), default=0)
        return STEP + who + (ANOTHER_ACT if name.startswith(("act.", "basis.")) else 0)

    def at_least(self, choices: list[list[tuple[str, Value]]]) -> int:
        """A lower bound of the cost to remove obstacles, given the ways to remove each of them.

        Obstacles without a common fact need separate changes, so their cheapest ways add up.
        """
        total, taken = 0, set[str]()
        for choice in sorted(choices, key=len):
            names = {name for name, _ in choice}
            if not names & taken:
                taken |= names
                total += min(self.cost(name) for name in names)
        return total

    @cached_property
    def values(self) -> dict[str, list[Value]]:
        """Values to try for each fact: at least one of each kind that conditions distinguish."""
        if self.point not in _COMPARED:
            _COMPARED[self.point] = _compared(self.obstacles)
        bounds = _COMPARED[self.point]
        return {
            n: self.worth_trying(s, bounds.get(n, set()))
            for n, s in self.schema.facts.items()
            if not s.derived
        }

    def worth_trying(self, spec: FactSpec, bounds: set[int]) -> list[Value]:
        """`bounds` are the numbers with which conditions compare the fact."""
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
                low, high = spec.bounds
                near = {low, high} | {b + d for b in bounds for d in (-1, 0, 1)}
                return sorted(n for n in near if low <= n <= high)
            case FactType.DATE:
                return []

    def step(self, name: str, value: Value) -> Step:
        """A change as a step of a remedy, with those who may make it."""
        spec = self.schema.facts[name]
        text = ", ".join(sorted(value)) if isinstance(value, frozenset) else str(value)
        return Step(
            fact=name,
            value=text.lower() if isinstance(value, bool) else text,
            who=spec.changed_by or (spec.source.label,),
        )


_OBSTACLES: WeakKeyDictionary[DecisionPoint, list[Obstacle]] = WeakKeyDictionary()
_COMPARED: WeakKeyDictionary[DecisionPoint, dict[str, set[int]]] = WeakKeyDictionary()
"""What follows from the rulebook alone, kept as long as its decision point is."""


def _obstacles(book: ir.Rulebook) -> Iterator[Obstacle]:
    for rule in book.rules:
        away = negated(normal(rule.applies))
        if rule.effect is Effect.FORBID:
            yield obstacle(away)
        elif rule.effect is Effect.REQUIRE:
            yield obstacle(Either((away, normal(rule.needs))))
        elif rule.effect is Effect.REVIEW:
            yield obstacle(Either((away, _not_refused(rule))))
    for track in book.tracks:
        for jurisdiction in book.jurisdictions:
            grounds = [
                normal(r.applies)
                if r.effect is Effect.GROUND
                else Every((normal(r.applies), _not_refused(r)))
                for r in book.rules
                if r.track == track.id and r.article.jurisdiction == jurisdiction
            ]
            yield obstacle(Either((negated(normal(track.opens)), *grounds)))


def _compared(obstacles: Sequence[Obstacle]) -> dict[str, set[int]]:
    """The numbers with which conditions compare each fact."""
    bounds: dict[str, set[int]] = {}
    for o in obstacles:
        for literal in _literals(o.goal):
            for name, value in _bounds(literal.atom):
                bounds.setdefault(name, set()).add(value)
    return bounds


def _not_refused(review: ir.Rule) -> Normal:
    """The approval of a review is not refused; `_certain` says so of an unknown one too."""
    return Literal(ir.Member(ir.Fact(review.approval), ("refused",)), False)


def _literals(form: Normal) -> Iterator[Literal]:
    """All literals of a form, with repetitions."""
    if isinstance(form, Literal):
        yield form
    else:
        for part in form.of:
            yield from _literals(part)


def _certain(form: Normal, known: ir.Known) -> bool:
    """Whether a form is known to hold."""
    match form:
        case Literal(ir.Member(fact, ("refused",)), False) if fact.name not in known:
            return True  # an unknown approval has not been given yet, and is not refused
        case Literal(atom, holds):
            return evaluate(atom, known) is holds
        case Every(of):
            return all(_certain(part, known) for part in of)
        case Either(of):
            return any(_certain(part, known) for part in of)


def _bounds(atom: ir.Condition) -> Iterator[tuple[str, int]]:
    """Facts with the numbers that an atom compares them with."""
    match atom:
        case ir.Compare(_, ir.Fact(name), ir.FixedValue(value)):
            yield name, int(value)
        case ir.Member(fact, values):
            yield from ((fact.name, v) for v in values if isinstance(v, int))
