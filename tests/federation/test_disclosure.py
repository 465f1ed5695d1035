"""No resident ID number leaves a node; and what the rules do not prevent.

docs/guide/disclosure.md states these limits.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from heyi.consent.registry import Withdrawal
from heyi.crypto.canonical import Json
from heyi.crypto.codec import to_json
from heyi.federation.node.disclosure import RECORDS_A_CLASS, RECORDS_A_PARAMETER, regression_refusal
from heyi.federation.regression import PICO, Design, from_text
from heyi.federation.wire.operation import Operation
from heyi.federation.wire.wire_numbers import pack

if TYPE_CHECKING:
    from tests.support.county import County

HOST = "clinic-a"


def spellings(resident_id: str) -> set[str]:
    return {resident_id, resident_id.lower(), resident_id[:17], resident_id.encode().hex()}


@pytest.mark.parametrize(
    ("name", "params", "argument"),
    [
        ("frequency", {"by": [{"kind": "sex"}, {"kind": "age", "cuts": [45, 60]}]}, {}),
        ("logistic", None, {"at": pack([[0, 0, 0], [PICO, 5, -PICO]])}),
        ("logistic", None, {"at": pack([0])}),
        ("tokens", {"complete": ["age", "sex"]}, {}),
        ("tokens", {"complete": ["resident_id"]}, {}),
        ("frequency", {"by": [{"kind": "resident_id"}]}, {}),
        ("frequency", {"by": [{"kind": "resident_id", "cuts": [9_000_000_000_000_000]}]}, {}),
    ],
)
def test_no_answer_holds_a_resident_id_number(
    county: County, logistic: Operation, name: str, params: dict[str, Any] | None, argument: Json
) -> None:
    operation = logistic if params is None else Operation(name=name, params=params)
    visits = county.visits(60, 1)
    county.serve(HOST, visits)
    node = county.open_node(HOST)
    permit = county.permit(operation, host=HOST, kinds=("age", "sex", "diabetes", "resident_id"))
    answer = node.handle(county.call(permit, operation, argument))
    refusal = to_json(answer.refusal) if answer.refusal else {}
    said = json.dumps([answer.result, refusal, answer.receipt], ensure_ascii=False)
    said += "".join(e.leaf.decode() for e in county.databases[HOST].entries())
    for resident_id in visits["resident_id"]:
        assert not any(s in said for s in spellings(resident_id))
    if "resident_id" in operation.kinds:
        assert refusal["code"] == "cannot-compute"


@pytest.mark.parametrize("parameters", [1, 2, 7])
def test_records_and_classes_at_the_border(parameters: int) -> None:
    def code(records: int, positives: int) -> str:
        x = np.ones((records, parameters))
        y = np.array([1.0] * positives + [0.0] * (records - positives))
        refusal = regression_refusal(Design(x=x, y=y))
        return refusal.code if refusal else ""

    enough = RECORDS_A_PARAMETER * parameters
    assert code(enough, RECORDS_A_CLASS) == code(enough, enough - RECORDS_A_CLASS) == ""
    assert code(enough - 1, RECORDS_A_CLASS) == "too-few-records"
    assert code(enough, RECORDS_A_CLASS - 1) == "too-few-of-a-class"
    assert code(enough, enough - RECORDS_A_CLASS + 1) == "too-few-of-a-class"


def test_a_subject_who_withdraws_between_two_tables_can_be_read_from_their_difference(
    county: County, by_sex: Operation
) -> None:
    """A limit that the guide states: each table keeps the rules, both together reveal a sex."""
    visits = county.visits(60, 1)
    county.serve(HOST, visits)
    node = county.open_node(HOST)
    permit = county.permit(by_sex, host=HOST)
    before = node.handle(county.call(permit, by_sex)).result["cells"]
    node.withdraw(
        Withdrawal(token=node.withdrawal_token(visits["resident_id"][9]), scope="*", at=county.now)
    )
    after = node.handle(county.call(permit, by_sex, number=2)).result["cells"]
    assert [b - a for b, a in zip(before, after, strict=True)].index(1) == visits["sex"][9]


def test_sums_at_chosen_coefficients_can_single_out_a_record(
    county: County, logistic: Operation
) -> None:
    """A limit that the guide states: a steep model is a step, and two steps enclose one record.

    If you make the node refuse this, change the guide's paragraph too.
    """
    visits = county.visits(60, 1)
    visits["age"] = [float(a % 40 + 30) for a in range(59)] + [84.0]
    county.serve(HOST, visits)
    node = county.open_node(HOST)
    slope = 40 * PICO
    steps = [[int(-slope * (age - 55) / 10), slope, 0] for age in (75, 90)]
    answer = node.handle(
        county.call(county.permit(logistic, host=HOST), logistic, {"at": pack(steps)})
    )
    one, other = from_text(answer.result["sums"], 2, 3).gradient
    count, age, sex = ((other - one) / PICO).tolist()
    assert (round(count), round(10 * age + 55 * count), round(sex)) == (1, 84, visits["sex"][59])
