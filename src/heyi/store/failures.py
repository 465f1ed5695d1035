"""What a database says when it fails, as our errors with the next step."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from heyi.model.errors import Conflict, StoreError

# A word of the database's error message -> what a person should do next.
_HINTS = {
    "full": "nothing half-done was kept; free the disk and run again",
    "disk I/O": "nothing half-done was kept; free the disk and run again",
    "No space left": "nothing half-done was kept; free the server's disk and run again",
    "not a database": "name a folder that `heyi demo` or `heyi run` made",
    "readonly": "nothing was kept; make the folder writable",
    "unable to open": "name a folder that exists and can be written",
    'database "': "create the database: createdb NAME",
    'role "': "correct the name or the password of the PostgreSQL account",
    "create a connection": "start the PostgreSQL server, or correct its address",
    "authentication": "correct the name or the password of the PostgreSQL account",
}
_LOCKED = {
    "SQLITE_BUSY",
    "SQLITE_BUSY_SNAPSHOT",
    "SQLITE_BUSY_RECOVERY",
    "SQLITE_LOCKED",
    "55P03",  # PostgreSQL: the lock was not free in time
    "40P01",  # PostgreSQL: two transactions wait for each other
}


class OutcomeUnknown(StoreError):
    """The commit failed in such a way that only the database can tell whether it was kept.

    A server that no longer answers may have committed. A disk that failed to flush may hold the
    transaction all the same, and SQLite finds it there after a crash.
    """


def cause(error: SQLAlchemyError) -> str:
    """The message of the database, in one line."""
    original = getattr(error, "orig", None) or error
    if isinstance(original, OSError):
        return original.strerror or "the connection ended"
    said = original.args[0] if original.args else ""
    if isinstance(said, dict):  # what a PostgreSQL server answered, by letter
        said = said.get("M", "")
    told = (str(said) or str(original) or "no reason was given").splitlines()[0]
    return told.partition(" (timeout is")[0]  # what the driver adds of its own settings


def is_locked(error: SQLAlchemyError) -> bool:
    """Whether another program has the lock."""
    return code(error) in _LOCKED


def code(error: SQLAlchemyError) -> str:
    """The name of SQLite's error, or the SQLSTATE that a PostgreSQL server answered; "" if none."""
    original = getattr(error, "orig", None)
    if original is None:
        return ""
    if original.args and isinstance(original.args[0], dict):
        return str(original.args[0].get("C", ""))
    return str(getattr(original, "sqlite_errorname", ""))


def store_error(verb: str, error: SQLAlchemyError) -> StoreError:
    """The error to raise where the log could not be `verb` (opened, read, written)."""
    if is_locked(error):
        return Conflict(
            "another program writes this log",
            hint="nothing was kept; wait until it is done and run again",
        )
    said = cause(error)
    hint = _HINTS.get(
        next((word for word in _HINTS if word in said), ""), "nothing half-done was kept; run again"
    )
    return StoreError(f"the log could not be {verb}: {said}", hint=hint)


def commit_error(error: SQLAlchemyError) -> StoreError:
    """The error to raise where a commit failed."""
    if not _is_unknown(error):
        return store_error("written", error)
    return OutcomeUnknown(
        f"it is not known whether the last events were kept: {cause(error)}",
        hint="open the log again and look",
    )


def _is_unknown(error: SQLAlchemyError) -> bool:
    named = code(error)
    if named.startswith("SQLITE_"):
        # A failed write leaves the last frame of the transaction incomplete, so SQLite ignores all
        # of it. After any other failure of the disk, a whole transaction may lie in the file.
        return named.startswith("SQLITE_IOERR") and named != "SQLITE_IOERR_WRITE"
    # A PostgreSQL server that answers with an error has not committed.
    return isinstance(error, DBAPIError) and not named


@contextmanager
def failing_as(verb: str) -> Iterator[None]:
    """Turn errors of the database into ours: the log could not be opened, read or written."""
    try:
        yield
    except SQLAlchemyError as e:
        raise store_error(verb, e) from e
    except OSError as e:  # the driver of PostgreSQL lets some errors of the network through
        raise StoreError(
            f"the log could not be {verb}: {e.strerror or e}",
            hint="nothing half-done was kept; run again",
        ) from e
