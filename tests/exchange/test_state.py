"""The state: what was registered comes back from the log unchanged, and a stray field does not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from heyi.crypto.codec import to_json
from heyi.exchange.events.event_kinds import ALL, read_event
from heyi.exchange.events.typed import TypedEvent
from heyi.exchange.projections import differences
from heyi.exchange.state import State
from heyi.exchange.streams import loading_state
from heyi.model.errors import VerificationError
from oracles.forge import logged, raw
from tests.support.story import Story

NOT_IN_THE_STORY = ("alarm.raised", "settlement.withdrawn", "log.succeeded")
TOLD = [kind for kind in ALL if kind.KIND not in NOT_IN_THE_STORY]


@pytest.mark.parametrize("kind", TOLD, ids=lambda k: k.KIND)
def test_an_event_of_each_kind_is_the_same_after_the_log_and_a_stray_field_is_refused(
    story: Story, kind: type[TypedEvent]
) -> None:
    found = logged(story.app.consortium, kind)
    assert found, "the story has an event of each kind"
    for entry in found:
        event, body = raw(story.app.consortium, entry.index)
        assert to_json(entry.what) == event.public
        assert entry.body is None or to_json(entry.body) == body
    event, body = raw(story.app.consortium, found[0].index)
    for stray in (
        replace(event, public={**event.public, "zip": "1"}),
        replace(event, public=dict(list(event.public.items())[1:])),
        replace(event, version=2),
        replace(event, kind=f"{event.kind}.also"),
    ):
        with pytest.raises(VerificationError, match=f"`{event.kind}"):
            read_event(found[0].index, stray, body)


def test_the_loaded_state_is_the_fold_of_the_whole_log(story: Story) -> None:
    """Streams leave nothing out: each part that is loaded by itself is what all events give."""
    consortium, whole = story.app.consortium, State()
    for entry in logged(consortium, TypedEvent):
        whole.apply(entry)
    loaded = loading_state(story.app.database)
    assert loaded.rulebook == whole.rulebook
    for name in ("parties", "registry", "profiles", "nodes", "assets", "cases"):
        wanted = getattr(whole, name)
        assert {key: getattr(loaded, name)[key] for key in wanted} == wanted, name
    assert set(loaded.cases) == set(whole.cases) and set(loaded.assets) == set(whole.assets)
    assert list(differences(story.app.database)) == []
