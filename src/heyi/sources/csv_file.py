"""Read a CSV file that a hospital system exported, and check it completely."""

from __future__ import annotations

import csv
import hashlib
import io
import re
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from heyi.catalogue.checksums import is_resident_id
from heyi.catalogue.detect import detect
from heyi.catalogue.table import Table
from heyi.catalogue.values import half_width, to_day, to_number
from heyi.model.errors import InvalidInput
from heyi.sources.data_folder import check_regular
from heyi.sources.encoding import decode_text

Row = tuple[str, ...]

_MOBILE = re.compile(r"1\d{10}")


def read_csv(
    path: Path,
    *,
    columns: Sequence[str] | None = None,
    missing: Collection[str] = ("", "?", "NA", "null"),
    key: str | None = None,
    required: Collection[str] = (),
    keep_duplicates: bool = False,
) -> Table:
    """The table in a CSV file, in UTF-8 (with or without byte-order mark) or GB18030.

    `columns` names the columns of a file without a header. A cell in `missing`, in upper or lower
    case, becomes empty. `key` and `required` are headings or kinds. Exact duplicate rows are left
    out and counted; with `keep_duplicates` they stay, because in a file without identifiers equal
    rows may be different persons. Blank lines are skipped.

    Raises:
        InvalidInput: with file, line and next step; never with the value of a cell.
    """
    try:
        check_regular(Path(path))
        data = Path(path).read_bytes()
    except OSError as e:
        raise InvalidInput(
            f"cannot read `{path}`: {(e.strerror or 'input error').lower()}",
            hint="check the path and its permissions",
        ) from None
    except ValueError:
        raise InvalidInput("the path holds a null character", hint="check the path") from None
    name = str(path)
    if not data.strip(b"\xef\xbb\xbf\r\n\t ,"):
        raise InvalidInput(
            f"`{name}` is empty", hint="export the table again with its header and rows"
        )
    text, encoding = decode_text(data, name)
    lines = _lines(text, name)
    headings = tuple(columns) if columns is not None else _header(lines, name)
    table, line_numbers = _rows(
        _emptied(lines, missing),
        headings,
        name,
        encoding=encoding,
        digest=hashlib.sha256(data).hexdigest(),
        keep_duplicates=keep_duplicates,
    )
    for wanted in required:
        _find(table, wanted, name)
    if key is not None:
        _check_key(table, _find(table, key, name), line_numbers, name)
    return table


def _lines(text: str, name: str) -> Iterator[tuple[int, Row]]:
    """The number of the first line of each record, and its cells without spaces around them."""
    # A quoted cell may contain line breaks, so records and lines have different numbers.
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    while True:
        line = reader.line_num + 1
        try:
            record = next(reader)
        except StopIteration:
            return
        except csv.Error as e:
            unclosed = "unexpected end of data" in str(e)
            what = (
                "opens a quote that is never closed"
                if unclosed
                else "has a misplaced quote or an oversized cell"
            )
            raise InvalidInput(
                f"{name}:{line}: the record {what}", hint='quote a cell as "..." and a quote as ""'
            ) from None
        cells = tuple(cell.strip() for cell in record)
        if any(cells):
            yield line, cells


def _emptied(
    lines: Iterator[tuple[int, Row]], missing: Collection[str]
) -> Iterator[tuple[int, Row]]:
    """The records, with an empty text in each missing cell."""
    absent = frozenset(m.casefold() for m in missing)
    for line, cells in lines:
        yield line, tuple("" if cell.casefold() in absent else cell for cell in cells)


def _header(lines: Iterator[tuple[int, Row]], name: str) -> Row:
    """The headings in the first record."""
    line, cells = next(lines, (0, ()))
    if not cells:
        raise InvalidInput(
            f"`{name}` is empty", hint="export the table again with its header and rows"
        )
    place = f"{name}:{line}"
    if len(cells) == 1 and re.search(r"[\t;|，；]", cells[0]):
        raise InvalidInput(
            f"{place}: the cells are not separated by commas",
            hint="export it as comma-separated CSV",
        )
    if all(not c or to_number(c, {}) is not None for c in cells) or any(_is_data(c) for c in cells):
        raise InvalidInput(
            f"{place}: no header row", hint="name the columns in the first line, or give `columns`"
        )
    for number, cell in enumerate(cells, 1):
        if not cell:
            raise InvalidInput(
                f"{place}: the heading of column {number} is empty", hint="name every column"
            )
    first: dict[str, int] = {}
    for number, cell in enumerate(cells, 1):
        if (before := first.setdefault(half_width(cell).casefold(), number)) != number:
            raise InvalidInput(
                f"{place}: columns {before} and {number} have the same heading",
                hint="rename one of them",
            )
    return cells


def _is_data(cell: str) -> bool:
    """Whether a cell is a value and not a heading: an ID number, a mobile number, a date."""
    compact = half_width(cell)
    return (
        is_resident_id(compact)
        or _MOBILE.fullmatch(compact) is not None
        or to_day(compact) is not None
    )


def _rows(
    lines: Iterator[tuple[int, Row]],
    headings: Row,
    name: str,
    *,
    encoding: str,
    digest: str,
    keep_duplicates: bool,
) -> tuple[Table, list[int]]:
    """The table, and the line number of each of its rows."""
    kept: list[Row] = []
    line_numbers: list[int] = []
    seen: set[Row] = set()
    duplicates = 0
    for line, cells in lines:
        if len(cells) != len(headings):
            raise InvalidInput(
                f"{name}:{line}: {len(cells)} cells under {len(headings)} headings",
                hint="quote cells that contain a comma, "
                "and fill missing cells with nothing between commas",
            )
        # Full-width characters count as equal to half-width ones. ASCII needs no conversion.
        compared = cells if all(map(str.isascii, cells)) else tuple(map(half_width, cells))
        if compared in seen and not keep_duplicates:
            duplicates += 1
            continue
        seen.add(compared)
        kept.append(cells)
        line_numbers.append(line)
    if not kept:
        raise InvalidInput(
            f"`{name}` has no rows below its header", hint="export the table again with its rows"
        )
    table = Table(
        headings=headings, rows=tuple(kept), encoding=encoding, digest=digest, duplicates=duplicates
    )
    return table, line_numbers


def _find(table: Table, wanted: str, name: str) -> int:
    """The index of the column with this heading, or else of the first column of this kind."""
    if wanted in table.headings:
        return table.headings.index(wanted)
    for index, heading in enumerate(table.headings):
        if detect(heading, table.column(index)).kind == wanted:
            return index
    raise InvalidInput(
        f"`{name}` has no column `{wanted}`", hint="check that the right table was exported"
    )


def _check_key(table: Table, index: int, line_numbers: Sequence[int], name: str) -> None:
    """Refuse two rows with the same key; an empty key is allowed."""
    first: dict[str, int] = {}
    for line, value in zip(line_numbers, table.column(index), strict=True):
        if value and (before := first.setdefault(half_width(value), line)) != line:
            raise InvalidInput(
                f"{name}: lines {before} and {line} have the same key in column {index + 1} "
                "and different content",
                hint="keep the right one of the two, or choose a key that is unique",
            )
