"""Replay: check a log beyond its hashes, by computing again whatever was logged.

Decisions follow from their packed facts and the rulebook that is kept with the log, permits from
their three signatures and the decision that they quote, receipts from the nodes' own logs, and
settlements from the registered game. A fault names its entry. An erased body cannot be replayed,
which is no fault.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from heyi.audit.event import Event
from heyi.audit.verify import Checked, Fault
from heyi.crypto.canonical import Json
from heyi.crypto.keys import verify_signature
from heyi.exchange.consortium import legal_day, stored_rulebook
from heyi.exchange.ports import Artefacts, Rulebooks
from heyi.exchange.proof.recompute import (
    check_answer,
    check_dispute,
    check_payment,
    check_registration,
    recompute_settlement,
)
from heyi.exchange.request.apply import approval_message, decision_leaf
from heyi.exchange.request.facts import assemble, may_not_state, stated_from_json, stated_to_json
from heyi.exchange.request.grant import permitted_operations
from heyi.exchange.state import State
from heyi.federation.wire.operation import Operation
from heyi.federation.wire.receipt import verify_receipt
from heyi.model.decision import Outcome
from heyi.model.errors import HeyiError, VerificationError
from heyi.model.fact import Source
from heyi.model.permit import Permit
from heyi.permits.verify import verify_permit
from heyi.policy.decide import DecisionPoint
from heyi.policy.engines.packed import unpack
from heyi.policy.language.schema import admit


@dataclass(slots=True, kw_only=True)
class Replayed:
    """Counts of what was computed again and held.

    `erased` lists the entries that cannot be replayed any more. `unanswered` counts calls that a
    node answered, while the centre was cut off before it logged the receipt.
    """

    decisions: int = 0
    permits: int = 0
    receipts: int = 0
    settlements: int = 0
    unanswered: int = 0
    erased: list[int] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)


class Replay:
    """One pass over the checked entries of the centre's log, in order."""

    def __init__(
        self,
        artefacts: Artefacts,
        rulebooks: Rulebooks,
        *,
        issuer: tuple[str, str],
    ) -> None:
        self._artefacts = artefacts
        self._rulebooks = rulebooks
        self._issuer = issuer
        self._points: dict[str, DecisionPoint] = {}
        self._state = State()
        self._leaves: dict[int, Checked] = {}
        # operation and argument of each announced call, by permit and number
        self._asked: dict[tuple[str, int], tuple[str, str]] = {}
        self._permits: dict[str, Permit] = {}
        # holders by case and operation
        self._answered: dict[tuple[str, str], set[str]] = {}
        self._refused: dict[tuple[str, str], set[str]] = {}
        # statements that are due, by case and party
        self._statements: dict[tuple[str, str], Json] = {}
        self._erased: set[int] = set()

    def run(self, entries: Sequence[Checked], node_events: Mapping[str, list[Event]]) -> Replayed:
        """Replay everything; `node_events` has the events of each host's own log."""
        report = Replayed()
        seen: dict[str, list[str]] = {host: [] for host in node_events}
        for entry in entries:
            try:
                # INVARIANT: an event is checked against the state before it, then folded
                self._one(entry, report, seen)
                self._state.apply(entry.index, entry.event, entry.body)
            except (HeyiError, KeyError, TypeError, ValueError, AttributeError) as e:
                message = (
                    e.message if isinstance(e, HeyiError) else f"the event is malformed: {e!r}"
                )
                report.faults.append(Fault(entry=entry.index, message=message))
            self._leaves[entry.index] = entry
        for host, events in node_events.items():
            receipts = [e.public for e in events if e.kind.startswith("operation.")]
            self._reconcile(host, receipts, seen.get(host, []), report)
            self._check_notices(host, events, entries, report)
        return report

    def _check_notices(
        self, host: str, events: list[Event], entries: Sequence[Checked], report: Replayed
    ) -> None:
        """Each revocation and withdrawal in the centre's log must be in the node's log too.

        The last entry of the centre's log is exempt: the centre may have been cut off before it
        told the node.
        """
        revoked = {e.public["permit"] for e in events if e.kind == "permit.revoked"}
        # withdrawals are counted, not compared: the centre's leaf has no identifier
        withdrawals = sum(e.kind == "consent.withdrawn" for e in events)
        last = entries[-1].index if entries else 0
        for entry in entries:
            permit = self._permits.get(str(entry.event.public.get("permit")))
            if entry.event.kind != "permit.revoked" or permit is None or permit.audience != host:
                continue
            if permit.id not in revoked and entry.index != last:
                message = f"the node of `{host}` does not know that `{permit.id}` was revoked"
                report.faults.append(Fault(entry=entry.index, message=message))
        said = sum(e.event.kind == "consent.withdrawn" for e in entries)
        cut = int(bool(entries) and entries[-1].event.kind == "consent.withdrawn")
        if withdrawals < said - cut:
            report.faults.append(
                Fault(entry=None, message=f"the node of `{host}` lacks a withdrawal of consent")
            )

    def _reconcile(self, host: str, logged: list[Json], seen: list[str], report: Replayed) -> None:
        """Compare the receipts of both logs.

        Each receipt that the centre holds is in the node's log. Each one in the node's log is for a
        call that the centre announced.
        """
        own = {r["signature"] for r in logged}
        # a receipt that the centre logged twice is one that the node's log lacks
        if not set(seen) <= own or len(seen) != len(set(seen)):
            report.faults.append(
                Fault(entry=None, message=f"the log of the node of `{host}` lacks a receipt")
            )
        for receipt in logged:
            if receipt["signature"] in seen:
                continue
            if (receipt["permit"], receipt["number"]) in self._asked:
                report.unanswered += 1
            else:
                call = f"call {receipt['number']} under `{receipt['permit']}`"
                report.faults.append(
                    Fault(
                        entry=None, message=f"the node of `{host}` ran {call}, which nobody logged"
                    )
                )

    def _one(self, entry: Checked, report: Replayed, seen: dict[str, list[str]]) -> None:
        """Check one entry against the state before it; add receipts to `seen` by host."""
        event, state = entry.event, self._state
        match event.kind:
            case "party.registered" | "asset.registered":
                if event.public["id"] in {*state.parties, *state.assets}:
                    raise VerificationError(f"`{event.public['id']}` is registered a second time")
            case "node.opened":
                if event.public["host"] in state.nodes:
                    raise VerificationError(
                        f"the node of `{event.public['host']}` is opened a second time"
                    )
            case "fact.stated":
                self._fact(entry)
            case "body.erased":
                self._erased.add(event.public["entry"])
            case "decision.made" if not entry.erased:
                self._decision(entry)
                report.decisions += 1
            case "approval.given" | "approval.refused":
                self._approval(entry)
            case "permit.issued":
                self._permit(entry)
                report.permits += 1
            case "operation.asked":
                operation = event.public["operation"]
                self._asked |= {
                    (p, number): (operation, argument)
                    for p, number, argument in event.public["calls"]
                }
            case "operation.answered" | "operation.refused":
                host = self._receipt(event)
                seen.setdefault(host, []).append(event.public["signature"])
                report.receipts += 1
            case "utility.registered":
                check_registration(event, state)
            case "settlement.certified":
                self._settlement(event)
                report.settlements += 1
            case "statement.issued":
                if self._statements.pop((event.case, event.public["party"]), None) != event.public:
                    raise VerificationError(
                        "the statement is not what the settlement recomputes to"
                    )
            case "settlement.paid":
                check_payment(event, state)
            case "statement.disputed":
                check_dispute(event, state)
            case "dispute.dismissed" | "settlement.withdrawn" | "settlement.approved":
                check_answer(event, state)
        # an approval is checked from its leaf alone: its body has only the reasons
        if entry.erased and not event.kind.startswith("approval."):
            report.erased.append(entry.index)

    def _fact(self, entry: Checked) -> None:
        event, state = entry.event, self._state
        case, names = state.cases[event.case], event.public["names"]
        source = Source[event.public["source"].upper()]
        if why := may_not_state(state, case, by=event.actor, source=source, names=names):
            raise VerificationError(why)
        if entry.body is not None and sorted(entry.body["facts"]) != names:
            raise VerificationError("the body states other facts than the leaf names")

    def _settlement(self, event: Event) -> None:
        """Recompute a settlement; keep its statements, which the next events have to equal."""
        case = self._state.cases[event.case]
        measured_by = (case.id, case.specification["operation"])
        tokens = {
            Operation(name=o["name"], params=o["params"]).digest
            for o in case.request["operations"]
            if o["name"] == "tokens"
        }
        due = recompute_settlement(
            event,
            case,
            [self._permits[p] for p in case.permits],
            self._artefacts,
            answered=self._answered.get(measured_by, set()),
            refused=self._refused.get(measured_by, set()),
            linked=frozenset().union(*(self._answered.get((case.id, o), set()) for o in tokens)),
        )
        self._statements |= {(case.id, party): statement for party, statement in due.items()}

    def _receipt(self, event: Event) -> str:
        """Check a receipt, and return the host of the node that signed it.

        It is for a call that was announced, of an operation that its permit holds, and it comes
        from the permit's node.
        """
        receipt = verify_receipt(
            event.public, public_key=self._state.parties[event.public["holder"]].public_key
        )
        if (event.kind == "operation.refused") != bool(receipt.refusal):
            raise VerificationError("the receipt says other than the event")
        permit = self._permits.get(receipt.permit)
        if permit is None or permit.case != event.case or receipt.host not in self._state.nodes:
            raise VerificationError(
                "the receipt is for no permit of this case, or from no node that was opened"
            )
        if (receipt.holder, receipt.host) != (permit.holder, permit.audience):
            raise VerificationError(
                "the receipt is from another institution than the permit is for"
            )
        if (receipt.permit, receipt.number) not in self._asked:
            raise VerificationError("the receipt is for a call that nobody announced")
        if self._asked[receipt.permit, receipt.number] != (receipt.operation, receipt.argument):
            raise VerificationError(
                "the receipt is for another operation or argument than was announced"
            )
        if receipt.refusal:
            self._refused.setdefault((event.case, receipt.operation), set()).add(receipt.holder)
            return receipt.host
        if receipt.operation not in permit.operations.values():
            raise VerificationError("the receipt is for an operation that the permit does not hold")
        self._answered.setdefault((event.case, receipt.operation), set()).add(receipt.holder)
        return receipt.host

    def _point(self, digest: str) -> DecisionPoint:
        if digest not in self._points:
            self._points[digest] = stored_rulebook(self._artefacts, self._rulebooks, digest)
        return self._points[digest]

    def _decision(self, entry: Checked) -> None:
        public, body = entry.event.public, entry.body
        point = self._point(public["rulebook"])
        known = unpack(point.book.schema, [int(w, 16) for w in body["words"]])
        day = dt.date.fromisoformat(public["legal_day"])
        if public["rulebook"] != self._state.rulebook or day != legal_day(entry.event.at):
            raise VerificationError(
                "the decision was made by another rulebook, or on another day, than was in force"
            )
        state, schema, stated = self._state, point.book.schema, body["stated"]
        again_assembled = assemble(
            state, schema, state.cases[entry.event.case], state.assets[public["asset"]]
        )
        if {n: s for n, s in stated.items() if n not in again_assembled.erased} != stated_to_json(
            again_assembled.stated
        ):
            raise VerificationError("the facts are not those that the log states")
        admitted = admit(schema, stated_from_json(schema, stated), day=day)
        if (dict(admitted.known), dict(admitted.rejected)) != (known, body["rejected"]):
            raise VerificationError("the packed facts are not those that were stated")
        decision = point.decide(admitted, asset=public["asset"])
        again = decision_leaf(decision)
        if again != public:
            wrong = sorted(k for k in public if again.get(k) != public[k])
            raise VerificationError(f"the decision replays to another answer: {', '.join(wrong)}")

    def _approval(self, entry: Checked) -> None:
        public, party = entry.event.public, self._state.parties[entry.event.actor]
        if public["authority"] not in party.speaks_for or public["given"] != (
            entry.event.kind == "approval.given"
        ):
            raise VerificationError(f"`{party.id}` does not speak for `{public['authority']}`")
        decided = self._state.cases[entry.event.case].decisions.get(public["asset"])
        if public["decision"] != (decided.index if decided else None):
            raise VerificationError("the approval is of an earlier decision, logged again")
        message = approval_message(entry.event.case, public)
        verify_signature(
            party.public_key, message, bytes.fromhex(public["signature"]), what="the approval"
        )

    def _permit(self, entry: Checked) -> None:
        public = entry.event.public
        asset = self._state.assets[public["asset"]]
        holder = self._state.parties[asset.holder]
        # (1) Issuer, holder and requester signed it.
        permit = verify_permit(
            public["token"], issuer=self._issuer, holder=(holder.id, holder.public_key)
        )
        self._permits[permit.id] = permit
        if permit.requester_key != self._state.parties[permit.requester].public_key:
            raise VerificationError("the permit is bound to another key than the requester's")
        # (2) The decision that it quotes is in the log, permits, and was the latest.
        decided = self._quoted(permit)
        # (3) It is for what was asked and decided, under the terms of the approvals.
        case = self._state.cases[permit.case]
        request = case.request
        asked = (
            request["requester"],
            request["purpose"],
            request["delivery"],
            request["kinds"],
            permitted_operations(request),
            decided["obligations"],
        )
        given = (
            permit.requester,
            permit.purpose,
            permit.delivery,
            list(permit.kinds),
            permit.operations,
            list(permit.obligations),
        )
        if given != asked:
            raise VerificationError("the permit is for something else than was asked and decided")
        if permit.data != self._state.assets[permit.asset].digest:
            raise VerificationError("the permit is for other data than were registered")
        quoted = (permit.rulebook, permit.utility, permit.audience)
        if quoted != (decided["rulebook"], case.utility, holder.host):
            raise VerificationError("the permit quotes another rulebook, utility or node")
        for approval in case.approvals.values():
            least = approval["conditions"].get("min_cell", 0)
            if approval["asset"] == permit.asset and permit.min_cell < least:
                raise VerificationError(
                    f"the permit forgets a condition of `{approval['authority']}`"
                )

    def _quoted(self, permit: Permit) -> dict[str, Json]:
        """The leaf of the decision that a permit quotes."""
        decided = self._leaves.get(permit.decision)
        if decided is None or decided.event.kind != "decision.made":
            raise VerificationError(
                f"the permit quotes entry {permit.decision}, which is no decision"
            )
        said = decided.event.public
        same = (decided.event.case, said["asset"]) == (permit.case, permit.asset)
        if not same or not Outcome(said["outcome"]).is_permit:
            raise VerificationError(
                f"the permit quotes entry {permit.decision}, which does not permit it"
            )
        if permit.decision in self._erased:
            raise VerificationError(
                f"the permit rests on entry {permit.decision}, whose facts had been erased before"
            )
        if self._state.cases[permit.case].decisions[permit.asset].index != permit.decision:
            raise VerificationError("the permit quotes a decision that a later one superseded")
        return said
