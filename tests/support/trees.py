"""Merkle trees in memory."""

from __future__ import annotations

from collections.abc import Iterable

from heyi.crypto.merkle import Frontier
from heyi.crypto.stored_tree import StoredTree


class StoredHashes:
    """The hashes of leaves and of full subtrees; `read` counts how many were asked for."""

    def __init__(self, hashes: Iterable[bytes]) -> None:
        self._levels: dict[int, list[bytes]] = {0: [], 8: [], 16: [], 24: []}
        self.read = 0
        frontier = Frontier()
        for hashed in hashes:
            self._levels[0].append(hashed)
            for level, _, root in frontier.append(hashed):
                self._levels[level].append(root)

    def __len__(self) -> int:
        return len(self._levels[0])

    def subtrees(self, level: int, begin: int, end: int) -> list[bytes]:
        self.read += end - begin
        return self._levels[level][begin:end]


def tree_over(hashes: Iterable[bytes]) -> StoredTree:
    """The tree over leaf hashes."""
    stored = StoredHashes(hashes)
    return StoredTree(stored, len(stored))
