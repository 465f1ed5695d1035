"""The driver beside nodes that are honest, that refuse, and that lie."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from heyi.crypto.canonical import Json, digest
from heyi.crypto.codec import to_json
from heyi.crypto.keys import Signer
from heyi.federation import frequency
from heyi.federation.centre.coalitions import fit_coalitions
from heyi.federation.centre.driver import Exchanged, Seat, ask
from heyi.federation.wire.answer import Answer
from heyi.federation.wire.call import Call
from heyi.federation.wire.operation import Operation, Refusal
from heyi.federation.wire.receipt import Receipt, sign_receipt, verify_receipt
from heyi.federation.wire.wire_numbers import pack
from heyi.model.errors import HeyiError, InvalidInput, StoreError, VerificationError

if TYPE_CHECKING:
    from tests.support.county import County

HOST = "clinic-a"
NO = Refusal(code="revoked", zh="许可已被撤销", en="the permit was revoked")
Lie = Callable[[Answer, Signer], Answer]


@pytest.fixture
def seat(county: County, by_sex: Operation, logistic: Operation) -> Seat:
    county.serve(HOST, county.visits(80, 1))
    county.open_node(HOST)
    return county.seat(county.permit(by_sex, logistic, host=HOST))


def put(
    county: County, seats: list[Seat], operation: Operation, argument: Json = None
) -> Exchanged:
    argument = {} if argument is None else argument
    return ask(
        seats, operation, argument, send=county.send, requester=county.signer("county-hospital")
    )


def signed_again(answer: Answer, signer: Signer, **changed: Json) -> Json:
    """The receipt with other contents and a signature that holds."""
    receipt = verify_receipt(answer.receipt, public_key=signer.public_key)
    return sign_receipt(replace(receipt, **changed), signer)


def test_results_refusals_and_receipts_by_holder(county: County, by_sex: Operation) -> None:
    for i, host in enumerate(("clinic-a", "clinic-b", "clinic-c")):
        county.serve(host, {"sex": [0.0] * (10 + i) + [1.0] * 20})
        county.open_node(host)
    seats = [
        county.seat(county.permit(by_sex, host=h)) for h in ("clinic-c", "clinic-a", "clinic-b")
    ]
    county.nodes["clinic-b"].revoke(seats[2].permit.id, county.now)
    got = put(county, seats, by_sex)
    assert got.results == {"clinic-a": {"cells": [10, 20]}, "clinic-c": {"cells": [12, 20]}}
    assert got.refusals == {"clinic-b": to_json(NO)}
    assert [r["holder"] for r in got.receipts] == ["clinic-c", "clinic-a", "clinic-b"]
    assert frequency.join(list(got.results.values())) == {"cells": [22, 40], "held_back": [0, 0]}
    assert [s.calls for s in seats] == [1, 1, 1]


def test_two_seats_of_one_holder_are_refused_before_anything_is_sent(
    county: County, seat: Seat, by_sex: Operation
) -> None:
    other = county.seat(county.permit(by_sex, host=HOST, id="other"))
    with pytest.raises(InvalidInput, match=f"`{HOST}` takes part with two assets"):
        put(county, [seat, other], by_sex)
    assert (seat.calls, other.calls, county.nodes[HOST].log.size) == (0, 0, 0)


def test_the_driver_counts_as_the_node_counts(
    county: County, seat: Seat, by_sex: Operation, logistic: Operation
) -> None:
    """Every refusal of the node uses up its number and does not stop the next call."""
    steps: list[tuple[Operation, Json]] = [
        (by_sex, {}),
        (logistic, {"at": pack([0, 0])}),
        (Operation(name="tokens", params={"complete": ["age"]}), {}),
        (by_sex, {}),
        (logistic, {"at": pack([0, 0, 0])}),
    ]
    codes = [put(county, [seat], o, a).refusals.get(HOST, {}).get("code", "") for o, a in steps]
    assert codes == ["", "cannot-compute", "operation", "", ""]
    assert seat.calls == 5
    # the third was not permitted, so it was not charged
    assert county.charged(HOST, seat.permit) == [1, 2, 4, 5]


def test_too_few_records_cost_a_call_too(county: County, logistic: Operation) -> None:
    county.serve(HOST, county.visits(29, 1))
    county.open_node(HOST)
    seat = county.seat(county.permit(logistic, host=HOST))
    for _ in range(2):
        assert (
            put(county, [seat], logistic, {"at": pack([0, 0, 0])}).refusals[HOST]["code"]
            == "too-few-records"
        )
    assert seat.calls == 2
    assert county.charged(HOST, seat.permit) == [1, 2]


def test_a_seat_whose_answer_was_lost_can_be_asked_again(
    county: County, seat: Seat, by_sex: Operation
) -> None:
    """The node charged the call; the driver must not stay behind for ever."""

    def lost(host: str, call: Call) -> Answer:
        county.send(host, call)
        raise VerificationError("the line broke")

    with pytest.raises(VerificationError, match="line"):
        ask([seat], by_sex, {}, send=lost, requester=county.signer("county-hospital"))
    refusals = [put(county, [seat], by_sex).refusals for _ in range(2)]
    assert refusals[-1] == {}


def test_calls_are_announced_before_anything_is_sent(
    county: County, seat: Seat, by_sex: Operation
) -> None:
    told: list[tuple[str, list[tuple[str, int, str]], int]] = []

    def announce(operation: Operation, calls: list[tuple[str, int, str]]) -> None:
        told.append((operation.name, calls, len(county.charged(HOST, seat.permit))))

    requester = county.signer("county-hospital")
    for _ in range(2):
        ask([seat], by_sex, {}, send=county.send, requester=requester, announce=announce)
    assert told == [("frequency", [(seat.permit.id, n, digest({}))], n - 1) for n in (1, 2)]


def test_what_cannot_be_announced_is_not_sent(
    county: County, seat: Seat, by_sex: Operation
) -> None:
    def announce(_operation: Operation, _calls: list[tuple[str, int, str]]) -> None:
        raise StoreError("the log could not be written")

    with pytest.raises(StoreError):
        ask(
            [seat],
            by_sex,
            {},
            send=county.send,
            requester=county.signer("county-hospital"),
            announce=announce,
        )
    assert (county.nodes[HOST].log.size, seat.calls) == (0, 0)


def lying(county: County, lie: Lie) -> Callable[[str, Call], Answer]:
    return lambda host, call: lie(county.send(host, call), county.signer(host))


@pytest.mark.parametrize(
    "lie",
    [
        pytest.param(lambda a, _: replace(a, result={"cells": [1000, 1000]}), id="another result"),
        pytest.param(lambda a, _: replace(a, result=None), id="no result"),
        pytest.param(
            lambda a, _: replace(a, receipt={**a.receipt, "number": 7}), id="altered receipt"
        ),
        pytest.param(lambda a, _: replace(a, receipt=None), id="no receipt"),
        pytest.param(
            lambda a, s: replace(a, receipt=signed_again(a, s, permit="other")), id="another permit"
        ),
        pytest.param(
            lambda a, s: replace(a, receipt=signed_again(a, s, holder="clinic-b")),
            id="another holder",
        ),
        pytest.param(
            lambda a, s: replace(a, receipt=signed_again(a, s, operation="sha256:0")),
            id="another operation",
        ),
        pytest.param(
            lambda a, s: replace(a, receipt=signed_again(a, s, argument=digest(7))),
            id="another argument",
        ),
        pytest.param(
            lambda a, s: replace(a, receipt=signed_again(a, s, number=2)), id="another number"
        ),
        pytest.param(
            lambda a, s: replace(a, receipt=signed_again(a, s, result="", refusal="calls")),
            id="a refusal",
        ),
        pytest.param(
            lambda a, s: replace(a, receipt=signed_again(a, s, host="elsewhere")), id="another host"
        ),
        pytest.param(
            lambda a, _: replace(a, result=None, refusal=NO),
            id="refused, but the receipt says answered",
        ),
        pytest.param(
            lambda a, s: replace(
                a,
                result=None,
                refusal=NO,
                receipt=signed_again(a, s, result="", refusal="too-few-records"),
            ),
            id="refused for another reason than on the receipt",
        ),
    ],
)
def test_an_answer_that_is_not_the_one_on_its_receipt_is_refused(
    county: County, seat: Seat, by_sex: Operation, lie: Lie
) -> None:
    with pytest.raises(VerificationError):
        ask([seat], by_sex, {}, send=lying(county, lie), requester=county.signer("county-hospital"))


def test_the_honest_answer_to_an_earlier_call_is_refused(
    county: County, seat: Seat, by_sex: Operation
) -> None:
    first = county.send(HOST, county.call(seat.permit, by_sex))
    seat.calls = 1
    with pytest.raises(VerificationError, match="another call"):
        ask(
            [seat],
            by_sex,
            {},
            send=lambda _h, _c: first,
            requester=county.signer("county-hospital"),
        )


def test_a_receipt_that_another_signed_is_refused(
    county: County, seat: Seat, by_sex: Operation
) -> None:
    def lie(answer: Answer, _: Signer) -> Answer:
        receipt = verify_receipt(answer.receipt, public_key=seat.public_key)
        return replace(answer, receipt=sign_receipt(receipt, county.signer("clinic-b")))

    with pytest.raises(VerificationError, match="signature"):
        ask([seat], by_sex, {}, send=lying(county, lie), requester=county.signer("county-hospital"))


@pytest.mark.parametrize(
    "result",
    [
        {"records": 80, "sums": ""},
        {"records": 80, "sums": "1 2 3"},
        {"records": 80, "sums": [[1]]},
        {},
    ],
)
def test_signed_sums_without_sense_are_broken_evidence(
    county: County, seat: Seat, logistic: Operation, result: Json
) -> None:
    """The node signs what it says, and what it says is not an answer."""

    def lie(answer: Answer, signer: Signer) -> Answer:
        return replace(
            answer, result=result, receipt=signed_again(answer, signer, result=digest(result))
        )

    with pytest.raises(HeyiError):
        fit_coalitions(
            [seat],
            logistic,
            [1],
            send=lying(county, lie),
            requester=county.signer("county-hospital"),
        )


def test_receipts_hold_no_result_and_no_argument(
    county: County, seat: Seat, logistic: Operation
) -> None:
    got = put(county, [seat], logistic, {"at": pack([0, 0, 0])})
    assert set(got.receipts[0]) == {*Receipt.__dataclass_fields__, "signature"}
    assert got.receipts[0]["result"] == digest(got.results[HOST])
