"""The Shapley value: its axioms, its definition, and the same fractions by every computation."""

from __future__ import annotations

from fractions import Fraction
from itertools import permutations
from math import factorial, lcm

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heyi.settlement.certificate import integers
from heyi.settlement.coverage_game import coverage_by_levels, coverage_values
from heyi.settlement.exact import shapley_of_integers
from heyi.settlement.game import Game

SMALL = st.integers(-(10**6), 10**6)


def game(values: tuple[int, ...]) -> Game:
    players = tuple(f"p{i:02d}" for i in range(len(values).bit_length() - 1))
    return Game(players=players, values=values, unit="u", specification={})


def value(values: tuple[int, ...]) -> tuple[Fraction, ...]:
    return shapley_of_integers(integers(game(values)))


def definition(values: tuple[int, ...]) -> tuple[Fraction, ...]:
    """The mean marginal contribution over all orders of arrival."""
    n = len(values).bit_length() - 1
    phi = [0] * n
    for order in permutations(range(n)):
        coalition = 0
        for i in order:
            phi[i] += values[coalition | 1 << i] - values[coalition]
            coalition |= 1 << i
    return tuple(Fraction(p, factorial(n)) for p in phi)


@st.composite
def tables(
    draw: st.DrawFn, most: int = 6, values: st.SearchStrategy[int] = SMALL
) -> tuple[int, ...]:
    n = draw(st.integers(1, most))
    return (0, *draw(st.lists(values, min_size=(1 << n) - 1, max_size=(1 << n) - 1)))


def exchanged(mask: int, i: int, j: int) -> int:
    """The coalition with players i and j in each other's place."""
    if (mask >> i ^ mask >> j) & 1:
        return mask ^ (1 << i | 1 << j)
    return mask


@settings(max_examples=60)
@given(tables())
def test_it_is_the_mean_over_all_orders_of_arrival(values: tuple[int, ...]) -> None:
    assert value(values) == definition(values)


@given(tables(8))
def test_efficiency(values: tuple[int, ...]) -> None:
    assert sum(value(values)) == values[-1]


@given(tables(), st.data())
def test_symmetry(values: tuple[int, ...], data: st.DataObject) -> None:
    n = len(values).bit_length() - 1
    i, j = data.draw(st.integers(0, n - 1)), data.draw(st.integers(0, n - 1))
    alike = tuple(values[min(m, exchanged(m, i, j))] for m in range(len(values)))
    phi = value(alike)
    assert phi[i] == phi[j]


@given(tables(), st.data(), SMALL)
def test_a_player_who_always_adds_the_same_gets_that(
    values: tuple[int, ...], data: st.DataObject, own: int
) -> None:
    """With zero it is the dummy axiom."""
    i = data.draw(st.integers(0, len(values).bit_length() - 2))
    steady = tuple(values[m & ~(1 << i)] + own * (m >> i & 1) for m in range(len(values)))
    assert value(steady)[i] == own


@given(st.integers(1, 5), st.data(), st.integers(-50, 50), st.integers(-50, 50))
def test_additivity(n: int, data: st.DataObject, a: int, b: int) -> None:
    size = (1 << n) - 1
    v, w = ((0, *data.draw(st.lists(SMALL, min_size=size, max_size=size))) for _ in range(2))
    joint = tuple(a * x + b * y for x, y in zip(v, w, strict=True))
    assert value(joint) == tuple(a * x + b * y for x, y in zip(value(v), value(w), strict=True))


@given(tables(), st.randoms(use_true_random=False))
def test_names_do_not_matter(values: tuple[int, ...], random: object) -> None:
    n = len(values).bit_length() - 1
    order = list(range(n))
    random.shuffle(order)  # type: ignore[attr-defined]
    renamed = [0] * len(values)
    for mask, v in enumerate(values):
        renamed[sum(1 << order[i] for i in range(n) if mask >> i & 1)] = v
    phi, other = value(values), value(tuple(renamed))
    assert [other[order[i]] for i in range(n)] == list(phi)


@given(tables(), st.integers(40, 100))
def test_huge_values_give_the_same_fractions(values: tuple[int, ...], shift: int) -> None:
    """Small values are summed as 64-bit integers, huge ones as Python's."""
    huge = tuple(v << shift for v in values)
    assert value(huge) == tuple(p * 2**shift for p in value(values))


@pytest.mark.parametrize("n", range(1, 13))
@pytest.mark.parametrize("sign", [1, -1])
def test_values_at_the_edge_of_64_bits_do_not_wrap(n: int, sign: int) -> None:
    """Every coalition is worth the same, so the players share it equally."""
    edge = (1 << 62) // lcm(*range(1, n + 1))
    for worth in (edge - 1, edge, edge + 1, 2 * edge, 4 * edge):
        assert value((0, *[sign * worth] * ((1 << n) - 1))) == (Fraction(sign * worth, n),) * n


@settings(max_examples=60)
@given(tables(6, st.sampled_from([-1, 0, 1])), st.integers(-3, 3))
def test_mixed_signs_at_the_edge_of_64_bits(pattern: tuple[int, ...], off: int) -> None:
    n = len(pattern).bit_length() - 1
    edge = (1 << 62) // lcm(*range(1, n + 1)) + off
    assert value(tuple(v * edge for v in pattern)) == tuple(p * edge for p in value(pattern))


def test_known_games() -> None:
    gloves = tuple(int(m & 1 and m & 6) and 1 for m in range(8))
    assert value(gloves) == (Fraction(2, 3), Fraction(1, 6), Fraction(1, 6))
    assert value((0, 7)) == (Fraction(7),)
    majority = tuple(int(m.bit_count() >= 3) for m in range(32))
    assert value(majority) == (Fraction(1, 5),) * 5


def test_a_game_of_sixteen_players_is_exact() -> None:
    weights = [3**i for i in range(16)]
    values = tuple(sum(w for i, w in enumerate(weights) if m >> i & 1) for m in range(1 << 16))
    assert value(values) == tuple(weights)


@settings(max_examples=60)
@given(st.integers(1, 6), st.dictionaries(st.integers(1, 63), st.integers(0, 10**9), max_size=20))
def test_the_closed_form_of_coverage_is_the_exact_value(n: int, patterns: dict[int, int]) -> None:
    patterns = {m: c for m, c in patterns.items() if m < 1 << n}
    assert coverage_by_levels(patterns, [()] * n) == value(coverage_values(patterns, n))
