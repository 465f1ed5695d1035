"""Replay: check a log beyond its hashes, by computing again whatever was logged.

Decisions follow from their packed facts and the rulebook that is kept with the log, permits from
their three signatures and the decision that they quote, receipts from the nodes' own logs, and
settlements from the registered game. A fault names its entry. What was erased cannot be replayed,
which is no fault.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any

from heyi.audit.checkpoint import open_checkpoint
from heyi.audit.verify import Checked, Fault, LogCheck, check_entry
from heyi.audit.witness import CLOCK_TOLERANCE, verify_cosignature
from heyi.exchange.events import applied, registered, settled, used
from heyi.exchange.events.erased import BodyErased
from heyi.exchange.events.event_kinds import read_event
from heyi.exchange.events.succeeded import LogSucceeded
from heyi.exchange.events.typed import Logged, TypedEvent
from heyi.exchange.projections import CASE, stream, streams_of
from heyi.exchange.proof import judged, operated, permitted, recompute
from heyi.exchange.proof.auditor import Auditor, Meaningless, Replaces, Replayed
from heyi.exchange.proof.node_logs import NodeReplay
from heyi.exchange.proof.recollection import CENTRE, NodeBefore, Recollection
from heyi.exchange.streams import fold_on_demand
from heyi.model.errors import HeyiError, VerificationError

Check = Callable[[Any, Logged, Auditor], None]


def _erasure(what: BodyErased, entry: Logged, a: Auditor) -> None:
    operated.check_kept(what.entry, a)
    if what.entry < a.since:
        # the check of the log knows nothing of earlier entries; the auditor remembers
        if what.entry in a.hidden:
            raise VerificationError(f"entry {what.entry} is said to be erased, and was before")
        a.hidden[what.entry] = entry.case
        a.report.known.append(what.entry)
        if a.old is not None and a.old(what.entry).event.case != entry.case:
            raise VerificationError("the erasure is told in another case than that of its entry")
    elif what.entry in a.hidden and a.hidden[what.entry] != entry.case:
        raise VerificationError("the erasure is told in another case than that of its entry")


def _succession(what: LogSucceeded, entry: Logged, a: Auditor) -> None:
    named = (what.origin, entry.index)
    before = next((s for s in a.succeeds if (s.origin, s.size) == named), None)
    if before is None:
        raise VerificationError(f"the log says that it goes on from `{what.origin}`, not your keys")
    a.report.successions.append(what)
    if what.log_key != before.log_key:
        raise VerificationError(f"the log says that `{what.origin}` had another key than you know")
    # (1) The checkpoint is of that log, and its witness has seen it.
    name, key = a.witness
    checkpoint, note = open_checkpoint(
        what.checkpoint.encode(), origin=before.origin, public_key=before.log_key
    )
    seen_at = verify_cosignature(note, name=name, public_key=key)
    if entry.at < seen_at - CLOCK_TOLERANCE:
        raise VerificationError(
            f"the log goes on from a checkpoint that its witness has seen at {seen_at}, after that"
        )
    # (2) What is lost is what it has beyond these entries.
    lost = what.lost or 0
    if lost < 0 or checkpoint.size - before.size != lost:
        raise VerificationError("the log has lost another number of entries than it says")
    if not lost and checkpoint.root.hex() != before.root:
        raise VerificationError("the log goes on from other entries than its witness has seen")
    # (3) No event shows yet that the members agreed.
    if what.adopted:
        raise VerificationError("the log says that the members agreed to go on, and shows it not")


CHECKS: dict[type[TypedEvent], Check] = {
    registered.RulebookAdopted: judged.check_adoption,
    registered.PartyRegistered: judged.check_party,
    registered.NodeOpened: judged.check_node,
    registered.ProfileVouched: judged.check_profile,
    registered.AssetRegistered: judged.check_asset,
    applied.RequestSubmitted: judged.check_request,
    applied.FactStated: judged.check_fact,
    applied.DecisionMade: judged.check_decision,
    applied.AlarmRaised: judged.check_alarm,
    applied.ApprovalGiven: judged.check_approval,
    applied.ApprovalRefused: judged.check_approval,
    applied.PermitIssued: permitted.check_permit,
    applied.PermitRevoked: permitted.check_revocation,
    used.OperationAsked: operated.check_asked,
    used.OperationAnswered: operated.check_receipt,
    used.OperationRefused: operated.check_receipt,
    used.ResultReleased: operated.check_result,
    used.ConsentWithdrawn: operated.check_withdrawal,
    settled.UtilityRegistered: recompute.check_registration,
    settled.SettlementCertified: recompute.check_settlement,
    settled.StatementIssued: recompute.check_statement,
    settled.StatementDisputed: recompute.check_dispute,
    settled.DisputeDismissed: recompute.check_answer,
    settled.SettlementWithdrawn: recompute.check_answer,
    settled.SettlementApproved: recompute.check_answer,
    settled.SettlementPaid: recompute.check_payment,
    BodyErased: _erasure,
    LogSucceeded: _succession,
}
"""What is computed again for each kind of event."""


def go_on(auditor: Auditor, recollection: Recollection) -> None:
    """Begin where an earlier audit ended: a stream is recalled when it is asked for.

    Raises:
        VerificationError: the log's rulebooks are not those that were verified.
    """
    if recollection.since is None:
        return
    auditor.since = recollection.since.size
    auditor.last = auditor.since - 1
    auditor.old = recollection.entry
    recollection.begin(auditor)
    begun: set[str] = set()

    def recall(name: str) -> None:
        if name in begun:
            return
        begun.add(name)
        try:
            stored_before = recollection.recall(name)
        except VerificationError as e:
            auditor.fault(None, e.message)
            auditor.unreadable.add(name)
            return
        # What it counts was told by the earlier audit, which found no fault. What is a fault now
        # came from the registers, which have changed since; it excuses nothing that comes later.
        told, auditor.report = auditor.report, Replayed()
        spoilt, blamed, due = set(auditor.spoilt), set(auditor.blamed), dict(auditor.statements)
        try:
            for stored in stored_before:
                checked = check_entry(stored)
                if checked.erased and checked.index not in auditor.hidden:
                    auditor.emptied.add(checked.index)
                entry = read_event(
                    checked.index, checked.event, checked.body, erased=checked.erased
                )
                _checked(entry, auditor)
                auditor.state.apply(entry)
        except VerificationError as e:
            # its body is not what the leaf commits to, or the leaf is no event any more
            told.faults.append((CENTRE, Fault(entry=stored.index, message=e.message)))
            auditor.unreadable.add(name)
        finally:
            auditor.report = told
            auditor.spoilt, auditor.blamed, auditor.statements = spoilt, blamed, due

    fold_on_demand(auditor.state, recall, recollection.names)


def replay_centre(
    entries: Iterable[Checked], auditor: Auditor, recollection: Recollection | None = None
) -> Iterator[Logged]:
    """Check each entry against the state before it, then fold it; yields what could be read.

    Faults go to the auditor; what holds is noted in the recollection.
    """
    for checked in entries:
        auditor.last = checked.index
        if checked.erased:
            auditor.hidden[checked.index] = checked.event.case
        try:
            entry = read_event(checked.index, checked.event, checked.body, erased=checked.erased)
        except VerificationError as e:
            auditor.fault(checked.index, e.message)
            continue
        folded = _checked(entry, auditor)
        if folded is not None:
            try:
                auditor.state.apply(folded)
            except VerificationError as e:
                auditor.fault(entry.index, e.message)
        if recollection is not None:
            for name in streams_of(entry):
                recollection.note(name, checked.leaf_hash)
        yield entry
    # what was erased while this was read was told by now
    if not (isinstance(entries, LogCheck) and entries.incomplete):
        for index in sorted(auditor.emptied - auditor.hidden.keys()):
            auditor.fault(index, "the body is gone, though no event says that it was erased")


def _checked(entry: Logged, auditor: Auditor) -> Logged | None:
    """Check one entry; the answer is what is folded of it.

    INVARIANT: an event is checked against the state before it.
    """
    if entry.erased and not isinstance(entry.what, applied.DecisionMade | applied.ApprovalAnswered):
        auditor.report.erased.append(entry.index)
    begins = isinstance(entry.what, applied.RequestSubmitted)
    if entry.case and not begins and entry.case not in auditor.state.cases:
        if stream(CASE, entry.case) in auditor.unreadable:
            return None  # told once, where it was recalled
        auditor.fault(entry.index, f"nobody submitted the case `{entry.case}`")
        return None
    try:
        judged.check_actor(entry, auditor)
        CHECKS[type(entry.what)](entry.what, entry, auditor)
    except (Replaces, Meaningless) as e:
        auditor.fault(entry.index, e.message)
        if entry.index < auditor.since:
            return entry  # it held when it was verified; another rulebook is in force by now
        return None if isinstance(e, Replaces) else replace(entry, body=None, erased=True)
    except (HeyiError, KeyError, ValueError, TypeError, ArithmeticError) as e:
        # a name that nobody registered, or text that is no number: written by no use case
        said = e.message if isinstance(e, HeyiError) else f"the event names what is not there: {e}"
        auditor.fault(entry.index, said)
    return entry


def replay_node(
    host: str, entries: Iterable[Checked], auditor: Auditor, memory: NodeBefore
) -> None:
    """Check the log of the node of `host`, after `replay_centre` has come to its end.

    `memory` is what was known of it before, and afterwards what is known now.
    """
    NodeReplay(host, auditor, memory).run(entries)


def close(auditor: Auditor) -> None:
    """What can be said only at the end, of statements, withdrawals and rulebooks."""
    if len(auditor.report.successions) < len(auditor.succeeds):
        auditor.fault(None, "the log does not say which log it goes on from")
    for index, hosts in auditor.untold.items():
        named = f"{len(hosts)} nodes do" if len(hosts) > 1 else f"the node of `{hosts[0]}` does"
        auditor.fault(index, f"{named} not know of the withdrawal")
    for case, party in auditor.statements:
        if case not in auditor.spoilt:
            auditor.fault(None, f"the statement of `{party}` in `{case}` is lacking")
    for entry, message in auditor.unjudged():
        auditor.fault(entry, message)
