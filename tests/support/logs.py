"""A log, its witness, and its verification as an outsider does it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from heyi.audit.checkpoint import Checkpoint
from heyi.audit.event import Event
from heyi.audit.log import Draft, Log
from heyi.audit.log_store import LogReader, LogStore
from heyi.audit.verified import Verified
from heyi.audit.verify import Checked, Fault, LogCheck, LogReport
from heyi.audit.witness import Witness
from heyi.crypto.canonical import Json
from heyi.crypto.keys import Signer
from heyi.store.database import Database
from heyi.store.secrets import SeededEntropy

LOG = Signer.from_seed("log.example/county", b"l" * 32)
WITNESS = Signer.from_seed("witness.example", b"w" * 32)
WITNESSED = (WITNESS.name, WITNESS.public_key)
STRANGER = Signer.from_seed(LOG.name, b"x" * 32)
NOON = 1_796_097_600


class RememberedNote:
    """The memory of a witness, as long as a test runs."""

    def __init__(self) -> None:
        self.note: bytes | None = None

    def load(self) -> bytes | None:
        return self.note

    def keep(self, note: bytes) -> None:
        self.note = note

    @contextmanager
    def alone(self) -> Iterator[None]:
        yield


def new_witness(memory: RememberedNote | None = None) -> Witness:
    return Witness(
        signer=WITNESS,
        origin=LOG.name,
        log_key=LOG.public_key,
        memory=memory or RememberedNote(),
    )


def open_log(store: LogStore, signer: Signer = LOG) -> Log:
    """Open the log as a new process does."""
    return Log(signer=signer, store=store, entropy=SeededEntropy(b"seed"))


def clock_at(now: int) -> Callable[[int], int]:
    """A clock that says so."""
    return lambda _last: now


def happened(
    kind: str = "request.made", *, body: Json = None, at: int = NOON, **public: Json
) -> Draft:
    return Draft(event=Event(kind=kind, at=at, actor="county-hospital", public=public), body=body)


def erased(entry: int, at: int = NOON) -> Draft:
    return happened("body.erased", at=at, entry=entry, reason="asked for")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a check said and the entries that it gave."""

    report: LogReport
    entries: list[Checked]

    @property
    def faults(self) -> tuple[Fault, ...]:
        return self.report.faults

    @property
    def at_fault(self) -> set[int | None]:
        return {fault.entry for fault in self.report.faults}


def check_log(
    reader: LogReader,
    *,
    witness: tuple[str, str] | None = None,
    seen: Sequence[tuple[str, Checkpoint]] = (),
    since: Verified | None = None,
) -> Outcome:
    check = LogCheck(
        reader, origin=LOG.name, log_key=LOG.public_key, witness=witness, seen=seen, since=since
    )
    entries = list(check)
    return Outcome(report=check.report(), entries=entries)


def check(path: Path, *, witness: tuple[str, str] | None = None) -> Outcome:
    """Verify the log in a database file."""
    with closing(Database.at(path, read_only=True)) as database:
        return check_log(database, witness=witness)
