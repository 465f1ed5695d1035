"""Replaying: what an outsider checks beyond the log itself, each by computing it again from what was logged.

Decisions from their packed facts and the rulebook that is kept with the log; permits by their three signatures and the
decision they quote; receipts against the nodes' own logs; settlements from the registered game. A fault names its
entry; an erased body is `erased, not replayable`, which is no fault.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from heyi.audit.verify import Checked, Fault
from heyi.crypto.canonical import Json, digest, from_canonical
from heyi.crypto.keys import verify_signature
from heyi.exchange.apply import approval_message, decision_leaf
from heyi.exchange.case import State
from heyi.exchange.consortium import legal_day, stored_rulebook
from heyi.exchange.facts import stated_from_json
from heyi.exchange.ports import Artefacts
from heyi.federation.receipt import verify_receipt
from heyi.model.decision import Outcome
from heyi.model.errors import HeyiError, InvalidInput, VerificationError
from heyi.model.permit import Permit
from heyi.permits.verify import verify_permit
from heyi.policy.decide import DecisionPoint
from heyi.policy.facts import admit
from heyi.policy.words import unpack
from heyi.settlement.allocate import allocate
from heyi.settlement.exact import shapley
from heyi.settlement.game import game_from_json


@dataclass(slots=True, kw_only=True)
class Replayed:
    """Counts of what was computed again and held; `erased` lists entries that cannot be replayed any more;
    `unanswered` counts calls that were announced and answered, but whose receipt the centre did not get to log."""

    decisions: int = 0
    permits: int = 0
    receipts: int = 0
    settlements: int = 0
    unanswered: int = 0
    erased: list[int] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)


class Replay:
    """Goes through the checked entries of the centre's log once, in order."""

    def __init__(
        self, artefacts: Artefacts, *, issuer: tuple[str, str], rulebooks: Iterable[DecisionPoint] = ()
    ) -> None:
        self._artefacts = artefacts
        self._issuer = issuer
        self._points = {p.book.digest: p for p in rulebooks}
        self._state = State()
        self._leaves: dict[int, Checked] = {}
        self._asked: set[tuple[str, int]] = set()
        self._permits: dict[str, Permit] = {}

    def run(self, entries: Iterable[Checked], node_receipts: Mapping[str, list[Json]]) -> Replayed:
        """Replay everything; `node_receipts` holds the receipts in each host's own log."""
        report = Replayed()
        seen: dict[str, list[str]] = {host: [] for host in node_receipts}
        for entry in entries:
            try:
                self._one(entry, report, seen)
                self._state.apply(entry.index, entry.event, entry.body)
            except (HeyiError, KeyError, TypeError, ValueError, AttributeError) as e:
                message = e.message if isinstance(e, HeyiError) else f"the event is malformed: {e!r}"
                report.faults.append(Fault(entry=entry.index, message=message))
            self._leaves[entry.index] = entry
        for host, logged in node_receipts.items():
            self._reconcile(host, logged, seen.get(host, []), report)
        return report

    def _reconcile(self, host: str, logged: list[Json], seen: list[str], report: Replayed) -> None:
        """Each receipt that the centre holds is in the node's log; each in the node's log was announced and is held."""
        own = {r["signature"] for r in logged}
        if not set(seen) <= own or len(seen) != len(set(seen)):
            report.faults.append(Fault(entry=None, message=f"the log of the node of `{host}` lacks a receipt"))
        for receipt in logged:
            if receipt["signature"] in seen:
                continue
            if (receipt["permit"], receipt["number"]) in self._asked:
                report.unanswered += 1
            else:
                call = f"call {receipt['number']} under `{receipt['permit']}`"
                report.faults.append(Fault(entry=None, message=f"the node of `{host}` ran {call}, which nobody logged"))

    def _one(self, entry: Checked, report: Replayed, seen: dict[str, list[str]]) -> None:
        event = entry.event
        match event.kind:
            case "decision.made":
                if entry.erased:
                    report.erased.append(entry.index)
                    return
                self._decision(entry)
                report.decisions += 1
            case "approval.given" | "approval.refused":
                self._approval(entry)
            case "permit.issued":
                self._permit(entry)
                report.permits += 1
            case "operation.asked":
                self._asked |= {(permit, number) for permit, number in event.public["calls"]}
            case "operation.answered" | "operation.refused":
                party = self._state.parties[event.public["holder"]]
                receipt = verify_receipt(event.public, public_key=party.public_key)
                if (event.kind == "operation.refused") != bool(receipt.refusal):
                    raise VerificationError("the receipt says other than the event")
                seen.setdefault(receipt.host, []).append(event.public["signature"])
                report.receipts += 1
            case "settlement.stated":
                self._settlement(entry)
                report.settlements += 1
            case "settlement.paid":
                self._payment(entry)
            case _:
                if entry.erased:
                    report.erased.append(entry.index)

    def _point(self, digest: str) -> DecisionPoint:
        if digest not in self._points:
            self._points[digest] = stored_rulebook(self._artefacts, digest)
        return self._points[digest]

    def _decision(self, entry: Checked) -> None:
        public, body = entry.event.public, entry.body
        point = self._point(public["rulebook"])
        known = unpack(point.book.schema, [int(w, 16) for w in body["words"]])
        day = dt.date.fromisoformat(public["legal_day"])
        if public["rulebook"] != self._state.rulebook or day != legal_day(entry.event.at):
            raise VerificationError("the decision was made by another rulebook, or on another day, than was in force")
        admitted = admit(point.book.schema, stated_from_json(point.book.schema, body["stated"]), day=day)
        if (dict(admitted.known), dict(admitted.rejected)) != (known, body["rejected"]):
            raise VerificationError("the packed facts are not those that were stated")
        decision = point.decide(admitted, asset=public["asset"])
        again = decision_leaf(decision)
        if again != public:
            wrong = sorted(k for k in public if again.get(k) != public[k])
            raise VerificationError(f"the decision replays to another answer: {', '.join(wrong)}")

    def _approval(self, entry: Checked) -> None:
        public, party = entry.event.public, self._state.parties[entry.event.actor]
        if public["authority"] not in party.speaks_for or public["given"] != (entry.event.kind == "approval.given"):
            raise VerificationError(f"`{party.id}` does not speak for `{public['authority']}`")
        message = approval_message(entry.event.case, public)
        verify_signature(party.public_key, message, bytes.fromhex(public["signature"]), what="the approval")

    def _permit(self, entry: Checked) -> None:
        public = entry.event.public
        asset = self._state.assets[public["asset"]]
        holder = self._state.parties[asset.holder]
        permit = verify_permit(public["token"], issuer=self._issuer, holder=(holder.id, holder.public_key))
        self._permits[permit.id] = permit
        if permit.requester_key != self._state.parties[permit.requester].public_key:
            raise VerificationError("the permit is bound to another key than the requester's")
        decided = self._leaves.get(permit.decision)
        if decided is None or decided.event.kind != "decision.made":
            raise VerificationError(f"the permit quotes entry {permit.decision}, which is no decision")
        said = decided.event.public
        if (decided.event.case, said["asset"]) != (permit.case, permit.asset) or not Outcome(said["outcome"]).is_permit:
            raise VerificationError(f"the permit quotes entry {permit.decision}, which does not permit it")
        for approval in self._state.cases[permit.case].approvals.values():
            if approval["asset"] == permit.asset and permit.min_cell < approval["conditions"].get("min_cell", 0):
                raise VerificationError(f"the permit forgets a condition of `{approval['authority']}`")

    def _settlement(self, entry: Checked) -> None:
        public = entry.event.public
        content = self._artefacts.artefact(public["game"])
        if content is None:
            raise VerificationError("the registered game is not kept with the log")
        game = game_from_json(from_canonical(content))
        if game.digest != public["game"]:
            raise VerificationError("the game kept with the log is another one")
        case = self._state.cases[entry.event.case]
        quoted = {self._permits[p].utility for p in case.permits if self._permits[p].holder in game.players}
        if quoted != {digest(dict(game.specification))}:
            raise VerificationError("the settlement measures something else than the permits had registered")
        phi = shapley(game)
        allocation = allocate(public["pot_fen"], game.players, phi)
        shares = dict(zip(game.players, allocation.shares_fen, strict=True))
        if [str(p) for p in phi] != public["phi"] or shares != public["shares_fen"]:
            raise VerificationError("the settlement recomputes to other shares")
        if sum(shares.values()) + allocation.escrow_fen != public["pot_fen"]:
            raise VerificationError("the shares do not sum to the pot")

    def _payment(self, entry: Checked) -> None:
        public = entry.event.public
        case = self._state.cases[entry.event.case]
        if case.settlement["shares_fen"].get(public["party"]) != public["amount_fen"]:
            raise VerificationError(f"`{public['party']}` was paid another amount than was stated")
        leave = self._state.cases[public["by_leave_of"]]
        if not all(Outcome(d.outcome).is_permit for d in leave.decisions.values()) or not leave.decisions:
            raise InvalidInput("the payment was made without leave")
