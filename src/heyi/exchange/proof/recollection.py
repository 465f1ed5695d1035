"""What an auditor verified before, to go on from there without reading everything again.

Nothing of what the events say is kept, only how many entries each stream had, and a digest of them.
So erasable content is in no memory but the log's. A stream that is needed again is read from the
log, and must be the one that was verified.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeVar

import msgspec

from heyi.audit.log_store import Entry, LogReader
from heyi.audit.verified import Verified
from heyi.audit.verify import Checked, check_entry
from heyi.crypto.merkle import leaf_hash, verify_inclusion
from heyi.crypto.stored_tree import StoredTree
from heyi.exchange.events.succeeded import LogSucceeded
from heyi.exchange.ports import Remembered
from heyi.exchange.proof.auditor import Auditor, Judged, Notice
from heyi.model.errors import VerificationError

T = TypeVar("T")
CENTRE = "centre"
HEADS, STREAM = "heads", "stream"
"""Kinds of what is remembered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unlogged:
    """A receipt that only the node has, and its entry there; `answers` says that it is no no."""

    entry: int
    at: int
    signature: str
    answers: bool


@dataclass(slots=True, kw_only=True)
class NodeBefore:
    """What is remembered of a node's log.

    `charged` is the highest number by permit; `answered` are the numbers by permit; `unlogged` are
    the receipts, by permit and number, that the centre had not logged yet. By case, `worked` is
    when it last answered, and `asked` the last entry that announced a call which it answered.
    `taken` counts the withdrawals that it knows of.
    """

    charged: dict[str, int] = field(default_factory=dict)
    answered: dict[str, set[int]] = field(default_factory=dict)
    unlogged: dict[str, dict[int, Unlogged]] = field(default_factory=dict)
    pinned: dict[str, str] = field(default_factory=dict)
    revoked: set[str] = field(default_factory=set)
    worked: dict[str, int] = field(default_factory=dict)
    asked: dict[str, int] = field(default_factory=dict)
    taken: int = 0


@dataclass(slots=True, kw_only=True)
class _Report:
    """The report so far, and what is due from every node."""

    decisions: int
    outcomes: dict[str, int]
    permits: int
    receipts: int
    settlements: int
    erased: list[int]
    known: list[int]
    rulebooks: dict[str, Judged]
    successions: list[LogSucceeded]
    withdrawn: list[Notice]
    late: list[Notice]
    keys: dict[str, str]
    hidden: dict[int, str]


@dataclass(slots=True, kw_only=True)
class _Heads:
    """What belongs together: how far each log was verified, and what was found in it.

    `streams` counts the streams that are remembered beside it.
    """

    verified: dict[str, Verified]
    nodes: dict[str, NodeBefore]
    report: _Report
    streams: int


@dataclass(slots=True)
class Chain:
    """So many entries of a stream, and the digest of their leaf hashes in order."""

    entries: int = 0
    digest: bytes = b""

    def and_then(self, hashed: bytes) -> Chain:
        return Chain(self.entries + 1, hashlib.sha256(self.digest + hashed).digest())


class Recollection:
    """The memory of one audit; without `remembered` it begins with nothing and keeps nothing."""

    def __init__(self, reader: LogReader, remembered: Remembered | None) -> None:
        self._reader = reader
        self._remembered = remembered
        self._chains: dict[str, Chain] = {}
        self._heads = self._read(HEADS, CENTRE, _Heads)
        self._streams = remembered.count(STREAM) if remembered else 0
        if remembered and self._streams != (self._heads.streams if self._heads else 0):
            raise remembered.spoilt("a part of it is lacking")
        self.since = self.verified(CENTRE)
        self._tree = StoredTree(reader, self.since.size if self.since else 0)

    def verified(self, log: str) -> Verified | None:
        """How far a log was verified, `centre` or that of a host; None if it never was."""
        return self._heads.verified.get(log) if self._heads else None

    def names(self, kind: str) -> Iterator[str]:
        """The names of all streams of a kind that were verified before."""
        before = self._remembered.names(STREAM) if self._remembered else []
        prefix = f"{kind}/"
        yield from (n.removeprefix(prefix) for n in before if n.startswith(prefix))

    def recall(self, name: str) -> list[Entry]:
        """The entries of a stream that were verified before.

        Raises:
            VerificationError: the log has others in their place now.
        """
        wanted = self._read(STREAM, name, Chain)
        if wanted is None or self.since is None:
            return []
        found, chain = [], Chain()
        for entry in self._reader.stream(name):
            if entry.index < self.since.size:
                found.append(entry)
                chain = chain.and_then(leaf_hash(entry.leaf))
        if chain != wanted:
            raise VerificationError(f"`{name}` has other entries than when it was verified")
        return found

    def entry(self, index: int) -> Checked:
        """An entry that was verified before, read again.

        Raises:
            VerificationError: the log has another in its place now, or another body.
        """
        for stored in self._reader.entries(index, index + 1):
            if self.since is not None and index < self.since.size:
                proof = self._tree.inclusion_proof(index)
                hashed = leaf_hash(stored.leaf)
                verify_inclusion(hashed, index, self.since.size, proof, self.since.root)
                return check_entry(stored)
        raise VerificationError(f"entry {index} is gone, which was verified before")

    def note(self, name: str, hashed: bytes) -> None:
        """One more entry of a stream was verified."""
        if self._remembered is None:
            return
        before = self._chains.get(name) or self._read(STREAM, name, Chain)
        if before is None:
            self._streams += 1
        self._chains[name] = (before or Chain()).and_then(hashed)

    def node(self, host: str) -> NodeBefore:
        return (self._heads.nodes.get(host) if self._heads else None) or NodeBefore()

    def begin(self, auditor: Auditor) -> None:
        """Let the auditor begin where the earlier audit ended."""
        if self._heads is None:
            return
        kept, report = self._heads.report, auditor.report
        report.decisions, report.permits = kept.decisions, kept.permits
        report.receipts, report.settlements = kept.receipts, kept.settlements
        report.outcomes.update(kept.outcomes)
        report.erased, report.known, report.rulebooks = kept.erased, kept.known, kept.rulebooks
        report.successions = kept.successions
        auditor.withdrawn, auditor.keys = kept.withdrawn, kept.keys
        auditor.revoked = {notice.subject: notice for notice in kept.late}
        auditor.hidden = kept.hidden

    def keep(
        self, auditor: Auditor, logs: Mapping[str, tuple[Verified, NodeBefore | None]]
    ) -> None:
        """Remember an audit that found no fault, all of it or nothing.

        `logs` has the centre's and each node's.

        Raises:
            StoreError: it cannot be kept; what was remembered before still is.
        """
        if self._remembered is None:
            return
        report = auditor.report
        kept = _Report(
            decisions=report.decisions,
            outcomes=dict(report.outcomes),
            permits=report.permits,
            receipts=report.receipts,
            settlements=report.settlements,
            erased=report.erased,
            known=report.known,
            rulebooks=report.rulebooks,
            successions=report.successions,
            # who withdrew is not kept
            withdrawn=[replace(n, subject="") for n in auditor.withdrawn],
            late=list(auditor.late.values()),
            keys=auditor.keys,
            hidden=auditor.hidden,
        )
        heads = _Heads(
            verified={log: verified for log, (verified, _) in logs.items()},
            nodes={log: node for log, (_, node) in logs.items() if node is not None},
            report=kept,
            streams=self._streams,
        )
        rows = [(STREAM, name, _written(chain)) for name, chain in self._chains.items()]
        rows.append((HEADS, CENTRE, _written(heads)))
        self._remembered.keep(rows)

    def _read(self, kind: str, name: str, form: type[T]) -> T | None:
        data = self._remembered.get(kind, name) if self._remembered else None
        if data is None or self._remembered is None:
            return None
        try:
            return msgspec.msgpack.decode(data, type=form)
        except (msgspec.DecodeError, ValueError, TypeError) as e:
            raise self._remembered.spoilt(str(e)) from None


_written = msgspec.msgpack.Encoder().encode
