"""A log store in memory: a second implementation of the protocol, which a test can spoil."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from heyi.audit.log_store import Entry, Subtree, WriteTransaction
from heyi.model.errors import Conflict


class MemoryTransaction:
    """What was written, in order, until it is committed."""

    def __init__(self, size: int) -> None:
        self._size = size
        self.entries: list[Entry] = []
        self.subtrees: list[Subtree] = []
        self.notes: list[tuple[int, bytes]] = []
        self.streams: list[tuple[str, int]] = []
        self.summaries: list[tuple[str, str, bytes]] = []
        self.erased: list[int] = []
        self.forgotten = False
        self.replaced = False

    @property
    def size(self) -> int:
        return self._size

    def append(
        self, entries: Sequence[Entry], subtrees: Sequence[Subtree], *, note: bytes | None = None
    ) -> None:
        assert [e.index for e in entries] == list(range(self._size, self._size + len(entries)))
        self.entries += entries
        self.subtrees += subtrees
        self._size += len(entries)
        if note is not None:
            self.notes.append((self._size, note))

    def index(self, rows: Sequence[tuple[str, int]]) -> None:
        self.streams += rows

    def summarise(self, rows: Sequence[tuple[str, str, bytes]]) -> None:
        self.summaries += rows

    def forget_projections(self) -> None:
        self.forgotten = True
        self.streams.clear()
        self.summaries.clear()

    def replace_checkpoints(self, note: bytes) -> None:
        self.notes = [(self._size, note)]
        self.replaced = True

    def erase(self, indices: Sequence[int]) -> None:
        self.erased += indices


class MemoryStore:
    """Entries, checkpoints and projections in lists and dicts."""

    def __init__(self) -> None:
        self.rows: list[Entry] = []
        self.notes: dict[int, bytes] = {}
        self.roots: dict[int, list[bytes]] = {8: [], 16: [], 24: []}
        self.streams: dict[str, list[int]] = {}
        self.kept: dict[str, dict[str, bytes]] = {}
        self.read = 0
        self._due = False
        self._locked = False

    # --- reading ---

    def size(self) -> int:
        return len(self.rows)

    def entries(self, start: int = 0, end: int | None = None) -> Iterator[Entry]:
        # Portions of three: a reader sees what was written while it read.
        end = len(self.rows) if end is None else end
        for begin in range(start, end, 3):
            yield from self.rows[begin : min(begin + 3, end)]

    def stream(self, name: str) -> Iterator[Entry]:
        return iter([self.rows[n] for n in sorted(self.streams.get(name, []))])

    def stream_names(self) -> Iterator[str]:
        return iter(sorted(name for name, rows in self.streams.items() if rows))

    def checkpoints(self, start: int = 0) -> Iterator[tuple[int, bytes]]:
        return iter([(size, note) for size, note in sorted(self.notes.items()) if size >= start])

    def newest_checkpoint(self) -> tuple[int, bytes] | None:
        return max(self.notes.items(), default=None)

    def subtrees(self, level: int, begin: int, end: int) -> list[bytes]:
        roots = [e.leaf_hash for e in self.rows[begin:end]] if level == 0 else []
        roots = roots or self.roots.get(level, [])[begin:end]
        self.read += len(roots)
        return roots

    def summary(self, kind: str, name: str) -> bytes | None:
        return self.kept.get(kind, {}).get(name)

    def summaries(self, kind: str) -> Iterator[tuple[str, bytes]]:
        return iter(sorted(self.kept.get(kind, {}).items()))

    # --- writing ---

    @contextmanager
    def writing(self) -> Iterator[WriteTransaction]:
        if self._locked:
            raise Conflict("another writer holds the log", hint="wait and run again")
        self._locked = True
        try:
            transaction = MemoryTransaction(len(self.rows))
            yield transaction
            self.commit(transaction)
        finally:
            self._locked = False

    def commit(self, done: MemoryTransaction) -> None:
        """Keep everything; a test that wants a failing disk overrides this."""
        self.rows += done.entries
        if done.replaced:
            self.notes.clear()
        self.notes.update(done.notes)
        for subtree in done.subtrees:
            assert len(self.roots[subtree.level]) == subtree.index
            self.roots[subtree.level].append(subtree.root)
        if done.forgotten:
            self.streams, self.kept = {}, {}
        for stream, index in done.streams:
            self.streams.setdefault(stream, []).append(index)
        for kind, name, summary in done.summaries:
            self.kept.setdefault(kind, {})[name] = summary
        for index in done.erased:
            self.rows[index] = replace(self.rows[index], body=None, key=None)
            self._due = True

    def cosigned(self, size: int, note: bytes) -> None:
        assert size in self.notes
        self.notes[size] = note

    def scrub_due(self) -> bool:
        return self._due

    def scrub(self) -> None:
        self._due = False
