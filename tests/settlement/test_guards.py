"""Guards: twins are found and valued as one, a copy gains nothing, stability and baselines hold."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations
from typing import Any

import numpy as np
import pytest

from heyi.model.errors import InvalidInput
from heyi.settlement.certificate import certify, settle_game, verify_certificate
from heyi.settlement.coverage_game import CoverageGame, Stratum
from heyi.settlement.exact import shapley_of_integers
from heyi.settlement.game import Game, game_from_json
from heyi.settlement.guards import SAME, Twin, baseline, joined, lowered, overlaps, stability, twins
from heyi.settlement.owners import ultimate
from heyi.settlement.pot import Pot, union_paths
from heyi.settlement.statement import state

HONEST = {1: 500, 2: 300, 4: 200, 3: 80, 6: 40}


def with_copy(patterns: dict[int, int], of: int, name: int, miss: int = 0) -> dict[int, int]:
    """The patterns if player `name` copies `of`, without `miss` persons of each pattern."""
    found: dict[int, int] = {}
    for mask, persons in patterns.items():
        if mask >> of & 1:
            kept = max(persons - miss, 0)
            found[mask | 1 << name] = found.get(mask | 1 << name, 0) + kept
            persons -= kept
        if persons:
            found[mask] = found.get(mask, 0) + persons
    return found


def covered(patterns: dict[int, int], players: str, **terms: object) -> CoverageGame:
    stratum = Stratum(name="persons", weight=1, patterns=patterns)
    pot = Pot(fen=1_000_000, **terms)  # type: ignore[arg-type]
    return CoverageGame(players=tuple(players), strata=(stratum,), specification=pot.to_json())


def test_overlaps_count_persons_of_pairs() -> None:
    found = overlaps("abc", HONEST)
    assert [(t.a, t.b, t.shared, t.of_a, t.of_b) for t in found] == [
        ("a", "b", 80, 580, 420),
        ("b", "c", 40, 420, 240),
    ]
    assert found[0].part == Fraction(80, 920)
    assert twins("abc", HONEST) == []


def test_a_copy_under_a_second_name_gains_nothing() -> None:
    honest = settle_game(covered(HONEST, "abc")).allocation.shares_fen
    copied = with_copy(HONEST, 2, 3)
    for terms, least, most in (({}, 1.0, 1.0), ({"twins": "report"}, 1.02, 2.0)):
        shares = settle_game(covered(copied, "abcd", **terms)).allocation.shares_fen
        assert least * honest[2] - 1 <= shares[2] + shares[3] <= most * honest[2] + 1
        assert sum(shares) == 1_000_000


def test_twins_divide_what_one_of_them_would_get() -> None:
    shares = settle_game(covered(with_copy(HONEST, 2, 3), "abcd")).allocation.shares_fen
    assert abs(shares[2] - shares[3]) <= 1


def test_a_copy_with_some_persons_changed_is_a_twin_and_a_part_of_another_is_not() -> None:
    players, near = "abcd", with_copy(HONEST, 2, 3, miss=10)
    near[8] = 20
    (found,) = twins(players, near)
    assert (found.a, found.b) == ("c", "d") and SAME <= found.part < 1
    village = {1: 900, 3: 100}
    assert twins("ab", village) == [], "all of a village may be patients of its township"
    assert twins("ab", {3: 19}) == [], "of a few persons nothing is said"


def test_three_names_for_one_are_one_owner() -> None:
    pairs = [
        Twin(a="b", b="d", shared=9, of_a=9, of_b=9),
        Twin(a="a", b="d", shared=9, of_a=9, of_b=9),
    ]
    owners = ultimate(joined({"c": "x"}, pairs), "abcd")
    assert owners == {"a": "a", "b": "a", "c": "x", "d": "a"}
    assert ultimate(joined({"b": "x"}, pairs), "abd") == dict.fromkeys("abd", "a")
    paths = union_paths(
        {"owners": {}, "levels": {"a": ["n"], "b": ["s"], "d": ["w"]}}, "abd", pairs
    )
    assert paths == [["level n", "owner a"]] * 3, "all have the levels of the first of them"


def test_an_owner_and_a_level_of_one_name_are_two_unions_and_an_owner_stands_in_one_place() -> None:
    terms = {
        "owners": {"a": "north", "b": "north"},
        "levels": {"a": ["k1"], "b": ["k2"], "c": ["north"]},
    }
    assert union_paths(terms, "abc") == [
        ["level k1", "owner north"],
        ["level k1", "owner north"],
        ["level north"],
    ]


def test_strata_of_statements_sum_to_the_contribution_also_in_unions() -> None:
    strata = (
        Stratum(name="young", weight=1, patterns={3: 100, 6: 40}),
        Stratum(name="old", weight=3, patterns={1: 20, 7: 30}),
    )
    specification = Pot(fen=1000, owners={"b": "a"}).to_json()
    measured = CoverageGame(players=("a", "b", "c"), strata=strata, specification=specification)
    certificate = certify("study", measured)
    for s in state(measured, certificate, disputes_until=1):
        assert sum(s.strata.values()) == s.contribution
        assert ("unions or owners first" in s.why.en) == (s.party in ("a", "b"))


def test_a_game_of_models_knows_its_twins_and_a_certificate_proves_them() -> None:
    values = (0, 100, 100, 100, 60, 150, 150, 150)  # a and b are the same
    pot = Pot(fen=1_000).to_json()
    players = ("a", "b", "c")
    alone = Game(players=players, values=values, unit="pairs", specification=pot)
    game = Game(
        players=players, values=values, unit="pairs", specification=pot, overlap={3: 90, 4: 70}
    )
    assert game_from_json(game.to_json()) == game
    assert settle_game(alone).phi != settle_game(game).phi
    two = shapley_of_integers(np.array([0, 100, 60, 150]))
    phi = settle_game(game).phi
    assert phi[0] == phi[1] == two[0] / 2 and phi[2] == two[1]
    certificate = certify("study", game)
    verify_certificate(certificate)
    first, second, third = state(game, certificate, disputes_until=1)
    assert "holds nearly the same patients as `b` (90 of 90 are held by both)" in first.why.en
    assert "几乎相同" in second.why.zh and "`a`" in second.why.en
    assert "same patients" not in third.why.en and "unions" not in third.why.en
    with pytest.raises(InvalidInput, match="pattern 8 is not"):
        Game(players=players, values=values, unit="pairs", specification=pot, overlap={8: 1})


def test_stability_finds_the_coalition_that_gets_most_beyond_its_own_worth() -> None:
    rng = np.random.default_rng(4)
    for n in (2, 3, 5):
        values = rng.integers(0, 1000, 1 << n)
        values[0] = 0
        players = "abcde"[:n]
        phi = shapley_of_integers(values)
        found = stability(players, values, phi)

        def excess(
            members: tuple[int, ...], phi: tuple[Fraction, ...] = phi, values: Any = values
        ) -> Fraction:
            return sum((phi[i] for i in members), Fraction(0)) - int(
                values[sum(1 << i for i in members)]
            )

        worst = max(excess(m) for size in range(1, n) for m in combinations(range(n), size))
        assert found.excess == worst and found.holds == (worst <= 0)
        assert excess(tuple(players.index(p) for p in found.members)) == worst


def test_shares_of_distinct_persons_are_stable() -> None:
    game = covered(HONEST, "abc")
    assert stability("abc", np.array(game.value_batch(range(8))), game.value([(), (), ()])).holds


def test_who_lowers_the_utility_is_counted() -> None:
    values = np.array([0, 5, 3, 4, -1, 6, 2, 9])
    assert lowered(values) == [0, Fraction(1, 4), Fraction(1, 2)]
    assert lowered(np.arange(8)) == [0, 0, 0]


def test_more_than_twenty_players_are_too_many_for_stability() -> None:
    with pytest.raises(InvalidInput, match="2 to 20 players, not 21"):
        stability("abcdefghijklmnopqrstu", np.zeros(1), [])


def test_a_higher_baseline_takes_the_same_from_everybody() -> None:
    found = baseline("abc", [Fraction(60), Fraction(30), Fraction(10)])
    assert [(b.part, b.raised) for b in found] == [
        (Fraction(3, 5), (60 - Fraction(10, 3)) / 90),
        (Fraction(3, 10), (30 - Fraction(10, 3)) / 90),
        (Fraction(1, 10), (10 - Fraction(10, 3)) / 90),
    ]
    assert sum(b.raised for b in found) == 1
    assert baseline("ab", [Fraction(-3), Fraction(1)]) == []
