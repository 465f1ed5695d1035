"""The state: what was registered comes back from the log unchanged, and a stray field does not."""

from __future__ import annotations

import pytest

from heyi.audit.event import Event, from_leaf
from heyi.exchange.state import State, asset_from_json, asset_to_json
from heyi.model.errors import InvalidInput
from tests.support.story import Story


def registered(story: Story, kind: str) -> list[Event]:
    events = [from_leaf(e.leaf) for e in story.app.consortium.log.store.entries()]
    return [e for e in events if e.kind == kind]


def test_an_asset_is_the_same_after_the_log(story: Story) -> None:
    for event in registered(story, "asset.registered"):
        assert asset_to_json(asset_from_json(event.public)) == event.public


@pytest.mark.parametrize("kind", ["party.registered", "asset.registered"])
def test_a_field_that_nothing_reads_is_refused(story: Story, kind: str) -> None:
    event = registered(story, kind)[0]
    stray = Event(kind=kind, at=event.at, actor=event.actor, public={**event.public, "zip": "1"})
    with pytest.raises(InvalidInput, match="has fields that nothing reads"):
        State().apply(0, stray, None)
