"""Read from the log what the report shows and the state does not keep."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from heyi.audit.event import Event, from_leaf
from heyi.crypto.canonical import Json, from_canonical
from heyi.exchange.consortium import Consortium, stored_rulebook
from heyi.model.decision import Decision, Outcome
from heyi.policy.engines.packed import unpack
from heyi.policy.language.schema import Admitted
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
        event = from_leaf(entry.leaf)
        kinds[event.kind] += 1
        if event.kind == "decision.made":
            outcomes[Outcome(event.public["outcome"]), event.public["curable"]] += 1
    return Tally(kinds=kinds, outcomes=outcomes)


def events(consortium: Consortium, case: str, kinds: Sequence[str]) -> Iterator[tuple[Event, Json]]:
    """Events of a case with their bodies, in order; a body is None if it is absent or erased."""
    wanted = {index for index, kind in consortium.case(case).history if kind in kinds}
    if not wanted:
        return
    for entry in consortium.log.store.entries(min(wanted)):
        if entry.index in wanted:
            yield from_leaf(entry.leaf), None if entry.body is None else from_canonical(entry.body)


def rounds(consortium: Consortium, case: str) -> list[dict[str, Decision]]:
    """The decisions of a case by round and asset, computed again from their packed facts.

    Decisions whose body was erased are left out.

    Raises:
        VerificationError: the rulebook of a decision is not kept with the log.
    """
    points = {consortium.point.book.digest: consortium.point}
    found: list[dict[str, Decision]] = []
    for event, body in events(consortium, case, ["decision.made"]):
        asset, digest = event.public["asset"], event.public["rulebook"]
        if not found or asset in found[-1]:
            found.append({})
        if body is None:
            continue
        point = points.setdefault(digest, consortium.point)
        if point.book.digest != digest:
            point = points[digest] = stored_rulebook(
                consortium.artefacts, consortium.rulebooks, digest
            )
        known = unpack(point.book.schema, [int(w, 16) for w in body["words"]])
        admitted = Admitted(known=known, rejected=body["rejected"])
        found[-1][asset] = with_remedies(point, point.decide(admitted, asset=asset), admitted)
    return [r for r in found if r]


def outcome_counts(counted: Tally) -> tuple[OutcomeCount, ...]:
    """Decisions by outcome, mildest first, without outcomes that did not occur."""
    return tuple(
        OutcomeCount(badge=badge(*o), count=counted.outcomes[o])
        for o in OUTCOMES
        if counted.outcomes[o]
    )
