"""Lies about the use of permits: calls, receipts, and results."""

from __future__ import annotations

from dataclasses import replace

from heyi.crypto.canonical import digest
from heyi.crypto.codec import to_json
from heyi.exchange.consortium import PLATFORM
from heyi.exchange.events import applied, used
from heyi.federation.node.node_events import (
    CallCharged,
    NodeRevoked,
)
from heyi.model.permit import Permit
from oracles.forge import (
    forge,
    forge_node,
    opened_node,
)
from oracles.lying import (
    COUNTS,
    DAY,
    HOSPITAL,
    NOWHERE,
    WATCH,
    Expected,
    Operator,
    Outcome,
    Room,
)

ROOM = Room()
lie = ROOM.lie


# --- calls and receipts ---


def counted(op: Operator) -> Permit:
    """A permit that is in force, for a frequency table."""
    return op.permit(COUNTS)


def ran(op: Operator, permit: Permit, number: int | None = None, **receipt: object) -> int:
    """Announce a call, have node and centre log the receipt; the entry at the centre."""
    number = number or op.next_call(permit)
    (usual,) = permit.operations.values()
    op.announced(permit, number, usual, digest({}))
    signed = op.receipt(permit, number, **receipt)  # type: ignore[arg-type]
    op.at_node(permit, signed)
    return op.at_centre(signed, case=permit.case)


@lie("the node answered what was announced")
def a_receipt_for_another_argument(op: Operator) -> Outcome:
    """Announce one argument, ask another one; node and centre log the same receipt."""
    entry = ran(op, counted(op), argument=digest({"another": 1}))
    return Expected(entry=entry, words="another operation or argument than was announced")


@lie("the node answered what was announced")
def a_receipt_for_another_operation(op: Operator) -> Outcome:
    """Announce one operation, ask another one; node and centre log the same receipt."""
    entry = ran(op, counted(op), operation=NOWHERE)
    return Expected(entry=entry, words="another operation or argument than was announced")


@lie("the centre was cut off before it had the answer")
def another_operation_at_the_node_alone(op: Operator) -> Outcome:
    """The centre keeps the receipt back, which is for another operation."""
    permit = counted(op)
    number = op.next_call(permit)
    op.announced(permit, number, next(iter(permit.operations.values())), digest({}))
    entry = op.at_node(permit, op.receipt(permit, number, operation=NOWHERE))
    return Expected(log=permit.audience, entry=entry, words="ran another operation or argument")


@lie("nobody used the permit")
def a_use_that_nobody_announced(op: Operator) -> Outcome:
    """Only the node has the call."""
    permit = counted(op)
    entry = op.at_node(permit, op.receipt(permit, op.next_call(permit)))
    return Expected(log=permit.audience, entry=entry, words="which nobody logged")


@lie("the use was announced")
def a_receipt_without_announcement(op: Operator) -> Outcome:
    """Node and centre log the receipt of a call that was not announced before."""
    permit = counted(op)
    signed = op.receipt(permit, op.next_call(permit))
    op.at_node(permit, signed)
    entry = op.at_centre(signed, case=permit.case)
    return Expected(entry=entry, words="for a call that nobody announced")


@lie("the permit was in force")
def a_use_after_revocation(op: Operator) -> Outcome:
    """The node answers under a permit that it knows to be revoked."""
    entry = ran(op, op.permit(WATCH, HOSPITAL))
    return Expected(entry=entry, words="answered after the permit was revoked")


@lie("the permit was in force")
def a_use_after_revocation_at_the_node_alone(op: Operator) -> Outcome:
    """As before, and the centre keeps the receipt back."""
    permit = op.permit(WATCH, HOSPITAL)
    number = op.next_call(permit)
    op.announced(permit, number, next(iter(permit.operations.values())), digest({}))
    entry = op.at_node(permit, op.receipt(permit, number))
    return Expected(log=permit.audience, entry=entry, words="after it was told")


@lie("the node answered in the second before it was told")
def a_use_in_the_second_of_the_revocation(op: Operator) -> Outcome:
    """A permit is revoked, the node is told, and it answers in the same second."""
    permit = counted(op)
    notice = applied.PermitRevoked(permit=permit.id)
    reasons = applied.Reasons(reasons="x")
    number = op.next_call(permit)
    op.announced(permit, number, next(iter(permit.operations.values())), digest({}))
    forge(op.consortium, notice, by=PLATFORM, case=permit.case, body=reasons)
    with opened_node(op.app, permit.audience) as log:
        told = NodeRevoked(permit=permit.id, at=op.now)
        forge_node(log, told, actor=permit.audience, at=op.now)
    signed = op.receipt(permit, number)
    entry = op.at_node(permit, signed)
    op.at_centre(signed, case=permit.case)
    return Expected(log=permit.audience, entry=entry, words="after it was told")


@lie("the permit was in force")
def a_use_after_expiry(op: Operator) -> Outcome:
    """The permit has ended."""
    permit = counted(op)
    op.forward(200 * DAY)
    return Expected(entry=ran(op, permit), words="outside the time of the permit")


@lie("the calls were within the limit")
def a_use_beyond_the_limit(op: Operator) -> Outcome:
    """The number is one above the last."""
    permit = counted(op)
    entry = ran(op, permit, permit.max_calls + 1)
    return Expected(entry=entry, words="and the permit has")


@lie("the permit holds this operation")
def an_operation_that_was_not_permitted(op: Operator) -> Outcome:
    """Announce and run an operation that the permit does not name."""
    permit = counted(op)
    number = op.next_call(permit)
    op.announced(permit, number, NOWHERE, digest({}))
    signed = op.receipt(permit, number, operation=NOWHERE)
    op.at_node(permit, signed)
    entry = op.at_centre(signed, case=permit.case)
    return Expected(entry=entry, words="an operation that the permit does not hold")


@lie("each call was charged")
def an_answer_that_was_never_charged(op: Operator) -> Outcome:
    """The node answers and does not count."""
    permit = counted(op)
    number = op.next_call(permit)
    op.announced(permit, number, next(iter(permit.operations.values())), digest({}))
    signed = op.receipt(permit, number)
    entry = op.at_node(permit, signed, charge=())
    op.at_centre(signed, case=permit.case)
    return Expected(log=permit.audience, entry=entry, words="was answered and never charged")


@lie("the node counts its calls")
def a_count_that_was_set_back(op: Operator) -> Outcome:
    """The node charges a number that it charged before."""
    permit = counted(op)
    with opened_node(op.app, permit.audience) as log:
        charge = CallCharged(permit=permit.id, number=1)
        entry = forge_node(log, charge, actor=permit.audience, at=op.now, case=permit.case)
    return Expected(log=permit.audience, entry=entry, words="was set back from")


@lie("the call was answered once")
def a_second_receipt_for_one_call(op: Operator) -> Outcome:
    """Node and centre log another answer to a call that was answered."""
    permit = counted(op)
    ran(op, permit)
    op.forward(60)
    signed = op.receipt(permit, op.next_call(permit) - 1, result="sha256:" + "1" * 64)
    op.at_node(permit, signed, charge=())
    entry = op.at_centre(signed, case=permit.case)
    return Expected(entry=entry, words="for a call that was answered before")


@lie("the call was answered once")
def a_second_receipt_at_the_node_alone(op: Operator) -> Outcome:
    """The node answers a call again, and the centre keeps that back."""
    permit = counted(op)
    ran(op, permit)
    op.forward(60)
    again_ = op.receipt(permit, op.next_call(permit) - 1, result="sha256:" + "1" * 64)
    entry = op.at_node(permit, again_, charge=())
    return Expected(log=permit.audience, entry=entry, words="answered twice")


@lie("the node gave this answer")
def an_altered_receipt(op: Operator) -> Outcome:
    """The digest of the result is changed after the holder signed."""
    permit = counted(op)
    number = op.next_call(permit)
    op.announced(permit, number, next(iter(permit.operations.values())), digest({}))
    signed = op.receipt(permit, number)
    op.at_node(permit, signed)
    what = used.OperationAnswered(**{**to_json(signed), "result": "sha256:" + "1" * 64})
    entry = forge(op.consortium, what, by=permit.holder, case=permit.case)
    return Expected(entry=entry, words="the receipt of")


@lie("the node answered")
def a_refusal_as_an_answer(op: Operator) -> Outcome:
    """An answered receipt is logged as a refusal."""
    permit = counted(op)
    number = op.next_call(permit)
    op.announced(permit, number, next(iter(permit.operations.values())), digest({}))
    signed = op.receipt(permit, number)
    op.at_node(permit, signed)
    what = used.OperationRefused(**to_json(signed))
    entry = forge(op.consortium, what, by=permit.holder, case=permit.case)
    return Expected(entry=entry, words="the receipt says other than the event")


@lie("the institution that holds the data answered")
def a_receipt_of_another_institution(op: Operator) -> Outcome:
    """Another institution signs the receipt, and its node knows nothing of it."""
    permit = counted(op)
    number = op.next_call(permit)
    op.announced(permit, number, next(iter(permit.operations.values())), digest({}))
    other = replace(permit, holder="county-hospital", audience="county-hospital")
    entry = op.at_centre(op.receipt(other, number), case=permit.case)
    return Expected(entry=entry, words="from another institution than the permit is for")


@lie("the receipt belongs to this case")
def a_receipt_in_another_case(op: Operator) -> Outcome:
    """The receipt is logged in another case."""
    permit = counted(op)
    number = op.next_call(permit)
    op.announced(permit, number, next(iter(permit.operations.values())), digest({}))
    signed = op.receipt(permit, number)
    op.at_node(permit, signed)
    entry = op.at_centre(signed, case=WATCH)
    return Expected(entry=entry, words="for no permit of this case")


@lie("the institution logged its receipt")
def a_receipt_that_the_platform_logs(op: Operator) -> Outcome:
    """The platform acts where the holder should."""
    permit = counted(op)
    number = op.next_call(permit)
    op.announced(permit, number, next(iter(permit.operations.values())), digest({}))
    signed = op.receipt(permit, number)
    op.at_node(permit, signed)
    entry = op.at_centre(signed, case=permit.case, by=PLATFORM)
    return Expected(entry=entry, words="logs a receipt of")


@lie("the node answered this call")
def a_receipt_that_the_node_does_not_have(op: Operator) -> Outcome:
    """The holder's key signs a receipt, and the node's log has none."""
    permit = counted(op)
    number = op.next_call(permit)
    usual = next(iter(permit.operations.values()))
    entry = op.announced(permit, number, usual, digest({}))
    op.at_centre(op.receipt(permit, number), case=permit.case)
    return Expected(entry=entry, words="lacks the receipt of call")


@lie("the requester asked")
def a_call_by_somebody_else(op: Operator) -> Outcome:
    """The platform announces a call in the requester's place."""
    permit = counted(op)
    calls = ((permit.id, op.next_call(permit), digest({})),)
    what = used.OperationAsked(operation=next(iter(permit.operations.values())), calls=calls)
    entry = forge(op.consortium, what, by=PLATFORM, case=permit.case)
    return Expected(entry=entry, words="uses the permits of")


@lie("the call was announced once")
def a_call_announced_again(op: Operator) -> Outcome:
    """A call is announced again, with another argument."""
    permit = counted(op)
    usual = next(iter(permit.operations.values()))
    entry = op.announced(permit, op.next_call(permit) - 1, usual, NOWHERE)
    return Expected(entry=entry, words="is announced a second time")


@lie("the permit is of this case")
def a_call_under_a_permit_of_another_case(op: Operator) -> Outcome:
    """The call is announced in a case that does not have the permit."""
    permit = counted(op)
    calls = ((permit.id, op.next_call(permit), digest({})),)
    what = used.OperationAsked(operation=next(iter(permit.operations.values())), calls=calls)
    entry = forge(op.consortium, what, by=permit.requester, case=WATCH)
    return Expected(entry=entry, words="no permit of this case")


@lie("the call was announced before it was answered")
def a_call_announced_after_its_answer(op: Operator) -> Outcome:
    """The node answers, and the call is announced three days later."""
    permit = counted(op)
    signed = op.receipt(permit, op.next_call(permit))
    op.at_node(permit, signed)
    op.forward(3 * DAY)
    op.announced(permit, signed.number, signed.operation, signed.argument)
    entry = op.at_centre(signed, case=permit.case)
    return Expected(entry=entry, words="before the call was announced")


@lie("the call was announced before it was answered")
def a_call_announced_after_its_answer_at_the_node(op: Operator) -> Outcome:
    """As before, and the centre keeps the receipt back."""
    permit = counted(op)
    signed = op.receipt(permit, op.next_call(permit))
    entry = op.at_node(permit, signed)
    op.forward(3 * DAY)
    op.announced(permit, signed.number, signed.operation, signed.argument)
    return Expected(log=permit.audience, entry=entry, words="answered before it was announced")


@lie("the node answered when it says")
def a_receipt_from_the_future(op: Operator) -> Outcome:
    """The receipt is dated five days after the centre logs it."""
    permit = counted(op)
    return Expected(
        entry=ran(op, permit, at=op.now + 5 * DAY), words="is dated after it was logged"
    )


@lie("the node answered before the permit expired")
def a_call_announced_after_expiry(op: Operator) -> Outcome:
    """The answer is dated into the time of the permit, within what two clocks may differ."""
    permit = counted(op)
    op.forward(permit.expires_at + 290 - op.now)
    return Expected(
        entry=ran(op, permit, at=permit.expires_at - 1), words="outside the time of the permit"
    )


@lie("another node answered this call too")
def a_receipt_in_two_nodes(op: Operator) -> Outcome:
    """A receipt of one node stands in the log of another."""
    permit = counted(op)
    op.announced(permit, op.next_call(permit), next(iter(permit.operations.values())), digest({}))
    receipt = op.receipt(permit, op.case(permit.case).asked[permit.id])
    op.at_node(permit, receipt)
    op.at_centre(receipt, case=permit.case)
    with opened_node(op.app, "tcm-hospital") as log:
        entry = forge_node(log, receipt, actor=receipt.holder, at=op.now, case=permit.case)
    return Expected(log="tcm-hospital", entry=entry, words="a receipt of the node of")


@lie("the node had a call of this permit")
def a_charge_under_no_permit(op: Operator) -> Outcome:
    """A node charges a call under a permit that was never issued."""
    with opened_node(op.app, "tcm-hospital") as log:
        charged = CallCharged(permit="no.permit", number=1)
        entry = forge_node(log, charged, actor="tcm-hospital", at=op.now)
    return Expected(log="tcm-hospital", entry=entry, words="is no permit for the node")


@lie("calls are counted")
def a_call_before_the_first(op: Operator) -> Outcome:
    """Call 0 is announced."""
    permit = counted(op)
    entry = op.announced(permit, 0, next(iter(permit.operations.values())), digest({}))
    return Expected(entry=entry, words="calls are counted from 1")
