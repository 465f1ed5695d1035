"""The Shapley value in exact rational arithmetic.

phi_i = sum over S containing i of v(S)(w(s-1) + w(s)) - sum over S of v(S)w(s), with w(k) = k!(n-1-k)!/n!.
L = lcm(1..n) makes every L w(k) an integer, since n binom(n-1, k) divides L (Farhi 2009); the sums over all S that
contain i come for all i from one fold by halving, 2 * 2^n additions.
"""

from __future__ import annotations

from fractions import Fraction
from math import comb, lcm

import numpy as np

from heyi.settlement.game import Game


def shapley(game: Game) -> tuple[Fraction, ...]:
    """The value of each player, in the game's unit; they sum to v(N) exactly."""
    n = len(game.players)
    scale = lcm(*range(1, n + 1))
    weights = [scale // (n * comb(n - 1, k)) for k in range(n)]
    largest = max((abs(v) for v in game.values), default=0)
    # partial sums reach L max|v| (H(n-1) + 1/n), which is below 4 L max|v| for up to 24 players: 2^61 keeps int64 safe
    dtype = np.int64 if scale * largest < 1 << 61 else object
    values = np.array(game.values, dtype=dtype)
    sizes = np.array([m.bit_count() for m in range(1 << n)])
    with_player = np.array([0, *(weights[s - 1] + (weights[s] if s < n else 0) for s in range(1, n + 1))], dtype=dtype)
    without = np.array([*weights, 0], dtype=dtype)
    everywhere = int((values * without[sizes]).sum())
    table = values * with_player[sizes]
    phi = []
    for i in reversed(range(n)):
        half = 1 << i
        phi.append(Fraction(int(table[half:].sum()) - everywhere, scale))
        table = table[:half] + table[half:]
    return tuple(reversed(phi))
