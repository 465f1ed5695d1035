"""The log on a real database: each acknowledged event is under a cosigned checkpoint."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from heyi.audit.checkpoint import open_checkpoint
from heyi.audit.event import from_leaf
from heyi.audit.log import Log
from heyi.audit.witness import verify_cosignature
from heyi.crypto.canonical import canonical, from_canonical
from heyi.crypto.commitment import verify_commitment
from heyi.crypto.merkle import Tree, leaf_hash, root_of, verify_inclusion
from heyi.model.errors import InvalidInput
from heyi.store.database import Database
from tests.support.logs import LOG, NOON, WITNESS, check, erased, happened, open_log


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database.at(tmp_path / "log.db")
    yield database
    database.close()


@pytest.fixture
def log(database: Database) -> Log:
    return open_log(database)


def test_indices_count_from_zero_without_gap(log: Log) -> None:
    assert log.append([happened()]) == [0]
    assert log.append([happened(), happened(), happened()]) == [1, 2, 3]
    assert log.append([]) == []
    assert log.append([happened()]) == [4]
    assert [e.index for e in log.store.entries()] == [0, 1, 2, 3, 4]
    assert [e.index for e in log.store.entries(3)] == [3, 4]


def test_leaves_commit_to_bodies_that_they_do_not_hold(log: Log) -> None:
    log.append(
        [happened(public="all", body={"reason": "慢病随访"}), happened(body={"reason": "慢病随访"})]
    )
    first, second = log.store.entries()
    for entry in (first, second):
        event = from_leaf(entry.leaf)
        assert event.commitment and entry.body and entry.key
        assert from_canonical(entry.body) == {"reason": "慢病随访"}
        verify_commitment(event.commitment, {"reason": "慢病随访"}, entry.key)
        assert "慢病随访".encode() not in entry.leaf
    assert first.key != second.key  # leaves do not show that two bodies are equal
    assert from_leaf(first.leaf).commitment != from_leaf(second.leaf).commitment


def test_events_without_bodies_have_neither_body_nor_key(log: Log) -> None:
    log.append([happened()])
    (entry,) = log.store.entries()
    assert (entry.body, entry.key, from_leaf(entry.leaf).commitment) == (None, None, None)


def test_every_append_leaves_a_cosigned_checkpoint_over_everything(log: Log) -> None:
    for n in range(5):
        log.append([happened(n=n, at=NOON + n)] * (n + 1))
        size, data = log.store.checkpoints()[-1]
        checkpoint, note = open_checkpoint(data, origin=LOG.name, public_key=LOG.public_key)
        hashes = [leaf_hash(e.leaf) for e in log.store.entries()]
        assert (size, checkpoint.size, checkpoint.root) == (
            len(hashes),
            len(hashes),
            root_of(hashes),
        )
        assert (log.size, log.root) == (checkpoint.size, checkpoint.root)
        assert (
            verify_cosignature(note, name=WITNESS.name, public_key=WITNESS.public_key) == NOON + n
        )


def test_an_event_that_cannot_be_written_leaves_no_trace(log: Log, tmp_path: Path) -> None:
    log.append([happened()])
    before = (log.size, log.root, log.store.checkpoints())
    with pytest.raises(InvalidInput):
        log.append([happened(), happened(share=0.5)])
    with pytest.raises(InvalidInput):
        log.append([happened(), happened(body={"share": 0.5})])
    assert (log.size, log.root, log.store.checkpoints()) == before
    assert log.append([happened()]) == [1]
    assert check(tmp_path / "log.db").faults == ()


def test_a_reopened_log_goes_on_as_if_it_had_never_closed(tmp_path: Path) -> None:
    once = Database.at(tmp_path / "once.db")
    uninterrupted = open_log(once)
    for n in range(12):
        uninterrupted.append([happened(n=n, body={"n": n})])
        again = Database.at(tmp_path / "again.db")
        open_log(again).append([happened(n=n, body={"n": n})])
        again.close()
    again = Database.at(tmp_path / "again.db")
    reopened = open_log(again)
    assert (reopened.size, reopened.root) == (12, uninterrupted.root)
    assert list(again.entries()) == list(once.entries())
    assert again.checkpoints() == once.checkpoints()
    assert check(tmp_path / "again.db").faults == ()
    again.close()
    once.close()


def test_erasing_and_saying_so_are_one_deed(log: Log, tmp_path: Path) -> None:
    log.append([happened(body={"secret": 1}), happened(body={"secret": 2})])
    kept = [e.leaf for e in log.store.entries()]
    assert log.append([erased(0)], erase=[0]) == [2]
    first, second, _ = log.store.entries()
    assert (first.body, first.key) == (None, None)
    assert second.body == canonical({"secret": 2})
    assert [first.leaf, second.leaf] == kept
    report = check(tmp_path / "log.db")
    assert report.faults == ()
    assert [c.erased for c in report.entries] == [True, False, False]


def test_any_entry_can_be_proven_under_the_last_checkpoint(log: Log) -> None:
    log.append([happened(n=n) for n in range(11)])
    tree = Tree(e.leaf_hash for e in log.store.entries())
    for entry in log.store.entries():
        verify_inclusion(
            leaf_hash(entry.leaf),
            entry.index,
            log.size,
            tree.inclusion_proof(entry.index),
            log.root,
        )
