"""The use of permits: calls that are announced, the nodes' receipts, results, withdrawals."""

from __future__ import annotations

from typing import Annotated, ClassVar

from msgspec import Meta

from heyi.crypto.canonical import Json
from heyi.exchange.events.typed import Content, TypedEvent


class OperationAsked(TypedEvent, frozen=True, kw_only=True):
    """Calls, announced before they are sent: (permit, number, digest of the argument) each."""

    KIND: ClassVar[str] = "operation.asked"
    operation: str
    calls: tuple[tuple[str, int, str], ...]


class ReceiptLogged(TypedEvent, frozen=True, kw_only=True):
    """A node's receipt, signed by the holder; its fields are those of the wire."""

    KIND: ClassVar[str]
    permit: str
    holder: str
    host: str
    operation: str
    argument: str
    number: int
    refusal: str
    result: str
    at: int
    signature: str


class OperationAnswered(ReceiptLogged, frozen=True, kw_only=True):
    """A node answered."""

    KIND: ClassVar[str] = "operation.answered"


class OperationRefused(ReceiptLogged, frozen=True, kw_only=True):
    """A node refused, which is an answer."""

    KIND: ClassVar[str] = "operation.refused"


class ResultReleased(TypedEvent, frozen=True, kw_only=True):
    """The joined result of an operation.

    `answered` are the holders whose answers are in it, `refused` the refusals of the others,
    `figures` what was found.
    """

    KIND: ClassVar[str] = "result.released"
    operation: str
    answered: tuple[str, ...]
    refused: dict[str, dict[str, str]]
    figures: dict[str, Json]


class Subject(Content, frozen=True, kw_only=True):
    """The token under which a subject withdraws; institutions alone have the key for it."""

    token: Annotated[str, Meta(pattern=r"^[0-9a-f]{32}\Z")]


class ConsentWithdrawn(TypedEvent, frozen=True, kw_only=True):
    """A subject withdraws consent for a case, or for everything (`*`).

    `via` is the party that the subject came to; the leaf names nobody.
    """

    KIND: ClassVar[str] = "consent.withdrawn"
    BODY: ClassVar[type[Content] | None] = Subject
    OF_CASE: ClassVar[bool] = False
    scope: str
    via: str
