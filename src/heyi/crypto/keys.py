"""Ed25519 keys (RFC 8032): sign, verify, and derive secrets. Seeds come in as arguments."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from heyi.model.errors import InvalidInput, VerificationError

ALGORITHM = "ed25519"
_KEY = re.compile("[0-9a-f]{64}")
_PRIME = 2**255 - 19
_OF_ORDER_8 = 0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD84D3D706A17C7
_SMALL_ORDER = frozenset({0, 1, _PRIME - 1, _OF_ORDER_8, _PRIME - _OF_ORDER_8})
"""The y coordinates of the eight points whose order divides 8.

Under such a key, one signature that is made without a secret holds for one message in eight at
least, and under the neutral point (y = 1) for every message.
Source: Chalkias and others 2020, "Taming the many EdDSAs", on small subgroups.
"""


@dataclass(frozen=True, slots=True)
class Signer:
    """A private key with the name of the party or log that signs; `repr` does not show the key."""

    name: str
    _key: Ed25519PrivateKey

    @classmethod
    def from_seed(cls, name: str, seed: bytes) -> Signer:
        """The key for a secret `seed` of 32 bytes.

        Raises:
            InvalidInput: the seed has another length.

        Source: RFC 8032 section 5.1.5.
        """
        if len(seed) != 32:
            raise InvalidInput(f"an Ed25519 seed has 32 bytes, not {len(seed)}")
        return cls(name, Ed25519PrivateKey.from_private_bytes(seed))

    @property
    def private(self) -> Ed25519PrivateKey:
        """The key object, for a library that signs by itself (JWS)."""
        return self._key

    @property
    def public_key(self) -> str:
        """The raw public key in hexadecimal, 64 characters."""
        return self._key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw).hex()

    def sign(self, message: bytes) -> bytes:
        """A deterministic signature of 64 bytes."""
        return self._key.sign(message)


def load_public_key(public_key: str) -> Ed25519PublicKey:
    """The key that 64 lower-case hexadecimal digits spell.

    Raises:
        InvalidInput: they do not spell a key, or a key under which anybody can sign.
    """
    if not isinstance(public_key, str) or not _KEY.fullmatch(public_key):
        raise InvalidInput(
            f"`{str(public_key)[:16]}…` is not an Ed25519 public key",
            hint="64 lower-case hex digits",
        )
    data = bytes.fromhex(public_key)
    # the highest bit is the sign of x; a y from the prime on is a second spelling
    y = int.from_bytes(data, "little") & (1 << 255) - 1
    if y >= _PRIME or y in _SMALL_ORDER:
        raise InvalidInput(
            f"`{public_key[:16]}…` is no key of anybody: signatures under it need no secret",
            hint="make a key pair, and register its public key",
        )
    return Ed25519PublicKey.from_public_bytes(data)


def verify_signature(public_key: str, message: bytes, signature: bytes, *, what: str) -> None:
    """Check a signature; the error calls the signed thing `what`.

    Raises:
        VerificationError: the signature does not hold.
        InvalidInput: `public_key` is not a key.
    """
    try:
        load_public_key(public_key).verify(signature, message)
    except InvalidSignature:
        raise VerificationError(f"the signature on {what} does not hold") from None


def derive(secret: bytes, *labels: str) -> bytes:
    """32 secret bytes for one purpose, which `labels` name: SHA-256 over secret and labels."""
    # Each part has its length before it, so that ("ab", "c") and ("a", "bc") give different bytes.
    h = hashlib.sha256(len(secret).to_bytes(2, "big") + secret)
    for label in labels:
        data = label.encode()
        h.update(len(data).to_bytes(4, "big") + data)
    return h.digest()
