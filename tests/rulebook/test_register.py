"""The shipped register of norms against the packs: every norm accounted for, every rule tried."""

from __future__ import annotations

import json
import re
import tomllib
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from heyi.model.decision import Effect, Rank
from heyi.model.errors import RuleError
from heyi.model.kleene import Truth
from heyi.policy.cases import CaseResult, run_cases
from heyi.policy.language import ir
from heyi.policy.language.check import REQUESTS, compile_rulebook
from heyi.policy.language.jurisdictions import CONSORTIUM_FILE
from heyi.policy.language.norms import NORMS_FILE, Accounted, Standing, account, load_norms
from heyi.sources.rulebook import read_rulebook
from tests.support.machine import ROOT

TEXTS = {name: text for name, text in read_rulebook().items() if name != CONSORTIUM_FILE}
PACKS = [
    text for name, text in TEXTS.items() if name.endswith(".md") and not name.startswith(REQUESTS)
]
WRITTEN: dict[str, dict[str, Any]] = tomllib.loads(TEXTS[NORMS_FILE])["norm"]
HEADS = re.compile(r"^```rule (\S+)\.[^.\s]+ ([a-z]+)$", re.MULTILINE)
ARTEFACTS = {"HIPAA-b"}
"""Ids of the index that are no norms: `HIPAA-514a/b` was read as two."""
UNTRIED = {"GDPR-17.3"}
"""Rules that no case names, each a defect."""


@pytest.fixture(scope="module")
def book() -> ir.Rulebook:
    """All packs, whatever the consortium names."""
    return compile_rulebook(TEXTS)


@pytest.fixture(scope="module")
def accounted(book: ir.Rulebook) -> list[Accounted]:
    return account(load_norms(TEXTS[NORMS_FILE]), book.by_id)


@pytest.fixture(scope="module")
def results(book: ir.Rulebook) -> list[CaseResult]:
    return list(run_cases(book))


# --- norms --------------------------------------------------------------------------------------


def test_no_norm_is_unaccounted_for(accounted: list[Accounted]) -> None:
    assert [a.norm.id for a in accounted] == list(WRITTEN)
    assert [a.norm.id for a in accounted if a.standing is Standing.OPEN] == []


def test_what_becomes_of_the_norms_is_what_packs_and_register_say(
    accounted: list[Accounted],
) -> None:
    """Counted a second time, from the texts alone."""
    with_rules = {article for text in PACKS for article, _ in HEADS.findall(text)}
    expected = Counter(
        "rules"
        if name in with_rules
        else n["without"]
        if "without" in n
        else "elsewhere"
        if n.get("by")
        else "open"
        for name, n in WRITTEN.items()
    )
    assert Counter(a.standing.value for a in accounted) == expected
    assert {s.value for s in Standing} - set(expected) == {"open"}, "every other standing occurs"
    assert expected.total() == len(WRITTEN)


def test_articles_that_enforce_a_norm_have_rules(
    book: ir.Rulebook, accounted: list[Accounted]
) -> None:
    with_rules = {rule.article.id for rule in book.rules}
    named = [(a.norm.id, article) for a in accounted for article in a.norm.by]
    assert named
    assert [(norm, article) for norm, article in named if article not in with_rules] == []


def test_a_norm_without_rules_says_why_in_both_languages(accounted: list[Accounted]) -> None:
    told = [a.norm for a in accounted if a.norm.without]
    assert told
    assert [n.id for n in told if n.why is None or len(n.why.zh) < 5 or len(n.why.en) < 15] == []


def test_no_norm_ends_before_it_begins_and_each_has_a_title(accounted: list[Accounted]) -> None:
    norms = [a.norm for a in accounted]
    assert [n.id for n in norms if n.until is not None and n.until < n.begins] == []
    assert [n.id for n in norms if not (n.title.zh.strip() and n.title.en.strip())] == []
    ranks = {*(r.value for r in Rank), "policy", "judgement"}
    assert {n.instrument.rank for n in norms} <= ranks - {Rank.AGREEMENT.value}


def test_every_article_has_a_norm_of_the_same_days(
    book: ir.Rulebook, accounted: list[Accounted]
) -> None:
    norms = {a.norm.id: a.norm for a in accounted}
    agreements = {a.id for a in book.articles.values() if a.rank is Rank.AGREEMENT}
    assert agreements
    assert not agreements & set(norms)
    for a in book.articles.values():
        if a.id not in agreements:
            norm = norms[a.id]
            assert (norm.begins, norm.until, norm.confidence) == (
                a.begins,
                a.until,
                a.confidence,
            ), a.id
            assert norm.instrument.jurisdiction == a.jurisdiction, a.id


@pytest.fixture(scope="module")
def index() -> dict[str, dict[str, str]]:
    """The index of the norms that the packs were made from."""
    path = ROOT.parent / "shared" / "law" / "norms_index.json"
    if not path.exists():
        pytest.skip("the index of norms does not lie beside the repository")
    read: dict[str, dict[str, str]] = json.loads(path.read_text(encoding="utf-8"))
    assert len(read) > 300
    return read


def test_every_norm_of_the_index_stands_in_the_register(index: dict[str, dict[str, str]]) -> None:
    assert set(index) - set(WRITTEN) == ARTEFACTS


def test_where_the_register_differs_from_the_index_it_says_how_that_was_settled(
    index: dict[str, dict[str, str]],
) -> None:
    """Of the index only what is one plain day or one plain mark."""
    plain = {
        "from": ("in_force", r"(\d{4}-\d\d-\d\d)"),
        "confidence": ("confidence", r"(?:conf )?(A-|[ABC])"),
    }
    for key, (told, form) in plain.items():
        marks = {
            name: m[1] for name, n in index.items() if (m := re.fullmatch(form, n.get(told) or ""))
        }
        compared = set(marks) & set(WRITTEN)
        assert len(compared) > 200
        other = {name for name in compared if str(WRITTEN[name][key]) != marks[name]}
        assert {name for name in other if "settled" not in WRITTEN[name]} == set(), key


# --- how sure a rule's source is ----------------------------------------------------------------


def test_below_an_unconfirmed_norm_stand_reviews_alone(
    book: ir.Rulebook, accounted: list[Accounted]
) -> None:
    unconfirmed = {a.norm.id for a in accounted if a.norm.confidence == "C"}
    assert unconfirmed
    assert [
        r.id for r in book.rules if r.article.id in unconfirmed and r.effect is not Effect.REVIEW
    ] == []
    assert [(r.id, c) for r in book.rules for c in r.excepts if c in unconfirmed] == [], (
        "nor does an exception"
    )


@pytest.mark.parametrize("article", ["PIPL-13", "GDPR-44", "NDSR-12"])
def test_a_rule_is_lost_when_its_norm_turns_out_unconfirmed(article: str) -> None:
    head = f'[norm."{article}"]\n'
    before, _, after = TEXTS[NORMS_FILE].partition(head)
    doubted = after.replace(
        f'confidence = "{WRITTEN[article]["confidence"]}"', 'confidence = "C"', 1
    )
    assert doubted != after
    with pytest.raises(RuleError, match=rf"`{article}` is not confirmed \(C\)"):
        compile_rulebook({**TEXTS, NORMS_FILE: before + head + doubted})


# --- every rule is tried ------------------------------------------------------------------------


def listed(results: list[CaseResult], *keys: str) -> Iterator[str]:
    """The rules that cases name under those keys of what they expect."""
    for result in results:
        for key in keys:
            value = result.case.expect.get(key, [])
            yield from value if isinstance(value, list) else [str(value)]


def test_every_case_holds_in_both_jurisdictions(results: list[CaseResult]) -> None:
    assert [(r.case.file, r.case.name, r.faults) for r in results if r.faults] == []
    assert [r.case.name for r in results if r.decision.alarm] == []
    assert {r.case.jurisdiction for r in results} == {"cn", "eu"}


@pytest.mark.parametrize("jurisdiction", ["cn", "eu"])
def test_every_rule_fires_in_some_case(
    book: ir.Rulebook, results: list[CaseResult], jurisdiction: str
) -> None:
    rules = {r.id for r in ir.within(book, jurisdiction).rules}
    fired = {f.rule for r in results for f in r.decision.findings if f.truth is Truth.TRUE}
    assert rules
    assert rules - fired == set()


@pytest.mark.parametrize("jurisdiction", ["cn", "eu"])
def test_every_rule_is_named_where_it_speaks_and_where_it_is_silent(
    book: ir.Rulebook, results: list[CaseResult], jurisdiction: str
) -> None:
    rules = {r.id for r in ir.within(book, jurisdiction).rules} - UNTRIED
    assert rules
    assert rules - set(listed(results, "fires", "met", "unmet", "obligations")) == set()
    assert rules - set(listed(results, "silent")) == set()


@pytest.mark.parametrize("jurisdiction", ["cn", "eu"])
def test_every_requirement_is_named_met_and_unmet(
    book: ir.Rulebook, results: list[CaseResult], jurisdiction: str
) -> None:
    required = {r.id for r in ir.within(book, jurisdiction).rules if r.effect is Effect.REQUIRE}
    assert required
    for key in ("met", "unmet"):
        assert required - set(listed(results, key)) == set(), f"never {key}"


@pytest.mark.parametrize("rule", sorted(UNTRIED))
def test_this_rule_is_named_too(results: list[CaseResult], rule: str) -> None:
    assert rule in set(listed(results, "fires"))
    assert rule in set(listed(results, "silent"))
