"""Uncertainty of an exact game: that of its evaluation set, whose records might as well have been others.

The value is linear in the utility, and the utility a sum over records; so each record has its own contribution of each
player, phi_r, and a bootstrap over records (Efron 1979) of a share sum phi_ri / sum t_r with t_r = sum over i of phi_ri
has in the limit the variance of a ratio: sum over r of (phi_ri - s_i t_r)^2 / T^2. Sums of products say it; no record
leaves its institution. The intervals hold together (Bonferroni over the players).
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
    """The interval of each player's share of v(N), in millionths; None where v(N) is not above zero.

    `moments[i][j]` is the sum over records of phi_ri phi_rj, in the unit of `phi` squared.
    """
    total = sum(phi, Fraction(0))
    if total <= 0:
        return None
    z = NormalDist().inv_cdf(1 - (1 - confidence) / (2 * len(phi)))
    rows = [sum(map(Fraction, row), Fraction(0)) for row in moments]
    whole, found = sum(rows, Fraction(0)), []
    for i, own in enumerate(phi):
        share = own / total
        variance = (moments[i][i] - 2 * share * rows[i] + share * share * whole) / (total * total)
        half = z * sqrt(max(variance, Fraction(0)))
        found.append(
            (round(PER_MILLION * (float(share) - half)), round(PER_MILLION * (float(share) + half)))
        )
    return tuple(found)
