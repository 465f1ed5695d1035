"""The utilities that can be registered, and what a game must be to measure each of them.

coverage      distinct eligible persons, by keyed tokens; in strata, each with its weight
likelihood    log-likelihood of the coalition's model over the records of all institutions, less
              that of the null model
concordance   pairs of a case and a control that the coalition's model ranks rightly, less those
              that it ranks wrongly; only pairs within one institution. It is (2 AUC - 1) pairs
information   precision (inverse variance) of one coefficient, from the coalition's records at the
              joint model
table         a whole number for each coalition, in a table that the consortium registered
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from heyi.crypto.canonical import Json
from heyi.model.errors import InvalidInput
from heyi.settlement.certificate import Measured
from heyi.settlement.coverage_game import CoverageGame
from heyi.settlement.game import Game
from heyi.settlement.sample import Sample

Specification = Mapping[str, Json]
UTILITIES = ("coverage", "likelihood", "concordance", "information", "table")
COVERAGE, LIKELIHOOD, CONCORDANCE, INFORMATION, TABLE = UTILITIES
UNITS = {
    LIKELIHOOD: "piconats",
    CONCORDANCE: "pairs",
    INFORMATION: "microinformation",
    TABLE: "units",
}
FEW = 8
"""Up to this many institutions, every coalition is evaluated even if a sample is registered."""


def is_sample(players: int, specification: Specification) -> bool:
    """Whether a sample is drawn: one is registered, and there are more than `FEW` institutions."""
    return bool(specification["sample"]) and players > FEW


def table_game(players: Sequence[str], specification: Specification) -> Game:
    """The game of the registered table, for the institutions that took part.

    Raises:
        InvalidInput: the table has no value for one of their coalitions.
    """
    table, values = specification["table"], [0]
    for mask in range(1, 1 << len(players)):
        members = " ".join(p for i, p in enumerate(players) if mask >> i & 1)
        if members not in table:
            raise InvalidInput(f"coalition `{members}` has no value in the registered table")
        values.append(int(table[members]))
    return Game(
        players=tuple(players), values=tuple(values), unit=UNITS[TABLE], specification=specification
    )


def check_follows(measured: Measured, linked: frozenset[str]) -> None:
    """Check a measured game against its registration: kind, unit, table, and who linked persons.

    `linked` are the institutions that answered with tokens. A game that counts overlaps needs the
    tokens of all its players.

    Raises:
        InvalidInput: the game is not what was registered.
    """
    utility = measured.specification["utility"]
    kind: type = CoverageGame if utility == COVERAGE else Game
    if utility in (LIKELIHOOD, CONCORDANCE) and is_sample(
        len(measured.players), measured.specification
    ):
        kind = Sample
    if not isinstance(measured, kind) or (utility != COVERAGE and measured.unit != UNITS[utility]):
        raise InvalidInput(f"the game is not what `{utility}` measures")
    if utility == TABLE and measured.value_batch(range(1 << len(measured.players))) != list(
        table_game(measured.players, measured.specification).values
    ):
        raise InvalidInput("the game is not the registered table")
    if (
        isinstance(measured, Game)
        and measured.overlap is not None
        and not set(measured.players) <= linked
    ):
        raise InvalidInput("persons were linked who were not asked for")
