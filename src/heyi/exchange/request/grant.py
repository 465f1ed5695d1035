"""Grant permits, which issuer, holder and requester sign, and revoke them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

from heyi.exchange.case_file import Case
from heyi.exchange.consortium import PLATFORM, ZONE, Consortium, command
from heyi.exchange.events import applied
from heyi.exchange.request.facts import assemble
from heyi.exchange.writer import Done
from heyi.federation.centre.driver import Seat
from heyi.federation.wire.operation import Operation
from heyi.model.errors import InvalidInput
from heyi.model.fact import Stated
from heyi.model.permit import Permit
from heyi.permits.issue import issue
from heyi.permits.verify import verify_permit
from heyi.policy.language.schema import admit

DAY = 86_400
MOST, MOST_DAYS = 2**53 - 1, 36_500
"""The largest numbers in the terms of a permit: what JSON can say, and a hundred years."""
READ = "read"
"""In place of an operation where a person opens records and nothing is computed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a permit allows at most; conditions of an approval can only tighten it.

    `min_cell` is the smallest count that a node gives out.

    Raises:
        InvalidInput: a number is below 1, or larger than a permit can say.
    """

    min_cell: int = 5
    max_calls: int = 100
    days: int = 90

    def __post_init__(self) -> None:
        for name, most in (("min_cell", MOST), ("max_calls", MOST), ("days", MOST_DAYS)):
            if not 1 <= getattr(self, name) <= most:
                raise InvalidInput(
                    f"a permit with `{name}` {getattr(self, name)} allows nothing, or too much",
                    hint=f"from 1 to {most}",
                )


@command
def grant(
    consortium: Consortium, case: str, terms: Terms | None = None, *, by: str
) -> Done[list[str]]:
    """Issue a permit for each asset whose latest decision permits; return their ids.

    Raises:
        InvalidInput: no asset of the case is permitted, or a decision was overtaken, or it has its
            permit.
    """
    the_case, terms = consortium.case(case), terms or Terms()
    permitted = [a for a, d in the_case.decisions.items() if d.made.outcome.is_permit]
    if not permitted:
        raise InvalidInput(
            f"nothing in case `{case}` is permitted", hint="see what the decisions say is missing"
        )
    events, issued = [], []
    for asset in permitted:
        admitted = still_permitted(consortium, the_case, asset)
        permit = _permit(consortium, the_case, asset, terms, admitted)
        if permit.id in the_case.permits:
            raise InvalidInput(f"permit `{permit.id}` was issued before", hint="submit a request")
        token = issue(
            permit,
            issuer=consortium.keyring.signer(PLATFORM),
            holder=consortium.keyring.signer(permit.holder),
            requester=consortium.keyring.signer(permit.requester),
        )
        what = applied.PermitIssued(permit=permit.id, asset=asset, token=token)
        events.append(consortium.draft(what, by=by, case=case))
        issued.append(permit.id)
    return Done(events, issued)


def still_permitted(consortium: Consortium, case: Case, asset: str) -> dict[str, Stated]:
    """The facts of today, by which an asset of a case is still permitted.

    Raises:
        InvalidInput: they no longer give the decision that was logged, or its own were erased.
            Facts, approvals or the law have changed since.
    """
    schema = consortium.point.book.schema
    stated = assemble(consortium.state, schema, case, consortium.asset(asset)).stated
    now = consortium.point.decide(admit(schema, stated, day=consortium.today), asset=asset)
    decided, duties = case.decisions[asset], tuple(o.rule for o in now.obligations)
    if decided.erased:
        raise InvalidInput(
            f"the facts of the decision on `{asset}` were erased", hint="decide again"
        )
    if not now.outcome.is_permit or duties != decided.made.obligations:
        raise InvalidInput(f"the decision on `{asset}` was overtaken", hint="decide again")
    return stated


def last_second(stated: Mapping[str, Stated]) -> int | None:
    """The end of the last day on which every dated statement holds; None if none has a date.

    Unix time in seconds, exclusive.
    """
    days = [s.until for s in stated.values() if s.until is not None]
    if not days:
        return None
    # the day after the last day of the calendar is no date
    return int(dt.datetime.combine(min(days), dt.time(), ZONE).timestamp()) + DAY


def _permit(
    consortium: Consortium, case: Case, asset: str, terms: Terms, stated: Mapping[str, Stated]
) -> Permit:
    request, decided = case.request, case.decisions[asset]
    holder = consortium.party(consortium.asset(asset).holder)
    limits, conditions = terms_of(case, asset, terms, stated)
    now = consortium.now
    return Permit(
        id=f"{case.id}.{asset}",
        case=case.id,
        asset=asset,
        data=consortium.asset(asset).digest,
        holder=holder.id,
        audience=holder.host,
        requester=request.requester,
        requester_key=consortium.party(request.requester).public_key,
        purpose=request.purpose,
        delivery=request.delivery,
        kinds=request.kinds,
        operations=permitted_operations(request),
        min_cell=limits.min_cell,
        max_calls=limits.max_calls,
        obligations=decided.made.obligations,
        conditions=conditions,
        issued_at=now,
        expires_at=last_moment(now, limits, stated),
        decision=decided.index,
        rulebook=decided.made.rulebook,
        utility=case.utility,
    )


def terms_of(
    case: Case, asset: str, terms: Terms, stated: Mapping[str, Stated]
) -> tuple[Terms, tuple[str, ...]]:
    """The terms as facts and conditions of approvals tighten them, and the conditions in words."""
    conditional = [a for a in case.approvals.values() if a.asset == asset and a.conditions]
    said = [a.conditions for a in conditional]
    # the law judged by the smallest cell that was stated, so no smaller one is given out
    cell = stated.get("act.min_cell")
    least = int(cell.value) if cell is not None and isinstance(cell.value, int) else 0
    limits = Terms(
        min_cell=max([terms.min_cell, least, *(c["min_cell"] for c in said if "min_cell" in c)]),
        max_calls=min([terms.max_calls, *(c["max_calls"] for c in said if "max_calls" in c)]),
        days=min([terms.days, *(c["days"] for c in said if "days" in c)]),
    )
    words = tuple(
        f"{a.authority}: {', '.join(f'{k} {v}' for k, v in sorted(a.conditions.items()))}"
        for a in conditional
    )
    return limits, words


def last_moment(now: int, terms: Terms, stated: Mapping[str, Stated]) -> int:
    """When a permit that is issued `now` ends: by its terms, or by the last day of a fact.

    Unix time in seconds, exclusive.
    """
    by_terms = now + terms.days * DAY
    by_facts = last_second(stated)
    return by_terms if by_facts is None else min(by_terms, by_facts)


def permitted_operations(request: applied.RequestSubmitted) -> dict[str, str]:
    """The operations that permits of a request hold: digests by name, or `read` alone."""
    operations = [Operation(name=n, params=p) for n, p in request.operations.items()]
    return {o.name: o.digest for o in operations} or {READ: READ}


def revoke(consortium: Consortium, case: str, permit: str, *, reason: str, by: str) -> None:
    """Log that a permit is revoked, then tell the node, which refuses from then on.

    Raises:
        InvalidInput: the case has no such permit, or it was revoked before.
    """
    # logged first: a node that was not told is noticed in a replay
    with consortium.telling:
        at = _log_revocation(consortium, case, permit, reason=reason, by=by)
        host = seat(consortium, case, permit).permit.audience
        consortium.fabric.revoke(host, permit, at)


@command
def _log_revocation(
    consortium: Consortium, case: str, permit: str, *, reason: str, by: str
) -> Done[int]:
    the_case = consortium.case(case)
    if permit not in the_case.permits:
        raise InvalidInput(f"case `{case}` has no permit `{permit}`")
    if permit in the_case.revoked:
        raise InvalidInput(f"permit `{permit}` was revoked before")
    what, body = applied.PermitRevoked(permit=permit), applied.Reasons(reasons=reason)
    return Done([consortium.draft(what, by=by, case=case, body=body)], consortium.now)


def seat(consortium: Consortium, case: str, permit: str) -> Seat:
    """A permit in use, as the driver needs it."""
    token = consortium.case(case).permits[permit]
    asset = consortium.asset(permit.partition(".")[2])
    holder, issuer = consortium.party(asset.holder), consortium.keyring.signer(PLATFORM)
    verified = verify_permit(
        token, issuer=(PLATFORM, issuer.public_key), holder=(holder.id, holder.public_key)
    )
    calls = consortium.case(case).asked.get(permit, 0)
    return Seat(permit=verified, token=token, public_key=holder.public_key, calls=calls)
