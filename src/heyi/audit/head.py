"""The head of a log: its newest checkpoint, and the little that is needed to go on from there."""

from __future__ import annotations

from dataclasses import dataclass

from heyi.audit.checkpoint import Checkpoint, open_checkpoint
from heyi.audit.event import from_leaf
from heyi.audit.log_store import Entry, LogReader
from heyi.audit.note import Note
from heyi.crypto.keys import Signer
from heyi.crypto.merkle import Frontier, leaf_hash
from heyi.crypto.stored_tree import StoredTree
from heyi.model.errors import Conflict, VerificationError

_PORTION = 4_096
_VERIFY = "run `heyi verify`; it says which entries are at fault"


@dataclass(frozen=True, slots=True)
class Head:
    """What a log knows of its newest checkpoint.

    `last_at` is the time of the newest entry, Unix seconds; `note` is the signed checkpoint. The
    frontier is never changed here: copy it before it grows.
    """

    frontier: Frontier
    last_at: int
    note: bytes

    @property
    def size(self) -> int:
        return self.frontier.size


def read_head(store: LogReader, signer: Signer) -> Head:
    """The head of a stored log; this reads some hundred hashes.

    Raises:
        VerificationError: the store holds another log, or not what the newest checkpoint says.
    """
    # Another process may write between two questions: ask until the answers belong together.
    while True:
        newest, entries = store.newest_checkpoint(), store.size()
        if newest == store.newest_checkpoint():
            break
    size, data = newest or (0, b"")
    if entries > size:
        raise VerificationError(f"the entries from {size} on are under no checkpoint", hint=_VERIFY)
    if entries < size:
        raise VerificationError(
            f"a checkpoint promises {size} entries, but the store has {entries}",
            hint="restore the log from a backup",
        )
    if newest is None:
        return Head(Frontier(), 0, b"")
    checkpoint, _ = open_own(size, data, signer)
    frontier = StoredTree(store, size).frontier()
    if frontier.root() != checkpoint.root:
        raise VerificationError(
            "the entries in the store are not those of the newest checkpoint", hint=_VERIFY
        )
    return Head(frontier, last_time(store, size), data)


def catch_up(head: Head, size: int, store: LogReader, signer: Signer) -> Head:
    """The head after what other processes wrote; `size` is the size of the store under its lock.

    Raises:
        Conflict: the stored log does not go on from this head.
    """
    newest = store.newest_checkpoint()
    if size == head.size and (newest or (0, b"")) == (size, head.note):
        return head
    try:
        if size < head.size or newest is None or newest[0] != size:
            raise VerificationError(f"it had {head.size} entries, and now it has {size}")
        checkpoint, _ = open_own(*newest, signer)
        frontier = head.frontier.copy()
        for begin in range(head.size, size, _PORTION):
            for hashed in store.subtrees(0, begin, min(begin + _PORTION, size)):
                frontier.append(hashed)
        if (frontier.size, frontier.root()) != (size, checkpoint.root):
            raise VerificationError(f"its first {head.size} entries are others now")
        return Head(frontier, last_time(store, size), newest[1])
    except VerificationError as e:
        raise Conflict(
            f"the log was restored or replaced under this process: {e.message}",
            hint="nothing was kept; stop this process, and run `heyi verify` before the next",
        ) from e


def open_own(size: int, data: bytes, signer: Signer) -> tuple[Checkpoint, Note]:
    """The checkpoint that is stored for `size`, if this log signed it.

    Raises:
        VerificationError: another log signed it, or it is of another size.
    """
    try:
        checkpoint, note = open_checkpoint(data, origin=signer.name, public_key=signer.public_key)
    except VerificationError as e:
        raise VerificationError(
            f"this is not the log of `{signer.name}`: {e.message}",
            hint="this may be the folder of another consortium, or one with another key",
        ) from e
    if checkpoint.size != size:
        raise VerificationError(
            f"the checkpoint of {checkpoint.size} entries is stored as one of {size}", hint=_VERIFY
        )
    return checkpoint, note


def read_entry(store: LogReader, index: int) -> Entry:
    """One entry.

    Raises:
        VerificationError: the store lacks it.
    """
    for entry in store.entries(index, index + 1):
        if entry.index == index:
            return entry
    raise VerificationError(f"entry {index} is missing", hint=_VERIFY)


def last_time(store: LogReader, size: int) -> int:
    """The time of the last of `size` entries, Unix seconds; 0 if there is none.

    Raises:
        VerificationError: this entry was changed.
    """
    if size == 0:
        return 0
    entry = read_entry(store, size - 1)
    if [leaf_hash(entry.leaf)] != store.subtrees(0, size - 1, size):
        raise VerificationError(f"entry {size - 1} was changed after it was logged", hint=_VERIFY)
    return from_leaf(entry.leaf).at
