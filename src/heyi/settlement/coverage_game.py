"""Coverage: the utility of a coalition is the number of distinct eligible persons in its data.

Each person counts once, wherever and however often it was seen: a copied record adds nothing. In
strata (age groups, rare diseases) a person counts with the registered weight of its stratum. The
Shapley value has a closed form, so no coalition is evaluated. Hundreds of players can be valued.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

from heyi.crypto.canonical import Json, digest
from heyi.model.errors import InvalidInput
from heyi.settlement.game import check_players

Patterns = Mapping[int, int]
"""Persons by the exact set of players that saw them, as a bit mask."""
MOST_WORK = 20_000_000
"""Products of two players' parts at most, for some 30 seconds of a certificate's check."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stratum:
    """Persons of one kind; each counts `weight`, above zero."""

    name: str
    weight: int
    patterns: Patterns


@dataclass(frozen=True, kw_only=True)
class CoverageGame:
    """The utility of a coalition is the summed weight of all persons that its players saw."""

    players: tuple[str, ...]
    strata: tuple[Stratum, ...]
    specification: Mapping[str, Json]

    def __post_init__(self) -> None:
        check_players(self.players)
        # first of all, since this may come from a certificate that is there to be computed for ever
        masks = [mask for stratum in self.strata for mask in stratum.patterns]
        work = len(self.players) * (len(self.players) + len(masks))
        if work + sum(mask.bit_count() ** 2 for mask in masks) > MOST_WORK:
            raise InvalidInput(
                f"{len(masks)} sets of {len(self.players)} institutions take too long to value",
                hint="join institutions, or count fewer strata",
            )
        for stratum in self.strata:
            if stratum.weight <= 0:
                raise InvalidInput(
                    f"stratum `{stratum.name}` counts {stratum.weight}",
                    hint="give a weight above zero",
                )
            for mask, persons in stratum.patterns.items():
                if not 0 < mask < 1 << len(self.players) or persons < 0:
                    raise InvalidInput(
                        f"pattern {mask} is not a set of {len(self.players)} players with a count"
                    )

    @property
    def unit(self) -> str:
        """Persons, or weighted persons."""
        return "persons" if all(s.weight == 1 for s in self.strata) else "points"

    @cached_property
    def digest(self) -> str:
        """Binds the specification and every count."""
        return digest(self.to_json())

    @cached_property
    def weighted(self) -> dict[int, int]:
        """Weight of persons by who saw them, over all strata."""
        found: dict[int, int] = {}
        for stratum in self.strata:
            for mask, persons in stratum.patterns.items():
                found[mask] = found.get(mask, 0) + stratum.weight * persons
        return found

    @cached_property
    def overlap(self) -> dict[int, int]:
        """Persons by who saw them, over all strata."""
        found: dict[int, int] = {}
        for stratum in self.strata:
            for mask, persons in stratum.patterns.items():
                found[mask] = found.get(mask, 0) + persons
        return found

    def value_batch(self, masks: Sequence[int]) -> list[int]:
        """The utility of each coalition, in the order asked."""
        return [
            sum(weight for seen, weight in self.weighted.items() if seen & mask) for mask in masks
        ]

    def value(self, paths: Sequence[Sequence[str]]) -> tuple[Fraction, ...]:
        """The value of each player, in `unit`; `paths` as in `coverage_by_levels`."""
        return coverage_by_levels(self.weighted, [tuple(path) for path in paths])

    def by_stratum(self, paths: Sequence[Sequence[str]]) -> dict[str, tuple[Fraction, ...]]:
        """The value of each player in each stratum; they sum to its value."""
        unions = [tuple(path) for path in paths]
        return {
            s.name: tuple(s.weight * x for x in coverage_by_levels(s.patterns, unions))
            for s in self.strata
        }

    def coalitions(self) -> Iterable[tuple[int, int]]:
        """The leaves of the root: stratum by stratum, persons by who saw them, in mask order."""
        for stratum in self.strata:
            yield from sorted(stratum.patterns.items())

    def moments(self, paths: Sequence[Sequence[str]]) -> list[list[Fraction]]:
        """Sums over persons of products of two players' parts of a person (see `uncertainty`)."""
        n, unions = len(self.players), [tuple(path) for path in paths]
        moments = [[Fraction(0)] * n for _ in range(n)]
        for stratum in self.strata:
            # all persons of one pattern have the same parts, so each pattern is valued once
            for mask, persons in stratum.patterns.items():
                parts = coverage_by_levels({mask: stratum.weight}, unions)
                held = [i for i in range(n) if mask >> i & 1]
                for at, i in enumerate(held):
                    own = persons * parts[i]
                    for j in held[at:]:
                        moments[i][j] += own * parts[j]
        for i in range(n):  # a product has no order
            for j in range(i):
                moments[i][j] = moments[j][i]
        return moments

    def to_json(self) -> dict[str, Json]:
        """Masks in hexadecimal."""
        return {
            "kind": "coverage",
            "players": list(self.players),
            "strata": [
                {
                    "name": s.name,
                    "weight": s.weight,
                    "patterns": {f"{m:x}": c for m, c in sorted(s.patterns.items())},
                }
                for s in self.strata
            ],
            "unit": self.unit,
            "specification": dict(self.specification),
        }


def coverage_from_json(value: Json) -> CoverageGame:
    """The inverse of `to_json`."""
    return CoverageGame(
        players=tuple(value["players"]),
        strata=tuple(
            Stratum(
                name=s["name"],
                weight=s["weight"],
                patterns={int(m, 16): int(c) for m, c in s["patterns"].items()},
            )
            for s in value["strata"]
        ),
        specification=value["specification"],
    )


def coverage_by_levels(
    patterns: Patterns, paths: Sequence[tuple[str, ...]]
) -> tuple[Fraction, ...]:
    """Each player's value of coverage, with unions within unions (Owen 1977, Winter 1989).

    Each person is shared equally among the unions that saw it, each of these parts equally among
    the unions inside, and so on down. `paths[i]` names the unions of player i from the top (county,
    township); with an empty path it is in no union. If all paths are empty, this is the Shapley
    value: each person is shared equally among the players that saw it.
    """
    phi = [Fraction(0)] * len(paths)

    def share(members: Sequence[int], depth: int, part: Fraction) -> None:
        if len(members) == 1:
            phi[members[0]] += part
            return
        unions: dict[object, list[int]] = {}
        for i in members:
            # a player whose path ends here is a union by itself; its number is no name of another
            unions.setdefault(paths[i][depth] if depth < len(paths[i]) else i, []).append(i)
        for union in unions.values():
            share(union, depth + 1, part / len(unions))

    for mask, count in patterns.items():
        if count:
            share([i for i in range(len(paths)) if mask >> i & 1], 0, Fraction(count))
    return tuple(phi)


def coverage_values(patterns: Patterns, players: int) -> tuple[int, ...]:
    """Distinct persons seen by each coalition, in the order of the masks.

    v(S) is all persons less those that only players outside S saw.

    Raises:
        InvalidInput: a pattern is no set of the players, or a count is negative.
    """
    size = 1 << players
    subsets = [0] * size
    for mask, persons in patterns.items():
        if not 0 < mask < size or persons < 0:
            raise InvalidInput(f"pattern {mask} is not a set of {players} players with a count")
        subsets[mask] += persons
    # sums over subsets, one player at a time (the zeta transform): afterwards `subsets[m]` counts
    # the persons that only players within m saw
    for i in range(players):
        bit = 1 << i
        for mask in range(size):
            if mask & bit:
                subsets[mask] += subsets[mask ^ bit]
    return tuple(subsets[-1] - subsets[size - 1 - mask] for mask in range(size))
