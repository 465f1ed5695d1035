"""The state as the fold of events: parties, profiles, assets, and cases with what happened to them.

Nothing here decides. The same events give the same state in the console, the API and the audit. A
body that was erased is accepted: what it held is then unknown.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from heyi.audit.event import Event
from heyi.crypto.canonical import Json
from heyi.crypto.codec import from_json, to_json
from heyi.model.asset import Asset
from heyi.model.decision import Outcome
from heyi.model.party import Party
from heyi.settlement.stages import AFTER, Stage

_OF_A_CASE = (
    *("fact.", "decision.", "approval.", "permit.", "operation.", "result.", "utility."),
    *("settlement.", "statement.", "dispute."),
)
"""Beginnings of the kinds of events that need a case."""


@dataclass(slots=True, kw_only=True)
class LatestDecision:
    """The latest decision on one asset of a case, as logged."""

    index: int
    outcome: str
    curable: bool
    rulebook: str
    obligations: tuple[str, ...]


@dataclass(slots=True, kw_only=True)
class StatedFact:
    """One fact as somebody stated it for a case.

    `asset` is `*` for all assets; `value` is None once it was erased.
    """

    index: int
    asset: str
    name: str
    value: Json
    source: str
    until: str | None


@dataclass(slots=True, kw_only=True)
class Case:
    """One request and what happened to it.

    `statements` are in the order of the log. `asked` is the highest call number that was announced
    under each permit. `utility` is the digest of the registered `specification`. `settlement` is
    the latest one, and `settlements` counts all. `stages` has the stage of each institution's share
    in the latest one; `paid` is what each institution was paid in all settlements, in fen.
    """

    id: str
    request: dict[str, Json]
    at: int
    statements: list[StatedFact] = field(default_factory=list)
    decisions: dict[str, LatestDecision] = field(default_factory=dict)
    history: list[tuple[int, str]] = field(default_factory=list)
    approvals: dict[str, dict[str, Json]] = field(default_factory=dict)
    permits: dict[str, str] = field(default_factory=dict)
    revoked: set[str] = field(default_factory=set)
    asked: dict[str, int] = field(default_factory=dict)
    results: list[Json] = field(default_factory=list)
    utility: str = ""
    specification: dict[str, Json] = field(default_factory=dict)
    settlement: dict[str, Json] = field(default_factory=dict)
    settlements: int = 0
    stages: dict[str, Stage] = field(default_factory=dict)
    paid: dict[str, int] = field(default_factory=dict)

    @property
    def paid_fen(self) -> int:
        """What was paid to all."""
        return sum(self.paid.values())

    @property
    def trues_up(self) -> bool:
        """Whether the settlement was paid on intervals; another follows when values are known."""
        return bool(self.settlement.get("interim")) and set(self.stages.values()) == {Stage.PAID}

    @property
    def status(self) -> str:
        """The status of the case; approved is not granted, and granted is not in force."""
        outcomes = {d.outcome for d in self.decisions.values()}
        if self.permits:
            return "revoked" if set(self.permits) <= self.revoked else "granted"
        if not outcomes:
            return "submitted"
        if len(outcomes) > 1 and "deny" in outcomes:
            return "mixed"
        # the members of Outcome are in order from permit to deny: the case is as far as its worst
        return max(outcomes, key=[o.value for o in Outcome].index)

    def apply(self, index: int, event: Event, body: Json) -> None:
        """Take in one event of this case."""
        public = event.public
        match event.kind:
            case "fact.stated":
                facts = dict.fromkeys(public["names"]) if body is None else body["facts"]
                self.take(index, public["asset"], facts, public["source"])
            case "decision.made":
                self.decisions[public["asset"]] = LatestDecision(
                    index=index,
                    outcome=public["outcome"],
                    curable=public["curable"],
                    rulebook=public["rulebook"],
                    obligations=tuple(public["obligations"]),
                )
            case "approval.given" | "approval.refused":
                # an approval is two things: the signed act, and a fact that the rules read
                self.approvals[f"{public['authority']}/{public['asset']}"] = public
                answer = "given" if public["given"] else "refused"
                said = {"value": answer, "until": public["until"]}
                facts = {f"approval.{public['authority']}": said}
                self.take(index, public["asset"], facts, "attested")
            case "permit.issued":
                self.permits[public["permit"]] = public["token"]
            case "permit.revoked":
                self.revoked.add(public["permit"])
            case "operation.asked":
                for permit, number, _ in public["calls"]:
                    self.asked[permit] = max(self.asked.get(permit, 0), number)
            case "result.released":
                self.results.append(public)
            case "utility.registered":
                self.utility, self.specification = public["digest"], public["specification"]
            case _:
                self._apply_money(event)

    def _apply_money(self, event: Event) -> None:
        public = event.public
        match event.kind:
            case "settlement.certified":
                self.settlement = public
                self.settlements += 1
                self.stages = dict.fromkeys(public["players"], Stage.ACCRUED)
            case "settlement.withdrawn":
                self.settlement, self.stages = {}, {}
            case "settlement.approved":
                self.stages = dict.fromkeys(self.stages, AFTER[event.kind])
            case "statement.issued" | "statement.disputed" | "dispute.dismissed":
                self.stages[public["party"]] = AFTER[event.kind]
            case "settlement.paid":
                party = public["party"]
                self.stages[party] = AFTER[event.kind]
                self.paid[party] = self.paid.get(party, 0) + public["amount_fen"]

    def take(self, index: int, asset: str, facts: Mapping[str, Json], source: str) -> None:
        """Add facts that were stated in one event; a fact is None where its body was erased."""
        self.statements += [
            StatedFact(
                index=index,
                asset=asset,
                name=name,
                value=None if said is None else said["value"],
                source=source,
                until=None if said is None else said["until"],
            )
            for name, said in facts.items()
        ]

    def forget(self, index: int) -> None:
        """Make the facts that one event stated unknown, since its body was erased.

        An approval stays: it is in the leaf, and the body held only its reasons.
        """
        for statement in self.statements:
            if statement.index == index and not statement.name.startswith("approval."):
                statement.value = None


@dataclass(slots=True, kw_only=True)
class State:
    """The fold of the centre's log."""

    parties: dict[str, Party] = field(default_factory=dict)
    registry: dict[str, dict[str, Json]] = field(default_factory=dict)
    profiles: dict[str, dict[str, Json]] = field(default_factory=dict)
    assets: dict[str, Asset] = field(default_factory=dict)
    cases: dict[str, Case] = field(default_factory=dict)
    nodes: dict[str, tuple[str, str]] = field(default_factory=dict)
    rulebook: str = ""

    def apply(self, index: int, event: Event, body: Json) -> None:
        """Take in one event. `body` is None where there is none or where it was erased.

        Raises:
            KeyError: the event needs a case that nobody submitted, or it lacks a field.
            InvalidInput: it registers a malformed party or asset.
        """
        public = event.public
        if event.case in self.cases:
            self.cases[event.case].history.append((index, event.kind))
        match event.kind:
            case "rulebook.adopted":
                self.rulebook = public["digest"]
            case "party.registered":
                party = from_json({k: v for k, v in public.items() if k != "registry"}, Party)
                self.parties[party.id] = party
                self.registry[party.id] = dict(public["registry"])
            case "node.opened":
                self.nodes[public["host"]] = (public["origin"], public["log_key"])
            case "profile.vouched":
                self.profiles.setdefault(public["party"], {}).update(public["facts"])
            case "asset.registered":
                asset = asset_from_json(public)
                self.assets[asset.id] = asset
            case "request.submitted":
                case = Case(id=event.case, request=public, at=event.at)
                case.history.append((index, event.kind))
                self.cases[event.case] = case
                declared = dict.fromkeys(public["declared"]) if body is None else body["declared"]
                case.take(index, "*", declared, "declared")
            case "body.erased":
                # a later fold of the log will not find these facts either
                for case in self.cases.values():
                    case.forget(public["entry"])
            case kind if kind.startswith(_OF_A_CASE):
                self.cases[event.case].apply(index, event, body)


def asset_to_json(asset: Asset) -> dict[str, Json]:
    """The asset in JSON; the reason of a field's level is flat, `zh` and `en` beside the level."""
    value: dict[str, Json] = to_json(asset)
    for column in value["fields"]:
        column.update(column.pop("reason"))
    return value


def asset_from_json(value: dict[str, Json]) -> Asset:
    """The inverse of `asset_to_json`.

    Raises:
        InvalidInput: it is malformed.
    """
    fields = []
    for column in value["fields"]:
        reason = {"zh": column["zh"], "en": column["en"]}
        others = {k: v for k, v in column.items() if k not in reason}
        fields.append({**others, "reason": reason})
    return from_json({**value, "fields": fields}, Asset)
