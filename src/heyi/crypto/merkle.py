"""Merkle trees of RFC 6962: roots, inclusion proofs, consistency proofs and their verification.

Hashes are 32 bytes of SHA-256; leaves are hashed with prefix 0x00 and nodes with 0x01 (section 2.1).
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
    """A growing tree that keeps the roots of its perfect subtrees: append O(1) on average, proofs O(log^2 n)."""

    def __init__(self, hashes: Iterable[bytes] = ()) -> None:
        self._levels: list[list[bytes]] = [
            []
        ]  # _levels[k][i] is the root over leaves i 2^k to (i+1) 2^k
        for hashed in hashes:
            self.append(hashed)

    @property
    def size(self) -> int:
        return len(self._levels[0])

    def append(self, hashed: bytes) -> None:
        level = 0
        self._levels[0].append(hashed)
        while len(self._levels[level]) % 2 == 0:
            left, right = self._levels[level][-2:]
            if level + 1 == len(self._levels):
                self._levels.append([])
            level += 1
            self._levels[level].append(node_hash(left, right))

    def truncate(self, size: int) -> None:
        """Forget the leaves from `size` on: what could not be stored was never there."""
        for level, roots in enumerate(self._levels):
            del roots[size >> level :]

    def root(self, size: int | None = None) -> bytes:
        """The root over all leaves, or over the first `size` (RFC 6962 section 2.1)."""
        size = self.size if size is None else size
        return self._range(0, size) if size else EMPTY_ROOT

    def _range(self, begin: int, end: int) -> bytes:
        width = end - begin
        if width & (width - 1) == 0 and begin % width == 0:
            return self._levels[width.bit_length() - 1][begin // width]
        k = _split(width)
        return node_hash(self._range(begin, begin + k), self._range(begin + k, end))

    def inclusion_proof(self, index: int, size: int | None = None) -> list[bytes]:
        """The audit path of leaf `index` in the tree of the first `size` leaves (RFC 6962 section 2.1.1)."""
        size = self.size if size is None else size
        if not 0 <= index < size <= self.size:
            raise InvalidInput(f"entry {index} is not in a log of {size} entries")
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
        """The proof that the first `old` leaves are a prefix of the first `size` (RFC 6962 section 2.1.2)."""
        size = self.size if size is None else size
        if not 0 < old <= size <= self.size:
            raise InvalidInput(f"a log of {size} entries has no prefix of {old}")
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
    """Check that a leaf hash is entry `index` of the tree of `size` entries with that root (RFC 9162 section 2.1.3.2).

    Raises:
        VerificationError: it is not.
    """
    if not 0 <= index < size:
        raise VerificationError(f"entry {index} is not in a log of {size} entries")
    fn, sn, r = index, size - 1, hashed
    for p in proof:
        if sn == 0:
            raise VerificationError("the inclusion proof is too long")
        if fn & 1 or fn == sn:
            r = node_hash(p, r)
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
    """Check that the log of `old` entries is a prefix of the log of `new` (RFC 9162 section 2.1.4.2).

    Raises:
        VerificationError: it is not; the log was rewritten.
    """
    if not 0 < old <= new:
        raise VerificationError(f"a log of {new} entries has no prefix of {old}")
    if old == new:
        if proof or old_root != new_root:
            raise VerificationError("two checkpoints of one size differ")
        return
    path = list(proof)
    if old & (old - 1) == 0:
        path.insert(0, old_root)
    if not path:
        raise VerificationError("the consistency proof is empty")
    fn, sn = old - 1, new - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
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
    if sn != 0 or fr != old_root or sr != new_root:
        raise VerificationError(f"the log of {new} entries does not begin with the log of {old}")
