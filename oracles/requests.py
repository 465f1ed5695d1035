"""Complete requests to measure and compare with: the shipped profiles, and requests near them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from random import Random
from typing import Any

from heyi.model.fact import Value
from heyi.policy.language import ir
from heyi.policy.language.profiles import PROFILES_FILE, expand_profiles
from heyi.policy.language.schema import LEGAL_DAY, FactSpec, FactType
from heyi.policy.language.strict_yaml import load_yaml

DAY = dt.date(2026, 12, 1)
SEED = 20261201

Facts = dict[str, Any]


def complete_profiles(book: ir.Rulebook) -> dict[str, Facts]:
    """The profiles that state every fact, on the legal day `DAY`, by name."""
    stated = {n for n, spec in book.schema.facts.items() if not spec.derived and n != LEGAL_DAY}
    names = load_yaml(book.texts[PROFILES_FILE], file=PROFILES_FILE)
    profiles = {name: expand_profiles([name], book.texts) for name in names}
    return {
        name: {LEGAL_DAY: DAY, **{f: book.schema.spec(f).check(v) for f, v in facts.items()}}
        for name, facts in profiles.items()
        if set(facts) == stated
    }


def values_to_draw(book: ir.Rulebook) -> dict[str, tuple[Value, ...]]:
    """Values worth drawing for each fact that is not derived.

    Enums and sets: the whole vocabulary. Numbers and days: each bound that a rule compares with,
    the values one below and one above it, and the ends of the range.
    """
    bounds: dict[str, set[int]] = {}
    for rule in book.rules:
        for name, bound in (*_bounds(rule.applies), *_bounds(rule.needs)):
            bounds.setdefault(name, set()).update((bound - 1, bound, bound + 1))
    return {
        n: tuple(_values(s, bounds.get(n, set())))
        for n, s in book.schema.facts.items()
        if not s.derived
    }


def _bounds(condition: ir.Condition) -> Iterator[tuple[str, int]]:
    """Facts compared with a number or a day, each with that number; a day counts as its ordinal."""
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


def mutations(book: ir.Rulebook, rng: Random, count: int) -> list[Facts]:
    """Complete requests near the profiles: up to 8 facts changed, in one of 4 the legal day too."""
    profiles, pool = list(complete_profiles(book).values()), values_to_draw(book)
    names = [n for n in pool if n != LEGAL_DAY]
    drawn = []
    for _ in range(count):
        facts = dict(rng.choice(profiles))
        changed = rng.sample(names, rng.randrange(9)) + ([LEGAL_DAY] if rng.random() < 0.25 else [])
        facts |= {n: rng.choice(pool[n]) for n in changed}
        drawn.append(facts)
    return drawn
