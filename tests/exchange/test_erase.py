"""Erasure: the body goes, the proofs stay, and the log can still be folded."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from heyi.app.centre import App, writing
from heyi.app.verification import verify_directory
from heyi.county import scenes
from heyi.crypto.canonical import canonical, from_canonical
from heyi.crypto.codec import from_json, to_json
from heyi.exchange.consortium import PLATFORM
from heyi.exchange.events.applied import DecisionMade
from heyi.exchange.events.erased import BodyErased
from heyi.exchange.events.typed import TypedEvent
from heyi.exchange.events.used import ConsentWithdrawn
from heyi.exchange.proof.erase import erase
from heyi.exchange.proof.judged import check_public
from heyi.exchange.request.apply import decide, decision_leaf
from heyi.exchange.request.grant import grant
from heyi.model.errors import InvalidInput, StoreError
from heyi.policy.cases import run_case
from heyi.policy.decide import DecisionPoint
from heyi.store.database import Database
from oracles.forge import logged, opened, said
from oracles.lying import Operator
from tests.support.shipped import shipped_book
from tests.support.story import Story


def with_body(app: App, kind: type[TypedEvent]) -> list[int]:
    return [e.index for e in logged(app.consortium, kind) if e.body is not None]


def test_an_erased_decision_is_computed_from_the_facts_that_are_still_there(
    run_copy: Path,
) -> None:
    before = verify_directory(run_copy)
    with opened(run_copy) as app:
        entry = with_body(app, DecisionMade)[5]
        (stored,) = app.database.entries(entry, entry + 1)
        assert stored.body is not None
        erase(app.consortium, [entry], reason="subject's request", by=PLATFORM)
    after = verify_directory(run_copy)
    assert after.faults == []
    assert after.replayed.decisions == before.replayed.decisions
    for path in run_copy.rglob("heyi.db*"):
        assert stored.body not in path.read_bytes(), f"the erased body is still in {path.name}"


def test_a_decision_whose_facts_are_gone_too_is_not_replayable_and_still_holds(
    run_copy: Path,
) -> None:
    before = verify_directory(run_copy)
    with opened(run_copy) as app:
        made = next(e for e in logged(app.consortium, DecisionMade) if e.case == "referral")
        of_case = [e.index for e in logged(app.consortium, TypedEvent, case="referral")]
        gone = [i for i in with_body(app, TypedEvent) if i in of_case]
        assert made.index in gone and len(gone) > 1
        erase(app.consortium, gone, reason="subject's request", by=PLATFORM)
    after = verify_directory(run_copy)
    assert after.faults == []
    assert after.replayed.decisions < before.replayed.decisions
    assert set(gone) <= {*after.replayed.erased}


def test_the_token_of_a_withdrawal_stays_since_later_nodes_must_be_told(run_copy: Path) -> None:
    with opened(run_copy) as app:
        (entry, *_) = with_body(app, ConsentWithdrawn)
        size = app.consortium.log.size
        with pytest.raises(InvalidInput, match="is a withdrawal"):
            erase(app.consortium, [entry], reason="subject's request", by=PLATFORM)
        assert app.consortium.log.size == size
        assert entry in with_body(app, ConsentWithdrawn)


def test_every_body_but_withdrawals_may_go_at_once_and_the_log_still_verifies(
    run_copy: Path,
) -> None:
    with opened(run_copy) as app:
        withdrawn = with_body(app, ConsentWithdrawn)
        gone = [e for e in with_body(app, TypedEvent) if e not in withdrawn]
        assert len(gone) > 40
        told = erase(app.consortium, gone, reason="retention ended", by=PLATFORM)
        reports = logged(app.consortium, BodyErased)[-len(gone) :]
        assert [e.index for e in reports] == told
        assert [said(e, BodyErased).entry for e in reports] == gone
        assert with_body(app, TypedEvent) == withdrawn
    verification = verify_directory(run_copy)
    assert verification.faults == []
    with opened(run_copy) as app:  # the fold works without them
        assert len(app.consortium.state.cases) > 10


def test_no_honest_decision_contradicts_its_public_part() -> None:
    """A leaf sorts its names and a decision does not; each worked case of the law is tried."""
    point = DecisionPoint(shipped_book())
    assert len(point.book.cases) > 1_000
    for case in point.book.cases:
        made = decision_leaf(replace(run_case(point, case).decision, asset="records"))
        check_public(from_json(from_canonical(canonical(to_json(made))), DecisionMade), point)


def test_what_cannot_be_erased(run_copy: Path, story: Story) -> None:
    with opened(run_copy) as app:
        size = app.consortium.log.size
        kept = with_body(app, DecisionMade)[0]
        for entries, reason, words in (
            ([story.told.erased], "again", "has no body to erase"),
            ([size], "none there", f"entries run from 0 to {size - 1}"),
            ([-1], "none there", "has no entry -1"),
            ([kept], "  ", "needs a reason"),
            ([kept, size], "one of two", f"has no entry {size}"),
        ):
            with pytest.raises(InvalidInput, match=words):
                erase(app.consortium, entries, reason=reason, by=PLATFORM)
        assert app.consortium.log.size == size
        assert kept in with_body(app, DecisionMade), "one that fails erases none of its batch"


def test_an_erasure_whose_bytes_stay_says_where_it_is_logged(
    run_copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is done and logged: only the overwriting is due."""

    def full(_: Database) -> None:
        raise StoreError("erased bytes may still be on the disk: full", hint="free the disk")

    with writing(run_copy) as app:
        size = app.consortium.log.size
        with monkeypatch.context() as patch:
            patch.setattr(Database, "scrub", full)
            with pytest.raises(StoreError, match=f"logged as {size}: erased bytes may"):
                erase(app.consortium, [131], reason="asked", by="platform")
        assert app.consortium.log.size == size + 1
    assert verify_directory(run_copy).holds


def test_no_permit_rests_on_a_decision_whose_facts_were_erased(
    run_copy: Path, tmp_path: Path
) -> None:
    with writing(run_copy) as app:
        op = Operator(directory=run_copy, app=app)
        op.applied(scenes.SURVEILLANCE, "counted-again", sites=("county-hospital",))
        decided = op.case("counted-again").decisions["county-hospital-records"].index
        erase(app.consortium, [decided], reason="asked", by=PLATFORM)
        with pytest.raises(InvalidInput, match="were erased") as refused:
            grant(app.consortium, "counted-again", by=PLATFORM)
        assert refused.value.hint == "decide again"
        decide(app.consortium, "counted-again", by=PLATFORM)
        assert grant(app.consortium, "counted-again", by=PLATFORM)
    assert verify_directory(run_copy).faults == []
