"""Erasure: the body goes, the proofs stay, and the log can still be folded."""

from __future__ import annotations

from pathlib import Path

import pytest

from heyi.app.centre import reopen
from heyi.app.verification import verify_directory
from heyi.audit.event import from_leaf
from heyi.exchange.proof.erase import erase
from heyi.model.errors import InvalidInput
from tests.support.story import Story


def decisions(directory: Path) -> list[int]:
    app = reopen(directory)
    found = [
        e.index
        for e in app.database.entries()
        if from_leaf(e.leaf).kind == "decision.made" and e.body is not None
    ]
    app.close()
    return found


def test_erased_is_not_replayable_and_still_holds(run_copy: Path) -> None:
    entry = decisions(run_copy)[5]
    before = verify_directory(run_copy)
    app = reopen(run_copy)
    body = next(app.database.entries(entry)).body
    assert body is not None
    erase(app.consortium, entry, reason="subject's request")
    app.close()
    after = verify_directory(run_copy)
    assert after.faults == []
    assert after.replayed.decisions == before.replayed.decisions - 1
    assert entry in after.replayed.erased
    for path in run_copy.rglob("heyi.db*"):
        assert body not in path.read_bytes(), f"the erased body is still in {path.name}"


def test_every_body_may_go_and_the_log_still_verifies(run_copy: Path) -> None:
    app = reopen(run_copy)
    bodies = [e.index for e in app.database.entries() if e.body is not None]
    for entry in bodies[:40]:
        erase(app.consortium, entry, reason="retention ended")
    app.close()
    assert verify_directory(run_copy).faults == []
    reopen(run_copy).close()  # the fold works without them


def test_what_cannot_be_erased(run_copy: Path, story: Story) -> None:
    app = reopen(run_copy)
    size = app.consortium.log.size
    with pytest.raises(InvalidInput, match="has no body to erase"):
        erase(app.consortium, story.told.erased, reason="again")
    with pytest.raises(InvalidInput, match=f"entries run from 0 to {size - 1}"):
        erase(app.consortium, size, reason="none there")
    with pytest.raises(InvalidInput, match="has no entry -1"):
        erase(app.consortium, -1, reason="none there")
    assert app.consortium.log.size == size
    app.close()
