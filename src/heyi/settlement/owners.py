"""Owners and unions: institutions of one owner are one player, so that a second name earns nothing.

The Owen value (1977) divides first among unions and then within each; with unions within unions (county, township,
village) it is the value of Winter (1989). A union of one owner's institutions gets what the game of owners gives it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from math import comb, lcm
from typing import Any

import numpy as np
import numpy.typing as npt

from heyi.model.errors import InvalidInput
from heyi.settlement.exact import shapley_of_integers
from heyi.settlement.game import Game


def ultimate(owners: Mapping[str, str], players: Sequence[str]) -> dict[str, str]:
    """The last owner of each player; who has none is its own.

    Raises:
        InvalidInput: owners own one another in a circle.
    """
    found = {}
    for player in players:
        seen = [player]
        while owners.get(seen[-1], seen[-1]) != seen[-1]:
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
    held = [
        sum(1 << i for i, p in enumerate(game.players) if last[p] == owner) for owner in players
    ]
    values = tuple(game.values[m] for m in _joined(held).tolist())
    specification = {**game.specification, "owners": dict(sorted(last.items()))}
    return Game(players=players, values=values, unit=game.unit, specification=specification)


def value_by_unions(
    values: npt.NDArray[Any], paths: Sequence[Sequence[str]]
) -> tuple[Fraction, ...]:
    """The exact value of each player where `paths` names the unions of each from the top; an empty path stands alone.

    `values[mask]` are int64 or Python integers, `values[0]` is 0. With empty paths it is the Shapley value. Each union
    costs 2^u 2^m coalitions for u unions of m members, never more than all of them.

    Raises:
        InvalidInput: paths are not one a player.
    """
    n = len(values).bit_length() - 1
    if len(paths) != n:
        raise InvalidInput(f"{n} players but {len(paths)} paths of unions")
    unions: dict[object, list[int]] = {}
    for i, path in enumerate(paths):
        unions.setdefault(path[0] if path else i, []).append(i)
    if len(unions) == n:
        return shapley_of_integers(values)
    below = [path[1:] for path in paths]
    if len(unions) == 1:
        return value_by_unions(values, below)
    phi = [Fraction(0)] * n
    members = list(unions.values())
    u = len(members)
    scale = lcm(*range(1, u + 1))
    weights = [scale // (u * comb(u - 1, k)) for k in range(u)]
    fits = max(abs(int(values.max())), abs(int(values.min()))) * scale < 1 << 61
    for k, union in enumerate(members):
        outside = _joined([sum(1 << i for i in other) for j, other in enumerate(members) if j != k])
        weight = np.array(
            [weights[m.bit_count()] for m in range(len(outside))],
            dtype=np.int64 if fits else object,
        )
        inside = _joined([1 << i for i in union])
        # what each part of the union is worth, averaged over the orders of the other unions, `scale` times
        expected = np.array(
            [(values[outside | part] * weight).sum() for part in inside], dtype=weight.dtype
        )
        for i, own in zip(
            union, value_by_unions(expected - expected[0], [below[i] for i in union]), strict=True
        ):
            phi[i] = own / scale
    return tuple(phi)


def _joined(parts: Sequence[int]) -> npt.NDArray[np.int64]:
    """The union of each subset of disjoint masks, in the order of the subsets' own masks."""
    masks = np.zeros(1 << len(parts), dtype=np.int64)
    for i, bits in enumerate(parts):
        masks[1 << i : 1 << (i + 1)] = masks[: 1 << i] | bits
    return masks
