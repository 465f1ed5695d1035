"""Check statements without the whole log: they are logged, and follow from their certificates."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from heyi.audit.checkpoint import Checkpoint, open_checkpoint
from heyi.audit.log_store import Entry, LogReader
from heyi.audit.verify import check_entry
from heyi.crypto.canonical import digest, from_canonical
from heyi.crypto.merkle import leaf_hash, verify_inclusion
from heyi.crypto.stored_tree import StoredTree
from heyi.exchange.events.event_kinds import read_event
from heyi.exchange.events.settled import StatementIssued
from heyi.exchange.events.typed import Logged
from heyi.exchange.money.settle import statement_leaf
from heyi.exchange.projections import MONEY, stream, streams_of
from heyi.model.errors import HeyiError, VerificationError
from heyi.settlement.certificate import verify_certificate
from heyi.settlement.statement import state
from heyi.store.database import Database
from heyi.store.folder import read_trust


class ProvenReader:
    """A `LogReader` that lets through what the newest signed checkpoint proves, and nothing else.

    An entry of a stream must belong into it. `faults` fills with what was not let through.
    """

    def __init__(self, database: Database, checkpoint: Checkpoint, faults: list[str]) -> None:
        self._database = database
        self._checkpoint = checkpoint
        self._tree = StoredTree(database, checkpoint.size)
        self._proven: dict[int, Logged | None] = {}
        self.faults = faults

    def size(self) -> int:
        return self._checkpoint.size

    def entries(self, start: int = 0, end: int | None = None) -> Iterator[Entry]:
        until = self._checkpoint.size if end is None else min(end, self._checkpoint.size)
        for entry in self._database.entries(start, until):
            if self.proven(entry) is not None:
                yield entry

    def stream(self, name: str) -> Iterator[Entry]:
        for entry in self._database.stream(name):
            logged = self.proven(entry)
            if logged is None:
                continue
            if name in streams_of(logged):
                yield entry
            else:
                self._fault(f"entry {entry.index} is kept under `{name}`, where it does not belong")

    def stream_names(self) -> Iterator[str]:
        return self._database.stream_names()

    def checkpoints(self, start: int = 0) -> Iterator[tuple[int, bytes]]:
        return self._database.checkpoints(start)

    def newest_checkpoint(self) -> tuple[int, bytes] | None:
        return self._database.newest_checkpoint()

    def subtrees(self, level: int, begin: int, end: int) -> list[bytes]:
        return self._database.subtrees(level, begin, end)

    def summary(self, kind: str, name: str) -> bytes | None:
        return self._database.summary(kind, name)

    def summaries(self, kind: str) -> Iterator[tuple[str, bytes]]:
        return self._database.summaries(kind)

    def proven(self, entry: Entry) -> Logged | None:
        """The event of an entry; None, and a fault, if it is not proven."""
        if entry.index not in self._proven:
            try:
                self._proven[entry.index] = self._prove(entry)
            except HeyiError as e:
                self._fault(f"entry {entry.index}: {e.message}")
                self._proven[entry.index] = None
        return self._proven[entry.index]

    def _prove(self, entry: Entry) -> Logged:
        size, root = self._checkpoint.size, self._checkpoint.root
        if not 0 <= entry.index < size:
            raise VerificationError("it is under no checkpoint yet")
        proof = self._tree.inclusion_proof(entry.index)
        verify_inclusion(leaf_hash(entry.leaf), entry.index, size, proof, root)
        checked = check_entry(entry)
        return read_event(entry.index, checked.event, checked.body, erased=checked.erased)

    def _fault(self, said: str) -> None:
        if said not in self.faults:
            self.faults.append(said)


@dataclass(slots=True, kw_only=True)
class CheckedStatements:
    """What was found: `root` is that of the newest checkpoint, in hexadecimal.

    A page is read from `reader`, which proves whatever it reads; `faults` then fills further.
    """

    reader: LogReader
    root: str = ""
    faults: list[str] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        return not self.faults


def check_statements(
    directory: Path, database: Database, parties: Sequence[str]
) -> CheckedStatements:
    """Check the statements of these institutions.

    Each is an entry under the newest signed checkpoint, and is what its certificate computes to.
    Whether a stream leaves something out, and whether permits and players were right, `heyi log
    check` and `heyi verify` say.

    Raises:
        InvalidInput: the folder has no keys.
        StoreError: the database cannot be read.
    """
    trust, faults = read_trust(directory / "trust.json"), list[str]()
    try:
        size, note = database.newest_checkpoint() or (0, b"")
        checkpoint, _ = open_checkpoint(note, origin=trust.origin, public_key=trust.log_key)
        if checkpoint.size != size:
            raise VerificationError("the newest checkpoint is of another size than it is kept for")
    except VerificationError as e:
        return CheckedStatements(reader=database, faults=[e.message])
    reader = ProvenReader(database, checkpoint, faults)
    computed: dict[str, dict[str, StatementIssued]] = {}
    for party in parties:
        for entry in reader.stream(stream(MONEY, party)):
            logged = reader.proven(entry)
            try:
                if logged is not None and isinstance(logged.what, StatementIssued):
                    _check(logged.what, database, computed)
            except HeyiError as e:
                faults.append(f"entry {entry.index}: {e.message}")
    return CheckedStatements(reader=reader, root=checkpoint.root.hex(), faults=faults)


def _check(
    said: StatementIssued, database: Database, computed: dict[str, dict[str, StatementIssued]]
) -> None:
    """Check one statement against its certificate, which is verified once."""
    if said.certificate not in computed:
        content = database.artefact(said.certificate)
        if content is None:
            raise VerificationError("the certificate is not kept with the log")
        certificate = from_canonical(content)
        if digest(certificate) != said.certificate:
            raise VerificationError("the certificate kept with the log is another one")
        measured = verify_certificate(certificate)
        statements = state(measured, certificate, disputes_until=said.disputes_until)
        computed[said.certificate] = {s.party: statement_leaf(s) for s in statements}
    if computed[said.certificate].get(said.party) != said:
        raise VerificationError("the statement is not what its certificate computes to")
