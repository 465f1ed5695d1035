"""Reading a log from its database, in portions, so that no transaction stays open in between."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any

from sqlalchemy import Connection, Select, bindparam, func, select

from heyi.audit.log_store import Entry
from heyi.model.errors import StoreError
from heyi.store.lease import stored_head
from heyi.store.tables import (
    ARTEFACTS,
    BODIES,
    CHECKPOINTS,
    ENTRIES,
    STREAMS,
    SUBTREES,
    SUMMARIES,
)

PORTION = 1_000
"""Rows that are read at once."""

# INVARIANT: each query that is read in portions asks for rows after `:last`, in that order.
# An outer join: an entry without a body, or with an erased one, must not disappear.
_WITH_BODIES = ENTRIES.outerjoin(BODIES, ENTRIES.c.idx == BODIES.c.idx)
_COLUMNS = (ENTRIES.c.idx, ENTRIES.c.leaf, ENTRIES.c.leaf_hash, BODIES.c.body, BODIES.c.key)
_ENTRIES = (
    select(*_COLUMNS)
    .select_from(_WITH_BODIES)
    .where(ENTRIES.c.idx > bindparam("last"), ENTRIES.c.idx < bindparam("end"))
    .order_by(ENTRIES.c.idx)
    .limit(PORTION)
)
_LAST = select(func.max(ENTRIES.c.idx))
_STREAM = (
    select(*_COLUMNS)
    .select_from(STREAMS.join(_WITH_BODIES, STREAMS.c.idx == ENTRIES.c.idx))
    .where(STREAMS.c.stream == bindparam("stream"), STREAMS.c.idx > bindparam("last"))
    .order_by(STREAMS.c.idx)
    .limit(PORTION)
)
_STREAMS = (
    select(STREAMS.c.stream)
    .where(STREAMS.c.stream > bindparam("last"))
    .group_by(STREAMS.c.stream)
    .order_by(STREAMS.c.stream)
    .limit(PORTION)
)
MOST_OF_A_NOTE = 1_000_000
"""Bytes that are read of a checkpoint; none has more, and more could fill the memory."""
_NOTE = func.substr(CHECKPOINTS.c.note, 1, MOST_OF_A_NOTE, type_=CHECKPOINTS.c.note.type)
_CHECKPOINTS = (
    select(CHECKPOINTS.c.size, _NOTE)
    .where(CHECKPOINTS.c.size > bindparam("last"))
    .order_by(CHECKPOINTS.c.size)
    .limit(PORTION)
)
_NEWEST = select(CHECKPOINTS.c.size, _NOTE).order_by(CHECKPOINTS.c.size.desc()).limit(1)
_SUMMARIES = (
    select(SUMMARIES.c.name, SUMMARIES.c.summary)
    .where(SUMMARIES.c.kind == bindparam("kind"), SUMMARIES.c.name > bindparam("last"))
    .order_by(SUMMARIES.c.name)
    .limit(PORTION)
)
_SUMMARY = select(SUMMARIES.c.summary).where(
    SUMMARIES.c.kind == bindparam("kind"), SUMMARIES.c.name == bindparam("name")
)
_LEAF_HASHES = (
    select(ENTRIES.c.leaf_hash)
    .where(ENTRIES.c.idx >= bindparam("begin"), ENTRIES.c.idx < bindparam("end"))
    .order_by(ENTRIES.c.idx)
)
_ROOTS = (
    select(SUBTREES.c.root)
    .where(
        SUBTREES.c.level == bindparam("level"),
        SUBTREES.c.idx >= bindparam("begin"),
        SUBTREES.c.idx < bindparam("end"),
    )
    .order_by(SUBTREES.c.idx)
)
_ARTEFACT = select(ARTEFACTS.c.content).where(ARTEFACTS.c.digest == bindparam("digest"))
_BEFORE_ALL, _NO_END = -(2**63), 2**63 - 1


def _raw(value: object) -> bytes:
    """The bytes of a cell; SQLite lets anybody who edits the file put text there."""
    return value if isinstance(value, bytes) else str(value).encode()


def _entry(row: Sequence[Any]) -> Entry:
    idx, leaf, hashed, body, key = row
    return Entry(
        index=idx,
        leaf=_raw(leaf),
        leaf_hash=_raw(hashed),
        body=None if body is None else _raw(body),
        key=None if key is None else _raw(key),
    )


class DatabaseReader:
    """A `LogReader`; whoever inherits from it says how it connects."""

    def _reading(self) -> AbstractContextManager[Connection]:
        raise NotImplementedError

    def size(self) -> int:
        """The number of entries, as the entries themselves say, not the head."""
        with self._reading() as connection:
            last = connection.execute(_LAST).scalar()
        return 0 if last is None else _number(last) + 1

    def scrub_due(self) -> bool:
        """Whether erased bytes may still be in the files."""
        with self._reading() as connection:
            head = stored_head(connection, locked=False)
        return head.erasures > head.scrubbed

    def entries(self, start: int = 0, end: int | None = None) -> Iterator[Entry]:
        """The entries from index `start` up to `end`, exclusive, in order, read in portions."""
        until = _NO_END if end is None else end
        # Who asks for all meets also what somebody numbered below 0, which the check refuses.
        last = _BEFORE_ALL if not start and end is None else start - 1
        for row in self._portions(_ENTRIES, last=last, end=until):
            yield _entry(row)

    def stream(self, name: str) -> Iterator[Entry]:
        """The entries that were indexed under a stream, in order."""
        for row in self._portions(_STREAM, last=_BEFORE_ALL, stream=name):
            yield _entry(row)

    def stream_names(self) -> Iterator[str]:
        """The names of all streams that have an entry, in order."""
        for (name,) in self._portions(_STREAMS, last=""):
            yield name

    def checkpoints(self, start: int = 0) -> Iterator[tuple[int, bytes]]:
        """(size, signed note) of each checkpoint of at least `start` entries, in order of size."""
        # also those of a size below 0, which nobody signed
        for size, note in self._portions(_CHECKPOINTS, last=start - 1 if start else _BEFORE_ALL):
            yield size, _raw(note)

    def newest_checkpoint(self) -> tuple[int, bytes] | None:
        """(size, signed note) of the last checkpoint."""
        with self._reading() as connection:
            row = connection.execute(_NEWEST).first()
        return None if row is None else (_number(row[0]), _raw(row[1]))

    def subtrees(self, level: int, begin: int, end: int) -> list[bytes]:
        """Roots of the subtrees with index `begin` up to `end`; level 0 are the leaf hashes.

        The list is shorter where the database lacks some of them.
        """
        asked = {"begin": begin, "end": end}
        with self._reading() as connection:
            if level == 0:
                rows = connection.execute(_LEAF_HASHES, asked).scalars().all()
            else:
                rows = connection.execute(_ROOTS, {"level": level, **asked}).scalars().all()
        return [_raw(root) for root in rows]

    def summary(self, kind: str, name: str) -> bytes | None:
        """The summary that was kept of one thing, such as a case."""
        with self._reading() as connection:
            row = connection.execute(_SUMMARY, {"kind": kind, "name": name}).first()
        return None if row is None else _raw(row[0])

    def summaries(self, kind: str) -> Iterator[tuple[str, bytes]]:
        """(name, summary) of all things of one kind, in the order of names."""
        # No name comes before the empty one, so the first portion begins with it.
        if (nameless := self.summary(kind, "")) is not None:
            yield "", nameless
        for name, summary in self._portions(_SUMMARIES, last="", kind=kind):
            yield name, _raw(summary)

    def artefact(self, digest: str) -> bytes | None:
        """Public content by its digest."""
        with self._reading() as connection:
            row = connection.execute(_ARTEFACT, {"digest": digest}).first()
        return None if row is None else _raw(row[0])

    def _portions(
        self, query: Select[Any], *, last: int | str, **asked: object
    ) -> Iterator[Sequence[Any]]:
        """The rows of a query whose first column follows `last`."""
        while True:
            # A reader that pauses must not keep a transaction open: it would block `scrub`.
            with self._reading() as connection:
                rows = connection.execute(query, {"last": last, **asked}).all()
            for row in rows:
                if type(row[0]) is not type(last):
                    raise _damaged()
                yield row
            if len(rows) < PORTION:
                return
            last = rows[-1][0]


def _number(value: object) -> int:
    if type(value) is not int:
        raise _damaged()
    return value


def _damaged() -> StoreError:
    return StoreError(
        "the log could not be read: the key of a row is damaged", hint="restore a backup"
    )
