"""Questions to a regression: answers, masked sums, refusals, strata, and persons left out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from heyi.crypto.canonical import Json
from heyi.federation.aggregation import mask, unmask
from heyi.federation.centre.coalitions import fit_coalitions, own_optima
from heyi.federation.linkage import token
from heyi.federation.node.node import Node
from heyi.federation.regression import PICO, Design, Newton, Sums, from_text, sums
from heyi.federation.wire.operation import Operation
from heyi.federation.wire.wire_numbers import pack, read, unpack, write
from heyi.model.errors import InvalidInput, VerificationError

if TYPE_CHECKING:
    from tests.support.county import County

HOST = "clinic-a"
HOSTS = ("clinic-a", "clinic-b", "clinic-c")


@pytest.fixture
def node(county: County) -> Node:
    county.serve(HOST, county.visits(120, 1))
    return county.open_node(HOST)


def masked(logistic: Operation) -> Operation:
    return Operation(name="logistic", params={**logistic.params, "sums": "masked"})


@pytest.mark.parametrize(
    "argument",
    [
        {},
        {"at": 3},
        {"at": ""},
        {"at": pack([1, 2])},
        {"at": pack([1, 2, 3]) + "!"},
        {"at": [[1, 2, 3]]},
        {"at": pack([0, 0, 0]), "peers": list(HOSTS)},
        {"at": pack([[0, 0, 0]] * 3), "players": 2},
        {"at": pack([[0, 0, 0]] * 4), "players": "2"},
        {"at": pack([[0, 0, 0]]), "players": 0},
        {"optimum": False},
        {"optimum": True, "at": pack([0, 0, 0])},
        {"rank": pack([1])},
        {"at": pack([0, 0, 0]), "without": "everybody"},
        {"at": pack([0, 0, 0]), "without": [3]},
        {"question": 1},
        "at",
        7,
    ],
)
def test_a_question_that_is_none_is_refused_and_says_why(
    county: County, node: Node, logistic: Operation, argument: Json
) -> None:
    answer = node.handle(county.call(county.permit(logistic, host=HOST), logistic, argument))
    assert answer.refusal is not None and answer.refusal.code == "cannot-compute"
    assert answer.result is None and answer.refusal.en.startswith("cannot be computed: ")


def test_an_optimum_is_where_the_penalised_gradient_is_nothing(
    county: County, node: Node, logistic: Operation
) -> None:
    answer = node.handle(
        county.call(county.permit(logistic, host=HOST), logistic, {"optimum": True})
    )
    at = unpack(answer.result["at"], 3, 1)[0] / PICO
    found = from_text(answer.result["sums"], 1, 3)
    assert found.gradient[0] / PICO == pytest.approx([0.0, at[1], at[2]], abs=1e-9)


def test_a_masked_operation_gives_nothing_alone(
    county: County, node: Node, logistic: Operation
) -> None:
    operation = masked(logistic)
    permit = county.permit(operation, host=HOST)
    zero = pack([0, 0, 0])
    for number, argument in enumerate(
        (
            {"at": zero},
            {"optimum": True},
            {"rank": zero},
            {"at": zero, "peers": []},
            {"at": zero, "peers": [permit.id]},
            {"at": zero, "peers": [permit.id, "case-1.x"]},
            {"at": zero, "peers": ["case-1.x", "case-1.y", "case-1.z"]},
            {"at": zero, "peers": ["case-1.x", permit.id, "case-1.y"]},
            {"at": zero, "peers": [permit.id, permit.id, "case-1.x", "case-1.y"]},
        ),
        1,
    ):
        answer = node.handle(county.call(permit, operation, argument, number=number))
        assert answer.refusal is not None and answer.refusal.code == "cannot-compute", argument


def test_masked_sums_say_nothing_alone_and_everything_together(
    county: County, logistic: Operation
) -> None:
    operation = masked(logistic)
    for i, host in enumerate(HOSTS):
        county.serve(host, county.visits(120 + 40 * i, i, start=1000 * i))
        county.open_node(host)
    permits = [county.permit(operation, host=h) for h in HOSTS]
    question = {"at": pack([0, 0, 0]), "peers": [p.id for p in permits]}
    answers = [
        county.nodes[h].handle(county.call(p, operation, question)).result
        for h, p in zip(HOSTS, permits, strict=True)
    ]
    for answer in answers:
        numbers = [x for row in read(answer["sums"], 10) for x in row]
        assert min(numbers) > 1 << 90, "128 bits of which nothing is left to be seen"
        assert set(answer) == {"sums"}, "not even the number of records"
    total = unmask([a["sums"] for a in answers], 1, 3)
    everybody = [county.visits(120 + 40 * i, i) for i in range(3)]
    assert total.loglik[0] / PICO == pytest.approx(-480 * np.log(2), abs=1e-9)
    sick = sum(sum(v["diabetes"]) for v in everybody)
    assert total.gradient[0][0] / PICO == pytest.approx(sick - 240, abs=1e-9)
    again = county.nodes[HOST].handle(county.call(permits[0], operation, question, number=2)).result
    assert again["sums"] != answers[0]["sums"], "no two answers wear the same mask"
    two = unmask([a["sums"] for a in answers[:2]], 1, 3)
    assert abs(int(two.loglik[0])) > 1 << 80, "without one of them there is no total"


def test_a_node_masks_among_one_list_of_peers_only(county: County, logistic: Operation) -> None:
    """Two totals that differ by one institution would tell its sums."""
    county.serve(HOST, county.visits(120, 1))
    county.open_node(HOST)
    operation = masked(logistic)
    permit = county.permit(operation, host=HOST)
    peers = [permit.id, "case-1.x", "case-1.y", "case-1.z"]
    codes = []
    for number, chosen in enumerate((peers, peers[:3], peers), 1):
        if number == 3:
            county.open_node(HOST)
        call = county.call(
            permit, operation, {"at": pack([0, 0, 0]), "peers": chosen}, number=number
        )
        answer = county.nodes[HOST].handle(call)
        codes.append(answer.refusal.code if answer.refusal else "")
    assert codes == ["", "list-changed", ""]


def test_a_masked_fit_is_the_plain_fit_even_after_calls_went_astray(
    county: County, logistic: Operation
) -> None:
    for i, host in enumerate(HOSTS):
        county.serve(host, county.visits(120 + 40 * i, i, start=1000 * i))
        county.open_node(host)
    operation = masked(logistic)
    plain = [county.seat(county.permit(logistic, host=h)) for h in HOSTS]
    hidden = [
        county.seat(county.permit(operation, host=h, id=f"case-2.{h}-visits", max_calls=99))
        for h in HOSTS
    ]
    hidden[1].calls = 4
    wanted, _ = fit_coalitions(plain, logistic, [7], **county.ways)
    got, _ = fit_coalitions(hidden, operation, [7], **county.ways)
    assert got == wanted
    with pytest.raises(InvalidInput, match="all institutions together only"):
        fit_coalitions(hidden, operation, [3, 7], **county.ways)


def test_masked_sums_that_are_none_are_broken_evidence() -> None:
    for wrong in ("", "1 2", "x", None, [1], "1 2 3;4 5 6"):
        with pytest.raises(VerificationError, match="sums that are none"):
            unmask([wrong], 1, 1)


def test_a_large_negative_total_survives_the_mask() -> None:
    own = Sums(
        gradient=np.array([[-(2**61)]]), information=np.array([[2**61]]), loglik=np.array([-1])
    )
    peers = ["a", "b", "c"]
    hidden = [mask(own, key=b"k", own=p, peers=peers, context=[1]) for p in peers]
    total = unmask(hidden, 1, 1)
    assert (total.gradient[0][0], total.information[0][0], total.loglik[0]) == (
        -3 * 2**61,
        3 * 2**61,
        -3,
    )


def test_data_that_were_changed_after_the_permit_are_refused(
    county: County, node: Node, logistic: Operation
) -> None:
    permit = county.permit(logistic, host=HOST)
    county.serve(HOST, county.visits(130, 1))
    answer = node.handle(county.call(permit, logistic, {"at": pack([0, 0, 0])}))
    assert answer.refusal is not None and answer.refusal.code == "data-changed"
    assert "another file" in answer.refusal.en


def test_persons_are_left_out(county: County, node: Node, logistic: Operation) -> None:
    permit = county.permit(logistic, host=HOST)
    key = county.keyring.secret("linkage")
    persons = county.resident_ids(120)[:30]
    without = sorted(token(key, permit.case, p) for p in persons)
    zero = pack([0, 0, 0])
    less = node.handle(county.call(permit, logistic, {"at": zero, "without": without}))
    assert less.result["records"] == 90
    for number, other in enumerate(([], without[1:], [*without, "0" * 32]), 2):
        answer = node.handle(
            county.call(permit, logistic, {"at": zero, "without": other}, number=number)
        )
        assert answer.refusal is not None and answer.refusal.code == "list-changed", (
            "the difference would be a person"
        )
    again = county.open_node(HOST)
    answer = again.handle(county.call(permit, logistic, {"at": zero}, number=5))
    assert answer.refusal is not None and answer.refusal.code == "list-changed", (
        "also after a restart"
    )
    second = county.permit(logistic, host=HOST, id="case-1.second")
    answer = again.handle(county.call(second, logistic, {"at": zero, "without": without[:2]}))
    assert answer.refusal is not None and answer.refusal.code == "too-few-records", (
        "two persons are too few to leave out"
    )


def test_tokens_come_by_stratum_and_small_remainders_stay(county: County) -> None:
    visits = county.visits(120, 1)
    visits["age"] = [70.0] * 50 + [40.0] * 70
    for i in (0, 1, 60, 61, 62, 63, 64, 65, 66):
        visits["resident_id"][i] = ""
    county.serve(HOST, visits)
    node = county.open_node(HOST)
    operation = Operation(
        name="tokens", params={"complete": ["sex"], "strata": [{"kind": "age", "cuts": [65]}]}
    )
    assert operation.kinds == ("sex", "age")
    answer = node.handle(county.call(county.permit(operation, host=HOST), operation))
    young, old = answer.result["strata"]
    assert (len(young["tokens"]), young["unlinked"]) == (63, 7)
    assert (len(old["tokens"]), old["unlinked"]) == (48, 0), (
        "two persons without a number are too few to tell"
    )
    assert not set(young["tokens"]) & set(old["tokens"])


def test_a_seat_that_answers_an_optimum_that_is_none_is_broken_evidence(
    county: County, logistic: Operation
) -> None:
    """Its own key signs it; the numbers still make no sense."""
    county.serve(HOST, county.visits(120, 1))
    county.open_node(HOST)
    seat = county.seat(county.permit(logistic, host=HOST))
    start, _ = own_optima([seat], logistic, [1], **county.ways)
    wanted, _ = fit_coalitions([seat], logistic, [1], **county.ways)
    assert np.array(start[1]) == pytest.approx(np.array(wanted[1].coefficients), abs=50)


def test_tables_of_numbers_survive_and_nothing_else_does() -> None:
    rows = [[0, -1, 2**62], [-(2**63), 5, 7]]
    assert unpack(pack(rows), 3).tolist() == rows
    large = [[10**38, -(10**38)], [0, 3]]
    assert read(write(large), 2, 2) == large
    for text in ("", "AA==", pack([1, 2]), pack([1, 2, 3]) + "\n", None, 3):
        with pytest.raises(ValueError, match="table"):
            unpack(text, 3)
    for text in ("", "1 2;3", "01 2", "+1 2", "1  2", "1 2;", "1 2 ", f"{10**40} 1", "1.0 2"):
        with pytest.raises(ValueError, match="table"):
            read(text, 2)


def test_newton_tells_what_does_not_converge() -> None:
    x = np.column_stack(
        [np.ones(40), np.concatenate([np.linspace(-2, -1, 20), np.linspace(1, 2, 20)])]
    )
    data = Design(x=x, y=np.repeat([0.0, 1.0], 20))
    newton = Newton([[0, 0]], ridge_micro=0)
    with pytest.raises(InvalidInput, match=r"does not converge|singular"):
        while newton.open:
            newton.step(sums(data, newton.points))
