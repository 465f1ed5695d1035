"""`make kill` and `make faults` in small: they run, keep what they promise, and notice faults."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from bench import faults, kill
from bench.faults import Trial
from oracles.mortal_writer import Promises, Told, Writer
from tests.support.machine import needs
from tests.support.postgres import programs


def test_a_killed_writer_keeps_its_promises(tmp_path: Path) -> None:
    found = kill.kill_writers(tmp_path, 8, seed=3)
    assert (found.kills, found.wrong) == (8, [])
    assert found.acknowledged > 0 and found.hit["kept"] > 0


def test_killed_use_cases_and_commands_leave_a_folder_that_goes_on(
    own_witness: Path, stated: Path, tmp_path: Path
) -> None:
    found = kill.kill_use_cases(tmp_path, 3, seed=3)
    assert (found.kills, found.wrong) == (3, [])
    # the first round only measures how long commands take, so the second is the one with kills
    found = kill.kill_commands(stated, tmp_path, 1, seed=3)
    assert found.kills >= 1 and found.wrong == []


def written(folder: Path) -> tuple[Promises, list[Told]]:
    """A log with three groups, an erasure and a cosignature, and what was told of it."""
    folder.mkdir(exist_ok=True)
    told: list[Told] = []
    writer = Writer(folder / "heyi.db", life=1, tell=told.append)
    writer.append(3)
    writer.append(4, erasures=1)
    writer.cosign()
    writer.append(2)
    writer.log.store.close()  # type: ignore[attr-defined]
    promises = Promises(folder / "heyi.db")
    for line in told:
        promises.take(line)
    return promises, told


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (["DELETE FROM checkpoints WHERE size = 3"], "is there in part"),
        (["DELETE FROM checkpoints WHERE size = 10"], "does not open"),
        (
            ["DELETE FROM entries WHERE idx > 7", "DELETE FROM bodies WHERE idx > 7",
             "DELETE FROM checkpoints WHERE size > 8", "UPDATE head SET size = 8"],
            "entry 9 was acknowledged in life 1, and is not there",
        ),
        (["UPDATE bodies SET body = '{}' WHERE idx = 8"], "entry 8"),
        (
            ["DELETE FROM entries WHERE idx > 2", "DELETE FROM bodies WHERE idx > 2",
             "DELETE FROM checkpoints WHERE size > 3", "UPDATE head SET size = 3"],
            "the witness contradicts the log",
        ),
    ],
    ids=["half a group", "no signed head", "a lost group", "a body", "a rollback"],
)  # fmt: skip
def test_each_broken_promise_is_noticed(tmp_path: Path, damage: list[str], said: str) -> None:
    promises, _ = written(tmp_path / "log")
    shutil.copytree(tmp_path / "log", tmp_path / "spoilt")
    assert promises.broken() == []
    spoilt, told = Promises(tmp_path / "spoilt" / "heyi.db"), written(tmp_path / "again")[1]
    for line in told:
        spoilt.take(line)
    with closing(sqlite3.connect(spoilt.path)) as database:
        for statement in damage:
            database.execute(statement)
        database.commit()
    assert said in " / ".join(spoilt.broken())


def test_a_body_that_was_to_be_erased_is_noticed(tmp_path: Path) -> None:
    promises, _ = written(tmp_path / "log")
    promises.take(["kept", 1, 8, 2, [9]])
    assert promises.broken() == ["entry 9 was erased, and its body is there again"]


def test_a_program_on_a_failing_disk_keeps_its_promises(tmp_path: Path) -> None:
    needs("strace", shutil.which("strace") is not None)
    calls = faults.calls_of(tmp_path)
    assert calls["pwrite64"] > 50 and calls["fdatasync"] > 5 and calls["rename"] > 0
    chosen = [
        Trial(call="pwrite64", error="ENOSPC", number=calls["pwrite64"] // 2, end="close"),
        Trial(call="fdatasync", error="EIO+", number=calls["fdatasync"] // 2, end="crash"),
        Trial(call="rename", error="EIO", number=1, end="close"),
        Trial(call="flock", error="EIO", number=1, end="crash"),
        Trial(call="openat", error="EIO", number=1, end="close"),
    ]
    for trial in chosen:
        found = faults.attempt(trial, tmp_path)
        assert found.wrong == [], found.wrong
        assert found.told, f"{trial.name}: nothing failed"


def test_a_server_that_fails_keeps_its_promises(tmp_path: Path, own_witness: Path) -> None:
    needs("PostgreSQL's server", programs() is not None)
    found = faults.servers(tmp_path, 4)
    assert (found.trials, found.wrong) == (4, [])
    assert found.acknowledged > 0 and found.told["StoreError"] + found.told["OutcomeUnknown"] > 0
