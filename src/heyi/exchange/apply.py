"""Applying: a request is submitted, judged for each of its assets, supplied with what was missing, approved."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from dataclasses import replace

from heyi.crypto.canonical import Json, canonical, digest
from heyi.exchange.case import Case
from heyi.exchange.consortium import Consortium
from heyi.exchange.facts import assemble, may_not_state, stated_to_json
from heyi.exchange.register import to_plain
from heyi.federation.operation import Operation
from heyi.model.decision import Decision
from heyi.model.errors import InvalidInput
from heyi.model.fact import Source, Value
from heyi.model.request import Request
from heyi.policy.facts import admit
from heyi.policy.remedy import with_remedies
from heyi.policy.words import pack


def submit(house: Consortium, request: Request) -> Case:
    """Log a request. Nothing is judged yet.

    Raises:
        InvalidInput: an unknown party, asset, fact or value, or a case of that id exists.
    """
    if request.id in house.state.cases:
        raise InvalidInput(f"case `{request.id}` exists already", hint="give the request an id of its own")
    house.party(request.requester)
    house.party(request.recipient)
    for asset in request.assets:
        house.asset(asset)
    operations = [Operation(name=n, params=dict(p)) for n, p in request.operations.items()]
    if extra := sorted({k for o in operations for k in o.kinds} - set(request.kinds)):
        raise InvalidInput(f"an operation reads `{extra[0]}`, which the request does not ask for")
    schema = house.point.book.schema
    for name, value in (
        ("act.action", request.action),
        ("act.purpose", request.purpose),
        ("act.delivery", request.delivery),
    ):
        schema.spec(name).check(value)
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
    body = {"declared": _statements(house, request.declared, Source.DECLARED, None)}
    house.write(house.draft("request.submitted", actor=request.requester, case=request.id, public=public, body=body))
    return house.case(request.id)


_OTHERS_SAY = ("recipient.", "handler.", "requester.member", "requester.records_role", "approval.")
"""Facts that stand in the parties' own entries, and approvals, which are events of their own."""


def present(house: Consortium, request: Request, facts: Mapping[str, Value], *, registrar: str, attester: str) -> Case:
    """Submit a request and let each source state its own part of `facts`: the requester declares, the registry
    answers, an authority attests. What institutions' profiles and the catalogue know is left to them."""
    schema = house.point.book.schema
    parts: dict[Source, dict[str, Value]] = {s: {} for s in Source}
    for name, value in facts.items():
        if not name.startswith(_OTHERS_SAY):
            parts[schema.spec(name).source][name] = schema.spec(name).check(value)
    acts = ("act.action", "act.purpose", "act.delivery")
    declared = {n: v for n, v in parts[Source.DECLARED].items() if n not in acts}
    case = submit(house, replace(request, declared={**declared, **request.declared}))
    supply(house, request.id, parts[Source.REGISTRY], by=registrar, source=Source.REGISTRY)
    if attested := parts[Source.ATTESTED]:
        supply(house, request.id, attested, by=attester, source=Source.ATTESTED)
    return case


def supply(
    house: Consortium,
    case: str,
    facts: Mapping[str, Value],
    *,
    by: str,
    source: Source,
    asset: str = "*",
    until: dt.date | None = None,
) -> None:
    """State facts for a case: what the registry looked up, what an authority attests, what the requester adds.

    Raises:
        InvalidInput: the party may not state facts from that source, or one of them is an approval.
    """
    the_case = house.case(case)
    house.party(by)
    if why := may_not_state(house.state, the_case, by=by, source=source, names=facts):
        raise InvalidInput(why, hint="let whoever may say it state it")
    body = {"facts": _statements(house, facts, source, until)}
    public = {"asset": asset, "source": source.label, "names": sorted(facts)}
    house.write(house.draft("fact.stated", actor=by, case=case, public=public, body=body))


def _statements(
    house: Consortium, facts: Mapping[str, Value], source: Source, until: dt.date | None
) -> dict[str, Json]:
    return {
        name: {
            "value": to_plain(house.point.book.schema.spec(name).check(value)),
            "source": source.label,
            "until": until.isoformat() if until else None,
        }
        for name, value in facts.items()
    }


def decide(house: Consortium, case: str, assets: Collection[str] | None = None) -> dict[str, Decision]:
    """Judge a case for each of its assets by the rulebook in force, and log each answer.

    The leaf shows the answer; the packed facts stand in the body, to which the leaf commits.
    """
    the_case = house.case(case)
    if house.point.book.digest != house.state.rulebook:
        raise InvalidInput(
            "the rulebook in use is not the one that was adopted", hint="adopt it, or use the adopted one"
        )
    decisions: dict[str, Decision] = {}
    for name in assets if assets is not None else the_case.request["assets"]:
        stated = assemble(house.state, house.point.book.schema, the_case, house.asset(name)).stated
        admitted = admit(house.point.book.schema, stated, day=house.today)
        decision = house.point.decide(admitted, asset=name)
        public = decision_leaf(decision)
        words = pack(house.point.book.schema, admitted.known)
        body = {
            "words": [f"{w:064x}" for w in words],
            "rejected": dict(admitted.rejected),
            "stated": stated_to_json(stated),
        }
        house.write(house.draft("decision.made", case=case, public=public, body=body))
        if decision.alarm:
            house.write(house.draft("alarm.raised", case=case, public={"asset": name, "alarm": decision.alarm}))
        decisions[name] = with_remedies(house.point, decision, admitted)
    return decisions


def decision_leaf(decision: Decision) -> dict[str, Json]:
    """What of a decision everybody may see; `result` is the digest of the whole, to which replay must come."""
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
        "result": digest(decision.to_json()),
    }


def approve(
    house: Consortium,
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
    """Log the decision of a named authority, signed by it: with reasons, conditions (`min_cell`, `max_calls`, `days`)
    and the last day on which it holds.

    Raises:
        InvalidInput: no such authority, or the party does not speak for it.
    """
    the_case = house.case(case)
    house.point.book.schema.spec(f"approval.{authority}")
    if authority not in house.party(by).speaks_for:
        raise InvalidInput(f"`{by}` does not speak for `{authority}`", hint="register who speaks for an authority")
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
            "origin": house.log.signer.name,
        }
        signature = house.keyring.signer(by).sign(approval_message(case, said)).hex()
        kind = "approval.given" if given else "approval.refused"
        public = {**said, "signature": signature}
        drafts.append(house.draft(kind, actor=by, case=case, public=public, body={"reasons": reasons}))
    house.write(*drafts)


def approval_message(case: str, said: Mapping[str, Json]) -> bytes:
    """What an authority signs: the log, the case, the decision that it had before it, and what it said. A later
    decision makes an older approval unusable, so that it cannot be logged a second time."""
    return canonical({"case": case, **{k: v for k, v in said.items() if k != "signature"}})
