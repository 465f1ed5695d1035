"""Merkle trees of RFC 6962: roots, inclusion proofs, consistency proofs and their verification.

A hash is 32 bytes of SHA-256. A leaf is hashed with prefix 0x00 and a node with 0x01 (section 2.1),
so that nobody can present a node as a leaf. Proofs are made by `stored_tree`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

from heyi.model.errors import InvalidInput, VerificationError

EMPTY_ROOT = hashlib.sha256(b"").digest()
ROW_LEVELS = 8
"""The roots of every eighth level are stored."""
HIGHEST_ROW = 24
"""The highest level whose roots are stored; 2^32 leaves have 256 of them."""


def leaf_hash(leaf: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


class Frontier:
    """The roots of the full subtrees that make up a tree, largest first: at most 64 hashes.

    A tree of 13 leaves is made up of a subtree of 8, one of 4, and one of 1. This is enough to
    compute the root and to append.
    """

    def __init__(self) -> None:
        # INVARIANT: there is one root for each binary digit 1 of the size, in the same order.
        self._size = 0
        self._roots: list[bytes] = []

    @classmethod
    def of(cls, size: int, hashes: Iterable[bytes]) -> Frontier:
        """The frontier of `size` leaves from its hashes, as `hashes` gives them.

        Raises:
            InvalidInput: a tree of that size is not made up of so many subtrees.
        """
        frontier = cls()
        frontier._size, frontier._roots = size, list(hashes)
        if size < 0 or len(frontier._roots) != size.bit_count():
            raise InvalidInput(
                f"a tree of {size} leaves is not made up of {len(frontier._roots)} full subtrees"
            )
        return frontier

    @property
    def size(self) -> int:
        return self._size

    @property
    def hashes(self) -> tuple[bytes, ...]:
        return tuple(self._roots)

    def copy(self) -> Frontier:
        return Frontier.of(self._size, self._roots)

    def append(self, hashed: bytes) -> tuple[tuple[int, int, bytes], ...]:
        """Add the hash of one leaf; O(1) hashes on average.

        The answer has (level, index, root) of each subtree of a stored level that is full now.
        """
        index, level = self._size, 0
        full: tuple[tuple[int, int, bytes], ...] = ()
        self._size += 1
        # A new leaf may complete a pair, this pair a pair of pairs, and so on: a carry in binary.
        while index & 1:
            hashed = node_hash(self._roots.pop(), hashed)
            index >>= 1
            level += 1
            if level % ROW_LEVELS == 0 and level <= HIGHEST_ROW:
                full += ((level, index, hashed),)
        self._roots.append(hashed)
        return full

    def root(self) -> bytes:
        """The root over all leaves (RFC 6962 section 2.1)."""
        if not self._roots:
            return EMPTY_ROOT
        root = self._roots[-1]
        for left in self._roots[-2::-1]:
            root = node_hash(left, root)
        return root


def root_of(hashes: Sequence[bytes]) -> bytes:
    """The root over leaf hashes (RFC 6962 section 2.1)."""
    frontier = Frontier()
    for hashed in hashes:
        frontier.append(hashed)
    return frontier.root()


def verify_inclusion(
    hashed: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes
) -> None:
    """Check that a leaf hash is entry `index` of the tree of `size` entries with that root.

    Raises:
        VerificationError: it is not.

    Source: RFC 9162 section 2.1.3.2, whose names fn, sn and r are kept.
    """
    if not 0 <= index < size:
        raise VerificationError(f"entry {index} is not in a log of {size} entries")
    # fn is the place of the current node on its level, sn the place of the last node there. Both
    # are halved on the way up; sn is 0 at the root.
    fn, sn, r = index, size - 1, hashed
    for p in proof:
        if sn == 0:
            raise VerificationError("the inclusion proof is too long")
        if fn & 1 or fn == sn:
            r = node_hash(p, r)
            # A last node without a right sibling moves up as it is: skip these levels.
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            r = node_hash(r, p)
        fn, sn = fn >> 1, sn >> 1
    if sn != 0 or r != root:
        raise VerificationError(f"entry {index} is not in the log with that root")


def verify_consistency(
    old: int, new: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]
) -> None:
    """Check that the log of `old` entries is a prefix of the log of `new` entries.

    Raises:
        VerificationError: it is not; the log was rewritten.

    Source: RFC 9162 section 2.1.4.2, whose step numbers and names are kept.
    """
    if not 0 < old <= new:
        raise VerificationError(f"a log of {new} entries has no prefix of {old}")
    if old == new:
        if proof or old_root != new_root:
            raise VerificationError("two checkpoints of one size differ")
        return
    # (2) If `old` is a power of two, the old tree is one subtree, and the proof omits its root.
    path = list(proof)
    if old & (old - 1) == 0:
        path.insert(0, old_root)
    # (1) An empty proof proves nothing.
    if not path:
        raise VerificationError("the consistency proof is empty")
    # (3, 4) Start at the largest perfect subtree that ends with the last old leaf.
    fn, sn = old - 1, new - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    # (5, 6) Compute the old root fr and the new root sr. A sibling on the left is in both trees, a
    # sibling on the right is in the new tree only.
    fr = sr = path[0]
    for c in path[1:]:
        if sn == 0:
            raise VerificationError("the consistency proof is too long")
        if fn & 1 or fn == sn:
            fr, sr = node_hash(c, fr), node_hash(c, sr)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            sr = node_hash(sr, c)
        fn, sn = fn >> 1, sn >> 1
    # (7) The proof has reached the top, and both roots are the expected ones.
    if sn != 0 or fr != old_root or sr != new_root:
        raise VerificationError(f"the log of {new} entries does not begin with the log of {old}")
