"""Statements: numbers that an institution can recompute, and words that say what they mean."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heyi.crypto.canonical import canonical, digest
from heyi.crypto.codec import to_json
from heyi.settlement.allocate import Policy
from heyi.settlement.certificate import Measured, certify
from heyi.settlement.coverage_game import CoverageGame, Stratum
from heyi.settlement.game import Game, game_from_json
from heyi.settlement.sample import Sample
from heyi.settlement.sampled import plan
from heyi.settlement.statement import Statement, state, yuan

TERMS: dict[str, Any] = {"pot_fen": 1_000_000, "policy": to_json(Policy())}
UNTIL = 1_800_000_000
COVERAGE = CoverageGame(
    players=("hospital", "village"),
    strata=(Stratum(name="persons", weight=1, patterns={1: 4000, 2: 1, 3: 1200}),),
    specification=TERMS,
)
LIKELIHOOD = Game(
    players=("a", "b", "c"),
    values=(0, 600, -90, 480, 300, 1200, 270, 1080),
    unit="piconats",
    specification=TERMS,
)


def statements(measured: Measured) -> list[Statement]:
    return state(measured, certify("study-1", measured), disputes_until=UNTIL)


def test_a_statement_for_each_player_with_its_own_numbers() -> None:
    hospital, village = statements(COVERAGE)
    assert (hospital.party, hospital.contribution, hospital.alone, hospital.last) == (
        "hospital",
        Fraction(4600),
        5200,
        4000,
    )
    assert (village.party, village.contribution, village.alone, village.last) == (
        "village",
        Fraction(601),
        1201,
        1,
    )
    assert {(s.total, s.unit, s.study, s.pot_fen) for s in (hospital, village)} == {
        (5201, "persons", "study-1", 1_000_000)
    }
    assert hospital.share_fen + village.share_fen == 1_000_000
    assert hospital.certificate == village.certificate == digest(certify("study-1", COVERAGE))
    assert hospital.disputes_until == UNTIL


def test_an_institution_recomputes_its_statement_from_the_published_game() -> None:
    published = game_from_json(LIKELIHOOD.to_json())
    assert statements(published) == statements(LIKELIHOOD)


def test_the_words_for_persons_name_both_counts() -> None:
    hospital, village = (s.why for s in statements(COVERAGE))
    assert "5,200" in hospital.zh and "4,000" in hospital.zh and "平分" in hospital.zh
    assert "5,200 eligible patients, 4,000 of whom" in hospital.en
    assert "1,201 eligible patients, 1 of whom" in village.en


def test_the_words_follow_the_sign_of_the_contribution() -> None:
    a, b, c = statements(LIKELIHOOD)
    assert (a.contribution > 0, b.contribution < 0, c.contribution > 0) == (True, True, True)
    assert (a.why, b.share_fen) == (c.why, 0)
    assert "平均改善" in a.why.zh and "mean improvement" in a.why.en
    assert "不向贵机构追索" in b.why.zh and "never claimed back" in b.why.en
    assert "不是数据错误的证明" in b.why.zh and "does not prove an error" in b.why.en


def test_the_words_count_the_coalitions_that_fit_less_well() -> None:
    """The second player lowers the fit of all four, the first of none."""
    a, b, _ = statements(LIKELIHOOD)
    assert "4 种组合中，有 4 种" in b.why.zh and "in 4 of the 4 coalitions" in b.why.en
    assert "4 种组合时" in a.why.zh and "in 4 of them it got no worse" in a.why.en


def test_a_contribution_of_nothing_is_not_called_negative() -> None:
    game = Game(players=("a", "b"), values=(0, 0, 5, 5), unit="piconats", specification=TERMS)
    a, _ = statements(game)
    assert a.contribution == a.share_fen == 0
    assert "never claimed back" not in a.why.en


def test_a_statement_can_be_signed_and_keeps_its_fraction() -> None:
    game = Game(
        players=("a", "b", "c"),
        values=(0, 0, 0, 2**60, 0, 0, 0, 2**60 + 1),
        unit="piconats",
        specification=TERMS,
    )
    (first, *_) = statements(game)
    written = first.to_json()
    assert canonical(written)
    assert Fraction(written["contribution"]) == first.contribution
    assert first.contribution.denominator > 1
    assert (written["total"], written["why"]["en"]) == (str(2**60 + 1), first.why.en)


def test_strata_stand_in_the_statement_and_sum_to_the_contribution() -> None:
    rare = Stratum(name="rare", weight=20, patterns={2: 3})
    measured = CoverageGame(
        players=COVERAGE.players, strata=(*COVERAGE.strata, rare), specification=TERMS
    )
    hospital, village = statements(measured)
    assert (hospital.strata, village.strata) == (
        {"persons": Fraction(4600), "rare": Fraction(0)},
        {"persons": Fraction(601), "rare": Fraction(60)},
    )
    assert sum(village.strata.values()) == village.contribution == 661
    assert (
        village.unit == "points"
        and "1,261 分" in village.why.zh
        and "1,261 points" in village.why.en
    )


def test_a_sample_states_its_intervals_and_pays_what_is_certain() -> None:
    fields: dict[str, Any] = {"players": tuple("abcdef"), "seed": 3, "evaluations": 30, "unit": "u"}
    drawn = plan(6, 30, 3)
    values = tuple(m.bit_count() * 1000 + (300 if m & 1 else 0) for m in drawn.masks())
    measured = Sample(**fields, values=values, total=6300, specification=TERMS)
    first, *_ = told = statements(measured)
    assert all(s.interim and s.low <= s.contribution <= s.high for s in told)
    assert 0 < sum(s.share_fen for s in told) <= 1_000_000
    assert (first.alone, first.last) == (1300, 1300)
    assert abs(first.contribution - 1300) < 1


@pytest.mark.parametrize(
    ("fen", "text"),
    [
        (0, "0.00"),
        (5, "0.05"),
        (50, "0.50"),
        (100, "1.00"),
        (123_456_789, "1,234,567.89"),
        (-5, "-0.05"),
        (-100, "-1.00"),
        (-123_456, "-1,234.56"),
    ],
)
def test_yuan(fen: int, text: str) -> None:
    assert yuan(fen) == text


@given(st.integers(-(10**15), 10**15))
def test_yuan_loses_no_fen(fen: int) -> None:
    assert int(yuan(fen).replace(",", "").replace(".", "")) == fen
