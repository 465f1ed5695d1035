"""Write the files of the county, one CSV file per institution."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from pathlib import Path

from heyi.county.people import population
from heyi.county.places import PLACES, Place
from heyi.county.visits import records
from heyi.model.errors import StoreError


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """The file of one institution; `rows` counts its records, duplicates included."""

    place: Place
    path: Path
    rows: int


def write_county(directory: Path, *, seed: int, persons: int = 20_000) -> tuple[Export, ...]:
    """Write `<id>.csv` for each institution, in its encoding; the same seed gives the same bytes.

    `persons` is 1,000 to 500,000. Each file is written completely or not at all, and replaces a
    file of the same name.

    Raises:
        InvalidInput: `persons` is out of range.
        StoreError: the folder cannot be written.
    """
    people = population(seed=seed, persons=persons)
    exports = []
    for place in PLACES:
        rows = records(place, people, seed=seed)
        path = directory / f"{place.id}.csv"
        _write_whole(path, _to_csv(place, rows))
        exports.append(Export(place=place, path=path, rows=len(rows)))
    return tuple(exports)


def _to_csv(place: Place, rows: list[list[str]]) -> bytes:
    text = io.StringIO(newline="")
    sheet = csv.writer(text)
    sheet.writerow(place.style.headings.values())
    sheet.writerows(rows)
    return text.getvalue().encode(place.style.encoding)


def _write_whole(path: Path, content: bytes) -> None:
    partial = path.with_name(f".{path.name}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_bytes(content)
        partial.replace(path)
    except OSError as error:
        raise StoreError(
            f"cannot write `{path}`: {error.strerror}", hint="choose another folder"
        ) from error
