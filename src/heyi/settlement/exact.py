"""The Shapley value of all players in one pass over the coalitions: exact on integers, or in floating point.

phi_i = sum over S containing i of v(S)(w(s-1) + w(s)) - sum over S of v(S)w(s), with w(k) = k!(n-1-k)!/n! (Shapley
1953). The second sum is the same for every player and the values sum to v(N), so it need not be computed. For the first
blocks of 2^16 coalitions are weighted and added up; the sums over all S that contain i then come by halving, for all i
at once. L = lcm(1..n) makes every L w(k) an integer, since n binom(n-1, k) divides L (Farhi 2009).
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from math import comb, lcm
from typing import Any

import numpy as np
import numpy.typing as npt

from heyi.settlement.game import Game

Floats = npt.NDArray[np.float64]
_BLOCK = 16
_SIZES = np.array([mask.bit_count() for mask in range(1 << _BLOCK)], dtype=np.uint8)


def shapley(game: Game) -> tuple[Fraction, ...]:
    """The value of each player, in the game's unit; they sum to v(N) exactly."""
    small = max(map(abs, game.values), default=0) < 1 << 62
    return shapley_of_integers(np.array(game.values, dtype=np.int64 if small else object))


def shapley_of_integers(values: npt.NDArray[Any]) -> tuple[Fraction, ...]:
    """The value of each player of a game given by `values[mask]`, int64 or Python integers; `values[0]` is 0.

    Sums that int64 could not hold are made of limbs that it can, and put together as Python integers.
    """
    n = len(values).bit_length() - 1
    scale = lcm(*range(1, n + 1))
    weights = [scale // (n * comb(n - 1, k)) for k in range(n)]
    of_size = np.array(_with_player(weights), dtype=np.int64)
    sums = [0] * n
    # sums over coalitions stay below 2 H(n) L max|v|, that is 8 L max|v| for up to 24 players
    for shift, limb in _limbs(values, 60 - scale.bit_length()):
        for i, part in enumerate(_containing(limb, of_size)):
            sums[i] += int(part) << shift
    everywhere = (sum(sums) - scale * int(values[-1])) // n
    return tuple(Fraction(s - everywhere, scale) for s in sums)


def shapley_of_floats(values: Floats) -> Floats:
    """The value of each player of a game given by `values[mask]`; `values[0]` is 0, and the values sum to v(N)."""
    n = len(values).bit_length() - 1
    sums = _containing(values, np.array(_with_player([1 / (n * comb(n - 1, k)) for k in range(n)])))
    phi: Floats = sums - (sums.sum() - values[-1]) / n
    return phi


def _with_player(weights: list[Any]) -> list[Any]:
    """What a coalition of each size counts for its members: w(s-1) + w(s)."""
    return [
        0 * weights[0],
        *(
            weights[s - 1] + (weights[s] if s < len(weights) else 0)
            for s in range(1, len(weights) + 1)
        ),
    ]


def _limbs(values: npt.NDArray[Any], bits: int) -> Iterator[tuple[int, npt.NDArray[np.int64]]]:
    """Parts whose sum, each shifted to the left by its number, is `values`; each is below 2^bits in amount."""
    shift = 0
    while max(abs(int(values.max())), abs(int(values.min()))) >= 1 << bits:
        yield shift, (values & ((1 << bits) - 1)).astype(np.int64)
        values, shift = values >> bits, shift + bits
    yield shift, values.astype(np.int64)


def _containing(values: npt.NDArray[Any], of_size: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """For each player the sum, over the coalitions that contain it, of value times the weight of its size."""
    n = len(values).bit_length() - 1
    low = min(n, _BLOCK)
    rows = values.reshape(-1, 1 << low)
    by_players_above = [of_size[above:][_SIZES[: 1 << low]] for above in range(n - low + 1)]
    below = np.zeros(1 << low, dtype=of_size.dtype)
    above = np.empty(len(rows), dtype=of_size.dtype)
    product = np.empty_like(below)
    for high, row in enumerate(rows):
        np.multiply(row, by_players_above[high.bit_count()], out=product)
        below += product
        above[high] = product.sum()
    return np.array([*_halved(below), *_halved(above)], dtype=of_size.dtype)


def _halved(table: npt.NDArray[Any]) -> list[Any]:
    """For each bit of the index the sum over the entries that have it: the upper half, added to the lower, goes on."""
    found = []
    while len(table) > 1:
        half = len(table) // 2
        found.append(table[half:].sum())
        table = table[:half] + table[half:]
    return found[::-1]
