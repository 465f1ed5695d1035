"""The database of one log, in a SQLite file or on a PostgreSQL server.

Each write is one transaction under one lock. SQLite runs with a write-ahead log and full
synchronisation, PostgreSQL with a synchronous commit, so an acknowledged event survives a crash of
the process or of the machine.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import URL, Connection, update
from sqlalchemy.exc import SQLAlchemyError

from heyi.model.errors import InvalidInput, StoreError
from heyi.store.connections import ADDRESSES, LOCKING, NO_TRANSACTION, log_engine, sqlite_url
from heyi.store.failures import cause, commit_error, failing_as, store_error
from heyi.store.lease import Lease, stored_head
from heyi.store.opening import make_ready, require_newest, require_version
from heyi.store.reading import DatabaseReader
from heyi.store.tables import HEAD
from heyi.store.transaction import Transaction

PATIENCE = 60.0
"""Seconds that a writer waits for the write lock."""

_SCRUB_AGAIN = (
    "the events are kept; close other programs, free the disk, and run `heyi erase` again"
)


class Database(DatabaseReader):
    """The database of one log; it is a `LogStore` and keeps artefacts. Threads may share it."""

    def __init__(
        self, url: str | URL, *, read_only: bool = False, patience: float = PATIENCE
    ) -> None:
        """Open the database of an address, such as `postgresql://heyi@db.example/log`.

        An empty one is made ready; an older one is brought to the newest version, unless it is
        opened `read_only`. `patience` is in seconds: how long a writer waits for the lock.

        Raises:
            InvalidInput: the address is of no database that Heyi can use.
            StoreError: it cannot be opened, a newer version wrote it, or it is not one of Heyi.
        """
        self._engine = log_engine(url, patience=patience, read_only=read_only)
        if isinstance(url, str):
            self._try_address()
        self._lease = Lease()
        self._here = threading.local()  # `transaction`: the one that this thread has open
        try:
            if read_only:
                require_newest(self._engine)
            else:
                make_ready(self._engine, patience=patience)
        except BaseException:
            self._engine.dispose()
            raise

    @classmethod
    def at(cls, path: Path, *, read_only: bool = False, patience: float = PATIENCE) -> Database:
        """The SQLite database in a file, which is created if it is absent.

        A verifier opens it `read_only`: the verifier's copy may be in a folder that cannot be
        written.
        """
        return cls(sqlite_url(path, read_only=read_only), read_only=read_only, patience=patience)

    def _try_address(self) -> None:
        """Connect once to an address that somebody wrote, whose options no driver may know."""
        try:
            with failing_as("opened"):
                self._engine.connect().close()
        except (TypeError, ValueError, KeyError):
            self._engine.dispose()
            raise InvalidInput("the address of the database is none", hint=ADDRESSES) from None
        except BaseException:
            self._engine.dispose()
            raise

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()

    # --- writing ---

    @contextmanager
    def writing(self) -> Iterator[Transaction]:
        """A transaction that holds the write lock; an exception undoes all of it.

        What the same thread reads within it, it reads in this transaction.

        Raises:
            Conflict: another program holds the lease, or this one has lost it, or the lock could
                not be had in time.
            OutcomeUnknown: the commit failed, and only the database knows whether it was kept.
            StoreError: the database failed; nothing was kept.
        """
        with self._locked() as transaction:
            self._lease.check(transaction.head, now=time.time())
            yield transaction

    def cosigned(self, size: int, note: bytes) -> None:
        """Replace the checkpoint of that size by the cosigned one."""
        with self.writing() as transaction:
            transaction.cosign(size, note)

    def put_artefact(self, digest: str, content: bytes) -> None:
        """Keep public content under its digest; a second time changes nothing.

        Within `writing` it is kept with that transaction.
        """
        if (mine := self._mine()) is not None:
            mine.keep_artefact(digest, content)
            return
        with self.writing() as transaction:
            transaction.keep_artefact(digest, content)

    @contextmanager
    def _locked(self) -> Iterator[Transaction]:
        """A transaction under the write lock, whoever holds the lease."""
        self._refuse_within_transaction()
        with failing_as("written"):
            connection = self._connect().execution_options(**LOCKING)
        try:
            with failing_as("written"):
                head = stored_head(connection)
                require_version(connection)  # another program may have upgraded it meanwhile
            transaction = self._here.transaction = Transaction(connection, head)
            yield transaction
            transaction.finish()
            try:
                connection.commit()
            except SQLAlchemyError as e:
                raise commit_error(e) from e
        finally:
            self._here.transaction = None
            self._undo(connection)

    def _connect(self) -> Connection:
        try:
            return self._engine.connect()
        except OSError:
            # The driver of PostgreSQL met a dead connection of the pool: begin with a new pool.
            self._engine.dispose()
            return self._engine.connect()

    @staticmethod
    def _undo(connection: Connection) -> None:
        """Give the connection back; what was not committed is undone."""
        try:
            connection.close()
        except SQLAlchemyError:
            connection.invalidate()  # it is dead, so the database undoes the transaction

    def _mine(self) -> Transaction | None:
        """The transaction that this thread has open."""
        mine: Transaction | None = getattr(self._here, "transaction", None)
        return mine

    def _refuse_within_transaction(self) -> None:
        # It would wait for a lock that this very thread holds.
        if self._mine() is not None:
            raise StoreError("this thread writes already", hint="end one transaction first")

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        mine = self._mine()
        with failing_as("read"):
            if mine is None:
                with self._connect() as connection:
                    yield connection
                return
            try:
                yield mine.connection
            except SQLAlchemyError as e:
                mine.fail(store_error("read", e))
                raise

    # --- the lease ---

    def take_lease(self, holder: str, seconds: int) -> None:
        """Keep other programs from writing for some seconds; each lease has a higher fence.

        A program that ended without giving up its lease must wait until it ran out, also under the
        same name: nobody knows whether it really ended.

        Raises:
            Conflict: another one holds a lease.
        """
        with self._locked() as transaction:
            head = transaction.head
            columns = self._lease.taken(head, holder=holder, seconds=seconds, now=time.time())
            transaction.set_head(**columns)
        self._lease.hold(head.fence + 1, seconds)

    def renew_lease(self) -> None:
        """Hold the lease for the same number of seconds from now.

        Raises:
            Conflict: there is none, or it was lost.
        """
        with self._locked() as transaction:
            transaction.set_head(**self._lease.renewed(transaction.head, now=time.time()))

    def give_up_lease(self) -> None:
        """Let others write; a lease that was lost, or never taken, is simply forgotten."""
        with self._locked() as transaction:
            transaction.set_head(**self._lease.ended(transaction.head))
        self._lease.forget()

    # --- erased bytes ---

    def scrub(self) -> None:
        """Overwrite all copies of erased bytes in the files; one scrub serves many erasures.

        On a PostgreSQL server it frees the space of erased rows. When their bytes are overwritten,
        and how long its logs and backups hold them, its administrator decides.

        Raises:
            StoreError: the events are kept, but erased bytes may still be on the disk.
        """
        self._refuse_within_transaction()
        before = self._erasures()
        sqlite = self._engine.dialect.name == "sqlite"
        # Neither database cleans up within a transaction.
        apart = NO_TRANSACTION if sqlite else {"isolation_level": "AUTOCOMMIT"}
        busy = 0
        try:
            with self._engine.connect().execution_options(**apart) as connection:
                if not sqlite:
                    connection.connection.rollback()  # the ping before the use began a transaction
                # (1) Rebuild the file, because free space in it may hold old copies of rows.
                connection.exec_driver_sql("VACUUM" if sqlite else "VACUUM bodies")
                # (2) Copy the write-ahead log into the file and cut it to length 0.
                if sqlite:
                    query = "PRAGMA wal_checkpoint(TRUNCATE)"
                    busy, *_ = connection.exec_driver_sql(query).one()
        except SQLAlchemyError as e:
            raise StoreError(
                f"erased bytes may still be on the disk: {cause(e)}", hint=_SCRUB_AGAIN
            ) from e
        if busy:
            raise StoreError(
                "erased bytes may still be on the disk: somebody reads the log", hint=_SCRUB_AGAIN
            )
        # (3) Remember it. An erasure that came after step (1) began is still due.
        with self._locked() as transaction, failing_as("written"):
            covered = update(HEAD).where(HEAD.c.scrubbed < before).values(scrubbed=before)
            transaction.connection.execute(covered)

    def _erasures(self) -> int:
        with self._reading() as connection:
            return stored_head(connection, locked=False).erasures
