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


def token(linkage_key: bytes, case: str, resident_id: str) -> str:
    """The token of a person in a case, as 32 hexadecimal digits."""
    return _token(linkage_key, b"case", case.encode(), resident_id)


def withdrawal_token(linkage_key: bytes, resident_id: str) -> str:
    """The token under which a person withdraws; no case, whatever its name, has the same."""
    return _token(linkage_key, b"withdrawal", b"", resident_id)


def _token(linkage_key: bytes, kind: bytes, scope: bytes, resident_id: str) -> str:
    message = b"\x00".join((kind, scope, resident_id.upper().encode()))
    return hmac.new(linkage_key, message, hashlib.sha256).digest()[:TOKEN_BYTES].hex()


def patterns(sites: Sequence[Iterable[str]]) -> dict[int, int]:
    """How many persons were seen at exactly each set of sites: bit mask over sites -> persons."""
    seen: dict[str, int] = {}
    for i, tokens in enumerate(sites):
        for t in tokens:
            seen[t] = seen.get(t, 0) | 1 << i
    return dict(sorted(Counter(seen.values()).items()))
