"""Every lie of `oracles/lies` against the story, and flipped bits; `make lies` tries more of them.

A lie is told as the operator would tell it, in a log that verifies in every hash, and is found
once, at the entry in which it stands.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from heyi.app.centre import reopen
from heyi.app.verification import verify_directory
from heyi.crypto.canonical import digest
from heyi.crypto.codec import to_json
from heyi.exchange.events import settled
from heyi.exchange.projections import differences
from heyi.federation.node.node_events import NodeRevoked, NodeWithdrew, receipt_event
from heyi.federation.wire.receipt import Receipt, sign_receipt
from oracles.bit_flips import FIELDS, StoredLog, first_entries
from oracles.lies import LIES
from oracles.lies_about_approvals import log, signed
from oracles.lies_about_disputes import answered, answering
from oracles.lies_about_notices import TOKEN, opened_late, revoking, telling, told_all, withdrawing
from oracles.lies_about_permits import approved_study, draft_permit
from oracles.lies_about_settlements import measured, settling
from oracles.lies_about_uses import counted, ran
from oracles.lying import Lie, Operator, copy_run, try_lie
from tests.support.story import Story


def test_there_are_many_lies_and_each_says_what_it_claims_and_how() -> None:
    assert len({lie.name for lie in LIES}) == len(LIES) > 200
    assert [lie.name for lie in LIES if not lie.claims or not lie.how] == []


@pytest.mark.parametrize("lie", LIES, ids=lambda lie: lie.name)
def test_a_lie_is_found_once_and_named(story: Story, tmp_path: Path, lie: Lie) -> None:
    copy_run(story.directory, tmp_path / "run")
    verdict = try_lie(lie, tmp_path / "run")
    assert verdict.right, (verdict.expected, verdict.found)


# --- the same steps without a lie are no fault: what is found is the lie, not how it is told ---


def use_a_fresh_permit(op: Operator) -> None:
    op.issued(draft_permit(op))
    op.forward(60)
    ran(op, op.permit("counted-again"))


def use_a_permit_of_the_story(op: Operator) -> None:
    ran(op, counted(op))


def approve_on_conditions(op: Operator) -> None:
    approved_study(op, {"max_calls": 10, "days": 30})
    log(op, *signed(op))
    log(op, *signed(op, given=False))


def settle(op: Operator) -> None:
    op.rewind(settled.SettlementCertified)
    settling(op, measured(op))


def pay_again_what_was_cut(op: Operator) -> None:
    op.rewind(settled.StatementDisputed)
    for entry in op.cut[:-1]:
        op.relog(entry)


def dismiss(op: Operator) -> None:
    op.rewind(settled.DisputeDismissed)
    party = next(p for p, s in op.case("stroke-risk").stages.items() if s.value == "disputed")
    answering(op, *answered(op, settled.DisputeDismissed, party))


def withdraw(op: Operator) -> None:
    withdrawing(op)
    told_all(op)
    assert TOKEN


def open_a_node_late(op: Operator) -> None:
    """It has no data yet, and is told of a withdrawal before it opens and of one after."""
    withdraw(op)
    assert opened_late(op) > 0
    op.forward(60)
    withdraw(op)


def revoke_while_a_call_is_on_its_way(op: Operator) -> None:
    """The node answers two seconds after the revocation, and is told after that."""
    permit = counted(op)
    answer = op.receipt(permit, op.next_call(permit), at=op.now + 2)
    op.announced(permit, answer.number, answer.operation, answer.argument)
    revoking(op, permit)
    at = op.now
    op.forward(2)
    op.at_node(permit, answer)
    telling(op, permit.audience, NodeRevoked(permit=permit.id, at=at))
    op.at_centre(answer, case=permit.case)


def withdraw_while_a_call_is_on_its_way(op: Operator) -> None:
    """The clock of the node is ahead, and its answer was logged before the withdrawal."""
    permit = counted(op)
    answer = op.receipt(permit, op.next_call(permit), at=op.now + 200)
    op.announced(permit, answer.number, answer.operation, answer.argument)
    op.at_node(permit, answer)
    op.at_centre(answer, case=permit.case)
    withdrawing(op)
    at = op.now
    op.forward(200)
    for host in op.consortium.state.nodes:
        telling(op, host, NodeWithdrew(scope="*", at=at), TOKEN)


def refuse_what_nobody_announced(op: Operator) -> None:
    """The requester calls out of turn and is refused, also under a number that is used later."""
    permit = counted(op)
    number = op.next_call(permit)
    signed = to_json(op.receipt(permit, number))
    receipt = Receipt(**{k: v for k, v in signed.items() if k != "signature"})
    refused = replace(receipt, refusal="calls", result="")
    holder = op.app.signer(permit.holder)
    op.at_node(permit, receipt_event(sign_receipt(refused, holder)), charge=[])
    ran(op, permit, number)
    again = replace(refused, argument=digest({"another": 1}))
    op.at_node(permit, receipt_event(sign_receipt(again, holder)), charge=[])
    far = replace(refused, number=number + 50)
    op.at_node(permit, receipt_event(sign_receipt(far, holder)), charge=[])


@pytest.mark.parametrize(
    "truth",
    [
        use_a_fresh_permit,
        use_a_permit_of_the_story,
        approve_on_conditions,
        settle,
        pay_again_what_was_cut,
        dismiss,
        withdraw,
        open_a_node_late,
        revoke_while_a_call_is_on_its_way,
        withdraw_while_a_call_is_on_its_way,
        refuse_what_nobody_announced,
    ],
)
def test_the_same_steps_without_a_lie_are_no_fault(
    story: Story, tmp_path: Path, truth: Callable[[Operator], None]
) -> None:
    copy_run(story.directory, tmp_path / "run")
    op = Operator(directory=tmp_path / "run", app=reopen(tmp_path / "run"))
    with closing(op.app):
        truth(op)
        assert list(differences(op.app.database)) == []
    assert verify_directory(tmp_path / "run").faults == []


# --- bits ---


@pytest.fixture(scope="module")
def small(story: Story, tmp_path_factory: pytest.TempPathFactory) -> StoredLog:
    """The first entries of the story, as its use cases wrote them."""
    directory = tmp_path_factory.mktemp("small") / "run"
    copy_run(story.directory, directory)
    return first_entries(directory)


def test_every_field_is_there(small: StoredLog) -> None:
    assert {field for field, _, _ in small.values()} == set(FIELDS)


@pytest.mark.parametrize("field", FIELDS)
def test_a_flipped_bit_is_found(small: StoredLog, field: str) -> None:
    """A sample of each field; the smallest value of each is tried in every bit."""
    rng = Random(7)
    values = [(at, value) for f, at, value in small.values() if f == field]
    at, value = min(values, key=lambda v: (len(v[1]), v[0]))
    flips = [f for f in small.flips() if f.field == field]
    tried = rng.sample(flips, 400) + [f for f in flips if f.at == at][: 8 * len(value)]
    assert [f for f in tried if not small.found_alone(f)] == []


def test_a_flip_is_found_in_the_whole_log_if_it_is_found_alone(small: StoredLog) -> None:
    """What `found_alone` leaves out, the rest of the log, adds nothing: also the place is right."""
    rng = Random(8)
    flips = list(small.flips())
    small_fields = [f for f in flips if f.field in ("key", "note", "leaf_hash")]
    for flip in rng.sample(flips, 60) + rng.sample(small_fields, 60):
        faults = small.found_in_all(flip)
        assert bool(faults) == small.found_alone(flip), flip
        # a checkpoint belongs to no entry
        assert flip.field == "note" or flip.at in [entry for entry, _ in faults], (flip, faults)
