"""An outsider verifies: changes are noticed and named, and a log with erased bodies verifies."""

from __future__ import annotations

import random
import sqlite3
from pathlib import Path

import pytest

from heyi.app.rulebooks import shelf
from heyi.app.verification import Verification, verify_directory
from heyi.audit.event import from_leaf
from heyi.crypto.canonical import canonical
from heyi.crypto.merkle import leaf_hash
from heyi.exchange.proof.replay import Replay
from heyi.model.errors import InvalidInput
from tests.support.story import Story


def spoil(directory: Path, statement: str, *arguments: object, database: str = "heyi.db") -> None:
    connection = sqlite3.connect(directory / database)
    with connection:
        assert connection.execute(statement, arguments).rowcount == 1
    connection.close()


def named(v: Verification) -> set[int | None]:
    return {fault.entry for _, fault in v.faults}


def test_the_story_verifies(story: Story) -> None:
    v = verify_directory(story.directory)
    assert v.faults == []
    logged = [from_leaf(e.leaf).kind for e in story.app.database.entries()]
    # one body was erased in the story
    assert v.replayed.decisions == logged.count("decision.made") - 1
    assert v.replayed.erased == [story.told.erased]
    assert v.replayed.permits == logged.count("permit.issued")
    assert v.replayed.receipts == logged.count("operation.answered") + logged.count(
        "operation.refused"
    )
    assert v.replayed.settlements == 1


@pytest.mark.parametrize("column", ["leaf", "leaf_hash"])
def test_any_changed_byte_of_an_event_is_named(run_copy: Path, column: str) -> None:
    rng = random.Random(column)
    connection = sqlite3.connect(run_copy / "heyi.db")
    (size,) = connection.execute("select count(*) from entries").fetchone()
    for _ in range(12):
        index = rng.randrange(size)
        (original,) = connection.execute(
            f"select {column} from entries where idx = ?", (index,)
        ).fetchone()
        at = rng.randrange(len(original))
        spoilt = original[:at] + bytes([original[at] ^ 1 << rng.randrange(8)]) + original[at + 1 :]
        with connection:
            connection.execute(f"update entries set {column} = ? where idx = ?", (spoilt, index))
        assert index in named(verify_directory(run_copy))
        with connection:
            connection.execute(f"update entries set {column} = ? where idx = ?", (original, index))
    connection.close()
    assert verify_directory(run_copy).holds


def test_a_changed_fact_of_a_decision_is_named(run_copy: Path) -> None:
    connection = sqlite3.connect(run_copy / "heyi.db")
    rows = connection.execute(
        "select e.idx, e.leaf, b.body from entries e join bodies b on e.idx = b.idx order by e.idx"
    ).fetchall()
    connection.close()
    index, body = next((i, b) for i, leaf, b in rows if from_leaf(leaf).kind == "decision.made")
    spoil(
        run_copy,
        "update bodies set body = ? where idx = ?",
        body.replace(b'"words"', b'"wordz"'),
        index,
    )
    assert verify_directory(run_copy).faults[0][1].entry == index


def test_a_forged_decision_with_fresh_hashes_does_not_replay(run_copy: Path) -> None:
    """The operator rewrites an entry and its hashes: both the checkpoint and the replay notice."""
    connection = sqlite3.connect(run_copy / "heyi.db")
    rows = connection.execute("select idx, leaf from entries order by idx").fetchall()
    connection.close()
    index, event = next(
        (i, from_leaf(leaf))
        for i, leaf in rows
        if from_leaf(leaf).kind == "decision.made" and from_leaf(leaf).public["outcome"] == "deny"
    )
    forged = canonical(
        {
            "v": 1,
            "kind": event.kind,
            "at": event.at,
            "actor": event.actor,
            "case": event.case,
            "public": {**event.public, "outcome": "permit", "curable": False},
            "body": event.commitment.to_json() if event.commitment else None,
        }
    )
    spoil(
        run_copy,
        "update entries set leaf = ?, leaf_hash = ? where idx = ?",
        forged,
        leaf_hash(forged),
        index,
    )
    v = verify_directory(run_copy)
    assert index in named(v)
    assert any(
        "replays to another answer: outcome" in f.message or "curable" in f.message
        for _, f in v.faults
    )
    assert any("are not those of the checkpoint" in f.message for _, f in v.faults)


def test_a_receipt_that_a_node_denies_is_noticed(run_copy: Path) -> None:
    database = "nodes/tcm-hospital.db"
    spoil(
        run_copy,
        "delete from entries where idx = (select max(idx) from entries)",
        database=database,
    )
    assert any(
        "`tcm-hospital` lacks a receipt" in f.message for _, f in verify_directory(run_copy).faults
    )


def test_a_use_that_was_never_announced_is_noticed(story: Story) -> None:
    """The centre hides a use with its announcement and receipts; the nodes' logs show it."""
    v = verify_directory(story.directory)
    last = [c for c in v.centre.entries if c.event.kind == "operation.asked"][-1]
    calls = [(permit, number) for permit, number, _ in last.event.public["calls"]]
    shown = [
        c
        for c in v.centre.entries
        if c is not last
        and (c.event.public.get("permit"), c.event.public.get("number")) not in calls
    ]
    issuer = ("platform", story.app.keyring.signer("platform").public_key)
    events = {host: [c.event for c in report.entries] for host, report in v.nodes.items()}
    faults = Replay(story.app.database, shelf(), issuer=issuer).run(shown, events).faults
    assert sum("which nobody logged" in f.message for f in faults) == len(calls)


def test_a_changed_settlement_does_not_recompute(run_copy: Path) -> None:
    connection = sqlite3.connect(run_copy / "heyi.db")
    ((digest, content),) = [
        (d, c)
        for d, c in connection.execute("select digest, content from artefacts")
        if b'"players"' in c
    ]
    connection.close()
    spoilt = content.replace(b'"unit":"persons"', b'"unit":"parsons"')
    spoil(run_copy, "update artefacts set content = ? where digest = ?", spoilt, digest)
    assert any("another one" in f.message for _, f in verify_directory(run_copy).faults)


def test_a_deleted_tail_is_noticed(run_copy: Path) -> None:
    spoil(run_copy, "delete from entries where idx = (select max(idx) from entries)")
    v = verify_directory(run_copy)
    assert any("a checkpoint promises" in f.message for _, f in v.faults)


def test_keys_of_another_log_do_not_verify(run_copy: Path, tmp_path: Path) -> None:
    trust = (run_copy / "trust.json").read_text()
    key = next(line for line in trust.splitlines() if "log_key" in line)
    other = tmp_path / "trust.json"
    other.write_text(
        trust.replace(
            key, '"log_key": "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",'
        )
    )
    v = verify_directory(run_copy, other)
    assert not v.holds
    assert any("lacks the signature" in f.message for _, f in v.faults)


def test_no_log_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"has no trust\.json"):
        verify_directory(tmp_path)


def test_a_node_log_that_is_absent_is_noticed(run_copy: Path) -> None:
    (run_copy / "nodes" / "county-hospital.db").unlink()
    assert "the log of the node of `county-hospital` is absent" in [
        f.message for _, f in verify_directory(run_copy).faults
    ]


def test_an_approval_that_the_authority_did_not_sign_is_noticed(run_copy: Path) -> None:
    """The platform turns a refusal into an approval and repairs every hash, but cannot sign it."""
    connection = sqlite3.connect(run_copy / "heyi.db")
    rows = connection.execute("select idx, leaf from entries order by idx").fetchall()
    connection.close()
    index, leaf = next((i, leaf) for i, leaf in rows if from_leaf(leaf).kind == "approval.refused")
    forged = leaf.replace(b'"approval.refused"', b'"approval.given"').replace(
        b'"given":false', b'"given":true'
    )
    spoil(
        run_copy,
        "update entries set leaf = ?, leaf_hash = ? where idx = ?",
        forged,
        leaf_hash(forged),
        index,
    )
    faults = verify_directory(run_copy).faults
    assert any(f.entry == index and "the approval does not hold" in f.message for _, f in faults)
