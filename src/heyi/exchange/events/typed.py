"""What all kinds of events have in common: a name, a version, and how they stand in a leaf.

The class of a kind is the only description of its public part and of its body. A kind that changes
gets a new version; the class of the old version stays, since old logs stay readable.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar, TypeVar

import msgspec

from heyi.audit.event import Event
from heyi.audit.log import Draft
from heyi.crypto.codec import from_json, to_json
from heyi.crypto.commitment import Commitment
from heyi.model.errors import InvalidInput

Signature = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{128}\Z")]
"""In hexadecimal, with one spelling: a second one would let an old answer pass for a new one."""

PublicKey = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}\Z")]
"""Of Ed25519, in hexadecimal."""


class Content(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The erasable body of an event; the leaf only commits to it."""


class TypedEvent(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The public part of an event of one kind.

    `KIND` and `VERSION` stand in the leaf. `BODY` is the class of its body, None if it has none.
    `OF_CASE` says whether it belongs to a case.
    """

    KIND: ClassVar[str]
    VERSION: ClassVar[int] = 1
    BODY: ClassVar[type[Content] | None] = None
    OF_CASE: ClassVar[bool] = True


B = TypeVar("B", bound=Content)


@dataclass(frozen=True, slots=True, kw_only=True)
class Logged:
    """One event as it was logged, with its type.

    `at` is Unix time in seconds; `actor` is the party that acted; `case` is a request's id or
    empty. `body` is None where there never was one, or where it was `erased`.
    """

    index: int
    at: int
    actor: str
    case: str
    what: TypedEvent
    body: Content | None = None
    erased: bool = False
    commitment: Commitment | None = None

    def content(self, kind: type[B]) -> B | None:
        """The body, if it is there and of that class."""
        return self.body if isinstance(self.body, kind) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """An event that is to be logged: as the log takes it, and with its type."""

    draft: Draft
    what: TypedEvent
    body: Content | None

    def logged(self, index: int) -> Logged:
        """What `read_event` gives for it, once it is entry `index`."""
        event = self.draft.event
        return Logged(
            index=index,
            at=event.at,
            actor=event.actor,
            case=event.case,
            what=self.what,
            body=self.body,
            commitment=event.commitment,
        )


def draft(
    what: TypedEvent,
    *,
    at: int,
    by: str,
    case: str = "",
    body: Content | None = None,
    seal: tuple[Commitment, bytes] | None = None,
) -> Act:
    """An event of that kind.

    `by` acts. `seal` is the commitment to the body with its key, where a signature covers it;
    otherwise the log makes both.

    Raises:
        InvalidInput: nobody acts, or the case or the body is not what the kind asks for.
    """
    if not by:
        raise InvalidInput(f"nobody acts in `{what.KIND}`", hint="say who does it")
    if bool(case) != what.OF_CASE and what.KIND != "body.erased":
        raise InvalidInput(f"`{what.KIND}` belongs to {'a' if what.OF_CASE else 'no'} case")
    if what.BODY is not (None if body is None else type(body)):
        raise InvalidInput(f"`{what.KIND}` has another body")
    commitment, key = seal or (None, None)
    # What was written is read again: msgspec checks what it reads, not what code constructs. So
    # what is folded now is what every later reader folds.
    public, written = to_json(what), None if body is None else to_json(body)
    event = Event(
        kind=what.KIND,
        version=what.VERSION,
        at=at,
        actor=by,
        case=case,
        public=public,
        commitment=commitment,
    )
    return Act(
        draft=Draft(event=event, body=written, key=key),
        what=from_json(public, type(what)),
        body=None if body is None else from_json(written, type(body)),
    )
