"""The log: events in, indices out; signed and witnessed checkpoints over them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from heyi.audit.checkpoint import Checkpoint, sign_checkpoint
from heyi.audit.event import Event
from heyi.audit.merkle import Frontier, consistency_proof, leaf_hash
from heyi.audit.note import Note
from heyi.audit.witness import Witness
from heyi.crypto.canonical import Json, canonical
from heyi.crypto.commitment import commit
from heyi.crypto.keys import Signer


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

    def append(self, entries: Sequence[Entry], *, erase: Sequence[int] = ()) -> None:
        """Keep entries and forget body and key of those to `erase` beyond recovery, in one transaction."""

    def entries(self, start: int = 0) -> Iterator[Entry]: ...

    def put_checkpoint(self, size: int, note: bytes) -> None: ...

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
    """One log with its key and its witness. It is the only writer of its store."""

    def __init__(self, *, signer: Signer, store: LogStore, entropy: Entropy, witness: Witness | None = None) -> None:
        self.signer = signer
        self.store = store
        self.witness = witness
        self._entropy = entropy
        self._frontier = Frontier()
        self._hashes: list[bytes] = []
        for entry in store.entries():
            self._take(entry.leaf_hash)

    @property
    def size(self) -> int:
        return self._frontier.size

    @property
    def root(self) -> bytes:
        return self._frontier.root()

    def _take(self, hashed: bytes) -> None:
        self._frontier.append(hashed)
        self._hashes.append(hashed)

    def append(self, drafts: Iterable[Draft], *, erase: Sequence[int] = ()) -> list[int]:
        """Log events together and return their indices; all of them are kept, or none.

        `erase` names earlier entries whose bodies go in the same transaction, so that the event that says so and the
        deed stand or fall together.

        Raises:
            StoreError: nothing was kept.
        """
        entries = []
        for index, draft in enumerate(drafts, start=self.size):
            event, key, body = draft.event, None, None
            if draft.body is not None:
                key, body = self._entropy.take(f"{self.signer.name}/{index}"), canonical(draft.body)
                event = Event(
                    kind=event.kind,
                    at=event.at,
                    actor=event.actor,
                    case=event.case,
                    public=event.public,
                    commitment=commit(draft.body, key),
                )
            leaf = event.to_leaf()
            entries.append(Entry(index=index, leaf=leaf, leaf_hash=leaf_hash(leaf), body=body, key=key))
        self.store.append(entries, erase=erase)
        for entry in entries:
            self._take(entry.leaf_hash)
        return [e.index for e in entries]

    def checkpoint(self, *, now: int) -> Checkpoint:
        """Sign the present state, have it cosigned, and keep it.

        Raises:
            VerificationError: the witness refuses.
        """
        checkpoint = Checkpoint(origin=self.signer.name, size=self.size, root=self.root)
        note = sign_checkpoint(checkpoint, self.signer)
        if self.witness is not None:
            seen = self.witness.seen
            proof = consistency_proof(self._hashes, seen.size) if seen and 0 < seen.size < self.size else []
            note = Note(
                text=note.text, signatures=(*note.signatures, self.witness.cosign(note.to_bytes(), proof, now=now))
            )
        self.store.put_checkpoint(self.size, note.to_bytes())
        return checkpoint
