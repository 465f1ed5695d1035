"""A node's log together with what the node knows from it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from heyi.audit.log import Group, Log
from heyi.crypto.merkle import Frontier, leaf_hash
from heyi.federation.node.node_memory import RESTORE, NodeMemory
from heyi.model.errors import VerificationError


class NodeLog:
    """The log of the node of `host`, and its fold, the `memory`.

    INVARIANT: the memory changes by entries of the log alone, those of this process too.

    Raises:
        VerificationError: the log holds other leaves than its checkpoint covers, or what
            `NodeMemory.take` refuses.
    """

    def __init__(self, log: Log, *, host: str) -> None:
        self.log = log
        self.memory = NodeMemory()
        leaves = Frontier()
        for entry in log.store.entries(0, log.size):
            leaves.append(leaf_hash(entry.leaf))
            self.memory.take(entry)
        # The log opens from stored hashes. The node acts on leaves, so these are what is checked.
        if leaves.root() != log.root:
            raise VerificationError(
                f"the log of the node of `{host}` was changed after it was signed", hint=RESTORE
            )

    @contextmanager
    def writing(self) -> Iterator[Group]:
        """One transaction of the log, in which the memory knows everything that is logged.

        What is decided in it still holds when it ends, even if two processes serve one log.

        Raises:
            Conflict, StoreError: nothing was kept.
        """
        with self.log.group() as group:
            for entry in self.log.store.entries(self.memory.size, group.size):
                self.memory.take(entry)
            yield group
