"""Replay of requests: registrations, facts, decisions and approvals, each against the state."""

from __future__ import annotations

from collections.abc import Mapping

from heyi.crypto.canonical import Json
from heyi.crypto.keys import load_public_key, verify_signature
from heyi.exchange.actors import may_not_act
from heyi.exchange.case_file import Case
from heyi.exchange.consortium import legal_day
from heyi.exchange.events import applied, registered
from heyi.exchange.events.typed import Logged
from heyi.exchange.proof.auditor import Auditor, Judged, Meaningless, Replaces
from heyi.exchange.request.apply import admitted_of, approval_message, decision_leaf
from heyi.exchange.request.facts import (
    Assembled,
    assemble,
    may_not_state,
    said_by,
    said_elsewhere,
    stated_of,
)
from heyi.exchange.request.leave_to_pay import (
    misstated,
    paid_facts,
    payment_of,
    reserved_asset,
    reserved_request,
)
from heyi.federation.wire.operation import Operation
from heyi.model.decision import Effect, Outcome
from heyi.model.errors import InvalidInput, VerificationError
from heyi.model.fact import Source, Stated
from heyi.model.kleene import Truth
from heyi.model.party import check_id
from heyi.policy.decide import DecisionPoint
from heyi.policy.language.schema import Schema, admit


def check_adoption(what: registered.RulebookAdopted, entry: Logged, a: Auditor) -> None:
    judged = a.report.rulebooks.setdefault(what.digest, Judged())
    judged.adopted.append((entry.index, entry.actor))
    point = a.point(what.digest)
    if point is not None and what.rules != len(point.book.rules):
        raise VerificationError("the adopted rulebook has another number of rules")


def check_party(what: registered.PartyRegistered, _entry: Logged, a: Auditor) -> None:
    if what.party.id in a.state.parties:
        raise Replaces(f"`{what.party.id}` is registered a second time")
    if what.party.host != what.party.id and what.party.host not in a.state.parties:
        raise VerificationError(f"`{what.party.id}` is hosted by nobody who is registered")
    load_public_key(what.party.public_key)
    if what.registry:
        _check_values(what.registry, a)
    other = a.keys.setdefault(what.party.public_key, what.party.id)
    if other != what.party.id:
        raise VerificationError(f"the key of `{what.party.id}` is that of `{other}`")


def check_profile(what: registered.ProfileVouched, _entry: Logged, a: Auditor) -> None:
    if what.party not in a.state.parties:
        raise VerificationError(f"the profile is of `{what.party}`, which nobody registered")
    try:
        _check_values(what.facts, a)
    except Meaningless as e:
        raise Replaces(e.message) from None
    point = a.point(a.state.rulebook)
    for name in what.facts if point else ():
        if point and point.book.schema.spec(name).source is not Source.PROFILE:
            raise Replaces(f"`{name}` is no fact of a profile")


def check_asset(what: registered.AssetRegistered, _entry: Logged, a: Auditor) -> None:
    if what.asset.id in a.state.assets:
        raise Replaces(f"`{what.asset.id}` is registered a second time")
    if what.asset.holder not in a.state.parties:
        raise VerificationError(f"`{what.asset.id}` is held by nobody who is registered")
    if why := reserved_asset(a.state, what.asset):
        a.spoilt.add(payment_of(what.asset))  # the leave to pay is not told again
        raise VerificationError(why)


def check_node(what: registered.NodeOpened, _entry: Logged, a: Auditor) -> None:
    if what.host in a.state.nodes:
        raise Replaces(f"the node of `{what.host}` is opened a second time")
    if what.host not in a.state.parties:
        raise VerificationError(f"the node of `{what.host}` is of nobody who is registered")


def check_request(what: applied.RequestSubmitted, entry: Logged, a: Auditor) -> None:
    if what.id in a.state.cases:
        raise Replaces(f"case `{what.id}` is submitted a second time")
    if what.id != entry.case:
        raise Replaces(f"the request of `{what.id}` stands in the case `{entry.case}`")
    try:
        check_id(what.id, "request")
    except InvalidInput as e:
        raise Replaces(e.message) from None
    if what.id not in a.spoilt and (why := reserved_request(a.state, what)):
        a.spoilt.add(what.id)
        raise VerificationError(why)
    unknown = [x for x in (what.requester, what.recipient) if x not in a.state.parties]
    unknown += [x for x in what.assets if x not in a.state.assets]
    if unknown:
        raise VerificationError(f"the request names `{unknown[0]}`, which nobody registered")
    if entry.actor != what.requester:
        raise VerificationError(f"`{entry.actor}` submits a request of `{what.requester}`")
    read = {k for n, p in what.operations.items() for k in Operation(name=n, params=p).kinds}
    if extra := sorted(read - set(what.kinds)):
        raise VerificationError(
            f"an operation reads `{extra[0]}`, which the request does not ask for"
        )
    point = a.point(a.state.rulebook)
    if why := said_elsewhere(what.declared, point.book.schema if point else None):
        raise VerificationError(why)
    _check_body(what.declared, entry, a)


def check_fact(what: applied.FactStated, entry: Logged, a: Auditor) -> None:
    case = a.state.cases[entry.case]
    source = Source.__members__.get(what.source.upper())
    if source is None:
        raise VerificationError(f"`{what.source}` is no source of facts")
    point = a.point(a.state.rulebook)
    schema = point.book.schema if point else None
    why = may_not_state(
        a.state, case, by=entry.actor, source=source, names=what.names, schema=schema
    )
    if why:
        raise VerificationError(why)
    if what.asset not in ("*", *case.request.assets):
        raise VerificationError(
            f"the fact is stated for `{what.asset}`, which the case does not ask for"
        )
    _check_body(what.names, entry, a)
    body = entry.content(applied.SaidFacts)
    if body is not None:
        said = {name: fact.value for name, fact in body.facts.items()}
        wrong = "" if case.id in a.spoilt else misstated(a.state, case, said)
        if wrong:
            a.spoilt.add(case.id)
            raise VerificationError(
                f"`{wrong}` is stated otherwise than settlement and registry have it"
            )


def _check_body(names: tuple[str, ...], entry: Logged, a: Auditor) -> None:
    body = entry.content(applied.SaidFacts)
    if body is not None and sorted(body.facts) != list(names):
        raise VerificationError("the body states other facts than the leaf names")
    if body is not None:
        _check_values({name: said.value for name, said in body.facts.items()}, a)


def _check_values(facts: Mapping[str, Json], a: Auditor) -> None:
    """Check that the rulebook in force knows these facts, and that each can have its value.

    Raises:
        Meaningless: it does not; nothing could be decided with them.
    """
    point = a.point(a.state.rulebook)
    for name, value in facts.items() if point else ():
        try:
            spec = point.book.schema.spec(name) if point else None
            if spec is not None and spec.derived:
                raise Meaningless(f"`{name}` is derived, and was stated")
            if spec is not None:
                spec.check(value)
        except InvalidInput as e:
            raise Meaningless(e.message) from None


def check_decision(what: applied.DecisionMade, entry: Logged, a: Auditor) -> None:
    """Compute the decision again from the facts that the log states.

    Where the decision's own body was erased the facts may still be there. Where they are gone too,
    only the public part is left: it must not contradict itself.
    """
    if entry.index < a.since:
        # an earlier audit found that it holds, and registers may say otherwise by now
        _hear(what, entry, a)
    else:
        a.doubted.add(entry.index)  # until it is found to hold
    _check_decision(what, entry, a)
    a.doubted.discard(entry.index)
    _hear(what, entry, a)


def _hear(what: applied.DecisionMade, entry: Logged, a: Auditor) -> None:
    """Remember what a decision says of facts whose own body is gone; the first word counts."""
    grounds = entry.content(applied.Grounds)
    said = grounds.stated if grounds else {}
    # the last statement from the source that the decision names is the one that it rests on
    rested = {
        s.name: s
        for s in a.state.cases[entry.case].statements.values()
        if s.asset in ("*", what.asset) and s.name in said and s.source == said[s.name].source
    }
    for name, statement in rested.items():
        if statement.value is None and not statement.erased:
            a.said.setdefault((statement.index, name), said[name])


def _check_decision(what: applied.DecisionMade, entry: Logged, a: Auditor) -> None:
    a.report.outcomes[what.outcome.value] += 1
    judged = a.report.rulebooks.setdefault(what.rulebook, Judged())
    judged.decisions += 1
    judged.first = entry.index if judged.first is None else judged.first
    if what.rulebook != a.state.rulebook or what.legal_day != legal_day(entry.at):
        raise VerificationError(
            "the decision was made by another rulebook, or on another day, than was in force"
        )
    case = a.state.cases[entry.case]
    if what.asset not in case.request.assets:
        raise VerificationError(
            f"the decision is on `{what.asset}`, which the case does not ask for"
        )
    point = a.point(what.rulebook)
    if point is None:
        return
    schema = point.book.schema
    found = assembled(a, schema, case, what.asset)
    grounds = entry.content(applied.Grounds)
    if grounds is None:
        if found.hidden:
            a.report.erased.append(entry.index)
            check_public(what, point)
            left = admit(schema, found.stated, day=what.legal_day)
            _check_left(what, decision_leaf(point.decide(left, asset=what.asset)))
            return
        stated = found.stated
    else:
        shown = {n: s for n, s in grounds.stated.items() if n not in found.hidden}
        lost = {n: grounds.stated[n].source for n in found.hidden if n in grounds.stated}
        if shown != said_by(found.stated) or lost != {
            n: hidden.source.label for n, hidden in found.hidden.items()
        }:
            raise VerificationError("the facts are not those that the log states")
        stated = stated_of(schema, grounds.stated)
    admitted = admit(schema, stated, day=what.legal_day)
    if grounds is not None:
        packed = admitted_of(schema, grounds)
        if (dict(admitted.known), dict(admitted.rejected)) != (packed.known, grounds.rejected):
            raise VerificationError("the packed facts are not those that were stated")
    again = decision_leaf(point.decide(admitted, asset=what.asset))
    if again != what:
        wrong = [f for f in what.__struct_fields__ if getattr(again, f) != getattr(what, f)]
        raise VerificationError(f"the decision replays to another answer: {', '.join(wrong)}")
    a.agreed = entry.index
    if grounds is not None and found.hidden:
        # what these facts were is the word of the decision alone
        a.report.erased.append(entry.index)
    else:
        a.report.decisions += 1


def assembled(a: Auditor, schema: Schema, case: Case, asset: str) -> Assembled:
    """The facts of a case; where the body of one is gone, what else in the log says it.

    What a payment rests on follows from its settlement. Of others an earlier decision may tell.
    """
    found = assemble(a.state, schema, case, a.state.assets[asset])
    follow = paid_facts(a.state, case.id) if case.request.action == "pay" else {}
    stated, hidden = dict(found.stated), dict(found.hidden)
    for name, lost in found.hidden.items():
        told = a.said.get((lost.entry, name))
        if told is not None:
            stated |= stated_of(schema, {name: told})
        elif name in follow:
            stated[name] = Stated(value=follow[name], source=lost.source)
        else:
            continue
        del hidden[name]
    return Assembled(stated=stated, hidden=hidden)


def check_alarm(what: applied.AlarmRaised, entry: Logged, a: Auditor) -> None:
    """Check that an alarm follows a decision on which the readings of the rulebook differ."""
    decided = a.state.cases[entry.case].decisions.get(what.asset)
    if decided is None or decided.index != entry.index - 1:
        raise VerificationError("the alarm is of no decision")
    if a.agreed == decided.index:
        raise VerificationError("the alarm says that two readings differ, which agree")


def _check_left(what: applied.DecisionMade, left: applied.DecisionMade) -> None:
    """Check a decision against one on the facts that were not erased.

    Conditions are three-valued: what holds, or fails, on a part of the facts does so on all.

    Raises:
        VerificationError: no value of the erased facts could give this answer.
    """
    holds = {name for name, truth in left.rules.items() if truth == Truth.TRUE.value}
    said = {name for name, truth in what.rules.items() if truth == Truth.TRUE.value}
    if not holds <= said or not what.rules.keys() <= left.rules.keys():
        raise VerificationError("the erased decision contradicts what is left of its facts")


def check_public(what: applied.DecisionMade, point: DecisionPoint) -> None:
    """Check that the outcome can follow from the rules that the leaf itself names.

    Raises:
        VerificationError: no facts could give this answer.
    """
    # in the order of the rulebook, as a decision lists its duties; a leaf sorts its names
    known = [r for r in point.book.rules if r.id in what.rules]
    if len(known) != len(what.rules):
        raise VerificationError("the erased decision names a rule that the rulebook does not have")
    forbidden = any(r.effect is Effect.FORBID for r in known)
    duties = tuple(r.id for r in known if r.effect is Effect.OBLIGE)
    burdens = any(r.effect is Effect.OBLIGE and not r.baseline for r in known)
    strictest = Outcome.PERMIT_WITH_OBLIGATIONS if burdens else Outcome.PERMIT
    if what.approvals:
        strictest = Outcome.NEEDS_APPROVAL
    if forbidden or what.missing:
        strictest = Outcome.DENY
    order = list(Outcome)
    lenient = order.index(what.outcome) < order.index(strictest)
    waits = what.outcome is Outcome.NEEDS_APPROVAL and not what.approvals
    if lenient or waits or duties != what.obligations or (what.curable and not _denies(what)):
        raise VerificationError("the erased decision's own rules contradict its outcome")


def _denies(what: applied.DecisionMade) -> bool:
    return what.outcome is Outcome.DENY


def check_approval(what: applied.ApprovalAnswered, entry: Logged, a: Auditor) -> None:
    party, case = a.state.parties[entry.actor], a.state.cases[entry.case]
    if what.authority not in party.speaks_for:
        raise VerificationError(f"`{party.id}` does not speak for `{what.authority}`")
    if what.signature in case.signatures:
        raise VerificationError("an earlier answer of the authority is logged again")
    decided = case.decisions.get(what.asset)
    if what.decision != (decided.index if decided else None):
        raise VerificationError("the approval is of an earlier decision, logged again")
    if what.asset not in case.request.assets:
        raise VerificationError(
            f"the approval is for `{what.asset}`, which the case does not ask for"
        )
    assert entry.commitment is not None  # its kind has a body, which `read_event` has checked
    message = approval_message(
        what,
        origin=a.origin_at(entry.index),
        case=entry.case,
        at=entry.at,
        reasons=entry.commitment,
    )
    signature = bytes.fromhex(what.signature)
    verify_signature(party.public_key, message, signature, what="the approval")


def check_actor(entry: Logged, a: Auditor) -> None:
    """Check that whoever acts is registered, and may act so."""
    why = may_not_act(a.state, entry.what, actor=entry.actor, case=entry.case)
    if why:
        raise VerificationError(why)
