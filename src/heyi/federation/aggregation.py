"""Secure aggregation: masks that cancel in the sum, so that the platform sees what all have together and nothing else.

Each pair of institutions adds the same keyed stream, one with plus and one with minus (Bonawitz and others 2017). The
streams come from the key that institutions share and the platform lacks, and from the case, operation, argument and
call number, which a node accepts once; so no two answers wear the same mask. Who holds the key could unmask others
together with the platform. A node masks among one list of peers only, since two totals that differ by one institution
tell its sums: where one drops out, the study ends, and begins anew under new permits.
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

MODULUS = 1 << 128
LEAST_PEERS = 3


def mask(sums: Sums, *, key: bytes, own: str, peers: Json, context: Json) -> str:
    """Sums as text under the permit `own`, hidden among the permits `peers`, under all of which the same is asked.

    Raises:
        InvalidInput: the peers are fewer than three, not in the order of their ids, or without this one.
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
            first, second = sorted((own, peer))
            stream = _stream(key, canonical([first, second, context]), width * len(hidden))
            sign = 1 if own == first else -1
            for r, row in enumerate(hidden):
                for c in range(width):
                    row[c] += sign * stream[r * width + c]
    return write([x % MODULUS for x in row] for row in hidden)


def _stream(key: bytes, context: bytes, words: int) -> list[int]:
    found: list[int] = []
    for n in range((words + 1) // 2):
        block = hmac.new(key, b"mask\x00" + n.to_bytes(8, "big") + context, hashlib.sha256).digest()
        found += [int.from_bytes(block[:16], "big"), int.from_bytes(block[16:], "big")]
    return found


def unmask(parts: Sequence[Json], points: int, parameters: int) -> Sums:
    """The total of all peers' masked sums.

    Raises:
        VerificationError: they are no such sums.
    """
    width = parameters + parameters * (parameters + 1) // 2 + 1
    try:
        tables = [np.array(read(part, width, points), dtype=object) for part in parts]
    except ValueError as e:
        raise VerificationError(f"an institution answered sums that are none: {e}") from None
    total = sum(tables) % MODULUS
    whole = np.where(total >= MODULUS // 2, total - MODULUS, total)
    return Sums(
        gradient=whole[:, :parameters], information=whole[:, parameters:-1], loglik=whole[:, -1]
    )
