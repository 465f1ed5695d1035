"""One writing transaction: rows go to the tables as they come, the head is written at the end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import Connection, Table, update
from sqlalchemy.exc import SQLAlchemyError

from heyi.audit.log_store import Entry, Subtree
from heyi.model.errors import StoreError
from heyi.store.failures import store_error
from heyi.store.lease import StoredHead
from heyi.store.tables import (
    ARTEFACTS,
    BODIES,
    CHECKPOINTS,
    ENTRIES,
    HEAD,
    STREAMS,
    SUBTREES,
    SUMMARIES,
)

# What each kind of column is in an array of PostgreSQL, and how one element becomes a cell. Texts
# travel as bytes, because the driver writes the text "NULL" into an array as if it were no text.
_ARRAYS = {
    int: ("BIGINT[]", "{}"),
    bytes: ("BYTEA[]", "{}"),
    str: ("BYTEA[]", "convert_from({}, 'UTF8')"),
}


@dataclass(frozen=True, slots=True)
class _ManyRows:
    """One statement for many rows, as text, because it runs with each event.

    SQLite's driver repeats a statement for each row within the process. PostgreSQL's driver would
    go to the server for each row; it gets one array for each column instead.
    """

    sqlite: str
    postgresql: str

    def run(self, connection: Connection, rows: Sequence[tuple[object, ...]]) -> None:
        if not rows:
            return
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql(self.sqlite, list(rows))
        else:
            columns = tuple(
                [cell.encode() if isinstance(cell, str) else cell for cell in column]
                for column in zip(*rows, strict=True)
            )
            connection.exec_driver_sql(self.postgresql, columns)


def _insertion(table: Table, conflict: str = "") -> _ManyRows:
    """For example, in SQLite and in PostgreSQL:

    INSERT INTO streams (stream, idx) VALUES (?, ?)
    INSERT INTO streams (stream, idx) SELECT convert_from(new.stream, 'UTF8'), new.idx
        FROM unnest(CAST(%s AS BYTEA[]), CAST(%s AS BIGINT[])) AS new (stream, idx)
    """
    names = ", ".join(table.columns.keys())
    into = f"INSERT INTO {table.name} ({names})"
    marks = ", ".join("?" for _ in table.columns)
    kinds = [(c.name, *_ARRAYS[c.type.python_type]) for c in table.columns]
    arrays = ", ".join(f"CAST(%s AS {array})" for _, array, _ in kinds)
    cells = ", ".join(cell.format(f"new.{name}") for name, _, cell in kinds)
    return _ManyRows(
        f"{into} VALUES ({marks}) {conflict}",
        f"{into} SELECT {cells} FROM unnest({arrays}) AS new ({names}) {conflict}",
    )


_ADD_ENTRIES = _insertion(ENTRIES)
_ADD_BODIES = _insertion(BODIES)
_ADD_SUBTREES = _insertion(SUBTREES)
_ADD_CHECKPOINTS = _insertion(CHECKPOINTS)
_ADD_STREAMS = _insertion(STREAMS, "ON CONFLICT DO NOTHING")
_ADD_SUMMARIES = _insertion(
    SUMMARIES, "ON CONFLICT (kind, name) DO UPDATE SET summary = excluded.summary"
)
_ADD_ARTEFACTS = _insertion(ARTEFACTS, "ON CONFLICT DO NOTHING")
_ERASE = _ManyRows(
    "DELETE FROM bodies WHERE idx = ?",
    "DELETE FROM bodies WHERE idx = ANY(CAST(%s AS BIGINT[]))",
)
_FORGET_CHECKPOINTS = _ManyRows(
    "DELETE FROM checkpoints WHERE size >= ?",
    "DELETE FROM checkpoints WHERE size >= ANY(CAST(%s AS BIGINT[]))",
)
_COSIGN = _ManyRows(
    "UPDATE checkpoints SET note = ? WHERE size = ?",
    "UPDATE checkpoints SET note = new.note FROM unnest(CAST(%s AS BYTEA[]), CAST(%s AS BIGINT[]))"
    " AS new (note, size) WHERE checkpoints.size = new.size",
)


class Transaction:
    """A `WriteTransaction` on one connection that holds the write lock.

    INVARIANT: after an error nothing more is written and nothing is kept, also where the caller
    caught the error. Both databases would otherwise commit in part, or say that they committed.
    """

    def __init__(self, connection: Connection, head: StoredHead) -> None:
        self.connection = connection
        self.head = head
        self._size = head.size
        self._columns: dict[str, object] = {}
        self._failure: StoreError | None = None

    @property
    def size(self) -> int:
        """The number of entries, with those that were added here."""
        return self._size

    def append(
        self, entries: Sequence[Entry], subtrees: Sequence[Subtree], *, note: bytes | None = None
    ) -> None:
        """Keep entries, the subtrees that they complete, and a checkpoint of the new size.

        Raises:
            StoreError: the entries do not follow those of the log, or the database failed.
        """
        for expected, entry in enumerate(entries, start=self._size):
            if entry.index != expected:
                raise self.fail(
                    StoreError(
                        f"the log could not be written: entry {entry.index} stands in the place "
                        f"of entry {expected}",
                        hint="nothing was kept; open the log again",
                    )
                )
        self._run(_ADD_ENTRIES, [(e.index, e.leaf, e.leaf_hash) for e in entries])
        bodies = [(e.index, e.body, e.key) for e in entries if e.body is not None]
        self._run(_ADD_BODIES, bodies)
        self._run(_ADD_SUBTREES, [(s.level, s.index, s.root) for s in subtrees])
        self._size += len(entries)
        if note is not None:
            self._run(_ADD_CHECKPOINTS, [(self._size, note)])

    def index(self, rows: Sequence[tuple[str, int]]) -> None:
        """Put entries into streams: (stream, index of the entry); a second time changes nothing."""
        self._run(_ADD_STREAMS, rows)

    def summarise(self, rows: Sequence[tuple[str, str, bytes]]) -> None:
        """Keep summaries: (kind, name, summary); a later one replaces an earlier one."""
        # PostgreSQL does not replace the same row twice in one statement.
        latest = {(kind, name): summary for kind, name, summary in rows}
        self._run(_ADD_SUMMARIES, [(*key, summary) for key, summary in latest.items()])

    def forget_projections(self) -> None:
        """Delete all streams and summaries, to build them anew."""
        with self._whole():
            self.connection.execute(STREAMS.delete())
            self.connection.execute(SUMMARIES.delete())

    def replace_checkpoints(self, note: bytes) -> None:
        """Delete all checkpoints, and keep this one of the present size."""
        self._run(_FORGET_CHECKPOINTS, [(0,)])
        self._run(_ADD_CHECKPOINTS, [(self._size, note)])

    def erase(self, indices: Sequence[int]) -> None:
        """Delete body and key of these entries, and remember that a scrub is due."""
        if indices:
            self._run(_ERASE, [(index,) for index in indices])
            self.set_head(erasures=self.head.erasures + 1)

    def cosign(self, size: int, note: bytes) -> None:
        """Replace the checkpoint of that size."""
        self._run(_COSIGN, [(note, size)])

    def keep_artefact(self, digest: str, content: bytes) -> None:
        """Keep public content under its digest; a second time changes nothing."""
        self._run(_ADD_ARTEFACTS, [(digest, content)])

    def set_head(self, **columns: object) -> None:
        """Change the head at the end of the transaction."""
        self._columns.update(columns)

    def finish(self) -> None:
        """Write the head, which is the last step before the commit.

        Raises:
            StoreError: something failed before, so that nothing must be kept.
        """
        if self._size != self.head.size:
            self.set_head(size=self._size)
        with self._whole():
            if self._columns:
                self.connection.execute(update(HEAD), self._columns)

    def fail(self, failure: StoreError) -> StoreError:
        """Remember that nothing of this transaction may be kept."""
        self._failure = self._failure or failure
        return failure

    def _run(self, statement: _ManyRows, rows: Sequence[tuple[object, ...]]) -> None:
        with self._whole():
            statement.run(self.connection, rows)

    @contextmanager
    def _whole(self) -> Iterator[None]:
        """Do nothing more after an error, and remember one that happens now."""
        if self._failure is not None:
            raise self._failure
        try:
            yield
        except SQLAlchemyError as e:
            raise self.fail(store_error("written", e)) from e
        except UnicodeEncodeError:
            raise self.fail(StoreError("the log could not be written: a name is no text")) from None
