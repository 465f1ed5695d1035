"""The first remedy is smallest: z3's MaxSAT over the same changes finds none that costs less."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import pytest
import z3

from heyi.model.decision import Outcome
from heyi.model.fact import Value
from heyi.policy.decide import DecisionPoint
from heyi.policy.engines.to_smt import SymbolicFacts, SymbolicReading
from heyi.policy.language.schema import LEGAL_DAY, FactType
from heyi.policy.remedy import Changes, Search

Request = dict[str, Value]


class Oracle:
    """What z3 says the cheapest lawful change costs."""

    def __init__(self, point: DecisionPoint) -> None:
        self.book = point.book
        self.facts = SymbolicFacts(self.book.schema)
        self.reading = SymbolicReading(self.book, self.facts)
        self.denied = self.reading.at_least(3)

    def cheapest(self, search: Search) -> int | None:
        """The least cost of changes that lift the denial; None where there are none."""
        start, hard, costs = search.start, [*self.facts.axioms, z3.Not(self.denied)], []
        for spec in self.book.schema.facts.values():
            if spec.slot is None:
                continue
            known = self.facts.known(spec.id)
            if spec.id not in start and not search.changeable(spec.id):
                hard.append(z3.Not(known))
            elif spec.id not in start:
                hard.append(z3.Implies(known, self.within(search, spec.id)))
                costs.append((z3.Not(known), search.cost(spec.id)))
            else:
                same = self.facts.has(spec, start[spec.id])
                hard.append(known)
                if search.changeable(spec.id):
                    hard.append(z3.Or(same, self.within(search, spec.id)))
                    costs.append((same, search.cost(spec.id)))
                else:
                    hard.append(same)
        best = None
        solver: z3.Optimize | z3.Solver = z3.Optimize()
        solver.add(*hard)
        for kept, cost in costs:
            solver.add_soft(kept, cost)
        while (
            solver.check() == z3.sat
        ):  # Optimize may stop short of the least: a plain solver looks for less
            after = self.facts.request(solver.model())
            best = sum(search.cost(n) for n, v in after.items() if start.get(n) != v)
            solver = z3.Solver()
            solver.add(*hard, z3.Sum([z3.If(kept, 0, cost) for kept, cost in costs]) < best)
        return best

    def within(self, search: Search, name: str) -> object:
        """That a fact has a value that a remedy may ask for; a number may have any."""
        spec = self.book.schema.facts[name]
        if spec.type in (FactType.INT, FactType.DATE):
            return z3.BoolVal(spec.type is FactType.INT)
        return z3.Or([self.facts.has(spec, v) for v in search.values[name]])


@pytest.fixture(scope="module")
def oracle(point: DecisionPoint) -> Oracle:
    return Oracle(point)


def cost(search: Search, changes: Changes) -> int:
    return sum(search.cost(name) for name, _ in changes)


@pytest.mark.parametrize("share", [0.0, 0.05, 0.2])
def test_the_first_remedy_costs_what_maxsat_says(
    point: DecisionPoint, oracle: Oracle, near: Callable[[Random], Request], share: float
) -> None:
    rng, compared, none = Random(int(100 * share)), 0, 0
    while compared < 60:
        facts = near(rng)
        request = {n: v for n, v in facts.items() if n == LEGAL_DAY or rng.random() >= share}
        if point.outcome(request) != (Outcome.DENY, True):
            continue
        search = Search(point, request)
        first = next(search.smallest(), None)
        wanted = oracle.cheapest(search)
        assert (None if first is None else cost(search, first)) == wanted, request
        compared += 1
        none += first is None
    assert compared - none >= 20, "many of them can be lifted"


def test_the_next_remedies_cost_no_less_and_contain_no_earlier_one(
    point: DecisionPoint, near: Callable[[Random], Request]
) -> None:
    rng, several = Random(77), 0
    while several < 10:
        request = near(rng)
        if point.outcome(request) != (Outcome.DENY, True):
            continue
        search = Search(point, request)
        found = [c for c, _ in zip(search.smallest(), range(4), strict=False)]
        several += len(found) > 1
        assert [cost(search, c) for c in found] == sorted(cost(search, c) for c in found)
        for i, earlier in enumerate(found):
            assert all(not set(earlier) <= set(later) for later in found[i + 1 :])
