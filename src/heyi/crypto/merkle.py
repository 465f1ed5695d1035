"""Merkle trees of RFC 6962: roots, inclusion proofs, consistency proofs and their verification.

A hash is 32 bytes of SHA-256. A leaf is hashed with prefix 0x00 and a node with 0x01 (section 2.1),
so that nobody can present a node as a leaf.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

from heyi.model.errors import InvalidInput, VerificationError

EMPTY_ROOT = hashlib.sha256(b"").digest()


def leaf_hash(leaf: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


class Tree:
    """A growing tree that keeps the roots of its perfect subtrees.

    `append` costs O(1) hashes on average, a proof O(log^2 n).
    """

    def __init__(self, hashes: Iterable[bytes] = ()) -> None:
        # INVARIANT: _levels[k][i] is the root over the leaves from i * 2^k up to (i + 1) * 2^k - 1.
        # A subtree that is not full has no entry, so an entry never changes.
        self._levels: list[list[bytes]] = [[]]
        for hashed in hashes:
            self.append(hashed)

    @property
    def size(self) -> int:
        return len(self._levels[0])

    def append(self, hashed: bytes) -> None:
        """Add the hash of one leaf."""
        level = 0
        self._levels[0].append(hashed)
        # A new leaf may complete a pair, this pair a pair of pairs, and so on: a carry in binary.
        while len(self._levels[level]) % 2 == 0:
            left, right = self._levels[level][-2:]
            if level + 1 == len(self._levels):
                self._levels.append([])
            level += 1
            self._levels[level].append(node_hash(left, right))

    def truncate(self, size: int) -> None:
        """Forget the leaves from index `size` on, when the store could not keep them."""
        for level, roots in enumerate(self._levels):
            del roots[size >> level :]

    def root(self, size: int | None = None) -> bytes:
        """The root over all leaves, or over the first `size` (RFC 6962 section 2.1)."""
        size = self.size if size is None else size
        return self._range(0, size) if size else EMPTY_ROOT

    def _range(self, begin: int, end: int) -> bytes:
        """The root over the leaves from `begin` to `end`, exclusive."""
        width = end - begin
        # A width of 2^k that begins at a multiple of 2^k is a perfect subtree, whose root is kept.
        if width & (width - 1) == 0 and begin % width == 0:
            return self._levels[width.bit_length() - 1][begin // width]
        k = _split(width)
        return node_hash(self._range(begin, begin + k), self._range(begin + k, end))

    def inclusion_proof(self, index: int, size: int | None = None) -> list[bytes]:
        """The audit path of leaf `index` in the tree of the first `size` leaves, lowest hash first.

        Raises:
            InvalidInput: the tree has no such leaf.

        Source: RFC 6962 section 2.1.1.
        """
        size = self.size if size is None else size
        if not 0 <= index < size <= self.size:
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
        size = self.size if size is None else size
        if not 0 < old <= size <= self.size:
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


def root_of(hashes: Sequence[bytes]) -> bytes:
    """The root over leaf hashes (RFC 6962 section 2.1)."""
    return Tree(hashes).root()


def _split(size: int) -> int:
    """The largest power of two smaller than `size`."""
    return 1 << (size - 1).bit_length() - 1


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
