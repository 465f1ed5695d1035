"""Check a whole log: every leaf, every commitment, every checkpoint."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from heyi.audit.checkpoint import Checkpoint, open_checkpoint
from heyi.audit.event import Event, from_leaf
from heyi.audit.log import Entry
from heyi.audit.witness import verify_cosignature
from heyi.crypto.canonical import Json, from_canonical
from heyi.crypto.commitment import KEY_BYTES, verify_commitment
from heyi.crypto.merkle import Tree, leaf_hash
from heyi.model.errors import VerificationError


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What is wrong; `entry` is an index in the log, or None if the fault is not in one entry."""

    entry: int | None
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """An entry with a valid leaf; `body` is None if there never was one or if it was `erased`."""

    index: int
    event: Event
    body: Json
    erased: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class LogReport:
    """What the check of a log found.

    `checkpoint` is the last valid one, and `checkpoints` counts the valid ones. `promised` counts
    the entries that the log has signed and the witness has not yet cosigned.
    """

    origin: str
    entries: tuple[Checked, ...]
    checkpoint: Checkpoint | None
    checkpoints: int
    promised: int
    faults: tuple[Fault, ...]


def verify_log(
    entries: Iterable[Entry],
    checkpoints: Iterable[tuple[int, bytes]],
    *,
    origin: str,
    log_key: str,
    witness: tuple[str, str] | None,
) -> LogReport:
    """Check a log against its key and its witness (name, key); every fault is in the report."""
    tree, checked, faults = _check_entries(entries)
    faults += _silent_erasures(checked)
    valid, cosigned, wrong = _check_checkpoints(
        checkpoints, tree, origin=origin, log_key=log_key, witness=witness
    )
    faults += wrong
    # (5) The last checkpoint covers every entry, and the witness has cosigned at least once.
    last = valid[-1] if valid else None
    if last is None:
        faults.append(Fault(entry=None, message="no checkpoint holds"))
    elif last.size < tree.size:
        faults.append(
            Fault(entry=last.size, message=f"entries from {last.size} on are under no checkpoint")
        )
    elif witness is not None and cosigned == 0:
        faults.append(Fault(entry=None, message=f"no checkpoint was cosigned by `{witness[0]}`"))
    return LogReport(
        origin=origin,
        entries=tuple(checked),
        checkpoint=last,
        checkpoints=len(valid),
        promised=tree.size - cosigned if witness is not None else 0,
        faults=tuple(faults),
    )


def _check_entries(entries: Iterable[Entry]) -> tuple[Tree, list[Checked], list[Fault]]:
    """The tree over all leaves, the valid entries, and the faults; it stops at a gap."""
    tree = Tree()
    checked: list[Checked] = []
    faults: list[Fault] = []
    for n, entry in enumerate(entries):
        if entry.index != n:
            faults.append(Fault(entry=n, message=f"entry {n} is missing"))
            break
        # (1) The leaf has the hash that was stored with it.
        hashed = leaf_hash(entry.leaf)
        if hashed != entry.leaf_hash:
            faults.append(Fault(entry=n, message="the leaf was changed after it was logged"))
        # The tree takes the hash of the leaf as it is now, never the stored hash: a change of both
        # gives another root than the signed one.
        tree.append(hashed)
        # (2) The leaf is a canonical event, and the body is the one that it commits to.
        try:
            checked.append(_check_entry(entry))
        except VerificationError as e:
            faults.append(Fault(entry=entry.index, message=e.message))
        if len(checked) > 1 and checked[-1].event.at < checked[-2].event.at:
            faults.append(Fault(entry=n, message="the entry is dated before the one above it"))
    return tree, checked, faults


def _check_entry(entry: Entry) -> Checked:
    event = from_leaf(entry.leaf)
    body: Json = None
    erased = False
    if event.commitment is None:
        if entry.body is not None:
            raise VerificationError("there is a body that no leaf commits to")
    elif entry.body is None or entry.key is None:
        erased = True
        if entry.body is not None or entry.key is not None:
            raise VerificationError("the body was erased by half")
    else:
        if len(entry.key) != KEY_BYTES:
            raise VerificationError("the key of the body was changed")
        body = from_canonical(entry.body)
        verify_commitment(event.commitment, body, entry.key)
    return Checked(index=entry.index, event=event, body=body, erased=erased)


def _silent_erasures(checked: Iterable[Checked]) -> list[Fault]:
    """A fault for each body that is gone without an event that reports it."""
    # (3) An event reports each erasure. It comes later in the log, so all entries are read first.
    said = [c.event.public.get("entry") for c in checked if c.event.kind == "body.erased"]
    reported = {entry for entry in said if type(entry) is int}
    return [
        Fault(entry=c.index, message="the body is gone, though no event says that it was erased")
        for c in checked
        if c.erased and c.index not in reported
    ]


def _check_checkpoints(
    checkpoints: Iterable[tuple[int, bytes]],
    tree: Tree,
    *,
    origin: str,
    log_key: str,
    witness: tuple[str, str] | None,
) -> tuple[list[Checkpoint], int, list[Fault]]:
    """The valid checkpoints, the largest cosigned size, and the faults."""
    valid: list[Checkpoint] = []
    cosigned = 0
    faults: list[Fault] = []
    for stored_size, data in checkpoints:
        # (4) The checkpoint is signed, its root is the root over the entries before it, and a
        # cosignature on it is valid.
        try:
            checkpoint, note = open_checkpoint(data, origin=origin, public_key=log_key)
            if checkpoint.size != stored_size or checkpoint.size > tree.size:
                raise VerificationError(
                    f"a checkpoint promises {checkpoint.size} entries, but the log has {tree.size}"
                )
            if tree.root(checkpoint.size) != checkpoint.root:
                trusted = valid[-1].size if valid else 0
                raise VerificationError(
                    f"entries {trusted} to {checkpoint.size - 1} are not those of the checkpoint"
                )
            if witness is not None and len(note.signatures) > 1:
                verify_cosignature(note, name=witness[0], public_key=witness[1])
                cosigned = max(cosigned, checkpoint.size)
        except VerificationError as e:
            faults.append(Fault(entry=None, message=e.message))
            continue
        valid.append(checkpoint)
    return valid, cosigned, faults
