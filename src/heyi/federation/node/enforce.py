"""The questions of the enforcement point, in order; each no is a refusal with its reason."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from heyi.crypto.keys import verify_signature
from heyi.federation.wire.call import Call
from heyi.federation.wire.operation import Refusal
from heyi.model.errors import InvalidInput, VerificationError
from heyi.model.permit import Permit


@dataclass(frozen=True, slots=True, kw_only=True)
class NodePolicy:
    """The institution's own rules; they can only be stricter than the permit."""

    min_cell: int = 5
    refused_purposes: frozenset[str] = frozenset()


def verify_caller(call: Call, permit: Permit) -> None:
    """Check that the caller holds the key that the permit is bound to.

    Raises:
        VerificationError: the call is not signed by the requester.
    """
    message = Call.message(permit.id, call.operation, call.argument_digest, call.number)
    try:
        signature = bytes.fromhex(call.signature)
        verify_signature(permit.requester_key, message, signature, what="the call")
    except (VerificationError, InvalidInput, ValueError):
        raise VerificationError(
            f"the call is not signed by `{permit.requester}`, the requester of `{permit.id}`",
            hint="sign it with the key that the permit is bound to",
        ) from None


def enforce(
    call: Call, permit: Permit, *, now: int, revoked: bool, policy: NodePolicy
) -> Refusal | None:
    """The first reason against the call, or None; `now` is Unix time in seconds.

    The signatures on the permit itself and that of the caller must be checked before.
    """
    # (1) The permit is in force.
    if revoked:
        return Refusal(code="revoked", zh="许可已被撤销", en="the permit was revoked")
    if now < permit.issued_at:
        return Refusal(code="not-yet", zh="许可尚未生效", en="the permit is not yet in force")
    if now >= permit.expires_at:
        end = dt.datetime.fromtimestamp(permit.expires_at, dt.UTC).strftime("%Y-%m-%dT%H:%MZ")
        return Refusal(
            code="expired",
            zh=f"许可已于 {end} 到期",
            en=f"the permit expired at {end}; ask for a renewal",
        )
    # (2) The operation is the permitted one, with the permitted parameters.
    if permit.operations.get(call.operation.name) != call.operation.digest:
        return Refusal(
            code="operation",
            zh="许可未包含这一运算或其参数",
            en="the permit does not hold this operation with these parameters",
        )
    # (3) It reads permitted fields only.
    if extra := [k for k in call.operation.kinds if k not in permit.kinds]:
        names = ", ".join(extra)
        return Refusal(
            code="fields",
            zh=f"许可未包含字段：{names}",
            en=f"the permit does not hold these fields: {names}",
        )
    # (4) The institution's own policy.
    if permit.purpose in policy.refused_purposes:
        return Refusal(
            code="own-policy",
            zh="本机构不参与此类目的",
            en="this institution takes no part in this purpose",
        )
    return None
