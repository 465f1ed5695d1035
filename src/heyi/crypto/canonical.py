"""Canonical bytes: one value, one sequence of bytes (RFC 8785), without floating numbers.

Leaves, signatures and digests hold integers only; the name of a number states its unit.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import rfc8785

from heyi.model.errors import InvalidInput, VerificationError

_LARGEST = 2**53 - 1
Json = Any
"""A JSON value without floating numbers.

It is None, a bool, an int of at most 2^53 - 1 either way, a str, a list, or a dict with str keys.
"""


def canonical(value: Json) -> bytes:
    """RFC 8785 bytes of `value`.

    Raises:
        InvalidInput: a float, a number beyond 2^53 - 1, or a value that JSON does not have.
    """
    try:
        # The encoder in C writes the same bytes as RFC 8785 for plain values, five times faster.
        if _is_plain(value):
            return json.dumps(
                value, ensure_ascii=False, sort_keys=True, separators=(",", ":")
            ).encode()
        _refuse_floats(value)
        return rfc8785.dumps(value)
    except (rfc8785.CanonicalizationError, UnicodeEncodeError) as e:
        raise InvalidInput(f"cannot be written canonically: {e}") from None
    except RecursionError:
        raise InvalidInput("cannot be written canonically: nested too deeply") from None


def _is_plain(value: Json) -> bool:
    """Whether the encoder in C writes this value as RFC 8785 does; otherwise the slow way decides.

    Numbers are whole and within 2^53. RFC 8785 sorts names by UTF-16 units, Python by code points:
    the two orders are the same as long as no name has a character beyond U+FFFF.
    """
    kind = type(value)
    if kind is str or value is None or kind is bool:
        return True
    if kind is int:
        return bool(-_LARGEST <= value <= _LARGEST)
    if kind is list or kind is tuple:
        return all(map(_is_plain, value))
    return kind is dict and all(
        type(k) is str and (k.isascii() or max(k) <= "\uffff") and _is_plain(v)
        for k, v in value.items()
    )


def _refuse_floats(value: Json) -> None:
    if isinstance(value, float):
        raise InvalidInput(
            "a floating number cannot be signed or logged",
            hint="quantise it to an integer with a unit",
        )
    if isinstance(value, Mapping):
        for v in value.values():
            _refuse_floats(v)
    elif isinstance(value, (list, tuple)):
        for v in value:
            _refuse_floats(v)


def from_canonical(data: bytes) -> Json:
    """The value of canonical bytes; another spelling of the same value is refused.

    Raises:
        VerificationError: the bytes are not JSON or not canonical.
    """
    if not isinstance(data, bytes):  # a database may hold anything where somebody spoilt it
        raise VerificationError("not canonical JSON: it is no sequence of bytes")
    try:
        value = json.loads(data)
        # INVARIANT: what was read has exactly the bytes that were signed or hashed.
        if canonical(value) == data:
            return value
    except (ValueError, RecursionError, InvalidInput) as e:
        raise VerificationError(f"not canonical JSON: {e}") from None
    raise VerificationError("not canonical JSON: the same value is spelt in another way")


def digest(value: Json) -> str:
    """SHA-256 of the canonical bytes, as `sha256:` and 64 hexadecimal digits."""
    return f"sha256:{hashlib.sha256(canonical(value)).hexdigest()}"


def digest_bytes(data: bytes) -> str:
    """SHA-256 of raw bytes, as `sha256:` and 64 hexadecimal digits."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"
