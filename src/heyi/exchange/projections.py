"""Streams and summaries: what the store keeps beside the events, so that nobody reads them all.

A stream lists the entries of one case, party or asset. A summary is a line of a list. Both follow
from the log alone, are written in the transaction of their events, and can be built anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import singledispatch

from heyi.audit.log_store import LogReader, LogStore
from heyi.crypto.canonical import Json, canonical, from_canonical
from heyi.exchange.events import applied, registered, settled, used
from heyi.exchange.events.event_kinds import read_entry
from heyi.exchange.events.typed import Logged, TypedEvent
from heyi.exchange.state import State

CASE, PARTY, ASSET = "case", "party", "asset"
MONEY, USE = "money", "use"
"""Kinds of streams: of an institution's statements and payments, and of the use of its data."""
RULEBOOK = "rulebook"
"""A stream without a name: which rulebook was adopted when."""
NOTICE = "notice"
"""The other one: who withdrew, and which permits were revoked; nodes are told of both."""


def stream(kind: str, name: str) -> str:
    return f"{kind}/{name}"


def streams_of(entry: Logged) -> list[str]:
    """The streams that an event belongs to."""
    own = [stream(CASE, entry.case)] if entry.case else []
    return own + _further(entry.what)


@singledispatch
def _further(_what: TypedEvent) -> list[str]:
    return []


@_further.register
def _adopted(_what: registered.RulebookAdopted) -> list[str]:
    return [RULEBOOK]


@_further.register
def _registered(what: registered.PartyRegistered) -> list[str]:
    return [stream(PARTY, what.party.id)]


@_further.register
def _opened(what: registered.NodeOpened) -> list[str]:
    return [stream(PARTY, what.host)]


@_further.register
def _vouched(what: registered.ProfileVouched) -> list[str]:
    return [stream(PARTY, what.party)]


@_further.register
def _asset(what: registered.AssetRegistered) -> list[str]:
    return [stream(ASSET, what.asset.id)]


@_further.register(used.ConsentWithdrawn)
@_further.register(applied.PermitRevoked)
def _notice(_what: used.ConsentWithdrawn | applied.PermitRevoked) -> list[str]:
    return [NOTICE]


@_further.register
def _used(what: used.ReceiptLogged) -> list[str]:
    return [stream(USE, what.holder)]


@_further.register(settled.StatementIssued)
@_further.register(settled.SettlementPaid)
def _money(what: settled.StatementIssued | settled.SettlementPaid) -> list[str]:
    return [stream(MONEY, what.party)]


def summary_of(state: State, name: str) -> tuple[str, str, bytes] | None:
    """The (kind, name, summary) of a stream, None if it has none."""
    kind, _, of = name.partition("/")
    if kind == CASE and of in state.cases:
        case = state.cases[of]
        summary = {
            "requester": case.request.requester,
            "zh": case.request.zh,
            "en": case.request.en,
            "assets": len(case.request.assets),
            "at": case.at,
            "changed": case.changed,
            "status": case.status,
            "settled": case.settlement is not None,
            "settlements": case.settlements,
        }
    elif kind == PARTY and of in state.parties:
        party = state.parties[of]
        summary = {"kind": party.kind.value, "tier": party.tier.value, "host": party.host}
    elif kind == ASSET and of in state.assets:
        asset = state.assets[of]
        summary = {"holder": asset.holder, "level": asset.level, "rows": asset.rows}
    elif kind == MONEY:
        summary = {}
    else:
        return None
    return kind, of, canonical(summary)


def listed(reader: LogReader, kind: str) -> Iterator[tuple[str, dict[str, Json]]]:
    """The (name, summary) of all things of one kind, in the order of names."""
    for name, summary in reader.summaries(kind):
        yield name, from_canonical(summary)


def rebuilt(
    reader: LogReader,
) -> tuple[list[tuple[str, int]], list[tuple[str, str, bytes]]]:
    """All rows of streams and of summaries, computed from the events alone, each in order.

    Raises:
        VerificationError: an entry is no event of a known kind.
    """
    state, rows = State(), list[tuple[str, int]]()
    for entry in reader.entries():
        logged = read_entry(entry)
        state.apply(logged)
        rows += [(name, logged.index) for name in streams_of(logged)]
    names = sorted({name for name, _ in rows})
    return sorted(rows), [s for name in names if (s := summary_of(state, name))]


def differences(reader: LogReader) -> Iterator[str]:
    """Names of the streams and summaries that are not what the events give.

    Raises:
        VerificationError: an entry is no event of a known kind.
    """
    rows, summaries = rebuilt(reader)
    wanted: dict[str, list[int]] = {}
    for name, index in rows:
        wanted.setdefault(name, []).append(index)
    for name, indices in wanted.items():
        if [e.index for e in reader.stream(name)] != indices:
            yield name
    yield from (name for name in reader.stream_names() if name not in wanted)
    for kind in (CASE, PARTY, ASSET, MONEY):
        kept = dict(reader.summaries(kind))
        right = {name: summary for k, name, summary in summaries if k == kind}
        yield from _unlike(kind, kept, right)


def rebuild(store: LogStore) -> None:
    """Write all streams and summaries anew, in one transaction.

    Raises:
        VerificationError: an entry is no event of a known kind.
        StoreError: nothing was changed.
    """
    with store.writing() as transaction:
        rows, summaries = rebuilt(store)
        transaction.forget_projections()
        transaction.index(rows)
        transaction.summarise(summaries)


def _unlike(kind: str, kept: dict[str, bytes], right: dict[str, bytes]) -> Iterable[str]:
    names = sorted({*kept, *right})
    return [f"summary {kind}/{n}" for n in names if kept.get(n) != right.get(n)]
