"""A body that was erased: its leaf stays, and this event says that it is gone."""

from __future__ import annotations

from typing import ClassVar

from heyi.exchange.events.typed import TypedEvent


class BodyErased(TypedEvent, frozen=True, kw_only=True):
    """The body of `entry` is gone for good; the event belongs to the case of that entry, if any.

    Everybody may read the reason.
    """

    KIND: ClassVar[str] = "body.erased"
    OF_CASE: ClassVar[bool] = False
    entry: int
    reason: str
