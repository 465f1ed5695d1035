"""An outsider's verification: every log of a folder read, checked and computed again."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from heyi.app.rulebooks import shelf
from heyi.audit.checkpoint import Checkpoint, open_checkpoint, parse_checkpoint
from heyi.audit.note import parse_note
from heyi.audit.tlog_proof import LoggedProof, open_receipt
from heyi.audit.verified import Verified
from heyi.audit.verify import Fault, LogCheck, LogReport
from heyi.crypto.canonical import digest
from heyi.exchange.proof.auditor import Auditor, Replayed
from heyi.exchange.proof.recollection import CENTRE, NodeBefore, Recollection
from heyi.exchange.proof.replay import close, go_on, replay_centre, replay_node
from heyi.exchange.state import State
from heyi.exchange.streams import loading_state
from heyi.model.errors import Conflict, InvalidInput, StoreError, VerificationError
from heyi.policy.decide import DecisionPoint
from heyi.sources.rulebook_shelf import cache_folder
from heyi.store.audit_memory import AuditMemory
from heyi.store.database import Database
from heyi.store.folder import Trust, read_trust

if TYPE_CHECKING:
    from heyi.exchange.proof.impact import Impact

_RECEIPT = b"c2sp.org/tlog-proof"
MOST_OF_A_NOTE = 1_000_000
"""Bytes of a checkpoint or receipt at most; the leaf of a receipt is the largest part."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """What an outsider found: the centre's log, each node's log, and what was computed again.

    `erased` lists the entries of the centre whose bodies are gone; those of `replayed.erased` among
    them cannot be replayed, the others were checked by what else is in the log.
    `trusted` is false where the folder's own keys were all that there was, which its writer could
    have exchanged. `since` counts the entries that were verified before, None where nobody asked
    to go on from there, and `memory` is the file that remembers them. `unkept` says why it could
    not remember this audit.
    """

    centre: LogReport
    nodes: dict[str, LogReport]
    replayed: Replayed
    erased: tuple[int, ...]
    trusted: bool
    since: int | None = None
    memory: Path | None = None
    unkept: StoreError | None = None

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


def log_of(directory: Path, store: str = "") -> Database:
    """The centre's log of a run, to be read only: `heyi.db`, or the database of that address.

    The address comes from whoever reads. `run.json` may name one too, but a reader does not follow
    it: the writer of the folder could send the reader anywhere.

    Raises:
        InvalidInput: there is none.
        StoreError: it cannot be read.
    """
    if store:
        return Database(store, read_only=True)
    path = directory / "heyi.db"
    try:
        if path.is_file():
            return Database.at(path, read_only=True)
    except OSError as e:
        raise InvalidInput(
            f"cannot read `{path}`: {e.strerror}", hint="make the folder readable"
        ) from None
    raise InvalidInput(
        f"`{directory}` has no log",
        hint="name a folder that `heyi demo` or `heyi run` made; if the log is in a database, "
        "give its address: --store",
    )


@contextmanager
def reading(directory: Path, store: str = "") -> Iterator[tuple[Database, State]]:
    """The centre's log of a run with its state, to be read only.

    Streams are those of the folder; what they leave out only a verification of the log finds.

    Raises:
        InvalidInput: there is none.
        StoreError: it cannot be read.
    """
    database = log_of(directory, store)
    try:
        yield database, loading_state(database)
    finally:
        database.close()


def past_impact(directory: Path, new: DecisionPoint, store: str = "") -> Impact:
    """What another rulebook would have answered to the decisions of a run; nothing is written.

    `store` is as in `log_of`.

    Raises:
        InvalidInput: there is no log.
        StoreError: the database cannot be read.
    """
    from heyi.exchange.proof.impact import impact

    database = log_of(directory, store)
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
    store: str = "",
) -> Verification:
    """Check everything in a folder, with the keys of `trust_file` and nothing else.

    By default these are the keys in the folder itself, which its writer could have exchanged.
    `seen` are checkpoints and receipts that the auditor got before, or folders of them: the log
    must extend them. With `since` the audit goes on from what this user verified before, and
    remembers what holds now. `store` is the address of the centre's database, if it is no file.

    Raises:
        InvalidInput: there is no log, or no keys.
        VerificationError: what was seen is of another log.
        Conflict: another audit goes on from the same memory.
        StoreError: the centre's database cannot be read.
    """
    trust = read_trust(trust_file or directory / "trust.json")
    known = [(path.name, read_seen(path, trust)) for path in _files(seen)]
    for before in trust.succeeds:
        taken_over = Checkpoint(
            origin=before.origin, size=before.size, root=bytes.fromhex(before.root)
        )
        known.append(("trust.json", taken_over))
    memory = _memory(trust) if since else None
    with memory.alone() if memory else nullcontext():
        return _verify(directory, trust, known, memory, trusted=trust_file is not None, store=store)


def _verify(
    directory: Path,
    trust: Trust,
    known: Sequence[tuple[str, Checkpoint]],
    memory: AuditMemory | None,
    *,
    trusted: bool,
    store: str,
) -> Verification:
    database = log_of(directory, store)
    try:
        recollection = Recollection(database, memory)
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
            succeeds=trust.succeeds,
            witness=trust.witness,
        )
        go_on(auditor, recollection)
        deque(replay_centre(check, auditor, recollection), maxlen=0)
        nodes: dict[str, LogReport] = {}
        memories: dict[str, NodeBefore] = {}
        # what is missing from the centre's log is not missed in each node's log again
        for host, named in () if check.incomplete else sorted(auditor.state.nodes.items()):
            memories[host] = recollection.node(_node_log(host))
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
            trusted=trusted,
            since=None if memory is None else auditor.since,
            memory=None if memory is None else memory.path,
        )
        if found.holds:
            logs = {
                _node_log(host): (report.verified, memories[host])
                for host, report in nodes.items()
                if report.verified
            }
            if found.centre.verified:
                try:
                    recollection.keep(auditor, {CENTRE: (found.centre.verified, None), **logs})
                except StoreError as e:
                    found = replace(found, unkept=e)
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
    """Check a node's own log; None if it is absent or cannot be read, which is a fault."""
    if host not in auditor.state.parties:
        return None  # told where it was opened; such a name may lead out of the folder
    path = directory / "nodes" / f"{host}.db"
    since = recollection.verified(_node_log(host))
    try:
        if path.is_file():
            return _read_node(path, host, named, auditor, since, memory)
        auditor.fault(None, f"the log of the node of `{host}` is absent")
    except Conflict:
        raise
    except (StoreError, OSError) as e:
        why = e.message if isinstance(e, StoreError) else e.strerror
        auditor.fault(None, f"the log of the node of `{host}` cannot be read: {why}")
    return None


def _read_node(
    path: Path,
    host: str,
    named: tuple[str, str],
    auditor: Auditor,
    since: Verified | None,
    memory: NodeBefore,
) -> LogReport | None:
    own, (origin, log_key) = Database.at(path, read_only=True), named
    try:
        if not own.size() and since is None:  # it was opened, and nothing was asked of it yet
            replay_node(host, (), auditor, memory)
            return None
        check = LogCheck(own, origin=origin, log_key=log_key, witness=None, since=since)
        replay_node(host, check, auditor, memory)
        return check.report()
    finally:
        own.close()


def _node_log(host: str) -> str:
    """The name of a node's log in what is remembered: a host may be called `centre` too."""
    return f"node/{host}"


def _files(paths: Sequence[Path]) -> Iterator[Path]:
    """The files that these paths name; of a folder all that are not hidden."""
    for path in paths:
        if not path.is_dir():
            yield path
            continue
        found = sorted(p for p in path.iterdir() if p.is_file() and not p.name.startswith("."))
        if not found:
            raise InvalidInput(f"`{path}` holds no checkpoint and no receipt", hint="name another")
        yield from found


def read_seen(path: Path, trust: Trust) -> Checkpoint:
    """A checkpoint of the log, from a file with a signed checkpoint or a receipt.

    What the former log signed counts too, as far as this log has taken its entries over.

    Raises:
        InvalidInput: the file cannot be read.
        VerificationError: it is neither, or it is of another log.
    """
    data = read_small(path)
    try:
        of = origin_of(data)
        before = next((s for s in trust.succeeds if s.origin == of), None)
        origin, key = (
            (trust.origin, trust.log_key) if before is None else (before.origin, before.log_key)
        )
        if data.startswith(_RECEIPT):
            (_, _, found, _) = open_receipt(data, origin=origin, log_key=key, witness=trust.witness)
        else:
            found, _ = open_checkpoint(data, origin=origin, public_key=key)
        if before is not None and found.size > before.size:
            raise VerificationError(
                f"it shows {found.size} entries of the former log `{origin}`, of which this log "
                f"has taken over {before.size}"
            )
        return found
    except VerificationError as e:
        raise VerificationError(
            f"`{path}`: {e.message}", hint="give a checkpoint or a receipt of this log"
        ) from None


def origin_of(data: bytes) -> str:
    """The log that a checkpoint or receipt says it is of; its signatures are not checked.

    Raises:
        VerificationError: it is neither.
    """
    note = LoggedProof.parse(data).note if data.startswith(_RECEIPT) else data
    return parse_checkpoint(parse_note(note).text).origin


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
        raise InvalidInput(
            f"cannot read `{path}`: {e.strerror}", hint="make it readable, or name another"
        ) from None
