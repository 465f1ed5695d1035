"""Replay of a node's own log, beside what the centre logged about that node."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import singledispatchmethod

from heyi.audit.verify import Checked, LogCheck
from heyi.audit.witness import CLOCK_TOLERANCE
from heyi.consent.registry import EVERYTHING
from heyi.crypto.codec import to_json
from heyi.exchange.events import used
from heyi.exchange.proof.auditor import Announced, Auditor, Notice
from heyi.exchange.proof.operated import beyond, early
from heyi.exchange.proof.recollection import NodeBefore, Unlogged
from heyi.federation.node.node_events import (
    CallCharged,
    NodeAnswered,
    NodeEvent,
    NodeReceipt,
    NodeRevoked,
    NodeWithdrew,
    QuestionPinned,
    WithdrawnToken,
    read_node_event,
)
from heyi.federation.wire.receipt import verify_receipt
from heyi.model.errors import HeyiError, VerificationError
from heyi.model.permit import Permit


@dataclass(slots=True)
class NodeReplay:
    """One pass over the log of the node of `host`, after the centre's log was replayed.

    `memory` is what is known of the node, before and after. `due` are the withdrawals that it has
    yet to take, in order; `matched` are the calls whose receipts both logs have.
    """

    host: str
    auditor: Auditor
    memory: NodeBefore
    matched: set[tuple[str, int]] = field(default_factory=set)
    due: list[Notice] = field(default_factory=list)
    _token: str = ""
    _index: int = -1

    def run(self, entries: Iterable[Checked]) -> None:
        """Check every entry, then what is lacking at the end; faults go to the auditor."""
        # a node that opened later was told of them before it could answer
        self.due = self.auditor.withdrawn[self.memory.taken :]
        self._meet_again()
        for entry in entries:
            try:
                what, body = read_node_event(entry.event, entry.body)
                self._token = body.token if isinstance(body, WithdrawnToken) else ""
                self._index = entry.index
                self._check(what)
                self._dated(what, entry.event.at)
            except (HeyiError, ValueError) as e:
                message = e.message if isinstance(e, HeyiError) else f"malformed: {e}"
                self.auditor.fault(entry.index, message, log=self.host)
        # what is missing from a log with a hole is not missed a second time
        if not (isinstance(entries, LogCheck) and entries.incomplete):
            self._close()
        self.memory.taken = len(self.auditor.withdrawn) - len(self.due)
        self.auditor.report.unanswered += sum(map(len, self.memory.unlogged.values()))

    def _meet_again(self) -> None:
        """Receipts that only the node had in an earlier audit, beside what the centre says now."""
        for permit, calls in self.memory.unlogged.items():
            for number, had in list(calls.items()):
                call = self.auditor.announced(permit, number)
                notice = self.auditor.revoked.get(permit)
                if call is not None and call.answered:
                    del calls[number]
                    if call.answered == had.signature:
                        self.matched.add((permit, number))  # it was logged late
                    elif had.answers:
                        self._fault(had.entry, _twice(number, permit))
                elif had.answers and notice is not None and had.at > notice.at + CLOCK_TOLERANCE:
                    del calls[number]
                    self._fault(had.entry, "the node answered after the permit was revoked")

    def _fault(self, entry: int, message: str) -> None:
        self.auditor.fault(entry, message, log=self.host)

    def _dated(self, what: NodeEvent, at: int) -> None:
        """Check that a node logs nothing before the centre has said it, save for two clocks."""
        if isinstance(what, NodeRevoked | NodeWithdrew) and at < what.at - CLOCK_TOLERANCE:
            raise VerificationError("the node was told before the centre had logged it")

    def _own(self, permit_id: str) -> Permit:
        """The permit that an entry is under, which is for this node."""
        permit = self.auditor.permit(permit_id)
        if permit is None or permit.audience != self.host:
            raise VerificationError(f"`{permit_id}` is no permit for the node of `{self.host}`")
        return permit

    @singledispatchmethod
    def _check(self, what: NodeEvent) -> None:
        raise VerificationError(f"`{what.KIND}` is checked by nobody")

    @_check.register
    def _charged(self, what: CallCharged) -> None:
        self._own(what.permit)
        before = self.memory.charged.get(what.permit, 0)
        self.memory.charged[what.permit] = max(before, what.number)
        if what.number <= before:
            raise VerificationError(
                f"the count of calls under `{what.permit}` was set back from {before} "
                f"to {what.number}"
            )

    @_check.register
    def _pinned(self, what: QuestionPinned) -> None:
        self._own(what.permit)
        first = self.memory.pinned.setdefault(f"{what.permit} {what.what}", what.digest)
        if first != what.digest:
            raise VerificationError(f"another list is pinned under `{what.permit}`")

    @_check.register
    def _receipt(self, what: NodeReceipt) -> None:
        a, key = self.auditor, (what.permit, what.number)
        answered = self.memory.answered.setdefault(what.permit, set())
        call = a.announced(*key)
        if call is not None and call.answered == what.signature:
            self.matched.add(key)
        if what.signature in a.blamed:
            answered.add(what.number)
            return
        if what.host != self.host:
            raise VerificationError(f"a receipt of the node of `{what.host}` is in this log")
        if isinstance(what, NodeAnswered):
            permit = self._own(what.permit)
            self.memory.worked[permit.case] = what.at
            if call is not None:
                before = self.memory.asked.get(permit.case, -1)
                self.memory.asked[permit.case] = max(before, call.entry)
            twice, free = (
                what.number in answered,
                what.number > self.memory.charged.get(what.permit, 0),
            )
            answered.add(what.number)
            if twice:
                raise VerificationError(
                    f"call {what.number} under `{what.permit}` is answered twice"
                )
            if free:
                raise VerificationError(
                    f"call {what.number} under `{what.permit}` was answered and never charged"
                )
            if what.permit in self.memory.revoked:
                raise VerificationError(
                    f"the node answered call {what.number} under `{what.permit}` after it was told "
                    "that the permit is revoked"
                )
        elif call is None or call.answered not in ("", what.signature):
            return  # a no ran nothing, and the requester may hear several
        if call is None:
            raise VerificationError(
                f"the node ran call {what.number} under `{what.permit}`, which nobody logged"
            )
        if call.answered and call.answered != what.signature:
            raise VerificationError(_twice(what.number, what.permit))
        if not call.answered:
            self._unlogged(what)

    def _unlogged(self, what: NodeReceipt) -> None:
        """A receipt that the centre lacks: it may have been cut off, and nothing else."""
        a, call = self.auditor, self.auditor.announced(what.permit, what.number)
        permit = a.permit(what.permit)
        if call is None or permit is None:
            return
        key = a.state.parties[permit.holder].public_key
        receipt = verify_receipt(to_json(what), public_key=key)
        if (call.operation, call.argument) != (receipt.operation, receipt.argument):
            if receipt.refusal:
                return
            raise VerificationError(
                f"call {what.number} under `{what.permit}` ran another operation or argument "
                "than was announced"
            )
        if early(what.at, call):
            raise VerificationError(
                f"call {what.number} under `{what.permit}` was answered before it was announced"
            )
        if isinstance(what, NodeAnswered):
            as_logged = used.OperationAnswered(**to_json(what))
            if why := beyond(as_logged, permit, call, a):
                raise VerificationError(why)
        unlogged = self.memory.unlogged.setdefault(what.permit, {})
        answers = isinstance(what, NodeAnswered)
        if answers or what.number not in unlogged:
            unlogged[what.number] = Unlogged(
                entry=self._index, at=what.at, signature=what.signature, answers=answers
            )

    @_check.register
    def _told(self, what: NodeRevoked) -> None:
        self.auditor.permit(what.permit)  # its case may have been verified before
        notice = self.auditor.revoked.get(what.permit)
        meant = [
            n.subject
            for n in self.auditor.revoked.values()
            if self.host in n.hosts and n.at == what.at and n.subject not in self.memory.revoked
        ]
        if meant and what.permit not in meant:
            self.memory.revoked.add(meant[0])
            raise VerificationError(
                f"the node was told that `{what.permit}` is revoked, another permit than "
                f"`{meant[0]}`, which the centre revoked"
            )
        if notice is None or self.host not in notice.hosts or what.permit in self.memory.revoked:
            raise VerificationError(
                f"the node was told that `{what.permit}` is revoked, which the centre did not log"
            )
        self.memory.revoked.add(what.permit)
        if what.at != notice.at:
            raise VerificationError(
                f"`{what.permit}` was revoked at another time than the centre says"
            )

    @_check.register
    def _withdrew(self, what: NodeWithdrew) -> None:
        if not self.due or self.due[0].at != what.at:
            raise VerificationError("the node was told a withdrawal that the centre did not log")
        notice = self.due.pop(0)
        if notice.scope != what.scope:
            raise VerificationError("the node was told a withdrawal with another scope")
        subject = notice.subject or self.auditor.subject(notice)
        if subject and self._token and subject != self._token:
            raise VerificationError("the node was told the withdrawal of another subject")
        cases = self.memory.worked.keys() if what.scope == EVERYTHING else {what.scope}
        answered_at = max((self.memory.worked.get(c, 0) for c in cases), default=0)
        asked = max((self.memory.asked.get(c, -1) for c in cases), default=-1)
        if answered_at > what.at + CLOCK_TOLERANCE or asked > notice.entry:
            raise VerificationError(
                "the node answered after the withdrawal and before it knew of it"
            )

    def _close(self) -> None:
        """What the centre has and the node's log lacks.

        The last entry of the centre's log is exempt: the centre may have been cut off before it
        told the node.
        """
        a = self.auditor
        for permit_id, calls in a.calls.items():
            permit = a.permits.get(permit_id)
            if permit is None or permit.audience != self.host:
                continue
            for number, call in calls.items():
                if call.answered and not self._has(permit_id, number, call):
                    a.fault(
                        call.entry,
                        f"the log of the node of `{self.host}` lacks the receipt of call {number} "
                        f"under `{permit_id}`",
                    )
        for notice in a.revoked.values():
            late = self.host in notice.hosts and notice.subject not in self.memory.revoked
            if late:
                a.late[notice.subject] = notice
            if late and notice.entry != a.last:
                a.fault(
                    notice.entry,
                    f"the node of `{self.host}` does not know that `{notice.subject}` was revoked",
                )
        for notice in self.due:
            if notice.entry != a.last:
                a.untold.setdefault(notice.entry, []).append(self.host)

    def _has(self, permit: str, number: int, call: Announced) -> bool:
        """Whether the node's log has the receipt that the centre logged for this call."""
        return call.receipt < self.auditor.since or (permit, number) in self.matched


def _twice(number: int, permit: str) -> str:
    return f"the node signed two receipts for call {number} under `{permit}`"
