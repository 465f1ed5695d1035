"""YAML and JSON of packs: no key twice, no value of another type than written, only our errors."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from heyi.model.errors import RuleError
from heyi.policy.language.strict_yaml import load_json, load_yaml


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        ("a: 1\na: 2\n", 2, 1),
        ("{a: 1, b: 2, a: 3}", 1, 14),
        ("x:\n  y: 1\n  z: 2\n  y: 3\n", 4, 3),
        ("- {p: 1}\n- {q: 1, q: 1}\n", 2, 10),
        ('a: 1\n"a": 2\n', 2, 1),
    ],
)
def test_a_key_given_twice_is_refused_at_its_place(text: str, line: int, column: int) -> None:
    with pytest.raises(RuleError, match="duplicate key") as caught:
        load_yaml(text, file="f.yaml", line=10)
    assert (caught.value.file, caught.value.line, caught.value.column) == (
        "f.yaml",
        9 + line,
        column,
    )
    assert caught.value.excerpt == text.splitlines()[line - 1]


@pytest.mark.parametrize(
    "word", ["yes", "no", "on", "off", "Yes", "NO", "y", "n", "True", "FALSE", "2026-01-01"]
)
def test_words_and_days_stay_text(word: str) -> None:
    assert load_yaml(f"{word}: {word}", file="f.yaml") == {word: word}


def test_what_is_meant_as_another_type_is_that_type() -> None:
    text = "{a: true, b: false, c: 12, d: [x, y], e: '12', f: 10_000}"
    assert load_yaml(text, file="f.yaml") == {
        "a": True,
        "b": False,
        "c": 12,
        "d": ["x", "y"],
        "e": "12",
        "f": 10_000,
    }


@pytest.mark.parametrize(
    "text",
    [
        "a: [1",
        "a: b: c",
        "\tx: 1",
        "a: *nothing",
        "a: 1\n---\nb: 2",
        "!!python/name:os.system",
        "a: \0",
    ],
)
def test_malformed_yaml_is_an_error_with_a_place(text: str) -> None:
    with pytest.raises(RuleError) as caught:
        load_yaml(text, file="f.yaml", line=5)
    assert caught.value.file == "f.yaml" and caught.value.line >= 5


@pytest.mark.parametrize(
    "text",
    [
        "[a]: b",
        "{{a: b}: c}",
        "a: !!int abc",
        "a: !!bool maybe",
        "a: !!timestamp x",
        "[" * 3_000,
    ],
    ids=lambda text: text[:20],
)
def test_no_yaml_raises_an_error_of_python(text: str) -> None:
    with pytest.raises(RuleError):
        load_yaml(text, file="f.yaml")


@pytest.mark.parametrize(
    "text", ["0b_", "010", "1:30", "1e3", "1.5", "9" * 5_000], ids=lambda text: text[:20]
)
def test_what_is_no_plain_whole_number_stays_text(text: str) -> None:
    assert load_yaml(f"a: {text}", file="f.yaml") == {"a": text}


@given(st.text(alphabet="ab: -[]{},\"'\n#&*!|>?%@`0_1", max_size=30))
@example("? a\n? a")
def test_yaml_garbage_raises_our_error(text: str) -> None:
    try:
        load_yaml(text, file="f.yaml")
    except RuleError as e:
        assert e.line >= 1 and e.column >= 1


def test_json_keys_are_unique_at_every_depth() -> None:
    assert load_json('{"a": {"b": 1}, "c": {"b": 2}}', file="f.json") == {
        "a": {"b": 1},
        "c": {"b": 2},
    }
    with pytest.raises(RuleError, match="duplicate key `b`") as caught:
        load_json('{"a": 1,\n "c": {"b": 1, "b": 2}}', file="f.json")
    assert caught.value.line == 2


@pytest.mark.parametrize(
    ("text", "line", "column"), [('{"a": 1,\n "b" 2}', 2, 6), ("", 1, 1), ("{'a': 1}", 1, 2)]
)
def test_malformed_json_is_an_error_with_a_place(text: str, line: int, column: int) -> None:
    with pytest.raises(RuleError) as caught:
        load_json(text, file="f.json")
    assert (caught.value.line, caught.value.column) == (line, column)


@pytest.mark.parametrize("text", ["[" * 100_000, "9" * 5_000], ids=["deep", "long"])
def test_no_json_raises_an_error_of_python(text: str) -> None:
    with pytest.raises(RuleError):
        load_json(text, file="f.json")
