"""Canonical JSON: one value, one sequence of bytes, and nothing else is read."""

from contextlib import suppress
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from heyi.crypto.canonical import canonical, digest, digest_bytes, from_canonical
from heyi.model.errors import InvalidInput, VerificationError

LIMIT = 2**53 - 1
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-LIMIT, LIMIT) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)


@given(VALUES)
def test_what_is_written_is_read_back(value: Any) -> None:
    assert from_canonical(canonical(value)) == value


@given(VALUES)
def test_both_ways_of_writing_give_the_bytes_of_rfc_8785(value: Any) -> None:
    assert canonical(value) == rfc8785.dumps(value)


@given(st.dictionaries(st.text("aé\uffff\ue000\U0001f600\U00010000", max_size=3), st.none()))
def test_names_beyond_the_basic_plane_are_sorted_by_utf_16(value: Any) -> None:
    assert canonical(value) == rfc8785.dumps(value)


@pytest.mark.parametrize("character", [*map(chr, range(0x20)), "\x7f", "\x80", "\u2028", "/", '"'])
def test_each_control_character_is_escaped_alike(character: str) -> None:
    assert canonical([character]) == rfc8785.dumps([character])


@given(st.dictionaries(TEXT, st.integers(0, 9), max_size=6))
def test_the_order_of_members_does_not_matter(value: dict[str, int]) -> None:
    assert canonical(dict(reversed(value.items()))) == canonical(value)


def test_members_are_sorted_as_in_rfc_8785_section_3_2_3() -> None:
    value = {
        "\u20ac": "Euro Sign",
        "\r": "Carriage Return",
        "\ufb33": "Hebrew Letter Dalet With Dagesh",
        "1": "One",
        "\U0001f600": "Emoji: Grinning Face",
        "\u0080": "Control",
        "\u00f6": "Latin Small Letter O With Diaeresis",
    }
    assert list(from_canonical(canonical(value)).values()) == [
        "Carriage Return",
        "One",
        "Control",
        "Latin Small Letter O With Diaeresis",
        "Euro Sign",
        "Emoji: Grinning Face",
        "Hebrew Letter Dalet With Dagesh",
    ]


def test_strings_are_escaped_as_in_rfc_8785_section_3_2_2() -> None:
    value = {"string": '\u20ac$\u000f\u000aA\'B"\\\\"/', "literals": [None, True, False]}
    assert canonical(value) == (
        rb'{"literals":[null,true,false],"string":"'
        + "€".encode()
        + rb"$\u000f\nA"
        + rb"'B\"\\\\\"/"
        + rb'"}'
    )


@pytest.mark.parametrize(
    "value",
    [0.5, 1.0, float("nan"), float("inf"), [1, [2, 3.0]], {"a": {"b": (1.5,)}},
     LIMIT + 1, -LIMIT - 1, {"n": 2**70}, {1: 2}, {None: 1},
     {1, 2}, b"bytes", object(), "\ud800", ["\udfff"]],
)  # fmt: skip
def test_what_has_no_canonical_form_is_refused(value: object) -> None:
    with pytest.raises(InvalidInput):
        canonical(value)


def test_a_name_with_half_a_surrogate_pair_is_refused() -> None:
    with pytest.raises(InvalidInput):
        canonical({"\ud800": 1})


@pytest.mark.parametrize("number", [LIMIT, -LIMIT, 0, -1])
def test_whole_numbers_are_kept_up_to_the_limit(number: int) -> None:
    assert from_canonical(canonical(number)) == number


@pytest.mark.parametrize(
    "spelling",
    [b"", b" 1", b"1 ", b"1\n", b"[1, 2]", b'{"b":1,"a":2}', b'{"a":1,"a":1}', b'{"a":1,"a":2}',
     b'"\\u0041"', b'"\\/"', b'"\\u00e9"', b"-0", b"01", b"1.0", b"1e2", b"1E400", b"NaN",
     b"Infinity", b"9007199254740992", b"\xef\xbb\xbf1", "1".encode("utf-16"),
     "\"é\"".encode("latin-1"), b'"\\ud800"', b'{"\\ud800":1}', b"9" * 5000, b"[" * 100_000,
     b'{"a":' * 100_000],
    ids=lambda spelling: repr(spelling[:20]),
)  # fmt: skip
def test_another_spelling_is_refused(spelling: bytes) -> None:
    with pytest.raises(VerificationError):
        from_canonical(spelling)


@given(
    st.binary(max_size=40)
    | st.text(alphabet='{}[]",:\\u0123456789eE+-. tfnaé', max_size=30).map(str.encode)
)
def test_garbage_raises_our_error_or_is_canonical(data: bytes) -> None:
    try:
        value = from_canonical(data)
    except VerificationError:
        return
    assert canonical(value) == data


@given(VALUES, st.data())
def test_a_changed_byte_gives_another_value_or_none(value: Any, data: st.DataObject) -> None:
    written = bytearray(canonical(value))
    written[data.draw(st.integers(0, len(written) - 1))] ^= data.draw(st.integers(1, 255))
    with suppress(VerificationError):
        assert canonical(from_canonical(bytes(written))) != canonical(value)


def test_digests_are_of_the_canonical_bytes() -> None:
    empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert digest_bytes(b"") == f"sha256:{empty}"
    assert digest({"b": 1, "a": "é"}) == digest_bytes('{"a":"é","b":1}'.encode())
    assert digest({"b": 1, "a": "é"}) != digest({"b": 1, "a": "e\u0301"})


@given(
    st.dictionaries(
        st.text(st.characters(max_codepoint=127)), st.text(st.characters(exclude_categories=["Cs"]))
    )
)
def test_texts_have_the_bytes_of_the_reference(texts: dict[str, str]) -> None:
    assert canonical(texts) == rfc8785.dumps(texts)


def test_a_text_that_is_no_unicode_is_refused() -> None:
    with pytest.raises(InvalidInput, match="canonically"):
        canonical({"a": "\ud800"})
