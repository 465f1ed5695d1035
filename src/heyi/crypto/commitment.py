"""Commitments: a leaf holds an HMAC of erasable content under a key of its own that lives outside the log.

Deleting the key erases the content, while every proof over the leaf still verifies (docs/adr/0003). A bare digest
would not do: facts have little entropy and can be guessed.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass

from heyi.crypto.canonical import Json, canonical
from heyi.model.errors import InvalidInput, VerificationError

KEY_BYTES = 32
ALGORITHM = "hmac-sha256"
_MAC = re.compile("[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Commitment:
    """`mac` is hexadecimal; `algorithm` is named so that SM3 can come beside it."""

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
        return {"alg": self.algorithm, "mac": self.mac}


def commit(body: Json, key: bytes) -> Commitment:
    """Commit to `body` under a fresh `key` of 32 bytes."""
    if len(key) != KEY_BYTES:
        raise InvalidInput(f"a commitment key has {KEY_BYTES} bytes, not {len(key)}")
    return Commitment(mac=hmac.new(key, canonical(body), hashlib.sha256).hexdigest())


def verify_commitment(commitment: Commitment, body: Json, key: bytes) -> None:
    """Check that `body` is what was committed to.

    Raises:
        VerificationError: it is not, or the algorithm is not known here.
    """
    if commitment.algorithm != ALGORITHM:
        raise VerificationError(
            f"unknown commitment algorithm `{commitment.algorithm}`", hint="upgrade heyi"
        )
    if not hmac.compare_digest(commit(body, key).mac, commitment.mac):
        raise VerificationError("the body is not what the leaf commits to")
