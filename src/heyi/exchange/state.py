"""State as the fold of events: parties, profiles, assets, and each case with everything that happened to it.

Nothing here decides; a fold of the same events gives the same state in the console, the API and the audit. Erased
bodies are accepted: what they held is then unknown.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from heyi.audit.event import Event
from heyi.crypto.canonical import Json
from heyi.model.asset import Asset, Field, Identifier, NationalLevel, Reason
from heyi.model.decision import Outcome
from heyi.model.party import Party, PartyKind, Tier
from heyi.settlement.stages import AFTER, Stage


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
    """One fact as somebody stated it for a case; `asset` is `*` for all assets, `value` is None once it was erased."""

    index: int
    asset: str
    name: str
    value: Json
    source: str
    until: str | None


@dataclass(slots=True, kw_only=True)
class Case:
    """One request and what happened to it. `statements` are in the order of the log; `asked` is the highest
    call number announced under each permit; `utility` the digest of the registered `specification`; `settlement` is the
    latest of so many `settlements`, `stages` where each share of it stands, `paid` what was paid in all, in fen."""

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
        """Whether the settlement was paid on intervals, so that another follows when the values are known."""
        return bool(self.settlement.get("interim")) and set(self.stages.values()) == {Stage.PAID}

    @property
    def status(self) -> str:
        """Where the case stands; approved is not granted, and granted is not in force."""
        outcomes = {d.outcome for d in self.decisions.values()}
        if self.permits:
            return "revoked" if set(self.permits) <= self.revoked else "granted"
        if not outcomes:
            return "submitted"
        if len(outcomes) > 1 and "deny" in outcomes:
            return "mixed"
        return max(outcomes, key=[o.value for o in Outcome].index)


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
        """Take in one event. `body` is None where there is none or where it was erased."""
        public = event.public
        case = self.cases.get(event.case)
        if case is not None:
            case.history.append((index, event.kind))
        match event.kind:
            case "rulebook.adopted":
                self.rulebook = public["digest"]
            case "party.registered":
                party = party_from_json(public)
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
                self.cases[event.case] = Case(id=event.case, request=public, at=event.at)
                self.cases[event.case].history.append((index, event.kind))
                declared = dict.fromkeys(public["declared"]) if body is None else body["declared"]
                self._take(index, event.case, "*", declared, "declared")
            case "fact.stated":
                facts = dict.fromkeys(public["names"]) if body is None else body["facts"]
                self._take(index, event.case, public["asset"], facts, public["source"])
            case "decision.made":
                assert case is not None
                case.decisions[public["asset"]] = LatestDecision(
                    index=index,
                    outcome=public["outcome"],
                    curable=public["curable"],
                    rulebook=public["rulebook"],
                    obligations=tuple(public["obligations"]),
                )
            case "approval.given" | "approval.refused":
                assert case is not None
                case.approvals[f"{public['authority']}/{public['asset']}"] = public
                said = {
                    "value": "given" if public["given"] else "refused",
                    "until": public["until"],
                }
                facts = {f"approval.{public['authority']}": said}
                self._take(index, event.case, public["asset"], facts, "attested")
            case "body.erased":
                # what was erased is unknown from now on, as it will be for whoever folds the log later
                for statement in (s for c in self.cases.values() for s in c.statements):
                    if statement.index == public["entry"] and not statement.name.startswith(
                        "approval."
                    ):
                        statement.value = None
            case "permit.issued":
                assert case is not None
                case.permits[public["permit"]] = public["token"]
            case "permit.revoked":
                assert case is not None
                case.revoked.add(public["permit"])
            case "operation.asked":
                assert case is not None
                for permit, number, _ in public["calls"]:
                    case.asked[permit] = max(case.asked.get(permit, 0), number)
            case "result.released":
                assert case is not None
                case.results.append(public)
            case "utility.registered":
                assert case is not None
                case.utility, case.specification = public["digest"], public["specification"]
            case "settlement.certified":
                assert case is not None
                case.settlement = public
                case.settlements += 1
                case.stages = dict.fromkeys(public["players"], Stage.ACCRUED)
            case "settlement.withdrawn":
                assert case is not None
                case.settlement, case.stages = {}, {}
            case "settlement.approved":
                assert case is not None
                case.stages = dict.fromkeys(case.stages, AFTER[event.kind])
            case (
                "statement.issued" | "statement.disputed" | "dispute.dismissed" | "settlement.paid"
            ):
                assert case is not None
                party = public["party"]
                case.stages[party] = AFTER[event.kind]
                if event.kind == "settlement.paid":
                    case.paid[party] = case.paid.get(party, 0) + public["amount_fen"]
            case _:
                pass

    def _take(
        self, index: int, case: str, asset: str, facts: Mapping[str, Json], source: str
    ) -> None:
        self.cases[case].statements += [
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


def party_to_json(party: Party) -> dict[str, Json]:
    return {
        "id": party.id,
        "kind": party.kind.value,
        "tier": party.tier.value,
        "zh": party.zh,
        "en": party.en,
        "public_key": party.public_key,
        "hosted_by": party.hosted_by,
        "speaks_for": list(party.speaks_for),
    }


def party_from_json(value: Json) -> Party:
    return Party(
        id=value["id"],
        kind=PartyKind(value["kind"]),
        tier=Tier(value["tier"]),
        zh=value["zh"],
        en=value["en"],
        public_key=value["public_key"],
        hosted_by=value["hosted_by"],
        speaks_for=tuple(value["speaks_for"]),
    )


def asset_to_json(asset: Asset) -> dict[str, Json]:
    return {
        "id": asset.id,
        "holder": asset.holder,
        "zh": asset.zh,
        "en": asset.en,
        "fields": [
            {
                "heading": f.heading,
                "kind": f.kind,
                "identifier": f.identifier.value,
                "level": f.level,
                "zh": f.reason.zh,
                "en": f.reason.en,
                "missing_permille": f.missing_permille,
            }
            for f in asset.fields
        ],
        "level": asset.level,
        "level_reason": {"zh": asset.level_reason.zh, "en": asset.level_reason.en},
        "deid_grade": asset.deid_grade,
        "rows": asset.rows,
        "duplicates": asset.duplicates,
        "encoding": asset.encoding,
        "digest": asset.digest,
        "special": list(asset.special),
        "persons": asset.persons,
        "youngest": asset.youngest,
        "origin": asset.origin,
        "secret": asset.secret,
        "national_level": asset.national_level.value,
    }


def asset_from_json(value: Json) -> Asset:
    plain = (
        "id",
        "holder",
        "zh",
        "en",
        "level",
        "deid_grade",
        "rows",
        "duplicates",
        "encoding",
        "digest",
    )
    return Asset(
        **{n: value[n] for n in (*plain, "persons", "youngest", "origin", "secret")},
        fields=tuple(
            Field(
                heading=f["heading"],
                kind=f["kind"],
                identifier=Identifier(f["identifier"]),
                level=f["level"],
                reason=Reason(zh=f["zh"], en=f["en"]),
                missing_permille=f["missing_permille"],
            )
            for f in value["fields"]
        ),
        level_reason=Reason(**value["level_reason"]),
        special=tuple(value["special"]),
        national_level=NationalLevel(value["national_level"]),
    )
