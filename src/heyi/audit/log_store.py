"""What a log needs of its store, as protocols: entries, checkpoints, subtrees, streams, summaries.

The store knows bytes and names; what an event means is told to it by whoever writes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

STORED_LEVELS = (8, 16, 24)
"""Levels of perfect subtrees whose roots are stored: a subtree of level k has 2^k leaves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A leaf as stored; `body` and `key` are None if there was no body or if it was erased."""

    index: int
    leaf: bytes
    leaf_hash: bytes
    body: bytes | None = None
    key: bytes | None = None


@dataclass(frozen=True, slots=True)
class Subtree:
    """The root over the leaves from `index` * 2^level up to (`index` + 1) * 2^level - 1."""

    level: int
    index: int
    root: bytes


class LogReader(Protocol):
    """What readers, verifiers and projections ask. No call keeps a transaction open."""

    def size(self) -> int:
        """The number of entries."""

    def entries(self, start: int = 0, end: int | None = None) -> Iterator[Entry]:
        """The entries from index `start` up to `end`, exclusive, in order, read in portions."""

    def stream(self, name: str) -> Iterator[Entry]:
        """The entries that were indexed under a stream, in order."""

    def stream_names(self) -> Iterator[str]:
        """The names of all streams that have an entry, in order."""

    def checkpoints(self, start: int = 0) -> Iterator[tuple[int, bytes]]:
        """(size, signed note) of each checkpoint of at least `start` entries, in order of size."""

    def newest_checkpoint(self) -> tuple[int, bytes] | None:
        """(size, signed note) of the last checkpoint."""

    def subtrees(self, level: int, begin: int, end: int) -> list[bytes]:
        """Roots of the subtrees with index `begin` up to `end`, exclusive.

        Level 0 are the leaf hashes; other levels are those of STORED_LEVELS.
        """

    def summary(self, kind: str, name: str) -> bytes | None:
        """The summary that was kept of one thing, such as a case."""

    def summaries(self, kind: str) -> Iterator[tuple[str, bytes]]:
        """(name, summary) of all things of one kind, in the order of names."""


class WriteTransaction(Protocol):
    """One transaction that holds the write lock; it is kept as a whole, or not at all."""

    @property
    def size(self) -> int:
        """The number of entries, read after the lock was taken; what was added here is in it."""

    def append(
        self, entries: Sequence[Entry], subtrees: Sequence[Subtree], *, note: bytes | None = None
    ) -> None:
        """Keep entries, the subtrees that they complete, and a checkpoint of the new size."""

    def index(self, rows: Sequence[tuple[str, int]]) -> None:
        """Put entries into streams: (stream, index of the entry)."""

    def summarise(self, rows: Sequence[tuple[str, str, bytes]]) -> None:
        """Keep summaries: (kind, name, summary); a later one replaces an earlier one."""

    def forget_projections(self) -> None:
        """Delete all streams and summaries, to build them anew."""

    def replace_checkpoints(self, note: bytes) -> None:
        """Delete all checkpoints, and keep this one of the present size."""

    def erase(self, indices: Sequence[int]) -> None:
        """Delete body and key of these entries, and remember that a scrub is due."""


class LogStore(LogReader, Protocol):
    """Where a log keeps its entries. A transaction that was left without an error is durable."""

    def writing(self) -> AbstractContextManager[WriteTransaction]:
        """A transaction that holds the write lock; an exception undoes all of it.

        Raises:
            Conflict: another process holds the lease, or this one has lost it, or the lock could
                not be had in time.
            StoreError: the database failed; nothing was kept.
        """

    def cosigned(self, size: int, note: bytes) -> None:
        """Replace the checkpoint of that size by the cosigned one."""

    def scrub_due(self) -> bool:
        """Whether erased bytes may still be in the files."""

    def scrub(self) -> None:
        """Overwrite all copies of erased bytes that the store may still hold."""
