"""Check statements without the whole log: they are logged, and follow from their certificates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from heyi.audit.checkpoint import open_checkpoint
from heyi.audit.verify import check_entry
from heyi.crypto.canonical import digest, from_canonical
from heyi.crypto.merkle import leaf_hash, verify_inclusion
from heyi.crypto.stored_tree import StoredTree
from heyi.exchange.events.event_kinds import read_event
from heyi.exchange.events.settled import StatementIssued
from heyi.exchange.money.settle import statement_leaf
from heyi.exchange.projections import MONEY, stream
from heyi.model.errors import HeyiError, VerificationError
from heyi.settlement.certificate import verify_certificate
from heyi.settlement.statement import state
from heyi.store.database import Database
from heyi.store.folder import read_trust


@dataclass(slots=True, kw_only=True)
class CheckedStatements:
    """What was found: `root` is that of the newest checkpoint, in hexadecimal."""

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
    Whether a later event withdrew it, or permits and players were right, `heyi verify` says.

    Raises:
        InvalidInput: the folder has no keys.
        StoreError: the database cannot be read.
    """
    trust, found = read_trust(directory / "trust.json"), CheckedStatements()
    try:
        size, note = database.newest_checkpoint() or (0, b"")
        checkpoint, _ = open_checkpoint(note, origin=trust.origin, public_key=trust.log_key)
        if checkpoint.size != size:
            raise VerificationError("the newest checkpoint is of another size than it is kept for")
    except VerificationError as e:
        found.faults.append(e.message)
        return found
    found.root, tree = checkpoint.root.hex(), StoredTree(database, size)
    computed: dict[str, dict[str, StatementIssued]] = {}
    for party in parties:
        for entry in database.stream(stream(MONEY, party)):
            try:
                hashed = leaf_hash(entry.leaf)
                proof = tree.inclusion_proof(entry.index)
                verify_inclusion(hashed, entry.index, size, proof, checkpoint.root)
                checked = check_entry(entry)
                logged = read_event(entry.index, checked.event, checked.body)
                if isinstance(logged.what, StatementIssued):
                    _check(logged.what, database, computed)
            except HeyiError as e:
                found.faults.append(f"entry {entry.index}: {e.message}")
    return found


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
