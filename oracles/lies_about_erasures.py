"""Lies about bodies that were erased."""

from __future__ import annotations

from msgspec import structs

from heyi.exchange.consortium import PLATFORM
from heyi.exchange.events import applied
from heyi.exchange.events.erased import BodyErased
from heyi.exchange.proof.erase import erase
from heyi.model.decision import Outcome as Answer
from oracles.forge import again, first, forge, last, logged
from oracles.lies_about_facts import ground
from oracles.lying import CLAIM, HOSPITAL, TRAINING, Expected, Operator, Outcome, Room

ROOM = Room()
lie = ROOM.lie


# --- erasures ---


def _hidden(op: Operator, case: str, made: applied.DecisionMade) -> tuple[int, list[int]]:
    """A decision whose body and facts are erased; (its entry, the bodies that are to go)."""
    _, body = ground(op, case, HOSPITAL, {})
    entry = forge(op.consortium, made, by=PLATFORM, case=case, body=body)
    kinds = (applied.RequestSubmitted, applied.FactStated, applied.DecisionMade)
    return entry, [e.index for kind in kinds for e in logged(op.consortium, kind, case=case)]


@lie("it was permitted, for reasons that had to be erased")
def a_permit_granted_and_erased(op: Operator) -> Outcome:
    """The leaf's own rules deny, its outcome permits; permit first, erase later."""
    made, _ = ground(op, CLAIM, HOSPITAL, {})
    entry, bodies = _hidden(op, CLAIM, structs.replace(made, outcome=Answer.PERMIT, curable=False))
    op.issued(op.reading(CLAIM))
    erase(op.consortium, bodies, reason="asked", by=PLATFORM)
    return Expected(entry=entry, words="the erased decision's own rules contradict its outcome")


@lie("it was permitted, for reasons that had to be erased")
def a_red_line_erased(op: Operator) -> Outcome:
    """The leaf names no rule at all, so that nothing in it contradicts the outcome."""
    made, _ = ground(op, CLAIM, HOSPITAL, {})
    made = structs.replace(
        made, outcome=Answer.PERMIT, curable=False, rules={}, missing=(), unknown=(),
        approvals=(), obligations=(),
    )  # fmt: skip
    entry, bodies = _hidden(op, CLAIM, made)
    erase(op.consortium, bodies, reason="asked", by=PLATFORM)
    return Expected(entry=entry, words="what is left of its facts")


@lie("it was refused, for reasons that had to be erased")
def an_invented_refusal_erased(op: Operator) -> Outcome:
    """The leaf names a red line that the public facts alone rule out."""
    made, _ = ground(op, CLAIM, HOSPITAL, {})
    made = structs.replace(made, rules={**made.rules, "AIDS-39.1": "true"})
    entry, bodies = _hidden(op, CLAIM, made)
    erase(op.consortium, bodies, reason="asked", by=PLATFORM)
    return Expected(entry=entry, words="what is left of its facts")


@lie("a body was erased")
def an_erasure_of_nothing(op: Operator) -> Outcome:
    """The event names an entry that does not exist."""
    entry = forge(op.consortium, BodyErased(entry=10**6, reason="x"), by=PLATFORM)
    return Expected(entry=entry, words="which is not before it")


@lie("a body was erased")
def an_erasure_of_itself(op: Operator) -> Outcome:
    """The event names its own entry."""
    size = op.consortium.log.size
    entry = forge(op.consortium, BodyErased(entry=size, reason="x"), by=PLATFORM)
    return Expected(entry=entry, words="which is not before it")


@lie("a body was erased")
def an_erasure_before_the_log(op: Operator) -> Outcome:
    """The event names an entry below zero."""
    entry = forge(op.consortium, BodyErased(entry=-1, reason="x"), by=PLATFORM)
    return Expected(entry=entry, words="names no entry")


@lie("a body was erased")
def an_erasure_where_there_was_no_body(op: Operator) -> Outcome:
    """The event names an entry without a body."""
    entry = forge(op.consortium, BodyErased(entry=0, reason="x"), by=PLATFORM)
    return Expected(entry=entry, words="never had a body")


@lie("a body was erased twice")
def an_erasure_again(op: Operator) -> Outcome:
    """The event of the story is logged again."""
    entry = again(op.consortium, first(op.consortium, BodyErased))
    return Expected(entry=entry, words="which was erased before")


@lie("the body is gone")
def an_erasure_that_did_not_happen(op: Operator) -> Outcome:
    """The event is there, and the body too."""
    found = last(op.consortium, applied.DecisionMade, case=CLAIM)
    what = BodyErased(entry=found.index, reason="x")
    entry = forge(op.consortium, what, by=PLATFORM, case=CLAIM)
    return Expected(entry=entry, words="but its body is still there")


@lie("a body of this case was erased")
def an_erasure_in_another_case(op: Operator) -> Outcome:
    """The event stands in another case, so that the case of the entry shows nothing."""
    found = last(op.consortium, applied.DecisionMade, case=CLAIM)
    what = BodyErased(entry=found.index, reason="x")
    entry = forge(op.consortium, what, by=PLATFORM, case=TRAINING, erase=[found.index])
    return Expected(entry=entry, words="in another case")


@lie("there never was a body")
def a_body_gone_without_a_word(op: Operator) -> Outcome:
    """The body is deleted from the database."""
    found = first(op.consortium, applied.FactStated, case=CLAIM)
    with op.database() as database:
        database.execute("delete from bodies where idx = ?", (found.index,))
    return Expected(entry=found.index, words="the body is gone, though no event says")
