"""Allocation: exact shares of a pot in whole fen, by largest remainder; the shares sum to the pot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from heyi.model.errors import InvalidInput


@dataclass(frozen=True, slots=True, kw_only=True)
class Allocation:
    """`shares_fen` in the order of the players; `escrow_fen` is what nobody earned. Together they are the pot."""

    pot_fen: int
    shares_fen: tuple[int, ...]
    escrow_fen: int


def allocate(pot_fen: int, players: Sequence[str], phi: Sequence[Fraction]) -> Allocation:
    """Divide a pot in proportion to max(0, phi); what is left after rounding down goes to the largest remainders,
    ties by player id. Where nobody contributed, the whole pot stays in escrow.

    Raises:
        InvalidInput: the pot is not above zero, or players and values differ in number.
    """
    if pot_fen <= 0:
        raise InvalidInput(f"a pot of {pot_fen} fen cannot be divided", hint="give a pot above zero")
    if len(players) != len(phi):
        raise InvalidInput(f"{len(players)} players but {len(phi)} values")
    earned = [max(Fraction(0), p) for p in phi]
    total = sum(earned, Fraction(0))
    if total == 0:
        return Allocation(pot_fen=pot_fen, shares_fen=(0,) * len(players), escrow_fen=pot_fen)
    exact = [pot_fen * e / total for e in earned]
    shares = [int(e) for e in exact]
    order = sorted(range(len(players)), key=lambda i: (shares[i] - exact[i], players[i]))
    for i in order[: pot_fen - sum(shares)]:
        shares[i] += 1
    return Allocation(pot_fen=pot_fen, shares_fen=tuple(shares), escrow_fen=0)
