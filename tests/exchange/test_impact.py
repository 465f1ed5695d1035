"""A dry run of another rulebook over the story: which decisions differ, and which are unknown."""

from __future__ import annotations

import re
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from heyi.app.verification import past_impact
from heyi.exchange.consortium import PLATFORM
from heyi.exchange.events.applied import DecisionMade, Grounds
from heyi.exchange.proof.erase import erase
from heyi.model.decision import Decision, Outcome
from heyi.model.errors import InvalidInput, VerificationError
from heyi.model.fact import Value
from heyi.policy.decide import DecisionPoint
from heyi.policy.engines.interpret import evaluate
from heyi.policy.engines.packed import unpack
from heyi.policy.engines.to_python import PythonEngine
from heyi.policy.language import ir
from heyi.policy.language.check import compile_rulebook
from heyi.policy.language.schema import to_ordinals
from heyi.sources.rulebook import read_rulebook
from oracles import forge
from tests.support.story import Story

Answer = tuple[Outcome, bool]

AGREED = """---
id: hard
instrument: {zh: 新约定, en: New agreement}
rank: agreement
jurisdiction: cn
---

## 第一条 {#HARD-1 from=2026-01-01 en="One"}
> 不向其他处理者提供。

```rule HARD-1.1 forbid
when:   act.action == "provide"
party:  handler
says:   {zh: 不得提供, en: nothing is provided}
```
"""


def with_pack(pack: str) -> DecisionPoint:
    return DecisionPoint(compile_rulebook({**read_rulebook(), "local/hard.md": pack}))


@pytest.fixture(scope="module")
def hard() -> DecisionPoint:
    """The shipped rulebook with an agreement that forbids to provide anything."""
    return with_pack(AGREED)


def logged(story: Story) -> dict[int, tuple[Answer, dict[str, Value] | None]]:
    """Each decision of the log by its entry, with its facts; None if they were erased."""
    schema = story.app.consortium.point.book.schema
    found: dict[int, tuple[Answer, dict[str, Value] | None]] = {}
    for entry in forge.logged(story.app.consortium, DecisionMade):
        made, grounds = forge.said(entry, DecisionMade), entry.content(Grounds)
        facts = unpack(schema, [int(w, 16) for w in grounds.words]) if grounds else None
        found[entry.index] = ((made.outcome, made.curable), facts)
    return found


def told(story: Story) -> list[Decision]:
    """The decisions that the story recorded."""
    return [d for turn in story.told.turns for d in turn.decisions.values()]


def test_the_same_rulebook_changes_nothing_and_counts_every_decision(story: Story) -> None:
    past = past_impact(story.directory, DecisionPoint(story.app.consortium.point.book))
    decisions = logged(story)
    assert past.changed == []
    assert past.decided + past.erased == len(decisions) >= len(told(story))
    assert past.erased == len([1 for _, facts in decisions.values() if facts is None]) == 1


def test_a_stricter_rulebook_changes_exactly_what_it_forbids(
    story: Story, hard: DecisionPoint
) -> None:
    past = past_impact(story.directory, hard)
    rule = hard.book.by_id["HARD-1.1"]
    hit = {
        index: answer
        for index, (answer, facts) in logged(story).items()
        if facts is not None
        and evaluate(rule.applies, to_ordinals(facts)) is not False
        and answer != (Outcome.DENY, False)
    }
    assert {c.entry: c.before for c in past.changed} == hit
    assert {c.after for c in past.changed} == {(Outcome.DENY, False)}, "a red line is beyond cure"
    assert len([c for c in past.changed if c.before[0].is_permit]) >= 2, (
        "referrals had been permitted"
    )
    assert past.decided > len(past.changed)


def test_each_change_names_the_case_and_the_asset_of_its_entry(
    story: Story, hard: DecisionPoint
) -> None:
    past = past_impact(story.directory, hard)
    made = {e.index: e for e in forge.logged(story.app.consortium, DecisionMade)}
    assert past.changed
    for c in past.changed:
        assert c.asset in story.app.consortium.case(c.case).decisions
        entry = made[c.entry]
        assert (entry.case, forge.said(entry, DecisionMade).asset) == (c.case, c.asset)
    assert {c.case for c in past.changed} >= {"referral"}


def test_what_was_decided_is_judged_on_its_own_day(story: Story, hard: DecisionPoint) -> None:
    """A pack that begins after the last decision changes nothing, however strict."""
    later = past_impact(
        story.directory, with_pack(AGREED.replace("from=2026-01-01", "from=2100-01-01"))
    )
    assert later.changed == []
    assert later.decided == past_impact(story.directory, hard).decided


def test_a_looser_rulebook_opens_what_was_refused(story: Story) -> None:
    """Without the rule on separate consent the referral without it passes."""
    texts = read_rulebook()
    for rule in ("PIPL-23.1", "PIPL-29.1"):
        head = f"```rule {rule} require\n"
        assert texts["cn/pipl.md"].count(head) == 1
        begin = texts["cn/pipl.md"].index(head)
        end = texts["cn/pipl.md"].index("```\n", begin + 3) + 4
        texts["cn/pipl.md"] = texts["cn/pipl.md"][:begin] + texts["cn/pipl.md"][end:]
    past = past_impact(story.directory, DecisionPoint(compile_rulebook(texts)))
    opened = [c for c in past.changed if c.case == "referral-without-consent"]
    assert [(c.before, c.after) for c in opened] == [
        ((Outcome.DENY, True), (Outcome.PERMIT_WITH_OBLIGATIONS, False))
    ]
    assert all(
        c.before[0] is Outcome.DENY and c.after != (Outcome.DENY, False) for c in past.changed
    )


def test_facts_are_admitted_anew_by_the_sources_that_the_new_rulebook_asks(story: Story) -> None:
    """If every fact must be attested, a declared one is unknown, and the unknown never permits."""
    texts = read_rulebook()
    texts["facts.toml"] = re.sub(
        r'^source = "\w+"$', 'source = "attested"', texts["facts.toml"], flags=re.MULTILINE
    )
    past = past_impact(story.directory, DecisionPoint(compile_rulebook(texts)))
    closed = [c for c in past.changed if c.before[0].is_permit]
    assert closed
    assert not [c for c in past.changed if c.after[0].is_permit]


def test_erased_bodies_are_counted_and_not_guessed(run_copy: Path, hard: DecisionPoint) -> None:
    before = past_impact(run_copy, hard)
    gone = [c.entry for c in before.changed][:2]
    assert len(gone) == 2
    with forge.opened(run_copy) as app:
        erase(app.consortium, gone, reason="subject's request", by=PLATFORM)
    after = past_impact(run_copy, hard)
    assert (after.erased, after.decided) == (before.erased + 2, before.decided - 2)
    assert after.changed == [c for c in before.changed if c.entry not in gone]


def test_nothing_is_written(run_copy: Path, hard: DecisionPoint) -> None:
    before = {p: p.read_bytes() for p in run_copy.rglob("*.db")}
    past_impact(run_copy, hard)
    assert {p: p.read_bytes() for p in run_copy.rglob("*.db")} == before


EMPTY = """---
id: X
instrument: {zh: 法, en: Act}
rank: law
jurisdiction: cn
---

## 条 {#X-1 from=2020-01-01 en="Article"}
> 文
"""


def test_a_rulebook_that_does_not_know_a_logged_fact_is_refused(story: Story) -> None:
    """A decision is judged with all its facts: one that the new rulebook lacks is not left out."""
    texts = read_rulebook()
    day = texts["facts.toml"][texts["facts.toml"].index('[fact."legal_day"]') :].split("\n\n")[0]
    alone = DecisionPoint(compile_rulebook({"facts.toml": day, "x.md": EMPTY}))
    with pytest.raises(InvalidInput, match="unknown fact `"):
        past_impact(story.directory, alone)


def test_a_log_without_its_rulebook_is_no_evidence(run_copy: Path, hard: DecisionPoint) -> None:
    connection = sqlite3.connect(run_copy / "heyi.db")
    with connection:
        connection.execute("delete from artefacts")
    connection.close()
    with pytest.raises(VerificationError, match="is not kept with the log"):
        past_impact(run_copy, hard)


def test_readings_that_differ_are_an_error(story: Story, hard: DecisionPoint) -> None:
    """The new rulebook runs on both engines too: an answer that only one gives is an error."""
    point = DecisionPoint(hard.book)
    rules = [
        replace(r, applies=ir.Not(r.applies)) if r.id == "HARD-1.1" else r for r in hard.book.rules
    ]
    point._engine = PythonEngine(replace(hard.book, rules=tuple(rules)))
    with pytest.raises(InvalidInput, match=r"differ on entry \d+: two readings differ on HARD-1.1"):
        past_impact(story.directory, point)


def test_there_is_no_log(tmp_path: Path, hard: DecisionPoint) -> None:
    with pytest.raises(InvalidInput, match="has no log"):
        past_impact(tmp_path, hard)
