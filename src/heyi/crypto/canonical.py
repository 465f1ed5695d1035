"""Canonical bytes: one value, one sequence of bytes (RFC 8785), without floating numbers.

Nothing floating stands in a leaf, a signature or a digest: numbers are integers in a unit that their name states.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import rfc8785

from heyi.model.errors import InvalidInput, VerificationError

Json = Any
"""A JSON value without floating numbers: None, bool, int within 2^53, str, list, dict with str keys."""


def canonical(value: Json) -> bytes:
    """RFC 8785 bytes of `value`.

    Raises:
        InvalidInput: a float, a number beyond 2^53 - 1, or a value that JSON does not have.
    """
    try:
        if _is_texts(
            value
        ):  # a rulebook is a megabyte of them, and the encoder in C writes the same bytes
            return json.dumps(
                value, ensure_ascii=False, sort_keys=True, separators=(",", ":")
            ).encode()
        _refuse_floats(value)
        return rfc8785.dumps(value)
    except (rfc8785.CanonicalizationError, UnicodeEncodeError) as e:
        raise InvalidInput(f"cannot be written canonically: {e}") from None
    except RecursionError:
        raise InvalidInput("cannot be written canonically: nested too deeply") from None


def _is_texts(value: Json) -> bool:
    """A mapping of names in ASCII, whose order is the same by code points and by UTF-16, to texts."""
    return isinstance(value, dict) and all(
        isinstance(k, str) and k.isascii() and isinstance(v, str) for k, v in value.items()
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
    """The value of canonical bytes; any other spelling of the same value is refused.

    Raises:
        VerificationError: the bytes are not JSON or not canonical.
    """
    try:
        value = json.loads(data)
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
