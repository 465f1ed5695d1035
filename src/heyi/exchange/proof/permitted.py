"""Replay of permits: three signatures, the decision that they rest on, and terms that follow."""

from __future__ import annotations

from heyi.exchange.case_file import Case
from heyi.exchange.consortium import legal_day
from heyi.exchange.events import applied
from heyi.exchange.events.typed import Logged
from heyi.exchange.proof.auditor import Auditor, Notice
from heyi.exchange.proof.judged import assembled
from heyi.exchange.request.grant import (
    DAY,
    MOST,
    MOST_DAYS,
    Terms,
    last_second,
    permitted_operations,
    terms_of,
)
from heyi.model.errors import VerificationError
from heyi.model.permit import Permit
from heyi.permits.verify import verify_permit
from heyi.policy.language.schema import admit

ANY = Terms(min_cell=1, max_calls=MOST, days=MOST_DAYS)
"""Terms that limit nothing: what is left is what facts and approvals ask for."""


def check_permit(what: applied.PermitIssued, entry: Logged, a: Auditor) -> None:
    case = a.state.cases[entry.case]
    if what.permit in a.permits:
        raise VerificationError(f"permit `{what.permit}` is issued a second time")
    if what.asset not in case.request.assets:
        raise VerificationError(
            f"the permit is for `{what.asset}`, which the case does not ask for"
        )
    holder = a.state.parties[a.state.assets[what.asset].holder]
    # (1) Issuer, holder and requester signed it.
    permit = verify_permit(what.token, issuer=a.issuer, holder=(holder.id, holder.public_key))
    a.permits[what.permit] = permit
    a.report.permits += 1
    named = (permit.id, permit.case, permit.asset, permit.issued_at)
    if named != (what.permit, entry.case, what.asset, entry.at):
        raise VerificationError("the permit is of another case, asset or time than its event says")
    if permit.id != f"{entry.case}.{what.asset}":
        raise VerificationError("the permit has another id than its case and asset give it")
    if permit.requester_key != a.state.parties[permit.requester].public_key:
        raise VerificationError("the permit is bound to another key than the requester's")
    # (2) The decision that it quotes is the latest of its case and asset, and permits.
    decided = case.decisions.get(permit.asset)
    if decided is None or decided.index != permit.decision:
        raise VerificationError(
            f"the permit quotes entry {permit.decision}, no decision on it or not the last"
        )
    if not decided.made.outcome.is_permit:
        raise VerificationError(
            f"the permit quotes entry {permit.decision}, which does not permit it"
        )
    if decided.erased:
        raise VerificationError(
            f"the permit rests on entry {permit.decision}, whose facts had been erased before"
        )
    # (3) It is for what was asked and decided.
    _check_scope(permit, case, decided.made, a)
    # (4) Its terms are at most those of facts and approvals.
    _check_terms(permit, case, decided.made, a)


def _check_scope(permit: Permit, case: Case, made: applied.DecisionMade, a: Auditor) -> None:
    request, asset = case.request, a.state.assets[permit.asset]
    asked = (
        request.requester,
        request.purpose,
        request.delivery,
        request.kinds,
        permitted_operations(request),
        made.obligations,
    )
    given = (
        permit.requester,
        permit.purpose,
        permit.delivery,
        permit.kinds,
        permit.operations,
        permit.obligations,
    )
    if given != asked:
        raise VerificationError("the permit is for something else than was asked and decided")
    if permit.data != asset.digest:
        raise VerificationError("the permit is for other data than were registered")
    quoted = (permit.rulebook, permit.utility, permit.audience)
    if quoted != (made.rulebook, case.utility, a.state.parties[asset.holder].host):
        raise VerificationError("the permit quotes another rulebook, utility or node")


def _check_terms(permit: Permit, case: Case, made: applied.DecisionMade, a: Auditor) -> None:
    # the rulebook of the day of issue, which may be another than that of the decision
    point = a.point(a.state.rulebook)
    if point is None:
        return
    schema = point.book.schema
    found = assembled(a, schema, case, permit.asset)
    most, conditions = terms_of(case, permit.asset, ANY, found.stated)
    if (
        permit.min_cell < most.min_cell
        or permit.max_calls > most.max_calls
        or permit.expires_at > permit.issued_at + most.days * DAY
        or permit.conditions != conditions
    ):
        raise VerificationError("the permit goes beyond a fact or a condition of an approval")
    last = last_second(found.stated)
    if last is not None and permit.expires_at > last:
        raise VerificationError("the permit outlives a fact that it rests on")
    if not found.hidden and permit.decision not in a.doubted:
        # facts, approvals or the law may have changed since the decision
        day = legal_day(permit.issued_at)
        again = point.decide(admit(schema, found.stated, day=day), asset=permit.asset)
        if not again.outcome.is_permit:
            raise VerificationError("the permit was issued when facts no longer permitted it")
        if tuple(o.rule for o in again.obligations) != made.obligations:
            raise VerificationError("the permit was issued when facts asked for other duties")


def check_revocation(what: applied.PermitRevoked, entry: Logged, a: Auditor) -> None:
    if what.permit not in a.state.cases[entry.case].permits:
        raise VerificationError(f"`{what.permit}` is revoked, which this case never had")
    if what.permit in a.revoked:
        raise VerificationError(f"`{what.permit}` is revoked a second time")
    permit = a.permits.get(what.permit)
    a.revoked[what.permit] = Notice(
        entry=entry.index,
        at=entry.at,
        subject=what.permit,
        scope=entry.case,
        hosts=frozenset() if permit is None else frozenset({permit.audience}),
    )
