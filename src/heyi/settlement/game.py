"""Games: players, and an integer utility for each of their coalitions, as pre-registered in the permit.

A coalition is a bit mask over the players. Where the utility has a closed form (`coverage`), or only a plan of
coalitions is evaluated (`sample`), fewer numbers say it.
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
    """A utility that can be asked for: integers in `unit`, v(empty) = 0 after the registered baseline."""

    @property
    def players(self) -> tuple[str, ...]: ...

    @property
    def unit(self) -> str: ...

    @property
    def specification(self) -> Mapping[str, Json]: ...

    def value_batch(self, masks: Sequence[int]) -> list[int]:
        """The utility of each coalition, in the order asked."""


def check_players(players: Sequence[str]) -> None:
    """Players stand once each, in the order of their ids.

    Raises:
        InvalidInput: they do not.
    """
    if len(set(players)) != len(players) or any(a > b for a, b in pairwise(players)):
        raise InvalidInput("players stand once each, in the order of their ids")


@dataclass(frozen=True, kw_only=True)
class Game:
    """`values[m]` is the utility of the coalition whose bit mask over `players` is m, in `unit`; `values[0]` is 0.

    The registered baseline v(empty) was subtracted before. `specification` is what was registered before the run.
    `moments`, where the evaluation gave them, are sums over its records of products of two players' contributions to
    one record, in the unit squared (see `uncertainty`). `overlap`, where persons were linked, counts them by the exact
    set of players that hold them (see `guards`).
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
                hint=f"1 to {MOST_PLAYERS} players; group institutions by owner, use a closed form, or a sample",
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


def mask_of(members: Sequence[int]) -> int:
    """The bit mask of a coalition."""
    return sum(1 << i for i in set(members))
