"""A log with a witness in a real database, and its verification as an outsider does it."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from heyi.audit.checkpoint import open_checkpoint
from heyi.audit.event import Event
from heyi.audit.log import Draft, Log
from heyi.audit.verify import LogReport, verify_log
from heyi.audit.witness import Witness
from heyi.crypto.canonical import Json
from heyi.crypto.keys import Signer
from heyi.store.database import Database
from heyi.store.secrets import SeededEntropy

LOG = Signer.from_seed("log.example/county", b"l" * 32)
WITNESS = Signer.from_seed("witness.example", b"w" * 32)
STRANGER = Signer.from_seed(LOG.name, b"x" * 32)
NOON = 1_796_097_600


def open_log(database: Database) -> Log:
    """Open the log as a new process does; its witness knows the last stored checkpoint."""
    witness = Witness(signer=WITNESS, origin=LOG.name, log_key=LOG.public_key)
    if kept := database.checkpoints():
        witness.seen, _ = open_checkpoint(kept[-1][1], origin=LOG.name, public_key=LOG.public_key)
    return Log(signer=LOG, store=database, entropy=SeededEntropy(b"seed"), witness=witness)


def happened(
    kind: str = "request.made", *, body: Json = None, at: int = NOON, **public: Json
) -> Draft:
    return Draft(event=Event(kind=kind, at=at, actor="county-hospital", public=public), body=body)


def erased(entry: int) -> Draft:
    return happened("body.erased", entry=entry, reason="asked for")


def check(path: Path) -> LogReport:
    """Verify the log in a database file."""
    with closing(Database.at(path)) as database:
        return verify_log(
            database.entries(),
            database.checkpoints(),
            origin=LOG.name,
            log_key=LOG.public_key,
            witness=(WITNESS.name, WITNESS.public_key),
        )
