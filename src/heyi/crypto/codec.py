"""Frozen values as JSON and back; the class itself is the only description of the form.

An enum is written as its value, a date as `YYYY-MM-DD`, a fraction as `1/3`, a tuple as a list,
a set as a sorted list. Reading is strict: a missing field, an unknown field or a value of another
type is an error, and what was read gives the same JSON again.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any, TypeVar

import msgspec

from heyi.crypto.canonical import Json
from heyi.model.errors import InvalidInput

T = TypeVar("T")


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


def _written(value: object) -> object:
    """The form of a value whose type msgspec does not know."""
    if isinstance(value, Fraction):
        return str(value)
    raise NotImplementedError(f"a {type(value).__name__} has no form")


_ENCODER = msgspec.json.Encoder(enc_hook=_written, order="deterministic")


def _read(kind: type[Any], value: object) -> object:
    """The inverse of `_written`."""
    if kind is Fraction and isinstance(value, str):
        return Fraction(value)
    raise ValueError(f"no {kind.__name__}")
