"""Frozen values as JSON and back; the class itself is the only description of the form.

An enum is written as its value, a date as `YYYY-MM-DD`, a fraction as `1/3`, a tuple as a list,
a set as a sorted list. Reading is strict: a missing field, an unknown field or a value of another
type is an error, and what was read gives the same JSON again.
"""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Any, TypeVar

import msgspec

from heyi.crypto.canonical import Json
from heyi.model.errors import InvalidInput

T = TypeVar("T")
SHARE_DIGITS = 40
"""Digits of a share's numerator and denominator at most; a share is a part of a pot."""
VALUE_DIGITS = 4_000
"""The same for a Shapley value. Python itself converts at most 4,300 digits."""
_FRACTION = re.compile(r"-?([0-9]+)(?:/([0-9]+)|\.([0-9]+))?")


def to_json(value: object) -> Any:
    """The fields of a frozen value as JSON values, in the order of its class.

    Raises:
        InvalidInput: JSON cannot hold a value of some field.
    """
    try:
        # It encodes to text and decodes again, because `to_builtins` would keep tuples and sets.
        return msgspec.json.decode(_ENCODER.encode(value))
    except (TypeError, NotImplementedError, ValueError, OverflowError, msgspec.MsgspecError) as e:
        raise InvalidInput(f"cannot be written as JSON: {e}") from None


def from_json(value: Json, kind: type[T]) -> T:
    """The value of class `kind` in its JSON form; the inverse of `to_json`.

    Raises:
        InvalidInput: the JSON is not of this class, or the class refuses the values.
    """
    try:
        found = msgspec.convert(value, kind, dec_hook=_read)
    except (msgspec.ValidationError, ValueError, ZeroDivisionError) as e:
        raise InvalidInput(f"is no {kind.__name__.lower()}: {e}") from None
    # INVARIANT: a round trip gives the same JSON. msgspec alone ignores unknown fields and fills in
    # missing fields that have a default.
    if to_json(found) != value:
        raise InvalidInput(f"is no {kind.__name__.lower()}: it has fields that nothing reads")
    return found


def to_fraction(text: object, *, digits: int = SHARE_DIGITS) -> Fraction:
    """The fraction in a text such as `1/20`, `-3` or `0.05`; each number has at most `digits`.

    Raises:
        InvalidInput: it is no text of this form, the denominator is 0, or a number is too long.
    """
    # `Fraction` alone also reads exponents, and "1e-99999999" keeps it computing for ever.
    parts = _FRACTION.fullmatch(text) if isinstance(text, str) else None
    if parts is None:
        shown = f"`{text[:40]}`" if isinstance(text, str) else f"a {type(text).__name__}"
        raise InvalidInput(f"{shown} is no fraction", hint='write a text such as "1/20"')
    if max(len(part or "") for part in parts.groups()) > digits:
        raise InvalidInput(
            f"`{parts[0][:40]}…` is too long for a fraction", hint=f"at most {digits} digits"
        )
    if parts[2] is not None and int(parts[2]) == 0:
        raise InvalidInput(f"`{parts[0]}` divides by zero", hint='write a text such as "1/20"')
    return Fraction(parts[0])


def _written(value: object) -> object:
    """The form of a value whose type msgspec does not know."""
    if isinstance(value, Fraction):
        return str(value)
    raise NotImplementedError(f"a {type(value).__name__} has no form")


_ENCODER = msgspec.json.Encoder(enc_hook=_written, order="deterministic")


def _read(kind: type[Any], value: object) -> object:
    """The inverse of `_written`."""
    if kind is Fraction and isinstance(value, str):
        try:
            return to_fraction(value, digits=VALUE_DIGITS)
        except InvalidInput as e:
            raise ValueError(e.message) from None  # which `from_json` turns into its own error
    raise ValueError(f"no {kind.__name__}")
