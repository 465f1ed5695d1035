"""Draws that give the same values in every version of Python: only `random.Random.random` lies below them."""

from __future__ import annotations

import random
from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from typing import TypeVar

T = TypeVar("T")


class Draw:
    """A stream of pseudo-random values from a seed text; for synthetic data, never for secrets."""

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
        """A bell-shaped value that stays within 3.47 deviations of `mean`.

        The scaled sum of four uniform draws: additions round alike on every platform, logarithms need not.
        """
        uniform = self._next
        return mean + deviation * 3**0.5 * (uniform() + uniform() + uniform() + uniform() - 2)

    def pick(self, values: Sequence[T]) -> T:
        """One of `values`, each as likely as the others."""
        return values[int(self._next() * len(values))]

    def weighted(self, values: Sequence[T], weights: Sequence[float]) -> T:
        """One of `values`, as likely as its weight; only the proportions of the weights matter."""
        steps = list(accumulate(weights))
        return values[bisect_right(steps, self._next() * steps[-1], hi=len(values) - 1)]
