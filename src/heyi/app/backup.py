"""Back up a run, and restore it without forking its log.

A restored log that lacks entries which its witness has seen is a fork: whoever holds a receipt of
the lost entries would prove that the log lies. So it is restored whole, or it goes on under another
origin that names its predecessor.
"""

from __future__ import annotations

import hashlib
import secrets
import shutil
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from heyi.app.centre import reopen, witness_of
from heyi.app.clock import StandingClock
from heyi.app.settings import seed_bytes
from heyi.audit.checkpoint import open_checkpoint
from heyi.audit.log import Log
from heyi.audit.note import check_name
from heyi.audit.succession import Succeeds, take_over
from heyi.audit.verify import LogCheck
from heyi.audit.witness import Cosigned
from heyi.crypto.stored_tree import StoredTree
from heyi.exchange.consortium import PLATFORM
from heyi.exchange.events.event_kinds import read_event
from heyi.exchange.events.registered import NodeOpened
from heyi.exchange.events.succeeded import LogSucceeded
from heyi.exchange.events.typed import draft
from heyi.model.errors import InvalidInput, StoreError, VerificationError
from heyi.model.party import check_id
from heyi.store.copies import copy_database
from heyi.store.database import Database
from heyi.store.folder import (
    BACKUP,
    RUN,
    Run,
    Trust,
    read_run,
    read_trust,
    write_run,
    write_trust,
)
from heyi.store.secrets import SeededEntropy, SeededKeyring
from heyi.store.witness_file import WitnessFile

_ANOTHER = "find another copy"
PLAIN = ("trust.json", "report.html")
FOLDERS = ("receipts", "institutions")


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """What was restored: the number of entries, and of those that are lost.

    `lost` is None where the witness remembers nothing, and nobody knows.
    """

    entries: int
    lost: int | None


def backup(directory: Path, to: Path) -> int:
    """Copy a run into a new folder while it is in use, and return the number of entries.

    The folder holds the secrets of the run. Its run file has another name, so that no command
    works in it beside the run itself.

    Raises:
        InvalidInput: there is no run or no log, or the folder is not empty or within the run.
        StoreError: it cannot be read or written.
    """
    run = read_run(directory)
    if run.store:
        raise InvalidInput(
            "the log is in a database server",
            hint="copy its database with pg_dump, and the folder beside it",
        )
    if not (directory / "heyi.db").is_file():
        raise InvalidInput(f"`{directory}` has no log", hint="name the folder of a run")
    try:
        within = to.resolve().is_relative_to(directory.resolve())
    except (OSError, RuntimeError) as e:  # a link to itself
        raise StoreError(f"cannot write `{to}`: {e}", hint="name another folder") from None
    if within:
        raise InvalidInput(f"`{to}` is within the run itself", hint="name a folder elsewhere")
    with _made_whole(to) as partial:
        database = Database.at(directory / "heyi.db")
        try:
            # While the lock is held no call is announced: a node only finishes what was announced.
            with database.writing():
                copy_database(directory / "heyi.db", partial / "heyi.db")
                _copy_nodes(directory, partial)
            copied = Database.at(partial / "heyi.db", read_only=True)
        finally:
            database.close()
        try:
            size = copied.size()
        finally:
            copied.close()
        _copy_files(directory, partial, links=True)
        write_run(partial, run, BACKUP)
    return size


def restore(copy: Path, directory: Path, *, new_origin: str = "") -> Restored:
    """Put a backup into an empty folder, to go on from there.

    Without `new_origin`, the backup must have all entries that its witness has seen, and the
    witness must have its memory.

    Raises:
        InvalidInput: there is no backup, the folder is not empty, or a new origin is not needed.
        VerificationError: the backup lacks entries, or is not the log that its witness knows.
        StoreError: it cannot be read or written.
    """
    run, trust = _run_of(copy), read_trust(copy / "trust.json")
    if run.store:
        raise InvalidInput(
            "the log of this run is in a database server", hint="restore it there, with pg_restore"
        )
    _check_new(new_origin, trust)
    keyring = SeededKeyring(seed_bytes(run.seed))
    seen = witness_of(run, keyring).seen()
    source = Database.at(copy / "heyi.db", read_only=True)
    try:
        size, lost = source.size(), _lost(source, seen, trust)
        _check_whole(copy, source, trust)
    finally:
        source.close()
    if lost is None and not new_origin:
        raise VerificationError(
            "the witness of this run remembers nothing here: nobody knows whether the backup has "
            "all entries",
            hint="set HEYI_WITNESS to where its memory is; else go on under another name: "
            "--new-origin NAME",
        )
    if lost and not new_origin:
        raise VerificationError(
            f"the backup has {size} entries, and its witness has seen {size + lost}: going on "
            f"without the last {lost} would fork the log",
            hint="find a newer copy; else go on under another name: --new-origin NAME",
        )
    if new_origin and witness_of(_named(run, new_origin), keyring).seen() is not None:
        raise InvalidInput(
            f"the witness knows a log `{new_origin}` that goes on from this one already",
            hint="go on there; else give this one another name",
        )
    if new_origin and lost == 0:
        raise InvalidInput(
            "the backup lacks nothing that its witness has seen", hint="leave --new-origin out"
        )
    with _made_whole(directory) as partial:
        copy_database(copy / "heyi.db", partial / "heyi.db")
        _copy_nodes(copy, partial)
        _copy_files(copy, partial, links=False)
        if new_origin:
            _succeed(partial, run, new_origin, seen, lost)
        else:
            write_run(partial, run)
    return Restored(entries=size, lost=lost)


def _run_of(copy: Path) -> Run:
    """The run in a backup, or in a folder that somebody copied by hand."""
    return read_run(copy, BACKUP if (copy / BACKUP).exists() else RUN)


def _check_new(origin: str, trust: Trust) -> None:
    """Check the name of a log that is to go on, before anything is made."""
    if not origin:
        return
    check_name(origin)
    if origin in (trust.origin, *(before.origin for before in trust.succeeds)):
        raise InvalidInput("the new origin is the old one", hint="give it another name")


def _named(run: Run, origin: str) -> Run:
    """The run under another origin.

    Its witness remembers it by origin and key, so that two restored copies never go on under one.
    """
    key = SeededKeyring(seed_bytes(run.seed)).signer(origin).public_key
    name = hashlib.sha256(f"{origin} {key}".encode()).hexdigest()
    return replace(run, id=name[:32], origin=origin)


def _check_whole(copy: Path, source: Database, trust: Trust) -> None:
    """Check leaves, bodies and checkpoints of a backup, in its log and in that of each node.

    Raises:
        VerificationError: it is damaged, or not whole.
    """
    check = LogCheck(source, origin=trust.origin, log_key=trust.log_key, witness=trust.witness)
    events = (
        read_event(e.index, e.event, e.body, erased=e.erased)
        for e in check
        if e.event.kind == NodeOpened.KIND
    )
    opened = [event.what for event in events]
    _refuse_damaged("", check)
    for node in opened:
        assert isinstance(node, NodeOpened)
        path = copy / "nodes" / f"{check_id(node.host, 'party')}.db"
        if not path.is_file():
            raise VerificationError(
                f"the backup lacks the log of the node of `{node.host}`", hint=_ANOTHER
            )
        place = f"the node of `{node.host}`: "
        try:
            log = Database.at(path, read_only=True)
        except StoreError as e:
            raise VerificationError(
                f"the backup is damaged: {place}{e.message}", hint=_ANOTHER
            ) from None
        try:
            own = LogCheck(log, origin=node.origin, log_key=node.log_key, witness=None)
            deque(own, maxlen=0)
        finally:
            log.close()
        _refuse_damaged(place, own)


def _refuse_damaged(place: str, check: LogCheck) -> None:
    if check.faults:
        fault = check.faults[0]
        entry = "" if fault.entry is None else f"entry {fault.entry}: "
        raise VerificationError(
            f"the backup is damaged: {place}{entry}{fault.message}", hint=_ANOTHER
        )


def _lost(source: Database, seen: Cosigned | None, trust: Trust) -> int | None:
    """How many entries the witness has seen that the backup lacks; None if it remembers nothing.

    Raises:
        VerificationError: the backup is another log than the witness knows, or is damaged.
    """
    newest = source.newest_checkpoint()
    if newest is None:
        raise VerificationError("the backup has no checkpoint", hint="find another copy")
    checkpoint, _ = open_checkpoint(newest[1], origin=trust.origin, public_key=trust.log_key)
    tree = StoredTree(source, checkpoint.size)
    if tree.root() != checkpoint.root:
        raise VerificationError("the backup is damaged", hint="find another copy")
    if seen is None:
        return None
    if seen.checkpoint.size <= checkpoint.size:
        if tree.root(seen.checkpoint.size) != seen.checkpoint.root:
            raise VerificationError(
                "the backup is another log than its witness knows", hint="find another copy"
            )
        return 0
    return seen.checkpoint.size - checkpoint.size


def _succeed(
    directory: Path, run: Run, origin: str, seen: Cosigned | None, lost: int | None
) -> None:
    """Let the log of a folder go on under another origin, which names its predecessor."""
    trust = read_trust(directory / "trust.json")
    keyring = SeededKeyring(seed_bytes(run.seed))
    signer = keyring.signer(origin)
    database = Database.at(directory / "heyi.db")
    try:
        if seen is None:
            # A witness without memory has at least seen what the backup has. It remembers nothing
            # of that afterwards: the former log stays one that it does not know.
            former = Log(
                signer=keyring.signer(run.origin),
                store=database,
                entropy=SeededEntropy(seed_bytes(run.seed)),
            )
            with TemporaryDirectory() as folder:
                forgetful = WitnessFile(Path(folder) / "note")
                former.cosign(witness_of(run, keyring, forgetful), now=StandingClock().now)
        size, note = database.newest_checkpoint() or (0, b"")
        root = StoredTree(database, size).root().hex()
        take_over(database, signer)
    finally:
        database.close()
    write_trust(
        directory,
        replace(
            trust,
            origin=origin,
            log_key=signer.public_key,
            succeeds=(
                *trust.succeeds,
                Succeeds(origin=trust.origin, log_key=trust.log_key, size=size, root=root),
            ),
        ),
    )
    write_run(directory, _named(run, origin))
    app = reopen(directory)
    try:
        last = seen.note if seen else note
        what = LogSucceeded(
            origin=trust.origin,
            log_key=trust.log_key,
            checkpoint=last.decode(),
            lost=lost,
            adopted=False,
        )
        app.consortium.log.append([draft(what, at=app.consortium.now, by=PLATFORM).draft])
        app.cosign()
    finally:
        app.close()


@contextmanager
def _made_whole(folder: Path) -> Iterator[Path]:
    """A folder beside this one, which takes its place at the end; after an error neither stays.

    Raises:
        InvalidInput: there is something in the folder.
        StoreError: it cannot be written.
    """
    folder = folder.absolute()
    partial = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}.partial")
    try:
        if folder.exists() and any(folder.iterdir()):
            raise InvalidInput(f"`{folder}` is not empty", hint="name a new folder")
        folder.parent.mkdir(parents=True, exist_ok=True)
        partial.mkdir(mode=0o700)
        (partial / "nodes").mkdir()
    except OSError as e:
        raise StoreError(
            f"cannot write `{folder}`: {e.strerror}", hint="name another folder"
        ) from None
    try:
        yield partial
        if folder.exists():
            folder.rmdir()  # it is empty; Windows renames onto no folder
        partial.rename(folder)
    except OSError as e:
        raise StoreError(
            f"cannot write `{folder}`: {e.strerror}", hint="name another folder"
        ) from None
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _copy_nodes(source: Path, to: Path) -> None:
    """Copy the log of each node.

    Raises:
        StoreError: one cannot be read or written.
    """
    folder = source / "nodes"
    try:
        # not `glob`, which passes over a folder that it may not read
        nodes = sorted(p for p in folder.iterdir() if p.suffix == ".db") if folder.exists() else []
    except OSError as e:
        raise StoreError(f"cannot read `{folder}`: {e.strerror}", hint="make it readable") from None
    for node in nodes:
        copy_database(node, to / "nodes" / node.name)


def _copy_files(source: Path, to: Path, *, links: bool) -> None:
    """Copy plain files, but no pipes, and no `links` where they are somebody else's.

    A link in a backup could bring in any file of whoever restores it.

    Raises:
        StoreError: one cannot be read or written.
    """

    def strange(folder: str, names: list[str]) -> set[str]:
        paths = {name: Path(folder) / name for name in names}
        return {n for n, p in paths.items() if not plain(p)}

    def plain(path: Path) -> bool:
        return (path.is_file() or path.is_dir()) and (links or not path.is_symlink())

    try:
        for name in PLAIN:
            if (source / name).is_file() and plain(source / name):
                shutil.copy2(source / name, to / name)
        for name in FOLDERS:
            if (source / name).is_dir() and plain(source / name):
                shutil.copytree(source / name, to / name, ignore=strange)
    except shutil.Error as e:
        file, _, why = e.args[0][0]
        raise StoreError(
            f"cannot copy `{file}`: {why}", hint="make it readable, or free the disk"
        ) from None
    except OSError as e:
        raise StoreError(f"cannot copy into `{to}`: {e.strerror}", hint="free the disk") from None
