"""Tables of whole numbers as text, compact to sign and to hash, and free of JSON's 2^53.

Numbers of 64 bits go packed: eight bytes each, little-endian, by rows, in base64 (RFC 4648). Larger ones go in
decimal, `1 -2 3;4 5 6`.
"""

from __future__ import annotations

import binascii
import re
from base64 import b64decode, b64encode
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from heyi.crypto.canonical import Json

_NUMBER = r"(?:0|-?[1-9][0-9]{0,38})"
_TABLE = re.compile(rf"{_NUMBER}(?:[ ;]{_NUMBER})*")


def pack(rows: npt.ArrayLike) -> str:
    """A table of 64-bit numbers."""
    return b64encode(np.asarray(rows, dtype="<i8").tobytes()).decode()


def unpack(text: Json, columns: int, rows: int | None = None) -> npt.NDArray[np.int64]:
    """The inverse of `pack`.

    Raises:
        ValueError: the text is no table of so many columns and rows.
    """
    if not isinstance(text, str):
        raise ValueError("no packed table")
    try:
        content = b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("no packed table") from None
    height, rest = divmod(len(content), 8 * columns)
    if rest or not height or rows not in (None, height):
        raise ValueError(f"no table of {columns} columns and as many rows as were asked")
    return np.frombuffer(content, dtype="<i8").reshape(height, columns).astype(np.int64)


def write(rows: Iterable[Iterable[int]]) -> str:
    """A table in decimal."""
    return ";".join(" ".join(map(str, row)) for row in rows)


def read(text: Json, columns: int, rows: int | None = None) -> list[list[int]]:
    """The inverse of `write`, for numbers of less than 40 digits.

    Raises:
        ValueError: the text is no table of so many columns and rows.
    """
    if not isinstance(text, str) or _TABLE.fullmatch(text) is None:
        raise ValueError("no table of whole numbers")
    found = [list(map(int, row.split(" "))) for row in text.split(";")]
    if any(len(row) != columns for row in found) or rows not in (None, len(found)):
        raise ValueError(f"no table of {columns} columns and as many rows as were asked")
    return found
