"""Pseudo-random draws with the same values in every version of Python.

They use only `random.Random.random`, whose values Python promises to keep. Other methods of
`random` may change.
"""

from __future__ import annotations

import random
from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from typing import TypeVar

T = TypeVar("T")


class Draw:
    """A stream of pseudo-random values from a seed text, for synthetic data; never for secrets."""

    __slots__ = ("_next",)

    def __init__(self, seed: str) -> None:
        self._next = random.Random(seed).random

    def chance(self, probability: float) -> bool:
        """True with `probability`, 0 to 1."""
        return self._next() < probability

    def whole(self, low: int, high: int) -> int:
        """A whole number from `low` to `high`, both included."""
        return low + int(self._next() * (high - low + 1))

    def normal(self, mean: float, deviation: float) -> float:
        """A value of a bell-shaped distribution, at most 3.47 deviations from `mean`."""
        # The sum of four uniform draws has mean 2 and variance 1/3. Additions round in the same way
        # on every platform; the logarithms of a true normal draw may not.
        uniform = self._next
        return mean + deviation * 3**0.5 * (uniform() + uniform() + uniform() + uniform() - 2)

    def pick(self, values: Sequence[T]) -> T:
        """One of `values`, all with the same probability."""
        return values[int(self._next() * len(values))]

    def weighted(self, values: Sequence[T], weights: Sequence[float]) -> T:
        """One of `values`, with a probability in proportion to its weight."""
        steps = list(accumulate(weights))
        # `hi` keeps the index in range if rounding makes the product equal to the last sum.
        return values[bisect_right(steps, self._next() * steps[-1], hi=len(values) - 1)]
