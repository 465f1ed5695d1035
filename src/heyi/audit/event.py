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
from heyi.model.errors import InvalidInput, VerificationError

_MEMBERS = {"v", "kind", "at", "actor", "case", "public", "body"}
_COMMITMENT = {"alg", "mac"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One event of the log.

    `at` is Unix time in seconds; `actor` is the party that acts; `case` is the request that the
    event belongs to, or empty; `public` is what everybody may read. `version` is the version of
    the kind, 1 or more: it says which members `public` and the body have.
    """

    kind: str
    at: int
    actor: str
    case: str = ""
    public: dict[str, Json] = field(default_factory=dict)
    commitment: Commitment | None = None
    version: int = 1

    def to_leaf(self) -> bytes:
        """The canonical bytes that are hashed into the log.

        Raises:
            InvalidInput: a member has no canonical form, or not the type of its name.
        """
        if not self.is_well_formed():
            raise InvalidInput(f"the event of kind `{self.kind}` is malformed")
        return canonical(
            {
                "v": self.version,
                "kind": self.kind,
                "at": self.at,
                "actor": self.actor,
                "case": self.case,
                "public": self.public,
                "body": self.commitment.to_json() if self.commitment else None,
            }
        )

    def is_well_formed(self) -> bool:
        """Whether each member has its type; this is asked of every leaf that is read or written."""
        # `type`, because True is an instance of int.
        return (
            type(self.kind) is type(self.actor) is type(self.case) is str
            and type(self.at) is int
            and type(self.public) is dict
            and type(self.version) is int
            and self.version >= 1
        )


def from_leaf(leaf: bytes) -> Event:
    """The event in a leaf; the inverse of `to_leaf`.

    Raises:
        VerificationError: the bytes are not a canonical event.
    """
    # INVARIANT: the event gives the same leaf again. The bytes are canonical, so it is enough that
    # there are exactly the members of an event, each of its own type.
    value = from_canonical(leaf)
    if type(value) is not dict or not _members(value, _MEMBERS):
        raise VerificationError("not an event")
    body = value["body"]
    event = Event(
        kind=value["kind"],
        at=value["at"],
        actor=value["actor"],
        case=value["case"],
        public=value["public"],
        commitment=None if body is None else _commitment(body),
        version=value["v"],
    )
    if not event.is_well_formed():
        raise VerificationError("not an event")
    return event


def _commitment(value: Json) -> Commitment:
    if type(value) is not dict or not _members(value, _COMMITMENT):
        raise VerificationError("not an event: the body is no commitment")
    return Commitment(mac=value["mac"], algorithm=value["alg"])


def _members(value: dict[str, Json], wanted: set[str]) -> bool:
    """Whether a value has the wanted members.

    Raises:
        VerificationError: it has them and others, which only a later version can know.
    """
    if value.keys() == wanted:
        return True
    if value.keys() > wanted:
        raise VerificationError("not an event of a version known here", hint="upgrade heyi")
    return False
