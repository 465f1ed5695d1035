"""Allocation: exact to the fen, whatever the values."""

from __future__ import annotations

import random
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from heyi.crypto.codec import to_json
from heyi.model.errors import InvalidInput
from heyi.settlement.allocate import (
    Allocation,
    Negatives,
    Policy,
    allocate,
    interim,
    policy_from_json,
    shares_of,
)

VALUES = st.lists(
    st.fractions(min_value=-1000, max_value=1000, max_denominator=10**6), min_size=1, max_size=12
)


def test_twenty_thousand_pots_are_divided_to_the_fen() -> None:
    rng = random.Random(20_000)
    for _ in range(20_000):
        n = rng.randint(1, 8)
        players = [f"p{i}" for i in range(n)]
        phi = [Fraction(rng.randint(-(10**6), 10**9), rng.randint(1, 5040)) for _ in range(n)]
        pot = rng.randint(1, 10 ** rng.randint(1, 14))
        got = allocate(pot, players, phi)
        assert sum(got.shares_fen) + got.escrow_fen == pot == got.pot_fen
        assert all(share >= 0 for share in got.shares_fen)
        assert got.escrow_fen == (0 if any(p > 0 for p in phi) else pot)


@given(st.integers(1, 10**15), VALUES)
def test_a_share_is_within_a_fen_of_its_exact_part(pot: int, phi: list[Fraction]) -> None:
    total = sum(max(Fraction(0), p) for p in phi)
    got = allocate(pot, [f"p{i:02d}" for i in range(len(phi))], phi)
    for share, p in zip(got.shares_fen, phi, strict=True):
        assert share == 0 if p <= 0 else abs(share - pot * p / total) < 1


@given(st.integers(1, 10**9), VALUES)
def test_more_contribution_is_never_paid_less(pot: int, phi: list[Fraction]) -> None:
    got = allocate(pot, [f"p{i:02d}" for i in range(len(phi))], phi).shares_fen
    paid = [share for _, share in sorted(zip(phi, got, strict=True))]
    assert paid == sorted(paid)


@given(st.integers(1, 10**9), VALUES, st.fractions(min_value=Fraction(1, 1000), max_value=1000))
def test_the_unit_of_the_values_does_not_matter(
    pot: int, phi: list[Fraction], unit: Fraction
) -> None:
    players = [f"p{i:02d}" for i in range(len(phi))]
    assert allocate(pot, players, [p * unit for p in phi]) == allocate(pot, players, phi)


@pytest.mark.parametrize(
    ("players", "pot", "shares"),
    [
        (["a", "b", "c"], 100, (34, 33, 33)),
        (["c", "b", "a"], 100, (33, 33, 34)),
        (["c", "a", "b"], 101, (33, 34, 34)),
        (["b", "a", "c"], 1, (0, 1, 0)),
        (["b", "a", "c"], 99, (33, 33, 33)),
    ],
)
def test_ties_go_to_the_smaller_id(players: list[str], pot: int, shares: tuple[int, ...]) -> None:
    assert allocate(pot, players, [Fraction(1, 7)] * 3).shares_fen == shares


def test_the_largest_remainder_comes_before_the_smaller_id() -> None:
    assert allocate(10, ["a", "b"], [Fraction(1), Fraction(2)]).shares_fen == (3, 7)
    assert allocate(11, ["a", "b"], [Fraction(1), Fraction(2)]).shares_fen == (4, 7)


@pytest.mark.parametrize("phi", [[0, 0], [-1, 0], [-5, -7], []])
def test_where_nobody_contributed_the_pot_stays_in_escrow(phi: list[int]) -> None:
    players = ["a", "b"][: len(phi)]
    assert allocate(100, players, [Fraction(p) for p in phi]) == Allocation(
        pot_fen=100, shares_fen=(0,) * len(phi), escrow_fen=100
    )


def test_a_negative_contribution_is_paid_nothing_and_costs_nobody() -> None:
    got = allocate(900, ["a", "b", "c"], [Fraction(-100), Fraction(1), Fraction(2)])
    assert got.shares_fen == (0, 300, 600)


@pytest.mark.parametrize("pot", [0, -1, -(10**12)])
def test_a_pot_that_is_none(pot: int) -> None:
    with pytest.raises(InvalidInput, match=f"pot of {pot} fen"):
        allocate(pot, ["a"], [Fraction(1)])


@pytest.mark.parametrize("players", [[], ["a"], ["a", "b", "c"]])
def test_as_many_values_as_players(players: list[str]) -> None:
    with pytest.raises(InvalidInput, match=f"{len(players)} players but 2 values"):
        allocate(100, players, [Fraction(1)] * 2)


# --- floors ---


def fractions(**parts: str) -> dict[str, Fraction]:
    return {name: Fraction(part) for name, part in parts.items()}


def test_who_falls_below_its_floor_is_lifted_and_the_others_share_the_rest() -> None:
    phi = [Fraction(1), Fraction(9), Fraction(90)]
    assert shares_of("abc", phi, Policy(floors=fractions(a="1/20"))) == (
        Fraction(1, 20),
        Fraction(19, 20) * Fraction(9, 99),
        Fraction(19, 20) * Fraction(90, 99),
    )
    both = shares_of("abc", phi, Policy(floors=fractions(a="1/20", b="1/10")))
    assert both == (Fraction(1, 20), Fraction(1, 10), Fraction(17, 20))


def test_lifting_one_can_bring_another_below_its_floor() -> None:
    phi = [Fraction(1), Fraction(20), Fraction(79)]
    assert shares_of("abc", phi, Policy(floors=fractions(a="1/2", b="1/5"))) == (
        Fraction(1, 2),
        Fraction(1, 5),
        Fraction(3, 10),
    )


def test_a_floor_is_for_those_who_contributed() -> None:
    phi = [Fraction(0), Fraction(-3), Fraction(5)]
    assert shares_of("abc", phi, Policy(floors=fractions(a="1/2", b="1/2"))) == (
        Fraction(0),
        Fraction(0),
        Fraction(1),
    )


def test_the_group_is_lifted_together_and_shares_by_contribution() -> None:
    phi = [Fraction(1), Fraction(3), Fraction(96)]
    policy = Policy(group=frozenset("ab"), group_floor=Fraction(1, 5))
    assert shares_of("abc", phi, policy) == (Fraction(1, 20), Fraction(3, 20), Fraction(4, 5))
    enough = Policy(group=frozenset("ab"), group_floor=Fraction(1, 25))
    assert shares_of("abc", phi, enough) == (Fraction(1, 100), Fraction(3, 100), Fraction(24, 25))
    nobody = Policy(group=frozenset("x"), group_floor=Fraction(1, 5))
    assert shares_of("abc", phi, nobody)[2] == Fraction(96, 100), (
        "no member of the group contributed"
    )
    alone = Policy(group=frozenset("abc"), group_floor=Fraction(1, 5))
    assert sum(shares_of("abc", phi, alone)) == 1


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"floors": fractions(a="-1/3")}, "not negative"),
        ({"group": frozenset("b"), "group_floor": Fraction(3, 2)}, "shares of the pot"),
        ({"floors_at_most": Fraction(11, 10)}, "from 0 to 1"),
    ],
)
def test_floors_that_are_no_shares_are_refused(fields: dict[str, Any], says: str) -> None:
    with pytest.raises(InvalidInput, match=says):
        Policy(**fields)


def test_floors_that_leave_too_little_for_the_group_are_refused() -> None:
    policy = Policy(floors=fractions(a="9/10"), group=frozenset("b"), group_floor=Fraction(1, 2))
    with pytest.raises(InvalidInput, match="too little for the floor"):
        allocate(100, ["a", "b"], [Fraction(9), Fraction(1)], policy)


def test_floors_together_are_cut_to_their_cap() -> None:
    phi = [Fraction(1), Fraction(1), Fraction(98)]
    assert shares_of("abc", phi, Policy(floors=fractions(a="2/3", b="2/3"))) == (
        Fraction(1, 2),
        Fraction(1, 2),
        Fraction(0),
    )
    capped = Policy(floors=fractions(a="1/10", b="3/10"), floors_at_most=Fraction(1, 5))
    assert shares_of("abc", phi, capped) == (Fraction(1, 20), Fraction(3, 20), Fraction(4, 5))


def test_what_negatives_used_up_can_wait_in_escrow() -> None:
    phi = [Fraction(6), Fraction(4), Fraction(-5)]
    assert allocate(1000, "abc", phi).shares_fen == (600, 400, 0)
    kept = allocate(1000, "abc", phi, Policy(negatives=Negatives.ESCROW))
    assert (kept.shares_fen, kept.escrow_fen) == ((300, 200, 0), 500)
    worse = allocate(
        1000, "abc", [Fraction(6), Fraction(4), Fraction(-50)], Policy(negatives=Negatives.ESCROW)
    )
    assert (worse.shares_fen, worse.escrow_fen) == ((0, 0, 0), 1000)


# --- interim and true-up ---


@st.composite
def measured(
    draw: st.DrawFn,
) -> tuple[list[str], list[Fraction], list[Fraction], list[Fraction], Policy]:
    """Players, values, the ends of intervals that hold them, and a policy."""
    n = draw(st.integers(1, 6))
    players = [f"p{i}" for i in range(n)]
    whole = st.integers(-20, 60).map(Fraction)
    wide = st.integers(0, 25).map(Fraction)
    phi = draw(st.lists(whole, min_size=n, max_size=n))
    low = [p - draw(wide) for p in phi]
    high = [p + draw(wide) for p in phi]
    floors = {p: Fraction(draw(st.integers(0, 4)), 40) for p in players}
    group = frozenset(p for p in players if draw(st.booleans()))
    policy = Policy(
        floors=floors,
        group=group,
        group_floor=Fraction(draw(st.integers(0, 3)), 10),
        negatives=draw(st.sampled_from(Negatives)),
    )
    return players, phi, low, high, policy


@settings(max_examples=500)
@given(measured(), st.integers(1, 10**6))
def test_an_interim_payment_is_never_more_than_what_is_due_later(
    game: tuple[list[str], list[Fraction], list[Fraction], list[Fraction], Policy], pot: int
) -> None:
    players, phi, low, high, policy = game
    try:
        final = allocate(pot, players, phi, policy)
    except InvalidInput:
        assume(False)
    first = interim(pot, players, low, high, policy)
    assert sum(first.shares_fen) + first.escrow_fen == pot and first.escrow_fen >= 0
    assert all(0 <= a <= b for a, b in zip(first.shares_fen, final.shares_fen, strict=True)), (
        first,
        final,
    )
    paid = dict(zip(players, first.shares_fen, strict=True))
    later = allocate(pot, players, phi, policy, paid=paid)
    assert later == final, (
        "where the intervals held, the true-up comes to what would have been paid at once"
    )


def test_what_was_paid_is_never_claimed_back() -> None:
    """The intervals did not hold: a got 600 and is worth 100; b and c share what is left."""
    later = allocate(1000, "abc", [Fraction(1), Fraction(6), Fraction(3)], paid={"a": 600, "b": 10})
    assert later.shares_fen == (600, 267, 133)
    assert sum(later.shares_fen) == 1000
    with pytest.raises(InvalidInput, match="was paid of this pot, but is no player"):
        allocate(1000, "ab", [Fraction(1), Fraction(6)], paid={"c": 1})


def test_certain_shares_by_hand() -> None:
    """a is 40 to 60, b 40 to 60: each is sure of 40 in 100."""
    ends = [Fraction(40)] * 2, [Fraction(60)] * 2
    assert interim(1000, "ab", *ends).shares_fen == (400, 400)
    assert interim(1000, "ab", *ends).escrow_fen == 200
    assert interim(1000, "ab", ends[1], ends[1]).shares_fen == (500, 500)
    with pytest.raises(InvalidInput, match="ends before it begins"):
        interim(1000, "ab", ends[1], ends[0])


def test_who_is_not_of_the_group_is_certain_only_of_what_its_floor_leaves() -> None:
    policy = Policy(floors=fractions(j="1/2"), group=frozenset("g"), group_floor=Fraction(2, 5))
    phi = fractions(g="1/10000", i="9/10", j="1/10")
    players, values = list(phi), list(phi.values())
    first = interim(1_000_000, players, values, values, policy)
    paid = dict(zip(players, first.shares_fen, strict=True))
    last = allocate(1_000_000, players, values, policy, paid=paid)
    assert (
        first.shares_fen[1] <= 100_000 == allocate(1_000_000, players, values, policy).shares_fen[1]
    )
    assert all(a <= b for a, b in zip(first.shares_fen, last.shares_fen, strict=True))


def test_ten_thousand_pots_with_floors_are_divided_to_the_fen() -> None:
    rng = random.Random(10_000)
    for _ in range(10_000):
        players = [f"p{i}" for i in range(rng.randrange(1, 9))]
        phi = [Fraction(rng.randrange(-20, 100), rng.randrange(1, 50)) for _ in players]
        floors = {p: Fraction(rng.randrange(0, 4), 40) for p in players}
        group = frozenset(p for p in players if rng.random() < 0.4)
        policy = Policy(floors=floors, group=group, group_floor=Fraction(rng.randrange(0, 3), 10))
        pot = rng.randrange(1, 10**9)
        if sum(floors[p] for p in players if p not in group) > 1 - policy.group_floor:
            continue
        try:
            got = allocate(pot, players, phi, policy)
        except InvalidInput as e:
            assert "too little" in str(e)
            continue
        assert sum(got.shares_fen) + got.escrow_fen == pot
        for player, share, value in zip(players, got.shares_fen, phi, strict=True):
            assert share >= 0 and (value > 0 or share == 0)
            assert value <= 0 or share >= int(pot * floors[player]), (
                "at least its floor, rounded down to a fen"
            )
        if any(v > 0 for p, v in zip(players, phi, strict=True) if p in group):
            own = sum(s for p, s in zip(players, got.shares_fen, strict=True) if p in group)
            assert own >= int(pot * policy.group_floor) - len(players)


def test_a_policy_survives_json_and_nothing_else_does() -> None:
    policy = Policy(
        floors=fractions(b="1/3", a="1/7"), group=frozenset("ba"), group_floor=Fraction(1, 5)
    )
    whole = to_json(policy)
    assert policy_from_json(whole) == policy
    assert list(whole["floors"]) == ["a", "b"]
    wrong: list[dict[str, Any]] = [
        {"floors": {"a": "1/0"}},
        {"group_floor": "x"},
        {"negatives": "keep"},
        {"floors": []},
        {"more": 1},
    ]
    for bad in [{}, [], {"floors": {}, "group": []}, *({**whole, **changed} for changed in wrong)]:
        with pytest.raises(InvalidInput, match="no policy"):
            policy_from_json(bad)
