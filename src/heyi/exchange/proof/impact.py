"""A dry run of another rulebook over the past: which logged decisions would differ.

The facts and their sources are those in the body of each decision; the day is its legal day.
Decisions whose body was erased are only counted.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, field

from heyi.audit.log_store import Entry
from heyi.crypto.canonical import from_canonical
from heyi.exchange.events import applied
from heyi.exchange.events.event_kinds import read_entry
from heyi.exchange.ports import Artefacts
from heyi.exchange.request.facts import stated_of
from heyi.model.decision import Outcome
from heyi.model.errors import InvalidInput, VerificationError
from heyi.policy.decide import DecisionPoint
from heyi.policy.engines.packed import unpack
from heyi.policy.language.facts_file import load_schema
from heyi.policy.language.schema import LEGAL_DAY, Schema, admit, to_ordinals
from heyi.policy.language.typing import FACTS_FILE


@dataclass(frozen=True, slots=True)
class Changed:
    """One logged decision that differs: `before` and `after` are (outcome, curable)."""

    entry: int
    case: str
    asset: str
    before: tuple[Outcome, bool]
    after: tuple[Outcome, bool]


@dataclass(slots=True)
class Impact:
    """How many decisions were judged again, how many were erased, and which changed."""

    decided: int = 0
    erased: int = 0
    changed: list[Changed] = field(default_factory=list)


def impact(entries: Iterable[Entry], artefacts: Artefacts, new: DecisionPoint) -> Impact:
    """Judge every logged decision again by another rulebook.

    Raises:
        InvalidInput: a logged fact has no place in the other rulebook, or another type there.
        VerificationError: the rulebook of a decision is not kept with the log.
    """
    found, schemas = Impact(), dict[str, Schema]()
    for entry in entries:
        logged = read_entry(entry)
        made, grounds = logged.what, logged.content(applied.Grounds)
        if not isinstance(made, applied.DecisionMade):
            continue
        if grounds is None:
            found.erased += 1
            continue
        if made.rulebook not in schemas:
            schemas[made.rulebook] = _schema(artefacts, made.rulebook)
        schema = schemas[made.rulebook]
        day = unpack(schema, [int(w, 16) for w in grounds.words])[LEGAL_DAY]
        assert isinstance(day, dt.date)
        # admit the facts again, since the other rulebook may ask for other sources
        stated = stated_of(new.book.schema, grounds.stated)
        known = admit(new.book.schema, stated, day=day).known
        reading, alarm = new.judge(to_ordinals(known))
        if alarm:
            raise InvalidInput(
                f"the readings of the new rulebook differ on entry {entry.index}: {alarm}"
            )
        before = (made.outcome, made.curable)
        found.decided += 1
        if before != (reading.outcome, reading.curable):
            after = (reading.outcome, reading.curable)
            found.changed.append(Changed(entry.index, logged.case, made.asset, before, after))
    return found


def _schema(artefacts: Artefacts, digest: str) -> Schema:
    content = artefacts.artefact(digest)
    if content is None:
        raise VerificationError(f"the rulebook {digest[:19]} is not kept with the log")
    return load_schema(from_canonical(content)[FACTS_FILE])
