"""One pass over all coalitions: equal to the textbook, and exact for numbers of any size."""

from __future__ import annotations

import tracemalloc
from fractions import Fraction
from math import factorial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heyi.settlement.exact import shapley_of_floats, shapley_of_integers
from tests.support.operations import operations


def textbook(values: list[int]) -> tuple[Fraction, ...]:
    n = len(values).bit_length() - 1
    phi = [Fraction(0)] * n
    for mask in range(len(values)):
        s = mask.bit_count()
        for i in range(n):
            if not mask >> i & 1:
                weight = Fraction(factorial(s) * factorial(n - 1 - s), factorial(n))
                phi[i] += weight * (values[mask | 1 << i] - values[mask])
    return tuple(phi)


@pytest.mark.parametrize("largest", [10, 1 << 40, 1 << 62, 1 << 200])
@settings(max_examples=20)
@given(data=st.data())
def test_integers_of_any_size_equal_the_textbook(data: st.DataObject, largest: int) -> None:
    n = data.draw(st.integers(1, 6))
    values = [
        0,
        *data.draw(st.lists(st.integers(-largest, largest), min_size=2**n - 1, max_size=2**n - 1)),
    ]
    small = max(map(abs, values)) < 1 << 62
    assert shapley_of_integers(np.array(values, dtype=np.int64 if small else object)) == textbook(
        values
    )


@pytest.mark.parametrize("n", [15, 16, 17, 18])
def test_blocks_meet_where_sixteen_players_end(n: int) -> None:
    generator = np.random.default_rng(n)
    values = generator.integers(-1000, 1000, 1 << n)
    values[0] = 0
    exact = shapley_of_integers(values)
    assert sum(exact) == values[-1]
    assert [float(p) for p in exact] == pytest.approx(
        shapley_of_floats(values.astype(np.float64)), abs=1e-9
    )
    weights = generator.integers(0, 50, n)  # an additive game gives each its own
    additive = ((np.arange(1 << n)[:, None] >> np.arange(n)) & 1) @ weights
    assert shapley_of_integers(additive) == tuple(map(Fraction, weights.tolist()))


@pytest.mark.slow
def test_twenty_players_take_a_few_passes_over_their_coalitions() -> None:
    """Half a megaword of memory and some hundred calls of numpy: no step for each coalition."""
    values = np.random.default_rng(1).random(1 << 20)
    values[0] = 0
    found = []
    tracemalloc.start()
    calls = operations(lambda: found.append(shapley_of_floats(values)))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found[0].sum() == pytest.approx(values[-1])
    assert calls < 1_000
    assert peak < 2 * values.nbytes
