"""Each question of the enforcement point: what it refuses, and what it lets pass at the border."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from heyi.federation.node.enforce import NodePolicy
from heyi.federation.node.node import Node
from heyi.federation.wire.call import Call
from heyi.federation.wire.operation import Operation
from heyi.federation.wire.receipt import verify_receipt
from heyi.federation.wire.wire_numbers import pack
from heyi.model.errors import InvalidInput, VerificationError

if TYPE_CHECKING:
    from tests.support.county import County

HOST = "clinic-a"


@pytest.fixture
def node(county: County) -> Node:
    county.serve(HOST, county.visits(80, 1))
    return county.open_node(HOST)


def code(node: Node, call: Call) -> str:
    """The code of the refusal or an empty string; the receipt has the same."""
    answer = node.handle(call)
    refused = answer.refusal.code if answer.refusal else ""
    assert answer.receipt["refusal"] == refused
    assert (answer.result is None) == bool(refused) == (answer.receipt["result"] == "")
    return refused


def check_unsigned(county: County, node: Node, call: Call) -> None:
    """The call is turned away, and the node's log does not grow: tokens are public."""
    before = node.log.size
    with pytest.raises(VerificationError, match="not signed by `county-hospital`"):
        node.handle(call)
    assert node.log.size == before


def test_what_is_permitted_is_answered(county: County, node: Node, by_sex: Operation) -> None:
    answer = node.handle(county.call(county.permit(by_sex, host=HOST), by_sex))
    males = sum(county.visits(80, 1)["sex"])
    assert answer.refusal is None
    assert answer.result == {"cells": [80 - males, males]}


def test_a_revoked_permit(county: County, node: Node, by_sex: Operation) -> None:
    permit, other = (county.permit(by_sex, host=HOST, id=i) for i in ("one", "other"))
    node.revoke("one", county.now)
    assert code(node, county.call(permit, by_sex)) == "revoked"
    assert code(node, county.call(other, by_sex)) == ""


def test_a_revocation_ends_a_permit_in_the_middle_of_its_use(
    county: County, node: Node, by_sex: Operation
) -> None:
    permit = county.permit(by_sex, host=HOST)
    assert code(node, county.call(permit, by_sex)) == ""
    node.revoke(permit.id, county.now)
    assert code(node, county.call(permit, by_sex, number=2)) == "revoked"


@pytest.mark.parametrize(
    ("second", "wanted"),
    [(-1, "not-yet"), (0, ""), (86_399, ""), (86_400, "expired"), (86_401, "expired")],
)
def test_a_permit_is_in_force_from_its_issue_until_before_its_expiry(
    county: County, node: Node, by_sex: Operation, second: int, wanted: str
) -> None:
    permit = county.permit(by_sex, host=HOST)
    county.now = permit.issued_at + second
    assert code(node, county.call(permit, by_sex)) == wanted


def test_a_refusal_tells_the_hour_of_expiry_in_both_languages(
    county: County, node: Node, by_sex: Operation
) -> None:
    permit = county.permit(by_sex, host=HOST)
    county.now = permit.expires_at
    refusal = node.handle(county.call(permit, by_sex)).refusal
    assert refusal is not None
    assert "2026-12-02T00:30Z" in refusal.en
    assert "2026-12-02T00:30Z" in refusal.zh


def test_a_caller_with_another_key(county: County, node: Node, by_sex: Operation) -> None:
    call = county.call(county.permit(by_sex, host=HOST), by_sex, by="somebody-else")
    check_unsigned(county, node, call)


@pytest.mark.parametrize(
    "altered",
    [
        {"argument": {"at": pack([1, 2, 3])}},
        {"number": 2},
        {"signature": "00" * 64},
        {"signature": "00"},
        {"signature": ""},
        {"signature": "not hexadecimal"},
    ],
)
def test_a_call_altered_after_it_was_signed(
    county: County, node: Node, by_sex: Operation, altered: dict[str, Any]
) -> None:
    permit = county.permit(by_sex, host=HOST)
    check_unsigned(county, node, replace(county.call(permit, by_sex), **altered))
    assert code(node, county.call(permit, by_sex)) == ""


def test_a_call_whose_operation_was_exchanged_after_it_was_signed(
    county: County, node: Node, by_sex: Operation, tokens: Operation
) -> None:
    call = county.call(county.permit(by_sex, tokens, host=HOST), by_sex)
    check_unsigned(county, node, replace(call, operation=tokens))


def test_a_signature_for_another_permit(county: County, node: Node, by_sex: Operation) -> None:
    one, other = (county.permit(by_sex, host=HOST, id=i) for i in ("one", "other"))
    stolen = county.call(one, by_sex).signature
    check_unsigned(county, node, replace(county.call(other, by_sex), signature=stolen))


def test_an_operation_with_other_parameters_than_permitted(
    county: County, node: Node, by_sex: Operation
) -> None:
    finer = Operation(
        name="frequency", params={"by": [{"kind": "sex"}, {"kind": "age", "cuts": [45]}]}
    )
    assert code(node, county.call(county.permit(by_sex, host=HOST), finer)) == "operation"


def test_an_operation_that_the_permit_does_not_name(
    county: County, node: Node, by_sex: Operation, tokens: Operation
) -> None:
    assert code(node, county.call(county.permit(by_sex, host=HOST), tokens)) == "operation"


def test_fields_that_the_permit_does_not_name(
    county: County, node: Node, logistic: Operation
) -> None:
    permit = county.permit(logistic, host=HOST, kinds=("diabetes", "age"))
    answer = node.handle(county.call(permit, logistic, {"at": pack([0, 0, 0])}))
    assert answer.refusal is not None
    assert answer.refusal.code == "fields"
    assert "sex" in answer.refusal.en
    assert "age" not in answer.refusal.en


def test_a_purpose_that_the_institution_takes_no_part_in(county: County, by_sex: Operation) -> None:
    county.serve(HOST, county.visits(80, 1))
    node = county.open_node(HOST, policy=NodePolicy(refused_purposes=frozenset({"marketing"})))
    for purpose, wanted in (("marketing", "own-policy"), ("research", "")):
        permit = county.permit(by_sex, host=HOST, purpose=purpose, id=purpose)
        assert code(node, county.call(permit, by_sex)) == wanted


def test_refusals_come_in_order_and_cost_no_call(
    county: County, node: Node, by_sex: Operation
) -> None:
    permit = county.permit(by_sex, host=HOST, max_calls=1)
    county.now = permit.issued_at - 1
    assert code(node, county.call(permit, by_sex, number=2)) == "not-yet"
    county.now = permit.issued_at
    assert code(node, county.call(permit, by_sex, number=2)) == "calls"
    check_unsigned(county, node, county.call(permit, by_sex, by="somebody-else"))
    assert county.charged(HOST, permit) == []
    assert code(node, county.call(permit, by_sex)) == ""


def test_calls_are_counted_to_the_last_one(county: County, node: Node, by_sex: Operation) -> None:
    permit = county.permit(by_sex, host=HOST, max_calls=3)
    got = [code(node, county.call(permit, by_sex, number=n)) for n in (1, 2, 3, 4)]
    assert got == ["", "", "", "calls"]


@pytest.mark.parametrize("number", [-1, 0, 1])
def test_a_call_out_of_turn_or_made_twice(
    county: County, node: Node, by_sex: Operation, number: int
) -> None:
    permit = county.permit(by_sex, host=HOST)
    first = county.call(permit, by_sex)
    assert code(node, first) == ""
    assert code(node, county.call(permit, by_sex, number=number)) == "calls"
    assert code(node, first) == "calls"
    assert code(node, county.call(permit, by_sex, number=2)) == ""


def test_a_number_may_be_skipped_but_not_come_back_to(
    county: County, node: Node, by_sex: Operation
) -> None:
    """An answer that was lost on its way costs its number and does not block the permit."""
    permit = county.permit(by_sex, host=HOST, max_calls=5)
    assert [code(node, county.call(permit, by_sex, number=n)) for n in (3, 2, 5, 4, 6)] == [
        "",
        "calls",
        "",
        "calls",
        "calls",
    ]


def test_each_permit_has_a_count_of_its_own(county: County, node: Node, by_sex: Operation) -> None:
    for name in ("one", "other"):
        permit = county.permit(by_sex, host=HOST, id=name, max_calls=1)
        assert [code(node, county.call(permit, by_sex, number=n)) for n in (1, 2)] == ["", "calls"]


def test_the_count_holds_after_the_node_was_started_again(
    county: County, node: Node, by_sex: Operation
) -> None:
    permit = county.permit(by_sex, host=HOST, max_calls=2)
    assert code(node, county.call(permit, by_sex)) == ""
    again = county.open_node(HOST)
    assert code(again, county.call(permit, by_sex)) == "calls"
    assert code(again, county.call(permit, by_sex, number=2)) == ""
    assert code(county.open_node(HOST), county.call(permit, by_sex, number=3)) == "calls"


def test_a_revocation_holds_after_the_node_was_started_again(
    county: County, node: Node, by_sex: Operation
) -> None:
    permit = county.permit(by_sex, host=HOST)
    node.revoke(permit.id, county.now)
    assert code(county.open_node(HOST), county.call(permit, by_sex)) == "revoked"


# --- permits that do not hold are not answered at all ---


def test_a_permit_for_another_node(county: County, node: Node, by_sex: Operation) -> None:
    permit = county.permit(by_sex, host=HOST, audience="hospital")
    with pytest.raises(VerificationError, match="is for the node of `hospital`"):
        node.handle(county.call(permit, by_sex))
    assert node.log.size == 0


def test_a_permit_for_another_holder(county: County, node: Node, by_sex: Operation) -> None:
    permit = county.permit(by_sex, host=HOST, holder="clinic-b")
    with pytest.raises(VerificationError, match="for no institution at the node of `clinic-a`"):
        node.handle(county.call(permit, by_sex))
    assert node.log.size == 0


@pytest.mark.parametrize(
    "forge",
    [
        lambda t: t.replace("eyJ", "eyK", 1),
        lambda t: t[:-20],
        lambda t: "",
        lambda t: "{}",
        lambda t: "[]",
        lambda t: t.replace('"signatures":[', '"signatures":[{"protected":"","signature":""},'),
        lambda t: t + " ",
    ],
)
def test_a_forged_permit(
    county: County, node: Node, by_sex: Operation, forge: Callable[[str], str]
) -> None:
    call = county.call(county.permit(by_sex, host=HOST), by_sex)
    forged = forge(call.token)
    assert forged != call.token
    with pytest.raises(VerificationError):
        node.handle(replace(call, token=forged))
    assert node.log.size == 0


@pytest.mark.parametrize(
    "changed", [{"max_calls": 10_000}, {"kinds": ("age", "sex", "sbp", "diabetes", "name")}]
)
def test_a_permit_whose_payload_was_exchanged(
    county: County, node: Node, by_sex: Operation, changed: dict[str, Any]
) -> None:
    call = county.call(county.permit(by_sex, host=HOST), by_sex)
    wider = county.token(county.permit(by_sex, host=HOST, **changed))
    payload, signatures = (
        wider.partition(',"signatures"')[0],
        call.token.partition(',"signatures"')[2],
    )
    forged = f'{payload},"signatures"{signatures}'
    assert forged != call.token
    with pytest.raises(VerificationError, match="does not hold"):
        node.handle(replace(call, token=forged))


@pytest.mark.parametrize("party", ["county-platform", HOST])
def test_a_permit_that_an_impostor_signed(
    county: County, node: Node, by_sex: Operation, party: str
) -> None:
    """The impostor uses the right name with a key of its own, which the node did not pin."""
    county.keyring._signers[party] = type(county.signer(party)).from_seed(
        party, b"an impostor's seed of 32 bytes!!"
    )
    with pytest.raises(VerificationError, match=f"signature of `{party}`"):
        node.handle(county.call(county.permit(by_sex, host=HOST), by_sex))


# --- hosts and holders ---


def test_the_receipt_of_a_hosted_holder_names_the_host_and_is_signed_by_the_holder(
    county: County, by_sex: Operation
) -> None:
    county.serve("hospital", county.visits(40, 1))
    county.serve("hospital", county.visits(30, 2), holder="village")
    node = county.open_node("hospital", holders=("hospital", "village"))
    permit = county.permit(by_sex, host="village", audience="hospital")
    answer = node.handle(county.call(permit, by_sex))
    receipt = verify_receipt(answer.receipt, public_key=county.signer("village").public_key)
    assert (receipt.holder, receipt.host) == ("village", "hospital")
    assert sum(answer.result["cells"]) == 30
    with pytest.raises(VerificationError):
        verify_receipt(answer.receipt, public_key=county.signer("hospital").public_key)


def test_a_holder_cannot_permit_the_data_of_another_at_the_same_host(
    county: County, by_sex: Operation
) -> None:
    county.serve("hospital", county.visits(40, 1))
    county.serve("hospital", county.visits(30, 2), holder="village")
    node = county.open_node("hospital", holders=("hospital", "village"))
    permit = county.permit(by_sex, host="village", audience="hospital", asset="hospital-visits")
    try:
        answer = node.handle(county.call(permit, by_sex))
    except VerificationError:
        return
    assert answer.refusal is not None


def test_an_asset_that_is_not_at_the_node(county: County, node: Node, by_sex: Operation) -> None:
    assert (
        code(node, county.call(county.permit(by_sex, host=HOST, asset="nowhere"), by_sex))
        == "cannot-compute"
    )


@pytest.mark.parametrize("argument", [{}, {"at": 5}, {"at": [[1, 2, 3]]}, []])
def test_an_argument_without_sense_is_refused_with_a_receipt(
    county: County, node: Node, logistic: Operation, argument: Any
) -> None:
    permit = county.permit(logistic, host=HOST)
    assert code(node, county.call(permit, logistic, argument)) == "cannot-compute"
    assert county.kinds(HOST) == ["call.charged", "operation.refused"]


def test_the_wrong_number_of_coefficients_is_refused(
    county: County, node: Node, logistic: Operation
) -> None:
    permit = county.permit(logistic, host=HOST)
    assert code(node, county.call(permit, logistic, {"at": pack([0, 0])})) == "cannot-compute"
    assert code(node, county.call(permit, logistic, {"at": pack([0, 0, 0])}, number=2)) == ""


@pytest.mark.parametrize(
    ("name", "params"),
    [
        ("frequency", {"by": []}),
        ("frequency", {}),
        ("frequency", {"by": [{}]}),
        ("frequency", {"by": None}),
        ("logistic", {"outcome": {"kind": "diabetes"}}),
        ("logistic", {"outcome": "diabetes", "covariates": []}),
        ("tokens", {"complete": []}),
        ("tokens", {}),
        ("python", {"code": "print(1)"}),
    ],
)
def test_operations_that_are_none(name: str, params: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        Operation(name=name, params=params)


def test_every_parameter_counts_in_the_digest(logistic: Operation) -> None:
    digests = {logistic.digest}
    digests.add(Operation(name="logistic", params={**logistic.params, "ridge_micro": 1}).digest)
    digests.add(Operation(name="logistic", params={**logistic.params, "covariates": []}).digest)
    assert len(digests) == 3
    assert Operation(**logistic.to_json()).digest == logistic.digest
    assert logistic.kinds == ("diabetes", "age", "sex")
