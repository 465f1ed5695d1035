"""A node's own log: what stands in it, and what the node knows from it."""

from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from heyi.audit.event import Event
from heyi.audit.log import Draft
from heyi.consent.registry import EVERYTHING, Withdrawal
from heyi.crypto.canonical import digest
from heyi.crypto.merkle import leaf_hash
from heyi.federation.node.node import Node
from heyi.federation.node.node_events import (
    CallCharged,
    NodeReceipt,
    QuestionPinned,
    draft_node_event,
    read_node_event,
)
from heyi.federation.node.node_memory import NodeMemory
from heyi.federation.wire.operation import Operation
from heyi.federation.wire.receipt import verify_receipt
from heyi.federation.wire.wire_numbers import pack
from heyi.model.errors import InvalidInput, VerificationError
from heyi.model.permit import Permit

if TYPE_CHECKING:
    from tests.support.county import County

HOST = "clinic-a"


@pytest.fixture
def node(county: County) -> Node:
    county.serve(HOST, county.visits(80, 1))
    return county.open_node(HOST)


@pytest.fixture
def permit(county: County, node: Node, by_sex: Operation) -> Permit:
    return county.permit(by_sex, host=HOST)


def code(node: Node, county: County, permit: Permit, operation: Operation, number: int) -> str:
    refusal = node.handle(county.call(permit, operation, number=number)).refusal
    return refusal.code if refusal else ""


# --- what stands in it ---


def test_every_call_of_the_requester_stands_in_the_nodes_own_log_with_the_receipt_that_was_given(
    county: County, node: Node, by_sex: Operation, logistic: Operation
) -> None:
    permit = county.permit(by_sex, host=HOST, max_calls=2)
    calls = [
        county.call(permit, by_sex),
        county.call(permit, by_sex),
        county.call(permit, by_sex, number=2),
        county.call(permit, by_sex, number=3),
        county.call(permit, logistic, number=3),
    ]
    answers = []
    for call in calls:
        county.now += 60
        answers.append(node.handle(call))
    # a charge stands before each call that was allowed, and nowhere else
    assert [k.partition(".")[2] for k in county.kinds(HOST)] == [
        *("charged", "answered"),
        "refused",
        *("charged", "answered"),
        *["refused"] * 2,
    ]
    assert county.charged(HOST, permit) == [1, 2]
    events = county.logged(HOST)
    assert {(e.actor, e.case) for e in events} == {(HOST, "case-1")}
    receipts = [e for e in events if e.kind != "call.charged"]
    assert [e.public for e in receipts] == [a.receipt for a in answers]
    assert [e.at - county.now for e in receipts] == [-240, -180, -120, -60, 0]
    for call, answer, event in zip(calls, answers, receipts, strict=True):
        receipt = verify_receipt(answer.receipt, public_key=county.signer(HOST).public_key)
        assert receipt.argument == digest(call.argument)
        assert (receipt.operation, receipt.number) == (call.operation.digest, call.number)
        assert receipt.result == ("" if answer.refusal else digest(answer.result))
        what, _ = read_node_event(event, None)
        assert isinstance(what, NodeReceipt)
        assert (what.number, what.refusal) == (receipt.number, receipt.refusal)


def test_a_node_counts_withdrawals_and_logs_a_revocation_once(county: County, node: Node) -> None:
    for count in (1, 2):
        node.withdraw(Withdrawal(token="5f" * 16, scope=EVERYTHING, at=county.now))
        node.revoke("case-1.x", county.now)
        assert node.withdrawals == count
    assert county.kinds(HOST) == ["consent.withdrawn", "permit.revoked", "consent.withdrawn"]


def test_a_call_that_cannot_be_computed_was_charged(
    county: County, node: Node, logistic: Operation
) -> None:
    permit = county.permit(logistic, host=HOST)
    for number in (1, 2):
        assert code(node, county, permit, logistic, number) == "cannot-compute"
    assert county.kinds(HOST) == ["call.charged", "operation.refused"] * 2


def test_the_charge_is_in_the_log_before_anything_is_read(
    county: County, node: Node, permit: Permit, by_sex: Operation, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[list[int]] = []
    holder = county.records[HOST].holder

    def watched(asset: str) -> str:
        seen.append(county.charged(HOST, permit))
        return holder(asset)

    monkeypatch.setattr(county.records[HOST], "holder", watched)
    for number in (1, 4):
        assert code(node, county, permit, by_sex, number) == ""
    assert seen == [[1], [1, 4]]


def test_a_notice_has_the_centres_time_inside_and_the_nodes_time_outside(
    county: County, node: Node
) -> None:
    """The centre may have logged it before the newest entry of the node, which is no error."""
    node.revoke("one", county.now - 3_600)
    node.withdraw(Withdrawal(token="5f" * 16, scope="case-1", at=county.now - 7_200))
    assert [(e.kind, e.at, e.public) for e in county.logged(HOST)] == [
        ("permit.revoked", county.now, {"permit": "one", "at": county.now - 3_600}),
        ("consent.withdrawn", county.now, {"scope": "case-1", "at": county.now - 7_200}),
    ]


def test_the_token_of_a_withdrawal_is_in_no_leaf(county: County, node: Node) -> None:
    node.withdraw(Withdrawal(token="5f" * 16, scope=EVERYTHING, at=county.now))
    (entry,) = county.databases[HOST].entries()
    assert b"5f5f" not in entry.leaf
    assert b"5f5f" in (entry.body or b"")


def test_a_malformed_notice_is_not_logged(county: County, node: Node) -> None:
    with pytest.raises(InvalidInput):
        node.revoke("one", -1)
    with pytest.raises(InvalidInput):
        node.withdraw(Withdrawal(token="a name", scope=EVERYTHING, at=county.now))
    assert node.log.size == 0


def test_a_node_whose_clock_was_set_back_answers_nothing(
    county: County, node: Node, permit: Permit, by_sex: Operation
) -> None:
    county.now += 60
    assert code(node, county, permit, by_sex, 1) == ""
    county.records[HOST].read.clear()
    county.now -= 1
    for broken in (
        lambda: code(node, county, permit, by_sex, 2),
        lambda: node.revoke("other", county.now),
    ):
        with pytest.raises(InvalidInput):
            broken()
    assert (county.records[HOST].read, county.charged(HOST, permit)) == ([], [1])
    county.now += 1
    assert code(node, county, permit, by_sex, 2) == ""


# --- what the node knows ---


def test_everything_is_known_after_the_node_was_started_again(
    county: County, node: Node, by_sex: Operation, logistic: Operation
) -> None:
    permit = county.permit(by_sex, logistic, host=HOST, max_calls=9)
    gone = county.permit(by_sex, host=HOST, id="gone")
    person = county.visits(80, 1)["resident_id"][0]
    peers = {"at": pack([0, 0, 0]), "without": ["5f" * 16]}
    assert node.handle(county.call(permit, logistic, peers, number=3)).refusal is None
    node.revoke("gone", county.now)
    node.withdraw(Withdrawal(token=node.withdrawal_token(person), scope=EVERYTHING, at=county.now))
    again = county.open_node(HOST)
    assert code(again, county, permit, by_sex, 3) == "calls"
    assert code(again, county, gone, by_sex, 1) == "revoked"
    counted = again.handle(county.call(permit, by_sex, number=4))
    assert sum(counted.result["cells"]) == 79
    other = again.handle(county.call(permit, logistic, {"at": pack([0, 0, 0])}, number=5))
    assert other.refusal is not None
    assert other.refusal.code == "list-changed"


def test_what_is_appended_later_takes_nothing_back(
    county: County, node: Node, by_sex: Operation, logistic: Operation
) -> None:
    """The one who has the node's key can append what no node writes; it must not help."""
    permit = county.permit(by_sex, logistic, host=HOST)
    first = {"at": pack([0, 0, 0]), "without": ["5f" * 16]}
    assert node.handle(county.call(permit, logistic, first, number=7)).refusal is None
    for what in (
        CallCharged(permit=permit.id, number=1),
        QuestionPinned(permit=permit.id, what="without", digest=digest([])),
    ):
        node.log.append([draft_node_event(what, at=county.now, actor=HOST)])
    again = county.open_node(HOST)
    assert code(again, county, permit, by_sex, 2) == "calls"
    other = again.handle(county.call(permit, logistic, {"at": pack([0, 0, 0])}, number=8))
    assert other.refusal is not None
    assert other.refusal.code == "list-changed"


def test_an_entry_cannot_be_left_out_of_the_memory(county: County, node: Node) -> None:
    node.revoke("one", county.now)
    node.revoke("other", county.now)
    memory = NodeMemory()
    _, second = county.databases[HOST].entries()
    with pytest.raises(VerificationError, match="entry 0 of the node's log is missing"):
        memory.take(second)


def test_two_processes_of_one_node_know_the_same(
    county: County, node: Node, permit: Permit, by_sex: Operation
) -> None:
    """Neither counts for itself: a number that one of them answered is used up at both."""
    other = county.open_node(HOST)
    assert code(node, county, permit, by_sex, 1) == ""
    assert code(other, county, permit, by_sex, 1) == "calls"
    assert code(other, county, permit, by_sex, 2) == ""
    other.revoke(permit.id, county.now)
    assert code(node, county, permit, by_sex, 3) == "revoked"
    assert county.charged(HOST, permit) == [1, 2]


def test_a_number_is_answered_once_however_many_race_for_it(
    county: County, node: Node, permit: Permit, by_sex: Operation
) -> None:
    nodes = [node, county.open_node(HOST), county.open_node(HOST)]

    def answered(racer: Node) -> list[int]:
        return [n for n in range(1, 9) if code(racer, county, permit, by_sex, n) == ""]

    with ThreadPoolExecutor(len(nodes)) as pool:
        numbers = sorted(n for found in pool.map(answered, nodes) for n in found)
    # sorted as they are, they are those of the log: each is higher than all before it
    assert numbers == county.charged(HOST, permit)
    assert len(numbers) == len(set(numbers))


def test_a_log_that_holds_what_no_node_writes_is_not_served(county: County, node: Node) -> None:
    node.log.append([Draft(event=Event(kind="call.discharged", at=county.now, actor=HOST))])
    with pytest.raises(VerificationError, match="no event of a node"):
        county.open_node(HOST)


def spoil(county: County, statement: str, *values: bytes | int) -> None:
    """Change the node's database beside the node."""
    with closing(sqlite3.connect(county.directory / f"{HOST}.db")) as database, database:
        assert database.execute(statement, values).rowcount == 1


@pytest.mark.parametrize("with_hash", [False, True], ids=["the leaf", "the leaf and its hash"])
def test_a_count_that_was_set_back_in_the_file_is_not_served(
    county: County, node: Node, permit: Permit, by_sex: Operation, with_hash: bool
) -> None:
    assert code(node, county, permit, by_sex, 7) == ""
    entry = next(county.databases[HOST].entries())
    leaf = entry.leaf.replace(b'"number":7', b'"number":1')
    assert leaf != entry.leaf
    spoil(county, "UPDATE entries SET leaf = ? WHERE idx = 0", leaf)
    if with_hash:
        spoil(county, "UPDATE entries SET leaf_hash = ? WHERE idx = 0", leaf_hash(leaf))
    with pytest.raises(VerificationError):
        county.open_node(HOST)


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM bodies WHERE idx = 0",
        "UPDATE bodies SET body = CAST(replace(body, '5f', '5e') AS BLOB) WHERE idx = 0",
        "UPDATE bodies SET key = zeroblob(32) WHERE idx = 0",
    ],
    ids=["gone", "another token", "another key"],
)
def test_a_node_that_no_longer_knows_who_withdrew_is_not_served(
    county: County, node: Node, statement: str
) -> None:
    node.withdraw(Withdrawal(token="5f" * 16, scope=EVERYTHING, at=county.now))
    spoil(county, statement)
    with pytest.raises(VerificationError):
        county.open_node(HOST)
