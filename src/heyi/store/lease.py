"""The head of a log: its lock, its size, and the lease that keeps other programs from writing.

A lease has a number, the fence, which grows with each lease. A program whose lease ran out may not
know it yet: it is stopped because the fence in the database is no longer its own.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection, select

from heyi.model.errors import Conflict, InvalidInput, StoreError
from heyi.store.tables import HEAD

_READ = select(
    HEAD.c.size, HEAD.c.fence, HEAD.c.holder, HEAD.c.held_until, HEAD.c.erasures, HEAD.c.scrubbed
)
_LOCKED = _READ.with_for_update()  # SQLite has locked the file already and ignores this
_LATEST = 253_402_300_799
"""The last second of the year 9999, in Unix time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredHead:
    """The one row that each writer locks; `held_until` is Unix time in seconds, exclusive."""

    size: int
    fence: int
    holder: str
    held_until: int
    erasures: int
    scrubbed: int


def stored_head(connection: Connection, *, locked: bool = True) -> StoredHead:
    """The head of the log; PostgreSQL locks it until the end of the transaction.

    Raises:
        StoreError: the database holds no head, or a damaged one.
    """
    rows = connection.execute(_LOCKED if locked else _READ).all()
    if len(rows) == 1:
        size, fence, holder, held_until, erasures, scrubbed = rows[0]
        numbers = (size, fence, held_until, erasures, scrubbed)
        if isinstance(holder, str) and all(type(n) is int and n >= 0 for n in numbers):
            return StoredHead(
                size=size,
                fence=fence,
                holder=holder,
                held_until=held_until,
                erasures=erasures,
                scrubbed=scrubbed,
            )
    raise StoreError("the head of the log is damaged", hint="restore a backup")


class Lease:
    """What one program knows of its own lease."""

    def __init__(self) -> None:
        self._fence: int | None = None
        self._seconds = 0

    def check(self, head: StoredHead, *, now: float) -> None:
        """Check that this program may write; `now` is Unix time in seconds.

        Raises:
            Conflict: its lease was lost, or another holder has one.
        """
        if self._fence == head.fence:
            return
        if self._fence is not None:
            raise Conflict(
                f"the lease was lost{_to(head)}", hint="nothing was kept; take a lease anew"
            )
        if head.held_until > now:
            raise Conflict(
                f"`{head.holder}` writes this log, and holds it until {_said(head.held_until)}",
                hint="nothing was kept; give the command to that program, or wait until it ended",
            )

    def taken(
        self, head: StoredHead, *, holder: str, seconds: int, now: float
    ) -> dict[str, object]:
        """The columns of the head under a new lease.

        Raises:
            InvalidInput: the lease has no holder or no duration.
            Conflict: another holder has one.
        """
        if not holder or seconds < 1:
            raise InvalidInput("a lease needs the name of its holder, and at least one second")
        if head.held_until > now and self._fence != head.fence:
            # A lease that was lost must not be in the way of a new one: only the other's counts.
            Lease().check(head, now=now)
        return {"fence": head.fence + 1, "holder": holder, "held_until": _end(now, seconds)}

    def renewed(self, head: StoredHead, *, now: float) -> dict[str, object]:
        """The columns of the head under the same lease for the same duration from now.

        Raises:
            Conflict: there is no lease, or it was lost.
        """
        if self._fence is None:
            raise Conflict("this program holds no lease", hint="take a lease first")
        self.check(head, now=now)
        return {"held_until": _end(now, self._seconds)}

    def ended(self, head: StoredHead) -> dict[str, object]:
        """The columns of the head without this lease; none if it was lost already."""
        return {"holder": "", "held_until": 0} if self._fence == head.fence else {}

    def hold(self, fence: int, seconds: int) -> None:
        """Remember the lease that was committed."""
        self._fence, self._seconds = fence, seconds

    def forget(self) -> None:
        """Write again without a lease, as far as nobody else has one."""
        self._fence = None


def _end(now: float, seconds: int) -> int:
    return min(math.ceil(now) + seconds, _LATEST)


def _to(head: StoredHead) -> str:
    return f" to `{head.holder}`" if head.holder else ""


def _said(until: int) -> str:
    return datetime.fromtimestamp(min(until, _LATEST), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
