"""Guards of fairness: evidence about institutions that hold the same persons, and how firm a division is.

Nothing here accuses. `Twin` is a pair that holds nearly the same persons: where the specification says so, both are
valued as one owner, so that a second name earns nothing; else the evidence goes to people. `Stability` says whether a
coalition gets more than it is worth by itself, which is what the others might object to. `Baseline` says how shares
hang on the registered value of nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from heyi.crypto.canonical import Json
from heyi.model.errors import InvalidInput

SAME = Fraction(4, 5)
"""Of the persons that either of two institutions holds, the part that both hold, from which on they are twins."""
FEWEST = 20
"""Of fewer persons nothing is said."""
TWINS = ("join", "report")
JOIN, REPORT = TWINS
MOST = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Twin:
    """Two institutions of which `shared` persons are held by both, of `of_a` and `of_b`."""

    a: str
    b: str
    shared: int
    of_a: int
    of_b: int

    @property
    def part(self) -> Fraction:
        """Of the persons that either holds (Jaccard)."""
        return Fraction(self.shared, max(self.of_a + self.of_b - self.shared, 1))


def overlaps(players: Sequence[str], patterns: Mapping[int, int]) -> list[Twin]:
    """Every pair that shares persons, the closest first; `patterns` counts persons by the exact set of players."""
    n = len(players)
    held, both = [0] * n, [[0] * n for _ in range(n)]
    for mask, persons in patterns.items():
        members = [i for i in range(n) if mask >> i & 1]
        for i in members:
            held[i] += persons
            for j in members:
                both[i][j] += persons
    found = [
        Twin(a=players[i], b=players[j], shared=both[i][j], of_a=held[i], of_b=held[j])
        for i in range(n)
        for j in range(i + 1, n)
        if both[i][j]
    ]
    return sorted(found, key=lambda t: (-t.part, t.a, t.b))


def twins(players: Sequence[str], patterns: Mapping[int, int]) -> list[Twin]:
    """Pairs that hold nearly the same persons."""
    return [
        t for t in overlaps(players, patterns) if t.part >= SAME and min(t.of_a, t.of_b) >= FEWEST
    ]


def joined(owners: Mapping[str, str], pairs: Sequence[Twin]) -> dict[str, str]:
    """Owners, where twins belong to one: that of the first of them by id."""
    found = dict(owners)

    def last(player: str) -> str:
        while found.get(player, player) != player:
            player = found[player]
        return player

    heads: dict[str, str] = {}  # the first twin of each owner
    for pair in pairs:
        for player in (pair.a, pair.b):
            heads[last(player)] = min(heads.get(last(player), player), player)
        if last(pair.a) != last(pair.b):
            first, second = sorted((last(pair.a), last(pair.b)), key=heads.__getitem__)
            found[second] = first
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Stability:
    """The coalition whose members together get most beyond what they are worth by themselves, and by how much.

    Where `excess` is at most zero the value lies in the core of the dual game (where data overlap, joining late adds
    less than joining first): no coalition is paid for more than it could have brought alone.
    """

    members: tuple[str, ...]
    excess: Fraction

    @property
    def holds(self) -> bool:
        return self.excess <= 0


def stability(
    players: Sequence[str], values: npt.NDArray[Any], phi: Sequence[Fraction]
) -> Stability:
    """The coalition, neither empty nor everybody, with the greatest excess.

    Raises:
        InvalidInput: more than 20 players, whose coalitions are too many to try.
    """
    n = len(players)
    if not 2 <= n <= MOST:
        raise InvalidInput(f"stability is told of 2 to {MOST} players, not {n}")
    shares = np.zeros(1)
    for own in phi:
        shares = np.concatenate([shares, shares + float(own)])
    worst = int((shares - values.astype(np.float64))[1:-1].argmax()) + 1
    members = [i for i in range(n) if worst >> i & 1]
    excess = sum((phi[i] for i in members), Fraction(0)) - int(values[worst])
    return Stability(members=tuple(players[i] for i in members), excess=excess)


def lowered(values: npt.NDArray[Any]) -> list[Fraction]:
    """For each player, of the coalitions of the others the part whose utility it lowers; nobody does in a game that
    grows with its coalitions."""
    n = len(values).bit_length() - 1
    halves = [values.reshape(-1, 2, 1 << i) for i in range(n)]
    return [Fraction(int((h[:, 1] < h[:, 0]).sum()), h[:, 0].size) for h in halves]


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """A player's part of all contributions, as registered, and if nothing were worth a tenth of everything more."""

    player: str
    part: Fraction
    raised: Fraction


def baseline(players: Sequence[str], phi: Sequence[Fraction]) -> list[Baseline]:
    """How each part would change: a baseline that is higher by c takes c/n from every contribution.

    Nothing is said where everything together is worth nothing.
    """
    total = sum(phi, Fraction(0))
    if total <= 0:
        return []
    less = total / 10 / len(phi)
    return [
        Baseline(player=p, part=x / total, raised=(x - less) / (total - total / 10))
        for p, x in zip(players, phi, strict=True)
    ]


def check_twins(value: Json) -> str:
    """What is to be done about twins.

    Raises:
        InvalidInput: something else.
    """
    if value not in TWINS:
        raise InvalidInput(f"twins are not `{value}`", hint=" or ".join(TWINS))
    return str(value)
