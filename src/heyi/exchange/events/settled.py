"""The money of a case: a registered utility, a settlement, statements, disputes, payments.

Amounts are in fen; fractions are texts such as `1/3`; times are Unix seconds.
"""

from __future__ import annotations

from typing import ClassVar

from heyi.crypto.canonical import Json
from heyi.exchange.events.applied import Reasons
from heyi.exchange.events.typed import Content, Signature, TypedEvent
from heyi.model.decision import Text


class UtilityRegistered(TypedEvent, frozen=True, kw_only=True):
    """What will be measured, before permits are issued; every permit quotes the digest."""

    KIND: ClassVar[str] = "utility.registered"
    specification: dict[str, Json]
    digest: str


class SettlementCertified(TypedEvent, frozen=True, kw_only=True):
    """The figures of a settlement; all of them follow from the certificate of that digest.

    `root` is that over the utilities of all coalitions; `disputes_until` is inclusive.
    """

    KIND: ClassVar[str] = "settlement.certified"
    certificate: str
    root: str
    players: tuple[str, ...]
    unit: str
    interim: bool
    phi: tuple[str, ...]
    pot_fen: int
    paid_fen: dict[str, int]
    shares_fen: dict[str, int]
    escrow_fen: int
    disputes_until: int


class StatementIssued(TypedEvent, frozen=True, kw_only=True):
    """One institution's statement (settlement/statement); values that may exceed 2^53 are texts."""

    KIND: ClassVar[str] = "statement.issued"
    party: str
    study: str
    pot_fen: int
    share_fen: int
    paid_fen: int
    interim: bool
    contribution: str
    low: str
    high: str
    interval: tuple[int, int] | None
    alone: str
    last: str
    total: str
    unit: str
    strata: dict[str, str]
    why: Text
    certificate: str
    disputes_until: int


class StatementDisputed(TypedEvent, frozen=True, kw_only=True):
    """An institution doubts its statement."""

    KIND: ClassVar[str] = "statement.disputed"
    BODY: ClassVar[type[Content] | None] = Reasons
    party: str
    certificate: str


class DisputeAnswered(TypedEvent, frozen=True, kw_only=True):
    """The authority's signed answer to a dispute; the signature covers the reasons too."""

    KIND: ClassVar[str]
    BODY: ClassVar[type[Content] | None] = Reasons
    party: str
    certificate: str
    signature: Signature


class DisputeDismissed(DisputeAnswered, frozen=True, kw_only=True):
    """The dispute is dismissed, and the statement stands."""

    KIND: ClassVar[str] = "dispute.dismissed"


class SettlementWithdrawn(DisputeAnswered, frozen=True, kw_only=True):
    """The dispute is upheld, and the whole settlement is withdrawn, to be made anew."""

    KIND: ClassVar[str] = "settlement.withdrawn"


class SettlementApproved(TypedEvent, frozen=True, kw_only=True):
    """The authority approves a settlement that nobody can dispute any more."""

    KIND: ClassVar[str] = "settlement.approved"
    certificate: str
    signature: Signature


class SettlementPaid(TypedEvent, frozen=True, kw_only=True):
    """One institution was paid; `by_leave_of` is the case in which the law permitted it."""

    KIND: ClassVar[str] = "settlement.paid"
    party: str
    amount_fen: int
    payment: str
    by_leave_of: str
