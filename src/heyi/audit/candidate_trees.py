"""Two trees over one log: so that one changed leaf is one fault."""

from __future__ import annotations

from heyi.crypto.merkle import Frontier


class CandidateTrees:
    """The tree over the leaves as they are, and the one over the hashes that were stored with them.

    They are the same until a leaf was changed. The next checkpoint tells which one is the log's: so
    a changed leaf, or a changed hash, does not spoil all later checkpoints.
    """

    def __init__(self, tree: Frontier) -> None:
        self.tree = tree
        self._stored: Frontier | None = None

    def append(self, hashed: bytes, stored: bytes) -> None:
        if self._stored is None and stored != hashed:
            self._stored = self.tree.copy()
        self.tree.append(hashed)
        if self._stored is not None:
            self._stored.append(stored)

    def agree(self, root: bytes) -> bool:
        """Whether one of them has that root; this one is then the log's."""
        if self.tree.root() != root:
            if self._stored is None or self._stored.root() != root:
                return False
            self.tree = self._stored
        self._stored = None
        return True
