"""Six games of any number of players whose Shapley values are known, by a closed form each.

    coverage      persons seen by a member; each is shared equally among those who saw it
    saturating    log(1 + information of the members)
    airport       the dearest member's cost (Littlechild and Owen 1973)
    voting        1 where the members' weight passes half
    unanimity     a sum of games that are worth something to all of a few players together
    pairs         a sum over pairs of members

Only numpy is needed, and for the saturating game and its value Heyi.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import comb
from typing import Any

import numpy as np

Array = Any


@dataclass(frozen=True)
class KnownGame:
    """`utility` takes rows of memberships; `value` computes the Shapley values."""

    utility: Callable[[Array], Array]
    value: Callable[[], Array]


def games_of(n: int, seed: int) -> dict[str, KnownGame]:
    """The six games for n players."""
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

    def saturating() -> Array:
        from heyi.settlement.closed_form import log_information

        return log_information(information.tolist(), 1.0)

    return {
        "coverage": KnownGame(
            lambda x: ((x.astype(float) @ seen.T) > 0).sum(axis=1) * 1.0,
            lambda: (seen / np.maximum(seen.sum(axis=1), 1)[:, None]).sum(axis=0),
        ),
        "saturating": KnownGame(lambda x: np.log1p(x @ information), saturating),
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


def _airport(cost: Array) -> Array:
    order = np.argsort(cost)
    phi = np.empty(len(cost))
    phi[order] = np.cumsum(np.diff(cost[order], prepend=0.0) / np.arange(len(cost), 0, -1))
    return phi


def _voting(weights: list[int], quota: int) -> Array:
    """The chance of each to lift those before it over the quota, by shares of coalitions of each size and weight."""
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
