"""Files of whole requests (`requests/`): cases and prose only, one file for each jurisdiction."""

from __future__ import annotations

import datetime as dt

import pytest

from heyi.model.errors import RuleError
from heyi.policy.cases import checked_rulebook, run_cases
from heyi.policy.language.check import compile_rulebook
from heyi.policy.language.jurisdictions import with_jurisdictions
from heyi.policy.language.pack import parse_requests
from tests.support.books import article, pack, rule, schema

FILE = "requests/cn.md"
ONE = "```case one\nlike:   plain\nexpect: {outcome: permit}\n```\n"
TWO = (
    "```case two\ngiven:  {a: true, b: true}\nat:     2021-06-01\n"
    "expect: {outcome: deny, fires: [X-1.2]}\n```\n"
)
REQUESTS = (
    "# 整案 Whole requests\n\n说明 prose.\n\n## 诊疗 Care\n\n一个故事。\n\n"
    f"{ONE}\n### 别的 Other\n\n{TWO}"
)
TEXTS = {
    "facts.toml": schema("a", "b", main="a"),
    "profiles.yaml": "plain: {a: true, b: false}\n",
    "cn/x.md": pack(rule("X-1.1 ground", "a", track="main"), rule("X-1.2 forbid", "b")),
    "eu/y.md": pack(rule("Y-1.1 forbid", "a"), name="Y", jurisdiction="eu"),
}


def line_of(text: str, words: str) -> int:
    return next(n for n, line in enumerate(text.splitlines(), 1) if words in line)


def test_cases_are_read_between_headings_and_prose() -> None:
    one, two = parse_requests(REQUESTS, file=FILE)
    assert (one.name, one.body) == ("one", {"like": "plain", "expect": {"outcome": "permit"}})
    assert (two.name, two.span.file, two.span.line) == ("two", FILE, line_of(REQUESTS, "case two"))


@pytest.mark.parametrize(
    "text", ["", "# 整案\n\n## 诊疗\n\n只有文字。\n"], ids=["empty", "prose alone"]
)
def test_a_file_may_hold_no_case(text: str) -> None:
    assert parse_requests(text, file=FILE) == ()


def test_they_become_cases_of_the_jurisdiction_in_their_name() -> None:
    found = compile_rulebook({**TEXTS, FILE: REQUESTS}).cases
    assert [(c.name, c.file, c.jurisdiction) for c in found] == [
        ("one", FILE, "cn"),
        ("two", FILE, "cn"),
    ]
    assert [c.line for c in found] == [line_of(REQUESTS, "case one"), line_of(REQUESTS, "case two")]
    assert (found[0].given, found[1].at) == ({"a": True, "b": False}, dt.date(2021, 6, 1))


def test_each_file_is_judged_by_its_own_law() -> None:
    other = ONE.replace("permit", "deny")
    texts = {**TEXTS, FILE: REQUESTS, "requests/eu.md": other}
    book = checked_rulebook(texts)
    assert {
        (r.case.jurisdiction, r.case.name): r.decision.outcome.value for r in run_cases(book)
    } == {
        ("cn", "one"): "permit",
        ("cn", "two"): "deny",
        ("eu", "one"): "deny",
    }
    assert [c.file for c in compile_rulebook(with_jurisdictions(texts, ["cn"])).cases] == [
        FILE,
        FILE,
    ]


def test_a_request_that_fails_refuses_the_rulebook_at_what_it_expects() -> None:
    text = REQUESTS.replace("outcome: permit", "outcome: deny")
    with pytest.raises(RuleError, match="case `one` fails: outcome is permit, not deny") as caught:
        checked_rulebook({**TEXTS, FILE: text})
    assert (caught.value.file, caught.value.line) == (
        FILE,
        line_of(text, "expect: {outcome: deny}"),
    )


RULE = rule("X-1.1 forbid", "b")
PARAM = "```param days\n2020-01-01: 3\n```\n"


@pytest.mark.parametrize(
    ("more", "at", "says"),
    [
        (article("X-2"), "{#X-2", "a file of requests holds cases alone, not an article"),
        (PARAM, "```param", "a file of requests holds cases alone, not param"),
        (article("X-1") + RULE, "{#X-1", "a file of requests holds cases alone, not an article"),
        (RULE, "```rule", "a file of requests holds cases alone, not rule"),
        ("# 条 {#X-2 from=2020-01-01}\n", "{#X-2", "the heading of an article is of level two"),
        ("## 条 {#X-2}\n", "{#X-2", "a file of requests holds cases alone, not an article"),
        (ONE, "more", "case `one` is given twice"),
        ("```case three\ngiven: {a: true}\n```\n", "case three", "case `three` expects nothing"),
        (
            "```case three\nwhen: a\nexpect: {outcome: deny}\n```\n",
            "when: a",
            "has an unknown field `when`",
        ),
        ("```case three\nexpect: {outcome: deny}\n", "case three", "never closed"),
        (" ```case three\n", "case three", "looks like a block"),
        ("<!-- hidden -->\n", "<!--", "HTML can hide"),
    ],
)
def test_what_is_no_case_is_refused_at_its_line(more: str, at: str, says: str) -> None:
    text = f"{REQUESTS}\nmore\n{more}"
    place = text.splitlines().index("more") + 2 if at == "more" else line_of(text, at)
    with pytest.raises(RuleError) as caught:
        compile_rulebook({**TEXTS, FILE: text})
    assert says in caught.value.message
    assert (caught.value.file, caught.value.line) == (FILE, place)
    assert caught.value.hint


def test_a_rule_is_told_that_it_does_not_belong_here() -> None:
    with pytest.raises(RuleError) as caught:
        parse_requests(RULE, file=FILE)
    assert "stand in packs" in caught.value.hint


@pytest.mark.parametrize(
    ("given", "says", "at"),
    [
        ("{a: true, c: true}", "unknown fact `c`", "given:  {a: true, c"),
        ("{a: maybe}", "`a` is `maybe`", "given:  {a: maybe"),
    ],
)
def test_facts_of_a_request_are_checked(given: str, says: str, at: str) -> None:
    text = REQUESTS.replace("{a: true, b: true}", given)
    with pytest.raises(RuleError) as caught:
        compile_rulebook({**TEXTS, FILE: text})
    assert says in caught.value.message
    assert (caught.value.file, caught.value.line) == (FILE, line_of(text, at))


@pytest.mark.parametrize(
    "file", ["requests/us.md", "requests/CN.md", "requests/cn-old.md", "requests/cn/more.md"]
)
def test_a_file_named_after_no_jurisdiction_is_refused(file: str) -> None:
    with pytest.raises(RuleError) as caught:
        compile_rulebook({**TEXTS, file: REQUESTS})
    assert caught.value.message == f"no pack is of the jurisdiction of `{file}`"
    assert (caught.value.file, caught.value.line) == (file, 1)
    assert "requests/cn.md" in caught.value.hint


def test_requests_bind_nobody() -> None:
    assert compile_rulebook({**TEXTS, FILE: REQUESTS}).rules == compile_rulebook(TEXTS).rules
    with pytest.raises(RuleError, match="no pack is of the jurisdiction"):
        compile_rulebook({"facts.toml": TEXTS["facts.toml"], FILE: TWO})
