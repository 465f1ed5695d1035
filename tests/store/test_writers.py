"""Several writers, lost connections, lost disks: all is kept, or nothing, or it is told."""

from __future__ import annotations

import multiprocessing
import socket
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import event

from heyi.audit.log_store import Entry
from heyi.model.errors import Conflict, StoreError
from heyi.store.database import Database
from heyi.store.failures import OutcomeUnknown
from tests.support.command import HANGING
from tests.support.disk import failing_at
from tests.support.postgres import HOST, OWNER, PostgresServer
from tests.support.wire import Wire

CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(["pytest", "heyi.store.database"])
EACH = 40


def add(database: Database, leaf: bytes = b"leaf") -> None:
    with database.writing() as transaction:
        size = transaction.size
        transaction.append([Entry(index=size, leaf=leaf, leaf_hash=b"")], [], note=b"%d" % size)


def write_many(address: str, name: bytes) -> None:
    with closing(Database(address)) as database:
        for number in range(EACH):
            add(database, b"%s %d" % (name, number))


def test_what_two_processes_write_is_kept_without_gaps(address: str) -> None:
    Database(address).close()
    writers = [CONTEXT.Process(target=write_many, args=(address, name)) for name in (b"a", b"b")]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(HANGING)
    assert [w.exitcode for w in writers] == [0, 0]
    with closing(Database(address)) as database:
        entries = list(database.entries())
        assert [e.index for e in entries] == list(range(2 * EACH))
        assert [size for size, _ in database.checkpoints()] == list(range(1, 2 * EACH + 1))
        for name in (b"a", b"b"):
            assert [e.leaf for e in entries if e.leaf.startswith(name)] == [
                b"%s %d" % (name, n) for n in range(EACH)
            ]


def test_threads_share_a_database(address: str) -> None:
    with closing(Database(address)) as database:

        def add_some() -> None:
            for _ in range(EACH):
                add(database)

        threads = [threading.Thread(target=add_some) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(HANGING)
        assert [e.index for e in database.entries()] == list(range(3 * EACH))


def test_an_interrupted_statement_leaves_no_lock_behind(database: Database) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt) as interrupted, database.writing() as transaction:
        transaction.append([Entry(index=0, leaf=b"undone", leaf_hash=b"")], [])
        event.listen(transaction.connection, "after_cursor_execute", interrupt)
        transaction.connection.exec_driver_sql("SELECT 1")
    assert interrupted.tb, "the traceback holds the cursor, and so the connection"
    add(database, b"later")
    assert [e.leaf for e in database.entries()] == [b"later"]


def test_a_writer_does_not_wait_for_ever(database: Database, address: str) -> None:
    with closing(Database(address)) as other, other.writing() as held:
        held.append([Entry(index=0, leaf=b"kept", leaf_hash=b"")], [])
        with pytest.raises(Conflict, match="another program writes this log") as refused:
            add(database)
        assert "run again" in refused.value.hint
        assert database.size() == 0  # readers do not wait
    assert [e.leaf for e in database.entries()] == [b"kept"]
    add(database)


def test_a_locked_file_is_not_waited_for_when_it_is_made(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "heyi.db", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(Conflict):
            Database.at(tmp_path / "heyi.db", patience=0.1)


def test_a_connection_that_is_ended_in_a_transaction_keeps_nothing(
    postgres: PostgresServer,
) -> None:
    with postgres.database() as name, closing(Database(postgres.url(name))) as database:
        add(database)
        with pytest.raises(StoreError) as failed, database.writing() as transaction:
            transaction.append([Entry(index=1, leaf=b"", leaf_hash=b"")], [], note=b"lost")
            postgres.end_connections(name)
            transaction.index([("case/1", 1)])
        assert not isinstance(failed.value, OutcomeUnknown)
        assert "nothing" in failed.value.hint
        assert [e.index for e in database.entries()] == [0]
        postgres.end_connections(name)  # while nobody uses it
        add(database)
        assert [e.index for e in database.entries()] == [0, 1]


ENDED = """
import sys
import pg8000.native
from heyi.model.errors import StoreError
from heyi.store.database import Database
host, port, user, name = sys.argv[1:]
database = Database(f"postgresql://{user}@{host}:{port}/{name}")
try:
    with database.writing() as transaction:
        other = pg8000.native.Connection(user, host=host, port=port, database="postgres")
        other.run(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :name",
            name=name,
        )
        other.close()
        transaction.index([("case/1", 1)])
except StoreError as e:
    print(e)
database.close()
"""


def test_an_ended_connection_is_told_in_one_line(postgres: PostgresServer) -> None:
    """Without the tracebacks that the pool of connections logs."""
    with postgres.database() as name:
        done = subprocess.run(
            [sys.executable, "-c", ENDED, HOST, str(postgres.port), OWNER, name],
            capture_output=True, text=True, timeout=HANGING, check=False,
        )  # fmt: skip
    assert done.stderr == ""
    assert len(done.stdout.splitlines()) == 1 and "could not be written" in done.stdout


# the driver leaves the socket of a failed connection to the collector
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_server_that_is_not_there_is_told(postgres: PostgresServer) -> None:
    with closing(socket.create_server((HOST, 0))) as free:
        port = free.getsockname()[1]
    with pytest.raises(StoreError, match="could not be opened") as refused:
        Database(postgres.url("postgres", port=port))
    assert "start the PostgreSQL server" in refused.value.hint
    with pytest.raises(StoreError, match='database "absent" does not exist'):
        Database(postgres.url("absent"))


@pytest.mark.parametrize(
    ("cut_at", "kept"),
    [(b"commit\x00", 1), (b"COMMIT\x00", 2)],
    ids=["the command is lost", "only the answer is lost"],
)
def test_a_commit_without_an_answer_may_have_been_kept(
    postgres: PostgresServer, postgres_url: str, cut_at: bytes, kept: int
) -> None:
    name = postgres_url.rpartition("/")[2]
    with closing(Wire(postgres.port)) as wire:
        with closing(Database(postgres.url(name, port=wire.port))) as database:
            add(database)
            wire.cut_at = cut_at
            with pytest.raises(OutcomeUnknown, match="not known whether") as failed:
                add(database)
            assert "open the log again" in failed.value.hint
            wire.cut_at = b""
            assert database.size() == kept
            add(database)
        with closing(Database(postgres_url)) as database:
            assert [e.index for e in database.entries()] == list(range(kept + 1))


FAILING_DISK = """
import os, sys
from pathlib import Path
from heyi.audit.log_store import Entry
from heyi.store.database import Database
database = Database.at(Path(sys.argv[1]))
while True:
    try:
        with database.writing() as transaction:
            size = transaction.size
            transaction.append([Entry(index=size, leaf=b"", leaf_hash=b"")], [])
    except Exception as e:
        print(type(e).__name__, size, database.size(), flush=True)
        os._exit(0)  # as in a crash, nothing is tidied up
"""


def test_a_disk_that_fails_to_flush_may_have_kept_the_commit(tmp_path: Path) -> None:
    """SQLite undoes such a commit, and finds it in its write-ahead log after a crash."""
    path = tmp_path / "heyi.db"
    with closing(Database.at(path)) as database:
        add(database)
    done = subprocess.run(
        [*failing_at("fdatasync,fsync", "EIO", "6+"), sys.executable, "-c", FAILING_DISK, path],
        capture_output=True, text=True, timeout=HANGING, check=False,
    )  # fmt: skip
    if "ptrace" in done.stderr.lower():
        pytest.skip("no program may be traced here")
    error, size, seen = done.stdout.split()
    assert error == "OutcomeUnknown", done.stderr
    assert size == seen
    with closing(Database.at(path)) as database:
        assert database.size() == int(size) + 1  # it came back
        add(database)
