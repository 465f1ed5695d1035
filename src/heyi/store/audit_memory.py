"""What an auditor keeps of a log that was verified, in a file of its own.

It is never beside the log: whoever wrote the log would otherwise tell the auditor what to remember.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from heyi.model.errors import StoreError

FORM = 1
"""The form of what is kept. A memory of another form is not read, and the log verified anew."""


class AuditMemory:
    """Values by (kind, name), as bytes."""

    def __init__(self, path: Path) -> None:
        """Open the memory in a file, which is made if it is absent.

        Raises:
            StoreError: it cannot be opened.
        """
        self._path = path
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as e:
            raise self._error(e) from None
        with self._transaction() as c:
            (form,) = c.execute("PRAGMA user_version").fetchone()
            if form != FORM:
                c.execute("DROP TABLE IF EXISTS memory")
                c.execute(
                    "CREATE TABLE memory (kind TEXT, name TEXT, value BLOB NOT NULL, "
                    "PRIMARY KEY (kind, name)) WITHOUT ROWID"
                )
                c.execute(f"PRAGMA user_version = {FORM}")

    def get(self, kind: str, name: str) -> bytes | None:
        """What is remembered, None if nothing is."""
        with self._transaction() as c:
            row = c.execute(
                "SELECT value FROM memory WHERE kind = ? AND name = ?", (kind, name)
            ).fetchone()
        return None if row is None else bytes(row[0])

    def names(self, kind: str) -> list[str]:
        """The names that something is remembered of, in order."""
        with self._transaction() as c:
            query = "SELECT name FROM memory WHERE kind = ? ORDER BY name"
            return [name for (name,) in c.execute(query, (kind,))]

    def keep(self, rows: Iterable[tuple[str, str, bytes]]) -> None:
        """Remember (kind, name, value), all of them or none."""
        with self._transaction() as c:
            c.executemany("INSERT OR REPLACE INTO memory VALUES (?, ?, ?)", rows)

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        try:
            with closing(sqlite3.connect(self._path)) as connection, connection:
                yield connection
        except (sqlite3.Error, OSError) as e:
            raise self._error(e) from e

    def _error(self, error: Exception) -> StoreError:
        return StoreError(
            f"what was verified before cannot be read or kept: {error}",
            hint=f"remove `{self._path}`, and the log is verified anew",
        )
