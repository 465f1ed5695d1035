"""The clock of a run that is told what time it is."""

from __future__ import annotations

from heyi.app.settings import START


class StandingClock:
    """A clock that stands still until it is moved: the same story gives the same times."""

    def __init__(self, now: int = START) -> None:
        self._now = now

    def now(self) -> int:
        """Unix time in seconds."""
        return self._now

    def forward(self, seconds: int) -> None:
        """Move the clock."""
        self._now += seconds
