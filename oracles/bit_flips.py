"""Bits that somebody flips in a stored log: each must be found, at the place where it is.

Most of a flip can be judged beside the rest of the log: a leaf by its hash, a body and its key by
the commitment of the leaf, a checkpoint by its signatures and its root. `found_alone` does that
with the product's own functions, so that every bit of a log can be tried. `found_in_all` checks
the whole log with one bit flipped. A test compares the two.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from heyi.app.centre import reopen
from heyi.audit.checkpoint import open_checkpoint
from heyi.audit.log_store import Entry
from heyi.audit.verify import LogCheck, check_entry
from heyi.audit.witness import verify_cosignature
from heyi.crypto.merkle import Frontier, leaf_hash
from heyi.model.errors import VerificationError
from heyi.store.database import Database
from heyi.store.folder import Trust, read_trust
from oracles.lying import Operator

Field = Literal["leaf", "leaf_hash", "body", "key", "note"]
FIELDS: tuple[Field, ...] = ("leaf", "leaf_hash", "body", "key", "note")


SMALL = 200
"""Entries of the log of which every bit is tried, at most."""


@dataclass(frozen=True, slots=True)
class Flip:
    """One bit of one stored value; `at` is the index of an entry, or the size of a checkpoint."""

    field: Field
    at: int
    bit: int


class StoredLog:
    """A log in memory, of which one bit may be flipped; it is a `LogReader`."""

    def __init__(self, database: Database, trust: Trust) -> None:
        self.trust = trust
        self._entries = list(database.entries())
        self._notes = dict(database.checkpoints())
        tree, self._roots = Frontier(), dict[int, bytes]()
        for entry in self._entries:
            tree.append(entry.leaf_hash)
            if tree.size in self._notes:
                self._roots[tree.size] = tree.root()
        self.flipped: Flip | None = None

    def values(self) -> Iterator[tuple[Field, int, bytes]]:
        """Every stored value: field, place, bytes."""
        for entry in self._entries:
            for field in FIELDS[:4]:
                value = getattr(entry, field)
                if value is not None:
                    yield field, entry.index, value
        for size, note in self._notes.items():
            yield "note", size, note

    def flips(self) -> Iterator[Flip]:
        """Every bit."""
        for field, at, value in self.values():
            for bit in range(8 * len(value)):
                yield Flip(field, at, bit)

    # --- what `LogCheck` reads ---

    def size(self) -> int:
        return len(self._entries)

    def entries(self, start: int = 0, end: int | None = None) -> Iterator[Entry]:
        for entry in self._entries[start:end]:
            yield self.spoilt(entry)

    def checkpoints(self, start: int = 0) -> Iterator[tuple[int, bytes]]:
        for size, note in self._notes.items():
            if size >= start:
                yield size, self.spoilt_note(size, note)

    def stream(self, name: str) -> Iterator[Entry]:
        raise NotImplementedError(name)

    def stream_names(self) -> Iterator[str]:
        raise NotImplementedError

    def newest_checkpoint(self) -> tuple[int, bytes] | None:
        raise NotImplementedError

    def subtrees(self, level: int, begin: int, end: int) -> list[bytes]:
        raise NotImplementedError

    def summary(self, kind: str, name: str) -> bytes | None:
        raise NotImplementedError

    def summaries(self, kind: str) -> Iterator[tuple[str, bytes]]:
        raise NotImplementedError

    # --- flips ---

    def spoilt(self, entry: Entry) -> Entry:
        """The entry with the flipped bit, if it is one of its own."""
        flip = self.flipped
        if flip is None or flip.field == "note" or flip.at != entry.index:
            return entry
        value = turned(getattr(entry, flip.field), flip.bit)
        return replace(entry, **{flip.field: value})  # type: ignore[arg-type]

    def spoilt_note(self, size: int, note: bytes) -> bytes:
        flip = self.flipped
        mine = flip is not None and flip.field == "note" and flip.at == size
        return turned(note, flip.bit) if flip is not None and mine else note

    def found_alone(self, flip: Flip) -> bool:
        """Whether the flipped value is found without the rest of the log."""
        self.flipped = flip
        if flip.field == "note":
            return self._is_refused(flip.at, self.spoilt_note(flip.at, self._notes[flip.at]))
        entry = self.spoilt(self._entries[flip.at])
        if leaf_hash(entry.leaf) != entry.leaf_hash:
            return True
        try:
            check_entry(entry)
        except VerificationError:
            return True
        return False

    def _is_refused(self, size: int, data: bytes) -> bool:
        trust = self.trust
        try:
            checkpoint, note = open_checkpoint(data, origin=trust.origin, public_key=trust.log_key)
            if len(note.signatures) > 1 and trust.witness:
                name, key = trust.witness
                verify_cosignature(note, name=name, public_key=key)
        except VerificationError:
            return True
        return (checkpoint.size, checkpoint.root) != (size, self._roots[size])

    def found_in_all(self, flip: Flip) -> list[tuple[int | None, str]]:
        """The faults of the whole log with this flip."""
        self.flipped = flip
        check = LogCheck(
            self,
            origin=self.trust.origin,
            log_key=self.trust.log_key,
            witness=self.trust.witness,
        )
        return [(f.entry, f.message) for f in check.report().faults]


def turned(value: bytes, bit: int) -> bytes:
    """The bytes with one bit flipped."""
    changed = bytearray(value)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def stored(directory: Path) -> StoredLog:
    """The centre's log of a run, in memory."""
    with closing(Database.at(directory / "heyi.db", read_only=True)) as database:
        return StoredLog(database, read_trust(directory / "trust.json"))


def first_entries(directory: Path) -> StoredLog:
    """The beginning of a run as its use cases wrote it; the folder is cut to it."""
    operator = Operator(directory=directory, app=reopen(directory))
    store = operator.consortium.log.store
    operator.rewind_to(max(size for size, _ in store.checkpoints() if size < SMALL))
    operator.app.close()
    return stored(directory)
