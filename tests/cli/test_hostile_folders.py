"""Folders that somebody else wrote: a reader follows nothing in them, and always gets an answer."""

from __future__ import annotations

import json
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from heyi.app.verification import verify_directory
from heyi.exchange.projections import differences
from heyi.exchange.proof.recollection import Recollection
from heyi.model.errors import InvalidInput, StoreError
from heyi.store.audit_memory import AuditMemory
from heyi.store.database import Database
from tests.support.command import Heyi

READING = (
    ["verify"],
    ["log", "list"],
    ["log", "check"],
    ["statement"],
    ["settle", "verify"],
    ["settle", "guards"],
    ["settle", "certificate"],
)


def change_run(directory: Path, **changed: object) -> None:
    path = directory / "run.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changed}))


@pytest.mark.parametrize("command", READING, ids=" ".join)
def test_a_reader_goes_to_no_database_that_the_folder_names(
    heyi: Heyi, run_copy: Path, tmp_path: Path, command: list[str]
) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        server.settimeout(0.1)
        change_run(run_copy, store=f"postgresql://heyi@127.0.0.1:{server.getsockname()[1]}/log")
        assert heyi(*command, run_copy).returncode == 0
        with pytest.raises(TimeoutError):
            server.accept()
    change_run(run_copy, store=f"sqlite:///{tmp_path}/other.db")
    (run_copy / "heyi.db").unlink()
    done = heyi(*command, run_copy)
    assert done.returncode == 2 and "has no log" in done.stderr and "--store" in done.stderr
    assert not (tmp_path / "other.db").exists()


def test_a_reader_names_the_database_itself(heyi: Heyi, run_copy: Path, tmp_path: Path) -> None:
    shutil.move(run_copy / "heyi.db", tmp_path / "elsewhere.db")
    address = f"sqlite:///{tmp_path}/elsewhere.db"
    for command in READING:
        assert heyi(*command, run_copy, "--store", address).returncode == 0
    done = heyi("verify", run_copy, "--store", f"sqlite:///{tmp_path}/absent.db")
    assert done.returncode == 1 and not (tmp_path / "absent.db").exists()


@pytest.mark.parametrize(
    "address",
    [
        "sqlite://",
        "sqlite:///x?odd=1",
        "postgresql://heyi@localhost:port/log",
        "postgresql://heyi@localhost/log?odd=1",
        "\ud800",
        "mysql://x",
    ],
)
@pytest.mark.parametrize("read_only", [True, False])
def test_odd_addresses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, address: str, read_only: bool
) -> None:
    monkeypatch.chdir(tmp_path)
    if address == "sqlite://" and not read_only:
        return  # a log in memory, which somebody may want to write
    with pytest.raises((InvalidInput, StoreError)):
        Database(address, read_only=read_only)
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_never_answers_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("heyi.store.connections.TO_CONNECT", 0.2)
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        address = f"postgresql://heyi@127.0.0.1:{server.getsockname()[1]}/log"
        with pytest.raises(StoreError, match="could not be opened"):
            Database(address, read_only=True)


def test_a_node_called_centre(run_copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is remembered of it does not take the place of what is remembered of the log."""
    monkeypatch.setenv("HEYI_CACHE", str(run_copy.parent))
    run_copy.parent.chmod(0o700)
    assert verify_directory(run_copy, since=True).holds
    (memory,) = (run_copy.parent / "audits").glob("*.db")
    with closing(Database.at(run_copy / "heyi.db", read_only=True)) as log:
        remembered = Recollection(log, AuditMemory(memory))
    assert remembered.verified("centre") == remembered.since is not None
    assert remembered.verified("node/county-hospital") is not None
    assert remembered.verified("county-hospital") is None


UNREADABLE = """
import os, sys
os.setgid(65534), os.setuid(65534)
from heyi.cli import main
sys.argv = ["heyi", "verify", sys.argv[1], "--json"]
main()
"""


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="needs another user")
def test_nodes_that_may_not_be_read(run_copy: Path) -> None:
    (run_copy / "nodes").chmod(0o700)
    for folder in (run_copy, *run_copy.parents):
        folder.chmod(folder.stat().st_mode | 0o055)
    done = subprocess.run(
        [sys.executable, "-c", UNREADABLE, str(run_copy)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "HEYI_CACHE": "", "HOME": "/nonexistent"},
    )
    if "ModuleNotFoundError" in done.stderr:
        pytest.skip("the other user may not read the program")
    told = [f["message"] for f in json.loads(done.stdout)["faults"]]
    assert done.returncode == 1 and all("cannot be read: Permission denied" in t for t in told)


@pytest.mark.parametrize("origin", ["\ud800", "", "two words"])
def test_a_name_that_is_none(heyi: Heyi, run_copy: Path, origin: str) -> None:
    change_run(run_copy, origin=origin)
    done = heyi("erase", run_copy, "131", "--reason", "asked for")
    assert done.returncode == 2 and "not a key name" in done.stderr


def test_a_checkpoint_of_a_gigabyte_is_read_in_part(run_copy: Path) -> None:
    with closing(sqlite3.connect(run_copy / "heyi.db")) as database, database:
        database.execute(
            "update checkpoints set note = zeroblob(100000000) "
            "where size = (select max(size) from checkpoints)"
        )
    with closing(Database.at(run_copy / "heyi.db", read_only=True)) as log:
        (*_, (_, note)) = log.checkpoints()
        newest = log.newest_checkpoint()
    assert len(note) <= 1_000_000 and newest is not None and newest[1] == note
    assert verify_directory(run_copy).faults


# --- statements ---


def moved(run: Path, stream: str, other: str) -> None:
    """Let a stream name the entries of another."""
    with closing(sqlite3.connect(run / "heyi.db")) as database, database:
        database.execute("delete from streams where stream = ?", (stream,))
        database.execute(
            "insert into streams select ?, idx from streams where stream = ?", (stream, other)
        )


@pytest.mark.parametrize("kind", ["money", "use"])
def test_a_statement_made_of_another_ones_entries(heyi: Heyi, run_copy: Path, kind: str) -> None:
    moved(run_copy, f"{kind}/township-03", f"{kind}/county-hospital")
    done = heyi("statement", run_copy, "--party", "township-03", "--json")
    assert done.returncode == 1 and "where it does not belong" in done.stderr
    assert "county-hospital" not in [
        s["party"] for s in json.loads(done.stdout).get("statements", [])
    ]


def test_a_statement_reads_nothing_that_is_not_proven(heyi: Heyi, run_copy: Path) -> None:
    """The page rests on entries of the case too: here on who approved."""
    with closing(sqlite3.connect(run_copy / "heyi.db")) as database, database:
        rows = "select idx, leaf from entries join streams using (idx) where stream = ?"
        leaves = database.execute(rows, ("case/stroke-risk",)).fetchall()
        entry, leaf = next((n, leaf) for n, leaf in leaves if b"settlement.approved" in leaf)
        other = leaf.replace(b"finance-office", b"finance-offic3")
        database.execute("update entries set leaf = ? where idx = ?", (other, entry))
    done = heyi("statement", run_copy, "--party", "township-03", "--lang", "en")
    assert done.returncode == 1 and f"entry {entry}:" in done.stderr


def test_the_log_check_sees_surplus(run_copy: Path) -> None:
    def unlike() -> set[str]:
        with closing(Database.at(run_copy / "heyi.db", read_only=True)) as log:
            return set(differences(log))

    assert unlike() == set()
    moved(run_copy, "money/nobody", "money/township-03")
    assert unlike() == {"money/nobody"}


# --- receipts ---


def test_a_receipt_of_another_log_names_its_log(heyi: Heyi, run_copy: Path, tmp_path: Path) -> None:
    (path,) = json.loads(heyi("receipt", "get", run_copy, "3", "--json").stdout)["receipts"]
    trust = json.loads((run_copy / "trust.json").read_text())
    (tmp_path / "later.json").write_text(json.dumps({**trust, "origin": "heyi.example/later"}))
    done = heyi("receipt", "check", path, "--trust", tmp_path / "later.json")
    assert done.returncode == 1 and "do not rely" not in done.stderr
    assert f"use the keys of `{trust['origin']}`" in done.stderr


def test_what_was_seen_may_be_a_folder(heyi: Heyi, run_copy: Path, tmp_path: Path) -> None:
    assert heyi("receipt", "get", run_copy, "3", "4").returncode == 0
    assert heyi("verify", run_copy, "--seen", run_copy / "receipts").returncode == 0
    (tmp_path / "empty").mkdir()
    assert heyi("verify", run_copy, "--seen", tmp_path / "empty").returncode == 2
    (run_copy / "receipts" / "entry-9.tlog-proof").write_text("something else")
    assert heyi("verify", run_copy, "--seen", run_copy / "receipts").returncode == 1
    assert "--seen" in (said := heyi("verify", "--help").stdout) and "list[Path]" not in said


def test_an_audit_since_says_what_it_did(
    heyi: Heyi, run_copy: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    tmp_path.chmod(0o700)
    monkeypatch.setenv("HEYI_CACHE", str(tmp_path))
    assert "first audit, remembered" in heyi("verify", run_copy, "--since").stdout
    size = verify_directory(run_copy).centre.size
    assert heyi("erase", run_copy, "133", "--reason", "asked for").returncode == 0
    said = heyi("verify", run_copy, "--since").stdout
    assert f"went on from entry {size}, verified before" in said
    assert "entry 133: 已删除，删除前您已核验 erased, and verified by you before" in said
    with closing(sqlite3.connect(run_copy / "heyi.db")) as database, database:
        database.execute("delete from entries where idx >= ?", (size - 5,))
    done = heyi("verify", run_copy, "--since")
    assert done.returncode == 1 and f"remove {tmp_path}" in done.stdout


@pytest.mark.parametrize("name", ["trust.json", "certificate.json"])
def test_an_error_has_a_next_step(heyi: Heyi, run_copy: Path, tmp_path: Path, name: str) -> None:
    (run_copy / "trust.json").write_text("[")
    (tmp_path / "certificate.json").write_text("{}")
    command = ("verify", run_copy) if name == "trust.json" else ("settle", "verify", name)
    done = heyi(*command, "--json")
    said = json.loads(done.stdout)
    assert done.returncode in (1, 2) and name in said["error"] and said["hint"]


def test_keys_in_a_very_large_file_are_not_read(heyi: Heyi, run_copy: Path) -> None:
    with (run_copy / "trust.json").open("wb") as file:
        file.truncate(3_000_000_000)  # it needs no space on the disk
    done = heyi("verify", run_copy)
    assert done.returncode == 2 and "larger than such a file can be" in done.stderr


@pytest.mark.parametrize("value", [False, {}, "", 0])
def test_predecessors_that_are_no_list(heyi: Heyi, run_copy: Path, value: object) -> None:
    path = run_copy / "trust.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "succeeds": value}))
    assert heyi("verify", run_copy).returncode == 2


def test_a_folder_in_place_of_a_file_of_keys_is_not_to_be_removed(
    heyi: Heyi, run_copy: Path
) -> None:
    done = heyi("verify", run_copy, "--trust", run_copy)
    assert done.returncode == 2 and "name the file" in done.stderr


@pytest.fixture
def memory(heyi: Heyi, run_copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What an auditor remembers of `run_copy`."""
    (tmp_path / "cache").mkdir(mode=0o700)
    monkeypatch.setenv("HEYI_CACHE", str(tmp_path / "cache"))
    assert heyi("verify", run_copy, "--since").returncode == 0
    (memory,) = (tmp_path / "cache" / "audits").glob("*.db")
    return memory


def test_the_memory_of_a_newer_version_stays(heyi: Heyi, run_copy: Path, memory: Path) -> None:
    with closing(sqlite3.connect(memory)) as c, c:
        c.execute("pragma user_version = 99")
    before = memory.read_bytes()
    done = heyi("verify", run_copy, "--since")
    assert done.returncode == 1 and "upgrade heyi" in done.stderr
    assert memory.read_bytes() == before


def test_a_memory_that_cannot_be_kept_is_told_after_the_result(
    heyi: Heyi, run_copy: Path, memory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Removing it would let a log that was rolled back hold again, so that is no advice."""
    memory.unlink()

    def full(*_: object) -> None:
        error = sqlite3.OperationalError("database or disk is full")
        error.sqlite_errorcode = sqlite3.SQLITE_FULL
        raise AuditMemory(memory)._error(error)

    monkeypatch.setattr(AuditMemory, "keep", full)
    done = heyi("verify", run_copy, "--since")
    assert done.returncode == 1
    assert "holds" in done.stdout and "remembered" not in done.stdout
    assert "free the disk" in done.stderr and "remove" not in done.stderr
    done = heyi("verify", run_copy, "--since", "--json")
    said = json.loads(done.stdout)
    assert done.returncode == 1 and said["verified"] and "disk is full" in said["unkept"]
