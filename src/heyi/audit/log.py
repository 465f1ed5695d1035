"""The log: it keeps events in groups, and signs one checkpoint over each group.

Several processes may write to one store. Each transaction first catches up with what the others
wrote. Witnesses are asked beside the write path: no write waits for them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Protocol

from heyi.audit.checkpoint import Checkpoint, sign_checkpoint
from heyi.audit.event import Event
from heyi.audit.head import Head, catch_up, last_time, open_own, read_entry, read_head
from heyi.audit.log_store import Entry, LogStore, Subtree, WriteTransaction
from heyi.audit.tlog_proof import LoggedProof
from heyi.audit.witness import CLOCK_TOLERANCE, Witness, verify_cosignature
from heyi.crypto.canonical import Json, canonical
from heyi.crypto.commitment import commit_bytes, verify_commitment
from heyi.crypto.keys import Signer
from heyi.crypto.merkle import leaf_hash
from heyi.crypto.stored_tree import StoredTree
from heyi.model.errors import InvalidInput, VerificationError

_LATEST = 4_102_444_800  # 2100-01-01: a later time is a clock that was never set


class Entropy(Protocol):
    """The source of randomness: the operating system, or a seed in a demonstration."""

    def take(self, label: str) -> bytes:
        """32 bytes that nobody else knows; `label` names their use."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """An event to log, with its erasable body if there is one; the leaf will commit to the body.

    A signer who signed the commitment brings `key`: then the event has this commitment already.
    """

    event: Event
    body: Json = None
    key: bytes | None = None


class Group:
    """What will be kept together, under one checkpoint.

    `missed` are the entries that other processes wrote since this log looked last.
    """

    def __init__(self, head: Head, *, known: int, signer: Signer, entropy: Entropy) -> None:
        self.missed = range(known, head.frontier.size)
        self._head = head
        self._frontier = head.frontier.copy()
        self._last_at = head.last_at
        self._signer = signer
        self._entropy = entropy
        self._keys: dict[int, bytes] = {}
        self._entries: list[Entry] = []
        self._subtrees: list[Subtree] = []
        self._erase: list[int] = []
        self._streams: list[tuple[str, int]] = []
        self._summaries: list[tuple[str, str, bytes]] = []

    @property
    def last_at(self) -> int:
        """The time of the newest entry, kept or staged, Unix seconds; 0 if there is none."""
        return self._last_at

    @property
    def size(self) -> int:
        """The index of the next entry."""
        return self._frontier.size

    def key(self, index: int) -> bytes:
        """The key for the body of an entry that is not yet added, 32 bytes.

        Raises:
            InvalidInput: the log has this entry.
        """
        if index < self.size:
            raise InvalidInput(
                f"entry {index} is in the log already", hint=f"the next entry is {self.size}"
            )
        # Asked twice, the operating system would give another key than the one that was signed.
        if index not in self._keys:
            self._keys[index] = self._entropy.take(f"{self._signer.name}/{index}")
        return self._keys[index]

    def add(self, drafts: Sequence[Draft], erase: Sequence[int] = ()) -> list[Entry]:
        """Stage events and return their entries; `erase` are entries whose bodies are deleted.

        Raises:
            InvalidInput: an event cannot be written, or is dated before the newest entry; or an
                erasure has no event or no entry. Nothing was staged.
            VerificationError: an event has a commitment to another body. Nothing was staged.
        """
        entries, last_at = [], self._last_at
        for index, draft in enumerate(drafts, start=self.size):
            last_at = _dated(draft.event, last_at)
            entries.append(self._entry(index, draft))
        if erase and not drafts:
            raise InvalidInput("an erasure must be logged", hint="add the event that reports it")
        for index in erase:
            if not 0 <= index < self.size:
                raise InvalidInput(f"entry {index} cannot be erased: it is not in the log")
            if index in self._erase:  # a second report of it would be a fault for ever
                raise InvalidInput(
                    f"entry {index} has no body to erase", hint="it is being erased already"
                )
        for entry in entries:
            self._subtrees += [Subtree(*full) for full in self._frontier.append(entry.leaf_hash)]
        self._entries += entries
        self._erase += erase
        self._last_at = last_at
        return entries

    def _entry(self, index: int, draft: Draft) -> Entry:
        event, body, key = draft.event, None, draft.key
        if draft.body is None:
            if key is not None or event.commitment is not None:
                raise InvalidInput("an event commits to a body that was not given")
        else:
            body = canonical(draft.body)
            if event.commitment is None:
                if key is not None:
                    raise InvalidInput("a draft has a key, but its event commits to nothing")
                key = self.key(index)
                event = replace(event, commitment=commit_bytes(body, key))
            elif key is None:
                raise InvalidInput("an event commits to a body, but its draft has no key")
            else:
                verify_commitment(event.commitment, body, key)
        leaf = event.to_leaf()
        return Entry(index=index, leaf=leaf, leaf_hash=leaf_hash(leaf), body=body, key=key)

    def index(self, rows: Sequence[tuple[str, int]]) -> None:
        """Put entries into streams: (stream, index of the entry)."""
        self._streams += rows

    def summarise(self, rows: Sequence[tuple[str, str, bytes]]) -> None:
        """Keep summaries: (kind, name, summary); a later one replaces an earlier one."""
        self._summaries += rows

    def write(self, transaction: WriteTransaction) -> Head:
        """Sign the checkpoint and give everything to the transaction; `Log.group` calls this."""
        head = self._head
        if self._entries:
            checkpoint = Checkpoint(
                origin=self._signer.name, size=self.size, root=self._frontier.root()
            )
            note = sign_checkpoint(checkpoint, self._signer).to_bytes()
            head = Head(self._frontier, self._last_at, note)
            transaction.append(self._entries, self._subtrees, note=note)
        if self._erase:
            transaction.erase(self._erase)
        if self._streams:
            transaction.index(self._streams)
        if self._summaries:
            transaction.summarise(self._summaries)
        return head


def _dated(event: Event, last_at: int) -> int:
    """The time of the event, if it may follow an entry of `last_at`.

    Raises:
        InvalidInput: it is dated before that, or no clock would say so.
    """
    if type(event.at) is not int or not 0 <= event.at < _LATEST:
        raise InvalidInput(
            f"the event of kind `{event.kind}` is dated {event.at}", hint="check the clock"
        )
    # A verifier would find this order at fault for ever.
    if event.at < last_at:
        raise InvalidInput(
            f"the event of kind `{event.kind}` is dated {_utc(event.at)}, before the newest entry "
            f"of {_utc(last_at)}",
            hint="check the clock of this machine",
        )
    return event.at


def _utc(at: int) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%M:%SZ}"


class Log:
    """One log with its key.

    INVARIANT: each stored entry is under a checkpoint that the log signed, also after the process
    was killed.
    """

    def __init__(self, *, signer: Signer, store: LogStore, entropy: Entropy) -> None:
        """Open the log at its newest checkpoint; this reads some hundred hashes.

        Raises:
            VerificationError: the store holds another log, or not what the checkpoint says.
            StoreError: the store cannot be read.
        """
        self.signer = signer
        self.store = store
        self._entropy = entropy
        self._head = read_head(store, signer)

    @property
    def size(self) -> int:
        return self._head.frontier.size

    @property
    def root(self) -> bytes:
        return self._head.frontier.root()

    @property
    def last_at(self) -> int:
        """The time of the newest entry, Unix seconds; 0 if there is none."""
        return self._head.last_at

    @property
    def head(self) -> bytes:
        """The newest checkpoint, as a signed note; empty if there is none.

        A witness may have cosigned it since: the store has the cosigned one.
        """
        return self._head.note

    @contextmanager
    def group(self) -> Iterator[Group]:
        """Keep all that is added in the block, under one checkpoint; on an exception, nothing.

        Raises:
            Conflict: another process holds the log, or the log was replaced under this process.
            StoreError: nothing was kept.
        """
        with self.store.writing() as transaction:
            head = catch_up(self._head, transaction.size, self.store, self.signer)
            group = Group(head, known=self.size, signer=self.signer, entropy=self._entropy)
            yield group
            head = group.write(transaction)
        # Only now everything is durable. If anything above failed, this log is what it was before.
        self._head = head

    def append(self, drafts: Sequence[Draft], *, erase: Sequence[int] = ()) -> list[int]:
        """Log events as one group and return their indices; errors are those of `Group.add`.

        After erasures, call `store.scrub()` once.
        """
        if not drafts and not erase:
            return []
        with self.group() as group:
            entries = group.add(drafts, erase)
        return [e.index for e in entries]

    def check_extends(self, seen: Checkpoint) -> None:
        """Check that this log still extends a checkpoint of it: it was not rolled back or forked.

        Raises:
            VerificationError: it does not.
        """
        size = self.store.size()
        if size < seen.size or StoredTree(self.store, size).root(seen.size) != seen.root:
            raise VerificationError(
                f"the log was rolled back or forked: it has {size} entries, and does not extend "
                f"the {seen.size} that its witness has seen",
                hint="go on with the newer copy, or restore into a new log: heyi restore --help",
            )

    def cosign(self, witness: Witness, *, now: Callable[[int], int]) -> None:
        """Ask a witness to cosign the newest checkpoint, if it did not yet; keep its cosignature.

        `now` gives Unix time in seconds, asked with the time of the newest entry.

        Raises:
            VerificationError: the witness refuses: the log does not extend what it saw.
            InvalidInput: the clock says that the newest entry is of the future.
            StoreError: the cosignature was not kept; ask again.
        """
        newest = self.store.newest_checkpoint()
        if newest is None:
            return
        size, data = newest
        _, note = open_own(size, data, self.signer)
        if size == 0 or any(witness.is_own(s) for s in note.signatures):
            return
        # The cosigned time bounds the dates of all entries before it (`verify`).
        last_at = last_time(self.store, size)
        if last_at > (at := now(last_at)) + CLOCK_TOLERANCE:
            raise InvalidInput(
                f"the newest entry is dated {_utc(last_at)}, but now it is {_utc(at)}",
                hint="check the clock of this machine",
            )
        # Nobody else asks this witness meanwhile: the proof is from what it saw last.
        with witness.asking():
            seen = witness.seen()
            if seen is not None and seen.checkpoint.size > size:
                self.check_extends(seen.checkpoint)  # another process asked for a newer one
                return
            proof = []
            if seen is not None and 0 < seen.checkpoint.size < size:
                proof = StoredTree(self.store, size).consistency_proof(seen.checkpoint.size)
            mark = witness.cosign(data, proof, now=at)
        cosigned = replace(note, signatures=(*note.signatures, mark))
        verify_cosignature(cosigned, name=witness.signer.name, public_key=witness.signer.public_key)
        self.store.cosigned(size, cosigned.to_bytes())

    def prove(self, index: int) -> bytes:
        """A receipt that entry `index` is in the log, under the newest checkpoint (`tlog_proof`).

        Raises:
            InvalidInput: the log has no such entry.
            VerificationError: the stored entry or its hashes were changed.
        """
        size, data = self.store.newest_checkpoint() or (0, b"")
        if not 0 <= index < size:
            raise InvalidInput(f"entry {index} is not in a log of {size} entries")
        open_own(size, data, self.signer)
        proof = LoggedProof(
            index=index,
            hashes=tuple(StoredTree(self.store, size).inclusion_proof(index)),
            note=data,
            extra=read_entry(self.store, index).leaf,
        )
        # A receipt is made to be checked by somebody else: check it first.
        proof.check(leaf_hash(proof.extra), origin=self.signer.name, log_key=self.signer.public_key)
        return proof.to_bytes()
