"""Allocation: floors, negatives and the grassroots rule in exact arithmetic, then whole fen that sum to the pot.

Shares follow max(0, phi). Floors come first, by water-filling: who falls below its floor is lifted to it, and the
others share the rest in proportion, until nobody is below. The floor of a group (the grassroots) lifts all of its
members together. Fractions of a fen go to the largest remainders, ties by player id.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from heyi.crypto.canonical import Json
from heyi.model.errors import InvalidInput


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """`floors` are least shares of the pot of single players that contributed; `group` gets at least `group_floor`
    together, where one of its members contributed."""

    floors: Mapping[str, Fraction] = field(default_factory=dict)
    group: frozenset[str] = frozenset()
    group_floor: Fraction = Fraction(0)

    def to_json(self) -> dict[str, Json]:
        """Fractions as text, such as `1/5`."""
        return {
            "floors": {p: str(f) for p, f in sorted(self.floors.items())},
            "group": sorted(self.group),
            "group_floor": str(self.group_floor),
        }


def policy_from_json(value: Json) -> Policy:
    """The inverse of `to_json`.

    Raises:
        InvalidInput: it is no policy.
    """
    try:
        if set(value) != {"floors", "group", "group_floor"}:
            raise ValueError("its fields are floors, group and group_floor")
        return Policy(
            floors={str(p): Fraction(f) for p, f in value["floors"].items()},
            group=frozenset(map(str, value["group"])),
            group_floor=Fraction(value["group_floor"]),
        )
    except (ValueError, TypeError, AttributeError, ZeroDivisionError) as e:
        raise InvalidInput(f"this is no policy of allocation: {e}") from None


@dataclass(frozen=True, slots=True, kw_only=True)
class Allocation:
    """`shares_fen` in the order of the players; `escrow_fen` is what nobody earned. Together they are the pot."""

    pot_fen: int
    shares_fen: tuple[int, ...]
    escrow_fen: int


def allocate(pot_fen: int, players: Sequence[str], phi: Sequence[Fraction], policy: Policy | None = None) -> Allocation:
    """Divide a pot by contributions under a policy. Where nobody contributed, the whole pot stays in escrow.

    Raises:
        InvalidInput: the pot is not above zero, players and values differ in number, or floors exceed the pot.
    """
    if pot_fen <= 0:
        raise InvalidInput(f"a pot of {pot_fen} fen cannot be divided", hint="give a pot above zero")
    if len(players) != len(phi):
        raise InvalidInput(f"{len(players)} players but {len(phi)} values")
    parts = shares_of(players, phi, policy or Policy())
    if not any(parts):
        return Allocation(pot_fen=pot_fen, shares_fen=(0,) * len(players), escrow_fen=pot_fen)
    exact = [pot_fen * part for part in parts]
    shares = [int(e) for e in exact]
    order = sorted(range(len(players)), key=lambda i: (shares[i] - exact[i], players[i]))
    for i in order[: pot_fen - sum(shares)]:
        shares[i] += 1
    return Allocation(pot_fen=pot_fen, shares_fen=tuple(shares), escrow_fen=0)


def shares_of(players: Sequence[str], phi: Sequence[Fraction], policy: Policy) -> tuple[Fraction, ...]:
    """The share of each player in the pot, as a fraction of it; they sum to 1, or are all 0 where nobody earned.

    Raises:
        InvalidInput: floors are negative, or together more than the pot, or leave too little for the group's floor.
    """
    earned = [max(Fraction(0), p) for p in phi]
    floors = [policy.floors.get(p, Fraction(0)) if e else Fraction(0) for p, e in zip(players, earned, strict=True)]
    if min(floors, default=0) < 0 or sum(floors) > 1 or not 0 <= policy.group_floor <= 1:
        raise InvalidInput("floors are shares of the pot, not negative and together not above it")
    inside = [p in policy.group for p in players]
    shares = _water_filled(earned, floors, Fraction(1))
    within = sum((s for s, own in zip(shares, inside, strict=True) if own), Fraction(0))
    if within >= policy.group_floor or not any(e for e, own in zip(earned, inside, strict=True) if own):
        return shares
    parts = []
    for flag, pot in ((True, policy.group_floor), (False, 1 - policy.group_floor)):
        least = [f if own is flag else Fraction(0) for f, own in zip(floors, inside, strict=True)]
        if sum(least) > pot:
            raise InvalidInput("floors of single institutions leave too little for the floor of the group")
        parts.append(
            _water_filled(
                [e if own is flag else Fraction(0) for e, own in zip(earned, inside, strict=True)], least, pot
            )
        )
    return tuple(a + b for a, b in zip(*parts, strict=True))


def _water_filled(earned: Sequence[Fraction], floors: Sequence[Fraction], pot: Fraction) -> tuple[Fraction, ...]:
    """Proportional shares of `pot`, nobody below its floor."""
    lifted: set[int] = set()
    while True:
        left = pot - sum((floors[i] for i in lifted), Fraction(0))
        total = sum((e for i, e in enumerate(earned) if i not in lifted), Fraction(0))
        shares = [
            floors[i] if i in lifted else left * e / total if total else Fraction(0) for i, e in enumerate(earned)
        ]
        below = {i for i, share in enumerate(shares) if i not in lifted and share < floors[i]}
        if not below:
            return tuple(shares)
        lifted |= below
