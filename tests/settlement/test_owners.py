"""Owners: a second name earns nothing, unions share among themselves, circles are refused."""

from __future__ import annotations

from fractions import Fraction
from itertools import permutations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heyi.model.errors import InvalidInput
from heyi.settlement.coverage_game import coverage_by_levels, coverage_values
from heyi.settlement.exact import shapley_of_integers
from heyi.settlement.owners import ultimate, value_by_unions

Values = npt.NDArray[np.int64]


def random_values(n: int, seed: int) -> Values:
    values = np.random.default_rng(seed).integers(-1000, 1000, 1 << n)
    values[0] = 0
    return values


def by_orders(values: Values, paths: list[tuple[str, ...]]) -> tuple[Fraction, ...]:
    """The definition: mean marginal contributions over the orders that keep each union together."""
    n = len(paths)
    keys = [[path[: depth + 1] for depth in range(len(path))] for path in paths]
    unions = {key for own in keys for key in own}
    sums, orders = [0] * n, 0
    for order in permutations(range(n)):
        together = all(
            max(at) - min(at) == len(at) - 1
            for at in ([p for p, i in enumerate(order) if union in keys[i]] for union in unions)
        )
        if together:
            orders += 1
            mask = 0
            for i in order:
                sums[i] += int(values[mask | 1 << i] - values[mask])
                mask |= 1 << i
    return tuple(Fraction(s, orders) for s in sums)


def test_a_copy_under_a_second_name_earns_its_owner_nothing() -> None:
    """Players are a, its copy a2, and b, who hold 60, 60 and 40 persons."""
    seen = np.array(coverage_values({0b011: 60, 0b100: 40}, 3))
    plain = shapley_of_integers(seen)
    assert plain[0] + plain[1] == 60, "coverage by itself withstands a copy"
    largest = np.array([max(60 * (m & 3 > 0), 40 * (m >> 2)) for m in range(8)])
    named = shapley_of_integers(largest)
    owned = value_by_unions(largest, [("a",), ("a",), ()])
    alone = shapley_of_integers(largest[[0b000, 0b001, 0b100, 0b101]])
    assert named[0] + named[1] > alone[0], "where the largest counts, a second name pays"
    assert (owned[0] + owned[1], owned[2]) == alone, "one owner gets what it gets without the copy"


def test_owners_are_followed_to_the_last() -> None:
    assert ultimate({"a": "h", "h": "group"}, ["a", "b"]) == {"a": "group", "b": "b"}
    assert ultimate({"a": "a"}, ["a"]) == {"a": "a"}, "who is its own owner is no circle"
    with pytest.raises(InvalidInput, match="owned in a circle") as caught:
        ultimate({"a": "h", "h": "k", "k": "h"}, ["a"])
    assert caught.value.hint == "break h → k → h"


def test_no_unions_singles_and_one_union_of_all_are_shapley() -> None:
    values = random_values(6, 4)
    exact = shapley_of_integers(values)
    for paths in (
        [()] * 6,
        [(str(i),) for i in range(6)],
        [("all",)] * 6,
        [("all", str(i)) for i in range(6)],
    ):
        assert value_by_unions(values, paths) == exact


PATHS = st.lists(st.lists(st.sampled_from("abc"), max_size=2).map(tuple), min_size=1, max_size=6)


@given(PATHS, st.integers(0, 2**32))
def test_unions_within_unions_are_the_mean_over_orders_that_keep_them_together(
    paths: list[tuple[str, ...]], seed: int
) -> None:
    values = random_values(len(paths), seed)
    phi = value_by_unions(values, paths)
    assert phi == by_orders(values, paths)
    assert sum(phi) == values[-1]


@given(PATHS, st.integers(0, 2**32))
def test_coverage_by_levels_is_the_value_of_its_game(
    paths: list[tuple[str, ...]], seed: int
) -> None:
    n = len(paths)
    generator = np.random.default_rng(seed)
    patterns = {int(m): int(generator.integers(0, 50)) for m in generator.integers(1, 1 << n, 6)}
    values = np.array(coverage_values(patterns, n), dtype=np.int64)
    assert coverage_by_levels(patterns, paths) == value_by_unions(values, paths)


def test_owners_get_the_value_of_the_game_between_them() -> None:
    values = random_values(5, 5)
    unions = {"x": [0, 3], "y": [1], "z": [2, 4]}
    held = [sum(1 << i for i in union) for union in unions.values()]
    between = np.array([values[sum(h for j, h in enumerate(held) if m >> j & 1)] for m in range(8)])
    paths = [next((name,) for name, union in unions.items() if i in union) for i in range(5)]
    phi = value_by_unions(values, paths)
    assert tuple(sum(phi[i] for i in union) for union in unions.values()) == shapley_of_integers(
        between
    )


def test_values_beyond_int64_have_unions_too() -> None:
    values = np.array([0, 2**70, -(2**69), 3, 2**80, 5, 7, 2**81 + 1], dtype=object)
    paths = [("a",), ("a",), ()]
    assert value_by_unions(values, paths) == by_orders(values, paths)


def test_paths_are_one_a_player() -> None:
    with pytest.raises(InvalidInput, match="3 players but 2 paths"):
        value_by_unions(np.zeros(8, dtype=np.int64), [(), ()])
