"""Read from the log what the report shows and the state does not keep."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from heyi.exchange.consortium import Consortium, stored_rulebook
from heyi.exchange.events import applied
from heyi.exchange.events.event_kinds import read_entry
from heyi.exchange.events.typed import Logged
from heyi.exchange.projections import CASE, stream
from heyi.exchange.request.apply import admitted_of
from heyi.model.decision import Decision, Outcome
from heyi.policy.remedy import with_remedies
from heyi.report.data import OutcomeCount
from heyi.report.words import OUTCOMES, badge


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """Counts of events in the log by kind, and of decisions by (outcome, curable)."""

    kinds: Counter[str]
    outcomes: Counter[tuple[Outcome, bool]]


def tally(consortium: Consortium) -> Tally:
    kinds: Counter[str] = Counter()
    outcomes: Counter[tuple[Outcome, bool]] = Counter()
    for entry in consortium.log.store.entries():
        what = read_entry(entry).what
        kinds[what.KIND] += 1
        if isinstance(what, applied.DecisionMade):
            outcomes[what.outcome, what.curable] += 1
    return Tally(kinds=kinds, outcomes=outcomes)


def events(consortium: Consortium, case: str) -> Iterator[Logged]:
    """The events of a case, in order."""
    for entry in consortium.log.store.stream(stream(CASE, case)):
        yield read_entry(entry)


def rounds(consortium: Consortium, case: str) -> list[dict[str, Decision]]:
    """The decisions of a case by round and asset, computed again from their packed facts.

    Decisions whose body was erased are left out.

    Raises:
        VerificationError: the rulebook of a decision is not kept with the log.
    """
    points = {consortium.point.book.digest: consortium.point}
    found: list[dict[str, Decision]] = []
    for entry in events(consortium, case):
        made, grounds = entry.what, entry.content(applied.Grounds)
        if not isinstance(made, applied.DecisionMade):
            continue
        if not found or made.asset in found[-1]:
            found.append({})
        if grounds is None:
            continue
        point = points.setdefault(made.rulebook, consortium.point)
        if point.book.digest != made.rulebook:
            point = points[made.rulebook] = stored_rulebook(
                consortium.artefacts, consortium.rulebooks, made.rulebook
            )
        admitted = admitted_of(point.book.schema, grounds)
        decision = point.decide(admitted, asset=made.asset)
        found[-1][made.asset] = with_remedies(point, decision, admitted)
    return [r for r in found if r]


def outcome_counts(counted: Tally) -> tuple[OutcomeCount, ...]:
    """Decisions by outcome, mildest first, without outcomes that did not occur."""
    return tuple(
        OutcomeCount(badge=badge(*o), count=counted.outcomes[o])
        for o in OUTCOMES
        if counted.outcomes[o]
    )
