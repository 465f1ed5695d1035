"""Comparison of two rulebooks: the verdict of a search over all requests, and real evidence."""

from __future__ import annotations

import datetime as dt
from random import Random
from typing import NamedTuple

import pytest

from heyi.model.decision import Outcome
from heyi.model.errors import InvalidInput
from heyi.policy.engines.interpret import evaluate, read, severity
from heyi.policy.language import ir
from heyi.policy.language.check import compile_rulebook
from heyi.policy.language.schema import LEGAL_DAY, to_ordinals
from heyi.policy.proofs.compare import Comparison, compare
from tests.support.books import (
    DAYS,
    DRAWN,
    OFFICE,
    compiled,
    condition,
    drawn,
    every_request,
    judged,
    pack,
    rule,
    schema,
    shipped_with,
)
from tests.support.shipped import shipped_book

FACTS = schema("a", "b", "personal", "consent", "n 0..5", OFFICE, main="personal; regulation")
GROUND = rule("X-1.1 ground", "consent", track="main")
RED = rule("X-1.2 forbid", "a && n < 4")
NEED = rule("X-1.3 require", "personal", needs="b")
DUTY = rule("X-1.4 oblige", "personal", says="{zh: 记, en: log}")
PACK = pack(GROUND, RED, NEED, DUTY)
BOARD = rule("X-1.5 review", "personal", authority="office")


def edited(was: str, becomes: str) -> str:
    assert PACK.count(was) == 1
    return PACK.replace(was, becomes)


# --- what changed, and how ----------------------------------------------------------------------


class Edit(NamedTuple):
    """A new version of `PACK` and what is to be said of it."""

    new: str
    verdict: str
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    reworded: tuple[str, ...] = ()


ALL = ("X-1.1", "X-1.2", "X-1.3", "X-1.4")
EDITS = {
    "nothing": Edit(PACK, "same"),
    "a wider red line": Edit(edited("n < 4", "n < 5"), "stricter", changed=("X-1.2",)),
    "a narrower red line": Edit(edited("n < 4", "n < 3"), "looser", changed=("X-1.2",)),
    "a red line that moved": Edit(edited("a && n < 4", "a && n >= 4"), "both", changed=("X-1.2",)),
    "the same in other words": Edit(edited("n < 4", "n <= 3"), "same", reworded=("X-1.2",)),
    "another sentence": Edit(edited("en: log", "en: log it"), "same", reworded=("X-1.4",)),
    "another debtor": Edit(edited("owes: handler", "owes: recipient"), "same", changed=("X-1.4",)),
    "a duty of everybody": Edit(
        edited("owes: handler", "baseline: true\nowes: handler"), "looser", changed=("X-1.4",)
    ),
    # without consent there is no ground, which denies already: the rule changed, no answer did
    "evidence that the ground is too": Edit(
        edited("needs: b", "needs: b && consent"), "same", changed=("X-1.3",)
    ),
    "other evidence": Edit(edited("needs: b", "needs: consent"), "looser", changed=("X-1.3",)),
    "a rule more": Edit(PACK + BOARD, "stricter", added=("X-1.5",)),
    "a rule less": Edit(pack(GROUND, RED, NEED), "looser", removed=("X-1.4",)),
    "no ground": Edit(pack(RED, NEED, DUTY), "stricter", removed=("X-1.1",)),
    "a rule under another name": Edit(
        edited("X-1.2", "X-1.9"), "same", added=("X-1.9",), removed=("X-1.2",)
    ),
    # in 2020 there is neither the ground nor the red line
    "a later beginning": Edit(edited("from=2020-01-01", "from=2021-01-01"), "both", changed=ALL),
    "a lower rank": Edit(edited("rank: law", "rank: regulation"), "same", changed=ALL),
    "a rule that says nothing": Edit(
        PACK + rule("X-1.5 forbid", "a && false"), "same", added=("X-1.5",)
    ),
    "a heading": Edit(edited('en="Article"', 'en="The article"'), "same"),
}
DAYS_OF_EDITS = (*DAYS, dt.date(2020, 6, 1))


def differences(old: ir.Rulebook, new: ir.Rulebook) -> set[int]:
    """By how much answers differ, over every request, unknown facts too."""
    more = [n for book in (old, new) for n in ir.facts_of(book)]
    return {
        severity_of(new, known) - severity_of(old, known)
        for known in map(to_ordinals, every_request(old, *more, days=DAYS_OF_EDITS))
    }


def severity_of(book: ir.Rulebook, known: ir.Known) -> int:
    reading = read(book, known)
    return severity(reading.outcome, reading.curable)


def check_witnesses(old: ir.Rulebook, new: ir.Rulebook, c: Comparison) -> None:
    """Both engines give the answers that a witness claims, and it shows what it is named for."""
    for witness, sign in ((c.stricter, 1), (c.looser, -1)):
        if witness is not None:
            before, after = judged(old, witness.request), judged(new, witness.request)
            assert sign * (after - before) > 0
            assert (severity(*witness.before), severity(*witness.after)) == (before, after)


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS.keys())
def test_the_verdict_and_the_rules_that_changed(edit: Edit) -> None:
    old, new = compiled(FACTS, PACK), compiled(FACTS, edit.new)
    c = compare(old, new)
    assert c.verdict == edit.verdict
    assert (c.added, c.removed, c.changed, c.reworded) == (
        edit.added,
        edit.removed,
        edit.changed,
        edit.reworded,
    )
    check_witnesses(old, new, c)
    steps = differences(old, new)
    assert (max(steps) > 0, min(steps) < 0) == (c.stricter is not None, c.looser is not None)


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS.keys())
def test_the_way_back_is_the_opposite(edit: Edit) -> None:
    back = compare(compiled(FACTS, edit.new), compiled(FACTS, PACK))
    assert back.verdict == {"stricter": "looser", "looser": "stricter"}.get(
        edit.verdict, edit.verdict
    )
    assert (back.added, back.removed, back.changed) == (edit.removed, edit.added, edit.changed)


def test_the_verdict_is_that_of_a_search_on_rulebooks_drawn_at_random() -> None:
    verdicts = set()
    for seed in range(6):
        rng = Random(seed)
        old = compiled(DRAWN, text := drawn(rng, 4))
        new = compiled(
            DRAWN, drawn(rng, 4) if seed % 2 else text + rule("X-3.9 forbid", condition(rng))
        )
        c = compare(old, new)
        check_witnesses(old, new, c)
        steps = differences(old, new)
        assert (max(steps) > 0, min(steps) < 0) == (c.stricter is not None, c.looser is not None), (
            seed
        )
        verdicts.add(c.verdict)
    assert {"both", "stricter"} <= verdicts


def test_another_deadline_is_named() -> None:
    c = compare(
        compiled(FACTS, PACK), compiled(FACTS, edited("before use", "until 3 years after use"))
    )
    assert (c.verdict, c.changed + c.reworded) == ("same", ("X-1.4",))


def test_a_ground_that_moves_to_another_jurisdiction_is_named() -> None:
    elsewhere = pack(rule("Y-1.1 ground", "consent", track="main"), name="Y", jurisdiction="eu")
    here = elsewhere.replace("jurisdiction: eu", "jurisdiction: cn")
    c = compare(compiled(FACTS, pack(NEED), here), compiled(FACTS, pack(NEED), elsewhere))
    assert c.verdict == "stricter"
    assert c.changed == ("Y-1.1",)


def test_what_the_witness_shows_is_reduced_to_the_point() -> None:
    c = compare(compiled(FACTS, pack(RED)), compiled(FACTS, pack(RED.replace("n < 4", "n < 5"))))
    assert c.stricter is not None and c.looser is None
    assert c.stricter.request["n"] == 4
    assert set(c.stricter.request) <= {LEGAL_DAY, "personal", "a", "n"}, (
        "nothing else has to do with it"
    )
    assert c.stricter.before == (Outcome.PERMIT, False)


# --- what only the unknown shows ----------------------------------------------------------------


def test_a_change_that_shows_only_while_a_fact_is_unknown() -> None:
    """`a && (b || !b)` is `a` where `b` is known. Where it is not, the denial loses its cure."""
    old, new = (
        compiled(FACTS, pack(rule("X-1.1 forbid", "a && (b || !b)"))),
        compiled(FACTS, pack(rule("X-1.1 forbid", "a"))),
    )
    c = compare(old, new)
    assert (c.verdict, c.changed) == ("stricter", ("X-1.1",))
    assert c.stricter is not None
    assert "b" not in c.stricter.request
    assert (c.stricter.before, c.stricter.after) == ((Outcome.DENY, True), (Outcome.DENY, False))
    for known in map(to_ordinals, every_request(old, "b", complete=True)):
        assert severity_of(old, known) == severity_of(new, known)


def test_a_rule_that_only_the_unknown_meets() -> None:
    c = compare(compiled(FACTS, PACK), compiled(FACTS, PACK + rule("X-1.5 forbid", "b && !b")))
    assert (c.verdict, c.added) == ("stricter", ("X-1.5",))
    assert c.stricter is not None and "b" not in c.stricter.request


# --- facts --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("was", "becomes"),
    [
        ("a", "a x|y"),
        ("n 0..5", "n 0..6"),
        ("n 0..5", "n 1..5"),
        ("kind x|y", "kind y|x"),
        ("kind x|y", "kind {x|y}"),
    ],
)
def test_a_fact_that_means_something_else_is_refused(was: str, becomes: str) -> None:
    name = was.split()[0]
    text = pack(rule("X-1.1 forbid", "other"))
    old, new = compiled(schema("other", was), text), compiled(schema("other", becomes), text)
    assert compare(old, old).verdict == "same"
    with pytest.raises(InvalidInput, match=f"`{name}` is another fact in the two rulebooks"):
        compare(old, new)


def test_a_fact_that_is_new_or_gone_is_no_obstacle() -> None:
    old = compiled(schema("a"), pack(rule("X-1.1 forbid", "a")))
    new = compiled(
        schema("a", "late"), pack(rule("X-1.1 forbid", "a"), rule("X-1.2 forbid", "late"))
    )
    c = compare(old, new)
    assert (c.verdict, c.added) == ("stricter", ("X-1.2",))
    check_witnesses(old, new, c)
    back = compare(new, old)
    assert (back.verdict, back.removed) == ("looser", ("X-1.2",))
    check_witnesses(new, old, back)


def test_a_vocabulary_may_grow_at_its_end() -> None:
    text = pack(rule("X-1.1 forbid", 'kind == "x" && a'))
    old, new = compiled(schema("a", "kind x|y"), text), compiled(schema("a", "kind x|y|z"), text)
    assert compare(old, new).verdict == compare(new, old).verdict == "same"
    more = compiled(schema("a", "kind x|y|z"), text + rule("X-1.2 forbid", 'kind == "z"'))
    for one, other, verdict in (
        (new, more, "stricter"),
        (old, more, "stricter"),
        (more, old, "looser"),
    ):
        c = compare(one, other)
        assert c.verdict == verdict
        check_witnesses(one, other, c)
    inserted = compiled(schema("a", "kind x|z|y"), text)
    with pytest.raises(InvalidInput, match="`kind` is another fact"):
        compare(old, inserted)


def test_a_fact_that_counts_from_another_source_is_named() -> None:
    facts = schema("a", "b")
    text = pack(rule("X-1.1 forbid", "a"))
    # the first fact is `a`
    strong = facts.replace('source = "declared"', 'source = "attested"', 1)
    old, new = compiled(facts, text), compiled(strong, text)
    c, back = compare(old, new), compare(new, old)
    assert (c.verdict, c.stronger, c.weaker, c.stricter, c.changed) == (
        "stricter",
        ("a",),
        (),
        None,
        (),
    )
    assert (back.verdict, back.stronger, back.weaker, back.looser) == ("looser", (), ("a",), None)
    narrower = compiled(strong, pack(rule("X-1.1 forbid", "a && b")))
    assert compare(old, narrower).verdict == "both"


@pytest.mark.parametrize("back", [False, True])
def test_a_fact_that_is_derived_in_one_of_them_is_refused(back: bool) -> None:
    text = pack(rule("X-1.1 forbid", "wide"))
    books = [compiled(schema("a", wide), text) for wide in ("wide", "wide := a")]
    with pytest.raises(InvalidInput, match="`wide` is another fact in the two rulebooks"):
        compare(*(reversed(books) if back else books))


# --- the shipped rulebook -----------------------------------------------------------------------

GUARDIAN = "data.personal && consent.based && subjects.min_age < 14"


def test_the_age_of_consent_raised_to_sixteen() -> None:
    texts = shipped_with("cn/pipl.md", GUARDIAN, GUARDIAN.replace("14", "16"))
    old, new = shipped_book(), compile_rulebook(texts)
    c = compare(old, new)
    assert (c.verdict, c.changed, c.reworded, c.added, c.removed) == (
        "stricter",
        ("PIPL-31.1",),
        (),
        (),
        (),
    )
    check_witnesses(old, new, c)
    assert c.stricter is not None
    known = to_ordinals(c.stricter.request)
    assert known["subjects.min_age"] in (14, 15)
    assert evaluate(old.by_id["PIPL-31.1"].applies, known) is False
    # the evidence is reduced as long as the answer stays, so the rule may have become undetermined
    assert evaluate(new.by_id["PIPL-31.1"].applies, known) is not False
    assert (c.stricter.before[0] is Outcome.DENY, c.stricter.after) == (False, (Outcome.DENY, True))
    assert compare(new, old).verdict == "looser"


def test_a_shipped_rulebook_is_the_same_as_itself() -> None:
    book = shipped_book()
    c = compare(book, book)
    assert (c.verdict, c.added, c.removed, c.changed, c.reworded) == ("same", (), (), (), ())
