"""Frozen values as JSON and back, so that each form is written down once: in the class itself.

An enum stands as its value, a date as `YYYY-MM-DD`, a fraction as `1/3`, a tuple as a list, a set as
a sorted list. Reading is strict. A missing field, an unknown field or a value of another type is an
error, and what was read gives the same JSON again.
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
        InvalidInput: a field holds what has no form in JSON.
    """
    try:
        # by way of text, since `to_builtins` would leave tuples and sets as they are
        return msgspec.json.decode(_ENCODER.encode(value))
    except (TypeError, NotImplementedError, msgspec.MsgspecError) as e:
        raise InvalidInput(f"cannot be written as JSON: {e}") from None


def from_json(value: Json, kind: type[T]) -> T:
    """The value of class `kind` that this JSON was written from.

    Raises:
        InvalidInput: it is of another form.
    """
    try:
        found = msgspec.convert(value, kind, dec_hook=_read)
    except (msgspec.ValidationError, ValueError, ZeroDivisionError) as e:
        raise InvalidInput(f"is no {kind.__name__.lower()}: {e}") from None
    if to_json(found) != value:  # msgspec passes over fields that it does not know
        raise InvalidInput(f"is no {kind.__name__.lower()}: it has fields that nothing reads")
    return found


def _written(value: object) -> object:
    if isinstance(value, Fraction):
        return str(value)
    raise NotImplementedError(f"a {type(value).__name__} has no form")


_ENCODER = msgspec.json.Encoder(enc_hook=_written, order="deterministic")


def _read(kind: type[Any], value: object) -> object:
    if kind is Fraction and isinstance(value, str):
        return Fraction(value)
    raise ValueError(f"no {kind.__name__}")
