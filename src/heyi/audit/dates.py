"""The dates of entries: in order, and within the clock of the witness.

A cosignature carries the witness's clock. What is under it had happened by then, and what comes
after it had not: so a log cannot date its entries backward or forward at will.
"""

from __future__ import annotations

from heyi.audit.witness import CLOCK_TOLERANCE


class Dates:
    """The dates of entries and cosignatures, in the order of the log; all are Unix seconds.

    Each method answers with a fault, or None. One wrong clock dates many entries wrongly, and is
    told at one entry.
    """

    def __init__(self, *, at: int = 0, witnessed_at: int = 0) -> None:
        self.at = at
        self.witnessed_at = witnessed_at
        self._early = self._late = False

    def entry(self, at: int) -> str | None:
        """The next entry."""
        early = at < self.witnessed_at - CLOCK_TOLERANCE
        backward = at < self.at
        told, self._early, self.at = self._early, early, at
        if backward:
            return "the entry is dated before the one above it"
        if early and not told:
            return (
                f"the entry is dated outside the witness's clock: {at}, after a cosignature of "
                f"{self.witnessed_at}"
            )
        return None

    def cosignature(self, witnessed_at: int) -> str | None:
        """The next cosignature; a fault belongs to the entry before it."""
        late = self.at > witnessed_at + CLOCK_TOLERANCE
        told, self._late = self._late, late
        self.witnessed_at = max(self.witnessed_at, witnessed_at)
        if late and not told:
            return (
                f"the entry is dated outside the witness's clock: {self.at}, before a cosignature "
                f"of {witnessed_at}"
            )
        return None
