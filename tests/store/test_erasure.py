"""Erased bytes are in no file of the database, so nobody can restore them from the disk."""

from __future__ import annotations

import random
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from heyi.model.errors import StoreError
from heyi.store.database import Database
from tests.support.logs import check, erased, happened, open_log


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
        data = on_disk(path)
    left = [
        n
        for n in gone
        if keys[n] in data or bodies[n][:40].encode() in data or bodies[n][-40:].encode() in data
    ]
    assert left == []
    assert check(path).faults == ()


def test_an_erasure_beside_a_reader_is_complete_or_refused(tmp_path: Path) -> None:
    """During a read, SQLite cannot empty its write-ahead log, which still holds the body."""
    path = tmp_path / "log.db"
    with closing(Database.at(path)) as database, closing(sqlite3.connect(path)) as reader:
        log = open_log(database)
        log.append([happened(body={"secret": "to be forgotten"})])
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM entries").fetchone()
        try:
            log.append([erased(0)], erase=[0])
        except StoreError:
            return
        assert b"to be forgotten" not in on_disk(path)
