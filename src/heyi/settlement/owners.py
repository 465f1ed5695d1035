"""Beneficial owners: institutions of one owner are one player, so that a second name earns nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import comb

import numpy as np
import numpy.typing as npt

from heyi.model.errors import InvalidInput
from heyi.settlement.game import Game


def ultimate(owners: Mapping[str, str], players: Sequence[str]) -> dict[str, str]:
    """The last owner of each player; who has none is its own.

    Raises:
        InvalidInput: owners own one another in a circle.
    """
    found = {}
    for player in players:
        seen = [player]
        while seen[-1] in owners:
            owner = owners[seen[-1]]
            if owner in seen:
                circle = " → ".join([*seen[seen.index(owner) :], owner])
                raise InvalidInput(f"`{player}` is owned in a circle", hint=f"break {circle}")
            seen.append(owner)
        found[player] = seen[-1]
    return found


def quotient(game: Game, owners: Mapping[str, str]) -> Game:
    """The game of owners: a coalition of owners is worth what all of their institutions together are (Owen 1977).

    Raises:
        InvalidInput: owners own one another in a circle.
    """
    last = ultimate(owners, game.players)
    players = tuple(sorted(set(last.values())))
    held = [sum(1 << i for i, p in enumerate(game.players) if last[p] == owner) for owner in players]
    masks = np.zeros(1 << len(players), dtype=np.int64)
    for i, bits in enumerate(held):
        masks[1 << i : 1 << (i + 1)] = masks[: 1 << i] | bits
    values = tuple(game.values[m] for m in masks.tolist())
    specification = {**game.specification, "owners": dict(sorted(last.items()))}
    return Game(players=players, values=values, unit=game.unit, specification=specification)


def owen(values: npt.NDArray[np.float64], unions: Sequence[Sequence[int]]) -> npt.NDArray[np.float64]:
    """The Owen value (1977): the pot goes to unions by the quotient game, and within a union by what its members could
    get together with other unions; `unions` partition the players. County, township and village are nested unions.

    O(2^u sum of 2^m) coalitions for u unions of m members, never 2^n.
    """
    n = len(values).bit_length() - 1
    if sorted(i for union in unions for i in union) != list(range(n)):
        raise InvalidInput("unions hold each player once")
    phi = np.zeros(n)
    held = [sum(1 << i for i in union) for union in unions]
    u = len(unions)
    weight_u = _weights(u)
    for k, union in enumerate(unions):
        others = [held[j] for j in range(u) if j != k]
        outside = np.zeros(1 << len(others), dtype=np.int64)
        sizes_out = np.zeros(1 << len(others), dtype=np.int64)
        for j, bits in enumerate(others):
            outside[1 << j : 1 << (j + 1)] = outside[: 1 << j] | bits
            sizes_out[1 << j : 1 << (j + 1)] = sizes_out[: 1 << j] + 1
        m = len(union)
        inside = np.zeros(1 << m, dtype=np.int64)
        sizes_in = np.zeros(1 << m, dtype=np.int64)
        for j, i in enumerate(union):
            inside[1 << j : 1 << (j + 1)] = inside[: 1 << j] | 1 << i
            sizes_in[1 << j : 1 << (j + 1)] = sizes_in[: 1 << j] + 1
        # the value of each part of the union, averaged over the orders of the other unions
        expected = np.array([(values[outside | part] * weight_u[sizes_out]).sum() for part in inside])
        weight_m = _weights(m)
        for j, i in enumerate(union):
            without = np.flatnonzero(~inside >> i & 1)
            gain = expected[without | 1 << j] - expected[without]
            phi[i] = (gain * weight_m[sizes_in[without]]).sum()
    return phi


def _weights(n: int) -> npt.NDArray[np.float64]:
    """k!(n-1-k)!/n! for k = 0..n-1."""
    return np.array([1 / (n * comb(n - 1, k)) for k in range(n)])
