"""Frequency tables: what a plain loop counts, and no small cell."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heyi.federation.frequency import count, join, labels
from heyi.federation.node.disclosure import hold_back
from heyi.federation.wire.operation import Operation
from heyi.model.errors import InvalidInput

NAN = float("nan")
AGE_BY_SEX = Operation(
    name="frequency", params={"by": [{"kind": "age", "cuts": [45, 60]}, {"kind": "sex"}]}
)


def plain(ages: list[float], sexes: list[float], keep: list[bool]) -> list[int]:
    cells = dict.fromkeys(product(range(3), range(2)), 0)
    for age, sex, kept in zip(ages, sexes, keep, strict=True):
        if kept and not math.isnan(age) and sex in (0.0, 1.0):
            cells[(age >= 45) + (age >= 60), int(sex)] += 1
    return list(cells.values())


@settings(max_examples=100)
@given(
    st.lists(
        st.tuples(
            st.sampled_from([0.0, 44.0, 44.999, 45.0, 45.001, 59.0, 60.0, 61.0, 130.0, NAN]),
            st.sampled_from([0.0, 1.0, 0.5, 2.0, NAN]),
            st.booleans(),
        )
    )
)
def test_counts_are_those_of_a_plain_loop(rows: list[tuple[float, float, bool]]) -> None:
    ages, sexes, keep = [r[0] for r in rows], [r[1] for r in rows], [r[2] for r in rows]
    columns = {"age": np.array(ages, dtype=np.float64), "sex": np.array(sexes, dtype=np.float64)}
    assert count(AGE_BY_SEX, columns, np.array(keep, dtype=np.bool_)) == plain(ages, sexes, keep)


def test_labels_stand_in_the_order_of_the_counts() -> None:
    columns = {"age": np.array([30.0, 50.0, 70.0, 70.0]), "sex": np.array([1.0, 0.0, 1.0, 1.0])}
    cells = count(AGE_BY_SEX, columns, np.ones(4, dtype=np.bool_))
    assert [(tuple(c), n) for c, n in zip(labels(AGE_BY_SEX), cells, strict=True) if n] == [
        ((0, 1), 1),
        ((1, 0), 1),
        ((2, 1), 2),
    ]


@pytest.mark.parametrize("cuts", [[60, 45], [45, 45], [45, 60, 50]])
def test_cuts_that_do_not_increase_are_refused(cuts: list[int]) -> None:
    operation = Operation(name="frequency", params={"by": [{"kind": "age", "cuts": cuts}]})
    with pytest.raises(InvalidInput, match="must increase"):
        count(operation, {"age": np.array([50.0])}, np.ones(1, dtype=np.bool_))


def test_small_cells_are_held_back_and_empty_ones_are_not() -> None:
    assert hold_back([0, 1, 4, 5, 6], 5) == [0, None, None, 5, 6]
    assert hold_back([0, 1, 2], 1) == [0, 1, 2]


@given(st.lists(st.integers(0, 30)), st.integers(1, 20))
def test_nothing_between_zero_and_the_smallest_cell_leaves(cells: list[int], smallest: int) -> None:
    for before, after in zip(cells, hold_back(cells, smallest), strict=True):
        assert after == (None if 0 < before < smallest else before)


def test_joining_sums_the_cells_and_counts_those_held_back() -> None:
    answers = [{"cells": [5, None, 0]}, {"cells": [7, None, 9]}, {"cells": [0, 6, None]}]
    assert join(answers) == {"cells": [12, 6, 9], "held_back": [0, 2, 1]}


def test_tables_of_another_shape_cannot_be_joined() -> None:
    with pytest.raises(ValueError, match="shorter"):
        join([{"cells": [5, 6]}, {"cells": [5]}])
