"""Games: players and an integer utility for each coalition, as registered before the run.

A coalition is a bit mask over the players: bit i is player i. Two other kinds of game need fewer
numbers: `coverage_game`, whose value has a closed form, and `sample`, which has the coalitions of
a plan only.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Protocol

from heyi.crypto.canonical import Json, digest
from heyi.model.errors import InvalidInput

MOST_PLAYERS = 24


class Utility(Protocol):
    """A utility that can be evaluated: integers in `unit`, with v(empty) = 0."""

    @property
    def players(self) -> tuple[str, ...]: ...

    @property
    def unit(self) -> str: ...

    @property
    def specification(self) -> Mapping[str, Json]: ...

    def value_batch(self, masks: Sequence[int]) -> list[int]:
        """The utility of each coalition, in the order asked."""


def check_players(players: Sequence[str]) -> None:
    """Check that each player is named once, in the order of the ids.

    Raises:
        InvalidInput: a player is named twice, or they are in another order.
    """
    if len(set(players)) != len(players) or any(a > b for a, b in pairwise(players)):
        raise InvalidInput("players stand once each, in the order of their ids")


@dataclass(frozen=True, kw_only=True)
class Game:
    """`values[m]` is the utility in `unit` of the coalition with bit mask m; `values[0]` is 0.

    The registered baseline v(empty) is already subtracted. `specification` is what was registered
    before the run. `moments` are sums over the evaluated records of products of two players'
    contributions to one record, in the squared unit (see `uncertainty`), or None if the evaluation
    gave none. `overlap` counts linked persons by the exact set of players that hold them, as a bit
    mask (see `guards`), or None if persons were not linked.
    """

    players: tuple[str, ...]
    values: tuple[int, ...]
    unit: str
    specification: Mapping[str, Json]
    moments: tuple[tuple[int, ...], ...] | None = None
    overlap: Mapping[int, int] | None = None

    def __post_init__(self) -> None:
        n = len(self.players)
        if not 1 <= n <= MOST_PLAYERS:
            raise InvalidInput(
                f"{n} players cannot be valued exactly",
                hint=f"1 to {MOST_PLAYERS} players; group institutions by owner, use a closed form,"
                " or a sample",
            )
        check_players(self.players)
        if len(self.values) != 1 << n:
            raise InvalidInput(f"{1 << n} coalitions need a value, not {len(self.values)}")
        if self.values[0] != 0:
            raise InvalidInput(
                "the empty coalition is worth something", hint="subtract the registered baseline"
            )
        if self.moments is not None and [len(row) for row in self.moments] != [n] * n:
            raise InvalidInput(f"moments are {n} rows of {n}")
        for mask, persons in (self.overlap or {}).items():
            if not 0 < mask < 1 << n or persons < 0:
                raise InvalidInput(f"pattern {mask} is not a set of {n} players with a count")

    @cached_property
    def digest(self) -> str:
        """Binds the specification and every value."""
        return digest(self.to_json())

    def value_batch(self, masks: Sequence[int]) -> list[int]:
        """The utility of each coalition, in the order asked."""
        return [self.values[m] for m in masks]

    def coalitions(self) -> Iterable[tuple[int, int]]:
        """Every coalition with its utility, in the order of the masks."""
        return enumerate(self.values)

    def to_json(self) -> dict[str, Json]:
        """Values as decimal text, since JSON numbers end at 2^53."""
        return {
            "kind": "game",
            "players": list(self.players),
            "values": [str(v) for v in self.values],
            "unit": self.unit,
            "specification": dict(self.specification),
            "moments": None
            if self.moments is None
            else [[str(x) for x in row] for row in self.moments],
            "overlap": None
            if self.overlap is None
            else {f"{m:x}": c for m, c in sorted(self.overlap.items())},
        }


def game_from_json(value: Json) -> Game:
    """The inverse of `to_json`."""
    moments, overlap = value["moments"], value["overlap"]
    return Game(
        players=tuple(value["players"]),
        values=tuple(map(int, value["values"])),
        unit=value["unit"],
        specification=value["specification"],
        moments=None if moments is None else tuple(tuple(map(int, row)) for row in moments),
        overlap=None if overlap is None else {int(m, 16): int(c) for m, c in overlap.items()},
    )
