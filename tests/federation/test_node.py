"""A node beside its data: withdrawals and disclosure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from heyi.consent.registry import EVERYTHING, Withdrawal
from heyi.federation.node.enforce import NodePolicy
from heyi.federation.node.node import Node
from heyi.federation.wire.operation import Operation
from heyi.federation.wire.wire_numbers import pack

if TYPE_CHECKING:
    from tests.support.county import County

HOST = "clinic-a"


def leave(county: County, node: Node, resident_id: str, scope: str) -> None:
    node.withdraw(Withdrawal(token=node.withdrawal_token(resident_id), scope=scope, at=county.now))


# --- withdrawal ---


def test_a_subject_who_withdraws_is_left_out_of_every_operation(
    county: County, by_sex: Operation, logistic: Operation, tokens: Operation
) -> None:
    visits = county.visits(80, 1)
    county.serve(HOST, visits)
    node = county.open_node(HOST)
    permit = county.permit(by_sex, logistic, tokens, host=HOST)
    at_zero = {"at": pack([0, 0, 0])}

    def ask_all(first: int) -> tuple[int, int, set[str]]:
        counted = node.handle(county.call(permit, by_sex, number=first)).result["cells"]
        fitted = node.handle(county.call(permit, logistic, at_zero, number=first + 1)).result[
            "records"
        ]
        linked = node.handle(county.call(permit, tokens, number=first + 2)).result["tokens"]
        return sum(counted), fitted, set(linked)

    before = ask_all(1)
    assert before[:2] == (80, 80)
    leave(county, node, visits["resident_id"][17], EVERYTHING)
    after = ask_all(4)
    assert after[:2] == (79, 79)
    assert len(before[2]) == 80
    assert len(before[2] - after[2]) == 1
    assert after[2] < before[2]


def test_every_record_of_the_subject_goes_and_the_sums_are_those_without_it(
    county: County, logistic: Operation
) -> None:
    visits = county.visits(60, 2)
    visits["resident_id"][30:33] = [visits["resident_id"][5]] * 3
    county.serve(HOST, visits)
    rest = [i for i in range(60) if i not in (5, 30, 31, 32)]
    county.serve("clinic-b", {k: [v[i] for i in rest] for k, v in visits.items()})
    node, other = county.open_node(HOST), county.open_node("clinic-b")
    leave(county, node, visits["resident_id"][5], EVERYTHING)
    argument = {"at": pack([[0, 0, 0], [10**11, -(10**11), 10**12]])}
    got = node.handle(county.call(county.permit(logistic, host=HOST), logistic, argument)).result
    assert got["records"] == 56
    assert (
        got
        == other.handle(
            county.call(county.permit(logistic, host="clinic-b"), logistic, argument)
        ).result
    )


@pytest.mark.parametrize(
    ("scope", "counted"), [(EVERYTHING, 79), ("case-1", 79), ("case-2", 80), ("", 80)]
)
def test_a_withdrawal_counts_in_its_scope_alone(
    county: County, by_sex: Operation, scope: str, counted: int
) -> None:
    visits = county.visits(80, 1)
    county.serve(HOST, visits)
    node = county.open_node(HOST)
    leave(county, node, visits["resident_id"][0], scope)
    answer = node.handle(county.call(county.permit(by_sex, host=HOST), by_sex))
    assert sum(answer.result["cells"]) == counted


def test_a_small_x_withdraws_the_same_subject(county: County, by_sex: Operation) -> None:
    visits = county.visits(80, 1)
    county.serve(HOST, visits)
    node = county.open_node(HOST)
    with_x = next(i for i in visits["resident_id"] if i.endswith("X"))
    leave(county, node, with_x.lower(), EVERYTHING)
    answer = node.handle(county.call(county.permit(by_sex, host=HOST), by_sex))
    assert sum(answer.result["cells"]) == 79


def test_a_stranger_who_withdraws_changes_nothing(county: County, by_sex: Operation) -> None:
    county.serve(HOST, county.visits(80, 1))
    node = county.open_node(HOST)
    leave(county, node, county.resident_ids(1, start=500)[0], EVERYTHING)
    assert (
        sum(node.handle(county.call(county.permit(by_sex, host=HOST), by_sex)).result["cells"])
        == 80
    )


def test_a_withdrawal_holds_after_the_node_was_started_again(
    county: County, by_sex: Operation
) -> None:
    visits = county.visits(80, 1)
    county.serve(HOST, visits)
    leave(county, county.open_node(HOST), visits["resident_id"][0], EVERYTHING)
    again = county.open_node(HOST)
    assert (
        sum(again.handle(county.call(county.permit(by_sex, host=HOST), by_sex)).result["cells"])
        == 79
    )


# --- disclosure ---


@pytest.mark.parametrize(
    ("permitted", "own", "cells"),
    [
        (5, 5, [12, 8]),
        (8, 5, [12, 8]),
        (9, 5, [12, None]),
        (5, 9, [12, None]),
        (9, 3, [12, None]),
        (13, 1, [None] * 2),
    ],
)
def test_the_stricter_smallest_cell_prevails(
    county: County, by_sex: Operation, permitted: int, own: int, cells: list[int | None]
) -> None:
    county.serve(HOST, {"sex": [0.0] * 12 + [1.0] * 8})
    node = county.open_node(HOST, policy=NodePolicy(min_cell=own))
    answer = node.handle(county.call(county.permit(by_sex, host=HOST, min_cell=permitted), by_sex))
    assert answer.result == {"cells": cells}


def test_a_withdrawal_can_make_a_cell_small(county: County, by_sex: Operation) -> None:
    ids = county.resident_ids(17)
    county.serve(HOST, {"resident_id": ids, "sex": [0.0] * 12 + [1.0] * 5})
    node = county.open_node(HOST)
    permit = county.permit(by_sex, host=HOST)
    assert node.handle(county.call(permit, by_sex)).result == {"cells": [12, 5]}
    leave(county, node, ids[-1], EVERYTHING)
    assert node.handle(county.call(permit, by_sex, number=2)).result == {"cells": [12, None]}


@pytest.mark.parametrize(
    ("records", "positives", "code"),
    [
        (30, 5, ""),
        (30, 25, ""),
        (29, 10, "too-few-records"),
        (30, 4, "too-few-of-a-class"),
        (30, 26, "too-few-of-a-class"),
        (300, 0, "too-few-of-a-class"),
        (0, 0, "too-few-records"),
    ],
)
def test_a_regression_of_three_parameters_needs_thirty_records_and_five_of_each_class(
    county: County, logistic: Operation, records: int, positives: int, code: str
) -> None:
    """An incomplete record does not count."""
    sexes = [float(i % 2) for i in range(records)] + [1.0, 0.0]
    ages: list[float | None] = [40.0 + i % 30 for i in range(records)] + [None, None]
    sick = [1.0] * positives + [0.0] * (records - positives) + [1.0, 0.0]
    county.serve(HOST, {"age": ages, "sex": sexes, "diabetes": sick})
    node = county.open_node(HOST)
    answer = node.handle(
        county.call(county.permit(logistic, host=HOST), logistic, {"at": pack([0, 0, 0])})
    )
    assert (answer.refusal.code if answer.refusal else "") == code
    assert (answer.result or {}).get("records", 0) == (0 if code else records)


def test_a_withdrawal_can_end_a_regression(county: County, logistic: Operation) -> None:
    visits = county.visits(30, 1)
    county.serve(HOST, visits)
    node = county.open_node(HOST)
    permit, argument = county.permit(logistic, host=HOST), {"at": pack([0, 0, 0])}
    assert node.handle(county.call(permit, logistic, argument)).refusal is None
    leave(county, node, visits["resident_id"][0], EVERYTHING)
    refusal = node.handle(county.call(permit, logistic, argument, number=2)).refusal
    assert refusal is not None
    assert refusal.code == "too-few-records"


@pytest.mark.parametrize(("records", "code"), [(5, ""), (4, "too-few-records")])
def test_tokens_of_too_few_records_are_held_back(
    county: County, tokens: Operation, records: int, code: str
) -> None:
    visits = county.visits(records, 1) | {"age": [50.0] * records}
    visits = {k: [*v, v[0]] for k, v in visits.items()}
    visits["age"][-1] = None  # not complete
    visits["sex"] = [float(i % 2) for i in range(records + 1)]
    county.serve(HOST, visits)
    answer = county.open_node(HOST).handle(county.call(county.permit(tokens, host=HOST), tokens))
    assert (answer.refusal.code if answer.refusal else "") == code
    assert len((answer.result or {"tokens": []})["tokens"]) == (0 if code else records)


def test_persons_without_a_valid_number_are_counted_and_not_linked(
    county: County, tokens: Operation
) -> None:
    visits = county.visits(20, 1)
    right = visits["resident_id"]
    wrong_digit = right[0][:-1] + ("0" if right[0][-1] != "0" else "1")
    visits["resident_id"] = [wrong_digit, "", *right[2:19], right[18]]
    county.serve(HOST, visits)
    result = (
        county.open_node(HOST).handle(county.call(county.permit(tokens, host=HOST), tokens)).result
    )
    assert (len(result["tokens"]), result["unlinked"]) == (17, 2)


def test_a_large_institution_can_answer(county: County, logistic: Operation) -> None:
    """Its log-likelihood passes 2^53 in units of 1e-12, which is more than a JSON number holds."""
    records = 14_000
    county.serve(
        HOST,
        {
            "age": [float(30 + i % 50) for i in range(records)],
            "sex": [float(i % 2) for i in range(records)],
            "diabetes": [float(i % 3 == 0) for i in range(records)],
        },
    )
    node = county.open_node(HOST)
    answer = node.handle(
        county.call(county.permit(logistic, host=HOST), logistic, {"at": pack([0, 0, 0])})
    )
    assert answer.refusal is None
    assert answer.result["records"] == records
