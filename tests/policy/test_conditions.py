"""Conditions: precedence, nesting, errors at the right place; garbage raises only our error."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from heyi.policy.language.parse import (
    DEPTH,
    ConditionError,
    FunctionCall,
    Junction,
    Listing,
    Lit,
    Name,
    Negation,
    Relation,
    Tree,
    Within,
    parse_condition,
)


def shape(tree: Tree) -> str:
    """A tree with every grouping in brackets."""
    match tree:
        case Name(text):
            return text
        case Lit(value):
            return repr(value)
        case Negation(of):
            return f"!{shape(of)}"
        case Junction(op, of):
            return "(" + f" {op} ".join(shape(t) for t in of) + ")"
        case Relation(op, left, right):
            return f"{shape(left)}{op}{shape(right)}"
        case Within(fact, values):
            return f"{fact.text} in {[i.value for i in values.items]}"
        case FunctionCall(op, fact, values):
            return f"{op}({fact.text}, {[i.value for i in values.items]})"


@pytest.mark.parametrize(
    ("text", "grouped"),
    [
        ("a && b || c", "((a && b) || c)"),
        ("a || b && c", "(a || (b && c))"),
        ("(a || b) && c", "((a || b) && c)"),
        ("a && b && c", "(a && b && c)"),
        ("a && (b && c)", "(a && (b && c))"),
        ("!a && b", "(!a && b)"),
        ("!(a && b)", "!(a && b)"),
        ("!!a", "!!a"),
        ("!a.b == 3", "!a.b==3"),
        ("a == 1 && b >= 2 || !c", "((a==1 && b>=2) || !c)"),
        ('k in ["x", "y"] || a', "(k in ['x', 'y'] || a)"),
        ("k in []", "k in []"),
        ('!subset(s, ["x"]) && a', "(!subset(s, ['x']) && a)"),
        ("((a))", "a"),
        ("n < 10_000", "n<10000"),
        ("a\n  && b\n\t|| true", "((a && b) || True)"),
        ("subset && overlap", "(subset && overlap)"),  # names of facts, where no bracket follows
    ],
)
def test_precedence_and_nesting(text: str, grouped: str) -> None:
    assert shape(parse_condition(text)) == grouped


def test_literals_have_values_and_places() -> None:
    assert parse_condition('d >= date("2026-02-28")') == Relation(
        ">=", Name("d", 0), Lit(dt.date(2026, 2, 28), 10), 2
    )
    assert parse_condition('k in ["甲", true, 7]') == Within(
        Name("k", 0), Listing((Lit("甲", 6), Lit(True, 11), Lit(7, 17)), 5)
    )


@pytest.mark.parametrize(
    ("text", "at", "message"),
    [
        ("", 0, "found the end"),
        ("a &&", 4, "found the end"),
        ("a && && b", 5, "expected a fact or a value but found `&&`"),
        ("a b", 2, "`b` cannot stand here"),
        ("a = b", 2, "`=` cannot stand here"),
        ("a & b", 2, "`&` cannot stand here"),
        ("a and b", 2, "`and` cannot stand here"),
        ("(a || b", 7, "expected `)` but found the end"),
        ("a || b)", 6, "`)` cannot stand here"),
        ("a == 'x'", 5, "`'` cannot stand here"),
        ('a == "x', 5, "this text is never closed"),
        ("a < b < c", 6, "`<` cannot stand here"),
        ("k in [a]", 6, "`a` is not a value"),
        ("k in [1 2]", 8, "expected `,` but found `2`"),
        ("k in [1,]", 8, "found `]`"),
        ('"x" in ["x"]', 0, "only a fact can stand before `in`"),
        ("subset(s)", 8, "expected `,` but found `)`"),
        ('subset("s", [])', 7, "expected a fact but found"),
        ('a &&\n b == date("2026-02-30")', 16, "is not a date"),
        ("a + 1 > 2", 2, "`+` cannot stand here"),
        ("n > -1", 4, "`-` cannot stand here"),
        ("甲 && b", 0, "`甲` (U+7532) is not ASCII"),
        ("a.", 1, "`.` cannot stand here"),
    ],
)
def test_an_error_says_what_and_where(text: str, at: int, message: str) -> None:
    with pytest.raises(ConditionError) as caught:
        parse_condition(text)
    assert message in caught.value.message
    assert caught.value.at == at


@pytest.mark.parametrize("text", ["a == date(", "date(", "n > " + "9" * 5_000])
def test_an_unfinished_date_and_a_number_without_end_are_errors_of_ours(text: str) -> None:
    with pytest.raises(ConditionError):
        parse_condition(text)


@pytest.mark.parametrize(
    "text", ['d == date("2026-W01-1")', 'd == date("20260101")', "d == date(20260101)", "n == ٣"]
)
def test_dates_and_numbers_have_one_spelling(text: str) -> None:
    with pytest.raises(ConditionError):
        parse_condition(text)


WORDS = [
    "a",
    "b.c",
    "in",
    "date",
    "subset",
    "(",
    ")",
    "[",
    "]",
    ",",
    "!",
    "&&",
    "||",
    "==",
    "<",
    '"x"',
    "1",
    "true",
    "=",
]


@given(st.text(max_size=60) | st.lists(st.sampled_from(WORDS), max_size=14).map(" ".join))
@example("subset(")
@example("k in [")
@example("\x00")
def test_garbage_raises_our_error_and_points_inside_the_text(text: str) -> None:
    try:
        parse_condition(text)
    except ConditionError as e:
        assert 0 <= e.at <= len(text)
        assert e.message


@pytest.mark.parametrize(
    "text", ["(" * 5_000 + "a" + ")" * 5_000, "!" * 5_000 + "a", "(!" * 5_000 + "a"]
)
def test_deep_nesting_is_refused(text: str) -> None:
    with pytest.raises(ConditionError, match="nested too deeply"):
        parse_condition(text)


def test_reasonable_nesting_and_any_width_are_accepted() -> None:
    half = DEPTH // 2 - 1
    assert parse_condition("(" * half + "a" + ")" * half) == Name("a", half)
    assert shape(parse_condition(" && ".join(["a"] * 5_000))).count("a") == 5_000
