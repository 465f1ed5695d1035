"""Games: what is refused, round trips, and coverage against sets."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heyi.crypto.canonical import canonical, from_canonical
from heyi.model.errors import InvalidInput
from heyi.settlement.coverage_game import coverage_values
from heyi.settlement.game import MOST_PLAYERS, Game, game_from_json

WHOLE = st.integers(-(2**80), 2**80)


def game(values: list[int], players: tuple[str, ...] | None = None, **changed: Any) -> Game:
    n = (len(values)).bit_length() - 1
    fields: dict[str, Any] = {
        "players": players or tuple(f"p{i}" for i in range(n)),
        "values": tuple(values),
        "unit": "persons",
        "specification": {"utility": "coverage", "pot_fen": 100},
    }
    return Game(**fields | changed)


@st.composite
def games(draw: st.DrawFn, most: int = 4) -> Game:
    n = draw(st.integers(1, most))
    return game([0, *draw(st.lists(WHOLE, min_size=(1 << n) - 1, max_size=(1 << n) - 1))])


@pytest.mark.parametrize(
    "players", [("b", "a"), ("a", "a"), ("a", "a", "b"), ("a", "c", "b"), ("A", "a", "B")]
)
def test_players_stand_once_each_in_the_order_of_their_ids(players: tuple[str, ...]) -> None:
    with pytest.raises(InvalidInput, match="once each, in the order"):
        game([0] * (1 << len(players)), players=players)


@pytest.mark.parametrize("count", [0, MOST_PLAYERS + 1, 1000])
def test_no_player_and_too_many_players(count: int) -> None:
    with pytest.raises(InvalidInput, match=f"{count} players"):
        Game(
            players=tuple(f"p{i:04d}" for i in range(count)),
            values=(0,),
            unit="u",
            specification={},
        )


@pytest.mark.parametrize("size", [0, 1, 3, 5, 8])
def test_a_value_for_each_coalition(size: int) -> None:
    with pytest.raises(InvalidInput, match=f"4 coalitions need a value, not {size}"):
        game([0] * size, players=("a", "b"))


@pytest.mark.parametrize("baseline", [1, -1])
def test_the_empty_coalition_is_worth_nothing(baseline: int) -> None:
    with pytest.raises(InvalidInput, match="empty coalition"):
        game([baseline, 5])


@given(games())
def test_a_game_comes_back_from_its_json(made: Game) -> None:
    assert game_from_json(made.to_json()) == made
    assert game_from_json(from_canonical(canonical(made.to_json()))).digest == made.digest


def test_values_beyond_a_json_number_keep_every_digit() -> None:
    written = json.dumps(game([0, 2**53 + 1, -(2**70) - 1, 10**30]).to_json())
    assert game_from_json(json.loads(written)).values == (0, 2**53 + 1, -(2**70) - 1, 10**30)


@given(games(), st.data())
def test_the_digest_changes_with_any_value(made: Game, data: st.DataObject) -> None:
    at = data.draw(st.integers(1, len(made.values) - 1))
    values = list(made.values)
    values[at] += data.draw(st.sampled_from([-1, 1]))
    assert game(values).digest != made.digest


@pytest.mark.parametrize(
    "changed",
    [
        {"unit": "piconats"},
        {"players": ("p0", "p2")},
        {"specification": {}},
        {"specification": {"pot_fen": 101}},
    ],
)
def test_the_digest_binds_players_unit_and_specification(changed: dict[str, Any]) -> None:
    assert game([0, 1, 2, 3], **changed).digest != game([0, 1, 2, 3]).digest


# --- coverage ---


@given(st.integers(1, 5), st.lists(st.integers(1, 31), max_size=40))
def test_coverage_counts_what_sets_count(players: int, seen_by: list[int]) -> None:
    seen_by = [mask % (1 << players) or 1 for mask in seen_by]
    patterns: dict[int, int] = {}
    for mask in seen_by:
        patterns[mask] = patterns.get(mask, 0) + 1
    sites = [
        {person for person, mask in enumerate(seen_by) if mask >> i & 1} for i in range(players)
    ]
    for coalition, value in enumerate(coverage_values(patterns, players)):
        members = [sites[i] for i in range(players) if coalition >> i & 1]
        assert value == len(set().union(*members))


@pytest.mark.parametrize("patterns", [{0: 1}, {4: 1}, {-1: 1}, {1: -1}])
def test_patterns_that_are_none(patterns: dict[int, int]) -> None:
    with pytest.raises(InvalidInput, match="not a set of 2 players"):
        coverage_values(patterns, 2)
