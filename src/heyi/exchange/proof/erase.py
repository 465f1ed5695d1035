"""Erase bodies of entries for good; their leaves stay in the log."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from heyi.audit.event import from_leaf
from heyi.exchange.consortium import Consortium, command
from heyi.exchange.events.erased import BodyErased
from heyi.exchange.events.used import ConsentWithdrawn
from heyi.exchange.projections import CASE, stream
from heyi.exchange.writer import Done
from heyi.model.errors import InvalidInput, StoreError


def erase(consortium: Consortium, entries: Sequence[int], *, reason: str, by: str) -> list[int]:
    """Erase the bodies of entries and return the indices of the events that record it.

    Erasures and events are one transaction. After it, the erased bytes are overwritten on the disk,
    once for the whole batch.

    Raises:
        InvalidInput: there is no such entry, it has no body (any more), it is a withdrawal, or
            there is no reason.
        StoreError: as its message says: nothing was erased, or only the overwriting is missing.
    """
    store = consortium.log.store
    try:
        logged = _log_erasures(consortium, entries, reason=reason, by=by)
    except InvalidInput:
        # an earlier command may have been cut off between the erasure and the overwriting
        # one that cannot be finished now stays due, and `heyi log check` says so
        with suppress(StoreError):
            if store.scrub_due():
                store.scrub()
        raise
    try:
        store.scrub()
    except StoreError as e:
        said = f"the bodies are erased, logged as {', '.join(map(str, logged))}: {e.message}"
        raise StoreError(said, hint=e.hint) from e
    return logged


def bodies_of(consortium: Consortium, case: str) -> list[int]:
    """The entries of a case that still have their bodies.

    Raises:
        InvalidInput: there is no such case, or no body of it is left.
    """
    consortium.case(case)
    held = [e.index for e in consortium.log.store.stream(stream(CASE, case)) if e.body is not None]
    if not held:
        raise InvalidInput(f"no body of case `{case}` is left", hint="they were erased before")
    return held


@command
def _log_erasures(
    consortium: Consortium, entries: Sequence[int], *, reason: str, by: str
) -> Done[list[int]]:
    if not reason.strip():
        raise InvalidInput(
            "an erasure needs a reason",
            hint="it is logged for everybody to see, so name nobody in it",
        )
    events = []
    for entry in dict.fromkeys(entries):
        case = _case_of(consortium, entry)
        what = BodyErased(entry=entry, reason=reason)
        events.append(consortium.draft(what, by=by, case=case))
    first = consortium.writer.next_entry
    answer = list(range(first, first + len(events)))
    return Done(events, answer, erase=list(dict.fromkeys(entries)))


def _case_of(consortium: Consortium, entry: int) -> str:
    """The case of an entry with a body, empty if it has none."""
    size = consortium.log.size
    if not 0 <= entry < size:
        raise InvalidInput(
            f"the log has no entry {entry}", hint=f"entries run from 0 to {size - 1}"
        )
    found = next(iter(consortium.log.store.entries(entry, entry + 1)))
    if found.body is None:
        raise InvalidInput(
            f"entry {entry} has no body to erase", hint="it never had one, or it was erased before"
        )
    event = from_leaf(found.leaf)
    if event.kind == ConsentWithdrawn.KIND:
        raise InvalidInput(
            f"entry {entry} is a withdrawal, whose token every node that opens later must be told",
            hint="keep it: without it the person would be counted again",
        )
    return event.case
