"""What an auditor has verified, to go on from there the next time."""

from __future__ import annotations

from dataclasses import dataclass

from heyi.crypto.merkle import Frontier


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """A log without fault, as far as an auditor has read it; the auditor keeps it to go on later.

    `frontier` are the hashes of the full subtrees, as `Frontier.hashes`. `at` is the time of the
    newest entry, `witnessed_at` that of the newest cosignature (Unix seconds, 0 if none), and
    `cosigned` the largest size that the witness cosigned.
    """

    size: int
    frontier: tuple[bytes, ...]
    at: int
    witnessed_at: int = 0
    cosigned: int = 0

    @property
    def root(self) -> bytes:
        return Frontier.of(self.size, self.frontier).root()
