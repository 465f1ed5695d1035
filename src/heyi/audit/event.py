"""Events: what happened, as canonical leaves of the log.

Events are the truth, and state is computed from them (docs/adr/0002).

Everybody may read a leaf. Personal or erasable content is in a body beside the leaf, and the leaf
commits to the body with an HMAC.

INVARIANT: no leaf holds an identifier of a patient.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from heyi.crypto.canonical import Json, canonical, from_canonical
from heyi.crypto.commitment import Commitment
from heyi.model.errors import VerificationError

VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One event of the log.

    `at` is Unix time in seconds; `actor` is the party that acts; `case` is the request that the
    event belongs to, or empty; `public` is what everybody may read.
    """

    kind: str
    at: int
    actor: str
    case: str = ""
    public: dict[str, Json] = field(default_factory=dict)
    commitment: Commitment | None = None

    def to_leaf(self) -> bytes:
        """The canonical bytes that are hashed into the log."""
        return canonical(
            {
                "v": VERSION,
                "kind": self.kind,
                "at": self.at,
                "actor": self.actor,
                "case": self.case,
                "public": self.public,
                "body": self.commitment.to_json() if self.commitment else None,
            }
        )


def from_leaf(leaf: bytes) -> Event:
    """The event in a leaf; the inverse of `to_leaf`.

    Raises:
        VerificationError: the bytes are not a canonical event.
    """
    value = from_canonical(leaf)
    try:
        body = value["body"]
        event = Event(
            kind=value["kind"],
            at=value["at"],
            actor=value["actor"],
            case=value["case"],
            public=value["public"],
            commitment=None if body is None else Commitment(mac=body["mac"], algorithm=body["alg"]),
        )
    except (KeyError, TypeError):
        raise VerificationError("not an event") from None
    words = (event.kind, event.actor, event.case)
    if (
        type(event.at) is not int
        or not all(isinstance(w, str) for w in words)
        or not isinstance(event.public, dict)
    ):
        raise VerificationError("not an event")
    # INVARIANT: the event gives the same leaf again. A leaf of another version, or with a member
    # that this version does not know, fails here.
    if event.to_leaf() != leaf:
        raise VerificationError("not an event of a version known here", hint="upgrade heyi")
    return event
