"""Erase the body of an entry for good; its leaf stays in the log."""

from __future__ import annotations

from heyi.exchange.consortium import Consortium
from heyi.model.errors import InvalidInput


def erase(consortium: Consortium, entry: int, *, reason: str) -> int:
    """Erase the body of an entry and return the index of the event that records it.

    The erasure and its event are one transaction.

    Raises:
        InvalidInput: there is no such entry, or it has no body (any more).
    """
    if not reason.strip():
        raise InvalidInput(
            "an erasure needs a reason",
            hint="it is logged for everybody to see, so name nobody in it",
        )
    if not 0 <= entry < consortium.log.size:
        raise InvalidInput(
            f"the log has no entry {entry}", hint=f"entries run from 0 to {consortium.log.size - 1}"
        )
    found = next(consortium.log.store.entries(entry))
    if found.body is None:
        raise InvalidInput(
            f"entry {entry} has no body to erase", hint="it never had one, or it was erased before"
        )
    (index,) = consortium.write(
        consortium.draft("body.erased", public={"entry": entry, "reason": reason}), erase=(entry,)
    )
    return index
