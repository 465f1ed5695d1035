"""The kinds of a node's log: what is written is read again, and nothing else is read."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from heyi.audit.event import Event
from heyi.crypto.canonical import Json, canonical
from heyi.crypto.codec import to_json
from heyi.crypto.commitment import commit_bytes
from heyi.federation.node.node_events import (
    KINDS,
    CallCharged,
    NodeAnswered,
    NodeEvent,
    NodeRefused,
    NodeRevoked,
    NodeWithdrew,
    QuestionPinned,
    WithdrawnToken,
    draft_node_event,
    read_node_event,
)
from heyi.model.errors import InvalidInput, VerificationError

NOW = 1_796_085_000
DIGEST = "sha256:" + "0a" * 32
TOKEN = WithdrawnToken(token="5f" * 16)
RECEIPT: dict[str, Any] = {
    "permit": "case-1.clinic-a-visits",
    "holder": "clinic-a",
    "host": "hospital",
    "operation": DIGEST,
    "argument": DIGEST,
    "number": 3,
    "at": NOW,
    "signature": "0b" * 64,
}
ONE_OF_EACH = [
    NodeRevoked(permit="p", at=NOW - 60),
    NodeWithdrew(scope="*", at=NOW - 60),
    QuestionPinned(permit="p", what="without", digest=DIGEST),
    CallCharged(permit="p", number=1),
    NodeAnswered(**RECEIPT, refusal="", result=DIGEST),
    NodeRefused(**RECEIPT | {"number": -1}, refusal="calls", result=""),
]


def written(what: NodeEvent) -> tuple[Event, Json]:
    """The event as the log keeps it, and its body."""
    body = None if what.BODY is None else TOKEN
    draft = draft_node_event(what, at=NOW, actor="clinic-a", case="case-1", body=body)
    if draft.body is None:
        return draft.event, None
    return replace(
        draft.event, commitment=commit_bytes(canonical(draft.body), b"k" * 32)
    ), draft.body


def test_each_kind_is_tried_here() -> None:
    assert [what.KIND for what in ONE_OF_EACH] == list(KINDS)


@pytest.mark.parametrize("what", ONE_OF_EACH, ids=list(KINDS))
class TestEachKind:
    """What holds for every kind."""

    def test_it_comes_back_as_it_was_written(self, what: NodeEvent) -> None:
        event, body = written(what)
        assert read_node_event(event, body) == (what, None if what.BODY is None else TOKEN)

    def test_a_body_that_was_erased_leaves_the_rest_readable(self, what: NodeEvent) -> None:
        assert read_node_event(written(what)[0], None) == (what, None)

    def test_another_version_is_not_guessed(self, what: NodeEvent) -> None:
        event, body = written(what)
        with pytest.raises(VerificationError, match="version 2") as caught:
            read_node_event(replace(event, version=2), body)
        assert caught.value.hint == "upgrade heyi"

    def test_a_field_more_is_refused(self, what: NodeEvent) -> None:
        event, body = written(what)
        with pytest.raises(VerificationError, match="malformed"):
            read_node_event(replace(event, public={**event.public, "note": ""}), body)

    def test_a_field_less_is_refused(self, what: NodeEvent) -> None:
        event, body = written(what)
        for name in event.public:
            less = {k: v for k, v in event.public.items() if k != name}
            with pytest.raises(VerificationError, match="malformed"):
                read_node_event(replace(event, public=less), body)

    @pytest.mark.parametrize("value", [None, True, 1.5, [], {}, "\n"])
    def test_a_value_of_another_type_is_refused(self, what: NodeEvent, value: Json) -> None:
        event, body = written(what)
        for name in set(event.public) - {"scope", "permit", "holder", "host", "refusal"}:
            with pytest.raises(VerificationError, match="malformed"):
                read_node_event(replace(event, public={**event.public, name: value}), body)

    def test_a_body_stands_exactly_where_the_kind_has_one(self, what: NodeEvent) -> None:
        event, body = written(what)
        other = None if event.commitment else commit_bytes(b"anything", b"k" * 32)
        with pytest.raises(VerificationError, match="body"):
            read_node_event(replace(event, commitment=other), body)
        wrong = {"token": "x"} if what.BODY else to_json(TOKEN)
        with pytest.raises(VerificationError, match="body"):
            read_node_event(event, wrong)


def test_an_unknown_kind_is_refused_and_the_hint_is_to_upgrade() -> None:
    event = Event(kind="call.discharged", at=NOW, actor="clinic-a", public={"permit": "p"})
    with pytest.raises(VerificationError, match="no event of a node") as caught:
        read_node_event(event, None)
    assert "upgrade heyi" in caught.value.hint


@pytest.mark.parametrize(
    ("kind", "altered"),
    [
        ("operation.answered", {"refusal": "calls"}),
        ("operation.answered", {"result": ""}),
        ("operation.answered", {"number": 0}),
        ("operation.refused", {"refusal": ""}),
        ("operation.refused", {"refusal": "110105194912310020"}),
        ("operation.refused", {"result": DIGEST}),
        ("operation.refused", {"signature": RECEIPT["signature"].upper()}),
        ("operation.refused", {"operation": DIGEST + "\n"}),
        ("call.charged", {"number": 0}),
        ("question.pinned", {"what": "strangers"}),
        ("permit.revoked", {"at": -1}),
    ],
)
def test_what_a_node_cannot_have_done_is_malformed(kind: str, altered: dict[str, Json]) -> None:
    (event,) = (written(what)[0] for what in ONE_OF_EACH if kind == what.KIND)
    with pytest.raises(VerificationError, match="malformed"):
        read_node_event(replace(event, public=event.public | altered), None)


@pytest.mark.parametrize("altered", [{"at": NOW + 1}, {"actor": "clinic-b"}])
def test_a_receipt_and_its_event_say_the_same(altered: dict[str, Any]) -> None:
    event, _ = written(ONE_OF_EACH[4])
    with pytest.raises(VerificationError, match="another holder, or of another time"):
        read_node_event(replace(event, **altered), None)


@pytest.mark.parametrize(
    ("what", "body"),
    [
        (NodeRevoked(permit="p", at=-1), None),
        (NodeRevoked(permit="", at=NOW), None),
        (CallCharged(permit="p", number=True), None),
        (NodeWithdrew(scope="*", at=NOW), None),
        (NodeWithdrew(scope="*", at=NOW), WithdrawnToken(token="110105194912310020")),
        (CallCharged(permit="p", number=1), TOKEN),
    ],
)
def test_what_nobody_could_read_is_not_written(
    what: NodeEvent, body: WithdrawnToken | None
) -> None:
    with pytest.raises(InvalidInput):
        draft_node_event(what, at=NOW, actor="clinic-a", body=body)
