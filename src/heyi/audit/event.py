"""Events: what happened, as canonical leaves of the log. Events are the truth; state is their fold (docs/adr/0002).

A leaf holds what everybody may see; personal or erasable content stands beside it as a body to which the leaf
commits by an HMAC. No patient identifier in a leaf, ever.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from heyi.crypto.canonical import Json, canonical, from_canonical
from heyi.crypto.commitment import Commitment
from heyi.model.errors import VerificationError

VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """`at` is Unix time in seconds; `actor` the party that acts; `case` the request it belongs to, or empty."""

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
    """The event of a leaf.

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
    # whatever else stands in the leaf, a version or a member that is not known here, does not come back
    if event.to_leaf() != leaf:
        raise VerificationError("not an event of a version known here", hint="upgrade heyi")
    return event
