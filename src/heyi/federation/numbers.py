"""Tables of whole numbers as text, a line a row: compact to sign, to hash and to read, and free of JSON's 2^53."""

from __future__ import annotations

import re
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from heyi.crypto.canonical import Json

_NUMBER = r"(?:0|-?[1-9][0-9]{0,38})"
_TABLE = re.compile(rf"{_NUMBER}(?:[ \n]{_NUMBER})*")
_LIMIT = 1 << 62


def write(rows: Iterable[Iterable[int]]) -> str:
    """`1 -2 3`, a line a row."""
    return "\n".join(" ".join(map(str, row)) for row in rows)


def read(text: Json, columns: int, rows: int | None = None) -> list[list[int]]:
    """The inverse of `write`, for numbers of less than 40 digits.

    Raises:
        ValueError: the text is no table of so many columns and rows.
    """
    return [list(map(int, line.split(" "))) for line in _lines(text, columns, rows)]


def read_integers(text: Json, columns: int, rows: int | None = None) -> npt.NDArray[np.int64]:
    """The same for numbers below 2^62, as an array.

    Raises:
        ValueError: the text is no such table.
    """
    lines = _lines(text, columns, rows)
    found = np.fromstring(text, dtype=np.int64, sep=" ").reshape(len(lines), columns)
    if (np.abs(found) >= _LIMIT).any() or found.min() < -_LIMIT:  # what int64 cannot hold comes as its end
        raise ValueError("a number leaves 62 bits")
    return found


def _lines(text: Json, columns: int, rows: int | None) -> list[str]:
    if not isinstance(text, str) or _TABLE.fullmatch(text) is None:
        raise ValueError("no table of whole numbers")
    lines = text.split("\n")
    if any(line.count(" ") != columns - 1 for line in lines) or rows not in (None, len(lines)):
        raise ValueError(f"no table of {columns} columns and as many rows as were asked")
    return lines
