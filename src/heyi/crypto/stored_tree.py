"""A Merkle tree whose hashes are stored: its roots and proofs, computed from a few rows.

A log that grows for years cannot read all its hashes at each start. So the root of each full
subtree of 256, 65,536 and 16,777,216 leaves is stored beside the hashes of the leaves (levels 8, 16
and 24), and each answer reads at most eight rows of at most 256 hashes.
"""

from __future__ import annotations

from typing import Protocol

from heyi.crypto.merkle import EMPTY_ROOT, HIGHEST_ROW, ROW_LEVELS, Frontier, node_hash
from heyi.model.errors import InvalidInput, VerificationError


class SubtreeReader(Protocol):
    """Where the hashes of a tree are stored."""

    def subtrees(self, level: int, begin: int, end: int) -> list[bytes]:
        """Roots of the full subtrees of 2^level leaves, index `begin` up to `end`, exclusive.

        `level` is 0, 8, 16 or 24. Level 0 are the hashes of the leaves.
        """


class StoredTree:
    """The first `size` leaves of a tree whose hashes are stored; a row is read when it is needed.

    The stored hashes are not proven: compare the root with a signed one.
    """

    def __init__(self, reader: SubtreeReader, size: int) -> None:
        self._reader = reader
        self._size = size
        # (level, number of the row) -> up to 256 roots. A full row never changes.
        self._rows: dict[tuple[int, int], list[bytes]] = {}

    @property
    def size(self) -> int:
        return self._size

    def _row(self, level: int, number: int) -> list[bytes]:
        """Up to 256 roots of a stored level, as far as the tree has full subtrees.

        Raises:
            VerificationError: the store lacks one of them.
        """
        kept = self._rows.get((level, number))
        if kept is None:
            begin = number << ROW_LEVELS
            end = self._size >> level
            if level < HIGHEST_ROW:
                end = min(end, begin + (1 << ROW_LEVELS))
            kept = self._reader.subtrees(level, begin, end)
            if len(kept) != end - begin or any(
                not isinstance(h, bytes) or len(h) != 32 for h in kept
            ):
                raise VerificationError(
                    f"the store lacks hashes of the entries {begin << level} to "
                    f"{(end << level) - 1}",
                    hint="run `heyi verify`, then restore the log from a backup",
                )
            self._rows[level, number] = kept
        return kept

    def _full(self, level: int, index: int) -> bytes:
        """The root over the leaves from `index` * 2^level up to (`index` + 1) * 2^level - 1."""
        # Go down to the next stored level, and compute the root from at most 2^7 roots there.
        stored = min(level - level % ROW_LEVELS, HIGHEST_ROW)
        first = index << (level - stored)
        number = first >> ROW_LEVELS if stored < HIGHEST_ROW else 0
        row = self._row(stored, number)
        first -= number << ROW_LEVELS
        roots = row[first : first + (1 << (level - stored))]
        while len(roots) > 1:
            roots = [node_hash(*roots[i : i + 2]) for i in range(0, len(roots), 2)]
        return roots[0]

    def _range(self, begin: int, end: int) -> bytes:
        """The root over the leaves from `begin` to `end`, exclusive."""
        width = end - begin
        # A width of 2^k that begins at a multiple of 2^k is a full subtree.
        if width & (width - 1) == 0 and begin % width == 0:
            level = width.bit_length() - 1
            return self._full(level, begin >> level)
        k = _split(width)
        return node_hash(self._range(begin, begin + k), self._range(begin + k, end))

    def frontier(self) -> Frontier:
        """The full subtrees that make up this tree, to append to it."""
        hashes, begin = [], 0
        for level in reversed(range(self._size.bit_length())):
            if self._size >> level & 1:
                hashes.append(self._full(level, begin >> level))
                begin += 1 << level
        return Frontier.of(self._size, hashes)

    def root(self, size: int | None = None) -> bytes:
        """The root over all leaves, or over the first `size` (RFC 6962 section 2.1).

        Raises:
            InvalidInput: the tree is smaller.
        """
        size = self._size if size is None else size
        if not 0 <= size <= self._size:
            raise InvalidInput(f"a log of {self._size} entries has no prefix of {size}")
        return self._range(0, size) if size else EMPTY_ROOT

    def inclusion_proof(self, index: int, size: int | None = None) -> list[bytes]:
        """The audit path of leaf `index` in the tree of the first `size` leaves, lowest hash first.

        Raises:
            InvalidInput: the tree has no such leaf.

        Source: RFC 6962 section 2.1.1.
        """
        size = self._size if size is None else size
        if not 0 <= index < size <= self._size:
            raise InvalidInput(f"entry {index} is not in a log of {size} entries")
        # Walk from the root down to the leaf and note the sibling at each step, highest first.
        proof, begin, end = [], 0, size
        while end - begin > 1:
            k = _split(end - begin)
            if index < begin + k:
                proof.append(self._range(begin + k, end))
                end = begin + k
            else:
                proof.append(self._range(begin, begin + k))
                begin += k
        return proof[::-1]

    def consistency_proof(self, old: int, size: int | None = None) -> list[bytes]:
        """The proof that the first `old` of `size` leaves are a prefix of them, lowest hash first.

        Raises:
            InvalidInput: the tree has no such prefix, or the prefix is empty.

        Source: RFC 6962 section 2.1.2.
        """
        size = self._size if size is None else size
        if not 0 < old <= size <= self._size:
            raise InvalidInput(f"a log of {size} entries has no prefix of {old}")
        # Walk from the root down to the subtree that ends with leaf old - 1, and note each sibling.
        # `complete` stays true if all steps went left: then this subtree is the whole old tree. The
        # verifier knows its root already, so the proof leaves it out.
        proof, begin, end, complete = [], 0, size, True
        while old != end:
            k = _split(end - begin)
            if old <= begin + k:
                proof.append(self._range(begin + k, end))
                end = begin + k
            else:
                proof.append(self._range(begin, begin + k))
                begin += k
                complete = False
        return [*([] if complete else [self._range(begin, end)]), *proof[::-1]]


def _split(size: int) -> int:
    """The largest power of two smaller than `size`."""
    return 1 << (size - 1).bit_length() - 1
