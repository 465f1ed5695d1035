"""Games: players, and an integer utility for each of their coalitions, as pre-registered in the permit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from heyi.crypto.canonical import Json, digest
from heyi.model.errors import InvalidInput

MOST_PLAYERS = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Game:
    """`values[m]` is the utility of the coalition whose bit mask over `players` is m, in `unit`; `values[0]` is 0.

    The registered baseline v(empty) was subtracted before. `specification` is what was registered before the run.
    """

    players: tuple[str, ...]
    values: tuple[int, ...]
    unit: str
    specification: Mapping[str, Json]

    def __post_init__(self) -> None:
        n = len(self.players)
        if not 1 <= n <= MOST_PLAYERS:
            raise InvalidInput(
                f"{n} players cannot be valued exactly",
                hint=f"1 to {MOST_PLAYERS} players; group institutions by owner",
            )
        if len(set(self.players)) != n or any(a > b for a, b in pairwise(self.players)):
            raise InvalidInput("players stand once each, in the order of their ids")
        if len(self.values) != 1 << n:
            raise InvalidInput(f"{1 << n} coalitions need a value, not {len(self.values)}")
        if self.values[0] != 0:
            raise InvalidInput("the empty coalition is worth something", hint="subtract the registered baseline")

    @property
    def digest(self) -> str:
        """Binds the specification and every value."""
        return digest(self.to_json())

    def to_json(self) -> dict[str, Json]:
        """Values as decimal text, since JSON numbers end at 2^53."""
        return {
            "players": list(self.players),
            "values": [str(v) for v in self.values],
            "unit": self.unit,
            "specification": dict(self.specification),
        }


def game_from_json(value: Json) -> Game:
    """The inverse of `to_json`."""
    return Game(
        players=tuple(value["players"]),
        values=tuple(int(v) for v in value["values"]),
        unit=value["unit"],
        specification=value["specification"],
    )


def coverage_values(patterns: Mapping[int, int], players: int) -> tuple[int, ...]:
    """Distinct persons seen by each coalition, from counts of persons by the exact set of players that saw them.

    v(S) = all persons - those seen only outside S.
    """
    size = 1 << players
    subsets = [0] * size
    for mask, persons in patterns.items():
        if not 0 < mask < size or persons < 0:
            raise InvalidInput(f"pattern {mask} is not a set of {players} players with a count")
        subsets[mask] += persons
    for i in range(players):
        bit = 1 << i
        for mask in range(size):
            if mask & bit:
                subsets[mask] += subsets[mask ^ bit]
    return tuple(subsets[-1] - subsets[size - 1 - mask] for mask in range(size))


def mask_of(members: Sequence[int]) -> int:
    """The bit mask of a coalition."""
    return sum(1 << i for i in set(members))
