"""A log that goes on from a backup of another, whose last entries are lost."""

from __future__ import annotations

from typing import ClassVar

from heyi.exchange.events.typed import PublicKey, TypedEvent


class LogSucceeded(TypedEvent, frozen=True, kw_only=True):
    """All entries before this one are those of the log `origin`, whose key was `log_key`.

    `checkpoint` is the last signed note of that log that its witness is known to have seen; it may
    be of a larger size than the backup had: the entries between are `lost`. It is None where the
    witness remembered nothing, so that nobody knows. `adopted` is false as
    long as the members have not agreed to go on.
    """

    KIND: ClassVar[str] = "log.succeeded"
    OF_CASE: ClassVar[bool] = False
    origin: str
    log_key: PublicKey
    checkpoint: str
    lost: int | None
    adopted: bool
