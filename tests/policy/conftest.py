"""The shipped rulebook, loaded once, and ways to draw facts: by the schema, or near profiles."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from random import Random

import pytest
from hypothesis import strategies as st

from heyi.model.decision import Decision
from heyi.model.fact import Value
from heyi.policy.decide import DecisionPoint
from heyi.policy.language import ir
from heyi.policy.language.profiles import PROFILES_FILE, expand_profiles
from heyi.policy.language.schema import LEGAL_DAY, Admitted, FactSpec, FactType, Schema
from heyi.policy.language.strict_yaml import load_yaml
from tests.support.shipped import shipped_book, shipped_build

DAY = dt.date(2026, 12, 1)


@pytest.fixture(scope="session")
def point() -> DecisionPoint:
    """The shipped rulebook with its worked cases, and the engines of its build."""
    return DecisionPoint(shipped_book(), shipped_build().bytecode)


@pytest.fixture(scope="session")
def schema(point: DecisionPoint) -> Schema:
    return point.book.schema


@pytest.fixture(scope="session")
def stated(schema: Schema) -> tuple[str, ...]:
    """The facts that can be stated: neither derived nor the legal day."""
    return tuple(n for n, spec in schema.facts.items() if not spec.derived and n != LEGAL_DAY)


@pytest.fixture(scope="session")
def complete(point: DecisionPoint, stated: tuple[str, ...]) -> dict[str, dict[str, Value]]:
    """The profiles that leave no fact unknown, on an ordinary legal day."""
    texts, schema = point.book.texts, point.book.schema
    profiles = {
        name: expand_profiles([name], texts)
        for name in load_yaml(texts[PROFILES_FILE], file=PROFILES_FILE)
    }
    return {
        name: {LEGAL_DAY: DAY, **{f: schema.spec(f).check(v) for f, v in facts.items()}}
        for name, facts in profiles.items()
        if set(facts) == set(stated)
    }


@pytest.fixture(scope="session")
def pool(point: DecisionPoint) -> dict[str, tuple[Value, ...]]:
    """Values to draw for each fact with a slot: vocabularies, numbers and days near bounds."""
    bounds: dict[str, set[int]] = {}
    for rule in point.book.rules:
        for condition in (rule.applies, rule.needs):
            for name, bound in _bounds(condition):
                bounds.setdefault(name, set()).update((bound - 1, bound, bound + 1))
    return {
        n: tuple(_values(s, bounds.get(n, set())))
        for n, s in point.book.schema.facts.items()
        if not s.derived
    }


def _bounds(condition: ir.Condition) -> Iterator[tuple[str, int]]:
    match condition:
        case ir.Compare(_, ir.Fact(name), ir.FixedValue(value)) | ir.Compare(
            _, ir.FixedValue(value), ir.Fact(name)
        ):
            if isinstance(value, int):
                yield name, value
        case ir.Not(of):
            yield from _bounds(of)
        case ir.All(of) | ir.Some(of):
            for part in of:
                yield from _bounds(part)


def _values(spec: FactSpec, bounds: set[int]) -> Iterator[Value]:
    match spec.type:
        case FactType.BOOL:
            yield from (True, False)
        case FactType.ENUM:
            yield from spec.values
        case FactType.SET:
            yield from (frozenset(), frozenset(spec.values))
            yield from (frozenset({v}) for v in spec.values)
        case FactType.INT:
            yield from sorted(
                n
                for n in bounds | {spec.minimum, spec.maximum}
                if spec.minimum <= n <= spec.maximum
            )
        case FactType.DATE:
            yield from (dt.date.fromordinal(n) for n in sorted(bounds | {DAY.toordinal()}))


@pytest.fixture(scope="session")
def near(
    complete: dict[str, dict[str, Value]],
    pool: dict[str, tuple[Value, ...]],
    stated: tuple[str, ...],
) -> Callable[[Random], dict[str, Value]]:
    """Draws a request near a complete profile: up to five facts changed, up to two unknown."""
    names = tuple(complete)

    def draw(rng: Random) -> dict[str, Value]:
        facts = dict(complete[rng.choice(names)])
        for name in rng.sample(tuple(pool), rng.randrange(6)):
            facts[name] = rng.choice(pool[name])
        for name in rng.sample(stated, rng.choice((0, 0, 0, 1, 2))):
            del facts[name]
        return facts

    return draw


@pytest.fixture(scope="session")
def anything(pool: dict[str, tuple[Value, ...]]) -> Callable[[Random, float], dict[str, Value]]:
    """Draws each fact independently; all but the legal day are unknown with that probability."""

    def draw(rng: Random, unknown: float) -> dict[str, Value]:
        return {
            n: rng.choice(v) for n, v in pool.items() if n == LEGAL_DAY or rng.random() >= unknown
        }

    return draw


@pytest.fixture(scope="session")
def requests(
    complete: dict[str, dict[str, Value]],
    pool: dict[str, tuple[Value, ...]],
    stated: tuple[str, ...],
) -> st.SearchStrategy[dict[str, Value]]:
    """The same for Hypothesis, so that it can shrink what it finds."""
    changes = [(name, value) for name, values in pool.items() for value in values]

    def combine(
        profile: str, changed: list[tuple[str, Value]], unknown: set[str]
    ) -> dict[str, Value]:
        return {n: v for n, v in {**complete[profile], **dict(changed)}.items() if n not in unknown}

    return st.builds(
        combine,
        st.sampled_from(sorted(complete)),
        st.lists(st.sampled_from(changes), max_size=4),
        st.sets(st.sampled_from(stated), max_size=1),
    )


@pytest.fixture(scope="session")
def decide(point: DecisionPoint) -> Callable[[Mapping[str, Value]], Decision]:
    """Decides from facts that all count."""
    return lambda known: point.decide(Admitted(known=dict(known), rejected={}))


@pytest.fixture(scope="session")
def facts_toml(point: DecisionPoint) -> str:
    """The text of the shipped `facts.toml`."""
    return point.book.texts["facts.toml"]
