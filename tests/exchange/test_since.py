"""An audit that goes on from an earlier one finds what an audit of everything finds."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from heyi.app.centre import reopen
from heyi.app.verification import verify_directory
from heyi.crypto.merkle import leaf_hash
from heyi.exchange.consortium import PLATFORM
from heyi.exchange.proof.erase import erase
from heyi.exchange.request.apply import decide
from heyi.model.errors import Conflict
from heyi.store.audit_memory import AuditMemory
from oracles.lies import LIES
from oracles.lying import Lie, Operator, Unseen, copy_run
from tests.support.story import Story


@pytest.fixture(scope="module")
def remembered(story: Story, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The memory of an auditor who has verified the story."""
    cache = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HEYI_CACHE", str(cache))
        assert verify_directory(story.directory, since=True).holds
    return cache / "audits"


@pytest.fixture
def run(
    story: Story, remembered: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Path]:
    """A copy of the story, and a memory of it that the test may spoil."""
    cache = tmp_path / "cache"
    cache.mkdir(mode=0o700)
    shutil.copytree(remembered, cache / "audits")
    monkeypatch.setenv("HEYI_CACHE", str(cache))
    copy_run(story.directory, tmp_path / "run")
    yield tmp_path / "run"


def test_nothing_new_is_nothing_to_read(run: Path) -> None:
    whole, since = verify_directory(run), verify_directory(run, since=True)
    assert since.faults == []
    assert since.centre.size == whole.centre.size and since.centre.checkpoints == 1
    assert vars_of(since.replayed) == vars_of(whole.replayed)
    assert since.erased == whole.erased


def vars_of(report: object) -> dict[str, object]:
    return {name: getattr(report, name) for name in report.__slots__}  # type: ignore[attr-defined]


def test_what_comes_later_is_counted_on_top(run: Path) -> None:
    """Erasures and decisions in old cases, in three steps, each remembered."""
    for step in range(3):
        with closing(reopen(run)) as app:
            decide(app.consortium, "referral", by=PLATFORM)
            gone = [e.index for e in app.database.stream("case/own-patient") if e.body]
            erase(app.consortium, gone[:1], reason="asked for", by=PLATFORM)
            if step:
                app.cosign()
        since, whole = verify_directory(run, since=True), verify_directory(run)
        assert since.faults == whole.faults == []
        assert since.erased == whole.erased
        assert since.replayed.outcomes == whole.replayed.outcomes


@pytest.mark.parametrize("lie", LIES[::6], ids=lambda lie: lie.name)
def test_a_lie_in_what_came_later_is_found(run: Path, lie: Lie) -> None:
    """What was verified is not read again: bytes that are spoilt there are found by reading all."""
    size = verify_directory(run, since=True).centre.size
    op = Operator(directory=run, app=reopen(run))
    try:
        outcome = lie.tell(op)
    finally:
        op.app.close()
    whole = verify_directory(run, seen=op.seen)
    since = verify_directory(run, seen=op.seen, since=True)
    if whole.faults:
        assert since.faults or whole.centre.size == size
    elif not isinstance(outcome, Unseen):
        assert not since.faults


def test_a_stream_that_leaves_something_out_is_noticed(run: Path) -> None:
    """The folder says which entries a case has; the auditor remembers how many there were."""
    with closing(reopen(run)) as app:
        decide(app.consortium, "referral", by=PLATFORM)
    with closing(sqlite3.connect(run / "heyi.db")) as c, c:
        first = "select min(idx) from streams where stream = 'case/referral'"
        c.execute(f"delete from streams where stream = 'case/referral' and idx = ({first}) + 1")
    assert verify_directory(run).holds
    (fault,) = verify_directory(run, since=True).faults
    assert "`case/referral` has other entries" in fault[1].message


def test_another_history_under_the_same_names_is_noticed(run: Path) -> None:
    """An old leaf is exchanged, with its stored hash, and something is logged after it."""
    with closing(sqlite3.connect(run / "heyi.db")) as c, c:
        (leaf,) = c.execute("select leaf from entries where idx = 3").fetchone()
        other = leaf.replace(b'"zh":"', b'"zh":"x', 1)
        assert other != leaf
        c.execute(
            "update entries set leaf = ?, leaf_hash = ? where idx = 3", (other, leaf_hash(other))
        )
        c.execute("delete from subtrees")
    assert verify_directory(run).faults


def test_one_audit_at_a_time(run: Path) -> None:
    """A second one would go on from a state that the first is about to replace."""
    (memory,) = (run.parent / "cache" / "audits").glob("*.db")
    with AuditMemory(memory).alone(), pytest.raises(Conflict, match="another audit"):
        verify_directory(run, since=True)
    assert verify_directory(run, since=True).holds


def test_an_old_body_that_was_changed_is_a_fault(run: Path) -> None:
    """It is read again where something new concerns its case; the audit comes to its end."""
    with closing(reopen(run)) as app:
        (old, *_) = [e.index for e in app.database.stream("case/own-patient") if e.body]
        decide(app.consortium, "own-patient", by=PLATFORM)
    with closing(sqlite3.connect(run / "heyi.db")) as c, c:
        c.execute("update bodies set body = body || x'20' where idx = ?", (old,))
    assert old in {f.entry for _, f in verify_directory(run, since=True).faults}
    assert old in {f.entry for _, f in verify_directory(run).faults}


def test_what_was_erased_after_it_was_verified_is_told_so(run: Path) -> None:
    with closing(reopen(run)) as app:
        gone = next(e.index for e in app.database.stream("case/own-patient") if e.body)
        erase(app.consortium, [gone], reason="asked for", by=PLATFORM)
    for _ in range(2):  # it is remembered
        found = verify_directory(run, since=True)
        assert found.replayed.known == [gone] and gone in found.erased and found.since
    assert verify_directory(run).replayed.known == []


def test_a_memory_that_is_gone_only_costs_time(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEYI_CACHE", str(run.parent / "cache"))
    shutil.rmtree(run.parent / "cache" / "audits")
    assert verify_directory(run, since=True).holds


def test_a_fault_is_not_remembered_as_verified(run: Path) -> None:
    with closing(sqlite3.connect(run / "heyi.db")) as c, c:
        c.execute(
            "update checkpoints set note = x'00' where size = (select max(size) from checkpoints)"
        )
    for _ in range(2):
        assert verify_directory(run, since=True).faults
