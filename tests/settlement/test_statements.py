"""Statements: numbers that an institution can recompute, and words that say what they mean."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heyi.crypto.canonical import canonical
from heyi.settlement.allocate import allocate
from heyi.settlement.exact import shapley
from heyi.settlement.game import Game, coverage_values, game_from_json
from heyi.settlement.statement import Statement, state, yuan

COVERAGE = Game(
    players=("hospital", "village"),
    values=coverage_values({1: 4000, 2: 1, 3: 1200}, 2),
    unit="persons",
    specification={"utility": "coverage"},
)
LIKELIHOOD = Game(
    players=("a", "b", "c"), values=(0, 600, -90, 480, 300, 1200, 270, 1080), unit="piconats", specification={}
)


def statements(game: Game, pot_fen: int = 1_000_000) -> list[Statement]:
    phi = shapley(game)
    shares = allocate(pot_fen, game.players, phi).shares_fen
    return state(game, phi, dict(zip(game.players, shares, strict=True)), pot_fen=pot_fen, study="study-1")


def test_a_statement_for_each_player_with_its_own_numbers() -> None:
    hospital, village = statements(COVERAGE)
    assert (hospital.party, hospital.contribution, hospital.alone, hospital.last) == (
        "hospital",
        Fraction(4600),
        5200,
        4000,
    )
    assert (village.party, village.contribution, village.alone, village.last) == ("village", Fraction(601), 1201, 1)
    assert {(s.total, s.unit, s.study, s.pot_fen) for s in (hospital, village)} == {
        (5201, "persons", "study-1", 1_000_000)
    }
    assert hospital.share_fen + village.share_fen == 1_000_000
    assert hospital.game == village.game == COVERAGE.digest


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
    assert "4 种组合时" in a.why.zh and "in 4 of them the fit got no worse" in a.why.en


def test_a_contribution_of_nothing_is_not_called_negative() -> None:
    game = Game(players=("a", "b"), values=(0, 0, 5, 5), unit="piconats", specification={})
    a, _ = statements(game)
    assert a.contribution == a.share_fen == 0
    assert "never claimed back" not in a.why.en


def test_a_statement_can_be_signed_and_keeps_its_fraction() -> None:
    game = Game(players=("a", "b", "c"), values=(0, 0, 0, 2**60, 0, 0, 0, 2**60 + 1), unit="piconats", specification={})
    (first, *_) = statements(game)
    written = first.to_json()
    assert canonical(written)
    assert Fraction(written["contribution"]) == first.contribution
    assert first.contribution.denominator > 1
    assert (written["total"], written["why"]["en"]) == (str(2**60 + 1), first.why.en)


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
