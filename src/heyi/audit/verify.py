"""Check a whole log as it streams by: every leaf, every commitment, every checkpoint.

Memory does not grow with the log, except for one byte an entry. One cause is one fault.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from heyi.audit.candidate_trees import CandidateTrees
from heyi.audit.checkpoint import Checkpoint, open_checkpoint
from heyi.audit.dates import Dates
from heyi.audit.erasures import ERASED, BodyState, Erasures
from heyi.audit.event import Event, from_leaf
from heyi.audit.log_store import Entry, LogReader
from heyi.audit.verified import Verified
from heyi.audit.witness import verify_cosignature
from heyi.crypto.canonical import Json, from_canonical
from heyi.crypto.commitment import verify_commitment
from heyi.crypto.merkle import Frontier, leaf_hash, verify_consistency
from heyi.crypto.stored_tree import StoredTree
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
    leaf_hash: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class LogReport:
    """What the check of a log found.

    `size` counts the entries. `checkpoint` is the last valid one, `checkpoints` counts the valid
    ones that were read, and `erased` the bodies that are gone. `promised` counts the entries that
    the log has signed and the witness has not yet cosigned. `verified` is None if there is a fault.
    """

    origin: str
    size: int
    checkpoint: Checkpoint | None
    checkpoints: int
    promised: int
    erased: int
    faults: tuple[Fault, ...]
    verified: Verified | None


class LogCheck:
    """The check of a log against its key and its witness, which is (name, key).

    Iterate to get the valid entries in order; `faults` fills meanwhile. `report` reads the rest.

    `seen` are (name, checkpoint) that the auditor knows from elsewhere: the log must extend them.
    `since` is what this auditor verified before: earlier entries are not read again.
    """

    def __init__(
        self,
        reader: LogReader,
        *,
        origin: str,
        log_key: str,
        witness: tuple[str, str] | None,
        seen: Sequence[tuple[str, Checkpoint]] = (),
        since: Verified | None = None,
    ) -> None:
        since = since or Verified(size=0, frontier=(), at=0)
        self.faults: list[Fault] = []
        self._reader = reader
        self._origin = origin
        self._log_key = log_key
        self._witness = witness
        self._since = since
        self._trees = CandidateTrees(Frontier.of(since.size, since.frontier))
        self._dates = Dates(at=since.at, witnessed_at=since.witnessed_at)
        self._erasures = Erasures(since.size, self._look)
        self._seen = deque(sorted(seen, key=lambda s: s[1].size))
        # The checkpoint that comes next, those after it, and the least size that was not yet met.
        self._next: tuple[int, bytes] | None = None
        self._notes: Iterator[tuple[int, bytes]] = iter(())
        self._unmet = since.size
        self._valid = 0
        self._last: Checkpoint | None = None
        self._cosigned = since.cosigned
        self._gap = False
        # Whether entries are known to be missing, inside the log or at its end.
        self.incomplete = False
        # What was said of the last checkpoint that was refused, and its size.
        self._refused = ("", -1)
        # Whether a fault was told already that explains why the roots of checkpoints differ.
        self._explained = False
        self._run = self._check()

    def __iter__(self) -> Iterator[Checked]:
        return self._run

    def report(self) -> LogReport:
        """Read what was not yet read, and say what was found."""
        deque(self._run, maxlen=0)
        tree = self._trees.tree
        verified = Verified(
            size=tree.size,
            frontier=tree.hashes,
            at=self._dates.at,
            witnessed_at=self._dates.witnessed_at,
            cosigned=self._cosigned,
        )
        return LogReport(
            origin=self._origin,
            size=tree.size,
            checkpoint=self._last,
            checkpoints=self._valid,
            promised=tree.size - self._cosigned if self._witness is not None else 0,
            erased=self._erasures.count,
            faults=tuple(self.faults),
            verified=None if self.faults else verified,
        )

    def _fault(self, entry: int | None, message: str | None) -> None:
        if message is not None:
            self.faults.append(Fault(entry=entry, message=message))

    def _check(self) -> Iterator[Checked]:
        self._check_before()
        # A log that is in use grows while it is read. So read until nothing more comes: then every
        # checkpoint that was read has its entries, and every entry its checkpoint.
        before = -1
        while before < self._trees.tree.size and not self._gap:
            before = self._trees.tree.size
            self._notes = self._reader.checkpoints(self._unmet)
            self._advance()
            for entry in self._reader.entries(before):
                n = self._trees.tree.size
                if n == 0 and entry.index < 0:
                    self._fault(None, f"an entry is numbered {entry.index}, before the first")
                    continue
                if entry.index != n:
                    self._fault(n, f"entry {n} is missing")
                    self._gap = self.incomplete = True
                    break
                self._meet(n)
                checked = self._take(entry)
                if checked is not None:
                    yield checked
            self._meet(self._trees.tree.size)
        self._finish()

    def _take(self, entry: Entry) -> Checked | None:
        """Check one entry and add it to the tree."""
        # (1) The leaf has the hash that was stored with it. A spoilt store may hold anything.
        n = entry.index
        stored = entry.leaf_hash if _is_hash(entry.leaf_hash) else bytes(32)
        hashed = leaf_hash(entry.leaf) if isinstance(entry.leaf, bytes) else stored
        changed = hashed != entry.leaf_hash or not isinstance(entry.leaf, bytes)
        if changed:
            self._fault(n, "the leaf was changed after it was logged")
            self._explained = True
        self._trees.append(hashed, stored)
        # (2) The leaf is a canonical event, and the body is the one that it commits to.
        try:
            checked = check_entry(entry)
        except VerificationError as e:
            if not changed:
                self._fault(n, e.message)
            self._erasures.record(BodyState.UNREADABLE)
            # What the leaf says still stands; its body counts as gone, so that nothing that rests
            # on it is a fault as well.
            return _without_body(entry)
        self._erasures.record(_state_of(checked))
        # (3) It is dated in order, and it reports an erasure that took place.
        event = checked.event
        if not changed:  # the date of a changed leaf says nothing about those after it
            self._fault(n, self._dates.entry(event.at))
        if event.kind == ERASED:
            self._fault(n, self._erasures.report(n, event.public.get("entry")))
        return checked

    def _look(self, index: int) -> BodyState:
        """Read one entry again."""
        for entry in self._reader.entries(index, index + 1):
            try:
                return _state_of(check_entry(entry))
            except VerificationError:
                break
        return BodyState.UNREADABLE

    def _advance(self) -> None:
        """Go to the next stored checkpoint."""
        self._next = next(self._notes, None)

    def _meet(self, size: int) -> None:
        """Compare the tree of `size` entries with what was signed and what was seen of it."""
        while self._next is not None and self._next[0] <= size:
            self._checkpoint(*self._next)
            self._unmet = self._next[0] + 1
            self._advance()
        while self._seen and self._seen[0][1].size <= size:
            name, checkpoint = self._seen.popleft()
            if checkpoint.size == size and not self._trees.agree(checkpoint.root):
                self._fault(None, f"the log was rewritten behind what was seen in `{name}`")

    def _open(self, filed: int, data: bytes) -> tuple[Checkpoint, int | None] | None:
        """The checkpoint of that size and the time of its cosignature, if both are valid."""
        # (4) The checkpoint is signed by the log, and a cosignature on it is valid.
        try:
            checkpoint, note = open_checkpoint(data, origin=self._origin, public_key=self._log_key)
            if checkpoint.size != filed:
                raise VerificationError(
                    f"a checkpoint of {checkpoint.size} entries is stored as one of {filed}"
                )
            at = None
            if self._witness is not None and len(note.signatures) > 1:
                name, key = self._witness
                at = verify_cosignature(note, name=name, public_key=key)
        except VerificationError as e:
            # one cause, such as another key, may refuse every checkpoint
            if Fault(entry=None, message=e.message) not in self.faults:
                self._fault(None, e.message)
            self._refused = (e.message, filed)
            return None
        return checkpoint, at

    def _checkpoint(self, filed: int, data: bytes) -> None:
        opened = self._open(filed, data)
        if opened is None:
            return
        checkpoint, at = opened
        # (5) Its root is the root over the entries before it.
        if filed != self._trees.tree.size or not self._trees.agree(checkpoint.root):
            trusted = self._last.size if self._last else self._since.size
            if not self._explained:
                self._fault(
                    None, f"entries {trusted} to {filed - 1} are not those of the checkpoint"
                )
            self._explained = True
            return
        self._explained = False
        self._valid += 1
        self._last = checkpoint
        # (6) What is under a cosignature had happened when the witness gave it.
        if at is not None:
            self._cosigned = max(self._cosigned, filed)
            if filed > 0:
                self._fault(filed - 1, self._dates.cosignature(at))

    def _check_before(self) -> None:
        """Compare what was seen with what was verified before, and both with the store's size."""
        since = self._since
        if self._reader.size() < since.size:
            self._fault(
                None,
                f"the log was rolled back: it had {since.size} entries when it was verified, and "
                f"now it has {self._reader.size()}",
            )
            self._gap = self.incomplete = True
        while self._seen and self._seen[0][1].size < since.size:
            name, checkpoint = self._seen.popleft()
            if checkpoint.size > 0:
                try:
                    # The stored hashes are not trusted: the proof is.
                    proof = StoredTree(self._reader, since.size).consistency_proof(checkpoint.size)
                    verify_consistency(
                        checkpoint.size, since.size, checkpoint.root, since.root, proof
                    )
                except VerificationError:
                    self._fault(None, f"the log was rewritten behind what was seen in `{name}`")

    def _finish(self) -> None:
        size = self._trees.tree.size
        # (7) No checkpoint, and nothing that was seen, is of a longer log.
        promise = 0
        while self._next is not None:
            opened = self._open(*self._next)
            promise = max(promise, opened[0].size if opened else 0)
            self._advance()
        if self._gap:  # what should come behind the gap is not missed a second time
            return
        if promise:
            self._fault(None, f"a checkpoint promises {promise} entries, but the log has {size}")
        for name, checkpoint in self._seen:
            self._fault(
                None,
                f"the log was rolled back: `{name}` has seen {checkpoint.size} entries, and now "
                f"it has {size}",
            )
        # (8) Every body that is gone was reported. The report comes later in the log, where it may
        # be missing with the end of the log.
        self.incomplete = bool(promise or self._seen)
        for n in self._erasures.silent() if not self.incomplete else ():
            self._fault(n, "the body is gone, though no event says that it was erased")
        # (9) The last checkpoint covers every entry, and the witness has cosigned at least once.
        if self._last is None:
            self._fault(None, self._because("no checkpoint holds", 0))
        elif self._last.size < size and not self._explained:
            said = f"entries from {self._last.size} on are under no checkpoint"
            self._fault(self._last.size, self._because(said, self._last.size))
        elif self._witness is not None and self._cosigned == 0:
            self._fault(None, f"no checkpoint was cosigned by `{self._witness[0]}`")

    def _because(self, said: str, size: int) -> str:
        """What follows from a refused checkpoint above `size`, told in place of the refusal."""
        why, refused = self._refused
        if refused < size:
            return said
        self.faults.remove(Fault(entry=None, message=why))
        return f"{said}: {why}"


def check_entry(entry: Entry) -> Checked:
    """Check that a leaf is an event, and that the body is the one that it commits to.

    Raises:
        VerificationError: it is not, or the body was changed or is there by half.
    """
    event = from_leaf(entry.leaf)
    body: Json = None
    erased = False
    if event.commitment is None:
        if entry.body is not None or entry.key is not None:
            raise VerificationError("there is a body that no leaf commits to")
    elif entry.body is None or entry.key is None:
        erased = True
        if entry.body is not None or entry.key is not None:
            raise VerificationError("the body was erased by half")
    elif not isinstance(entry.body, bytes) or not isinstance(entry.key, bytes):
        raise VerificationError("the body or its key is no sequence of bytes")
    else:
        verify_commitment(event.commitment, entry.body, entry.key)
        body = from_canonical(entry.body)
        if body is None:  # or it would pass for a body that was erased
            raise VerificationError("the body is `null`, which no event has")
    return Checked(
        index=entry.index, event=event, body=body, erased=erased, leaf_hash=entry.leaf_hash
    )


def _without_body(entry: Entry) -> Checked | None:
    """The event of an entry whose body is not the one that it commits to; None if it is none."""
    try:
        event = from_leaf(entry.leaf)
    except VerificationError:
        return None
    return Checked(
        index=entry.index,
        event=event,
        body=None,
        erased=event.commitment is not None,
        leaf_hash=entry.leaf_hash,
    )


def _state_of(checked: Checked) -> BodyState:
    if checked.event.commitment is None:
        return BodyState.NONE
    return BodyState.GONE if checked.erased else BodyState.HELD


def _is_hash(value: object) -> bool:
    return isinstance(value, bytes) and len(value) == 32
