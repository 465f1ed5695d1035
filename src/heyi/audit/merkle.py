"""Merkle trees of RFC 6962: roots, inclusion proofs, consistency proofs and their verification.

Hashes are 32 bytes of SHA-256; leaves are hashed with prefix 0x00 and nodes with 0x01 (section 2.1).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from heyi.model.errors import InvalidInput, VerificationError

EMPTY_ROOT = hashlib.sha256(b"").digest()


def leaf_hash(leaf: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


class Frontier:
    """The roots of the perfect subtrees of a growing log: append in O(1) on average, root in O(log n)."""

    def __init__(self) -> None:
        self.size = 0
        self._roots: list[bytes] = []

    def append(self, hashed: bytes) -> None:
        size = self.size
        while size & 1:
            hashed = node_hash(self._roots.pop(), hashed)
            size >>= 1
        self._roots.append(hashed)
        self.size += 1

    def root(self) -> bytes:
        if not self._roots:
            return EMPTY_ROOT
        root = self._roots[-1]
        for left in reversed(self._roots[:-1]):
            root = node_hash(left, root)
        return root


def root_of(hashes: Sequence[bytes]) -> bytes:
    """The root over leaf hashes (RFC 6962 section 2.1)."""
    frontier = Frontier()
    for hashed in hashes:
        frontier.append(hashed)
    return frontier.root()


def _split(size: int) -> int:
    """The largest power of two smaller than `size`."""
    return 1 << (size - 1).bit_length() - 1


def inclusion_proof(hashes: Sequence[bytes], index: int) -> list[bytes]:
    """The audit path of leaf `index` in the tree over `hashes` (RFC 6962 section 2.1.1)."""
    if not 0 <= index < len(hashes):
        raise InvalidInput(f"entry {index} is not in a log of {len(hashes)} entries")
    if len(hashes) == 1:
        return []
    k = _split(len(hashes))
    if index < k:
        return [*inclusion_proof(hashes[:k], index), root_of(hashes[k:])]
    return [*inclusion_proof(hashes[k:], index - k), root_of(hashes[:k])]


def verify_inclusion(hashed: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> None:
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


def consistency_proof(hashes: Sequence[bytes], old: int) -> list[bytes]:
    """The proof that the tree over the first `old` hashes is a prefix of the whole (RFC 6962 section 2.1.2)."""
    if not 0 < old <= len(hashes):
        raise InvalidInput(f"a log of {len(hashes)} entries has no prefix of {old}")
    return _subproof(hashes, old, complete=True)


def _subproof(hashes: Sequence[bytes], old: int, *, complete: bool) -> list[bytes]:
    if old == len(hashes):
        return [] if complete else [root_of(hashes)]
    k = _split(len(hashes))
    if old <= k:
        return [*_subproof(hashes[:k], old, complete=complete), root_of(hashes[k:])]
    return [*_subproof(hashes[k:], old - k, complete=False), root_of(hashes[:k])]


def verify_consistency(old: int, new: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]) -> None:
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
