"""Lies about the form of entries."""

from __future__ import annotations

from dataclasses import replace

from heyi.audit.event import Event
from heyi.crypto.canonical import Json
from heyi.exchange.consortium import PLATFORM
from heyi.exchange.events import applied, registered, used
from oracles.forge import again, first, forge, forge_raw, last, raw
from oracles.lying import CLAIM, NOWHERE, Expected, Operator, Outcome, Room

ROOM = Room()
lie = ROOM.lie


# --- form ---


def _altered(op: Operator, **changed: object) -> int:
    """Log an event again whose leaf no class can say."""
    found = last(op.consortium, applied.DecisionMade, case=CLAIM)
    event, body = raw(op.consortium, found.index)
    event = replace(event, at=op.now, **changed)  # type: ignore[arg-type]
    return forge_raw(op.consortium, event, body)


@lie("nothing to see here")
def an_unknown_kind(op: Operator) -> Outcome:
    """The event is of a kind that nobody knows."""
    return Expected(entry=_altered(op, kind="decision.unmade"), words="unknown kind of event")


@lie("this is no decision")
def a_kind_with_a_stray_dot(op: Operator) -> Outcome:
    """A decision's kind is written with a dot too many."""
    return Expected(entry=_altered(op, kind="decision.made."), words="unknown kind of event")


@lie("this is no decision")
def a_kind_with_a_space(op: Operator) -> Outcome:
    """A decision's kind is written with a space."""
    return Expected(entry=_altered(op, kind=" decision.made"), words="unknown kind of event")


@lie("this is read by a later version")
def another_version(op: Operator) -> Outcome:
    """The decision is of a version that nobody knows."""
    return Expected(entry=_altered(op, version=2), words="unknown kind of event")


@lie("everybody can read what was decided")
def an_unknown_field(op: Operator) -> Outcome:
    """The leaf has one field more."""
    found = last(op.consortium, applied.DecisionMade, case=CLAIM)
    event, _ = raw(op.consortium, found.index)
    entry = _altered(op, public={**event.public, "really": "permit"})
    return Expected(entry=entry, words="`decision.made`")


@lie("everybody can read what was decided")
def a_missing_field(op: Operator) -> Outcome:
    """The leaf has one field less."""
    found = last(op.consortium, applied.DecisionMade, case=CLAIM)
    event, _ = raw(op.consortium, found.index)
    public = {n: v for n, v in event.public.items() if n != "outcome"}
    return Expected(entry=_altered(op, public=public), words="`decision.made`")


@lie("the body was erased long ago")
def an_erasure_that_names_no_number(op: Operator) -> Outcome:
    """The entry that was erased is given as a word."""
    public: dict[str, Json] = {"entry": "all", "reason": "x"}
    event = Event(kind="body.erased", at=op.now, actor=PLATFORM, public=public)
    return Expected(entry=forge_raw(op.consortium, event), words="names no entry")


@lie("the decision has its grounds")
def a_decision_without_a_body(op: Operator) -> Outcome:
    """The leaf commits to nothing."""
    found = last(op.consortium, applied.DecisionMade, case=CLAIM)
    event, _ = raw(op.consortium, found.index)
    event = replace(event, at=op.now, commitment=None)
    return Expected(entry=forge_raw(op.consortium, event), words="has a body")


@lie("this belongs to no case")
def a_decision_without_a_case(op: Operator) -> Outcome:
    """The decision stands outside every case."""
    return Expected(entry=_altered(op, case=""), words="belongs to a case")


@lie("this belongs to a case")
def a_party_in_a_case(op: Operator) -> Outcome:
    """A registration stands in a case."""
    found = first(op.consortium, registered.ProfileVouched)
    entry = again(op.consortium, found, case=CLAIM)
    return Expected(entry=entry, words="belongs to no case")


@lie("the case exists")
def an_event_of_a_case_that_nobody_submitted(op: Operator) -> Outcome:
    """The result is of a case without a request."""
    what = used.ResultReleased(operation=NOWHERE, answered=(), refused={}, figures={})
    entry = forge(op.consortium, what, by=PLATFORM, case="nobodys")
    return Expected(entry=entry, words="nobody submitted the case `nobodys`")


@lie("this is what was logged")
def a_changed_leaf(op: Operator) -> Outcome:
    """The leaf of a refusal is changed in the database."""
    found = first(op.consortium, applied.DecisionMade, case=CLAIM)
    with op.database() as database:
        ((leaf,),) = database.execute("select leaf from entries where idx = ?", (found.index,))
        leaf = leaf.replace(b'"deny"', b'"permit"')
        database.execute("update entries set leaf = ? where idx = ?", (leaf, found.index))
    return Expected(entry=found.index, words="the leaf was changed after it was logged")


@lie("this is what was said")
def a_changed_body(op: Operator) -> Outcome:
    """The body of a fact is changed in the database."""
    found = first(op.consortium, applied.FactStated, case=CLAIM)
    with op.database() as database:
        ((body,),) = database.execute("select body from bodies where idx = ?", (found.index,))
        body = body.replace(b"false", b"true", 1)
        database.execute("update bodies set body = ? where idx = ?", (body, found.index))
    return Expected(entry=found.index, words="commit")
