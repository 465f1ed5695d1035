"""Erased bytes are in no file of the database, so nobody can restore them from the disk."""

from __future__ import annotations

import random
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Connection, event

from heyi.model.errors import StoreError
from heyi.store.database import Database
from tests.support.logs import check, check_log, erased, happened, open_log


def on_disk(path: Path) -> bytes:
    """All bytes of the database file and of the files of SQLite beside it."""
    return b"\n".join(p.read_bytes() for p in path.parent.iterdir() if p.name.startswith(path.name))


@pytest.mark.parametrize("length", [32, 300, 3_000, 20_000])
def test_an_erased_body_and_its_key_are_gone(tmp_path: Path, length: int) -> None:
    path, secret = tmp_path / "log.db", random.Random(length).randbytes(length).hex()
    with closing(Database.at(path)) as database:
        log = open_log(database)
        log.append([happened(body={"other": "stays"}), happened(body={"secret": secret})])
        key = list(database.entries())[1].key
        assert key is not None
        assert secret[:64].encode() in on_disk(path)
        assert key in on_disk(path)
        log.append([erased(1)], erase=[1])
        assert database.scrub_due()
        database.scrub()
        for left in (secret[:64].encode(), secret[-64:].encode(), key):
            assert left not in on_disk(path)
        assert b"stays" in on_disk(path)
    assert key not in on_disk(path)
    assert check(path).faults == ()


@pytest.mark.parametrize("seed", range(6))
def test_many_erasures_leave_nothing_however_pages_are_merged(tmp_path: Path, seed: int) -> None:
    """SQLite moves rows between pages when a table shrinks; an old copy could remain."""
    path, rng = tmp_path / "log.db", random.Random(seed)
    bodies = [rng.randbytes(rng.randint(50, 400)).hex() for _ in range(150)]
    with closing(Database.at(path)) as database:
        log = open_log(database)
        for n in range(0, 150, 10):
            log.append([happened(body={"t": body}) for body in bodies[n : n + 10]])
        keys = [entry.key or b"" for entry in database.entries()]
        gone = rng.sample(range(150), 120)
        for n in range(0, 120, 20):
            log.append([erased(entry) for entry in gone[n : n + 20]], erase=gone[n : n + 20])
        database.scrub()
        data = on_disk(path)
    left = [
        n
        for n in gone
        if keys[n] in data or bodies[n][:40].encode() in data or bodies[n][-40:].encode() in data
    ]
    assert left == []
    assert check(path).faults == ()


def test_a_scrub_beside_a_reader_is_refused_and_stays_due(tmp_path: Path) -> None:
    """During a read, SQLite cannot empty its write-ahead log, which still holds the body."""
    path = tmp_path / "log.db"
    with (
        closing(Database.at(path, patience=0.2)) as database,
        closing(sqlite3.connect(path)) as reader,
    ):
        log = open_log(database)
        log.append([happened(body={"secret": "to be forgotten"})])
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM entries").fetchone()
        log.append([erased(0)], erase=[0])
        with pytest.raises(StoreError, match="may still be on the disk: somebody reads the log"):
            database.scrub()
        assert database.scrub_due()
        reader.rollback()
        database.scrub()
        assert not database.scrub_due()
        assert b"to be forgotten" not in on_disk(path)


def test_an_erasure_during_a_scrub_stays_due(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    with closing(Database.at(path)) as database, closing(Database.at(path)) as other:
        open_log(database).append([happened(body={"n": n}) for n in range(2)])
        open_log(database).append([erased(0)], erase=[0])
        # Each statement of the scrub is a chance for another process to write.
        began = threading.Event()

        def erase_beside(connection: Connection, *_: object) -> None:
            if not began.is_set():
                began.set()
                open_log(other).append([erased(1)], erase=[1])

        event.listen(database._engine, "rollback", erase_beside)
        database.scrub()
        assert database.scrub_due()
        database.scrub()
        assert not database.scrub_due()


def test_a_server_forgets_erased_rows_and_knows_it(postgres_url: str) -> None:
    with closing(Database(postgres_url)) as database:
        log = open_log(database)
        log.append([happened(body={"secret": "to be forgotten"})])
        log.append([erased(0)], erase=[0])
        assert database.scrub_due()
        database.scrub()
        assert not database.scrub_due()
        assert [(e.body, e.key) for e in database.entries()] == [(None, None)] * 2
        assert check_log(database).faults == ()
