"""A full disk: the log reports it, keeps no partial write, and continues when there is room."""

from __future__ import annotations

import multiprocessing
from contextlib import closing
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from heyi.model.errors import StoreError
from heyi.store.database import Database
from tests.support.disk import limit
from tests.support.logs import check, erased, happened, open_log

CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(["pytest", "heyi.store.database", "tests.support.logs"])


def fill(path: Path, room: int, tell: Connection) -> None:
    """Append until the disk is full, then once more when there is room."""
    log = open_log(Database.at(path))
    limit(200_000 + room)
    kept, full = 0, ""
    while not full:
        try:
            log.append([happened(body={"n": "x" * 500}), happened(body={"n": "y" * 3000})])
            kept = log.size
        except StoreError as e:
            full = str(e)
    refused = log.size
    limit(-1)
    tell.send((kept, refused, full, log.append([happened("disk.freed")])))


def erase_on_a_full_disk(path: Path, tell: Connection) -> None:
    """Erase when only the write-ahead log has room: the transaction is kept, the scrub fails."""
    database = Database.at(path)
    log = open_log(database)
    limit(path.stat().st_size)
    log.append([happened(note="x" * 30_000), erased(0)], erase=[0])
    try:
        database.scrub()
        failed = ""
    except StoreError as e:
        failed = str(e)
    assert database.scrub_due()
    stored = sum(1 for _ in log.store.entries())
    limit(-1)
    tell.send((failed, log.size, stored))
    tell.send(log.append([happened("disk.freed")]))
    database.scrub()
    assert not database.scrub_due()


@pytest.mark.parametrize("room", range(0, 12_000, 3_000))
def test_a_full_disk_is_told_and_nothing_is_half_kept(tmp_path: Path, room: int) -> None:
    receive, send = CONTEXT.Pipe(duplex=False)
    writer = CONTEXT.Process(target=fill, args=(tmp_path / "log.db", room, send))
    writer.start()
    send.close()
    kept, refused, full, after = receive.recv()
    writer.join()
    assert kept > 10 and kept % 2 == 0
    assert refused == kept
    assert "could not be written" in full and "free the disk" in full
    assert after == [kept]
    report = check(tmp_path / "log.db")
    assert report.faults == ()
    assert len(report.entries) == kept + 1


def test_a_log_whose_erasure_met_a_full_disk_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    with closing(Database.at(path)) as database:
        open_log(database).append([happened(body={"secret": "x"}), happened(padding="x" * 400_000)])
    receive, send = CONTEXT.Pipe(duplex=False)
    writer = CONTEXT.Process(target=erase_on_a_full_disk, args=(path, send))
    writer.start()
    send.close()
    failed, size, stored = receive.recv()
    assert failed  # the body can still be recovered, so the log must not report success
    try:
        after = receive.recv()
    except EOFError:
        after = None
    writer.join()
    assert writer.exitcode == 0
    assert size == stored, "the log counts other entries than it keeps"
    assert after == [stored]
    assert check(path).faults == ()


def test_a_database_without_room_cannot_be_founded(tmp_path: Path) -> None:
    limit(8_192)
    try:
        with pytest.raises(StoreError, match="could not be opened"):
            Database.at(tmp_path / "log.db")
    finally:
        limit(-1)
    with closing(Database.at(tmp_path / "log.db")) as database:
        assert open_log(database).append([happened()]) == [0]
