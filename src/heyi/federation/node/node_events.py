"""The kinds of event in a node's own log, one class for each kind.

Whoever writes, folds or audits a node's log uses these classes. The fields of a class are exactly
the members of the public part of the leaf. `KIND` and `VERSION` stand beside them in the leaf.

    permit.revoked      the centre revoked a permit
    consent.withdrawn   a subject no longer takes part; the token is in the erasable body
    question.pinned     the first list of its kind under a permit, which may not change later
    call.charged        a call counts from now on, whatever becomes of it
    operation.answered  the signed receipt of a result
    operation.refused   the signed receipt of a no
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, TypeVar

from msgspec import Meta, Struct

from heyi.audit.event import Event
from heyi.audit.log import Draft
from heyi.crypto.canonical import Json
from heyi.crypto.codec import from_json, to_json
from heyi.model.errors import InvalidInput, VerificationError

T = TypeVar("T", bound=Struct)
# `\Z` and not `$`, which would let a line break pass at the end
Digest = Annotated[str, Meta(pattern=r"^sha256:[0-9a-f]{64}\Z")]
Signature = Annotated[str, Meta(pattern=r"^[0-9a-f]{128}\Z")]
Token = Annotated[str, Meta(pattern=r"^[0-9a-f]{32}\Z")]
Code = Annotated[str, Meta(pattern=r"^[a-z]+(-[a-z]+)*\Z", max_length=40)]
"""The code of a refusal: words, so that no number of a person fits in."""
Name = Annotated[str, Meta(min_length=1)]
Seconds = Annotated[int, Meta(ge=0)]
"""Unix time."""


class WithdrawnToken(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The erasable body of a withdrawal: the keyed token of the subject."""

    token: Token


class NodeEvent(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What happened at a node; each kind is a class below."""

    KIND: ClassVar[str]
    VERSION: ClassVar[int] = 1
    BODY: ClassVar[type[WithdrawnToken] | None] = None


class NodeRevoked(NodeEvent, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`at` is when the centre revoked; the event itself has the node's own time."""

    KIND: ClassVar[str] = "permit.revoked"

    permit: Name
    at: Seconds


class NodeWithdrew(NodeEvent, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`scope` is a case or `*`; `at` is when the centre logged the withdrawal."""

    KIND: ClassVar[str] = "consent.withdrawn"
    BODY: ClassVar[type[WithdrawnToken] | None] = WithdrawnToken

    scope: str
    at: Seconds


class QuestionPinned(NodeEvent, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Under this permit, `what` is the list with this digest and no other."""

    KIND: ClassVar[str] = "question.pinned"

    permit: Name
    what: Literal["without", "peers"]
    digest: Digest


class CallCharged(NodeEvent, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Call `number` is used up; it is logged before anything is computed."""

    KIND: ClassVar[str] = "call.charged"

    permit: Name
    number: Annotated[int, Meta(ge=1)]


class NodeReceipt(NodeEvent, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A receipt as `sign_receipt` made it: the holder signed all fields but the signature."""

    permit: Name
    holder: Name
    host: Name
    operation: Digest
    argument: Digest
    number: int
    refusal: str
    result: str
    at: Seconds
    signature: Signature


class NodeAnswered(NodeReceipt, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The receipt of a result."""

    KIND: ClassVar[str] = "operation.answered"

    number: Annotated[int, Meta(ge=1)]
    refusal: Literal[""]
    result: Digest


class NodeRefused(NodeReceipt, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The receipt of a no; its number may be one that no call can have."""

    KIND: ClassVar[str] = "operation.refused"

    refusal: Code
    result: Literal[""]


KINDS: dict[str, type[NodeEvent]] = {
    c.KIND: c
    for c in (NodeRevoked, NodeWithdrew, QuestionPinned, CallCharged, NodeAnswered, NodeRefused)
}


def read_node_event(event: Event, body: Json) -> tuple[NodeEvent, WithdrawnToken | None]:
    """What an event of a node's log says, and its body if the kind has one.

    `body` is the JSON value of the body, or None if there is none or if it was erased. Whether it
    is the body that the leaf commits to is checked by `verify_commitment`, not here.

    Raises:
        VerificationError: the kind or its version is unknown, the fields are not those of the kind,
            or a receipt contradicts the event that it stands in.
    """
    kind = KINDS.get(event.kind)
    if kind is None:
        raise VerificationError(
            f"`{event.kind}` is no event of a node's log", hint="upgrade heyi, or ask the node"
        )
    if event.version != kind.VERSION:
        raise VerificationError(
            f"`{event.kind}` has version {event.version}, which is not known here",
            hint="upgrade heyi",
        )
    what = _read(event.public, kind, event.kind)
    # (1) A body stands exactly where the kind has one; without a commitment it could be exchanged.
    if (event.commitment is None) != (kind.BODY is None):
        raise VerificationError(f"`{event.kind}` commits to a body exactly if its kind has one")
    if kind.BODY is None and body is not None:
        raise VerificationError(f"`{event.kind}` has no body")
    # (2) The event around a receipt says what the receipt says.
    if isinstance(what, NodeReceipt) and (event.actor, event.at) != (
        what.holder,
        what.at,
    ):
        raise VerificationError("the receipt is by another holder, or of another time, than logged")
    if kind.BODY is None or body is None:
        return what, None
    return what, _read(body, kind.BODY, f"the body of {event.kind}")


def draft_node_event(
    what: NodeEvent, *, at: int, actor: str, case: str = "", body: WithdrawnToken | None = None
) -> Draft:
    """A draft for the node's log; `at` is the node's own time in Unix seconds.

    Raises:
        InvalidInput: `read_node_event` would refuse it, so it must not be logged.
    """
    # msgspec checks what it reads, not what Python code constructs: therefore all is read once
    public, written = to_json(what), None if body is None else to_json(body)
    from_json(public, type(what))
    if (body is None) != (what.BODY is None):
        raise InvalidInput(f"`{what.KIND}` is logged with a body exactly if its kind has one")
    if what.BODY is not None:
        from_json(written, what.BODY)
    event = Event(
        kind=what.KIND, at=at, actor=actor, case=case, public=public, version=what.VERSION
    )
    return Draft(event=event, body=written)


def receipt_event(signed: dict[str, Json]) -> NodeReceipt:
    """The event that holds a signed receipt.

    Raises:
        InvalidInput: it is no receipt, or says both a result and a refusal.
    """
    return from_json(signed, NodeRefused if signed.get("refusal") else NodeAnswered)


def _read(value: Json, kind: type[T], name: str) -> T:
    try:
        return from_json(value, kind)
    except InvalidInput as e:
        _, _, why = e.message.partition(": ")
        raise VerificationError(
            f"`{name}` is malformed: {why}", hint="another program wrote it, or it was altered"
        ) from None
