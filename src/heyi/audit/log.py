"""The log: it keeps events and signs a checkpoint over them, which a witness cosigns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from heyi.audit.checkpoint import Checkpoint, sign_checkpoint
from heyi.audit.event import Event
from heyi.audit.witness import Witness
from heyi.crypto.canonical import Json, canonical
from heyi.crypto.commitment import commit
from heyi.crypto.keys import Signer
from heyi.crypto.merkle import Tree, leaf_hash
from heyi.model.errors import StoreError


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A leaf as stored; `body` and `key` are None if there was no body or if it was erased."""

    index: int
    leaf: bytes
    leaf_hash: bytes
    body: bytes | None = None
    key: bytes | None = None


class LogStore(Protocol):
    """Where a log keeps its entries.

    A call that returns is durable; a call that fails has changed nothing.
    """

    def append(
        self, entries: Sequence[Entry], *, size: int, note: bytes, erase: Sequence[int] = ()
    ) -> None:
        """Keep entries and their checkpoint at `size`, and delete body and key of `erase`.

        All of this is one transaction; `erase` holds indices of earlier entries.
        """

    def scrub(self) -> None:
        """Overwrite all copies of erased bytes that the store may still hold."""

    def cosigned(self, size: int, note: bytes) -> None:
        """Replace the checkpoint at that size by the cosigned one."""

    def entries(self, start: int = 0) -> Iterator[Entry]:
        """The entries from index `start` on, in order."""

    def checkpoints(self) -> list[tuple[int, bytes]]:
        """(size, signed note) of each checkpoint, in the order of size."""


class Entropy(Protocol):
    """The source of randomness: the operating system, or a seed in a demonstration."""

    def take(self, label: str) -> bytes:
        """32 bytes that nobody else knows; `label` names their use."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """An event to log, with its erasable body if there is one; the leaf will commit to the body."""

    event: Event
    body: Json = None


class Log:
    """One log with its key and its witness; it is the only writer of its store.

    INVARIANT: each stored entry is under a checkpoint that the log signed, also after the process
    was killed.
    """

    def __init__(
        self, *, signer: Signer, store: LogStore, entropy: Entropy, witness: Witness | None = None
    ) -> None:
        self.signer = signer
        self.store = store
        self.witness = witness
        self._entropy = entropy
        self._tree = Tree(entry.leaf_hash for entry in store.entries())

    @property
    def size(self) -> int:
        return self._tree.size

    @property
    def root(self) -> bytes:
        return self._tree.root()

    def append(self, drafts: Sequence[Draft], *, erase: Sequence[int] = ()) -> list[int]:
        """Log events together and return their indices; the store keeps all of them or none.

        `erase` holds indices of earlier entries; their bodies are deleted in the same transaction.
        Until the witness has cosigned, the entries are promised but not yet proven.

        Raises:
            StoreError: nothing was kept. If the message says that the events are kept, only the
                cosignature or the overwriting of erased bytes is missing.
            VerificationError: the witness refuses; the entries are kept without its cosignature.
        """
        if not drafts:
            return []
        # (1) Compute the new state and sign it.
        before = self.size
        entries = [self._entry(index, draft) for index, draft in enumerate(drafts, start=before)]
        for entry in entries:
            self._tree.append(entry.leaf_hash)
        note = sign_checkpoint(
            Checkpoint(origin=self.signer.name, size=self.size, root=self.root), self.signer
        )
        # (2) Keep entries, checkpoint and erasures in one transaction: an event that reports an
        # erasure is kept if and only if the body is gone.
        try:
            self.store.append(entries, size=self.size, note=note.to_bytes(), erase=erase)
        except StoreError:
            self._tree.truncate(before)
            raise
        # (3) Ask the witness after the transaction. It must never see a state that the log can
        # still lose, since it would then refuse every other continuation.
        if self.witness is not None:
            seen = self.witness.seen
            proof = (
                self._tree.consistency_proof(seen.size)
                if seen and 0 < seen.size < self.size
                else []
            )
            signature = self.witness.cosign(note.to_bytes(), proof, now=drafts[-1].event.at)
            self.store.cosigned(
                self.size, replace(note, signatures=(*note.signatures, signature)).to_bytes()
            )
        # (4) Overwrite the erased bytes. This is last, since it may fail while the events are kept.
        if erase:
            self.store.scrub()
        return [e.index for e in entries]

    def _entry(self, index: int, draft: Draft) -> Entry:
        event, key, body = draft.event, None, None
        if draft.body is not None:
            key, body = self._entropy.take(f"{self.signer.name}/{index}"), canonical(draft.body)
            event = replace(event, commitment=commit(draft.body, key))
        leaf = event.to_leaf()
        return Entry(index=index, leaf=leaf, leaf_hash=leaf_hash(leaf), body=body, key=key)
