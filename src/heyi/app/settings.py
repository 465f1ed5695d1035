"""What every composition agrees on: names, the seed of the keys, and where time begins."""

from __future__ import annotations

import secrets

from heyi.model.errors import InvalidInput

START = 1_796_085_000  # 2026-12-01 08:30 in Shanghai, where every demonstration begins
ORIGIN = "heyi.example/anhe"
WITNESS = "county-witness"


def seed_bytes(seed: int) -> bytes:
    """The secret that all keys of a run are derived from.

    Raises:
        InvalidInput: the seed is negative or has more than 256 bits.
    """
    if not 0 <= seed < 2**256:
        raise InvalidInput(
            f"seed {seed} is out of range", hint="give a whole number from 0 to 2^256 - 1"
        )
    return b"heyi seed " + seed.to_bytes(32, "big")


def fresh_seed() -> int:
    """A seed that nobody else has, for real files: 256 bits of the operating system."""
    return secrets.randbits(256)
