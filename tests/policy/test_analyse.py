"""Findings: each one in a rulebook made for it, and none in a similar rulebook without it."""

from __future__ import annotations

import datetime as dt
from random import Random
from typing import NamedTuple

import pytest

from heyi.model.decision import Effect
from heyi.policy.engines.interpret import evaluate, read
from heyi.policy.language import ir
from heyi.policy.language.schema import to_ordinals
from heyi.policy.proofs.analyse import Finding, FindingKind, findings, told
from tests.support.books import (
    DRAWN,
    OFFICE,
    article,
    compiled,
    drawn,
    every_request,
    pack,
    rule,
    schema,
)
from tests.support.shipped import shipped_book

FACTS = schema("a", "b", "c", "n 0..9", "act.kind x|y", "approval.board none|given|refused", OFFICE)


class Pair(NamedTuple):
    """A pack in which `subject` is found, and the place that makes its neighbour sound."""

    kind: FindingKind
    subject: str
    found: str
    changed: tuple[str, str]
    facts: str = FACTS


def forbid(name: str, when: str, **fields: str) -> str:
    return rule(f"{name} forbid", when, **fields)


LATER = article("X-2", "2022-01-01") + forbid("X-2.1", 'a && legal_day < date("2021-12-31")')
TWO_DAYS = article("X-2", "2022-01-01", "2022-12-31") + forbid(
    "X-2.1", 'a && legal_day > date("2022-12-31")'
)
HIGHER = pack(name="L", rank="law")
AGREED = pack(forbid("X-1.1", "a", excepts="[L-1] b"), rank="agreement")
GROUNDED = schema("p", "a", "act.kind x|y", main="p; law")
ALWAYS = schema("p", "a", "act.kind x|y", main="true; law")

PAIRS = {
    "a condition that contradicts itself": Pair(
        FindingKind.DEAD, "X-1.1", pack(forbid("X-1.1", "a && !a")), ("!a", "!b")
    ),
    "a number that cannot be": Pair(
        FindingKind.DEAD, "X-1.1", pack(forbid("X-1.1", "n > 9")), ("n > 9", "n >= 9")
    ),
    "numbers that exclude one another": Pair(
        FindingKind.DEAD, "X-1.1", pack(forbid("X-1.1", "n < 4 && n > 3")), ("n > 3", "n >= 3")
    ),
    "two values at once": Pair(
        FindingKind.DEAD,
        "X-1.1",
        pack(forbid("X-1.1", 'act.kind == "x" && act.kind != "x"')),
        ('!= "x"', '!= "y"'),
    ),
    "an empty list": Pair(
        FindingKind.DEAD, "X-1.1", pack(forbid("X-1.1", "n in []")), ("[]", "[4]")
    ),
    "a day before the article": Pair(
        FindingKind.DEAD, "X-2.1", pack(LATER), ("2021-12-31", "2022-01-02")
    ),
    "a day after the article": Pair(
        FindingKind.DEAD, "X-2.1", pack(TWO_DAYS), ("> date", ">= date")
    ),
    "an exception that covers it": Pair(
        FindingKind.DEAD,
        "X-1.1",
        pack(forbid("X-1.1", "a", excepts="[X-1] a || b")),
        ("a || b", "a && b"),
    ),
    "a need that is forbidden": Pair(
        FindingKind.NEVER_PERMITTED,
        "X-1.1",
        pack(rule("X-1.1 require", "a", needs="b"), forbid("X-1.2", "a && b")),
        ("a && b", "c && b"),
    ),
    "a need that another rule forbids to lack": Pair(
        FindingKind.NEVER_PERMITTED,
        "X-1.1",
        pack(rule("X-1.1 require", "a", needs="!b"), rule("X-1.2 require", "a", needs="b && c")),
        ("b && c", "c"),
    ),
    "a need that cannot be met": Pair(
        FindingKind.NEVER_PERMITTED,
        "X-1.1",
        pack(rule("X-1.1 require", "a", needs="n > 9")),
        ("n > 9", "n > 8"),
    ),
    "a review of what is forbidden": Pair(
        FindingKind.NEVER_PERMITTED,
        "X-1.1",
        pack(rule("X-1.1 review", "a && b", authority="board"), forbid("X-1.2", "a || c")),
        ("a || c", "a && c"),
    ),
    "a ground that its own duty spoils": Pair(
        FindingKind.NEVER_PERMITTED,
        "X-1.1",
        pack(
            rule("X-1.1 ground", "a", track="main"), rule("X-1.2 require", "a && true", needs="!a")
        ),
        ("a && true", 'a && act.kind == "x"'),
        ALWAYS,
    ),
    "the same red line twice over": Pair(
        FindingKind.REDUNDANT,
        "X-1.2",
        pack(forbid("X-1.1", "a"), forbid("X-1.2", "a && b")),
        ("a && b", "c && b"),
    ),
    "a need that is needed anyway": Pair(
        FindingKind.REDUNDANT,
        "X-1.2",
        pack(rule("X-1.1 require", "a", needs="b && c"), rule("X-1.2 require", "a", needs="c")),
        ("needs: b && c", "needs: b"),
    ),
    "a ground beside a wider one": Pair(
        FindingKind.REDUNDANT,
        "X-1.2",
        pack(rule("X-1.1 ground", "a || p", track="main"), rule("X-1.2 ground", "a", track="main")),
        ("a || p", "a && p"),
        GROUNDED,
    ),
    "two halves that cover a third": Pair(
        FindingKind.REDUNDANT,
        "X-1.3",
        pack(forbid("X-1.1", "n < 5 && a"), forbid("X-1.2", "n >= 5"), forbid("X-1.3", "a && b")),
        ("n < 5 && a", "n < 4 && a"),
    ),
    "a review by the same authority": Pair(
        FindingKind.REDUNDANT,
        "X-1.2",
        pack(
            rule("X-1.1 review", "a", authority="board"),
            rule("X-1.2 review", "a && b", authority="board"),
        ),
        ("a\nauthority: board", "a\nauthority: office"),
    ),
    "a cover that lasts as long": Pair(
        FindingKind.REDUNDANT,
        "X-1.1",
        pack(forbid("X-1.1", "a && b"), article("X-2", "2020-01-01"), forbid("X-2.1", "a")),
        ("{#X-2 from=2020-01-01", "{#X-2 from=2020-01-01 until=2030-01-01"),
    ),
    "an act that is forbidden on every day": Pair(
        FindingKind.CLOSED,
        "act.kind == x",
        pack(forbid("X-1.1", 'act.kind == "x"'), begins="0001-01-01"),
        ("from=0001-01-01", "from=0001-01-02"),
    ),
    "an act without a ground": Pair(
        FindingKind.CLOSED,
        "act.kind == y",
        pack(rule("X-1.1 ground", 'act.kind == "x"', track="main")),
        ('"x"', '"y"'),
        ALWAYS,
    ),
    "an exception from above": Pair(
        FindingKind.OUTRANKS, "X-1.1", AGREED, ("rank: agreement", "rank: law"), FACTS
    ),
    "an article without a rule": Pair(
        FindingKind.BARE,
        "X-2",
        pack(forbid("X-1.1", "a"), article("X-2")),
        ("party", "except: [X-2] b\nparty"),
    ),
}


def found(facts: str, text: str) -> list[Finding]:
    packs = (text, HIGHER) if "[L-1]" in text else (text,)
    return findings(compiled(facts, *packs))


@pytest.mark.parametrize("pair", PAIRS.values(), ids=PAIRS.keys())
def test_found_and_not_found_in_its_neighbour(pair: Pair) -> None:
    assert pair.found.count(pair.changed[0]) == 1
    here = [
        f for f in found(pair.facts, pair.found) if (f.kind, f.subject) == (pair.kind, pair.subject)
    ]
    beside = found(pair.facts, pair.found.replace(*pair.changed))
    assert len(here) == 1
    assert (pair.kind, pair.subject) not in {(f.kind, f.subject) for f in beside}
    assert here[0].says.zh and here[0].says.en
    if pair.kind is not FindingKind.CLOSED:
        name = pair.subject
        place = next(
            n
            for n, line in enumerate(pair.found.splitlines(), 1)
            if f"```rule {name} " in line or f"#{name} " in line
        )
        assert (here[0].file, here[0].line) == ("0.md", place)


def test_every_kind_has_its_pair_and_only_the_dead_are_faults() -> None:
    assert {p.kind for p in PAIRS.values()} == set(FindingKind)
    assert {k for k in FindingKind if k.fault} == {FindingKind.DEAD}


def test_faults_stand_first() -> None:
    text = pack(
        article("X-2"), forbid("X-2.1", "a && b"), forbid("X-2.2", "a"), forbid("X-2.3", "n > 9")
    )
    kinds = [f.kind for f in found(FACTS, text)]
    assert kinds == [FindingKind.DEAD, FindingKind.REDUNDANT, FindingKind.BARE]


def test_a_dead_rule_is_told_with_its_condition_and_a_caret() -> None:
    """A finding looks like any other error, even if other fields come before the condition."""
    for text in (
        pack(forbid("X-1.1", "a"), forbid("X-1.2", "n > 9")),
        pack(
            forbid("X-1.1", "a"),
            forbid("X-1.2", "n > 9").replace("when: n > 9\n", "from: 2021-01-01\nwhen:   n > 9\n"),
        ),
    ):
        book = compiled(FACTS, text)
        (dead,) = [f for f in findings(book) if f.kind.fault]
        error = told(book, dead)
        line = text.splitlines()[error.line - 1]
        assert (error.file, error.excerpt) == ("0.md", line)
        assert line[error.column - 1 :] == "n > 9"
        assert "X-1.2" in error.message and error.hint


def test_the_covering_rules_are_named() -> None:
    one = found(
        FACTS, pack(forbid("X-1.1", "a"), forbid("X-1.2", "b"), forbid("X-1.3", "a && b && c"))
    )
    assert [f.says.en for f in one if f.subject == "X-1.3"] == ["covered by X-1.1"], (
        "one alone does it"
    )
    two = found(FACTS, PAIRS["two halves that cover a third"].found)
    assert [(f.says.zh, f.says.en) for f in two] == [
        ("已被 X-1.1、X-1.2 覆盖", "covered by X-1.1, X-1.2")
    ]


def test_a_rule_of_another_effect_or_jurisdiction_covers_nothing() -> None:
    effects = found(FACTS, pack(forbid("X-1.1", "a"), rule("X-1.2 require", "a && b", needs="c")))
    assert FindingKind.REDUNDANT not in {f.kind for f in effects}
    abroad = pack(forbid("Y-1.1", "a"), name="Y", jurisdiction="eu")
    book = compiled(FACTS, pack(forbid("X-1.1", "a && b")), abroad)
    assert findings(book) == []
    duties = pack(rule("X-1.1 oblige", "a"), rule("X-1.2 oblige", "a && b"))
    assert found(FACTS, duties) == [], "two duties are two duties"


def test_the_outranked_rule_names_the_article_that_it_rests_on() -> None:
    (finding,) = found(FACTS, AGREED)
    assert "L-1 (law), above the rule (agreement)" in finding.says.en
    assert "L-1（law）高于本规则（agreement）" in finding.says.zh


def test_each_finding_is_told_once() -> None:
    twice = AGREED.replace("except: [L-1] b", "except: [L-1] b\nexcept: [L-1] c")
    here = found(FACTS, twice)
    assert len(here) == len(set(here)) == 1


# --- against a search by hand -------------------------------------------------------------------

DAYS = [dt.date(2019, 12, 31), dt.date(2020, 1, 1), dt.date(2025, 1, 1), dt.date(2026, 12, 1)]
"""One day for each set of rules that can be in force in a rulebook that `drawn` makes."""


def bites(rule: ir.Rule, known: ir.Known) -> bool:
    applies = evaluate(rule.applies, known) is True
    return applies and (
        rule.effect is not Effect.REQUIRE or evaluate(rule.needs, known) is not True
    )


def by_hand(book: ir.Rulebook) -> set[tuple[FindingKind, str]]:
    """Dead, never permitted, closed and redundant, from every complete request."""
    known = [to_ordinals(r) for r in every_request(book, "act.kind", days=DAYS, complete=True)]
    permits = [k for k in known if read(book, k).outcome.is_permit]
    fires = {r.id: [k for k in known if evaluate(r.applies, k) is True] for r in book.rules}
    found = {(FindingKind.DEAD, name) for name, where in fires.items() if not where}
    living = [r for r in book.rules if fires[r.id]]
    for r in living:
        if r.effect is not Effect.FORBID and not any(
            evaluate(r.applies, k) is True for k in permits
        ):
            found.add((FindingKind.NEVER_PERMITTED, r.id))
        if r.effect is Effect.OBLIGE:
            continue
        others = [
            o
            for o in book.rules
            if o is not r and (o.effect, o.authority, o.track) == (r.effect, r.authority, r.track)
        ]
        if all(any(bites(o, k) for o in others) for k in known if bites(r, k)):
            found.add((FindingKind.REDUNDANT, r.id))
    for value in book.schema.facts["act.kind"].values:
        if not any(k["act.kind"] == value for k in permits):
            found.add((FindingKind.CLOSED, f"act.kind == {value}"))
    return found


def test_findings_are_those_of_a_search_over_every_complete_request() -> None:
    seen: set[FindingKind] = set()
    for seed in range(16):
        book = compiled(DRAWN, drawn(Random(seed), 5))
        solved = {
            (f.kind, f.subject)
            for f in findings(book)
            if f.kind not in (FindingKind.OUTRANKS, FindingKind.BARE)
        }
        assert solved == by_hand(book), seed
        seen |= {kind for kind, _ in solved}
    assert seen == {
        FindingKind.DEAD,
        FindingKind.NEVER_PERMITTED,
        FindingKind.CLOSED,
        FindingKind.REDUNDANT,
    }


# --- the shipped rulebook -----------------------------------------------------------------------


def test_the_shipped_rulebook_has_no_fault() -> None:
    book = shipped_book()
    here = findings(book)
    assert [f.subject for f in here if f.kind.fault or f.kind is FindingKind.NEVER_PERMITTED] == []
    bare = {f.subject for f in here if f.kind is FindingKind.BARE}
    assert not bare & {r.article.id for r in book.rules}
    for f in here:
        if f.kind is FindingKind.OUTRANKS:
            own = book.by_id[f.subject]
            assert max(book.articles[a].rank.order for a in own.excepts) > own.article.rank.order
