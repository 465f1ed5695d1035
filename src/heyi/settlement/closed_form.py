"""Closed forms of the Shapley value, for utilities that have one: no coalition is evaluated.

Sums of games have the sums of their values (additivity), so every form also serves by strata.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from functools import lru_cache
from math import ceil, comb, sqrt

import numpy as np
import numpy.typing as npt

from heyi.model.errors import InvalidInput

Floats = npt.NDArray[np.float64]


def coverage(patterns: Mapping[int, int], players: int) -> tuple[Fraction, ...]:
    """Coverage of distinct persons: each person is shared equally among the players that saw them.

    `patterns` counts persons by the exact set of players, as a bit mask.
    """
    return tuple(
        sum(
            (
                Fraction(count, mask.bit_count())
                for mask, count in patterns.items()
                if mask >> i & 1
            ),
            Fraction(0),
        )
        for i in range(players)
    )


def coverage_by_levels(
    patterns: Mapping[int, int], paths: Sequence[tuple[str, ...]]
) -> tuple[Fraction, ...]:
    """Coverage where players stand in unions within unions: county, township, village (Owen 1977, Winter 1989).

    Each person is shared equally among the unions that saw them, within each equally among its parts, and so on down.
    `paths` names the unions of each player from the top; a player that is a union's own head has a shorter path.
    """
    phi = [Fraction(0)] * len(paths)

    def share(members: Sequence[int], depth: int, part: Fraction) -> None:
        if len(members) == 1:
            phi[members[0]] += part
            return
        unions: dict[object, list[int]] = {}
        for i in members:
            unions.setdefault(paths[i][depth] if depth < len(paths[i]) else i, []).append(i)
        for union in unions.values():
            share(union, depth + 1, part / len(unions))

    for mask, count in patterns.items():
        if count:
            share([i for i in range(len(paths)) if mask >> i & 1], 0, Fraction(count))
    return tuple(phi)


def all_needed(patterns: Mapping[int, int], players: int) -> tuple[Fraction, ...]:
    """Persons counted where every player of their pattern takes part: the dual of coverage, with the same value."""
    return coverage(patterns, players)


def strata(parts: Sequence[Sequence[Fraction]]) -> tuple[Fraction, ...]:
    """The value of a sum of games, from the values of each; stratified utilities add up."""
    return tuple(sum(column, Fraction(0)) for column in zip(*parts, strict=True))


def fisher_information(information: Sequence[Fraction]) -> tuple[Fraction, ...]:
    """Information of an estimate, which adds up over institutions: each is worth its own."""
    return tuple(information)


def best_single(values: Sequence[Fraction]) -> tuple[Fraction, ...]:
    """The best member counts, v(S) = max over S (the airport game; Littlechild and Owen 1973); values of at least 0."""
    order = sorted(range(len(values)), key=lambda i: values[i])
    phi = [Fraction(0)] * len(values)
    shared, below = Fraction(0), Fraction(0)
    for rank, i in enumerate(order):
        shared += (values[i] - below) / (len(values) - rank)
        below, phi[i] = values[i], shared
    return tuple(phi)


def threshold(weights: Sequence[int], quota: int) -> tuple[Fraction, ...]:
    """A cohort is worth 1 when it has at least `quota` persons, else nothing; `weights` are persons of each player.

    phi_i is the chance that i is the one who lifts those before it over the quota, in a random order: a count of
    coalitions by size and weight, by dynamic programming (Mann and Shapley 1962), O(n^2 quota) for all players.

    Raises:
        InvalidInput: a weight is negative, or the quota is not above zero.
    """
    if quota <= 0 or min(weights, default=0) < 0:
        raise InvalidInput("a quota is above zero and persons are not negative")
    n = len(weights)
    phi = []
    for i, own in enumerate(weights):
        counts = [
            [0] * quota for _ in range(n)
        ]  # coalitions of the others by size and weight below the quota
        counts[0][0] = 1
        for done, weight in enumerate(w for j, w in enumerate(weights) if j != i):
            for size in range(done, -1, -1):
                row, above = counts[size], counts[size + 1]
                for total in range(quota - weight):
                    if row[total]:
                        above[total + weight] += row[total]
        first = max(quota - own, 0)
        phi.append(
            sum(
                (Fraction(sum(counts[s][first:]), n * comb(n - 1, s)) for s in range(n)),
                Fraction(0),
            )
        )
    return tuple(phi)


def log_information(information: Sequence[float], prior: float) -> Floats:
    """v(S) = log(1 + I(S)/a) for information that adds up and a prior information `a` above zero.

    log(1 + I/a) = integral over t > 0 of (1 - e^(-tI)) e^(-at) / t dt; taken over log t, the density is e^(-at).
    """
    return completely_monotone(information, lambda t: np.exp(-prior * t), scale=prior)


def variance_reduction(information: Sequence[float], prior: float) -> Floats:
    """v(S) = 1/a - 1/(a + I(S)): by how much the variance falls below its prior value 1/a."""
    return completely_monotone(information, lambda t: t * np.exp(-prior * t), scale=prior)


def between_sites(records: Sequence[int], heterogeneity: float) -> list[float]:
    """Information of each site about a common mean when sites differ: 1 / (tau^2 + 1/n_i) (random effects).

    It is why a small site earns more than its share of the records. `heterogeneity` is tau^2 in units of the variance
    of one record.
    """
    return [1 / (heterogeneity + 1 / n) if n else 0.0 for n in records]


def completely_monotone(
    information: Sequence[float], density: Callable[[Floats], Floats], *, scale: float
) -> Floats:
    """v(S) = integral of (1 - e^(-t I(S))) density(t) d(log t), for information that adds up.

    phi_i = integral over q in [0, 1] and t of (1 - e^(-t I_i)) prod over j != i of (1 - q + q e^(-t I_j)): the
    multilinear extension (Owen 1972) under the integral. Gauss-Legendre in q is exact from ceil(n/2) nodes on, and
    with 4 sqrt(n) right to eleven digits for 5,000 players; `scale` is a rate at which the density falls.

    Raises:
        InvalidInput: information is negative or not finite.
    """
    own = np.asarray(information, dtype=np.float64)
    if not np.isfinite(own).all() or (own < 0).any() or scale <= 0:
        raise InvalidInput("information is finite and not negative, and the prior is above zero")
    x, weight_q = _gauss(max(64, ceil(4 * sqrt(len(own)))))
    q, weight_q = (x + 1) / 2, weight_q / 2
    low, high = np.log(1e-18 / (scale + own.sum())), np.log(60 / scale)
    y, weight_t = _gauss(800)
    t = np.exp((high - low) / 2 * y + (high + low) / 2)
    weight_t = weight_t * (high - low) / 2 * density(t)
    phi = np.zeros(len(own))
    batch = max(1, (1 << 18) // (len(q) * max(len(own), 1)))
    for first in range(0, len(t), batch):
        times, weights = t[first : first + batch], weight_t[first : first + batch]
        gone = -np.expm1(-np.outer(times, own))  # 1 - e^(-t I)
        logs = np.log1p(-q[:, None, None] * gone)  # of 1 - q + q e^(-t I_j)
        others = np.exp(logs.sum(axis=2, keepdims=True) - logs)
        phi += np.einsum("t,tj,q,qtj->j", weights, gone, weight_q, others, optimize=True)
    return phi


@lru_cache(maxsize=8)
def _gauss(nodes: int) -> tuple[Floats, Floats]:
    """Nodes and weights of Gauss-Legendre on [-1, 1]."""
    x, weights = np.polynomial.legendre.leggauss(nodes)
    return x, weights
