"""The plan of a study (who takes part, what is asked, approved and valued) and how it is opened."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from heyi.exchange.consortium import PLATFORM, Consortium
from heyi.exchange.money.dispute import AUTHORITY
from heyi.exchange.request.apply import approve, decide, present
from heyi.exchange.request.facts import OF_THE_REQUEST
from heyi.exchange.request.grant import Terms, grant
from heyi.exchange.request.register import adopt_rulebook, register_party, vouch_profile
from heyi.exchange.study.joint_study import register_study
from heyi.exchange.study.valuation import Valuation
from heyi.federation.wire.operation import Operation
from heyi.model.decision import Decision
from heyi.model.errors import InvalidInput
from heyi.model.fact import Value
from heyi.model.party import Party, PartyKind, Tier
from heyi.model.request import Request
from heyi.policy.language.profiles import expand_profiles
from heyi.settlement.pot import Pot

ATTESTER = "attesting-authority"


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """An institution and the name of its file."""

    id: str
    zh: str
    en: str
    tier: Tier
    file: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedApproval:
    """The decision of an authority, as the study file records it."""

    authority: str
    by: str
    given: bool
    reasons: str
    conditions: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyPlan:
    """The contents of a study file.

    `columns` names the columns of files without a header. The stewards state `origin` and `secret`
    about the data. `like` names profiles of facts; `facts` go over them. `settles` is the party
    that approves the settlement.
    """

    id: str
    zh: str
    en: str
    requester: str
    sites: tuple[Site, ...]
    columns: tuple[str, ...] | None
    origin: str
    secret: bool
    operations: tuple[Operation, ...]
    like: tuple[str, ...]
    facts: Mapping[str, Value]
    profile: Mapping[str, Value]
    registry: Mapping[str, Value]
    approvals: tuple[PlannedApproval, ...]
    valuation: Valuation
    pot: Pot
    settles: str
    terms: Terms

    @property
    def kinds(self) -> tuple[str, ...]:
        """The fields that the operations read, each once."""
        return tuple(dict.fromkeys(k for o in self.operations for k in o.kinds))

    def asset(self, site: str) -> str:
        return f"{site}-{self.id}"


def register_plan(consortium: Consortium, plan: StudyPlan) -> None:
    """Adopt the rulebook and register the parties of a study."""
    adopt_rulebook(consortium, by=PLATFORM)

    def party(
        name: str, kind: PartyKind, tier: Tier, zh: str, en: str, speaks_for: tuple[str, ...] = ()
    ) -> None:
        key = consortium.keyring.signer(name).public_key
        known = Party(
            id=name, kind=kind, tier=tier, zh=zh, en=en, public_key=key, speaks_for=speaks_for
        )
        register_party(
            consortium,
            known,
            dict(plan.registry) if kind is not PartyKind.AUTHORITY else {},
            by=PLATFORM,
        )

    party(PLATFORM, PartyKind.OPERATOR, Tier.NATION, "协同平台", "platform")
    party(plan.requester, PartyKind.REQUESTER, Tier.NATION, "申请人", "requester")
    party(ATTESTER, PartyKind.AUTHORITY, Tier.NATION, "证明机构", "attesting authority")
    for name in sorted({*(a.by for a in plan.approvals), plan.settles}):
        authorities = tuple(sorted({a.authority for a in plan.approvals if a.by == name}))
        authorities += (AUTHORITY,) if name == plan.settles else ()
        party(name, PartyKind.AUTHORITY, Tier.NATION, name, name, authorities)
    for site in plan.sites:
        party(site.id, PartyKind.INSTITUTION, site.tier, site.zh, site.en)
        vouch_profile(consortium, site.id, plan.profile, by=PLATFORM)


def open_plan(consortium: Consortium, plan: StudyPlan) -> list[dict[str, Decision]]:
    """Submit the request of a study, log what authorities decide, and grant what is permitted.

    Returns the rounds of decisions by asset: one before approvals and, if there were any, one
    after. If the last round permits nothing, nothing is granted.

    Raises:
        InvalidInput: the rulebook does not know a word of the plan, or a fact about the act is
            missing.
    """
    facts = {**expand_profiles(list(plan.like), consortium.point.book.texts), **plan.facts}
    if absent := sorted(set(OF_THE_REQUEST) - set(facts)):
        raise InvalidInput(
            f"study `{plan.id}` does not say `{absent[0]}`",
            hint="name a profile in `like`, or write it under [request.facts]",
        )
    schema = consortium.point.book.schema
    operations = {o.name: o.params for o in plan.operations}
    request = Request(
        id=plan.id,
        zh=plan.zh,
        en=plan.en,
        requester=plan.requester,
        recipient=plan.requester,
        assets=tuple(plan.asset(s.id) for s in plan.sites),
        kinds=plan.kinds,
        action=str(facts["act.action"]),
        purpose=str(facts["act.purpose"]),
        delivery=str(facts["act.delivery"]),
        operations=operations,
    )
    stated = {n: schema.spec(n).check(v) for n, v in facts.items()}
    present(consortium, request, stated, by=plan.requester, registrar=PLATFORM, attester=ATTESTER)
    rounds = [decide(consortium, plan.id, by=PLATFORM)]
    for a in plan.approvals:
        approve(
            consortium,
            plan.id,
            authority=a.authority,
            by=a.by,
            given=a.given,
            reasons=a.reasons,
            conditions=a.conditions,
        )
    if plan.approvals:
        rounds.append(decide(consortium, plan.id, by=PLATFORM))
    if any(d.outcome.is_permit for d in rounds[-1].values()):
        register_study(consortium, plan.id, plan.valuation, plan.pot, by=plan.requester)
        grant(consortium, plan.id, plan.terms, by=PLATFORM)
    return rounds
