"""Opening a database: an empty one is made, an older one is brought to the newest version.

All of it happens in one transaction under the write lock. Whoever is cut off leaves what was there.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, Engine, select
from sqlalchemy.exc import OperationalError

from heyi.model.errors import StoreError
from heyi.store.connections import LOCKING, NO_TRANSACTION
from heyi.store.failures import failing_as, is_locked
from heyi.store.lease import Lease, stored_head
from heyi.store.tables import HEAD, METADATA, NEW_HEAD, VERSION, VERSIONS

_PREFIX = "heyi_"
_OUR_TABLES = frozenset(METADATA.tables)
_BEFORE_VERSIONS = frozenset({"entries", "bodies", "checkpoints", "counters"})
_ADVISORY = 0x68657969
"""The number of the lock in PostgreSQL that guards a database in which no table exists yet."""

_VERSION = select(VERSION.c.version_num)
_ANOTHER = "name a folder that `heyi demo` or `heyi run` made, or an empty one"


@dataclass(frozen=True, slots=True, kw_only=True)
class FormatHistory:
    """The versions of the format, oldest first, and the folders that hold their migrations."""

    versions: tuple[str, ...]
    folders: tuple[Path, ...]


MIGRATIONS = Path(__file__).parent / "migrations"
HISTORY = FormatHistory(versions=VERSIONS, folders=(MIGRATIONS / "versions",))


def version_of(connection: Connection) -> str | None:
    """The version of the format, None if the database is empty.

    Raises:
        StoreError: it is the database of something else, or of a Heyi before there were versions.
    """
    names = _tables(connection)
    if not names:
        return None
    if VERSION.name not in names:
        if names >= _BEFORE_VERSIONS:
            raise StoreError(
                "the log has the format of an earlier Heyi, which this one cannot read",
                hint="begin a new run in another folder",
            )
        raise StoreError("the database is not one of Heyi", hint=_ANOTHER)
    versions = list(connection.execute(_VERSION).scalars())
    if len(versions) != 1 or not str(versions[0]).startswith(_PREFIX):
        raise StoreError("the database is not one of Heyi", hint=_ANOTHER)
    return str(versions[0])


def _tables(connection: Connection) -> set[str]:
    if connection.dialect.name != "sqlite":
        return set(
            connection.exec_driver_sql(
                "SELECT table_name FROM information_schema.tables"
                " WHERE table_schema = current_schema()"
            ).scalars()
        )
    found = connection.exec_driver_sql(
        "SELECT type, name FROM sqlite_master WHERE type <> 'index' AND name NOT LIKE 'sqlite^_%'"
        " ESCAPE '^'"
    ).all()
    # A view or a trigger would run the SQL of whoever made the file.
    if any(kind != "table" for kind, _ in found):
        raise StoreError("the database is not one of Heyi: it has a view or a trigger")
    return {str(name) for _, name in found}


def require_newest(engine: Engine, history: FormatHistory = HISTORY) -> None:
    """Check that a database can be read as it is; nothing is written.

    Raises:
        StoreError: it is empty, of another version, or no database of Heyi.
    """
    with failing_as("opened"), engine.connect() as connection:
        found = version_of(connection)
        if found is None:
            raise StoreError("the database is empty", hint=_ANOTHER)
        _refuse_newer(found, history)
        if found != history.versions[-1]:
            raise StoreError(
                "an older version of Heyi wrote this log",
                hint="open it once for writing, or use that version to read it",
            )
        _require_tables(connection)


def make_ready(engine: Engine, history: FormatHistory = HISTORY, *, patience: float = 60.0) -> None:
    """Open a database for writing: make the tables, or bring them to the newest version.

    `patience` is in seconds: how long to wait for another program that opens it too.

    Raises:
        StoreError: it cannot be written, a newer version wrote it, or it is no database of Heyi.
        Conflict: another program makes it, or holds its lease.
    """
    with failing_as("opened"):
        with engine.connect() as connection:
            found = version_of(connection)
            if found is not None:
                _refuse_newer(found, history)
        _keep_write_ahead_log(engine, patience)
        if found != history.versions[-1]:
            with _only_one(engine) as connection:
                # Another process may have made or upgraded it while this one waited for the lock.
                _bring_up(connection, version_of(connection), history)
        with engine.connect() as connection:
            _require_tables(connection)


def _refuse_newer(found: str, history: FormatHistory) -> None:
    if found not in history.versions:
        raise StoreError("a newer version of Heyi wrote this log", hint="upgrade heyi")


def require_version(connection: Connection) -> None:
    """Check that the database still has the newest version that this program knows.

    Raises:
        StoreError: another program has upgraded it.
    """
    if connection.execute(_VERSION).scalars().all() != [VERSIONS[-1]]:
        raise StoreError(
            "a newer version of Heyi wrote this log", hint="nothing was kept; upgrade heyi"
        )


def _require_tables(connection: Connection) -> None:
    if missing := sorted(_OUR_TABLES - _tables(connection)):
        raise StoreError(f"the database lacks the table `{missing[0]}`", hint="restore a backup")


def _keep_write_ahead_log(engine: Engine, patience: float) -> None:
    """Have SQLite write ahead, so that readers and the writer do not wait for each other."""
    if engine.dialect.name != "sqlite":
        return
    # The mode is a property of the file. It cannot change within a transaction.
    until = time.monotonic() + patience
    with engine.connect().execution_options(**NO_TRANSACTION) as connection:
        while True:
            try:
                mode = connection.exec_driver_sql("PRAGMA journal_mode=WAL").scalar()
                break
            except OperationalError as e:
                # SQLite itself does not wait here while another program changes the mode.
                if not is_locked(e) or time.monotonic() > until:
                    raise
                time.sleep(0.01)
    if mode not in ("wal", "memory"):
        raise StoreError(
            "the log could not be opened: this disk cannot share memory between programs",
            hint="put the folder on a local disk",
        )


@contextmanager
def _only_one(engine: Engine) -> Iterator[Connection]:
    """A transaction that no other process can make, change or write the database beside."""
    with engine.connect().execution_options(**LOCKING) as connection:
        if engine.dialect.name != "sqlite":
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_ADVISORY})")
        yield connection
        connection.commit()


def _bring_up(connection: Connection, found: str | None, history: FormatHistory) -> None:
    if found is None and history is HISTORY:
        METADATA.create_all(connection, checkfirst=False)
        VERSION.create(connection, checkfirst=False)
        connection.execute(VERSION.insert(), {"version_num": VERSIONS[-1]})
        connection.execute(HEAD.insert(), NEW_HEAD)
        return
    if found is not None:
        _refuse_newer(found, history)
        # The lease of a process that knows only the old tables must end before they change.
        Lease().check(stored_head(connection), now=time.time())
    if found != history.versions[-1]:
        migrate(connection, history)


def migrate(connection: Connection, history: FormatHistory = HISTORY) -> None:
    """Run the migrations that are missing, in the caller's transaction."""
    from alembic import command  # some 120 ms, and seldom needed
    from alembic.config import Config

    config = Config()
    config.attributes["connection"] = connection
    # Alembic reads these settings as a format, in which a percent sign must be doubled.
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "newline")
    folders = "\n".join(map(str, history.folders))
    config.set_main_option("version_locations", folders.replace("%", "%%"))
    command.upgrade(config, history.versions[-1])
