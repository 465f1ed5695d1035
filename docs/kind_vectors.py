"""The part of vectors/audit that has one event of every kind (docs/audit_vectors.py writes it)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, replace

from msgspec import structs

from heyi.audit.event import Event
from heyi.audit.log import Draft
from heyi.crypto.canonical import Json, canonical, digest
from heyi.crypto.codec import to_json
from heyi.crypto.commitment import Commitment, commit_bytes
from heyi.crypto.keys import Signer, derive
from heyi.crypto.merkle import leaf_hash
from heyi.exchange.events import applied, registered, settled, used
from heyi.exchange.events.erased import BodyErased
from heyi.exchange.events.succeeded import LogSucceeded
from heyi.exchange.events.typed import Content, TypedEvent, draft
from heyi.exchange.money.dispute import settlement_message
from heyi.exchange.request.apply import approval_message
from heyi.federation.node import node_events as node
from heyi.federation.wire.receipt import Receipt, sign_receipt
from heyi.model.asset import Asset, Field, Identifier, Reason
from heyi.model.decision import Outcome, Text
from heyi.model.party import Party, PartyKind, Tier
from heyi.model.permit import Permit
from heyi.permits.issue import issue

SEED = b"heyi audit vectors"
ORIGIN = "log.example/county"
NOON = 1_796_097_600
CASE = "diabetes"
DAY = dt.date(2026, 12, 1)


def signer(name: str) -> Signer:
    return Signer.from_seed(name, derive(SEED, "signer", name))


PLATFORM, CLINIC, COMMITTEE, DOCTOR = map(
    signer, ("platform", "clinic-li", "ethics-committee", "dr-wang")
)
SIGNERS = (PLATFORM, CLINIC, COMMITTEE, DOCTOR)
DIGEST = digest("a digest")
RECEIPT = Receipt(
    permit="diabetes-clinic",
    holder=CLINIC.name,
    host="county-hospital",
    operation=digest("operation"),
    argument=digest("argument"),
    number=1,
    refusal="",
    result=DIGEST,
    at=NOON,
)
REFUSED = replace(RECEIPT, number=2, refusal="too-few-persons", result="")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One event with its body and key; `signed` is (public key, message) of its signature."""

    event: Event
    body: bytes | None = None
    key: bytes | None = None
    signed: tuple[str, bytes] | None = None

    def to_json(self) -> dict[str, Json]:
        leaf = self.event.to_leaf()
        found: dict[str, Json] = {
            "kind": self.event.kind,
            "leaf": leaf.decode(),
            "hash_hex": leaf_hash(leaf).hex(),
            "body": None if self.body is None else self.body.decode(),
            "key_hex": None if self.key is None else self.key.hex(),
        }
        if self.signed:
            found["signed"] = {"key": self.signed[0], "message": self.signed[1].decode()}
        return found


def sealed(kind: str, body: Json) -> tuple[Commitment, bytes]:
    key = derive(SEED, "body of", kind)
    return commit_bytes(canonical(body), key), key


def sample(drafted: Draft, signed: tuple[str, bytes] | None = None) -> Sample:
    """A draft as the log keeps it."""
    if drafted.body is None:
        return Sample(event=drafted.event, signed=signed)
    commitment, key = sealed(drafted.event.kind, drafted.body)
    event = replace(drafted.event, commitment=commitment)
    return Sample(event=event, body=canonical(drafted.body), key=key, signed=signed)


def made(
    what: TypedEvent,
    by: Signer = PLATFORM,
    *,
    body: Content | None = None,
    signed: tuple[str, bytes] | None = None,
) -> Sample:
    case = CASE if what.OF_CASE or isinstance(what, BodyErased) else ""
    return sample(draft(what, at=NOON, by=by.name, case=case, body=body).draft, signed)


def party() -> registered.PartyRegistered:
    return registered.PartyRegistered(
        party=Party(
            id=CLINIC.name,
            kind=PartyKind.INSTITUTION,
            tier=Tier.VILLAGE,
            zh="李家村卫生室",
            en="Li village clinic",
            public_key=CLINIC.public_key,
            hosted_by="county-hospital",
        ),
        registry={"party.licensed": True},
    )


def asset() -> registered.AssetRegistered:
    why = Reason(zh="含健康数据", en="it holds health data")
    field = Field(
        heading="HbA1c",
        kind="laboratory_result",
        identifier=Identifier.SENSITIVE,
        level=3,
        reason=why,
        missing_permille=12,
    )
    return registered.AssetRegistered(
        asset=Asset(
            id="clinic-li-records",
            holder=CLINIC.name,
            zh="门诊记录",
            en="outpatient records",
            fields=(field,),
            level=3,
            level_reason=why,
            deid_grade=2,
            rows=300,
            duplicates=1,
            encoding="utf-8",
            digest=DIGEST,
            persons=290,
        )
    )


def request() -> applied.RequestSubmitted:
    return applied.RequestSubmitted(
        id=CASE,
        zh="糖尿病研究",
        en="a study of diabetes",
        requester=DOCTOR.name,
        recipient=DOCTOR.name,
        assets=("clinic-li-records",),
        kinds=("laboratory_result",),
        action="compute",
        purpose="research",
        delivery="federated",
        operations={"frequencies": {"by": "sex", "min": 5}},
        declared=("act.automated",),
    )


def decision() -> tuple[applied.DecisionMade, applied.Grounds]:
    what = applied.DecisionMade(
        asset="clinic-li-records",
        outcome=Outcome.NEEDS_APPROVAL,
        curable=False,
        rules={"PIPL-13.research": "T", "PIPL-15.withdrawn": "U"},
        missing=(),
        unknown=("consent.withdrawn",),
        approvals=("ethics_committee",),
        obligations=(),
        legal_day=DAY,
        rulebook=DIGEST,
        result=digest("result"),
    )
    said = applied.SaidBy(value=True, source="attested", until=dt.date(2027, 1, 1))
    body = applied.Grounds(words=("0" * 63 + "1",), rejected={}, stated={"act.ethical": said})
    return what, body


def approval(kind: type[applied.ApprovalAnswered], entry: int | None) -> Sample:
    body = applied.Reasons(reasons="the protocol is sound" if entry else "样本太小")
    what = kind(
        authority="ethics_committee",
        asset="clinic-li-records",
        conditions={"min_cell": 10} if entry else {},
        until=DAY if entry else None,
        decision=entry,
        signature="",
    )
    reasons = sealed(kind.KIND, to_json(body))[0]
    message = approval_message(what, origin=ORIGIN, case=CASE, at=NOON, reasons=reasons)
    what = structs.replace(what, signature=COMMITTEE.sign(message).hex())
    return made(what, COMMITTEE, body=body, signed=(COMMITTEE.public_key, message))


def answer(what: settled.DisputeAnswered | settled.SettlementApproved) -> Sample:
    body = None
    if isinstance(what, settled.DisputeAnswered):
        body = applied.Reasons(reasons="the count was checked")
    reasons = None if body is None else sealed(what.KIND, to_json(body))[0]
    message = settlement_message(what, origin=ORIGIN, case=CASE, at=NOON, reasons=reasons)
    what = structs.replace(what, signature=COMMITTEE.sign(message).hex())
    return made(what, COMMITTEE, body=body, signed=(COMMITTEE.public_key, message))


def token() -> str:
    permit = Permit(
        id="diabetes-clinic",
        case=CASE,
        asset="clinic-li-records",
        data=DIGEST,
        holder=CLINIC.name,
        audience="county-hospital",
        requester=DOCTOR.name,
        requester_key=DOCTOR.public_key,
        purpose="research",
        delivery="federated",
        kinds=("laboratory_result",),
        operations={"frequencies": digest("operation")},
        min_cell=10,
        max_calls=100,
        obligations=(),
        conditions=("ethics_committee.min_cell",),
        issued_at=NOON,
        expires_at=NOON + 86_400,
        decision=7,
        rulebook=DIGEST,
    )
    return issue(permit, issuer=PLATFORM, holder=CLINIC, requester=DOCTOR)


def signed_receipt(receipt: Receipt) -> tuple[dict[str, Json], tuple[str, bytes]]:
    return sign_receipt(receipt, CLINIC), (CLINIC.public_key, canonical(receipt.to_json()))


def statement() -> settled.StatementIssued:
    return settled.StatementIssued(
        party=CLINIC.name,
        study=CASE,
        pot_fen=1_000,
        share_fen=200,
        paid_fen=0,
        interim=False,
        contribution="100",
        low="100",
        high="100",
        interval=(80_000, 120_000),
        alone="200",
        last="0",
        total="1000",
        unit="persons",
        strata={"all": "100"},
        why=Text(zh="与他人共有的病人", en="patients that others share"),
        certificate=DIGEST,
        disputes_until=NOON + 7 * 86_400,
    )


def of_centre() -> Iterator[Sample]:
    """One event of every kind of the centre's log."""
    said = applied.SaidFacts(facts={"act.automated": applied.Said(value=False, until=None)})
    attested = applied.SaidFacts(facts={"act.ethical": applied.Said(value=True, until=DAY)})
    why = applied.Reasons(reasons="the study has ended")
    yield made(registered.RulebookAdopted(digest=DIGEST, layout=digest("layout"), rules=2))
    yield made(party())
    yield made(registered.NodeOpened(host="county-hospital", origin="node/h", log_key="0b" * 32))
    yield made(
        registered.ProfileVouched(party=CLINIC.name, facts={"profile.beds": 3, "profile.tier": "x"})
    )
    yield made(asset())
    yield made(request(), DOCTOR, body=said)
    yield made(
        applied.FactStated(asset="*", source="attested", names=("act.ethical",)),
        COMMITTEE,
        body=attested,
    )
    what, grounds = decision()
    yield made(what, body=grounds)
    yield made(applied.AlarmRaised(asset="clinic-li-records", alarm="the readings differ"))
    yield approval(applied.ApprovalGiven, 7)
    yield approval(applied.ApprovalRefused, None)
    yield made(
        applied.PermitIssued(permit=RECEIPT.permit, asset="clinic-li-records", token=token())
    )
    yield made(applied.PermitRevoked(permit=RECEIPT.permit), CLINIC, body=why)
    calls = ((RECEIPT.permit, 1, RECEIPT.argument), (RECEIPT.permit, 2, RECEIPT.argument))
    yield made(used.OperationAsked(operation=RECEIPT.operation, calls=calls), DOCTOR)
    fields, signed = signed_receipt(RECEIPT)
    yield made(used.OperationAnswered(**fields), CLINIC, signed=signed)
    fields, signed = signed_receipt(REFUSED)
    yield made(used.OperationRefused(**fields), CLINIC, signed=signed)
    yield made(
        used.ResultReleased(
            operation=RECEIPT.operation,
            answered=(CLINIC.name,),
            refused={"town-clinic": {"code": "too-few-persons"}},
            figures={"women": 20, "men": [11, None]},
        )
    )
    yield made(
        used.ConsentWithdrawn(scope="*", via=CLINIC.name),
        CLINIC,
        body=used.Subject(token="0a" * 16),
    )
    specification = {"kind": "coverage", "pot_fen": 1_000}
    yield made(settled.UtilityRegistered(specification=specification, digest=digest(specification)))
    yield made(
        settled.SettlementCertified(
            certificate=DIGEST,
            root="0c" * 32,
            players=(CLINIC.name, "county-hospital"),
            unit="persons",
            interim=False,
            phi=("100", "1801/2"),
            pot_fen=1_000,
            paid_fen={},
            shares_fen={CLINIC.name: 200, "county-hospital": 800},
            escrow_fen=0,
            disputes_until=NOON + 7 * 86_400,
        )
    )
    yield made(statement())
    yield made(
        settled.StatementDisputed(party=CLINIC.name, certificate=DIGEST),
        CLINIC,
        body=applied.Reasons(reasons="一个病人未计入"),
    )
    for kind in (settled.DisputeDismissed, settled.SettlementWithdrawn):
        yield answer(kind(party=CLINIC.name, certificate=DIGEST, signature=""))
    yield answer(settled.SettlementApproved(certificate=DIGEST, signature=""))
    yield made(
        settled.SettlementPaid(
            party=CLINIC.name, amount_fen=200, payment="money", by_leave_of="diabetes-payment"
        )
    )
    yield made(
        LogSucceeded(
            origin="heyi.example/before",
            log_key=CLINIC.public_key,
            checkpoint="heyi.example/before\n7\n…",
            lost=2,
            adopted=False,
        )
    )
    yield made(BodyErased(entry=6, reason="the subject asked for it"))


def of_node() -> Iterator[Sample]:
    """One event of every kind of a node's log."""

    def drafted(what: node.NodeEvent, body: node.WithdrawnToken | None = None) -> Sample:
        actor = CLINIC.name if isinstance(what, node.NodeReceipt) else "county-hospital"
        found = node.draft_node_event(what, at=NOON, actor=actor, case=CASE, body=body)
        return sample(found)

    yield drafted(node.NodeRevoked(permit=RECEIPT.permit, at=NOON))
    yield drafted(node.NodeWithdrew(scope=CASE, at=NOON - 1), node.WithdrawnToken(token="0a" * 16))
    yield drafted(node.QuestionPinned(permit=RECEIPT.permit, what="peers", digest=DIGEST))
    yield drafted(node.CallCharged(permit=RECEIPT.permit, number=1))
    for receipt in (RECEIPT, REFUSED):
        fields, signed = signed_receipt(receipt)
        yield replace(drafted(node.receipt_event(fields)), signed=signed)


def unexplained(of: dict[str, Sample]) -> Iterator[tuple[str, Sample]]:
    """Leaves that are well formed, and that no kind explains."""

    def public(kind: str, **changed: Json) -> Sample:
        event = of[kind].event
        return replace(of[kind], event=replace(event, public=event.public | changed))

    def without(kind: str, name: str) -> Sample:
        event = of[kind].event
        rest = {n: v for n, v in event.public.items() if n != name}
        return replace(of[kind], event=replace(event, public=rest))

    def around(kind: str, *, case: str = CASE, version: int = 1, name: str = "") -> Sample:
        event = of[kind].event
        event = replace(event, kind=name or kind, case=case, version=version)
        return replace(of[kind], event=event)

    def body(kind: str, value: Json) -> Sample:
        commitment, key = sealed(kind, value)
        event = replace(of[kind].event, commitment=commitment)
        return Sample(event=event, body=canonical(value), key=key)

    yield "an unknown kind", around("alarm.raised", name="alarm.ended")
    yield "a kind of a node", around("alarm.raised", name="call.charged")
    yield "an unknown version", around("alarm.raised", version=2)
    yield "a case where there is none", around("party.registered")
    yield "no case where there is one", around("decision.made", case="")
    yield "a member is lacking", without("decision.made", "curable")
    yield "a member that may be null is lacking", without("approval.given", "until")
    yield "a member of a value is lacking", public("statement.issued", why={"zh": "何故"})
    yield "a further member", public("permit.issued", note="")
    yield (
        "a further member of a value",
        public("statement.issued", why={"zh": "", "en": "", "a": 1}),
    )
    yield "a truth value for a number", public("settlement.paid", amount_fen=True)
    yield "a number for a truth value", public("decision.made", curable=0)
    yield "a text for a number", public("settlement.paid", amount_fen="200")
    yield "an unknown outcome", public("decision.made", outcome="allow")
    yield "a day that does not exist", public("decision.made", legal_day="2026-13-01")
    yield "a day with a time", public("decision.made", legal_day="2026-12-01T00:00:00Z")
    yield "a call of two parts", public("operation.asked", calls=[["p", 1]])
    yield "an interval of one part", public("statement.issued", interval=[1])
    party_ = of["party.registered"].event.public["party"]
    yield "a name that is no id", public("party.registered", party=party_ | {"id": "Clinic Li"})
    asset_ = of["asset.registered"].event.public["asset"]
    yield "a level beyond 5", public("asset.registered", asset=asset_ | {"level": 6})
    signature = of["approval.given"].event.public["signature"]
    yield "a signature in upper case", public("approval.given", signature=signature.upper())
    yield "a short signature", public("settlement.approved", signature=signature[2:])
    yield "a key that is none", public("node.opened", log_key="y")
    yield "a key in upper case", public("node.opened", log_key="0B" * 32)
    yield "a body where there is none", body("alarm.raised", {"reasons": ""})
    yield (
        "no body where there is one",
        Sample(event=replace(of["statement.disputed"].event, commitment=None)),
    )
    yield "a body with other members", body("statement.disputed", {"why": ""})
    yield "a body with a further member", body("statement.disputed", {"reasons": "", "a": 1})
    yield "a body that is a list", body("statement.disputed", [])
    yield "a body that is null", body("statement.disputed", None)


def false_signatures(of: dict[str, Sample]) -> Iterator[tuple[str, Sample]]:
    """Leaves that a kind explains, whose signature does not cover what they say."""
    given = of["approval.given"]
    for name, event in (
        ("at another time", replace(given.event, at=NOON + 1)),
        ("in another case", replace(given.event, case="another")),
        ("as a refusal", replace(given.event, kind="approval.refused")),
        ("with other conditions", _said(given, conditions={"min_cell": 1})),
        ("until another day", _said(given, until=None)),
        ("of another decision", _said(given, decision=8)),
        ("by somebody else", replace(given.event, actor=CLINIC.name)),
    ):
        yield f"an approval {name}", replace(given, event=event)
    value = {"reasons": "other reasons"}
    commitment, key = sealed("other reasons", value)
    yield (
        "an approval for other reasons",
        Sample(event=replace(given.event, commitment=commitment), body=canonical(value), key=key),
    )
    approved = of["settlement.approved"]
    yield (
        "the approval of another settlement",
        replace(approved, event=_said(approved, certificate=digest("another"))),
    )
    answered = of["operation.answered"]
    yield "a receipt of another result", replace(answered, event=_said(answered, result=""))


def _said(of: Sample, **changed: Json) -> Event:
    return replace(of.event, public=of.event.public | changed)


def refused(why: str, one: Sample) -> Json:
    return {"why": why} | replace(one, signed=None).to_json()


def vectors() -> Json:
    samples = list(of_centre())
    of = {s.event.kind: s for s in samples}
    return {
        "about": "One leaf of every kind with its body and key; `signed` has the message that its "
        "signature covers. Leaves that are refused with their bodies: no kind explains them "
        "(`unexplained`), or their signature is of something else (`false`).",
        "origin": ORIGIN,
        "parties": {s.name: s.public_key for s in SIGNERS},
        "centre": [s.to_json() for s in samples],
        "node": [s.to_json() for s in of_node()],
        "unexplained": [refused(why, s) for why, s in unexplained(of)],
        "false": [refused(why, s) for why, s in false_signatures(of)],
    }
