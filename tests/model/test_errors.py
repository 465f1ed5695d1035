"""Errors say whose fault it is, where, and what to do next."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heyi.model.errors import HeyiError, InvalidInput, RuleError, StoreError, VerificationError


def columns(text: str) -> int:
    """The width of a text on a terminal."""
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def caret(excerpt: str, column: int) -> str:
    """The text before the caret."""
    error = RuleError("wrong", file="pipl.md", line=3, column=column, excerpt=excerpt)
    _, shown, pointer = str(error).split("\n")
    assert shown == f"  {excerpt}"
    assert pointer.endswith("^")
    return pointer.removeprefix("  ").removesuffix("^")


@pytest.mark.parametrize(
    ("excerpt", "column"),
    [("when: data.personal", 1), ("when: data.personal", 7),
     ("says: {zh: 须取得监护人同意, en: x}", 20), ("须取得监护人同意 en", 9),
     ("须取得（监护人）同意，en", 12), ("患者 age 年龄", 8), ("ＳＢＰ >= 140", 5)],
)  # fmt: skip
def test_the_caret_stands_under_its_character(excerpt: str, column: int) -> None:
    assert columns(caret(excerpt, column)) == columns(excerpt[: column - 1])


@given(st.text(st.sampled_from("abc 须取得同意，。（）"), min_size=1, max_size=30), st.data())
def test_the_caret_stands_right_in_any_mixed_text(excerpt: str, data: st.DataObject) -> None:
    column = data.draw(st.integers(1, len(excerpt)))
    assert columns(caret(excerpt, column)) == columns(excerpt[: column - 1])


@pytest.mark.parametrize("excerpt", ["\twhen: x", "zh:\t同意 x"])
def test_the_caret_goes_as_far_as_a_tab(excerpt: str) -> None:
    """The terminal decides how wide a tab is, so only another tab has the same width."""
    lead = caret(excerpt, len(excerpt))
    assert [i for i, c in enumerate(lead) if c == "\t"] == [
        i for i, c in enumerate(excerpt[:-1]) if c == "\t"
    ]


def test_half_width_letters_beyond_chinese_take_one_column() -> None:
    assert columns(caret("ｱｲｳ x", 5)) == 4


def test_a_rule_error_names_file_line_and_column() -> None:
    error = RuleError(
        "unknown fact `age`", file="cn/pipl.md", line=12, column=7, hint="see facts.toml"
    )
    assert str(error) == "cn/pipl.md:12:7: unknown fact `age`; see facts.toml"


def test_the_tree_of_errors() -> None:
    assert issubclass(RuleError, InvalidInput)
    assert all(issubclass(e, HeyiError) for e in (InvalidInput, VerificationError, StoreError))
    assert not issubclass(VerificationError, InvalidInput)
    assert (
        HeyiError("x").exit_code,
        InvalidInput("x").exit_code,
        VerificationError("x").exit_code,
    ) == (1, 2, 1)
    assert str(StoreError("the disk is full", hint="free it")) == "the disk is full; free it"
    assert str(StoreError("the disk is full")) == "the disk is full"
