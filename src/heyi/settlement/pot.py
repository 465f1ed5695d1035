"""The pot: the money to divide and the terms of dividing it, registered before the run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

from heyi.crypto.canonical import Json
from heyi.crypto.codec import to_json
from heyi.model.errors import InvalidInput
from heyi.settlement.allocate import Policy
from heyi.settlement.guards import JOIN, Twin, check_twins, joined
from heyi.settlement.owners import ultimate


class Payment(Enum):
    """How a share is paid; amounts are always hundredths of the unit."""

    MONEY = "money"  # yuan
    WORK_POINTS = "work_points"  # points of the county's performance pay
    BUDGET_TRANSFER = "budget_transfer"  # yuan, moved between budgets of the county


@dataclass(frozen=True, slots=True, kw_only=True)
class Pot:
    """`fen` to divide under `policy`.

    `owners` maps a player to its beneficial owner; a player that is missing is its own owner.
    `levels` maps a player to its unions from the top (county, township), if the pot is divided
    among unions first. `twins` says what to do if two players hold nearly the same persons: value
    them as one owner (`join`), or only report it to people (`report`). A statement can be disputed
    for `dispute_days`.
    """

    fen: int
    policy: Policy = field(default_factory=Policy)
    owners: Mapping[str, str] = field(default_factory=dict)
    levels: Mapping[str, Sequence[str]] = field(default_factory=dict)
    twins: str = JOIN
    dispute_days: int = 15
    payment: Payment = Payment.MONEY

    def __post_init__(self) -> None:
        if type(self.fen) is not int or self.fen <= 0:
            raise InvalidInput(
                f"a pot of {self.fen} fen cannot be divided", hint="give a whole number above zero"
            )
        if type(self.dispute_days) is not int or not 0 <= self.dispute_days <= 365:
            raise InvalidInput(
                f"{self.dispute_days} days for disputes", hint="a whole number from 0 to 365"
            )
        check_twins(self.twins)
        for table, wanted in ((self.owners, str), (self.levels, list | tuple)):
            if not isinstance(table, Mapping) or not all(
                isinstance(v, wanted) for v in table.values()
            ):
                raise InvalidInput("owners are ids by player, and levels lists of names by player")
        if not all(isinstance(name, str) for names in self.levels.values() for name in names):
            raise InvalidInput("levels are lists of names by player")
        ultimate(self.owners, sorted(self.owners))

    def check_names(self, players: Collection[str]) -> None:
        """Check that floors, group, owners and levels name players, to catch misspelt names.

        The owner of a player may be anybody.

        Raises:
            InvalidInput: one of the names is no player.
        """
        for what, names in (
            ("floors", self.policy.floors),
            ("group", self.policy.group),
            ("owners", self.owners),
            ("levels", self.levels),
        ):
            if unknown := sorted(set(names) - set(players)):
                raise InvalidInput(
                    f"`{what}` names `{unknown[0]}`, which is no player",
                    hint=f"one of {', '.join(sorted(players))}",
                )

    def to_json(self) -> dict[str, Json]:
        """The part of the registered specification that is about the pot."""
        return {
            "pot_fen": self.fen,
            "policy": to_json(self.policy),
            "owners": dict(sorted(self.owners.items())),
            "levels": {p: list(names) for p, names in sorted(self.levels.items())},
            "twins": self.twins,
            "dispute_days": self.dispute_days,
            "payment": self.payment.value,
        }


def union_paths(
    specification: Mapping[str, Json], players: Sequence[str], pairs: Sequence[Twin] = ()
) -> list[list[str]]:
    """The unions of each player from the top: its registered levels, then its owner.

    An owner of a single player makes no union. `pairs` are twins; if the specification joins
    twins, they get one owner. All players of an owner take the levels of the first of them by id,
    since a union cannot lie in two places.
    """
    owners = specification.get("owners", {})
    if specification.get("twins", JOIN) == JOIN:
        owners = joined(ultimate(owners, players), pairs)
    last = ultimate(owners, players)
    sizes = Counter(last.values())
    first = {owner: min(p for p in players if last[p] == owner) for owner in sizes}
    levels = specification.get("levels", {})
    return [
        [
            # prefixes keep a level and an owner of the same name apart
            *(f"level {name}" for name in levels.get(first[last[p]], ())),
            *([f"owner {last[p]}"] if sizes[last[p]] > 1 else []),
        ]
        for p in players
    ]
