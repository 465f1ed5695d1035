"""Uncertainty of an exact game: other records in the evaluation set would give other values.

The utility is a sum over records and the Shapley value is linear in the utility. So every record r
contributes its own phi_ri to player i. A share is the ratio s_i = sum_r phi_ri / sum_r t_r, with
t_r = sum_i phi_ri. A bootstrap over records (Efron 1979) gives it, in the limit, the variance of a
ratio: sum_r (phi_ri - s_i t_r)^2 / T^2, with T = sum_r t_r. Expanded, this needs only sums of
products over records (the moments), and so no record leaves its institution.

All intervals hold at once with the given confidence (Bonferroni over the players).
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import sqrt
from statistics import NormalDist

PER_MILLION = 10**6


def share_intervals(
    phi: Sequence[Fraction],
    moments: Sequence[Sequence[int | Fraction]],
    *,
    confidence: float = 0.95,
) -> tuple[tuple[int, int], ...] | None:
    """The interval of each player's share of v(N), in millionths; None if v(N) is not above zero.

    `moments[i][j]` is the sum over records r of phi_ri phi_rj, in the squared unit of `phi`.
    """
    total = sum(phi, Fraction(0))
    if total <= 0:
        return None
    z = NormalDist().inv_cdf(1 - (1 - confidence) / (2 * len(phi)))
    # sums over records of phi_ri t_r (for each i) and of t_r^2, as t_r is a sum over the players
    rows = [sum(map(Fraction, row), Fraction(0)) for row in moments]
    whole, found = sum(rows, Fraction(0)), []
    for i, own in enumerate(phi):
        share = own / total
        # (phi_ri - s t_r)^2 expanded; exact fractions, since the terms nearly cancel
        variance = (moments[i][i] - 2 * share * rows[i] + share * share * whole) / (total * total)
        # rounded moments can make a tiny variance negative
        half = z * sqrt(max(variance, Fraction(0)))
        found.append(
            (round(PER_MILLION * (float(share) - half)), round(PER_MILLION * (float(share) + half)))
        )
    return tuple(found)
