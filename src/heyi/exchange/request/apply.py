"""Apply for the use of data: submit a request, state facts, have it decided and approved."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from dataclasses import replace

from msgspec import structs

from heyi.crypto.canonical import canonical, digest
from heyi.crypto.codec import to_json
from heyi.crypto.commitment import Commitment
from heyi.exchange.case_file import Case
from heyi.exchange.consortium import Consortium, command
from heyi.exchange.events import applied
from heyi.exchange.request.facts import (
    OF_THE_REQUEST,
    OTHERS_SAY,
    assemble,
    may_not_state,
    said_by,
    said_elsewhere,
)
from heyi.exchange.request.leave_to_pay import misstated, reserved_request
from heyi.exchange.request.register import to_plain
from heyi.exchange.writer import Done
from heyi.federation.wire.operation import Operation
from heyi.model.decision import Decision
from heyi.model.errors import InvalidInput
from heyi.model.fact import Source, Value
from heyi.model.request import Request
from heyi.policy.decision_json import decision_to_json
from heyi.policy.engines.packed import pack, unpack
from heyi.policy.language.schema import Admitted, Schema, admit
from heyi.policy.remedy import with_remedies


@command
def submit(consortium: Consortium, request: Request, *, by: str) -> Done[None]:
    """Log a request. Nothing is judged yet.

    Raises:
        InvalidInput: an unknown party, asset, fact or value; an operation reads more than was
            asked for; or a case with that id exists.
    """
    operations = [Operation(name=n, params=dict(p)) for n, p in request.operations.items()]
    _check_known(consortium, request, operations)
    if by != request.requester:
        raise InvalidInput(f"`{by}` cannot submit for `{request.requester}`", hint="let it submit")
    submitted = applied.RequestSubmitted(
        id=request.id,
        zh=request.zh,
        en=request.en,
        requester=request.requester,
        recipient=request.recipient,
        assets=request.assets,
        kinds=request.kinds,
        action=request.action,
        purpose=request.purpose,
        delivery=request.delivery,
        operations={o.name: o.params for o in operations},
        declared=tuple(sorted(request.declared)),
    )
    body = applied.SaidFacts(facts=_said(consortium, request.declared, None))
    return Done([consortium.draft(submitted, by=by, case=request.id, body=body)], None)


def _check_known(
    consortium: Consortium, request: Request, operations: Collection[Operation]
) -> None:
    if request.id in consortium.state.cases:
        raise InvalidInput(
            f"case `{request.id}` exists already", hint="give the request an id of its own"
        )
    if why := reserved_request(consortium.state, request):
        raise InvalidInput(why, hint="give the request another id")
    consortium.party(request.requester)
    consortium.party(request.recipient)
    for asset in request.assets:
        consortium.asset(asset)
    if extra := sorted({k for o in operations for k in o.kinds} - set(request.kinds)):
        raise InvalidInput(f"an operation reads `{extra[0]}`, which the request does not ask for")
    schema = consortium.point.book.schema
    if why := said_elsewhere(request.declared, schema):
        raise InvalidInput(why, hint="leave it out of what is declared")
    for name, value in (
        ("act.action", request.action),
        ("act.purpose", request.purpose),
        ("act.delivery", request.delivery),
    ):
        schema.spec(name).check(value)


def present(
    consortium: Consortium,
    request: Request,
    facts: Mapping[str, Value],
    *,
    by: str,
    registrar: str,
    attester: str,
) -> Case:
    """Submit a request, and state each of `facts` from the source that its schema asks for.

    The requester declares, the registry answers, and an authority attests: up to three commands.
    Facts of profiles and of the catalogue are left out, since institutions have registered them.

    Raises:
        InvalidInput: as `submit` and `supply`.
    """
    schema = consortium.point.book.schema
    parts: dict[Source, dict[str, Value]] = {s: {} for s in Source}
    for name, value in facts.items():
        if not name.startswith(OTHERS_SAY):
            parts[schema.spec(name).source][name] = schema.spec(name).check(value)
    declared = {n: v for n, v in parts[Source.DECLARED].items() if n not in OF_THE_REQUEST}
    submit(consortium, replace(request, declared={**declared, **request.declared}), by=by)
    supply(consortium, request.id, parts[Source.REGISTRY], by=registrar, source=Source.REGISTRY)
    if attested := parts[Source.ATTESTED]:
        supply(consortium, request.id, attested, by=attester, source=Source.ATTESTED)
    return consortium.case(request.id)


@command
def supply(
    consortium: Consortium,
    case: str,
    facts: Mapping[str, Value],
    *,
    by: str,
    source: Source,
    asset: str = "*",
    until: dt.date | None = None,
) -> Done[None]:
    """State facts for one asset of a case or for all (`*`); `until` is the last day they hold.

    Raises:
        InvalidInput: the party may not state facts from that source, one of them is an approval, or
            the case does not ask for that asset.
    """
    the_case = consortium.case(case)
    consortium.party(by)
    schema = consortium.point.book.schema
    state = consortium.state
    if why := may_not_state(state, the_case, by=by, source=source, names=facts, schema=schema):
        raise InvalidInput(why, hint="let whoever may say it state it")
    if asset not in ("*", *the_case.request.assets):
        raise InvalidInput(f"case `{case}` does not ask for `{asset}`", hint="name one of its own")
    if wrong := misstated(state, the_case, facts):
        raise InvalidInput(
            f"`{wrong}` is stated otherwise than settlement and registry have it",
            hint="leave it out: `heyi settle pay` states it",
        )
    stated = applied.FactStated(asset=asset, source=source.label, names=tuple(sorted(facts)))
    body = applied.SaidFacts(facts=_said(consortium, facts, until))
    return Done([consortium.draft(stated, by=by, case=case, body=body)], None)


def _said(
    consortium: Consortium, facts: Mapping[str, Value], until: dt.date | None
) -> dict[str, applied.Said]:
    schema = consortium.point.book.schema
    return {
        name: applied.Said(value=to_plain(schema.spec(name).check(value)), until=until)
        for name, value in facts.items()
    }


@command
def decide(
    consortium: Consortium, case: str, assets: Collection[str] | None = None, *, by: str
) -> Done[dict[str, Decision]]:
    """Judge a case for each of its assets by the rulebook in force, and log each answer.

    The leaf has the answer. The body, to which the leaf commits, has the facts as stated and as
    packed words, so that a replay can judge again. Remedies are advice and no part of the answer:
    `advise` finds them.

    Raises:
        InvalidInput: the rulebook in use is not the adopted one, or an unknown case or asset.
    """
    the_case, book = consortium.case(case), consortium.point.book
    if book.digest != consortium.state.rulebook:
        raise InvalidInput(
            "the rulebook in use is not the one that was adopted",
            hint="adopt it, or use the adopted one",
        )
    decisions: dict[str, Decision] = {}
    events = []
    for name in assets if assets is not None else the_case.request.assets:
        stated = assemble(consortium.state, book.schema, the_case, consortium.asset(name)).stated
        admitted = admit(book.schema, stated, day=consortium.today)
        decision = decisions[name] = consortium.point.decide(admitted, asset=name)
        body = applied.Grounds(
            words=tuple(f"{w:064x}" for w in pack(book.schema, admitted.known)),
            rejected=dict(admitted.rejected),
            stated=said_by(stated),
        )
        events.append(consortium.draft(decision_leaf(decision), by=by, case=case, body=body))
        if decision.alarm:
            alarm = applied.AlarmRaised(asset=name, alarm=decision.alarm)
            events.append(consortium.draft(alarm, by=by, case=case))
    return Done(events, decisions)


def advise(
    consortium: Consortium, case: str, decisions: Mapping[str, Decision]
) -> dict[str, Decision]:
    """The decisions of a case as they were just made, with the remedies of each: a query."""
    the_case, schema = consortium.case(case), consortium.point.book.schema
    advised = {}
    for name, decision in decisions.items():
        stated = assemble(consortium.state, schema, the_case, consortium.asset(name)).stated
        admitted = admit(schema, stated, day=decision.legal_day)
        advised[name] = with_remedies(consortium.point, decision, admitted)
    return advised


def admitted_of(schema: Schema, grounds: applied.Grounds) -> Admitted:
    """The facts on which a logged decision was made, from its packed words."""
    known = unpack(schema, [int(word, 16) for word in grounds.words])
    return Admitted(known=known, rejected=grounds.rejected)


def decision_leaf(decision: Decision) -> applied.DecisionMade:
    """The public part of a decision; `result` is the digest of the whole, which a replay checks."""
    return applied.DecisionMade(
        asset=decision.asset or "",
        outcome=decision.outcome,
        curable=decision.curable,
        rules={f.rule: f.truth.value for f in decision.findings},
        missing=tuple(m.fact for m in decision.missing),
        unknown=tuple(decision.unknown),
        approvals=tuple(decision.approvals),
        obligations=tuple(o.rule for o in decision.obligations),
        legal_day=decision.legal_day,
        rulebook=decision.rulebook,
        result=digest(decision_to_json(decision)),
    )


@command
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
) -> Done[None]:
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
    kind = applied.ApprovalGiven if given else applied.ApprovalRefused
    body = applied.Reasons(reasons=reasons)
    events = []
    for n, asset in enumerate(assets if assets is not None else the_case.request.assets):
        read = the_case.decisions.get(asset)
        seal = consortium.seal(body, ahead=n)
        answer = kind(
            authority=authority,
            asset=asset,
            conditions=dict(conditions or {}),
            until=until,
            decision=read.index if read else None,
            signature="",
        )
        message = approval_message(
            answer, origin=consortium.log.signer.name, case=case, at=consortium.now, reasons=seal[0]
        )
        signed = structs.replace(
            answer, signature=consortium.keyring.signer(by).sign(message).hex()
        )
        events.append(consortium.draft(signed, by=by, case=case, body=body, seal=seal))
    return Done(events, None)


def approval_message(
    answer: applied.ApprovalAnswered, *, origin: str, case: str, at: int, reasons: Commitment
) -> bytes:
    """The bytes that an authority signs: log, case, time, what it read, its answer, its reasons.

    They include the entry of the decision and the time, so nobody can log the approval again after
    a later decision or answer.
    """
    said = {k: v for k, v in to_json(answer).items() if k != "signature"}
    return canonical(
        {
            "kind": answer.KIND,
            "origin": origin,
            "case": case,
            "at": at,
            "reasons": reasons.to_json(),
            **said,
        }
    )
