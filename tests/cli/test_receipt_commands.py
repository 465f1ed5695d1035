"""Receipts, what was seen before, and the log check, on the command line."""

from __future__ import annotations

import base64
import json
import re
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from heyi.app.centre import reopen
from heyi.exchange.proof.erase import erase
from tests.support.command import Heyi
from tests.support.story import Story


@pytest.fixture
def receipt(heyi: Heyi, run_copy: Path, tmp_path: Path) -> Path:
    """A receipt of an erasure that somebody kept elsewhere; `before` is the folder before it."""
    shutil.copytree(run_copy, tmp_path / "before")
    entry = next(n for n, e in enumerate(bodies(run_copy)) if e)
    done = heyi("erase", run_copy, entry, "--reason", "asked for", "--json")
    assert done.returncode == 0, done.stderr
    kept = tmp_path / "kept.tlog-proof"
    shutil.copy(json.loads(done.stdout)["receipts"][0], kept)
    return kept


def bodies(run: Path) -> list[bytes | None]:
    with closing(sqlite3.connect(run / "heyi.db")) as database:
        rows = "select body from entries left join bodies using (idx) order by idx"
        return [body for (body,) in database.execute(rows)]


def test_a_receipt_is_checked_without_the_log(
    heyi: Heyi, receipt: Path, run_copy: Path, story: Story, tmp_path: Path
) -> None:
    shutil.copy(run_copy / "trust.json", tmp_path / "trust.json")
    shutil.rmtree(run_copy)
    done = heyi("receipt", "check", receipt, "--trust", "trust.json", "--json")
    said = json.loads(done.stdout)
    size = story.app.consortium.log.size
    assert (done.returncode, said["holds"]) == (0, True)
    assert (said["entry"], said["log_size"]) == (size, size + 1)
    assert (said["kind"], said["actor"]) == ("body.erased", "platform")
    assert said["public"]["reason"] == "asked for"
    assert said["cosigned_at"] >= said["at"]
    told = heyi("receipt", "check", receipt, "--trust", "trust.json")
    assert f"entry {size}: body.erased, platform" in told.stdout
    assert "cosigned by the witness" in told.stdout and "the receipt holds" in told.stdout


def test_a_receipt_before_the_witness_was_asked_is_a_promise(
    heyi: Heyi, run_copy: Path, tmp_path: Path
) -> None:
    app = reopen(run_copy)
    entry = next(n for n, e in enumerate(bodies(run_copy)) if e)
    (logged,) = erase(app.consortium, [entry], reason="asked for", by="platform")
    (tmp_path / "promise").write_bytes(app.consortium.log.prove(logged))
    app.close()
    done = heyi("receipt", "check", "promise", "--trust", run_copy / "trust.json")
    assert done.returncode == 0 and "promised by the log, not yet cosigned" in done.stdout
    assert json.loads(heyi("verify", run_copy, "--json").stdout)["promised"] == 1


def changed_leaf(receipt: bytes) -> bytes:
    leaf = re.search(rb"extra (\S+)", receipt)
    assert leaf is not None
    other = base64.b64decode(leaf[1]).replace(b"asked for", b"asked fox")
    return receipt.replace(leaf[1], base64.b64encode(other))


@pytest.mark.parametrize(
    "spoil",
    [
        changed_leaf,
        lambda r: re.sub(rb"index (\d+)", b"index 1", r),
        lambda r: r[:-40],
        lambda _: b"",
    ],
    ids=["leaf", "index", "cut", "empty"],
)
def test_a_spoilt_receipt_does_not_hold(
    heyi: Heyi, receipt: Path, run_copy: Path, spoil: Callable[[bytes], bytes]
) -> None:
    receipt.write_bytes(spoil(receipt.read_bytes()))
    done = heyi("receipt", "check", receipt, "--trust", run_copy / "trust.json")
    assert done.returncode == 1 and "do not rely on it" in done.stderr
    seen = heyi("verify", run_copy, "--seen", receipt)
    assert seen.returncode == 1 and "kept.tlog-proof" in seen.stderr


def test_a_receipt_of_another_log_or_no_file(
    heyi: Heyi, receipt: Path, stated: Path, tmp_path: Path
) -> None:
    done = heyi("receipt", "check", receipt, "--trust", stated / "trust.json")
    assert done.returncode == 1 and "do not rely on it" in done.stderr
    assert heyi("verify", stated, "--seen", receipt).returncode == 1
    for absent in (tmp_path / "absent", tmp_path):
        done = heyi("receipt", "check", absent, "--trust", stated / "trust.json")
        assert done.returncode == 2 and "is no checkpoint and no receipt" in done.stderr


def test_what_was_seen_must_still_be_there(
    heyi: Heyi, receipt: Path, run_copy: Path, tmp_path: Path
) -> None:
    """A log that was cut back, or that went another way since, verifies by itself alone."""
    before = tmp_path / "before"
    assert heyi("verify", run_copy, "--seen", receipt).returncode == 0
    assert heyi("verify", before).returncode == 0
    done = heyi("verify", before, "--seen", receipt, "--json")
    told = [f["message"] for f in json.loads(done.stdout)["faults"]]
    assert done.returncode == 1 and len(told) == 1 and "kept.tlog-proof" in told[0]

    # the witness remembers too: nobody writes into the old copy
    entry = next(n for n, e in enumerate(bodies(before)) if e)
    refused = heyi("erase", before, entry, "--reason", "another reason")
    assert refused.returncode == 1 and "was rolled back" in refused.stderr
    assert not (before / "receipts").exists()
    # nor where the witness forgot everything
    forgetful = {"HEYI_WITNESS": str(tmp_path / "forgetful")}
    refused = heyi("erase", before, entry, "--reason", "another reason", env=forgetful)
    assert refused.returncode == 1 and "remembers nothing" in refused.stderr
    # an operator who says that the run has just begun can let it go another way: the receipt shows
    run = json.loads((before / "run.json").read_text())
    (before / "run.json").write_text(json.dumps({**run, "finished": False}))
    done = heyi("erase", before, entry, "--reason", "another reason", env=forgetful)
    assert done.returncode == 0 and heyi("verify", before).returncode == 0
    done = heyi("verify", before, "--seen", receipt, "--json")
    told = [f["message"] for f in json.loads(done.stdout)["faults"]]
    assert done.returncode == 1
    assert told == ["the log was rewritten behind what was seen in `kept.tlog-proof`"]


def test_checkpoints_of_two_copies_are_compared(
    heyi: Heyi, receipt: Path, run_copy: Path, tmp_path: Path
) -> None:
    with closing(sqlite3.connect(run_copy / "heyi.db")) as database:
        rows = "select note from checkpoints order by size desc limit 1"
        (note,) = database.execute(rows).fetchone()
    (tmp_path / "checkpoint").write_bytes(note)
    assert heyi("verify", run_copy, "--seen", "checkpoint", "--seen", receipt).returncode == 0
    assert heyi("verify", tmp_path / "before", "--seen", "checkpoint").returncode == 1


def test_streams_that_differ_are_told_and_built_anew(heyi: Heyi, run_copy: Path) -> None:
    assert heyi("log", "check", run_copy).returncode == 0
    with closing(sqlite3.connect(run_copy / "heyi.db")) as database, database:
        for statement in (
            "delete from streams where stream = 'case/referral' and idx > 0",
            "update summaries set summary = cast('{}' as blob) where name = 'township-03'",
        ):
            assert database.execute(statement).rowcount >= 1
    done = heyi("log", "check", run_copy, "--json")
    said = json.loads(done.stdout)
    assert (done.returncode, said["agrees"]) == (1, False)
    assert said["differences"][0] == "case/referral"
    assert "summary party/township-03" in said["differences"]
    assert "heyi log check --rebuild" in heyi("log", "check", run_copy).stdout
    assert heyi("verify", run_copy).returncode == 0, "the proofs never rest on streams"
    assert heyi("log", "check", run_copy, "--rebuild").returncode == 0
    assert json.loads(heyi("log", "check", run_copy, "--json").stdout) == {
        "agrees": True,
        "differences": [],
        "scrub_due": False,
    }
