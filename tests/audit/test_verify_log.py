"""Every change of a log in a real database is found; a lawful erasure is no fault."""

import random
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from heyi.audit.checkpoint import Checkpoint, sign_checkpoint
from heyi.audit.event import Event
from heyi.audit.note import Note, parse_note
from heyi.crypto.canonical import Json, canonical, from_canonical
from heyi.crypto.merkle import leaf_hash, root_of
from heyi.store.database import Database
from tests.support.logs import (
    LOG,
    NOON,
    STRANGER,
    WITNESS,
    WITNESSED,
    Outcome,
    clock_at,
    erased,
    happened,
    new_witness,
    open_log,
)
from tests.support.logs import check as check_file

BATCHES = (1, 3, 2, 5, 4, 1, 1, 6, 2, 3, 8)
SIZE = sum(BATCHES) + 1
ERASED = 10
TABLES = {"leaf": "entries", "leaf_hash": "entries", "body": "bodies", "key": "bodies"}


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A log of several batches; two of three entries have a body; one erasure is reported."""
    path = tmp_path_factory.mktemp("honest") / "log.db"
    with closing(Database.at(path)) as database:
        log, witness = open_log(database), new_witness()
        for batch in BATCHES:
            start = log.size
            log.append(
                [
                    happened(n=n, body={"who": f"person {n}"} if n % 3 else None)
                    for n in range(start, start + batch)
                ]
            )
            log.cosign(witness, now=clock_at(NOON))
        log.append([erased(ERASED)], erase=[ERASED])
        log.cosign(witness, now=clock_at(NOON))
        database.scrub()
    assert check(path).faults == ()
    return path


def check(path: Path) -> Outcome:
    return check_file(path, witness=WITNESSED)


@pytest.fixture
def path(honest: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(honest, tmp_path / "log.db"))


@pytest.fixture
def sql(path: Path) -> Iterator[sqlite3.Connection]:
    """The copy, open to an attacker who can write the file."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        yield connection


def flip(data: bytes, rng: random.Random) -> bytes:
    spoilt = bytearray(data)
    spoilt[rng.randrange(len(spoilt))] ^= rng.randint(1, 255)
    return bytes(spoilt)


def test_the_honest_log_holds(path: Path) -> None:
    outcome = check(path)
    report = outcome.report
    assert (report.faults, report.size, report.promised, report.erased) == ((), SIZE, 0, 1)
    assert report.checkpoint and report.checkpoint.size == SIZE
    assert report.checkpoints == len(BATCHES) + 1
    assert [c.index for c in outcome.entries] == list(range(SIZE))
    assert [c.index for c in outcome.entries if c.erased] == [ERASED]
    assert outcome.entries[1].body == {"who": "person 1"}


@pytest.mark.parametrize("column", TABLES)
def test_a_changed_byte_is_found_at_its_entry(
    path: Path, sql: sqlite3.Connection, column: str
) -> None:
    rng = random.Random(f"tamper with {column}")
    table = TABLES[column]
    rows = sql.execute(f"SELECT idx, {column} FROM {table}").fetchall()
    assert len(rows) > SIZE // 2
    for idx, value in rows:
        for _ in range(2):
            sql.execute(f"UPDATE {table} SET {column} = ? WHERE idx = ?", (flip(value, rng), idx))
            assert idx in check(path).at_fault, f"{column} of entry {idx}"
        sql.execute(f"UPDATE {table} SET {column} = ? WHERE idx = ?", (value, idx))
    assert check(path).faults == ()


@pytest.mark.parametrize("column", TABLES)
def test_a_value_cut_short_is_found_at_its_entry(
    path: Path, sql: sqlite3.Connection, column: str
) -> None:
    for value in (b"", b"\0"):
        sql.execute(f"UPDATE {TABLES[column]} SET {column} = ? WHERE idx = 7", (value,))
        assert 7 in check(path).at_fault


def test_a_changed_byte_of_a_checkpoint_is_found(path: Path, sql: sqlite3.Connection) -> None:
    rng = random.Random("tamper with checkpoints")
    for size, note in sql.execute("SELECT size, note FROM checkpoints").fetchall():
        for _ in range(4):
            sql.execute("UPDATE checkpoints SET note = ? WHERE size = ?", (flip(note, rng), size))
            assert check(path).faults, f"checkpoint at {size}"
        sql.execute("UPDATE checkpoints SET note = ? WHERE size = ?", (note, size))
    assert check(path).faults == ()


def test_a_checkpoint_filed_under_another_size_is_found(
    path: Path, sql: sqlite3.Connection
) -> None:
    sql.execute("UPDATE checkpoints SET size = size + 1 WHERE size = ?", (SIZE,))
    assert check(path).faults


@pytest.mark.parametrize("gone", [0, 1, 5, 6, SIZE - 2, SIZE - 1])
def test_a_deleted_entry_is_found(path: Path, sql: sqlite3.Connection, gone: int) -> None:
    sql.execute("DELETE FROM entries WHERE idx = ?", (gone,))
    report = check(path)
    assert report.faults
    if gone < SIZE - 1:
        assert gone in report.at_fault


@pytest.mark.parametrize("gone", [0, 5, SIZE - 2])
def test_closing_the_gap_does_not_hide_a_deleted_entry(
    path: Path, sql: sqlite3.Connection, gone: int
) -> None:
    for table in ("entries", "bodies"):
        sql.execute(f"DELETE FROM {table} WHERE idx = ?", (gone,))
        for idx in range(gone + 1, SIZE):
            sql.execute(f"UPDATE {table} SET idx = ? WHERE idx = ?", (idx - 1, idx))
    assert check(path).faults


def swap(sql: sqlite3.Connection, table: str, one: int, other: int) -> None:
    for old, new in ((one, -1), (other, one), (-1, other)):
        sql.execute(f"UPDATE {table} SET idx = ? WHERE idx = ?", (new, old))


@pytest.mark.parametrize(("one", "other"), [(1, 2), (4, 5), (2, 20), (0, SIZE - 1)])
def test_two_swapped_entries_are_found(
    path: Path, sql: sqlite3.Connection, one: int, other: int
) -> None:
    swap(sql, "entries", one, other)
    swap(sql, "bodies", one, other)
    assert check(path).faults


def test_two_swapped_bodies_are_found_at_their_entries(path: Path, sql: sqlite3.Connection) -> None:
    swap(sql, "bodies", 4, 5)
    assert {4, 5} <= check(path).at_fault


def forge(sql: sqlite3.Connection, leaf: bytes) -> None:
    sql.execute(
        "INSERT INTO entries (idx, leaf, leaf_hash) VALUES (?, ?, ?)", (SIZE, leaf, leaf_hash(leaf))
    )


def test_a_forged_entry_at_the_end_is_under_no_checkpoint(
    path: Path, sql: sqlite3.Connection
) -> None:
    forge(sql, happened(n=99).event.to_leaf())
    assert SIZE in check(path).at_fault


def test_a_forged_entry_under_a_checkpoint_of_another_key_is_found(
    path: Path, sql: sqlite3.Connection
) -> None:
    forge(sql, happened(n=99).event.to_leaf())
    root = root_of([row[0] for row in sql.execute("SELECT leaf_hash FROM entries ORDER BY idx")])
    note = sign_checkpoint(Checkpoint(origin=LOG.name, size=SIZE + 1, root=root), STRANGER)
    sql.execute("INSERT INTO checkpoints (size, note) VALUES (?, ?)", (SIZE + 1, note.to_bytes()))
    assert SIZE in check(path).at_fault


def test_a_rewritten_entry_with_its_own_hash_is_found(path: Path, sql: sqlite3.Connection) -> None:
    leaf = happened(n=99).event.to_leaf()
    sql.execute("UPDATE entries SET leaf = ?, leaf_hash = ? WHERE idx = 6", (leaf, leaf_hash(leaf)))
    report = check(path).report
    assert [f.message for f in report.faults] == ["entries 6 to 10 are not those of the checkpoint"]
    assert report.checkpoint is not None and report.checkpoint.size == 6


def test_a_body_that_is_gone_without_an_event_is_found(path: Path, sql: sqlite3.Connection) -> None:
    sql.execute("DELETE FROM bodies WHERE idx = 8")
    (fault,) = check(path).faults
    assert fault.entry == 8 and "no event says that it was erased" in fault.message


def test_a_body_beside_a_leaf_without_commitment_is_found(
    path: Path, sql: sqlite3.Connection
) -> None:
    sql.execute(
        "INSERT INTO bodies (idx, body, key) VALUES (6, ?, ?)",
        (canonical({"who": "nobody"}), b"k" * 32),
    )
    assert check(path).at_fault == {6}


def test_an_erased_body_cannot_be_replaced(path: Path, sql: sqlite3.Connection) -> None:
    body = canonical({"who": "another person"})
    sql.execute("INSERT INTO bodies (idx, body, key) VALUES (?, ?, ?)", (ERASED, body, b"k" * 32))
    assert check(path).at_fault == {ERASED}


@pytest.mark.parametrize("kept", [0, 1, 7, SIZE - 1])
def test_a_truncated_log_is_found(path: Path, sql: sqlite3.Connection, kept: int) -> None:
    sql.execute("DELETE FROM entries WHERE idx >= ?", (kept,))
    said = [fault.message for fault in check(path).faults]
    assert f"a checkpoint promises {SIZE} entries, but the log has {kept}" in said


def test_a_log_without_checkpoints_is_at_fault(path: Path, sql: sqlite3.Connection) -> None:
    sql.execute("DELETE FROM checkpoints")
    assert any("no checkpoint holds" in fault.message for fault in check(path).faults)


def test_entries_that_the_witness_did_not_cosign_yet_are_promised(
    path: Path, sql: sqlite3.Connection
) -> None:
    ((data,),) = sql.execute("SELECT note FROM checkpoints WHERE size = ?", (SIZE,))
    note = parse_note(data)
    alone = Note(text=note.text, signatures=note.signatures[:1])
    sql.execute("UPDATE checkpoints SET note = ? WHERE size = ?", (alone.to_bytes(), SIZE))
    report = check(path).report
    assert (report.faults, report.promised) == ((), 1)


def test_a_log_rewritten_with_its_own_key_lacks_the_witness(tmp_path: Path) -> None:
    with closing(Database.at(tmp_path / "log.db")) as database:
        alone = open_log(database)
        alone.append([happened(n=1)])
        alone.append([happened(n=2)])
    report = check(tmp_path / "log.db").report
    assert any(WITNESS.name in fault.message for fault in report.faults)
    assert report.promised == 2


def test_every_fault_is_told_not_the_first_alone(path: Path, sql: sqlite3.Connection) -> None:
    sql.execute("UPDATE bodies SET body = x'00' WHERE idx IN (4, 13)")
    sql.execute("UPDATE entries SET leaf = x'00' WHERE idx = 20")
    assert {4, 13, 20} <= check(path).at_fault


def members(**changed: Json) -> bytes:
    return canonical(
        {**from_canonical(Event(kind="body.erased", at=NOON, actor="a").to_leaf()), **changed}
    )


@pytest.mark.parametrize(
    "leaf",
    [
        pytest.param(members(public=[]), id="public content that is a list"),
        pytest.param(members(public=None), id="no public content"),
        pytest.param(members(public={"entry": [4]}), id="erasure of a list"),
        pytest.param(members(public={"entry": {"4": 4}}), id="erasure of an object"),
        pytest.param(members(body={"alg": "hmac-sha256", "mac": 5}), id="code that is a number"),
        pytest.param(
            members(body={"alg": "hmac-sha256", "mac": "é" * 64}), id="code that is no hexadecimal"
        ),
        pytest.param(members(v=0), id="version 0"),
        pytest.param(b"[" * 100_000, id="deep nesting"),
        pytest.param(b"", id="nothing"),
    ],
)
def test_a_malformed_entry_is_a_fault_and_no_crash(
    path: Path, sql: sqlite3.Connection, leaf: bytes
) -> None:
    forge(sql, leaf)
    sql.execute("INSERT INTO bodies (idx, body, key) VALUES (?, ?, ?)", (SIZE, b"{}", b"k" * 32))
    assert SIZE in check(path).at_fault


@pytest.mark.parametrize("column", TABLES)
@pytest.mark.parametrize("value", ["text", "", 5, 0])
def test_a_value_of_another_type_is_a_fault_and_no_crash(
    path: Path, sql: sqlite3.Connection, column: str, value: str | int
) -> None:
    sql.execute(f"UPDATE {TABLES[column]} SET {column} = ? WHERE idx = 7", (value,))
    assert 7 in check(path).at_fault
