"""The database of one log: entries, erasable bodies, checkpoints, artefacts and counters.

Each write is one transaction. SQLite runs with a write-ahead log and full synchronisation, so an
acknowledged event survives a crash of the process or of the machine. `secure_delete` overwrites
erased rows.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import (
    URL,
    Column,
    Connection,
    Engine,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    create_engine,
    event,
    select,
)
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.exc import SQLAlchemyError

from heyi.audit.log import Entry
from heyi.model.errors import StoreError

_METADATA = MetaData()
ENTRIES = Table(
    "entries",
    _METADATA,
    Column("idx", Integer, primary_key=True, autoincrement=False),
    Column("leaf", LargeBinary, nullable=False),
    Column("leaf_hash", LargeBinary, nullable=False),
)
BODIES = Table(
    "bodies",
    _METADATA,
    Column("idx", Integer, primary_key=True, autoincrement=False),
    Column("body", LargeBinary, nullable=False),
    Column("key", LargeBinary, nullable=False),
)
CHECKPOINTS = Table(
    "checkpoints",
    _METADATA,
    Column("size", Integer, primary_key=True, autoincrement=False),
    Column("note", LargeBinary, nullable=False),
)
ARTEFACTS = Table(
    "artefacts",
    _METADATA,
    Column("digest", String, primary_key=True),
    Column("content", LargeBinary, nullable=False),
)
COUNTERS = Table(
    "counters",
    _METADATA,
    Column("name", String, primary_key=True),
    Column("value", Integer, nullable=False),
)


def pragmas(connection: object, _: object) -> None:
    """Set up each new SQLite connection; SQLAlchemy calls this."""
    cursor = connection.cursor()  # type: ignore[attr-defined]
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",  # a commit waits until its bytes are on the disk
        "foreign_keys=ON",
        "secure_delete=ON",  # deleted rows are overwritten with zeros
        "busy_timeout=5000",  # milliseconds
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


# A word of the database's error message -> what a person should do next.
_HINTS = {
    "full": "nothing half-done was kept; free the disk and run again",
    "disk I/O": "nothing half-done was kept; free the disk and run again",
    "not a database": "name a folder that `heyi demo` or `heyi run` made",
    "readonly": "nothing was kept; make the folder writable",
}
_SCRUB_AGAIN = (
    "the event is logged; close other programs, free the disk, and run `heyi erase` again"
)


def cause(error: SQLAlchemyError) -> str:
    """The message of the database, in one line."""
    return str(getattr(error, "orig", None) or error).splitlines()[0]


def _raw(value: bytes | str) -> bytes:
    """The bytes of a cell; SQLite lets anybody who edits the file put text there."""
    return value if isinstance(value, bytes) else str(value).encode()


def _insertion(dialect: str) -> Any:
    """An insertion of a counter that can ignore conflicts; each dialect has its own."""
    if dialect == "sqlite":
        return insert(COUNTERS)
    from sqlalchemy.dialects.postgresql import insert as postgresql_insert  # 20 ms to import

    return postgresql_insert(COUNTERS)


class Database:
    """The database of one log; it is a `LogStore`, an artefact store and a counter store."""

    def __init__(self, url: str | URL, *, read_only: bool = False) -> None:
        self._engine: Engine = create_engine(url)
        if read_only:
            return
        if self._engine.dialect.name == "sqlite":
            event.listen(self._engine, "connect", pragmas)
        with self._transaction("opened") as connection:
            _METADATA.create_all(connection)

    @classmethod
    def at(cls, path: Path, *, read_only: bool = False) -> Database:
        """The SQLite database in a file, which is created if it is absent.

        A verifier opens it `read_only`: the verifier's copy may be in a folder that cannot be
        written.
        """
        if not read_only:
            try:
                str(path).encode()
            except UnicodeEncodeError:
                raise StoreError(
                    "the name of the folder is not UTF-8", hint="name another folder"
                ) from None
            return cls(URL.create("sqlite", database=str(path)))
        # If there is a write-ahead log beside the file, it holds part of the data and must be read.
        # Without one the file is complete, and `immutable` lets SQLite read it without a lock file.
        waiting = path.with_name(f"{path.name}-wal").exists()
        query = (
            {"mode": "ro", "uri": "true"}
            if waiting
            else {"mode": "ro", "immutable": "1", "uri": "true"}
        )
        return cls(
            URL.create("sqlite", database=f"file:{quote(os.fsencode(path))}", query=query),
            read_only=True,
        )

    @contextmanager
    def _transaction(self, verb: str) -> Iterator[Connection]:
        try:
            with self._engine.begin() as connection:
                yield connection
        except SQLAlchemyError as e:
            said = cause(e)
            hint = _HINTS.get(
                next((w for w in _HINTS if w in said), ""), "nothing half-done was kept; run again"
            )
            raise StoreError(f"the log could not be {verb}: {said}", hint=hint) from e

    def close(self) -> None:
        self._engine.dispose()

    # --- LogStore ---

    def append(
        self, entries: Sequence[Entry], *, size: int, note: bytes, erase: Sequence[int] = ()
    ) -> None:
        with self._transaction("written") as c:
            if entries:
                c.execute(
                    ENTRIES.insert(),
                    [{"idx": e.index, "leaf": e.leaf, "leaf_hash": e.leaf_hash} for e in entries],
                )
            bodies = [
                {"idx": e.index, "body": e.body, "key": e.key}
                for e in entries
                if e.body is not None
            ]
            if bodies:
                c.execute(BODIES.insert(), bodies)
            c.execute(CHECKPOINTS.insert(), {"size": size, "note": note})
            if erase:
                c.execute(BODIES.delete().where(BODIES.c.idx.in_(erase)))

    def entries(self, start: int = 0) -> Iterator[Entry]:
        # An outer join: an entry without a body, or with an erased one, must not disappear.
        joined = ENTRIES.outerjoin(BODIES, ENTRIES.c.idx == BODIES.c.idx)
        query = (
            select(ENTRIES.c.idx, ENTRIES.c.leaf, ENTRIES.c.leaf_hash, BODIES.c.body, BODIES.c.key)
            .select_from(joined)
            .where(ENTRIES.c.idx >= start)
            .order_by(ENTRIES.c.idx)
        )
        # All rows are fetched before the first is yielded. A reader that pauses must not keep the
        # transaction open, since this would block `scrub`.
        with self._transaction("read") as c:
            rows = c.execute(query).all()
        for idx, leaf, hashed, body, key in rows:
            yield Entry(
                index=idx,
                leaf=_raw(leaf),
                leaf_hash=_raw(hashed),
                body=None if body is None else _raw(body),
                key=None if key is None else _raw(key),
            )

    def scrub(self) -> None:
        """Overwrite all copies of erased bytes in the files of SQLite.

        Raises:
            StoreError: the events are kept, but erased bytes may still be on the disk.
        """
        if self._engine.dialect.name != "sqlite":
            return  # a server's administrator decides about its disk
        try:
            with self._engine.connect().execution_options(isolation_level="AUTOCOMMIT") as c:
                # (1) Rebuild the file, because free space in it may hold old copies of rows.
                c.exec_driver_sql("VACUUM")
                # (2) Copy the write-ahead log into the file and cut it to length 0.
                busy, *_ = c.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").one()
        except SQLAlchemyError as e:
            raise StoreError(
                f"erased bytes may still be on the disk: {cause(e)}", hint=_SCRUB_AGAIN
            ) from e
        if busy:
            raise StoreError(
                "erased bytes may still be on the disk: somebody reads the log", hint=_SCRUB_AGAIN
            )

    def cosigned(self, size: int, note: bytes) -> None:
        with self._transaction("written") as c:
            c.execute(CHECKPOINTS.update().where(CHECKPOINTS.c.size == size).values(note=note))

    def checkpoints(self) -> list[tuple[int, bytes]]:
        with self._transaction("read") as c:
            rows = c.execute(
                select(CHECKPOINTS.c.size, CHECKPOINTS.c.note).order_by(CHECKPOINTS.c.size)
            ).all()
        return [(size, _raw(note)) for size, note in rows]

    # --- artefacts and counters ---

    def put_artefact(self, digest: str, content: bytes) -> None:
        """Keep public content under its digest; a second time changes nothing."""
        with self._transaction("written") as c:
            if (
                c.execute(select(ARTEFACTS.c.digest).where(ARTEFACTS.c.digest == digest)).first()
                is None
            ):
                c.execute(ARTEFACTS.insert(), {"digest": digest, "content": content})

    def artefact(self, digest: str) -> bytes | None:
        with self._transaction("read") as c:
            return c.execute(
                select(ARTEFACTS.c.content).where(ARTEFACTS.c.digest == digest)
            ).scalar()

    def used(self, name: str) -> int:
        """The highest number that `name` was charged with, 0 if none."""
        with self._transaction("read") as c:
            return c.execute(select(COUNTERS.c.value).where(COUNTERS.c.name == name)).scalar() or 0

    def charge(self, name: str, *, number: int, limit: int) -> bool:
        """Record use `number` of `name` durably; the answer says whether this use is allowed.

        It is not if this or a higher number was used before (a replay), or if `number` is beyond
        `limit`. Numbers may skip: an answer that got lost costs its number and nothing else.
        """
        if not 0 < number <= limit:
            return False
        with self._transaction("written") as c:
            # INVARIANT: two processes never both get the same number. Therefore the comparison and
            # the change are one statement, here and in the insertion below.
            higher = (
                COUNTERS.update()
                .where(COUNTERS.c.name == name, COUNTERS.c.value < number)
                .values(value=number)
            )
            if c.execute(higher).rowcount == 1:
                return True
            first = _insertion(self._engine.dialect.name)
            kept = c.execute(first.values(name=name, value=number).on_conflict_do_nothing())
            return kept.rowcount == 1
