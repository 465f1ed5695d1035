"""Lies about revocations and withdrawals, and what the nodes were told of them."""

from __future__ import annotations

from heyi.exchange.consortium import PLATFORM
from heyi.exchange.events import applied, registered, used
from heyi.exchange.events.erased import BodyErased
from heyi.exchange.request.apply import decide
from heyi.federation.node.node_events import (
    NodeRevoked,
    NodeWithdrew,
    WithdrawnToken,
)
from heyi.model.party import Party, PartyKind, Tier
from heyi.model.permit import Permit
from oracles.forge import (
    again,
    first,
    forge,
    forge_node,
    last,
    logged,
    opened_node,
)
from oracles.lies_about_uses import counted, ran
from oracles.lying import COUNTS, DAY, STUDY, Expected, Operator, Outcome, Room, Unseen

ROOM = Room()
lie = ROOM.lie


# --- revocations and withdrawals ---


def revoking(op: Operator, permit: Permit) -> int:
    what, body = applied.PermitRevoked(permit=permit.id), applied.Reasons(reasons="x")
    return forge(op.consortium, what, by=PLATFORM, case=permit.case, body=body)


def telling(op: Operator, host: str, what: NodeRevoked | NodeWithdrew, token: str = "") -> int:
    with opened_node(op.app, host) as log:
        body = WithdrawnToken(token=token) if token else None
        return forge_node(log, what, actor=host, at=op.now, body=body)


@lie("the permit was revoked")
def a_revocation_told_to_nobody(op: Operator) -> Outcome:
    """The centre logs the revocation and does not tell the node."""
    permit = counted(op)
    entry = revoking(op, permit)
    op.forward(60)
    decide(op.consortium, "insurance-claim", by=PLATFORM)
    return Expected(entry=entry, words="does not know that")


@lie("the permit was revoked")
def a_revocation_told_late(op: Operator) -> Outcome:
    """The node is told after it has answered once more."""
    permit = counted(op)
    at = op.now
    revoking(op, permit)
    op.forward(DAY)
    entry = ran(op, permit)
    telling(op, permit.audience, NodeRevoked(permit=permit.id, at=at))
    return Expected(entry=entry, words="after the permit was revoked")


@lie("the permit was revoked when it was")
def a_revocation_told_with_another_time(op: Operator) -> Outcome:
    """The node is told a later time."""
    permit = counted(op)
    revoking(op, permit)
    told = NodeRevoked(permit=permit.id, at=op.now + DAY)
    entry = telling(op, permit.audience, told)
    return Expected(log=permit.audience, entry=entry, words="at another time")


@lie("this permit was revoked")
def a_revocation_told_under_another_permit(op: Operator) -> Outcome:
    """The node is told that another permit is revoked."""
    permit = counted(op)
    revoking(op, permit)
    entry = telling(op, permit.audience, NodeRevoked(permit="another", at=op.now))
    decide(op.consortium, "insurance-claim", by=PLATFORM)
    return Expected(log=permit.audience, entry=entry, words="another permit")


@lie("nobody revoked the permit")
def a_revocation_that_the_centre_did_not_log(op: Operator) -> Outcome:
    """Only the node knows of it."""
    permit = counted(op)
    entry = telling(op, permit.audience, NodeRevoked(permit=permit.id, at=op.now))
    return Expected(log=permit.audience, entry=entry, words="which the centre did not log")


@lie("the permit of this case was revoked")
def a_revocation_of_a_permit_that_never_was(op: Operator) -> Outcome:
    """The permit is of no case."""
    what, body = applied.PermitRevoked(permit="none"), applied.Reasons(reasons="x")
    entry = forge(op.consortium, what, by=PLATFORM, case=COUNTS, body=body)
    return Expected(entry=entry, words="which this case never had")


@lie("the permit was revoked then")
def a_second_revocation(op: Operator) -> Outcome:
    """A permit is revoked a second time."""
    entry = again(op.consortium, first(op.consortium, applied.PermitRevoked))
    return Expected(entry=entry, words="is revoked a second time")


TOKEN, OTHER = "ab" * 16, "cd" * 16


def withdrawing(op: Operator, scope: str = "*") -> int:
    what = used.ConsentWithdrawn(scope=scope, via="township-01")
    body = used.Subject(token=TOKEN)
    return forge(op.consortium, what, by="township-01", body=body)


def told_all(op: Operator, *, scope: str = "*", but: str = "") -> None:
    for host in sorted(op.consortium.state.nodes):
        if host != but:
            telling(op, host, NodeWithdrew(scope=scope, at=op.now), TOKEN)


@lie("the withdrawal counts from now on")
def a_withdrawal_told_to_nobody(op: Operator) -> Outcome:
    """The centre logs the withdrawal and tells no node."""
    entry = withdrawing(op)
    decide(op.consortium, "insurance-claim", by=PLATFORM)
    return Expected(entry=entry, words="of the withdrawal")


@lie("the withdrawal counts from now on")
def a_withdrawal_that_one_node_does_not_know(op: Operator) -> Outcome:
    """All nodes but one are told."""
    entry = withdrawing(op)
    told_all(op, but="township-02")
    decide(op.consortium, "insurance-claim", by=PLATFORM)
    return Expected(entry=entry, words="the node of `township-02` does not know")


@lie("the withdrawal counts from now on")
def a_withdrawal_told_late(op: Operator) -> Outcome:
    """One node is told after it has answered once more."""
    permit = counted(op)
    withdrawing(op)
    at = op.now
    told_all(op, but=permit.audience)
    op.forward(60)
    ran(op, permit)
    told = NodeWithdrew(scope="*", at=at)
    entry = telling(op, permit.audience, told, TOKEN)
    return Expected(log=permit.audience, entry=entry, words="before it knew of it")


@lie("this person withdrew")
def a_withdrawal_told_of_another_person(op: Operator) -> Outcome:
    """One node is told another token."""
    withdrawing(op)
    told_all(op, but="township-02")
    told = NodeWithdrew(scope="*", at=op.now)
    entry = telling(op, "township-02", told, OTHER)
    return Expected(log="township-02", entry=entry, words="of another subject")


@lie("the person withdrew from everything")
def a_withdrawal_told_for_one_case_alone(op: Operator) -> Outcome:
    """One node is told a narrower scope."""
    withdrawing(op)
    told_all(op, but="township-02")
    told = NodeWithdrew(scope=STUDY, at=op.now)
    entry = telling(op, "township-02", told, TOKEN)
    decide(op.consortium, "insurance-claim", by=PLATFORM)
    return Expected(log="township-02", entry=entry, words="scope")


LATE = "county-rehabilitation"


def opened_late(op: Operator, *, but: int = -1) -> int:
    """A node that opens after all, told all withdrawals but that of one entry; its last entry."""
    party = Party(
        id=LATE,
        kind=PartyKind.INSTITUTION,
        tier=Tier.COUNTY,
        zh="康复医院",
        en="rehabilitation hospital",
        public_key=op.app.signer(LATE).public_key,
    )
    forge(op.consortium, registered.PartyRegistered(party=party, registry={}), by=PLATFORM)
    entry = -1
    for told in logged(op.consortium, used.ConsentWithdrawn):
        subject, what = told.content(used.Subject), told.what
        if subject is not None and isinstance(what, used.ConsentWithdrawn) and told.index != but:
            notice = NodeWithdrew(scope=what.scope, at=told.at)
            entry = telling(op, LATE, notice, subject.token)
    with opened_node(op.app, LATE) as log:
        key = log.signer.public_key
        opened = registered.NodeOpened(host=LATE, origin=log.signer.name, log_key=key)
    forge(op.consortium, opened, by=LATE)
    return entry


@lie("the withdrawal counts from now on")
def a_withdrawal_that_a_later_node_does_not_know(op: Operator) -> Outcome:
    """A node opens later, and is not told of the last withdrawal before."""
    withdrawing(op)
    told_all(op)
    entry = last(op.consortium, used.ConsentWithdrawn).index
    opened_late(op, but=entry)
    return Expected(entry=entry, words=f"the node of `{LATE}` does not know")


@lie("the token had to be erased")
def a_withdrawal_that_was_erased(op: Operator) -> Outcome:
    """The token is erased, so that a node that opens later is told another one."""
    withdrawn = last(op.consortium, used.ConsentWithdrawn).index
    gone = BodyErased(entry=withdrawn, reason="x")
    entry = forge(op.consortium, gone, by=PLATFORM, erase=[withdrawn])
    return Expected(entry=entry, words="the token of the withdrawal")


@lie("nobody withdrew")
def a_withdrawal_that_the_centre_did_not_log(op: Operator) -> Outcome:
    """Only a node knows of it."""
    entry = telling(op, "township-02", NodeWithdrew(scope="*", at=op.now), TOKEN)
    return Expected(log="township-02", entry=entry, words="that the centre did not log")


@lie("nobody withdrew")
def a_withdrawal_that_nobody_logged(op: Operator) -> Outcome:
    """The institution passes a withdrawal on, and the platform drops it."""
    return Unseen(who="the institution that the person came to, which has no receipt of it")


@lie("the call came before the permit was revoked")
def a_call_announced_after_the_revocation(op: Operator) -> Outcome:
    """The answer is dated into the second of the revocation, and its call stands after it."""
    permit = counted(op)
    number, at = op.next_call(permit), op.now
    receipt = op.receipt(permit, number, at=at)
    op.at_node(permit, receipt)
    revoking(op, permit)
    op.forward(200)
    telling(op, permit.audience, NodeRevoked(permit=permit.id, at=at))
    op.announced(permit, number, receipt.operation, receipt.argument)
    entry = op.at_centre(receipt, case=permit.case)
    return Expected(entry=entry, words="after the permit was revoked")


@lie("the call came before the withdrawal")
def a_call_announced_after_the_withdrawal(op: Operator) -> Outcome:
    """The node answers what stands after a withdrawal that it does not know."""
    permit, at, entry = counted(op), op.now, -1
    withdrawing(op)
    op.forward(200)
    ran(op, permit, at=at)
    for host in op.consortium.state.nodes:
        told = telling(op, host, NodeWithdrew(scope="*", at=at), TOKEN)
        entry = told if host == permit.audience else entry
    return Expected(log=permit.audience, entry=entry, words="before it knew of it")


@lie("the node was told when the centre had logged it")
def a_revocation_told_in_advance(op: Operator) -> Outcome:
    """The node's entry is ten days older than the revocation that it tells."""
    permit, at = counted(op), op.now + 10 * DAY
    entry = telling(op, permit.audience, NodeRevoked(permit=permit.id, at=at))
    op.forward(10 * DAY)
    revoking(op, permit)
    return Expected(log=permit.audience, entry=entry, words="before the centre had logged it")


@lie("a subject withdrew from a case")
def a_withdrawal_from_no_case(op: Operator) -> Outcome:
    """The scope is no case of the log."""
    what, body = (
        used.ConsentWithdrawn(scope="no-case", via="township-01"),
        used.Subject(token=TOKEN),
    )
    entry, at = forge(op.consortium, what, by=PLATFORM, body=body), op.now
    for host in op.consortium.state.nodes:
        telling(op, host, NodeWithdrew(scope="no-case", at=at), TOKEN)
    return Expected(entry=entry, words="which is no case")
