"""Clocks: of this machine, and of a run that is told what time it is."""

from __future__ import annotations

import time
from datetime import UTC, datetime

from heyi.app.settings import START
from heyi.model.errors import InvalidInput

HELD = 60
"""Seconds by which the clock may step back, as a time server does, and be held; beyond it stops."""


class StandingClock:
    """A clock that stands still until it is moved: the same story gives the same times.

    Another process that writes to the same run moves it as well, since its events come later.
    """

    def __init__(self, now: int = START) -> None:
        self._now = now

    def now(self, last: int = 0) -> int:
        """Unix time in seconds, never before `last`."""
        self._now = max(self._now, last)
        return self._now

    def forward(self, seconds: int) -> None:
        """Move the clock."""
        self._now += seconds


class SystemClock:
    """The clock of this machine."""

    def now(self, last: int = 0) -> int:
        """Unix time in seconds, never before `last`, the time of the newest event.

        Raises:
            InvalidInput: the clock stepped back by more than a minute. An event dated before the
                one above it would be a fault for ever.
        """
        now = int(time.time())
        if now < last - HELD:
            raise InvalidInput(
                f"the clock of this machine says {_utc(now)}, and the log has come to {_utc(last)}",
                hint="set the clock; nothing is logged until then",
            )
        return max(now, last)


def _utc(at: int) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%M:%SZ}"
