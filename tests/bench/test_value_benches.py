"""The campaigns about values in small: they run, measure what they say, and notice faults."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from bench import contributions, gaming, intervals, settlements, shapley
from bench.games import games_of
from heyi.exchange.study.valuation import EXACT, NEAR
from heyi.settlement.allocate import Allocation
from heyi.settlement.exact import shapley_of_floats
from heyi.settlement.pot import Pot
from tests.support.machine import needs


@pytest.mark.parametrize(
    "name", ["coverage", "saturating", "airport", "voting", "unanimity", "pairs"]
)
def test_the_known_values_are_those_of_enumeration(name: str) -> None:
    for n, seed in ((5, 1), (9, 2)):
        game = games_of(n, seed)[name]
        rows = (np.arange(1 << n)[:, None] >> np.arange(n) & 1).astype(bool)
        assert game.value() == pytest.approx(
            shapley_of_floats(game.utility(rows).astype(float)), abs=1e-9
        )


def test_other_libraries_value_the_same_games_alike() -> None:
    """Oracles: shapiq, shap and a textbook loop, exact; and estimates that are worse than ours."""
    needs("the environment of `make peers`", shapley.PEERS.exists())
    (row,) = shapley.exact([10], 10)
    assert {"integers", "floats", "textbook", "shap", "shapiq"} <= set(row)
    for result in shapley.sampled([(12, 15)], [0], ("coverage", "saturating")):
        assert 5 * result["heyi"] < result["error"]
        assert {"KernelSHAP", "pyDVL antithetic permutations"} <= set(result["others"])


def test_what_a_stranger_verifies_is_measured_whole() -> None:
    found = shapley.verification(6)
    assert found["players"] == 6 and found["bytes"] > 1000 and "seconds" in found


def test_intervals_hold_in_small() -> None:
    found = list(intervals.measure([(10, 12)], 10))
    assert len(found) == 6 + 7
    assert all(h.held >= 9 for h in found), found


def test_random_settlements_balance_and_an_unbalanced_one_is_noticed() -> None:
    assert settlements.main(["--number", "3000", "--seed", "5"]) == 0
    assert "are not 100" in settlements._wrong(
        Allocation(pot_fen=100, shares_fen=(50, 49), escrow_fen=0), 100
    )
    assert "less than nothing" in settlements._wrong(
        Allocation(pot_fen=100, shares_fen=(101, -1), escrow_fen=0), 100
    )


def test_a_copy_gains_nothing_after_the_guards() -> None:
    found = {(g.attack, g.utility): g for g in gaming.gains(1)}
    for utility in gaming.UTILITIES:
        copied = found["an exact copy under a second name", utility]
        assert copied.before > 10 and abs(copied.after) < 1
        assert abs(found["one institution split in two", utility].after) < 1e-3
    assert found["half as many rows made up", "likelihood"].after < 0


def test_near_fits_are_near_in_four_exchanges() -> None:
    result = contributions.compare("county", contributions.county(3_000))
    assert result.l1 <= 0.01 and result.extra[NEAR] <= 4
    assert result.institutions >= 4 and set(result.seconds) == {EXACT, NEAR}


def test_gains_are_of_what_is_due() -> None:
    sites = gaming.county(0)
    paid = gaming.shares(sites, "coverage", Pot(fen=1000))
    assert sum(paid.values()) == 1000 and Fraction(paid["h"], 1000) > Fraction(paid["a"], 1000)
