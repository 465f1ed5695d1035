"""A request and its answers: submitted, stated, decided, approved, permitted, revoked."""

from __future__ import annotations

import datetime as dt
from typing import ClassVar

import msgspec

from heyi.crypto.canonical import Json
from heyi.exchange.events.typed import Content, Signature, TypedEvent
from heyi.model.decision import Outcome


class Said(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The value of one fact; `until` is the last day on which it holds."""

    value: Json
    until: dt.date | None


class SaidBy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The value of one fact with the source that states it."""

    value: Json
    source: str
    until: dt.date | None


class SaidFacts(Content, frozen=True, kw_only=True):
    """Facts by name; the leaf has the names alone."""

    facts: dict[str, Said]


class Reasons(Content, frozen=True, kw_only=True):
    """Why somebody did so, in words that the other side reads."""

    reasons: str


class RequestSubmitted(TypedEvent, frozen=True, kw_only=True):
    """A request; `operations` has the parameters of each named operation, `declared` the names of
    the facts that the requester declares."""

    KIND: ClassVar[str] = "request.submitted"
    BODY: ClassVar[type[Content] | None] = SaidFacts
    id: str
    zh: str
    en: str
    requester: str
    recipient: str
    assets: tuple[str, ...]
    kinds: tuple[str, ...]
    action: str
    purpose: str
    delivery: str
    operations: dict[str, dict[str, Json]]
    declared: tuple[str, ...]


class FactStated(TypedEvent, frozen=True, kw_only=True):
    """Somebody states facts for one asset of a case, or for all (`*`)."""

    KIND: ClassVar[str] = "fact.stated"
    BODY: ClassVar[type[Content] | None] = SaidFacts
    asset: str
    source: str
    names: tuple[str, ...]


class Grounds(Content, frozen=True, kw_only=True):
    """The facts of a decision: as stated, as packed words of 256 bits, and which were rejected."""

    words: tuple[str, ...]
    rejected: dict[str, str]
    stated: dict[str, SaidBy]


class DecisionMade(TypedEvent, frozen=True, kw_only=True):
    """The answer on one asset.

    `rules` has the truth of each rule that is not false; `result` is the digest of the whole
    decision, which a replay computes again.
    """

    KIND: ClassVar[str] = "decision.made"
    BODY: ClassVar[type[Content] | None] = Grounds
    asset: str
    outcome: Outcome
    curable: bool
    rules: dict[str, str]
    missing: tuple[str, ...]
    unknown: tuple[str, ...]
    approvals: tuple[str, ...]
    obligations: tuple[str, ...]
    legal_day: dt.date
    rulebook: str
    result: str


class AlarmRaised(TypedEvent, frozen=True, kw_only=True):
    """The two readings of the rulebook differed, so the answer was no."""

    KIND: ClassVar[str] = "alarm.raised"
    asset: str
    alarm: str


class ApprovalAnswered(TypedEvent, frozen=True, kw_only=True):
    """The signed answer of an authority.

    `decision` is the entry of the decision that it read, None if there was none yet. `reasons` is
    the commitment to the body, so that the signature covers the reasons. `until` is the last day on
    which it holds, `signature` is in hexadecimal.
    """

    KIND: ClassVar[str]
    BODY: ClassVar[type[Content] | None] = Reasons
    authority: str
    asset: str
    conditions: dict[str, int]
    until: dt.date | None
    decision: int | None
    signature: Signature


class ApprovalGiven(ApprovalAnswered, frozen=True, kw_only=True):
    """An authority approves."""

    KIND: ClassVar[str] = "approval.given"


class ApprovalRefused(ApprovalAnswered, frozen=True, kw_only=True):
    """An authority refuses."""

    KIND: ClassVar[str] = "approval.refused"


class PermitIssued(TypedEvent, frozen=True, kw_only=True):
    """A permit, signed by issuer, holder and requester."""

    KIND: ClassVar[str] = "permit.issued"
    permit: str
    asset: str
    token: str


class PermitRevoked(TypedEvent, frozen=True, kw_only=True):
    """A permit ends; its node must have taken the notice."""

    KIND: ClassVar[str] = "permit.revoked"
    BODY: ClassVar[type[Content] | None] = Reasons
    permit: str
