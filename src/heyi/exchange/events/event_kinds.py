"""Read an event: its kind and version choose the class, and everything else is a fault."""

from __future__ import annotations

from heyi.audit.event import Event, from_leaf
from heyi.audit.log_store import Entry
from heyi.crypto.canonical import Json, from_canonical
from heyi.crypto.codec import from_json
from heyi.exchange.events import applied, registered, settled, used
from heyi.exchange.events.erased import BodyErased
from heyi.exchange.events.succeeded import LogSucceeded
from heyi.exchange.events.typed import Logged, TypedEvent
from heyi.model.errors import InvalidInput, VerificationError

ALL: tuple[type[TypedEvent], ...] = (
    registered.RulebookAdopted,
    registered.PartyRegistered,
    registered.NodeOpened,
    registered.ProfileVouched,
    registered.AssetRegistered,
    applied.RequestSubmitted,
    applied.FactStated,
    applied.DecisionMade,
    applied.AlarmRaised,
    applied.ApprovalGiven,
    applied.ApprovalRefused,
    applied.PermitIssued,
    applied.PermitRevoked,
    used.OperationAsked,
    used.OperationAnswered,
    used.OperationRefused,
    used.ResultReleased,
    used.ConsentWithdrawn,
    settled.UtilityRegistered,
    settled.SettlementCertified,
    settled.StatementIssued,
    settled.StatementDisputed,
    settled.DisputeDismissed,
    settled.SettlementWithdrawn,
    settled.SettlementApproved,
    settled.SettlementPaid,
    BodyErased,
    LogSucceeded,
)
KINDS = {(kind.KIND, kind.VERSION): kind for kind in ALL}
"""Every class by kind and version."""


def read_event(index: int, event: Event, body: Json, *, erased: bool = False) -> Logged:
    """The event with its type; `body` is None where there is none or where it was `erased`.

    Raises:
        VerificationError: an unknown kind or version, an unknown or missing field, a value of
            another type, or a case or a body where the kind has none.
    """
    kind = KINDS.get((event.kind, event.version))
    if kind is None:
        raise VerificationError(
            f"unknown kind of event `{event.kind}`, version {event.version}", hint="upgrade heyi"
        )
    if kind is not BodyErased and bool(event.case) != kind.OF_CASE:
        raise VerificationError(f"`{event.kind}` belongs to {'a' if kind.OF_CASE else 'no'} case")
    if (kind.BODY is None) != (event.commitment is None):
        raise VerificationError(f"`{event.kind}` has {'a' if kind.BODY else 'no'} body")
    if kind.BODY is not None and body is None and not erased:
        raise VerificationError(f"the body of `{event.kind}` is `null`")
    try:
        return Logged(
            index=index,
            at=event.at,
            actor=event.actor,
            case=event.case,
            what=from_json(event.public, kind),
            body=None if body is None or kind.BODY is None else from_json(body, kind.BODY),
            erased=erased,
            commitment=event.commitment,
        )
    except InvalidInput as e:
        raise VerificationError(f"`{event.kind}` {e.message}") from None


def read_entry(entry: Entry) -> Logged:
    """The event of a stored entry, as the writer folds it.

    Raises:
        VerificationError: as `read_event`, or the bytes are not canonical.
    """
    try:
        event = from_leaf(entry.leaf)
        body = None if entry.body is None else from_canonical(entry.body)
        gone = event.commitment is not None and entry.body is None
        return read_event(entry.index, event, body, erased=gone)
    except VerificationError as e:
        raise VerificationError(
            f"entry {entry.index}: {e.message}", hint=e.hint or "see `heyi verify`"
        ) from None
