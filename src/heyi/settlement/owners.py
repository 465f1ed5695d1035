"""Owners and unions: the institutions of one owner count as one, so a second name earns nothing.

The Owen value (1977) divides first among unions and then within each union. For unions within
unions (county, township, village) it is the value of Winter (1989). A union gets what it would
get in the game that the unions play as single players.
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


def ultimate(owners: Mapping[str, str], players: Sequence[str]) -> dict[str, str]:
    """The last owner of each player; a player without an owner is its own.

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


def value_by_unions(
    values: npt.NDArray[Any], paths: Sequence[Sequence[str]]
) -> tuple[Fraction, ...]:
    """The exact value of each player, given the unions that it belongs to.

    `paths[i]` names the unions of player i from the top; with an empty path it is in no union. If
    all paths are empty, this is the Shapley value. `values[mask]` are int64 or Python integers,
    and `values[0]` is 0. A union of m members among u unions costs 2^(u-1) 2^m coalitions, never
    more than all there are.

    Raises:
        InvalidInput: the number of paths is not that of the players.
    """
    n = len(values).bit_length() - 1
    if len(paths) != n:
        raise InvalidInput(f"{n} players but {len(paths)} paths of unions")
    unions: dict[object, list[int]] = {}
    for i, path in enumerate(paths):
        # a player without a union is one by itself; its number is no name, so it meets no other
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
    # The weights of all subsets of the other unions sum to `scale`, so a weighted sum of values
    # stays below max|v| * scale. One bit more is left for `expected - expected[0]`.
    fits = max(abs(int(values.max())), abs(int(values.min()))) * scale < 1 << 61
    for k, union in enumerate(members):
        outside = _joined([sum(1 << i for i in other) for j, other in enumerate(members) if j != k])
        weight = np.array(
            [weights[m.bit_count()] for m in range(len(outside))],
            dtype=np.int64 if fits else object,
        )
        inside = _joined([1 << i for i in union])
        # The game inside the union: `scale` times the worth of each part of the union, together
        # with the other unions that came before it, on average over the orders of the unions.
        expected = np.array(
            [(values[outside | part] * weight).sum() for part in inside], dtype=weight.dtype
        )
        for i, own in zip(
            union, value_by_unions(expected - expected[0], [below[i] for i in union]), strict=True
        ):
            phi[i] = own / scale
    return tuple(phi)


def _joined(parts: Sequence[int]) -> npt.NDArray[np.int64]:
    """The union of each subset of disjoint masks, in the order of the subsets' bit masks.

    `_joined([0b001, 0b110])` is `[0, 0b001, 0b110, 0b111]`.
    """
    masks = np.zeros(1 << len(parts), dtype=np.int64)
    # the subsets with part i are those of the parts before it, each with part i added
    for i, bits in enumerate(parts):
        masks[1 << i : 1 << (i + 1)] = masks[: 1 << i] | bits
    return masks
