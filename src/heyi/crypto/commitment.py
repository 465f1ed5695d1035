"""Commitments: a leaf of the log holds an HMAC of erasable content instead of the content.

Each body has a key, which is kept outside the log. To erase the content, delete the key; every
proof over the leaf still verifies (docs/adr/0003). A plain digest is not enough: facts have little
entropy, so anybody could guess them and compare.
"""

from __future__ import annotations

import hmac
import re
from dataclasses import dataclass

from heyi.model.errors import InvalidInput, VerificationError

KEY_BYTES = 32
ALGORITHM = "hmac-sha256"
_MAC = re.compile("[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Commitment:
    """`mac` is 64 hexadecimal digits; `algorithm` is named, so that SM3 can be added later."""

    mac: str
    algorithm: str = ALGORITHM

    def __post_init__(self) -> None:
        if (
            not isinstance(self.mac, str)
            or not _MAC.fullmatch(self.mac)
            or not isinstance(self.algorithm, str)
        ):
            raise VerificationError("not a commitment")

    def to_json(self) -> dict[str, str]:
        # Written by hand: leaves use the short name `alg`, which is not the name of the field.
        return {"alg": self.algorithm, "mac": self.mac}


def commit_bytes(body: bytes, key: bytes) -> Commitment:
    """Commit to the canonical bytes of a body under a fresh `key` of 32 bytes.

    Raises:
        InvalidInput: the key has another length.
    """
    if len(key) != KEY_BYTES:
        raise InvalidInput(f"a commitment key has {KEY_BYTES} bytes, not {len(key)}")
    return Commitment(mac=hmac.digest(key, body, "sha256").hex())


def verify_commitment(commitment: Commitment, body: bytes, key: bytes) -> None:
    """Check that the commitment was made to these bytes under `key`.

    Raises:
        VerificationError: it was not, or this version does not know the algorithm.
    """
    if commitment.algorithm != ALGORITHM:
        raise VerificationError(
            f"unknown commitment algorithm `{commitment.algorithm}`", hint="upgrade heyi"
        )
    if len(key) != KEY_BYTES:
        raise VerificationError("the key of the body was changed")
    if not hmac.compare_digest(commit_bytes(body, key).mac, commitment.mac):
        raise VerificationError("the body is not what the leaf commits to")
