"""The Shapley value of all players in one pass over the coalitions, on integers or on floats.

With w(k) = k!(n-1-k)!/n! (Shapley 1953) and s = |S|,

    phi_i = sum over S containing i of v(S)(w(s-1) + w(s)) - sum over all S of v(S)w(s).

The second sum is the same for every player. Since the values sum to v(N), it follows from the
first sums and is never computed. For the first sum, blocks of 2^16 coalitions are weighted by
size and added up; halving the result gives the sums over "S contains i" for all i at once.

L = lcm(1..n) makes every L w(k) an integer: w(k) = 1 / (n binom(n-1, k)), and n binom(n-1, k)
divides L (Farhi 2009). So integers stay exact.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from math import comb, lcm
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
_BLOCK = 16  # 2^16 numbers of 8 bytes fit in the cache of a core
_SIZES = np.array([mask.bit_count() for mask in range(1 << _BLOCK)], dtype=np.uint8)


def shapley_of_integers(values: npt.NDArray[Any]) -> tuple[Fraction, ...]:
    """The value of each player of the game `values[mask]`; they sum to v(N) exactly.

    `values` are int64 or Python integers, and `values[0]` is 0. Large values are cut into limbs
    whose sums fit int64; the sums of the limbs are put together as Python integers.
    """
    n = len(values).bit_length() - 1
    scale = lcm(*range(1, n + 1))
    weights = [scale // (n * comb(n - 1, k)) for k in range(n)]
    of_size = np.array(_with_player(weights), dtype=np.int64)
    sums = [0] * n
    # INVARIANT: a limb's sums fit int64. They stay below 2 H(n) L max|v|, where H(n) < 4 is the
    # harmonic number for n <= 24. So with |v| < 2^60 / L they stay below 8 * 2^60 = 2^63.
    for shift, limb in _limbs(values, 60 - scale.bit_length()):
        for i, part in enumerate(_containing(limb, of_size)):
            sums[i] += int(part) << shift
    # the second sum of the formula: the values must add up to v(N), so the division is exact
    everywhere = (sum(sums) - scale * int(values[-1])) // n
    return tuple(Fraction(s - everywhere, scale) for s in sums)


def shapley_of_floats(values: Floats) -> Floats:
    """The value of each player of the game `values[mask]`, in floating point; `values[0]` is 0.

    Settlements use integers. This is for other games, and to compare with other libraries.
    """
    n = len(values).bit_length() - 1
    sums = _containing(values, np.array(_with_player([1 / (n * comb(n - 1, k)) for k in range(n)])))
    phi: Floats = sums - (sums.sum() - values[-1]) / n
    return phi


def _with_player(weights: list[Any]) -> list[Any]:
    """The weight w(s-1) + w(s) of a coalition by its size s = 0..n; w(n) is 0."""
    return [
        0 * weights[0],  # a zero of the same type; the empty coalition has no members
        *(
            weights[s - 1] + (weights[s] if s < len(weights) else 0)
            for s in range(1, len(weights) + 1)
        ),
    ]


def _limbs(values: npt.NDArray[Any], bits: int) -> Iterator[tuple[int, npt.NDArray[np.int64]]]:
    """Cut `values` into (shift, limb): they are the sum of limb << shift, with |limb| < 2^bits.

    With 4 bits, 300 becomes (0, 12), (4, 2), (8, 1), as 300 = 12 + 2 * 16 + 1 * 256.
    """
    shift = 0
    # `&` and `>>` round towards minus infinity, also for negative numbers: low limbs are never
    # negative, and the last limb carries the sign
    # `&` and `>>` round towards minus infinity: the low limbs are never negative, and the last
    # one carries the sign
    while max(abs(int(values.max())), abs(int(values.min()))) >= 1 << bits:
        yield shift, (values & ((1 << bits) - 1)).astype(np.int64)
        values, shift = values >> bits, shift + bits
    yield shift, values.astype(np.int64)


def _containing(values: npt.NDArray[Any], of_size: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """For each player: the sum of value times weight over the coalitions that contain it.

    `of_size[s]` is the weight of a coalition of s players.
    """
    n = len(values).bit_length() - 1
    # A mask is (high, low): `low` bits index a column, the others a row. The sums of columns serve
    # the players of the low bits, the sums of rows the players of the high bits.
    low = min(n, _BLOCK)
    rows = values.reshape(-1, 1 << low)
    # one table of column weights for each number of high players that a row has
    by_players_above = [of_size[above:][_SIZES[: 1 << low]] for above in range(n - low + 1)]
    below = np.zeros(1 << low, dtype=of_size.dtype)
    above = np.empty(len(rows), dtype=of_size.dtype)
    product = np.empty_like(below)
    for high, row in enumerate(rows):
        np.multiply(row, by_players_above[high.bit_count()], out=product)  # no new array a row
        below += product
        above[high] = product.sum()
    return np.array([*_halved(below), *_halved(above)], dtype=of_size.dtype)


def _halved(table: npt.NDArray[Any]) -> list[Any]:
    """For each bit of the index: the sum of the entries whose index has that bit.

    The entries with the top bit are the upper half. Then the upper half is added to the lower
    one, which removes the top bit, and the next bit is the top: 2 * 2^n additions in all.
    """
    found = []
    while len(table) > 1:
        half = len(table) // 2
        found.append(table[half:].sum())
        table = table[:half] + table[half:]
    return found[::-1]
