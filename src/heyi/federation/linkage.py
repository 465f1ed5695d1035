"""Linkage by keyed tokens: HMAC-SHA256 of the resident ID number, with the institutions' own key.

The platform does not have the key: it sees which tokens are equal and nothing else. Each case has
other tokens, so two cases cannot be joined. Persons without a valid ID number are not linked; they
count at each institution that saw them.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections import Counter
from collections.abc import Sequence

from heyi.crypto.canonical import Json
from heyi.model.errors import VerificationError

TOKEN_BYTES = 16  # of the 32 bytes of HMAC-SHA256: two of 10^9 persons collide with chance 10^-21
_TOKEN = re.compile(r"[0-9a-f]{32}")


def token(linkage_key: bytes, case: str, resident_id: str) -> str:
    """The token of a person in a case, as 32 hexadecimal digits."""
    return _token(linkage_key, b"case", case.encode(), resident_id)


def withdrawal_token(linkage_key: bytes, resident_id: str) -> str:
    """The token under which a person withdraws; it differs from the tokens of all cases."""
    return _token(linkage_key, b"withdrawal", b"", resident_id)


def _token(linkage_key: bytes, kind: bytes, scope: bytes, resident_id: str) -> str:
    # the last digit of an ID number may be the letter X, in either case
    message = b"\x00".join((kind, scope, resident_id.upper().encode()))
    return hmac.new(linkage_key, message, hashlib.sha256).digest()[:TOKEN_BYTES].hex()


Stratum = tuple[list[str], int]
"""Tokens of an institution's persons in one stratum, and the number of persons without a token."""


def from_answer(result: Json, strata: int) -> list[Stratum]:
    """The strata of an institution's answer, as many as `strata`.

    Raises:
        VerificationError: the answer has another form, or a token is malformed or comes twice.
    """
    try:
        parts = result.get("strata", [result])
        found = [(list(part["tokens"]), part["unlinked"]) for part in parts]
    except (TypeError, KeyError, AttributeError):
        raise VerificationError("an institution answered tokens that are none") from None
    for tokens, unlinked in found:
        if type(unlinked) is not int or unlinked < 0 or not all(isinstance(t, str) for t in tokens):
            raise VerificationError("an institution answered tokens that are none")
        if not all(_TOKEN.fullmatch(t) for t in tokens) or len(set(tokens)) != len(tokens):
            raise VerificationError("an institution answered tokens that are none")
    if len(found) != strata:
        raise VerificationError(f"an institution answered {len(found)} strata of {strata}")
    return found


def patterns(
    sites: Sequence[Sequence[Stratum]], weights: Sequence[int] = (1,)
) -> list[dict[int, int]]:
    """For each stratum: the number of persons by the exact set of sites that saw them, as bit mask.

    Sites may place one person in different strata. Then the person counts in the stratum with the
    least weight, the first one if several have it. So no site gains by naming a heavier stratum.
    Persons without a token count once for each site that saw them.
    """
    seen: dict[str, int] = {}
    placed: dict[str, int] = {}
    found: list[Counter[int]] = [Counter() for _ in weights]
    for i, strata in enumerate(sites):
        for n, (tokens, unlinked) in enumerate(strata):
            found[n][1 << i] += unlinked
            for t in tokens:
                seen[t] = seen.get(t, 0) | 1 << i
                placed[t] = min(placed.get(t, n), n, key=lambda s: (weights[s], s))
    for t, mask in seen.items():
        found[placed[t]][mask] += 1
    return [dict(sorted((m, c) for m, c in stratum.items() if c)) for stratum in found]
