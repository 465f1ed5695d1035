"""The check of a log: what was seen and verified before, dates, erasures, and one fault a cause."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, cast

import pytest

from heyi.audit.checkpoint import Checkpoint, open_checkpoint, sign_checkpoint
from heyi.audit.log_store import Entry
from heyi.audit.verify import LogCheck
from heyi.crypto.canonical import Json
from heyi.crypto.merkle import leaf_hash, root_of
from tests.support.logs import (
    LOG,
    NOON,
    STRANGER,
    WITNESSED,
    check_log,
    erased,
    happened,
    new_witness,
    open_log,
)
from tests.support.memory_store import MemoryStore
from tests.support.trees import tree_over

Messages = list[tuple[int | None, str]]


def written(groups: int = 4, each: int = 5, *, first: int = 0) -> MemoryStore:
    """A log of some groups; every entry has a body."""
    store = MemoryStore()
    log = open_log(store)
    for g in range(groups):
        log.append([happened(n=first + g * each + n, body={"n": n}) for n in range(each)])
    return store


def said(store: MemoryStore, **options: Any) -> Messages:
    return [(fault.entry, fault.message) for fault in check_log(store, **options).faults]


def rewrite(store: MemoryStore, index: int, **public: Json) -> None:
    """Exchange an entry for another one with its own hash."""
    leaf = happened(**public).event.to_leaf()
    store.rows[index] = Entry(index=index, leaf=leaf, leaf_hash=leaf_hash(leaf))


def sign(store: MemoryStore, size: int, *, root: bytes | None = None) -> bytes:
    """A checkpoint that the log's own key signs over what the store holds now."""
    root = root_of([e.leaf_hash for e in store.rows[:size]]) if root is None else root
    return sign_checkpoint(Checkpoint(origin=LOG.name, size=size, root=root), LOG).to_bytes()


def checkpoint_of(store: MemoryStore, size: int) -> Checkpoint:
    return open_checkpoint(store.notes[size], origin=LOG.name, public_key=LOG.public_key)[0]


# --- one cause, one fault ---


@pytest.mark.parametrize("column", ["leaf", "leaf_hash"])
@pytest.mark.parametrize("value", [b"", b"x" * 32, "text", None, 5])
def test_a_changed_entry_is_one_fault_and_all_checkpoints_still_hold(
    column: str, value: object
) -> None:
    store = written()
    store.rows[6] = replace(store.rows[6], **cast(Any, {column: value}))
    outcome = check_log(store)
    assert [(f.entry, f.message) for f in outcome.faults] == [
        (6, "the leaf was changed after it was logged")
    ]
    assert outcome.report.checkpoints == 4
    assert outcome.report.verified is None


def test_two_changed_entries_are_two_faults() -> None:
    store = written()
    store.rows[6] = replace(store.rows[6], leaf_hash=b"x" * 32)
    store.rows[7] = replace(store.rows[7], leaf=store.rows[8].leaf)
    assert [entry for entry, _ in said(store)] == [6, 7]


def test_a_rewritten_entry_is_one_fault_however_many_checkpoints_follow() -> None:
    store = written(groups=9)
    rewrite(store, 12, n="another")
    assert said(store) == [(None, "entries 10 to 14 are not those of the checkpoint")]


def test_a_checkpoint_over_another_history_does_not_spoil_the_next() -> None:
    store = written()
    store.notes[7] = sign(store, 7, root=b"r" * 32)
    outcome = check_log(store)
    assert [f.message for f in outcome.faults] == ["entries 5 to 6 are not those of the checkpoint"]
    assert outcome.report.checkpoints == 4
    rewrite(store, 17, n="another")
    assert [message for _, message in said(store)] == [
        "entries 5 to 6 are not those of the checkpoint",
        "entries 15 to 19 are not those of the checkpoint",
    ]


def test_a_gap_is_one_fault_and_nothing_behind_it_is_given() -> None:
    store = written()
    store.rows[8:] = store.rows[9:]
    outcome = check_log(store)
    assert [(f.entry, f.message) for f in outcome.faults] == [(8, "entry 8 is missing")]
    assert [c.index for c in outcome.entries] == list(range(8))


@pytest.mark.parametrize("index", [-1, 7, 9, "8"])
def test_a_row_with_another_index_is_a_gap(index: object) -> None:
    store = written()
    store.rows[8] = replace(store.rows[8], index=cast(int, index))
    assert said(store) == [(8, "entry 8 is missing")]


@pytest.mark.parametrize("note", [b"", "text", None, 7])
def test_a_note_that_is_none_is_one_fault(note: object) -> None:
    store = written()
    store.notes[10] = cast(bytes, note)
    ((entry, message),) = said(store)
    assert entry is None and message.startswith("not a signed note")


@pytest.mark.parametrize("value", ["text", 5, b"", b"x" * 32])
@pytest.mark.parametrize("column", ["body", "key"])
def test_a_spoilt_body_or_key_is_a_fault_of_its_entry(column: str, value: object) -> None:
    store = written()
    store.rows[3] = replace(store.rows[3], **cast(Any, {column: value}))
    assert [entry for entry, _ in said(store)] == [3]


@pytest.mark.parametrize("column", ["body", "key"])
def test_a_body_erased_by_half_is_a_fault(column: str) -> None:
    store = written()
    store.rows[3] = replace(store.rows[3], **cast(Any, {column: None}))
    assert said(store) == [(3, "the body was erased by half")]


# --- a log that is in use ---


class GrowingStore(MemoryStore):
    """Another process writes a group whenever a reader comes to the end, as long as it has any."""

    def __init__(self) -> None:
        super().__init__()
        self.groups = [([erased(0)], [0]), ([happened()], []), ([happened()], [])]

    def entries(self, start: int = 0, end: int | None = None) -> Iterator[Entry]:
        yield from super().entries(start, end)
        if self.groups and end is None:
            drafts, gone = self.groups.pop(0)
            open_log(self).append(drafts, erase=gone)


def test_a_log_that_grows_while_it_is_read_is_without_fault() -> None:
    store = GrowingStore()
    open_log(store).append([happened(body={"n": 1}), happened()])
    outcome = check_log(store)
    # The body of entry 0 was read before it was erased.
    assert [c.erased for c in outcome.entries] == [False] * 5
    assert (outcome.faults, outcome.report.erased) == ((), 1)


# --- what was seen ---


def test_a_log_that_extends_what_was_seen_holds() -> None:
    store = written()
    seen = [(f"file-{n}", checkpoint_of(store, n)) for n in (20, 5, 10)]
    assert said(store, seen=seen) == []
    assert said(store, seen=seen, since=check_log(store).report.verified) == []


def rewritten() -> MemoryStore:
    """The log writes its own history anew and signs it."""
    return written(first=100)


@pytest.mark.parametrize("since", [False, True])
def test_a_log_rewritten_behind_what_was_seen_is_found(since: bool) -> None:
    store, seen = rewritten(), [("receipt", checkpoint_of(written(), 10))]
    verified = check_log(store).report.verified if since else None
    assert said(store, seen=seen, since=verified) == [
        (None, "the log was rewritten behind what was seen in `receipt`")
    ]


def test_a_log_shorter_than_what_was_seen_is_found() -> None:
    seen = [("receipt", checkpoint_of(written(), 20))]
    assert said(written(groups=3), seen=seen) == [
        (None, "the log was rolled back: `receipt` has seen 20 entries, and now it has 15")
    ]


# --- what was verified before ---


def test_an_auditor_goes_on_from_what_was_verified_and_reads_no_more() -> None:
    store = written(groups=3)
    before = check_log(store).report.verified
    assert before is not None and before.root == checkpoint_of(store, 15).root
    assert check_log(store, since=before).report.verified == before
    open_log(store).append([happened(n=15), erased(2)], erase=[2])
    store.rows[7] = replace(store.rows[7], leaf=b"never read again")
    outcome = check_log(store, since=before)
    assert (outcome.faults, outcome.report.size) == ((), 17)
    assert [c.index for c in outcome.entries] == [15, 16]
    whole = check_log(store).report
    store.rows[7] = written().rows[7]
    assert (check_log(store).report.verified, whole.verified) == (outcome.report.verified, None)


@pytest.mark.parametrize("groups", [3, 4])
def test_a_log_rewritten_before_what_was_verified_is_found(groups: int) -> None:
    before = check_log(written(groups=3)).report.verified
    other = written(groups, first=100)
    ((entry, message), *_) = said(other, since=before)
    assert entry is None and "are not those of the checkpoint" in message


def test_a_log_shorter_than_what_was_verified_is_found() -> None:
    before = check_log(written(groups=3)).report.verified
    assert said(written(groups=2), since=before) == [
        (None, "the log was rolled back: it had 15 entries when it was verified, and now it has 10")
    ]


# --- dates ---


def dated(*groups: list[int], cosigned: list[int]) -> MemoryStore:
    """Entries at these times, by a log that has no scruples; each group is cosigned at its time."""
    store, witness = MemoryStore(), new_witness()
    for times, now in zip(groups, cosigned, strict=True):
        for at in times:
            leaf = happened(at=NOON + at).event.to_leaf()
            index = len(store.rows)
            store.rows.append(Entry(index=index, leaf=leaf, leaf_hash=leaf_hash(leaf)))
        size = len(store.rows)
        seen = witness.seen()
        hashes = [e.leaf_hash for e in store.rows]
        proof = tree_over(hashes).consistency_proof(seen.checkpoint.size) if seen else []
        note = sign(store, size)
        mark = witness.cosign(note, proof, now=NOON + now)
        store.notes[size] = note + mark.line().encode()
    return store


ORDER = "the entry is dated before the one above it"
CLOCK = "the entry is dated outside the witness's clock"


@pytest.mark.parametrize(
    ("groups", "cosigned", "faults"),
    [
        pytest.param([[0, 1], [2]], [1, 2], [], id="in order"),
        pytest.param([[300], [300]], [0, 600], [], id="within the tolerance"),
        pytest.param([[301], [301, 301]], [0, 0], [(0, CLOCK)], id="of the future, told once"),
        pytest.param([[0], [299, 299]], [600, 600], [(1, CLOCK)], id="backdated, told once"),
        pytest.param([[0], [299, 600, 600]], [600, 600], [(1, CLOCK)], id="backdated alone"),
        pytest.param([[9, 8, 8, 9]], [9], [(1, ORDER)], id="one step back"),
        pytest.param([[9, 8, 7]], [9], [(1, ORDER), (2, ORDER)], id="two steps back"),
        pytest.param([[600], [0, 0]], [600, 600], [(1, ORDER)], id="back beyond the tolerance"),
        pytest.param([[0, -(2**52) - NOON]], [0], [(1, ORDER)], id="before all time"),
    ],
)
def test_dates_are_in_order_and_within_the_clock_of_the_witness(
    groups: list[list[int]], cosigned: list[int], faults: Messages
) -> None:
    found = said(dated(*groups, cosigned=cosigned), witness=WITNESSED)
    assert [(entry, message.partition(":")[0]) for entry, message in found] == faults


def test_the_clock_of_the_witness_is_remembered_by_the_auditor() -> None:
    store = dated([0], cosigned=[600])
    before = check_log(store, witness=WITNESSED).report.verified
    store = dated([0], [200], cosigned=[600, 600])
    store.notes[1] = sign(store, 1)  # without its cosignature
    ((entry, message),) = said(store, witness=WITNESSED, since=before)
    assert entry == 1 and message.startswith(CLOCK)


def test_an_unreadable_entry_does_not_repeat_the_fault_of_another() -> None:
    store = dated([9, 8, 8], cosigned=[9])
    store.rows[2] = replace(store.rows[2], leaf=b"x")
    assert [entry for entry, _ in said(store)] == [1, 2]


# --- erasures ---


def erase(*gone: int, reports: list[object], body_of: Callable[[int], Json]) -> MemoryStore:
    """Three entries, then an event for each report; the bodies of `gone` are deleted."""
    store = MemoryStore()
    log = open_log(store)
    log.append([happened(body=body_of(n)) for n in range(3)])
    for entry in reports:
        log.append([happened("body.erased", entry=entry)])
    for n in gone:
        store.rows[n] = replace(store.rows[n], body=None, key=None)
    return store


@pytest.mark.parametrize(
    ("gone", "reports", "fault"),
    [
        pytest.param([1], [1], None, id="reported"),
        pytest.param([1], [], (1, "no event says that it was erased"), id="silent"),
        pytest.param([], [1], (3, "its body is still there"), id="not done"),
        pytest.param([1], [1, 1], (4, "erased before"), id="twice"),
        pytest.param([], [2], (3, "never had a body"), id="without body"),
        pytest.param([], [3], (3, "not before it"), id="itself"),
        pytest.param([], [9], (3, "not before it"), id="a later entry"),
        *(
            pytest.param([], [named], (3, "names no entry"), id=repr(named))
            for named in (-1, True, None, "1", [1], {"1": 1})
        ),
    ],
)
@pytest.mark.parametrize("since", [False, True])
def test_bodies_are_gone_if_and_only_if_an_event_says_so(
    gone: list[int], reports: list[object], fault: tuple[int, str] | None, since: bool
) -> None:
    def body(n: int) -> Json:
        return {"n": n} if n < 2 else None

    before = check_log(erase(reports=[], body_of=body)).report.verified if since else None
    found = said(erase(*gone, reports=reports, body_of=body), since=before)
    if fault is None or (since and not reports):  # who reads no old entry, misses no old body
        assert found == []
    else:
        ((entry, message),) = found
        assert entry == fault[0] and fault[1] in message


# --- the iteration ---


def test_the_report_reads_what_was_not_yet_read() -> None:
    store = written()
    check = LogCheck(store, origin=LOG.name, log_key=LOG.public_key, witness=None)
    assert next(iter(check)).index == 0
    assert (check.report().size, check.report().faults) == (20, ())


def test_a_log_of_another_key_or_name_holds_nothing() -> None:
    for origin, key in [(LOG.name, STRANGER.public_key), ("log.example/other", LOG.public_key)]:
        report = LogCheck(written(1), origin=origin, log_key=key, witness=None).report()
        assert report.checkpoint is None
        assert report.faults[-1].message.startswith("no checkpoint holds: ")
