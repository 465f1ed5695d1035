"""The log: groups are kept whole and under one checkpoint; several processes write in turn."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from heyi.audit.checkpoint import open_checkpoint
from heyi.audit.event import from_leaf
from heyi.audit.log import Draft, Log
from heyi.audit.log_store import LogStore
from heyi.audit.witness import verify_cosignature
from heyi.crypto.canonical import Json, canonical, from_canonical
from heyi.crypto.commitment import commit_bytes, verify_commitment
from heyi.crypto.merkle import leaf_hash, root_of
from heyi.model.errors import Conflict, HeyiError, InvalidInput, StoreError, VerificationError
from heyi.store.database import Database
from heyi.store.secrets import SeededEntropy
from tests.support.logs import (
    LOG,
    NOON,
    STRANGER,
    WITNESS,
    WITNESSED,
    check_log,
    clock_at,
    erased,
    happened,
    new_witness,
    open_log,
)
from tests.support.memory_store import MemoryStore, MemoryTransaction


@pytest.fixture(params=["memory", "database"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[LogStore]:
    if request.param == "memory":
        yield MemoryStore()
    else:
        with closing(Database.at(tmp_path / "log.db")) as database:
            yield database


@pytest.fixture
def log(store: LogStore) -> Log:
    return open_log(store)


def state(log: Log) -> tuple[int, bytes, int, bytes]:
    return log.size, log.root, log.last_at, log.head


def test_indices_count_from_zero_without_gap(log: Log) -> None:
    assert state(log) == (0, root_of([]), 0, b"")
    assert log.append([happened()]) == [0]
    assert log.append([happened(), happened(), happened()]) == [1, 2, 3]
    assert log.append([]) == []
    assert log.append([happened()]) == [4]
    assert [e.index for e in log.store.entries()] == [0, 1, 2, 3, 4]


def test_leaves_commit_to_bodies_that_they_do_not_hold(log: Log) -> None:
    reason = {"reason": "慢病随访"}
    log.append([happened(public="all", body=reason), happened(body=reason), happened()])
    first, second, third = log.store.entries()
    for entry in (first, second):
        event = from_leaf(entry.leaf)
        assert event.commitment and entry.body and entry.key
        assert from_canonical(entry.body) == reason
        verify_commitment(event.commitment, entry.body, entry.key)
        assert "慢病随访".encode() not in entry.leaf
    assert first.key != second.key  # leaves do not show that two bodies are equal
    assert from_leaf(first.leaf).commitment != from_leaf(second.leaf).commitment
    assert (third.body, third.key, from_leaf(third.leaf).commitment) == (None, None, None)


def test_every_group_is_under_one_checkpoint_over_everything(log: Log) -> None:
    for n in range(5):
        with log.group() as group:
            for _ in range(n + 1):
                group.add([happened(n=n, at=NOON + n)])
        ((size, data),) = log.store.checkpoints(log.size)
        checkpoint, _ = open_checkpoint(data, origin=LOG.name, public_key=LOG.public_key)
        hashes = [leaf_hash(e.leaf) for e in log.store.entries()]
        assert size == checkpoint.size == len(hashes)
        assert checkpoint.root == root_of(hashes)
        assert state(log) == (size, checkpoint.root, NOON + n, data)
    assert [size for size, _ in log.store.checkpoints()] == [1, 3, 6, 10, 15]


class Stopped(Exception):
    pass


@pytest.mark.parametrize(
    ("drafts", "error"),
    [
        ([happened(), happened(share=0.5)], InvalidInput),
        ([happened(), happened(body={"share": 0.5})], InvalidInput),
        ([happened(), happened(at=NOON - 1)], InvalidInput),
        ([happened(at=NOON + 9), happened(at=NOON + 8)], InvalidInput),
        ([happened(at=-1)], InvalidInput),
        ([happened(at=4_102_444_800)], InvalidInput),
        ([Draft(event=happened().event, body={}, key=b"k" * 32)], InvalidInput),
        ([Draft(event=happened().event, key=b"k" * 32)], InvalidInput),
        (
            [Draft(event=replace(happened().event, commitment=commit_bytes(b"{}", b"k" * 32)))],
            InvalidInput,
        ),
        (
            [
                Draft(
                    event=replace(happened().event, commitment=commit_bytes(b"{}", b"k" * 32)),
                    body={"another": 1},
                    key=b"k" * 32,
                )
            ],
            VerificationError,
        ),
    ],
)
def test_what_cannot_be_logged_leaves_no_trace(
    log: Log, drafts: list[Draft], error: type[HeyiError]
) -> None:
    log.append([happened()])
    before = (state(log), list(log.store.entries()), list(log.store.checkpoints()))
    with pytest.raises(error):
        log.append(drafts)
    with pytest.raises(Stopped), log.group() as group:
        group.add([happened(n=1)])
        group.index([("case", 1)])
        raise Stopped
    assert before == (state(log), list(log.store.entries()), list(log.store.checkpoints()))
    # A use case may catch the refusal and go on: nothing of the refused drafts was staged.
    with log.group() as group:
        with pytest.raises(error):
            group.add(drafts)
        assert [e.index for e in group.add([happened(n=2)])] == [1]
    assert check_log(log.store).faults == ()


def test_an_older_date_names_both_times(log: Log) -> None:
    log.append([happened(at=NOON)])
    with pytest.raises(
        InvalidInput, match=r"03:59:59Z, before the newest entry of 2026-12-01T04:00:00Z"
    ):
        log.append([happened(at=NOON - 1)])
    with pytest.raises(InvalidInput, match="check the clock"):
        open_log(log.store).append([happened(at=NOON - 1)])


@pytest.mark.parametrize("erase", [[-1], [5]])
def test_what_is_not_in_the_log_is_not_erased(log: Log, erase: list[int]) -> None:
    log.append([happened(body={"secret": 1})])
    with pytest.raises(InvalidInput, match="cannot be erased"):
        log.append([erased(0)], erase=erase)
    with pytest.raises(InvalidInput, match="must be logged"):
        log.append([], erase=[0])
    assert log.size == 1


def test_a_reopened_log_goes_on_as_if_it_had_never_closed(store: LogStore) -> None:
    uninterrupted = open_log(MemoryStore())
    for n in range(12):
        drafts = [happened(n=n + m, body={"n": n}) for m in range(60)]
        uninterrupted.append(drafts)
        open_log(store).append(drafts)
    assert state(open_log(store)) == state(uninterrupted)
    assert uninterrupted.size == 720  # two rows of stored subtrees are full
    assert list(store.entries()) == list(uninterrupted.store.entries())
    assert list(store.checkpoints()) == list(uninterrupted.store.checkpoints())
    assert store.subtrees(8, 0, 2) == uninterrupted.store.subtrees(8, 0, 2)


def test_processes_write_in_turn_and_see_what_they_missed(store: LogStore) -> None:
    one, other = open_log(store), open_log(store)
    one.append([happened(n=n, at=NOON + 7) for n in range(3)])
    with other.group() as group:
        assert (group.missed, group.size) == (range(3), 3)
        with pytest.raises(InvalidInput, match="before the newest entry"):
            group.add([happened(at=NOON)])
        group.add([happened(n=3, at=NOON + 8)])
    other.cosign(new_witness(), now=clock_at(NOON + 9))
    with one.group() as group:
        assert group.missed == range(3, 4)
        group.add([happened(n=4, at=NOON + 8)])
    with one.group() as group:
        assert group.missed == range(5, 5)
    assert state(one) == state(open_log(store))
    assert check_log(store, witness=WITNESSED).faults == ()


def test_what_was_missed_in_a_group_that_failed_is_told_again(store: LogStore) -> None:
    one, other = open_log(store), open_log(store)
    one.append([happened()])
    for _ in range(2):
        with pytest.raises(Stopped), other.group() as group:
            assert group.missed == range(1)
            raise Stopped


def another_history(*, entries: int, signed: bool = True) -> MemoryStore:
    store = MemoryStore()
    signer = LOG if signed else STRANGER
    open_log(store, signer).append([happened(other=n) for n in range(entries)])
    return store


@pytest.mark.parametrize(
    ("other", "how"),
    [(MemoryStore(), "it had 2 entries, and now it has 0"),
     (another_history(entries=1), "it had 2 entries, and now it has 1"),
     (another_history(entries=2), "its first 2 entries are others now"),
     (another_history(entries=3), "its first 2 entries are others now"),
     (another_history(entries=2, signed=False), "lacks the signature")],
    ids=["nothing", "fewer", "as many", "more", "of another key"],
)  # fmt: skip
def test_a_log_that_was_replaced_under_its_process_is_a_conflict(
    other: MemoryStore, how: str
) -> None:
    store = MemoryStore()
    log = open_log(store)
    log.append([happened(n=0), happened(n=1)])
    before = state(log)
    store.rows, store.notes, store.roots = other.rows, other.notes, other.roots
    with pytest.raises(Conflict, match=f"restored or replaced under this process.*{how}"):
        log.append([happened(n=2)])
    assert (state(log), store.rows) == (before, other.rows)


class FailingStore(MemoryStore):
    """A store whose commits fail as long as its disk is full."""

    full = True

    def commit(self, done: MemoryTransaction) -> None:
        if self.full:
            raise StoreError("the disk is full")
        super().commit(done)


def test_a_commit_that_fails_leaves_the_log_as_it_was() -> None:
    store = FailingStore()
    log = open_log(store)
    with pytest.raises(StoreError):
        log.append([happened(n=0, body={"n": 0})])
    assert state(log) == (0, root_of([]), 0, b"")
    store.full = False
    assert log.append([happened(n=1, at=NOON - 5)]) == [0]
    assert check_log(store).faults == ()


def test_a_log_is_opened_by_its_own_key_alone(log: Log) -> None:
    log.append([happened()])
    with pytest.raises(VerificationError, match="folder of another consortium"):
        open_log(log.store, STRANGER)


def test_a_log_whose_end_is_not_that_of_its_checkpoint_is_not_opened() -> None:
    store = MemoryStore()
    open_log(store).append([happened(n=0)])
    open_log(store).append([happened(n=1)])
    rows, notes = list(store.rows), dict(store.notes)
    for spoilt_rows, spoilt_notes, said in [
        (rows[:1], notes, "promises 2 entries, but the store has 1"),
        (rows, {1: notes[1]}, "entries from 1 on are under no checkpoint"),
        (rows, {}, "entries from 0 on are under no checkpoint"),
        (rows[::-1], notes, "not those of the newest checkpoint"),
        (rows, {2: notes[1]}, "stored as one of 2"),
        ([rows[0], replace(rows[1], leaf=b"")], notes, "entry 1 was changed"),
    ]:
        store.rows, store.notes = spoilt_rows, spoilt_notes
        with pytest.raises(VerificationError, match=said):
            open_log(store)


def test_an_empty_group_writes_nothing_and_projections_alone_are_kept(log: Log) -> None:
    log.append([happened(n=0), happened(n=1)])
    before = state(log)
    with log.group():
        pass
    with log.group() as group:
        group.index([("case/1", 1), ("case/1", 0)])
        group.summarise([("case", "1", b"old"), ("case", "1", b"new"), ("case", "0", b"x")])
    assert state(log) == before
    assert [size for size, _ in log.store.checkpoints()] == [2]
    assert [e.index for e in log.store.stream("case/1")] == [0, 1]
    assert log.store.summary("case", "1") == b"new"
    assert list(log.store.summaries("case")) == [("0", b"x"), ("1", b"new")]


def test_entries_and_their_projections_are_kept_together(log: Log) -> None:
    with log.group() as group:
        (entry,) = group.add([happened(n=0)])
        group.index([("case/1", entry.index)])
    assert [e.leaf for e in log.store.stream("case/1")] == [entry.leaf]


class CountingEntropy(SeededEntropy):
    """Other bytes at each call, as from the operating system."""

    calls = 0

    def take(self, label: str) -> bytes:
        self.calls += 1
        return super().take(f"{label}/{self.calls}")


def test_a_signer_can_sign_the_commitment_before_the_entry_is_added(store: LogStore) -> None:
    log = Log(signer=LOG, store=store, entropy=CountingEntropy(b"seed"))
    body: Json = {"who": "a person"}
    with log.group() as group:
        signed = commit_bytes(canonical(body), group.key(1))
        one, two = group.add([happened(), happened(body=body)])
        assert from_leaf(two.leaf).commitment == signed
        with pytest.raises(InvalidInput, match="in the log already"):
            group.key(1)
        # The signer may bring the key along, from whatever entry it was first meant for.
        own = replace(happened().event, commitment=commit_bytes(canonical(body), b"k" * 32))
        (three,) = group.add([Draft(event=own, body=body, key=b"k" * 32)])
        assert (three.key, from_leaf(three.leaf)) == (b"k" * 32, own)
    assert check_log(store).faults == ()
    assert list(store.entries()) == [one, two, three]


def test_erasing_and_saying_so_are_one_deed(log: Log) -> None:
    log.append([happened(body={"secret": 1}), happened(body={"secret": 2})])
    kept = [e.leaf for e in log.store.entries()]
    assert log.append([erased(0)], erase=[0]) == [2]
    first, second, _ = log.store.entries()
    assert (first.body, first.key) == (None, None)
    assert second.body == canonical({"secret": 2})
    assert [first.leaf, second.leaf] == kept
    assert log.store.scrub_due()
    outcome = check_log(log.store)
    assert (outcome.faults, outcome.report.erased) == ((), 1)
    assert [c.erased for c in outcome.entries] == [True, False, False]


def test_the_witness_is_asked_once_for_each_checkpoint(log: Log) -> None:
    witness = new_witness()
    log.cosign(witness, now=clock_at(NOON))
    assert witness.seen() is None
    for n in range(3):
        log.append([happened(n=n, at=NOON + n), happened(n=n, at=NOON + n)])
        log.cosign(witness, now=clock_at(NOON + n))
        log.cosign(witness, now=clock_at(NOON + 60))
    times = [
        verify_cosignature(
            open_checkpoint(data, origin=LOG.name, public_key=LOG.public_key)[1],
            name=WITNESS.name,
            public_key=WITNESS.public_key,
        )
        for _, data in log.store.checkpoints()
    ]
    assert times == [NOON, NOON + 1, NOON + 2]
    assert check_log(log.store, witness=WITNESSED).report.promised == 0


def test_a_clock_that_is_behind_the_newest_entry_gets_no_cosignature(log: Log) -> None:
    witness = new_witness()
    log.append([happened(at=NOON + 301)])
    with pytest.raises(InvalidInput, match="check the clock"):
        log.cosign(witness, now=clock_at(NOON))
    assert witness.seen() is None
    log.cosign(witness, now=clock_at(NOON + 1))
    assert check_log(log.store, witness=WITNESSED).faults == ()
