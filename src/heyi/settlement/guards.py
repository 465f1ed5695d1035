"""Guards of fairness: evidence about institutions with the same persons, and about the division.

Nothing here accuses anybody. `Twin` is a pair that holds nearly the same persons. If the
specification says so, both are valued as one owner, and a second name earns nothing; otherwise
people get the evidence. `Stability` says whether a coalition gets more than it is worth by itself,
which the others could object to. `Baseline` says how shares depend on the registered v(empty).
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
"""Two institutions are twins if both hold at least this part of the persons that either holds."""
FEWEST = 20
"""An institution with fewer persons is never called a twin."""
TWINS = ("join", "report")
JOIN, REPORT = TWINS
MOST = 20
"""`stability` tries all coalitions of at most so many players."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Twin:
    """Two institutions with `of_a` and `of_b` persons; both hold `shared` of them."""

    a: str
    b: str
    shared: int
    of_a: int
    of_b: int

    @property
    def part(self) -> Fraction:
        """The part of the persons of either that both hold, from 0 to 1 (Jaccard)."""
        return Fraction(self.shared, max(self.of_a + self.of_b - self.shared, 1))


def overlaps(players: Sequence[str], patterns: Mapping[int, int]) -> list[Twin]:
    """Every pair that shares persons, the closest first.

    `patterns` counts persons by the exact set of players that hold them, as a bit mask.
    """
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
    """The owners, changed so that twins have one last owner: that of the first of them by id.

    If a and b are twins, and b belongs to h, then h gets the owner a. Pairs form chains: if b
    and c are twins too, all three have one owner.
    """
    found = dict(owners)

    def last(player: str) -> str:
        while found.get(player, player) != player:
            player = found[player]
        return player

    heads: dict[str, str] = {}  # the first twin of each owner
    for pair in pairs:
        for player in (pair.a, pair.b):
            heads[last(player)] = min(heads.get(last(player), player), player)
        # INVARIANT: only a last owner gets a new owner, so no circle can arise
        if last(pair.a) != last(pair.b):
            first, second = sorted((last(pair.a), last(pair.b)), key=heads.__getitem__)
            found[second] = first
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Stability:
    """The coalition that gets most above what it is worth by itself, and the difference.

    If `excess` is at most zero, the value lies in the core of the dual game: no coalition is paid
    for more than it could have brought alone. The dual is the right game here, because overlapping
    data add less when they come late than when they come first.
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
    # what each coalition gets, in the order of the masks: each player doubles the table so far
    shares = np.zeros(1)
    for own in phi:
        shares = np.concatenate([shares, shares + float(own)])
    # floats find the coalition, fractions compute its excess; mask 0 and the full one are left out
    worst = int((shares - values.astype(np.float64))[1:-1].argmax()) + 1
    members = [i for i in range(n) if worst >> i & 1]
    excess = sum((phi[i] for i in members), Fraction(0)) - int(values[worst])
    return Stability(members=tuple(players[i] for i in members), excess=excess)


def lowered(values: npt.NDArray[Any]) -> list[Fraction]:
    """For each player: the part of the coalitions of the others whose utility it lowers, 0 to 1.

    In a game that grows with its coalitions, all parts are 0.
    """
    n = len(values).bit_length() - 1
    # the middle axis is bit i of the mask: without the player, and with it
    halves = [values.reshape(-1, 2, 1 << i) for i in range(n)]
    return [Fraction(int((h[:, 1] < h[:, 0]).sum()), h[:, 0].size) for h in halves]


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """A player's part of all contributions.

    `part` is that under the registered v(empty), `raised` that if v(empty) were higher by v(N)/10.
    """

    player: str
    part: Fraction
    raised: Fraction


def baseline(players: Sequence[str], phi: Sequence[Fraction]) -> list[Baseline]:
    """How each part depends on v(empty): raising v(empty) by c takes c/n from each contribution.

    The list is empty if v(N) is not above zero.
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
    """The registered treatment of twins: `join` or `report`.

    Raises:
        InvalidInput: it is neither.
    """
    if value not in TWINS:
        raise InvalidInput(f"twins are not `{value}`", hint=" or ".join(TWINS))
    return str(value)
