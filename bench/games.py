"""Six games for any number of players whose Shapley values a closed form gives.

    coverage      number of persons whom at least one member saw
    saturating    log(1 + sum of the members' information)
    airport       cost of the most expensive member (Littlechild and Owen 1973)
    voting        1 where the members have more than half of the weight
    unanimity     sum of the worths of all teams that are complete in the coalition
    pairs         sum over pairs of members

Only numpy is needed, so that the environment of other libraries (`make peers`) can use them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil, comb, sqrt
from typing import Any

import numpy as np

Array = Any


@dataclass(frozen=True)
class KnownGame:
    """`utility`: a number for each row of memberships (bool); `value`: one for each player."""

    utility: Callable[[Array], Array]
    value: Callable[[], Array]


def games_of(n: int, seed: int) -> dict[str, KnownGame]:
    """The six games for n players, by name; the same seed gives the same games."""
    rng = np.random.default_rng(seed)
    seen = rng.random((400, n)) < rng.uniform(0.02, 0.3, n)
    information = rng.lognormal(0, 1.5, n)
    cost = rng.random(n)
    weights = rng.integers(1, 20, n)
    quota = int(weights.sum() // 2) + 1
    teams = [np.unique(rng.integers(0, n, rng.integers(1, 6))) for _ in range(8 * n)]
    worth = rng.random(8 * n)
    between = rng.random((n, n))
    between = (between + between.T) / 2

    return {
        "coverage": KnownGame(
            lambda x: ((x.astype(float) @ seen.T) > 0).sum(axis=1) * 1.0,
            lambda: (seen / np.maximum(seen.sum(axis=1), 1)[:, None]).sum(axis=0),
        ),
        "saturating": KnownGame(
            lambda x: np.log1p(x @ information), lambda: _saturating(information)
        ),
        "airport": KnownGame(lambda x: (x * cost).max(axis=1), lambda: _airport(cost)),
        "voting": KnownGame(
            lambda x: (x @ weights >= quota) * 1.0, lambda: _voting(weights.tolist(), quota)
        ),
        "unanimity": KnownGame(
            lambda x: sum(c * x[:, team].all(axis=1) for c, team in zip(worth, teams, strict=True)),
            lambda: _unanimity(n, teams, worth),
        ),
        "pairs": KnownGame(
            lambda x: np.einsum("ij,ij->i", x @ between, x.astype(float)),
            lambda: between.sum(axis=1),
        ),
    }


def _saturating(information: Array) -> Array:
    """The value of log(1 + I(S)), as log(1 + I) = integral over t > 0 of (1 - e^(-tI)) e^(-t) / t.

    phi_i = integral over q in [0, 1] and t of (1 - e^(-t I_i)) e^(-t) / t times the product over
    j != i of (1 - q + q e^(-t I_j)): the multilinear extension (Owen 1972) under the integral.
    """
    x, weight_q = np.polynomial.legendre.leggauss(max(64, ceil(4 * sqrt(len(information)))))
    q, weight_q = (x + 1) / 2, weight_q / 2
    # over log t, which takes up the 1 / t; what lies outside of the limits is below rounding
    low, high = np.log(1e-18 / (1 + information.sum())), np.log(60)
    y, weight_t = np.polynomial.legendre.leggauss(800)
    phi = np.zeros(len(information))
    for log_t, weight in zip((high - low) / 2 * y + (high + low) / 2, weight_t, strict=True):
        t = np.exp(log_t)
        gone = -np.expm1(-t * information)
        logs = np.log1p(-np.outer(q, gone))
        others = np.exp(logs.sum(axis=1, keepdims=True) - logs)
        phi += weight * (high - low) / 2 * np.exp(-t) * gone * (weight_q @ others)
    return phi


def _airport(cost: Array) -> Array:
    """Each step of the sorted costs is shared equally by those who cost at least so much."""
    order = np.argsort(cost)
    phi = np.empty(len(cost))
    phi[order] = np.cumsum(np.diff(cost[order], prepend=0.0) / np.arange(len(cost), 0, -1))
    return phi


def _voting(weights: list[int], quota: int) -> Array:
    """The probability of each player to bring those before it in a random order up to the quota.

    Source: Shapley and Shubik 1954.
    """
    # counts[s, w]: coalitions of s other players with the weight w, for w below the quota only.
    # A player is pivotal where w + its weight reaches the quota; 1 / (n C(n-1, s)) is the chance
    # that exactly a given coalition of s players comes before it.
    n, phi = len(weights), []
    for i, own in enumerate(weights):
        counts = np.zeros((n, quota))
        counts[0, 0] = 1
        for j, weight in enumerate(weights):
            if j != i:
                counts[1:, weight:] += counts[:-1, : quota - weight].copy()
        first = max(quota - own, 0)
        phi.append(sum(counts[s, first:].sum() / (n * comb(n - 1, s)) for s in range(n)))
    return np.array(phi)


def _unanimity(n: int, teams: list[Array], worth: Array) -> Array:
    phi = np.zeros(n)
    for c, team in zip(worth, teams, strict=True):
        phi[team] += c / len(team)
    return phi
