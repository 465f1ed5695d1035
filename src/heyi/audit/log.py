"""The log: events in, indices out; signed and witnessed checkpoints over them."""

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
    """A leaf as stored; `body` and `key` are absent where there never was a body or where it was erased."""

    index: int
    leaf: bytes
    leaf_hash: bytes
    body: bytes | None = None
    key: bytes | None = None


class LogStore(Protocol):
    """Where a log keeps its entries. Each call is durable and whole when it returns, or it did not happen."""

    def append(
        self, entries: Sequence[Entry], *, size: int, note: bytes, erase: Sequence[int] = ()
    ) -> None:
        """Keep entries and the checkpoint at `size` over them, and forget body and key of those to `erase` beyond
        recovery, in one transaction."""

    def scrub(self) -> None:
        """Overwrite what was erased wherever the store may have left copies of it."""

    def cosigned(self, size: int, note: bytes) -> None:
        """Put the cosigned checkpoint in the place of the one at that size."""

    def entries(self, start: int = 0) -> Iterator[Entry]: ...

    def checkpoints(self) -> list[tuple[int, bytes]]:
        """(size, signed note) in order."""


class Entropy(Protocol):
    """Where randomness comes from: the operating system, or a seed in a demonstration."""

    def take(self, label: str) -> bytes:
        """32 bytes that nobody else has; `label` tells what for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """An event to be logged, with the erasable body that its leaf shall commit to, if any."""

    event: Event
    body: Json = None


class Log:
    """One log with its key and its witness. It is the only writer of its store.

    Every append signs the state that it leaves and has it cosigned: an acknowledged event is under a checkpoint, and
    a process that is killed leaves no entry that nobody vouches for.
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
        """Log events together and return their indices; all of them are kept, or none.

        The log's own checkpoint is kept in the same transaction. The witness is asked afterwards, since it must never
        see a state that the log could still lose; until it answered, the entries are promised and not yet proven.
        `erase` names earlier entries whose bodies go in that transaction too, so that the event that says so and the
        deed stand or fall together.

        Raises:
            StoreError: nothing was kept; or, where the message says so, the events are kept and only a cosignature or
                the overwriting of erased bytes is lacking.
            VerificationError: the witness refuses; the entries are kept, without its cosignature.
        """
        if not drafts:
            return []
        before = self.size
        entries = [self._entry(index, draft) for index, draft in enumerate(drafts, start=before)]
        for entry in entries:
            self._tree.append(entry.leaf_hash)
        note = sign_checkpoint(
            Checkpoint(origin=self.signer.name, size=self.size, root=self.root), self.signer
        )
        try:
            self.store.append(entries, size=self.size, note=note.to_bytes(), erase=erase)
        except StoreError:
            self._tree.truncate(before)
            raise
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
