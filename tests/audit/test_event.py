"""Events and their leaves: a round trip, and only the leaf of an event is read as one."""

from dataclasses import replace
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heyi.audit.event import Event, from_leaf
from heyi.crypto.canonical import canonical, from_canonical
from heyi.crypto.commitment import Commitment, commit_bytes
from heyi.model.errors import InvalidInput, VerificationError

NAME = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
EVENTS = st.builds(
    Event,
    kind=NAME,
    at=st.integers(0, 2**40),
    actor=NAME,
    case=NAME,
    public=st.dictionaries(
        NAME, st.none() | st.integers(-9, 9) | st.lists(NAME, max_size=2), max_size=3
    ),
    commitment=st.none()
    | st.builds(Commitment, mac=st.binary(min_size=32, max_size=32).map(bytes.hex)),
    version=st.integers(1, 9),
)
EVENT = Event(
    kind="k", at=1, actor="a", public={"n": 1}, commitment=commit_bytes(b'{"b":1}', b"k" * 32)
)


@given(EVENTS)
def test_an_event_is_read_back_from_its_leaf(event: Event) -> None:
    assert from_leaf(event.to_leaf()) == event


@given(EVENTS, EVENTS)
def test_two_events_have_two_leaves(one: Event, other: Event) -> None:
    assert (one.to_leaf() == other.to_leaf()) is (one == other)


def test_a_leaf_has_these_bytes() -> None:
    event = Event(kind="request.made", at=7, actor="lab", case="c-1", public={"资产": ["a"]})
    assert event.to_leaf().decode() == (
        '{"actor":"lab","at":7,"body":null,"case":"c-1","kind":"request.made",'
        '"public":{"资产":["a"]},"v":1}'
    )


def test_nothing_floating_stands_in_a_leaf() -> None:
    with pytest.raises(InvalidInput, match="quantise"):
        Event(kind="k", at=1, actor="a", public={"share": 0.5}).to_leaf()


def changed(**members: Any) -> bytes:
    return canonical({**from_canonical(EVENT.to_leaf()), **members})


def without(member: str) -> bytes:
    value = from_canonical(EVENT.to_leaf())
    del value[member]
    return canonical(value)


MAC = "0" * 64


@pytest.mark.parametrize(
    "leaf",
    [
        pytest.param(without(m), id=f"without {m}")
        for m in ("v", "kind", "at", "actor", "case", "public", "body")
    ]
    + [
        pytest.param(changed(v=0), id="version 0"),
        pytest.param(changed(v=-1), id="version -1"),
        pytest.param(changed(v="1"), id="version as text"),
        pytest.param(changed(body={"mac": MAC}), id="commitment without algorithm"),
        pytest.param(changed(body=[]), id="commitment as list"),
        pytest.param(changed(body="x"), id="commitment as text"),
        pytest.param(EVENT.to_leaf() + b"\n", id="newline"),
        pytest.param(b"", id="nothing"),
        pytest.param(b"null", id="null"),
        pytest.param(b"[]", id="list"),
        pytest.param(b'"v"', id="text"),
        pytest.param(b"1", id="number"),
    ],
)
def test_what_is_no_event_is_refused(leaf: bytes) -> None:
    with pytest.raises(VerificationError):
        from_leaf(leaf)


@pytest.mark.parametrize(
    "members",
    [{"v": True}, {"kind": 5}, {"at": "1"}, {"at": True}, {"actor": None}, {"case": None},
     {"public": []}, {"public": None},
     {"body": {"alg": "hmac-sha256", "mac": 5}}, {"body": {"alg": 5, "mac": MAC}}],
    ids=repr,
)  # fmt: skip
def test_members_of_another_type_are_refused(members: dict[str, Any]) -> None:
    with pytest.raises(VerificationError):
        from_leaf(changed(**members))


@pytest.mark.parametrize(
    "leaf",
    [changed(surplus=1), changed(body={"alg": "hmac-sha256", "mac": MAC, "surplus": 1})],
    ids=["leaf", "commitment"],
)
def test_members_of_a_later_version_say_what_to_do(leaf: bytes) -> None:
    with pytest.raises(VerificationError, match="upgrade heyi"):
        from_leaf(leaf)


@pytest.mark.parametrize(
    "event",
    [replace(EVENT, version=0), replace(EVENT, at=True), replace(EVENT, kind=cast(str, 5)),
     replace(EVENT, public=cast(dict[str, Any], []))],
    ids=["version 0", "time that is no number", "kind that is no text", "public list"],
)  # fmt: skip
def test_what_could_not_be_read_again_is_not_written(event: Event) -> None:
    with pytest.raises(InvalidInput, match="malformed"):
        event.to_leaf()


@given(st.binary(max_size=60))
def test_garbage_raises_our_error(data: bytes) -> None:
    with pytest.raises(VerificationError):
        from_leaf(data)
