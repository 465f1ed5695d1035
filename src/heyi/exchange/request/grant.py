"""Grant permits, which issuer, holder and requester sign, and revoke them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

from heyi.crypto.canonical import Json
from heyi.exchange.consortium import PLATFORM, ZONE, Consortium
from heyi.exchange.request.facts import assemble
from heyi.exchange.state import Case
from heyi.federation.centre.driver import Seat
from heyi.federation.wire.operation import Operation
from heyi.model.decision import Outcome
from heyi.model.errors import InvalidInput
from heyi.model.fact import Stated
from heyi.model.permit import Permit
from heyi.permits.issue import issue
from heyi.permits.verify import verify_permit
from heyi.policy.language.schema import admit

DAY = 86_400
READ = "read"
"""In place of an operation where a person opens records and nothing is computed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a permit allows at most; conditions of an approval can only tighten it.

    `min_cell` is the smallest count that a node gives out.
    """

    min_cell: int = 5
    max_calls: int = 100
    days: int = 90


def grant(consortium: Consortium, case: str, terms: Terms | None = None) -> list[str]:
    """Issue a permit for each asset whose latest decision permits; return their ids.

    Raises:
        InvalidInput: no asset of the case is permitted, or a decision was overtaken.
    """
    the_case, terms = consortium.case(case), terms or Terms()
    permitted = [a for a, d in the_case.decisions.items() if Outcome(d.outcome).is_permit]
    if not permitted:
        raise InvalidInput(
            f"nothing in case `{case}` is permitted", hint="see what the decisions say is missing"
        )
    issued = []
    for asset in permitted:
        admitted = _still_permitted(consortium, the_case, asset)
        permit = _permit(consortium, the_case, asset, terms, admitted)
        token = issue(
            permit,
            issuer=consortium.keyring.signer(PLATFORM),
            holder=consortium.keyring.signer(permit.holder),
            requester=consortium.keyring.signer(permit.requester),
        )
        public = {"permit": permit.id, "asset": asset, "token": token}
        consortium.write(consortium.draft("permit.issued", case=case, public=public))
        issued.append(permit.id)
    return issued


def _still_permitted(consortium: Consortium, case: Case, asset: str) -> dict[str, Stated]:
    """The facts of today.

    Raises:
        InvalidInput: they no longer give the decision that was logged. Facts, approvals or the law
            have changed since.
    """
    schema = consortium.point.book.schema
    stated = assemble(consortium.state, schema, case, consortium.asset(asset)).stated
    now = consortium.point.decide(admit(schema, stated, day=consortium.today), asset=asset)
    decided = case.decisions[asset]
    if not now.outcome.is_permit or tuple(o.rule for o in now.obligations) != decided.obligations:
        raise InvalidInput(f"the decision on `{asset}` was overtaken", hint="decide again")
    return stated


def last_second(stated: Mapping[str, Stated]) -> int | None:
    """The end of the last day on which every dated statement holds; None if none has a date.

    Unix time in seconds, exclusive.
    """
    days = [s.until for s in stated.values() if s.until is not None]
    if not days:
        return None
    return int(dt.datetime.combine(min(days) + dt.timedelta(days=1), dt.time(), ZONE).timestamp())


def _permit(
    consortium: Consortium, case: Case, asset: str, terms: Terms, stated: Mapping[str, Stated]
) -> Permit:
    request, decided = case.request, case.decisions[asset]
    holder = consortium.party(consortium.asset(asset).holder)
    conditional = [
        a for key, a in case.approvals.items() if key.endswith(f"/{asset}") and a["conditions"]
    ]
    conditions = [a["conditions"] for a in conditional]
    now = consortium.clock.now()
    days = min([terms.days, *(c["days"] for c in conditions if "days" in c)])
    return Permit(
        id=f"{case.id}.{asset}",
        case=case.id,
        asset=asset,
        data=consortium.asset(asset).digest,
        holder=holder.id,
        audience=holder.host,
        requester=request["requester"],
        requester_key=consortium.party(request["requester"]).public_key,
        purpose=request["purpose"],
        delivery=request["delivery"],
        kinds=tuple(request["kinds"]),
        operations=permitted_operations(request),
        min_cell=max([terms.min_cell, *(c["min_cell"] for c in conditions if "min_cell" in c)]),
        max_calls=min([terms.max_calls, *(c["max_calls"] for c in conditions if "max_calls" in c)]),
        obligations=decided.obligations,
        conditions=tuple(
            f"{a['authority']}: {', '.join(f'{k} {v}' for k, v in sorted(a['conditions'].items()))}"
            for a in conditional
        ),
        issued_at=now,
        expires_at=min(now + days * DAY, last_second(stated) or now + days * DAY),
        decision=decided.index,
        rulebook=decided.rulebook,
        utility=case.utility,
    )


def permitted_operations(request: Mapping[str, Json]) -> dict[str, str]:
    """The operations that permits of a request hold: digests by name, or `read` alone."""
    operations = [Operation(name=o["name"], params=o["params"]) for o in request["operations"]]
    return {o.name: o.digest for o in operations} or {READ: READ}


def revoke(consortium: Consortium, case: str, permit: str, *, reason: str) -> None:
    """Log that a permit is revoked, then tell the node, which refuses from then on.

    Raises:
        InvalidInput: the case has no such permit.
    """
    the_case = consortium.case(case)
    if permit not in the_case.permits:
        raise InvalidInput(f"case `{case}` has no permit `{permit}`")
    # logged first: a node that was not told is noticed in a replay
    consortium.write(
        consortium.draft(
            "permit.revoked", case=case, public={"permit": permit}, body={"reason": reason}
        )
    )
    consortium.fabric.revoke(seat(consortium, case, permit).permit.audience, permit)


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
