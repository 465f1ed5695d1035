"""A log that takes over the entries of another, under a name and a key of its own."""

from __future__ import annotations

from dataclasses import dataclass

from heyi.audit.checkpoint import Checkpoint, sign_checkpoint
from heyi.audit.log_store import LogStore
from heyi.crypto.keys import Signer
from heyi.crypto.stored_tree import StoredTree


@dataclass(frozen=True, slots=True, kw_only=True)
class Succeeds:
    """The log whose first `size` entries another log has taken over after a loss.

    `root` is that of these entries, in hexadecimal.
    """

    origin: str
    log_key: str
    size: int
    root: str


def take_over(store: LogStore, signer: Signer) -> None:
    """Put all stored entries under one checkpoint of another log, whose name is the signer's.

    The root of these entries stays what it was, so checkpoints of the former log still prove them.

    Raises:
        StoreError: nothing was changed.
    """
    with store.writing() as transaction:
        size = transaction.size
        root = StoredTree(store, size).root()
        note = sign_checkpoint(Checkpoint(origin=signer.name, size=size, root=root), signer)
        transaction.replace_checkpoints(note.to_bytes())
