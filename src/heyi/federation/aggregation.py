"""Secure aggregation: masks that cancel in the sum, so the platform sees only the total.

Each pair of institutions adds the same keyed stream, one with plus and one with minus (Bonawitz and
others 2017). A stream comes from the key that institutions share and the platform does not have,
and from case, operation, argument and call number. A node accepts a call number once, so no two
answers have the same mask. An institution could unmask another one only together with the platform.

A node masks among one list of peers only: two totals that differ by one institution would reveal
its sums. If an institution drops out, the study ends and starts again under new permits.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence

import numpy as np

from heyi.crypto.canonical import Json, canonical
from heyi.federation.regression import Sums
from heyi.federation.wire.wire_numbers import read, write
from heyi.model.errors import InvalidInput, VerificationError

MODULUS = 1 << 128  # far above any total, so that the signed total can be read from its residue
LEAST_PEERS = 3  # among two, each knows the other's sums from the total


def mask(sums: Sums, *, key: bytes, own: str, peers: Json, context: Json) -> str:
    """The sums under permit `own` as text, masked among the permits `peers`.

    The same question must be asked under all of these permits; `context` names it.

    Raises:
        InvalidInput: the peers are fewer than three, not sorted by id, or without `own`.
    """
    if (
        not isinstance(peers, list)
        or not all(isinstance(p, str) for p in peers)
        or sorted(set(peers)) != peers
    ):
        raise InvalidInput("peers are a list of permits in the order of their ids")
    if own not in peers or len(peers) < LEAST_PEERS:
        raise InvalidInput(
            f"sums are masked among at least {LEAST_PEERS} institutions, this one of them"
        )
    hidden = [
        [int(x) for x in row]
        for row in np.column_stack([sums.gradient, sums.information, sums.loglik])
    ]
    width = len(hidden[0])
    for peer in peers:
        if peer != own:
            # both ends of a pair derive the same stream; the first by id adds, the second subtracts
            first, second = sorted((own, peer))
            stream = _stream(key, canonical([first, second, context]), width * len(hidden))
            sign = 1 if own == first else -1
            for r, row in enumerate(hidden):
                for c in range(width):
                    row[c] += sign * stream[r * width + c]
    return write([x % MODULUS for x in row] for row in hidden)


def _stream(key: bytes, context: bytes, words: int) -> list[int]:
    """Pseudorandom numbers of 128 bits: HMAC-SHA256 in counter mode, two numbers a block."""
    found: list[int] = []
    for n in range((words + 1) // 2):
        block = hmac.new(key, b"mask\x00" + n.to_bytes(8, "big") + context, hashlib.sha256).digest()
        found += [int.from_bytes(block[:16], "big"), int.from_bytes(block[16:], "big")]
    return found


def unmask(parts: Sequence[Json], points: int, parameters: int) -> Sums:
    """The total of the masked sums of all peers.

    Raises:
        VerificationError: a part is no table of sums of this size.
    """
    width = parameters + parameters * (parameters + 1) // 2 + 1
    try:
        tables = [np.array(read(part, width, points), dtype=object) for part in parts]
    except ValueError as e:
        raise VerificationError(f"an institution answered sums that are none: {e}") from None
    total = sum(tables) % MODULUS
    # residues in the upper half are negative numbers
    whole = np.where(total >= MODULUS // 2, total - MODULUS, total)
    return Sums(
        gradient=whole[:, :parameters], information=whole[:, parameters:-1], loglik=whole[:, -1]
    )
