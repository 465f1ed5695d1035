"""A case: one request and what happened to it, as the fold of its events."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field, replace
from functools import singledispatch

from heyi.crypto.canonical import Json
from heyi.exchange.events import applied, settled, used
from heyi.exchange.events.erased import BodyErased
from heyi.exchange.events.typed import Logged, TypedEvent
from heyi.model.decision import Outcome
from heyi.settlement.stages import AFTER, Stage


@dataclass(frozen=True, slots=True, kw_only=True)
class LatestDecision:
    """The latest decision on one asset of a case, and its entry in the log.

    `erased` says that the facts it was made on are gone, so that no permit can rest on it.
    """

    index: int
    made: applied.DecisionMade
    erased: bool = False


@dataclass(slots=True, kw_only=True)
class StatedFact:
    """One fact as somebody stated it for a case.

    `asset` is `*` for all assets. `value` is None where the body is gone; `erased` is true from the
    event on that says so.
    """

    index: int
    asset: str
    name: str
    value: Json
    source: str
    until: dt.date | None
    erased: bool = False


@dataclass(slots=True, kw_only=True)
class Case:
    """One request and what happened to it.

    `submitted` is its entry, `at` its time. `statements` has the last one of each asset, fact and
    source, in the order of the log: an earlier one counts no more. `approvals` are by
    (authority, asset). `asked` is the highest call number that was announced under each permit.
    `utility` is the digest of the registered `specification`. `settlement` is the latest one, and
    `settlements` counts all. `stages` has the stage of each institution's share in the
    latest one; `paid` is what each was paid in all settlements, in fen. `signatures` are those of
    the authorities, each of which counts once. `changed` is the entry of the last event.
    """

    request: applied.RequestSubmitted
    submitted: int
    at: int
    changed: int
    statements: dict[tuple[str, str, str], StatedFact] = field(default_factory=dict)
    decisions: dict[str, LatestDecision] = field(default_factory=dict)
    approvals: dict[tuple[str, str], applied.ApprovalAnswered] = field(default_factory=dict)
    permits: dict[str, str] = field(default_factory=dict)
    revoked: set[str] = field(default_factory=set)
    asked: dict[str, int] = field(default_factory=dict)
    results: list[used.ResultReleased] = field(default_factory=list)
    utility: str = ""
    specification: dict[str, Json] = field(default_factory=dict)
    settlement: settled.SettlementCertified | None = None
    settlements: int = 0
    stages: dict[str, Stage] = field(default_factory=dict)
    paid: dict[str, int] = field(default_factory=dict)
    signatures: set[str] = field(default_factory=set)

    @property
    def id(self) -> str:
        return self.request.id

    @property
    def paid_fen(self) -> int:
        """What was paid to all."""
        return sum(self.paid.values())

    @property
    def trues_up(self) -> bool:
        """Whether the settlement was paid on intervals; another follows when values are known."""
        return (
            self.settlement is not None
            and self.settlement.interim
            and set(self.stages.values()) == {Stage.PAID}
        )

    @property
    def status(self) -> str:
        """The status of the case; approved is not granted, and granted is not in force."""
        outcomes = {d.made.outcome for d in self.decisions.values()}
        if self.permits:
            return "revoked" if set(self.permits) <= self.revoked else "granted"
        if not outcomes:
            return "submitted"
        if len(outcomes) > 1 and Outcome.DENY in outcomes:
            return "mixed"
        # the members of Outcome are in order from permit to deny: the case is as far as its worst
        return max(outcomes, key=list(Outcome).index).value

    def apply(self, entry: Logged) -> None:
        """Take in one event of this case."""
        _apply(entry.what, self, entry)
        self.changed = entry.index

    def take(self, entry: Logged, asset: str, names: tuple[str, ...], source: str) -> None:
        """Add facts that were stated in one event; they are unknown where its body is gone."""
        body = entry.content(applied.SaidFacts)
        for name in names:
            said = body.facts.get(name) if body else None
            self.take_statement(
                StatedFact(
                    index=entry.index,
                    asset=asset,
                    name=name,
                    value=said.value if said else None,
                    source=source,
                    until=said.until if said else None,
                )
            )

    def take_statement(self, statement: StatedFact) -> None:
        key = (statement.asset, statement.name, statement.source)
        self.statements.pop(key, None)  # so that the new one comes last
        self.statements[key] = statement


@singledispatch
def _apply(_what: TypedEvent, _case: Case, _entry: Logged) -> None:
    """Events that change nothing of what a use case asks: alarms."""


@_apply.register
def _stated(what: applied.FactStated, case: Case, entry: Logged) -> None:
    case.take(entry, what.asset, what.names, what.source)


@_apply.register
def _decided(what: applied.DecisionMade, case: Case, entry: Logged) -> None:
    case.decisions[what.asset] = LatestDecision(index=entry.index, made=what)


@_apply.register
def _approved(what: applied.ApprovalAnswered, case: Case, entry: Logged) -> None:
    # an approval is two things: the signed act, and a fact that the rules read
    case.approvals[what.authority, what.asset] = what
    case.signatures.add(what.signature)
    case.take_statement(
        StatedFact(
            index=entry.index,
            asset=what.asset,
            name=f"approval.{what.authority}",
            value="given" if isinstance(what, applied.ApprovalGiven) else "refused",
            source="attested",
            until=what.until,
        )
    )


@_apply.register
def _permitted(what: applied.PermitIssued, case: Case, _entry: Logged) -> None:
    case.permits[what.permit] = what.token


@_apply.register
def _revoked(what: applied.PermitRevoked, case: Case, _entry: Logged) -> None:
    case.revoked.add(what.permit)


@_apply.register
def _asked(what: used.OperationAsked, case: Case, _entry: Logged) -> None:
    for permit, number, _ in what.calls:
        case.asked[permit] = max(case.asked.get(permit, 0), number)


@_apply.register
def _released(what: used.ResultReleased, case: Case, _entry: Logged) -> None:
    case.results.append(what)


@_apply.register
def _registered(what: settled.UtilityRegistered, case: Case, _entry: Logged) -> None:
    case.utility, case.specification = what.digest, what.specification


@_apply.register
def _settled(what: settled.SettlementCertified, case: Case, _entry: Logged) -> None:
    case.settlement = what
    case.settlements += 1
    case.stages = dict.fromkeys(what.players, Stage.ACCRUED)


@_apply.register
def _withdrawn(what: settled.SettlementWithdrawn, case: Case, _entry: Logged) -> None:
    case.settlement, case.stages = None, {}
    case.signatures.add(what.signature)


@_apply.register
def _settlement_approved(what: settled.SettlementApproved, case: Case, _entry: Logged) -> None:
    case.stages = dict.fromkeys(case.stages, AFTER[what.KIND])
    case.signatures.add(what.signature)


@_apply.register(settled.StatementIssued)
@_apply.register(settled.StatementDisputed)
def _stage(
    what: settled.StatementIssued | settled.StatementDisputed, case: Case, _entry: Logged
) -> None:
    case.stages[what.party] = AFTER[what.KIND]


@_apply.register
def _dismissed(what: settled.DisputeDismissed, case: Case, _entry: Logged) -> None:
    case.stages[what.party] = AFTER[what.KIND]
    case.signatures.add(what.signature)


@_apply.register
def _paid(what: settled.SettlementPaid, case: Case, _entry: Logged) -> None:
    case.stages[what.party] = AFTER[what.KIND]
    case.paid[what.party] = case.paid.get(what.party, 0) + what.amount_fen


@_apply.register
def _forgotten(what: BodyErased, case: Case, _entry: Logged) -> None:
    for asset, decision in case.decisions.items():
        if decision.index == what.entry:
            case.decisions[asset] = replace(decision, erased=True)
    # an approval stays: it is in the leaf, and the body held only its reasons
    for statement in case.statements.values():
        if statement.index == what.entry and not statement.name.startswith("approval."):
            statement.value, statement.erased = None, True
