"""Tables of whole numbers as text: compact to sign and hash, and not limited to JSON's 2^53.

Numbers of 64 bits are packed: eight bytes each, little-endian, row by row, in base64 (RFC 4648).
The table `[[1, -1]]` is `AQAAAAAAAAD//////////w==`. Larger numbers are in decimal: `1 -2 3;4 5 6`.
Writing gives each table one text, since the text is signed and hashed.
"""

from __future__ import annotations

import binascii
import re
from base64 import b64decode, b64encode
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from heyi.crypto.canonical import Json

# No leading zeros, no `-0`, no `+`: each number has one text. 39 digits hold the 128 bits of masked
# sums. The bound also keeps `int` quick on hostile input.
_NUMBER = r"(?:0|-?[1-9][0-9]{0,38})"
_TABLE = re.compile(rf"{_NUMBER}(?:[ ;]{_NUMBER})*")


def pack(rows: npt.ArrayLike) -> str:
    """A table of 64-bit numbers as packed text; the number of columns is not written down."""
    # "<i8" fixes the byte order whatever the processor's
    return b64encode(np.asarray(rows, dtype="<i8").tobytes()).decode()


def unpack(text: Json, columns: int, rows: int | None = None) -> npt.NDArray[np.int64]:
    """The inverse of `pack`, (rows, columns); any number of rows above zero if `rows` is None.

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
    # `frombuffer` gives a read-only view of the bytes; `astype` copies it into native byte order
    return np.frombuffer(content, dtype="<i8").reshape(height, columns).astype(np.int64)


def write(rows: Iterable[Iterable[int]]) -> str:
    """A table in decimal: spaces between numbers, semicolons between rows."""
    return ";".join(" ".join(map(str, row)) for row in rows)


def read(text: Json, columns: int, rows: int | None = None) -> list[list[int]]:
    """The inverse of `write`, for numbers of at most 39 digits.

    Raises:
        ValueError: the text is no table of so many columns and rows.
    """
    # the pattern comes first: `int` alone would also take `1_000`, ` 1` and digits of other scripts
    if not isinstance(text, str) or _TABLE.fullmatch(text) is None:
        raise ValueError("no table of whole numbers")
    found = [list(map(int, row.split(" "))) for row in text.split(";")]
    if any(len(row) != columns for row in found) or rows not in (None, len(found)):
        raise ValueError(f"no table of {columns} columns and as many rows as were asked")
    return found
