"""Apply for the use of data: submit a request, state facts, have it decided and approved."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from dataclasses import replace

from heyi.crypto.canonical import Json, canonical, digest
from heyi.exchange.consortium import Consortium
from heyi.exchange.request.facts import assemble, may_not_state, stated_to_json
from heyi.exchange.request.register import to_plain
from heyi.exchange.state import Case
from heyi.federation.wire.operation import Operation
from heyi.model.decision import Decision
from heyi.model.errors import InvalidInput
from heyi.model.fact import Source, Value
from heyi.model.request import Request
from heyi.policy.decision_json import decision_to_json
from heyi.policy.engines.packed import pack
from heyi.policy.language.schema import admit
from heyi.policy.remedy import with_remedies


def submit(consortium: Consortium, request: Request) -> Case:
    """Log a request. Nothing is judged yet.

    Raises:
        InvalidInput: an unknown party, asset, fact or value; an operation reads more than was
            asked for; or a case with that id exists.
    """
    operations = [Operation(name=n, params=dict(p)) for n, p in request.operations.items()]
    _check_known(consortium, request, operations)
    public = {
        "id": request.id,
        "zh": request.zh,
        "en": request.en,
        "requester": request.requester,
        "recipient": request.recipient,
        "assets": list(request.assets),
        "kinds": list(request.kinds),
        "action": request.action,
        "purpose": request.purpose,
        "delivery": request.delivery,
        "operations": [o.to_json() for o in operations],
        "declared": sorted(request.declared),
    }
    body = {"declared": _statements(consortium, request.declared, Source.DECLARED, None)}
    consortium.write(
        consortium.draft(
            "request.submitted", actor=request.requester, case=request.id, public=public, body=body
        )
    )
    return consortium.case(request.id)


def _check_known(
    consortium: Consortium, request: Request, operations: Collection[Operation]
) -> None:
    if request.id in consortium.state.cases:
        raise InvalidInput(
            f"case `{request.id}` exists already", hint="give the request an id of its own"
        )
    consortium.party(request.requester)
    consortium.party(request.recipient)
    for asset in request.assets:
        consortium.asset(asset)
    if extra := sorted({k for o in operations for k in o.kinds} - set(request.kinds)):
        raise InvalidInput(f"an operation reads `{extra[0]}`, which the request does not ask for")
    schema = consortium.point.book.schema
    for name, value in (
        ("act.action", request.action),
        ("act.purpose", request.purpose),
        ("act.delivery", request.delivery),
    ):
        schema.spec(name).check(value)


_OTHERS_SAY = ("recipient.", "handler.", "requester.member", "requester.records_role", "approval.")
"""Beginnings of facts that come from parties' entries in the registry, or from approvals."""


def present(
    consortium: Consortium,
    request: Request,
    facts: Mapping[str, Value],
    *,
    registrar: str,
    attester: str,
) -> Case:
    """Submit a request, and state each of `facts` from the source that its schema asks for.

    The requester declares, the registry answers, and an authority attests. Facts of profiles and of
    the catalogue are left out, since institutions have registered them.

    Raises:
        InvalidInput: as `submit` and `supply`.
    """
    schema = consortium.point.book.schema
    parts: dict[Source, dict[str, Value]] = {s: {} for s in Source}
    for name, value in facts.items():
        if not name.startswith(_OTHERS_SAY):
            parts[schema.spec(name).source][name] = schema.spec(name).check(value)
    acts = ("act.action", "act.purpose", "act.delivery")
    declared = {n: v for n, v in parts[Source.DECLARED].items() if n not in acts}
    case = submit(consortium, replace(request, declared={**declared, **request.declared}))
    supply(consortium, request.id, parts[Source.REGISTRY], by=registrar, source=Source.REGISTRY)
    if attested := parts[Source.ATTESTED]:
        supply(consortium, request.id, attested, by=attester, source=Source.ATTESTED)
    return case


def supply(
    consortium: Consortium,
    case: str,
    facts: Mapping[str, Value],
    *,
    by: str,
    source: Source,
    asset: str = "*",
    until: dt.date | None = None,
) -> None:
    """State facts for one asset of a case or for all (`*`); `until` is the last day they hold.

    Raises:
        InvalidInput: the party may not state facts from that source, or one of them is an approval.
    """
    the_case = consortium.case(case)
    consortium.party(by)
    if why := may_not_state(consortium.state, the_case, by=by, source=source, names=facts):
        raise InvalidInput(why, hint="let whoever may say it state it")
    body = {"facts": _statements(consortium, facts, source, until)}
    public = {"asset": asset, "source": source.label, "names": sorted(facts)}
    consortium.write(consortium.draft("fact.stated", actor=by, case=case, public=public, body=body))


def _statements(
    consortium: Consortium, facts: Mapping[str, Value], source: Source, until: dt.date | None
) -> dict[str, Json]:
    return {
        name: {
            "value": to_plain(consortium.point.book.schema.spec(name).check(value)),
            "source": source.label,
            "until": until.isoformat() if until else None,
        }
        for name, value in facts.items()
    }


def decide(
    consortium: Consortium, case: str, assets: Collection[str] | None = None
) -> dict[str, Decision]:
    """Judge a case for each of its assets by the rulebook in force, and log each answer.

    The leaf has the answer. The body, to which the leaf commits, has the facts as stated and as
    packed words, so that a replay can judge again.

    Raises:
        InvalidInput: the rulebook in use is not the adopted one, or an unknown case or asset.
    """
    the_case = consortium.case(case)
    if consortium.point.book.digest != consortium.state.rulebook:
        raise InvalidInput(
            "the rulebook in use is not the one that was adopted",
            hint="adopt it, or use the adopted one",
        )
    decisions: dict[str, Decision] = {}
    for name in assets if assets is not None else the_case.request["assets"]:
        stated = assemble(
            consortium.state, consortium.point.book.schema, the_case, consortium.asset(name)
        ).stated
        admitted = admit(consortium.point.book.schema, stated, day=consortium.today)
        decision = consortium.point.decide(admitted, asset=name)
        public = decision_leaf(decision)
        words = pack(consortium.point.book.schema, admitted.known)
        body = {
            "words": [f"{w:064x}" for w in words],
            "rejected": dict(admitted.rejected),
            "stated": stated_to_json(stated),
        }
        consortium.write(consortium.draft("decision.made", case=case, public=public, body=body))
        if decision.alarm:
            consortium.write(
                consortium.draft(
                    "alarm.raised", case=case, public={"asset": name, "alarm": decision.alarm}
                )
            )
        # remedies are computed after the answer is logged; they are advice, not part of it
        decisions[name] = with_remedies(consortium.point, decision, admitted)
    return decisions


def decision_leaf(decision: Decision) -> dict[str, Json]:
    """The public part of a decision; `result` is the digest of the whole, which a replay checks."""
    return {
        "asset": decision.asset,
        "outcome": decision.outcome.value,
        "curable": decision.curable,
        "rules": {f.rule: f.truth.value for f in decision.findings},
        "missing": [m.fact for m in decision.missing],
        "unknown": list(decision.unknown),
        "approvals": list(decision.approvals),
        "obligations": [o.rule for o in decision.obligations],
        "legal_day": decision.legal_day.isoformat(),
        "rulebook": decision.rulebook,
        "result": digest(decision_to_json(decision)),
    }


def approve(
    consortium: Consortium,
    case: str,
    *,
    authority: str,
    by: str,
    given: bool,
    reasons: str,
    assets: Collection[str] | None = None,
    conditions: Mapping[str, int] | None = None,
    until: dt.date | None = None,
) -> None:
    """Log the signed decision of a named authority, with its reasons.

    `conditions` are `min_cell`, `max_calls` and `days`; `until` is the last day on which it holds.

    Raises:
        InvalidInput: no such authority or condition, or the party does not speak for it.
    """
    the_case = consortium.case(case)
    consortium.point.book.schema.spec(f"approval.{authority}")
    if authority not in consortium.party(by).speaks_for:
        raise InvalidInput(
            f"`{by}` does not speak for `{authority}`", hint="register who speaks for an authority"
        )
    if wrong := sorted(set(conditions or {}) - {"min_cell", "max_calls", "days"}):
        raise InvalidInput(f"unknown condition `{wrong[0]}`", hint="min_cell, max_calls or days")
    drafts = []
    for asset in assets if assets is not None else the_case.request["assets"]:
        said = {
            "authority": authority,
            "asset": asset,
            "given": given,
            "conditions": dict(conditions or {}),
            "until": until.isoformat() if until else None,
            "decision": the_case.decisions[asset].index if asset in the_case.decisions else None,
            "origin": consortium.log.signer.name,
        }
        signature = consortium.keyring.signer(by).sign(approval_message(case, said)).hex()
        kind = "approval.given" if given else "approval.refused"
        public = {**said, "signature": signature}
        drafts.append(
            consortium.draft(kind, actor=by, case=case, public=public, body={"reasons": reasons})
        )
    consortium.write(*drafts)


def approval_message(case: str, said: Mapping[str, Json]) -> bytes:
    """The bytes that an authority signs: log, case, the decision that it read, and its answer.

    The decision's index is included, so nobody can log the approval again after a later decision.
    """
    return canonical({"case": case, **{k: v for k, v in said.items() if k != "signature"}})
