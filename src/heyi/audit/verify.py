"""Checking a whole log: every leaf, every commitment, every checkpoint; each fault names its entry."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
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
    """What does not hold; `entry` is an index in the log, or None where the whole log is meant."""

    entry: int | None
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """An entry whose leaf holds. `body` is None without a body; `erased` where it was erased."""

    index: int
    event: Event
    body: Json
    erased: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class LogReport:
    """`checkpoint` is the last one that holds; `promised` counts the entries that the log signed for and the witness
    has not cosigned yet: a promise, not a proof."""

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
    """Check a log against its key and its witness (name, key), collecting every fault instead of stopping at one."""
    tree = Tree()
    good: list[Checked] = []
    faults: list[Fault] = []
    for n, entry in enumerate(entries):
        if entry.index != n:
            faults.append(Fault(entry=n, message=f"entry {n} is missing"))
            break
        # (1) The leaf is what was hashed when it was logged.
        hashed = leaf_hash(entry.leaf)
        if hashed != entry.leaf_hash:
            faults.append(Fault(entry=n, message="the leaf was changed after it was logged"))
        tree.append(hashed)
        # (2) The leaf is a canonical event, and its body is the one it commits to.
        faults += _entry(entry, good)
        if len(good) > 1 and good[-1].event.at < good[-2].event.at:
            faults.append(Fault(entry=n, message="the entry is dated before the one above it"))
    size = tree.size
    said = [c.event.public.get("entry") for c in good if c.event.kind == "body.erased"]
    erased = {entry for entry in said if type(entry) is int}
    faults += [
        Fault(entry=c.index, message="the body is gone, though no event says that it was erased")
        for c in good
        if c.erased and c.index not in erased
    ]
    # (3) Each checkpoint is signed, its root is that of the entries before it, and a cosignature on it holds.
    last, count, cosigned = None, 0, 0
    for stored_size, data in checkpoints:
        try:
            checkpoint, note = open_checkpoint(data, origin=origin, public_key=log_key)
            if checkpoint.size != stored_size or checkpoint.size > size:
                raise VerificationError(
                    f"a checkpoint promises {checkpoint.size} entries, but the log has {size}"
                )
            if tree.root(checkpoint.size) != checkpoint.root:
                trusted = last.size if last else 0
                raise VerificationError(
                    f"entries {trusted} to {checkpoint.size - 1} are not those of the checkpoint"
                )
            if witness is not None and len(note.signatures) > 1:
                verify_cosignature(note, name=witness[0], public_key=witness[1])
                cosigned = max(cosigned, checkpoint.size)
        except VerificationError as e:
            faults.append(Fault(entry=None, message=e.message))
            continue
        last, count = checkpoint, count + 1
    # (4) The last checkpoint covers every entry, and the witness has cosigned at least once.
    if last is None:
        faults.append(Fault(entry=None, message="no checkpoint holds"))
    elif last.size < size:
        faults.append(
            Fault(entry=last.size, message=f"entries from {last.size} on are under no checkpoint")
        )
    elif witness is not None and cosigned == 0:
        faults.append(Fault(entry=None, message=f"no checkpoint was cosigned by `{witness[0]}`"))
    return LogReport(
        origin=origin,
        entries=tuple(good),
        checkpoint=last,
        checkpoints=count,
        promised=size - cosigned if witness is not None else 0,
        faults=tuple(faults),
    )


def _entry(entry: Entry, good: list[Checked]) -> Iterator[Fault]:
    try:
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
        good.append(Checked(index=entry.index, event=event, body=body, erased=erased))
    except VerificationError as e:
        yield Fault(entry=entry.index, message=e.message)
