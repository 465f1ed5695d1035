"""Linkage by keyed tokens: HMAC-SHA256 of the resident ID number, under a key that only the institutions hold.

Tokens are made anew for each case, so that two cases cannot be joined; the platform sees which tokens coincide and
nothing else. Persons without a valid ID number are not linked and count where they were seen.
"""

from __future__ import annotations

import hashlib
import hmac
from collections import Counter
from collections.abc import Iterable, Sequence

TOKEN_BYTES = 16
WITHDRAWAL = "*withdrawal"  # no case id can hold an asterisk


def token(linkage_key: bytes, scope: str, resident_id: str) -> str:
    """The token of a person for a scope (a case id, or `WITHDRAWAL`), as 32 hexadecimal digits."""
    message = scope.encode() + b"\x00" + resident_id.upper().encode()
    return hmac.new(linkage_key, message, hashlib.sha256).digest()[:TOKEN_BYTES].hex()


def patterns(sites: Sequence[Iterable[str]]) -> dict[int, int]:
    """How many persons were seen at exactly each set of sites: bit mask over sites -> persons."""
    seen: dict[str, int] = {}
    for i, tokens in enumerate(sites):
        for t in tokens:
            seen[t] = seen.get(t, 0) | 1 << i
    return dict(sorted(Counter(seen.values()).items()))
