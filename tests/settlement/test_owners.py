"""Owners: a second name earns nothing, unions share among themselves, circles are told."""

from __future__ import annotations

import numpy as np
import pytest

from heyi.model.errors import InvalidInput
from heyi.settlement.exact import shapley, shapley_of_floats
from heyi.settlement.game import Game, coverage_values
from heyi.settlement.owners import owen, quotient, ultimate


def game(players: tuple[str, ...], patterns: dict[int, int]) -> Game:
    values = coverage_values(patterns, len(players))
    return Game(players=players, values=values, unit="persons", specification={"kind": "coverage"})


def test_a_copy_under_a_second_name_earns_its_owner_nothing() -> None:
    alone = game(("a", "b"), {0b01: 60, 0b10: 40})
    copied = game(("a", "a2", "b"), {0b011: 60, 0b100: 40})
    plain = shapley(copied)
    assert plain[0] + plain[1] == shapley(alone)[0] == 60, "coverage by itself withstands a copy"
    majority = Game(players=("a", "a2", "b"), values=(0, 0, 0, 1, 0, 1, 1, 1), unit="votes", specification={})
    assert sum(shapley(majority)[:2]) > sum(shapley(quotient(majority, {"a2": "a"}))[:1]) / 2
    owned = quotient(copied, {"a2": "a"})
    assert (owned.players, owned.values) == (alone.players, alone.values)
    assert owned.specification["owners"] == {"a": "a", "a2": "a", "b": "b"}


def test_owners_are_followed_to_the_last() -> None:
    assert ultimate({"a": "h", "h": "group"}, ["a", "b"]) == {"a": "group", "b": "b"}
    with pytest.raises(InvalidInput, match="owned in a circle") as caught:
        ultimate({"a": "h", "h": "k", "k": "h"}, ["a"])
    assert caught.value.hint == "break h → k → h"


def test_unions_of_one_and_one_union_of_all_are_shapley() -> None:
    values = np.random.default_rng(4).random(1 << 6)
    values[0] = 0
    exact = shapley_of_floats(values)
    assert owen(values, [[i] for i in range(6)]) == pytest.approx(exact)
    assert owen(values, [list(range(6))]) == pytest.approx(exact)


def test_unions_get_the_value_of_the_game_between_them() -> None:
    values = np.random.default_rng(5).random(1 << 5)
    values[0] = 0
    unions = [[0, 3], [1], [2, 4]]
    held = [sum(1 << i for i in union) for union in unions]
    between = np.array([values[sum(h for j, h in enumerate(held) if m >> j & 1)] for m in range(8)])
    phi = owen(values, unions)
    assert [phi[union].sum() for union in unions] == pytest.approx(shapley_of_floats(between))


def test_unions_hold_each_player_once() -> None:
    with pytest.raises(InvalidInput, match="each player once"):
        owen(np.zeros(8), [[0, 1], [1, 2]])
