"""Allocation: contributions become shares of the pot in exact arithmetic, then whole fen.

Shares follow max(0, phi). Floors come first, by water-filling: a player below its floor is
lifted to it, the others share the rest in proportion, and so on until nobody is below. The floor
of a group (the grassroots) lifts all members of the group together. Fractions of a fen go to the
largest remainders; ties go by player id.

Where contributions are known only as intervals, `interim` pays what is certain and keeps the rest
in escrow. Once they are known, `allocate` takes what was paid as a floor, and so it never claims
anything back.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from fractions import Fraction
from math import lcm

from heyi.crypto.canonical import Json
from heyi.crypto.codec import to_fraction
from heyi.model.errors import InvalidInput


class Negatives(Enum):
    """What a contribution below zero does to the pot; it is always published, and paid as zero."""

    ZERO = "zero"  # nothing: the others share the whole pot
    ESCROW = "escrow"  # its size, as a part of all positive contributions, stays in escrow


_MOST_DENOMINATOR = 10**200


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The registered rules for dividing a pot; all numbers are shares of the pot.

    `floors` gives the least share of a player, if it contributed. If the floors sum to more than
    `floors_at_most`, all are cut in proportion. `group` as a whole gets at least `group_floor`,
    if one of its members contributed.
    """

    floors: Mapping[str, Fraction] = field(default_factory=dict)
    floors_at_most: Fraction = Fraction(1)
    group: frozenset[str] = frozenset()
    group_floor: Fraction = Fraction(0)
    negatives: Negatives = Negatives.ZERO

    def __post_init__(self) -> None:
        if min(self.floors.values(), default=0) < 0 or not 0 <= self.group_floor <= 1:
            raise InvalidInput(
                "floors are shares of the pot, not negative and together not above it"
            )
        if not 0 <= self.floors_at_most <= 1:
            raise InvalidInput("floors are together at most a share of the pot, from 0 to 1")
        # The sum of many floors has the product of their denominators. A stranger's certificate
        # must not make it so long that each step of the division takes seconds.
        common = lcm(self.floors_at_most.denominator, self.group_floor.denominator)
        for share in self.floors.values():
            common = lcm(common, share.denominator)
            if common > _MOST_DENOMINATOR:
                raise InvalidInput(
                    "the floors have no common denominator of at most 200 digits",
                    hint='write shares of few different denominators, such as "3/100"',
                )

    def floor(self, player: str) -> Fraction:
        """The least share of a player that contributed."""
        total = sum(self.floors.values(), Fraction(0))
        cut = self.floors_at_most / total if total > self.floors_at_most else Fraction(1)
        return self.floors.get(player, Fraction(0)) * cut


def policy_from_json(value: Json) -> Policy:
    """The inverse of `codec.to_json`, for what strangers write in certificates.

    It is less strict than `codec.from_json`: it takes `2/10` for `1/5`, and a group in any order.
    Shares are bounded in length (see `codec.to_fraction`).

    Raises:
        InvalidInput: it is no policy.
    """
    names = ["floors", "floors_at_most", "group", "group_floor", "negatives"]
    try:
        if sorted(value) != names:
            raise ValueError(f"its fields are {', '.join(names)}")
        floors = {str(p): to_fraction(f) for p, f in value["floors"].items()}
        at_most, group_floor = (to_fraction(value[k]) for k in ("floors_at_most", "group_floor"))
        group, negatives = frozenset(map(str, value["group"])), Negatives(value["negatives"])
    except InvalidInput as e:
        raise InvalidInput(f"this is no policy of allocation: {e.message}", hint=e.hint) from None
    except (ValueError, TypeError, AttributeError) as e:
        raise InvalidInput(f"this is no policy of allocation: {e}") from None
    return Policy(
        floors=floors,
        floors_at_most=at_most,
        group=group,
        group_floor=group_floor,
        negatives=negatives,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Allocation:
    """A divided pot; `shares_fen` follows the order of the players.

    `escrow_fen` is what nobody earned, or what is not yet certain.
    INVARIANT: `sum(shares_fen) + escrow_fen == pot_fen`.
    """

    pot_fen: int
    shares_fen: tuple[int, ...]
    escrow_fen: int


def allocate(
    pot_fen: int,
    players: Sequence[str],
    phi: Sequence[Fraction],
    policy: Policy | None = None,
    *,
    paid: Mapping[str, int] | None = None,
) -> Allocation:
    """Divide a pot by contributions; if nobody contributed, the whole pot stays in escrow.

    `paid` gives the fen that players already got from this pot; nobody gets less than that.

    Raises:
        InvalidInput: the pot is not above zero, the numbers of players and values differ, somebody
            else was paid, or floors exceed the pot.
    """
    _check(pot_fen, players, phi)
    before = {p: Fraction(fen, pot_fen) for p, fen in (paid or {}).items()}
    if unknown := sorted(set(before) - set(players)):
        raise InvalidInput(
            f"`{unknown[0]}` was paid of this pot, but is no player", hint="value all who were paid"
        )
    parts = shares_of(players, phi, policy or Policy(), before)
    exact = [pot_fen * part for part in parts]
    shares = [int(e) for e in exact]
    # the key is minus the remainder: the largest remainders get the fen that rounding down left
    order = sorted(range(len(players)), key=lambda i: (shares[i] - exact[i], players[i]))
    for i in order[: int(sum(exact)) - sum(shares)]:
        shares[i] += 1
    return Allocation(pot_fen=pot_fen, shares_fen=tuple(shares), escrow_fen=pot_fen - sum(shares))


def interim(
    pot_fen: int,
    players: Sequence[str],
    low: Sequence[Fraction],
    high: Sequence[Fraction],
    policy: Policy | None = None,
) -> Allocation:
    """Pay each player what it is due at the worst point of the intervals; the rest is escrow.

    If all intervals hold, the later `allocate` by the true contributions pays nobody less. The
    least share of player i follows from four worst cases: i is at its lowest, the others are at
    their highest, all other floors come out of the pot first, and a player outside the group
    shares only what the group's floor leaves.

    Raises:
        InvalidInput: the pot is not above zero, or an interval is none.
    """
    _check(pot_fen, players, low)
    if len(high) != len(low) or any(a > b for a, b in zip(low, high, strict=True)):
        raise InvalidInput("an interval ends before it begins")
    policy = policy or Policy()
    least, most = ([max(Fraction(0), e) for e in ends] for ends in (low, high))
    # (1) the part of the pot that remains if negatives are largest and earnings smallest
    kept = Fraction(1)
    if policy.negatives is Negatives.ESCROW and (
        lost := sum((max(Fraction(0), -e) for e in low), Fraction(0))
    ):
        earned = sum(least, Fraction(0))
        kept = max(Fraction(0), 1 - lost / earned) if earned else Fraction(0)
    floors = sum((policy.floor(p) for p in players), Fraction(0))
    shares = []
    for i, p in enumerate(players):
        # (2) everybody else may be lifted to its floor before i gets its proportional share
        taken = floors - policy.floor(p)
        part = _certain(i, range(len(players)), least, most) * (1 - taken)
        if p in policy.group:
            # (3) a member is certain of its part of the group's floor too: the better one counts
            within = [j for j, other in enumerate(players) if other in policy.group]
            part = max(
                part,
                _certain(i, within, least, most) * max(Fraction(0), policy.group_floor - taken),
            )
        elif policy.group:
            # (4) an outsider may lose to the group's floor: the worse one counts
            without = [j for j, other in enumerate(players) if other not in policy.group]
            others = sum((policy.floor(players[j]) for j in without if j != i), Fraction(0))
            lifted = _certain(i, without, least, most) * max(
                Fraction(0), 1 - policy.group_floor - others
            )
            part = min(part, lifted)
        shares.append(int(pot_fen * part * kept))
    return Allocation(pot_fen=pot_fen, shares_fen=tuple(shares), escrow_fen=pot_fen - sum(shares))


def _certain(
    i: int, among: Iterable[int], least: Sequence[Fraction], most: Sequence[Fraction]
) -> Fraction:
    """The part of i if it is at its lowest and the others are at their highest."""
    return (
        least[i] / (least[i] + sum((most[j] for j in among if j != i), Fraction(0)))
        if least[i]
        else Fraction(0)
    )


def _check(pot_fen: int, players: Sequence[str], phi: Sequence[Fraction]) -> None:
    if pot_fen <= 0:
        raise InvalidInput(
            f"a pot of {pot_fen} fen cannot be divided", hint="give a pot above zero"
        )
    if len(players) != len(phi):
        raise InvalidInput(f"{len(players)} players but {len(phi)} values")


def shares_of(
    players: Sequence[str],
    phi: Sequence[Fraction],
    policy: Policy,
    before: Mapping[str, Fraction] | None = None,
) -> tuple[Fraction, ...]:
    """The share of each player, as a fraction of the pot.

    The shares sum to 1 less what negatives leave in escrow; all are 0 if nobody earned anything.
    `before` gives shares that were already paid.

    Raises:
        InvalidInput: floors sum to more than the pot, or leave too little for the group's floor.
    """
    earned = [max(Fraction(0), p) for p in phi]
    due = [policy.floor(p) if e else Fraction(0) for p, e in zip(players, earned, strict=True)]
    floors = [max(f, (before or {}).get(p, Fraction(0))) for p, f in zip(players, due, strict=True)]
    pot = Fraction(1)
    if policy.negatives is Negatives.ESCROW and any(earned):
        lost = sum((max(Fraction(0), -p) for p in phi), Fraction(0))
        pot = max(Fraction(0), 1 - lost / sum(earned))
    # floors and earlier payments are owed even if negatives would leave less of the pot
    pot = max(pot, sum(floors, Fraction(0)))
    if pot > 1:
        raise InvalidInput("floors are shares of the pot, not negative and together not above it")
    inside = [p in policy.group for p in players]
    shares = _water_filled(earned, floors, pot)
    within = sum((s for s, own in zip(shares, inside, strict=True) if own), Fraction(0))
    least_within = pot * policy.group_floor
    if within >= least_within or not any(e for e, own in zip(earned, inside, strict=True) if own):
        return shares
    # the group fell below its floor: divide the floor inside the group, and the rest outside it
    parts = []
    for flag, part in ((True, least_within), (False, pot - least_within)):
        least = [f if own is flag else Fraction(0) for f, own in zip(floors, inside, strict=True)]
        if sum(least) > part:
            raise InvalidInput(
                "floors of single institutions leave too little for the floor of the group"
            )
        parts.append(
            _water_filled(
                [e if own is flag else Fraction(0) for e, own in zip(earned, inside, strict=True)],
                least,
                part,
            )
        )
    return tuple(a + b for a, b in zip(*parts, strict=True))


def _water_filled(
    earned: Sequence[Fraction], floors: Sequence[Fraction], pot: Fraction
) -> tuple[Fraction, ...]:
    """Proportional shares of `pot`, nobody below its floor."""
    lifted: set[int] = set()
    # Who was lifted stays lifted. Lifting only lowers the shares of the others, so nobody would
    # later rise above its floor again; the loop ends after at most one round for each player.
    while True:
        left = pot - sum((floors[i] for i in lifted), Fraction(0))
        total = sum((e for i, e in enumerate(earned) if i not in lifted), Fraction(0))
        shares = [
            floors[i] if i in lifted else left * e / total if total else Fraction(0)
            for i, e in enumerate(earned)
        ]
        below = {i for i, share in enumerate(shares) if i not in lifted and share < floors[i]}
        if not below:
            return tuple(shares)
        lifted |= below
