"""An outsider verifies: changes are noticed and named, and a log with erased bodies verifies."""

from __future__ import annotations

import random
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from heyi.app.rulebooks import shelf
from heyi.app.verification import Verification, verify_directory
from heyi.audit.event import Event
from heyi.audit.verify import Checked, check_entry
from heyi.crypto.merkle import leaf_hash
from heyi.exchange.consortium import PLATFORM
from heyi.exchange.events import applied, used
from heyi.exchange.proof.auditor import Auditor
from heyi.exchange.proof.recollection import NodeBefore
from heyi.exchange.proof.replay import close, replay_centre, replay_node
from heyi.exchange.request.grant import seat
from heyi.model.decision import Outcome
from heyi.model.errors import InvalidInput
from heyi.store.database import Database
from oracles import forge
from oracles.lying import cut_log
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
    consortium = story.app.consortium
    decisions = forge.logged(consortium, applied.DecisionMade)
    # the body of one was erased in the story, and its facts are still there
    assert v.replayed.decisions == len(decisions) == v.replayed.outcomes.total()
    assert v.replayed.erased == []
    assert [e.index for e in decisions if e.erased] == [story.told.erased]
    assert v.replayed.permits == len(forge.logged(consortium, applied.PermitIssued))
    assert v.replayed.receipts == len(forge.logged(consortium, used.ReceiptLogged))
    assert (v.replayed.settlements, v.replayed.unanswered) == (1, 0)


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


def test_a_changed_fact_of_a_decision_is_named(run_copy: Path, story: Story) -> None:
    found = forge.last(story.app.consortium, applied.DecisionMade, case="insurance-claim")
    (stored,) = story.app.database.entries(found.index, found.index + 1)
    assert stored.body is not None
    spoil(
        run_copy,
        "update bodies set body = ? where idx = ?",
        stored.body.replace(b'"words"', b'"wordz"'),
        found.index,
    )
    assert named(verify_directory(run_copy)) == {found.index}


def rewrite(directory: Path, index: int, event: Event) -> None:
    """Replace an entry and repair its own hash, as whoever holds the disk can do."""
    forged = event.to_leaf()
    spoil(
        directory,
        "update entries set leaf = ?, leaf_hash = ? where idx = ?",
        forged,
        leaf_hash(forged),
        index,
    )


def test_a_forged_decision_with_fresh_hashes_does_not_replay(run_copy: Path, story: Story) -> None:
    """The operator rewrites an entry and its hashes: both the checkpoint and the replay notice."""
    denied = next(
        e
        for e in forge.logged(story.app.consortium, applied.DecisionMade)
        if forge.said(e, applied.DecisionMade).outcome is Outcome.DENY
    )
    event, _ = forge.raw(story.app.consortium, denied.index)
    public = {**event.public, "outcome": "permit", "curable": False}
    rewrite(run_copy, denied.index, replace(event, public=public))
    v = verify_directory(run_copy)
    told = [f.message for _, f in v.faults if f.entry == denied.index]
    assert any("replays to another answer: outcome" in message for message in told)
    assert any("checkpoint" in f.message for f in v.centre.faults)


def test_a_receipt_that_a_node_denies_is_noticed(run_copy: Path) -> None:
    """The node's log ends before its last receipt, under a checkpoint of its own."""
    path = run_copy / "nodes/tcm-hospital.db"
    with closing(Database.at(path, read_only=True)) as own:
        size = own.size()
    cut_log(path, size - 1)
    told = [f.message for _, f in verify_directory(run_copy).faults]
    assert any("`tcm-hospital` lacks the receipt" in message for message in told), told


def test_a_use_that_was_never_announced_is_noticed(story: Story) -> None:
    """The centre hides a use with its announcement and receipts; the nodes' logs show it."""
    consortium = story.app.consortium
    hidden = forge.last(consortium, used.OperationAsked)
    calls = [(p, n) for p, n, _ in forge.said(hidden, used.OperationAsked).calls]

    def is_shown(entry: Checked) -> bool:
        public = entry.event.public
        return entry.index != hidden.index and (
            (public.get("permit"), public.get("number")) not in calls
        )

    auditor = Auditor(
        artefacts=story.app.database,
        rulebooks=shelf(),
        issuer=(PLATFORM, story.app.signer(PLATFORM).public_key),
        origin=consortium.log.signer.name,
        witness=(story.app.witness.signer.name, story.app.witness.signer.public_key),
    )
    for _ in replay_centre(filter(is_shown, checked(story.app.database)), auditor):
        pass
    for host, database in story.app.node_databases.items():
        replay_node(host, checked(database), auditor, NodeBefore())
    close(auditor)
    faults = auditor.report.faults
    ran = [log for log, f in faults if "which nobody logged" in f.message]
    assert len(ran) == len(calls)
    assert set(ran) == {seat(consortium, hidden.case, p).permit.audience for p, _ in calls}


def checked(database: Database) -> list[Checked]:
    """The entries of a log as its check hands them to the replay."""
    return [check_entry(entry) for entry in database.entries()]


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


def test_an_approval_that_the_authority_did_not_sign_is_noticed(
    run_copy: Path, story: Story
) -> None:
    """The platform turns a refusal into an approval and repairs every hash, but cannot sign it."""
    refused = forge.first(story.app.consortium, applied.ApprovalRefused)
    event, _ = forge.raw(story.app.consortium, refused.index)
    rewrite(run_copy, refused.index, replace(event, kind=applied.ApprovalGiven.KIND))
    told = [f.message for _, f in verify_directory(run_copy).faults if f.entry == refused.index]
    assert any("the approval" in message and "signature" in message for message in told), told
