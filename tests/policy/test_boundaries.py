"""Requests around each threshold: real on both sides, and none if nothing depends on it."""

from __future__ import annotations

import datetime as dt
import json
import os
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest

from heyi.model.decision import Effect
from heyi.model.fact import Value
from heyi.policy.decide import DecisionPoint
from heyi.policy.engines.interpret import evaluate, read
from heyi.policy.engines.packed import layout, unpack
from heyi.policy.engines.packed import pack as pack_words
from heyi.policy.language import ir
from heyi.policy.language.schema import LEGAL_DAY, to_ordinals
from heyi.policy.proofs.boundaries import Boundary, Threshold, boundaries, thresholds, to_vectors
from tests.support.books import (
    DRAWN,
    article,
    compiled,
    drawn,
    every_request,
    judged,
    pack,
    rule,
    schema,
)
from tests.support.command import HANGING
from tests.support.shipped import shipped_book

FACTS = schema("a", "b", "n 0..9", "m 2..20", "kind x|y", "parts {x|y}", "born date", "spare 0..3")
BEGINS = dt.date(2020, 1, 1)


def book_of(when: str, **fields: str) -> ir.Rulebook:
    return compiled(FACTS, pack(rule("X-1.1 require", when, **{"needs": "b", **fields})))


def around(book: ir.Rulebook, fact: str, value: int | dt.date) -> Boundary:
    number = value.toordinal() if isinstance(value, dt.date) else value
    (one,) = [
        b for b in boundaries(book) if (b.threshold.fact, b.threshold.value) == (fact, number)
    ]
    return one


# --- which thresholds there are -----------------------------------------------------------------


def test_every_number_and_day_that_a_rule_compares_a_fact_with() -> None:
    text = pack(
        "```param low\n2020-01-01: 3\n2022-01-01: 5\n```\n",
        article("X-2", "2020-01-01", "2030-12-31"),
        rule(
            "X-2.1 require",
            'a && !(n < 4 || 7 <= m) && kind == "x"',
            needs='n >= 6 && born < date("2000-02-29")',
        ),
        rule("X-2.2 forbid", "n < param.low && n != m && n in [8, 9] && n < 4"),
    )
    days = {
        d: dt.date.fromisoformat(d).toordinal()
        for d in ("2020-01-01", "2022-01-01", "2030-12-31", "2000-02-29")
    }
    expected = {
        ("X-2.1", "applies", "n", 4),
        ("X-2.1", "applies", "m", 7),
        ("X-2.1", "needs", "n", 6),
        ("X-2.1", "needs", "born", days["2000-02-29"]),
        ("X-2.2", "applies", "n", 3),
        ("X-2.2", "applies", "n", 5),
        ("X-2.2", "applies", "n", 4),
        ("X-2.2", "applies", LEGAL_DAY, days["2022-01-01"]),
    }
    expected |= {
        (r, "applies", LEGAL_DAY, days[d])
        for r in ("X-2.1", "X-2.2")
        for d in ("2020-01-01", "2030-12-31")
    }
    found = [(t.rule, t.part, t.fact, t.value) for t in thresholds(compiled(FACTS, text))]
    assert len(found) == len(set(found)), "each once"
    assert set(found) == expected
    rules = [t[0] for t in found]
    assert rules == sorted(rules), "in the order of rules"


def test_a_rulebook_without_numbers_has_the_day_alone() -> None:
    book = compiled(FACTS, pack(rule("X-1.1 forbid", 'a && kind != "y" && overlap(parts, ["x"])')))
    assert thresholds(book) == [Threshold("X-1.1", "applies", LEGAL_DAY, BEGINS.toordinal())]


# --- both sides ---------------------------------------------------------------------------------


def check_both_sides(book: ir.Rulebook, b: Boundary) -> None:
    """Complete requests, one apart in that fact alone; the rule holds in some and fails in some."""
    t = b.threshold
    slots = [n for n, s in book.schema.facts.items() if s.slot is not None]
    rule = book.by_id[t.rule]
    condition = rule.applies if t.part == "applies" else rule.needs
    truths = []
    for request in b.requests:
        assert list(request) == slots, "complete"
        for name, value in request.items():
            assert book.schema.facts[name].check(value) == value
        assert {n: v for n, v in request.items() if n != t.fact} == {
            n: v for n, v in b.requests[0].items() if n != t.fact
        }
        truths.append(evaluate(condition, to_ordinals(request)))
    values = [to_ordinals(r)[t.fact] for r in b.requests]
    numbers = [v for v in values if isinstance(v, int)]
    assert numbers in (
        [t.value - 1, t.value, t.value + 1],
        [t.value - 1, t.value],
        [t.value, t.value + 1],
    )
    assert set(truths) == {True, False}


@pytest.mark.parametrize(
    ("when", "truths"),
    [
        ("n < 4", [True, False, False]),
        ("n <= 4", [True, True, False]),
        ("n > 4", [False, False, True]),
        ("n >= 4", [False, True, True]),
        ("n == 4", [False, True, False]),
        ("n != 4", [True, False, True]),
        ("4 > n", [True, False, False]),
        ("!(n >= 4)", [True, False, False]),
        ("a && n <= 4 && !b", [True, True, False]),
        ("a || n >= 4", [False, True, True]),
    ],
)
def test_the_rule_changes_where_it_should(when: str, truths: list[bool]) -> None:
    book = book_of(when)
    b = around(book, "n", 4)
    check_both_sides(book, b)
    assert [r["n"] for r in b.requests] == [3, 4, 5]
    assert [evaluate(book.by_id["X-1.1"].applies, to_ordinals(r)) for r in b.requests] == truths


@pytest.mark.parametrize(
    ("when", "value", "beside"),
    [("m > 2", 2, [2, 3]), ("m >= 20", 20, [19, 20]), ("m < 3", 3, [2, 3, 4])],
)
def test_at_the_end_of_a_range_there_is_one_side_less(
    when: str, value: int, beside: list[int]
) -> None:
    b = around(book_of(when), "m", value)
    assert [r["m"] for r in b.requests] == beside


def test_needs_have_thresholds_of_their_own() -> None:
    book = book_of("a", needs="n >= 6")
    (b,) = [b for b in boundaries(book) if b.threshold.part == "needs"]
    check_both_sides(book, b)
    assert [evaluate(book.by_id["X-1.1"].needs, to_ordinals(r)) for r in b.requests] == [
        False,
        True,
        True,
    ]


def test_days_are_dates_a_day_apart() -> None:
    book = book_of('born < date("2000-02-29")')
    b = around(book, "born", dt.date(2000, 2, 29))
    check_both_sides(book, b)
    assert [r["born"] for r in b.requests] == [
        dt.date(2000, 2, 28),
        dt.date(2000, 2, 29),
        dt.date(2000, 3, 1),
    ]
    law = around(book, LEGAL_DAY, BEGINS)
    check_both_sides(book, law)
    assert [r[LEGAL_DAY] for r in law.requests] == [
        BEGINS - dt.timedelta(1),
        BEGINS,
        BEGINS + dt.timedelta(1),
    ]


def test_the_last_day_is_inside() -> None:
    ends = dt.date(2030, 12, 31)
    book = compiled(FACTS, pack(article("X-2", until=str(ends)), rule("X-2.1 forbid", "a")))
    b = around(book, LEGAL_DAY, ends)
    fired = [evaluate(book.by_id["X-2.1"].applies, to_ordinals(r)) for r in b.requests]
    assert (fired, b.requests[1][LEGAL_DAY]) == ([True, True, False], ends)


# --- idle thresholds ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("when", "fact", "value", "neighbour"),
    [
        ("n >= 0", "n", 0, "n > 0"),  # every number is
        ("a && n >= 5 && n >= 7", "n", 5, "a && (n >= 5 || n >= 7)"),  # the other decides
        ("a && n < 5 && n > 5", "n", 5, "a && n < 5"),  # never
        ("n < 5 || n >= 5", "n", 5, "n < 5 || a"),  # always
        ('a && legal_day < date("2019-06-01") && n < 5', "n", 5, "n < 5"),  # not in force
        ("false && n < 5", "n", 5, "true && n < 5"),
    ],
)
def test_a_threshold_on_which_nothing_depends(
    when: str, fact: str, value: int, neighbour: str
) -> None:
    idle, works = around(book_of(when), fact, value), around(book_of(neighbour), fact, value)
    assert idle.requests == ()
    assert works.requests
    check_both_sides(book_of(neighbour), works)


@pytest.mark.parametrize("seed", range(3))
def test_idle_exactly_where_no_complete_request_shows_a_difference(seed: int) -> None:
    book = compiled(DRAWN, drawn(Random(seed), 5))
    shown = 0
    for b in boundaries(book):
        t = b.threshold
        rule = book.by_id[t.rule]
        condition = rule.applies if t.part == "applies" else rule.needs
        days = [
            dt.date(2019, 12, 31),
            dt.date(2020, 1, 1),
            dt.date(2024, 12, 31),
            dt.date(2025, 1, 1),
            dt.date(2026, 12, 1),
        ]
        if t.fact == LEGAL_DAY:
            days = [
                dt.date.fromordinal(t.value - 1),
                dt.date.fromordinal(t.value),
                dt.date.fromordinal(t.value + 1),
            ]
        truths: dict[str, set[bool | None]] = {}
        for request in every_request(book, days=days, complete=True):
            known = to_ordinals(request)
            if abs(int(known[t.fact]) - t.value) <= 1:  # type: ignore[arg-type]
                rest = repr(sorted((n, v) for n, v in known.items() if n != t.fact))
                truths.setdefault(rest, set()).add(evaluate(condition, known))
        assert bool(b.requests) is any(len(seen) > 1 for seen in truths.values()), t
        if b.requests:
            check_both_sides(book, b)
            severe = [judged(book, request) for request in b.requests]
            shown += len(severe) > 1
    assert shown


# --- vectors ------------------------------------------------------------------------------------


def test_vectors_are_json_whose_words_are_the_requests() -> None:
    book = book_of(
        'a && n < 4 && born >= date("2000-02-29") && overlap(parts, ["x"])', needs="b && m > 5"
    )
    found = boundaries(book)
    vectors = json.loads(to_vectors(book, found))
    assert (vectors["rulebook"], vectors["layout"]) == (book.digest, layout(book.schema))
    assert len(vectors["thresholds"]) == len(found) == len(thresholds(book)) == 4
    for entry, b in zip(vectors["thresholds"], found, strict=True):
        assert Threshold(entry["rule"], entry["part"], entry["fact"], entry["value"]) == b.threshold
        assert len(entry["requests"]) == len(b.requests) >= 2
        for told, request in zip(entry["requests"], b.requests, strict=True):
            assert all(len(w) == 64 for w in told["words"])
            words = tuple(int(w, 16) for w in told["words"])
            assert unpack(book.schema, words) == request
            assert pack_words(book.schema, request) == words
            reading = read(book, to_ordinals(request))
            assert (told["outcome"], told["curable"]) == (reading.outcome.value, reading.curable)
            masks = [int(told[key], 16) for key in ("fired", "met", "tracks")]
            assert masks == [reading.fired, reading.met, reading.tracks]
    outcomes = {r["outcome"] for e in vectors["thresholds"] for r in e["requests"]}
    assert len(outcomes) > 1


def test_the_same_bytes_in_every_process(tmp_path: Path) -> None:
    (tmp_path / "facts.toml").write_text(FACTS, encoding="utf-8")
    text = pack(rule("X-1.1 forbid", 'a && n < 4 || kind == "x" && m >= 7'))
    (tmp_path / "x.md").write_text(text, encoding="utf-8")
    command = [
        sys.executable,
        "-m",
        "heyi",
        "rules",
        "boundaries",
        "--rulebook",
        str(tmp_path),
        "--out",
    ]
    for seed in ("1", "2"):
        out = tmp_path / f"{seed}.json"
        subprocess.run(
            [*command, str(out)],
            env={**os.environ, "PYTHONHASHSEED": seed},
            check=True,
            timeout=HANGING,
        )
    first = (tmp_path / "1.json").read_bytes()
    assert first == (tmp_path / "2.json").read_bytes()
    assert len(json.loads(first)["thresholds"]) == 3


# --- the shipped rulebook -----------------------------------------------------------------------


def test_the_thresholds_of_the_shipped_rulebook() -> None:
    book = shipped_book()
    found = boundaries(book)
    point = DecisionPoint(book)
    assert [b.threshold for b in found] == thresholds(book)
    assert {b.threshold.rule for b in found} == set(book.by_id), (
        "each rule at least begins on a day"
    )
    for b in found:
        if b.requests:
            check_both_sides(book, b)
            known: list[dict[str, Value]] = list(b.requests)
            assert all(point.judge(to_ordinals(k))[1] is None for k in known)
    fourteen = [
        b
        for b in found
        if (b.threshold.rule, b.threshold.fact) == ("PIPL-31.2", "subjects.min_age")
    ]
    assert [[r["subjects.min_age"] for r in b.requests] for b in fourteen] == [[13, 14, 15]]
    assert len([b for b in found if b.requests]) > 0.8 * len(found)
    assert {r.effect for r in book.rules} == set(Effect)
