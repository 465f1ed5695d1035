"""An outsider's verification: every log of a folder read, checked and computed again."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from heyi.app.rulebooks import shelf
from heyi.audit.checkpoint import Checkpoint, open_checkpoint
from heyi.audit.tlog_proof import open_receipt
from heyi.audit.verify import Fault, LogCheck, LogReport
from heyi.crypto.canonical import digest
from heyi.exchange.proof.auditor import Auditor, Replayed
from heyi.exchange.proof.recollection import CENTRE, NodeBefore, Recollection
from heyi.exchange.proof.replay import close, go_on, replay_centre, replay_node
from heyi.exchange.state import State
from heyi.exchange.streams import loading_state
from heyi.model.errors import InvalidInput, VerificationError
from heyi.policy.decide import DecisionPoint
from heyi.sources.rulebook_shelf import cache_folder
from heyi.store.audit_memory import AuditMemory
from heyi.store.database import Database
from heyi.store.folder import Trust, read_trust, store_of

if TYPE_CHECKING:
    from heyi.exchange.proof.impact import Impact

MOST_OF_A_NOTE = 1_000_000
"""Bytes of a checkpoint or receipt at most; the leaf of a receipt is the largest part."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """What an outsider found: the centre's log, each node's log, and what was computed again.

    `erased` lists the entries of the centre whose bodies are gone; those of `replayed.erased` among
    them cannot be replayed, the others were checked by what else is in the log.
    `trusted` is false where the folder's own keys were all that there was, which its writer could
    have exchanged.
    """

    centre: LogReport
    nodes: dict[str, LogReport]
    replayed: Replayed
    erased: tuple[int, ...]
    trusted: bool

    @property
    def faults(self) -> list[tuple[str, Fault]]:
        """Every fault with the log that it is in; one of the bytes is not told again in words."""
        found = [("centre", f) for f in self.centre.faults]
        found += [(host, f) for host, report in self.nodes.items() for f in report.faults]
        spoilt = {(log, f.entry) for log, f in found if f.entry is not None}
        return found + [(log, f) for log, f in self.replayed.faults if (log, f.entry) not in spoilt]

    @property
    def holds(self) -> bool:
        return not self.faults


def log_of(directory: Path) -> Database:
    """The centre's log of a run, to be read only.

    Raises:
        InvalidInput: there is none.
        StoreError: it cannot be read.
    """
    if store := store_of(directory):
        return Database(store, read_only=True)
    path = directory / "heyi.db"
    if not path.is_file():
        raise InvalidInput(
            f"`{directory}` has no log", hint="name a folder that `heyi demo` or `heyi run` made"
        )
    return Database.at(path, read_only=True)


@contextmanager
def reading(directory: Path) -> Iterator[tuple[Database, State]]:
    """The centre's log of a run with its state, to be read only.

    Streams are those of the folder; what they leave out only a verification of the log finds.

    Raises:
        InvalidInput: there is none.
        StoreError: it cannot be read.
    """
    database = log_of(directory)
    try:
        yield database, loading_state(database)
    finally:
        database.close()


def past_impact(directory: Path, new: DecisionPoint) -> Impact:
    """What another rulebook would have answered to the decisions of a run; nothing is written.

    Raises:
        InvalidInput: there is no log.
        StoreError: the database cannot be read.
    """
    from heyi.exchange.proof.impact import impact

    database = log_of(directory)
    try:
        return impact(database.entries(), database, new)
    finally:
        database.close()


def verify_directory(
    directory: Path,
    trust_file: Path | None = None,
    seen: Sequence[Path] = (),
    *,
    since: bool = False,
) -> Verification:
    """Check everything in a folder, with the keys of `trust_file` and nothing else.

    By default these are the keys in the folder itself, which its writer could have exchanged.
    `seen` are checkpoints and receipts that the auditor got before: the log must extend them. With
    `since` the audit goes on from what this user verified before, and remembers what holds now.

    Raises:
        InvalidInput: there is no log, or no keys.
        VerificationError: what was seen is of another log.
        StoreError: a database cannot be read.
    """
    trust = read_trust(trust_file or directory / "trust.json")
    known = [(path.name, read_seen(path, trust)) for path in seen]
    database = log_of(directory)
    try:
        recollection = Recollection(database, _memory(trust) if since else None)
        check = LogCheck(
            database,
            origin=trust.origin,
            log_key=trust.log_key,
            witness=trust.witness,
            seen=known,
            since=recollection.since,
        )
        auditor = Auditor(
            artefacts=database,
            rulebooks=shelf(),
            issuer=trust.issuer,
            origin=trust.origin,
            succeeds=None
            if trust.succeeds is None
            else (trust.succeeds.origin, trust.succeeds.size),
        )
        go_on(auditor, recollection)
        deque(replay_centre(check, auditor, recollection), maxlen=0)
        nodes: dict[str, LogReport] = {}
        memories: dict[str, NodeBefore] = {}
        # what is missing from the centre's log is not missed in each node's log again
        for host, named in () if check.incomplete else sorted(auditor.state.nodes.items()):
            memories[host] = recollection.node(host)
            report = _check_node(directory, host, named, auditor, recollection, memories[host])
            if report is not None:
                nodes[host] = report
        if not check.incomplete:
            close(auditor)
        found = Verification(
            centre=check.report(),
            nodes=nodes,
            replayed=auditor.report,
            erased=tuple(sorted(auditor.hidden)),
            trusted=trust_file is not None,
        )
        if found.holds:
            reports = {CENTRE: found.centre, **nodes}
            recollection.keep(
                auditor,
                {n: (r.verified, memories.get(n)) for n, r in reports.items() if r.verified},
            )
    finally:
        database.close()
    return found


def _memory(trust: Trust) -> AuditMemory:
    """What this user remembers of the log with these keys."""
    folder = cache_folder()
    if folder is None:
        raise InvalidInput(
            "there is no folder of your own to remember in", hint="name one in HEYI_CACHE"
        )
    keys = {"log": trust.log_key, "issuer": list(trust.issuer), "witness": list(trust.witness)}
    name = digest({"origin": trust.origin, **keys}).removeprefix("sha256:")[:32]
    return AuditMemory(folder / "audits" / f"{name}.db")


def _check_node(
    directory: Path,
    host: str,
    named: tuple[str, str],
    auditor: Auditor,
    recollection: Recollection,
    memory: NodeBefore,
) -> LogReport | None:
    """Check a node's own log; None if it is absent, which is a fault."""
    path, (origin, log_key) = directory / "nodes" / f"{host}.db", named
    if not path.is_file():
        auditor.fault(None, f"the log of the node of `{host}` is absent")
        return None
    own = Database.at(path, read_only=True)
    try:
        since = recollection.verified(host)
        if not own.size() and since is None:  # it was opened, and nothing was asked of it yet
            replay_node(host, (), auditor, memory)
            return None
        check = LogCheck(own, origin=origin, log_key=log_key, witness=None, since=since)
        replay_node(host, check, auditor, memory)
        return check.report()
    finally:
        own.close()


def read_seen(path: Path, trust: Trust) -> Checkpoint:
    """A checkpoint of the log, from a file with a signed checkpoint or a receipt.

    Raises:
        InvalidInput: the file cannot be read.
        VerificationError: it is neither, or it is of another log.
    """
    data = read_small(path)
    try:
        if data.startswith(b"c2sp.org/tlog-proof"):
            return open_receipt(
                data, origin=trust.origin, log_key=trust.log_key, witness=trust.witness
            )[2]
        return open_checkpoint(data, origin=trust.origin, public_key=trust.log_key)[0]
    except VerificationError as e:
        raise VerificationError(
            f"`{path}`: {e.message}", hint="give a checkpoint or a receipt of this log"
        ) from None


def read_small(path: Path) -> bytes:
    """The bytes of a checkpoint or receipt.

    Raises:
        InvalidInput: the file cannot be read, or is too large for one.
    """
    try:
        if not path.is_file() or path.stat().st_size > MOST_OF_A_NOTE:
            raise InvalidInput(f"`{path}` is no checkpoint and no receipt", hint="name such a file")
        return path.read_bytes()
    except OSError as e:
        raise InvalidInput(f"cannot read `{path}`: {e.strerror}") from None
