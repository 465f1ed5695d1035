"""What an auditor keeps of a log that was verified, in a file of its own.

It is never beside the log: whoever wrote the log would otherwise tell the auditor what to remember.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from heyi.model.errors import Conflict, StoreError
from heyi.store.file_lock import held

FORM = 3
"""The form of what is kept. A memory of another form is not read, and the log verified anew."""


class AuditMemory:
    """Values by (kind, name), as bytes."""

    def __init__(self, path: Path) -> None:
        """Open the memory in a file, which is made if it is absent.

        Raises:
            StoreError: it cannot be opened, or a newer version of Heyi keeps it.
        """
        self.path = path
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as e:
            raise self._error(e) from None
        with self._transaction() as c:
            c.execute("BEGIN IMMEDIATE")  # two audits may begin at once
            (form,) = c.execute("PRAGMA user_version").fetchone()
            if form > FORM:
                raise StoreError(
                    f"a newer version of Heyi keeps `{path}`",
                    hint="upgrade heyi",
                )
            if form != FORM:
                c.execute("DROP TABLE IF EXISTS memory")
                c.execute(
                    "CREATE TABLE memory (kind TEXT, name TEXT, value BLOB NOT NULL, "
                    "PRIMARY KEY (kind, name)) WITHOUT ROWID"
                )
                c.execute(f"PRAGMA user_version = {FORM}")

    @contextmanager
    def alone(self) -> Iterator[None]:
        """No other audit reads or keeps here within it: it would go on from another state.

        Raises:
            Conflict: another one does.
        """
        taken = Conflict(
            "another audit of this log is running", hint="wait until it has ended, and run again"
        )
        with held(self.path.with_name(f".{self.path.name}.lock"), taken):
            yield

    def get(self, kind: str, name: str) -> bytes | None:
        """What is remembered, None if nothing is."""
        with self._transaction() as c:
            row = c.execute(
                "SELECT value FROM memory WHERE kind = ? AND name = ?", (kind, name)
            ).fetchone()
        if row is not None and not isinstance(row[0], bytes):
            raise self.spoilt(f"`{kind}` is no sequence of bytes")
        return None if row is None else bytes(row[0])

    def names(self, kind: str) -> list[str]:
        """The names that something is remembered of, in order."""
        with self._transaction() as c:
            query = "SELECT name FROM memory WHERE kind = ? ORDER BY name"
            return [name for (name,) in c.execute(query, (kind,))]

    def count(self, kind: str) -> int:
        """How many things of a kind are remembered."""
        with self._transaction() as c:
            query = "SELECT count(*) FROM memory WHERE kind = ?"
            return int(c.execute(query, (kind,)).fetchone()[0])

    def spoilt(self, why: str) -> StoreError:
        return self._error(ValueError(why))

    def keep(self, rows: Iterable[tuple[str, str, bytes]]) -> None:
        """Remember (kind, name, value), all of them or none."""
        with self._transaction() as c:
            c.executemany("INSERT OR REPLACE INTO memory VALUES (?, ?, ?)", rows)

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        try:
            with closing(sqlite3.connect(self.path)) as connection, connection:
                yield connection
        except (sqlite3.Error, OSError) as e:
            raise self._error(e) from e

    def _error(self, error: Exception) -> StoreError:
        # only what is damaged is to be removed: without it a log that was rolled back holds again
        hint = f"remove `{self.path}`, and the log is verified anew"
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            hint = "wait until the other program has ended, and run again"
        elif code in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR):
            hint = "free the disk, and run again"
        elif isinstance(error, OSError) or code in (
            sqlite3.SQLITE_READONLY,
            sqlite3.SQLITE_CANTOPEN,
            sqlite3.SQLITE_PERM,
        ):
            hint = f"make `{self.path}` writable, and run again"
        return StoreError(f"what was verified before cannot be read or kept: {error}", hint=hint)
