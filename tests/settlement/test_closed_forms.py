"""Closed forms equal what enumerating every coalition gives, and serve many players."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise, permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heyi.model.errors import InvalidInput
from heyi.settlement.closed_form import (
    Floats,
    all_needed,
    best_single,
    between_sites,
    coverage,
    coverage_by_levels,
    fisher_information,
    log_information,
    strata,
    threshold,
    variance_reduction,
)
from heyi.settlement.coverage_game import coverage_values
from heyi.settlement.exact import shapley_of_floats, shapley_of_integers

persons = st.lists(st.integers(0, 20), min_size=1, max_size=7)
FORMS: list[tuple[Callable[[list[float], float], Floats], Callable[[Floats, float], Floats]]] = [
    (log_information, lambda total, prior: np.log1p(total / prior)),
    (variance_reduction, lambda total, prior: total / (prior * (prior + total))),
]


def totals(own: list[int] | list[float]) -> Floats:
    """The sum over each coalition, by mask."""
    masks = np.arange(1 << len(own))
    sums: Floats = ((masks[:, None] >> np.arange(len(own))) & 1).astype(np.float64) @ np.array(
        own, dtype=np.float64
    )
    return sums


@pytest.mark.parametrize(("form", "utility"), FORMS)
@settings(max_examples=40, deadline=None)
@given(own=st.lists(st.floats(0, 1e4), min_size=1, max_size=8), prior=st.floats(0.01, 100))
def test_utilities_of_information_equal_enumeration(
    form: Callable[[list[float], float], Floats],
    utility: Callable[[Floats, float], Floats],
    own: list[float],
    prior: float,
) -> None:
    values = utility(totals(own), prior)
    assert form(own, prior) == pytest.approx(
        shapley_of_floats(values), rel=1e-8, abs=1e-9 * max(values[-1], 1e-12)
    )


@settings(max_examples=60, deadline=None)
@given(persons, st.integers(1, 60))
def test_a_cohort_that_must_be_large_enough(own: list[int], quota: int) -> None:
    values = (totals(own) >= quota).astype(np.int64)
    assert threshold(own, quota) == shapley_of_integers(values)


@settings(max_examples=60, deadline=None)
@given(persons)
def test_the_best_single_institution(own: list[int]) -> None:
    values = np.array(
        [
            max((own[i] for i in range(len(own)) if m >> i & 1), default=0)
            for m in range(1 << len(own))
        ]
    )
    assert best_single([Fraction(v) for v in own]) == shapley_of_integers(values)


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(st.integers(1, 31), st.integers(0, 9)))
def test_persons_for_whom_all_who_saw_them_are_needed(patterns: dict[int, int]) -> None:
    values = np.array(
        [sum(c for mask, c in patterns.items() if mask & m == mask) for m in range(32)]
    )
    assert all_needed(patterns, 5) == shapley_of_integers(values)


PATHS = [("x", "p"), ("x", "p"), ("x", "q"), ("y",), ("y",)]


def in_unions(order: tuple[int, ...], depth: int) -> bool:
    """Whether the members of each union follow one another in the order."""
    names = [PATHS[i][: depth + 1] if depth < len(PATHS[i]) else (i,) for i in order]
    return len([1 for a, b in pairwise(names) if a != b]) + 1 == len(set(names))


@settings(max_examples=20, deadline=None)
@given(st.dictionaries(st.integers(1, 31), st.integers(0, 9)))
def test_unions_within_unions_are_the_orders_that_keep_them_together(
    patterns: dict[int, int],
) -> None:
    values = coverage_values(patterns, 5)
    orders = [o for o in permutations(range(5)) if in_unions(o, 0) and in_unions(o, 1)]
    phi = [Fraction(0)] * 5
    for order in orders:
        mask = 0
        for i in order:
            phi[i] += Fraction(values[mask | 1 << i] - values[mask], len(orders))
            mask |= 1 << i
    assert list(coverage_by_levels(patterns, PATHS)) == phi


def test_strata_add_up_and_information_is_its_own_value() -> None:
    parts = [coverage({0b01: 4, 0b11: 2}, 2), coverage({0b11: 6}, 2)]
    assert strata(parts) == (Fraction(8), Fraction(4))
    assert fisher_information([Fraction(3), Fraction(1, 2)]) == (Fraction(3), Fraction(1, 2))


def test_small_sites_earn_more_than_their_records_when_sites_differ() -> None:
    records = [100_000, 100_000, 350, 350]
    alike, differing = (log_information(between_sites(records, tau), 1.0) for tau in (0.0, 0.01))
    share = sum(records[2:]) / sum(records)
    assert share < alike[2:].sum() / alike.sum() < differing[2:].sum() / differing.sum()


def test_a_thousand_institutions_share_what_all_of_them_add() -> None:
    own = np.random.default_rng(3).lognormal(0, 1, 1_000)
    assert log_information(list(own), 1.0).sum() == pytest.approx(np.log1p(own.sum()), rel=1e-9)


@pytest.mark.parametrize("own", [[-1.0], [float("nan")], [float("inf")]])
def test_information_that_is_none_is_refused(own: list[float]) -> None:
    with pytest.raises(InvalidInput, match="finite and not negative"):
        log_information(own, 1.0)


@pytest.mark.parametrize(("own", "quota"), [([1], 0), ([-1], 1)])
def test_a_quota_that_is_none_is_refused(own: list[int], quota: int) -> None:
    with pytest.raises(InvalidInput, match="above zero"):
        threshold(own, quota)
