"""Forgeries: what an operator who holds the log's key can write below the use cases.

Nothing here is judged or checked. Each event is signed into the log with the platform's key, and
streams and summaries are kept as the one writer keeps them, so that a forgery is found by what it
says and by nothing else. An example:

    with opened(run_copy) as app:
        paid = first(app.consortium, SettlementPaid)
        entry = again(app.consortium, paid)                   # paid once more
        entry = again(app.consortium, paid, amount_fen=1)     # or another amount
        entry = forge(app.consortium, AlarmRaised(asset="x", alarm="y"), by="platform", case="c")
    faults = verify_directory(run_copy).faults                # [("centre", Fault(entry, message))]

All of them return the entry of the forgery. The fold in memory takes it in too, as far as it can be
folded, so that a use case may follow; after a malformed event open the folder anew.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from msgspec import structs

from heyi.app.centre import App, reopen
from heyi.audit.event import Event, from_leaf
from heyi.audit.log import Draft, Log
from heyi.audit.log_store import Entry
from heyi.crypto.canonical import Json, canonical, from_canonical
from heyi.crypto.codec import from_json, to_json
from heyi.crypto.commitment import Commitment, commit_bytes
from heyi.exchange.consortium import Consortium
from heyi.exchange.events.event_kinds import read_entry
from heyi.exchange.events.typed import Content, Logged, TypedEvent
from heyi.exchange.projections import CASE, stream, streams_of, summary_of
from heyi.federation.node.node_events import NodeEvent, WithdrawnToken, draft_node_event
from heyi.model.errors import HeyiError, VerificationError
from heyi.store.database import Database
from heyi.store.secrets import SeededEntropy

T = TypeVar("T", bound=TypedEvent)
KEY = b"a forger's key for commitments  "
"""32 bytes: a forger may commit to a body under any key."""


@contextmanager
def opened(directory: Path) -> Iterator[App]:
    """A run opened as its operator opens it, with every platform key and without its nodes.

    `app.cosign()` has the forgery cosigned; the fixture `run_copy` brings a witness of its own.
    """
    app = reopen(directory)
    try:
        yield app
    finally:
        app.close()


# --- what stands in the log ---


def logged(consortium: Consortium, kind: type[TypedEvent], *, case: str = "") -> list[Logged]:
    """The events of one class in the log, in its order; of one case, if `case` is given."""
    read = (read_entry(e) for e in consortium.log.store.entries())
    return [e for e in read if isinstance(e.what, kind) and case in ("", e.case)]


def first(consortium: Consortium, kind: type[TypedEvent], *, case: str = "") -> Logged:
    """The first event of one class, which must exist."""
    return logged(consortium, kind, case=case)[0]


def last(consortium: Consortium, kind: type[TypedEvent], *, case: str = "") -> Logged:
    """The last event of one class, which must exist."""
    return logged(consortium, kind, case=case)[-1]


def said(entry: Logged, kind: type[T]) -> T:
    """The public part of an event with its type."""
    assert isinstance(entry.what, kind)
    return entry.what


def raw(consortium: Consortium, index: int) -> tuple[Event, Json]:
    """An entry as untyped event and body, to be changed in ways that no class can say."""
    (entry,) = consortium.log.store.entries(index, index + 1)
    body = None if entry.body is None else from_canonical(entry.body)
    return from_leaf(entry.leaf), body


# --- what is forged ---


def sealed(body: Content) -> tuple[Commitment, bytes]:
    """The commitment to a body with its key, for a signature that must cover it (`seal=`)."""
    return commit_bytes(canonical(to_json(body)), KEY), KEY


def forge(
    consortium: Consortium,
    what: TypedEvent,
    *,
    by: str,
    case: str = "",
    body: Content | None = None,
    at: int | None = None,
    seal: tuple[Commitment, bytes] | None = None,
    erase: Sequence[int] = (),
) -> int:
    """Log an event of a known kind; `by` is named as the one who acts.

    `at` is Unix seconds, by default now; it may lie before the newest entry. `body`, `seal` and
    `case` are taken as they are, also where the kind has none. `erase` deletes the bodies of these
    entries in the same transaction.
    """
    event = Event(
        kind=what.KIND,
        version=what.VERSION,
        at=consortium.now if at is None else at,
        actor=by,
        case=case,
        public=to_json(what),
        commitment=seal[0] if seal else None,
    )
    key = seal[1] if seal else None
    return forge_raw(
        consortium, event, None if body is None else to_json(body), key=key, erase=erase
    )


def again(
    consortium: Consortium,
    entry: Logged,
    *,
    by: str | None = None,
    at: int | None = None,
    case: str | None = None,
    body: Content | None = None,
    **changed: object,
) -> int:
    """Log an event like an earlier one, now, with some public fields `changed`.

    Whatever is not given stays: who acted, the case, the body. The body gets a new commitment.
    """
    return forge(
        consortium,
        structs.replace(entry.what, **changed),
        by=entry.actor if by is None else by,
        at=at,
        case=entry.case if case is None else case,
        body=entry.body if body is None else body,
    )


def forge_raw(
    consortium: Consortium,
    event: Event,
    body: Json = None,
    *,
    key: bytes | None = None,
    erase: Sequence[int] = (),
) -> int:
    """Log any event, also one of no kind or with fields that no class knows.

    An event that cannot be read is put into the stream of its case alone.
    """
    writer = consortium.writer
    with writer.lock, consortium.log.group() as group:
        if event.at < consortium.log.last_at:
            # a forger is not held up by the rule that time runs forward
            group._last_at = 0
        commitment = None if body is None or key is None else event.commitment
        draft = Draft(event=replace(event, commitment=commitment), body=body, key=key)
        (entry,) = group.add([draft], erase)
        names = _folded(consortium, entry, event)
        group.index([(name, entry.index) for name in names])
        with suppress(HeyiError, KeyError):
            group.summarise([s for name in names if (s := summary_of(writer.state, name))])
    return entry.index


def _folded(consortium: Consortium, entry: Entry, event: Event) -> list[str]:
    """The streams of an entry, after it was folded if it can be."""
    try:
        typed = read_entry(entry)
    except VerificationError:
        return [stream(CASE, event.case)] if event.case else []
    with suppress(HeyiError, KeyError, ValueError):  # the operator's own fold fails too
        consortium.state.apply(typed)
    return streams_of(typed)


# --- the logs of nodes ---


@contextmanager
def opened_node(app: App, host: str) -> Iterator[Log]:
    """The own log of the node of `host`, with its key: the host itself is the liar."""
    with closing(Database.at(app.directory / "nodes" / f"{host}.db")) as database:
        yield Log(
            signer=app.keyring.signer(f"node/{host}"),
            store=database,
            entropy=SeededEntropy(app.keyring.secret(f"entropy/{host}")),
        )


def node_events(log: Log, kind: type[NodeEvent]) -> list[tuple[int, Event, NodeEvent]]:
    """(entry, event, public part) of one class in a node's log, in its order."""
    found = []
    for entry in log.store.entries():
        event = from_leaf(entry.leaf)
        if event.kind == kind.KIND:
            found.append((entry.index, event, from_json(event.public, kind)))
    return found


def forge_node(
    log: Log,
    what: NodeEvent,
    *,
    actor: str,
    at: int | None = None,
    case: str = "",
    body: WithdrawnToken | None = None,
) -> int:
    """Log an event into a node's log; `at` is Unix seconds, by default that of its newest entry."""
    at = log.last_at if at is None else at
    drafted = draft_node_event(what, at=at, actor=actor, case=case, body=body)
    with log.group() as group:
        if at < log.last_at:
            group._last_at = 0
        (entry,) = group.add([drafted])
    return entry.index
