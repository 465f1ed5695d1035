"""Connections to SQLite and PostgreSQL, set up so that a commit is durable and a lock is had."""

from __future__ import annotations

import logging
import os
import sqlite3
import stat
from pathlib import Path
from types import MappingProxyType
from urllib.parse import quote

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import ArgumentError, InterfaceError

from heyi.model.errors import InvalidInput, StoreError
from heyi.store.failures import code

TO_CONNECT = 10
"""Seconds after which a server that does not answer counts as absent."""
_BEGIN = "heyi_begin"
LOCKING = MappingProxyType({_BEGIN: "BEGIN IMMEDIATE"})
"""Execution options of a transaction that locks the file of SQLite when it begins."""
NO_TRANSACTION = MappingProxyType({_BEGIN: ""})
"""Execution options for statements of SQLite that must stand outside of a transaction."""

_SESSION = (
    "synchronous=FULL",  # a commit waits until its bytes are on the disk
    "secure_delete=ON",  # deleted rows are overwritten with zeros
    "trusted_schema=OFF",  # the file may come from somebody else
)


# The pool of connections logs each dead one with a traceback, which Python prints where nobody set
# up logging. What matters reaches the user as our error; who sets up logging still gets it.
logging.getLogger("sqlalchemy.pool").addHandler(logging.NullHandler())


def pragmas(connection: object, _: object) -> None:
    """Set up each new SQLite connection of a file that is ours; SQLAlchemy calls this."""
    cursor = connection.cursor()  # type: ignore[attr-defined]
    for pragma in ("journal_mode=WAL", *_SESSION, "busy_timeout=5000"):  # milliseconds
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def require_regular(path: Path) -> None:
    """Check that nothing beside a SQLite file, nor itself, is a pipe or a device or a folder.

    Raises:
        StoreError: something is: opening a pipe would wait for ever.
    """
    if not path.name:
        raise StoreError("the log could not be opened: it is a folder", hint="name a file")
    for end in ("", "-wal", "-shm", "-journal"):
        file = path.with_name(f"{path.name}{end}")
        try:
            mode = file.stat().st_mode
        except (OSError, ValueError):
            continue  # it is absent; what else is the matter SQLite says, where it opens it
        if not stat.S_ISREG(mode):
            raise StoreError(
                f"the log could not be opened: `{file.name}` is not a regular file",
                hint="name another file",
            )


def nobody_writes(path: Path) -> bool:
    """Whether a SQLite file is complete and stays so: nothing can be written beside it.

    Its write-ahead log, if there is one, is empty, and nobody has it open.
    """
    log, index = (path.with_name(f"{path.name}-{end}") for end in ("wal", "shm"))
    try:
        empty = not log.exists() or not log.stat().st_size
        return empty and not index.exists() and not os.access(path.parent, os.W_OK)
    except OSError:
        return False


def sqlite_url(path: Path, *, read_only: bool) -> URL:
    """The address of a SQLite file.

    Raises:
        StoreError: the name is not UTF-8, or it is no regular file.
    """
    require_regular(path)
    if not read_only:
        try:
            str(path).encode()
        except UnicodeEncodeError:
            raise StoreError(
                "the name of the folder is not UTF-8", hint="name another folder"
            ) from None
        return URL.create("sqlite", database=str(path))
    # If there is a write-ahead log beside the file, it holds part of the data and must be read.
    # Without one the file is complete, and `immutable` lets SQLite read it without a lock file.
    waiting = path.with_name(f"{path.name}-wal").exists() and not nobody_writes(path)
    query = {"mode": "ro", "uri": "true"} if waiting else {"mode": "ro", "immutable": "1"}
    return URL.create(
        "sqlite", database=f"file:{quote(os.fsencode(path))}", query={**query, "uri": "true"}
    )


def log_engine(url: str | URL, *, patience: float, read_only: bool) -> Engine:
    """An engine whose transactions are explicit and durable.

    `patience` is in seconds: how long a writer waits for the write lock.

    Raises:
        InvalidInput: this is no address of a database that Heyi can use.
    """
    try:
        address = make_url(url)
    except (ArgumentError, ValueError, TypeError):
        raise InvalidInput("the address of the database is none", hint=ADDRESSES) from None
    if address.drivername == "sqlite":
        if isinstance(url, str) and address.query:
            raise InvalidInput("the address of a file has no options", hint=ADDRESSES)
        if isinstance(url, str) and address.database:
            require_regular(Path(address.database))
        if read_only and isinstance(url, str):
            if not Path(address.database or "").name:
                raise InvalidInput("the address of the database names no file", hint=ADDRESSES)
            address = sqlite_url(Path(str(address.database)), read_only=True)
        return _sqlite(address, patience)
    if address.drivername in ("postgresql", "postgresql+pg8000"):
        return _postgresql(address.set(drivername="postgresql+pg8000"), patience, read_only)
    raise InvalidInput(f"a log is not kept in `{address.drivername}`", hint=ADDRESSES)


ADDRESSES = "write sqlite:///FILE or postgresql://USER@HOST/DATABASE"


def _sqlite(url: URL, patience: float) -> Engine:
    engine = create_engine(url, connect_args={"timeout": patience})

    @event.listens_for(engine, "connect")
    def prepare(connection: object, _: object) -> None:
        # Python's driver must not begin transactions by itself: it would begin them late, and not
        # at all before a CREATE TABLE.
        connection.isolation_level = None  # type: ignore[attr-defined]
        cursor = connection.cursor()  # type: ignore[attr-defined]
        for pragma in _SESSION:
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "close")
    def undo(connection: sqlite3.Connection, _: object) -> None:
        # SQLite keeps a closed file open, with its transaction and its lock, as long as a cursor
        # lives: after an interrupt, the traceback holds one.
        if connection.in_transaction:
            connection.rollback()

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        if statement := connection.get_execution_options().get(_BEGIN, "BEGIN"):
            connection.exec_driver_sql(statement)

    return engine


def _postgresql(url: URL, patience: float, read_only: bool) -> Engine:
    try:
        # A connection that died while nobody used it is replaced before its next use.
        engine = create_engine(url, pool_pre_ping=True, connect_args={"timeout": TO_CONNECT})
    except ImportError:
        raise InvalidInput(
            "the driver for PostgreSQL is not installed",
            hint="install it with `pip install heyi[postgres]`",
        ) from None

    @event.listens_for(engine, "connect")
    def prepare(connection: object, _: object) -> None:
        # The driver has one time for connecting and for every answer. A statement may take longer.
        connection._usock.settimeout(None)  # type: ignore[attr-defined]
        cursor = connection.cursor()  # type: ignore[attr-defined]
        cursor.execute(f"SET lock_timeout = {max(1, round(patience * 1_000))}")  # milliseconds
        # A commit waits until its bytes are on the disk, whatever the server does by default.
        cursor.execute(
            "SELECT set_config('synchronous_commit', 'on', false)"
            " WHERE current_setting('synchronous_commit') = 'off'"
        )
        if read_only:
            cursor.execute("SET default_transaction_read_only = on")
        connection.commit()  # type: ignore[attr-defined]
        cursor.close()

    @event.listens_for(engine, "handle_error")
    def notice_end(context: ExceptionContext) -> InterfaceError | None:
        # Nothing can be undone on a connection that ended: it is given up, and the server undoes.
        # 57P01 to 57P03: the server stops, or an administrator ended this connection.
        if context.sqlalchemy_exception is not None:
            ended = code(context.sqlalchemy_exception).startswith("57P")
            context.is_disconnect = context.is_disconnect or ended
            return None
        # The driver lets some errors of the network through as they are.
        if not isinstance(context.original_exception, OSError):
            return None
        context.is_disconnect = True
        return InterfaceError(context.statement, None, context.original_exception)

    return engine
