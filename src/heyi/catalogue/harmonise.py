"""Harmonise an asset: its columns as numbers with one meaning in all institutions."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from heyi.catalogue.checksums import resident_id
from heyi.catalogue.decoding import decode_column
from heyi.catalogue.grade import AGE_FROM, derives_age
from heyi.catalogue.kinds import Kind, kind
from heyi.catalogue.table import Table
from heyi.model.asset import Asset
from heyi.model.errors import InvalidInput

Vector = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """Decoded columns by kind, each of shape (rows,); NaN is a missing or implausible value.

    Sex is 1.0 for male and 0.0 for female; a flag is 1.0 or 0.0; a date is its proleptic Gregorian
    ordinal; a number is in the unit of the kind. `implausible` counts the values that were written
    but cannot be read or are out of range.
    """

    values: Mapping[str, Vector]
    implausible: Mapping[str, int]


def _index(table: Table, asset: Asset, kind_id: str) -> int | None:
    """The index of the first column of a kind, None if there is none."""
    if table.digest != asset.digest or table.headings != tuple(f.heading for f in asset.fields):
        raise InvalidInput(
            f"the table is not the one that asset `{asset.id}` was graded from",
            hint="import the file again",
        )
    return next((i for i, f in enumerate(asset.fields) if f.kind == kind_id), None)


def _believed(k: Kind, heading: str, written: Sequence[str]) -> tuple[Vector, int]:
    # A value that cannot be read becomes infinite, so it is out of every range.
    vector = np.array(
        [np.inf if n is None else n for n in decode_column(k, heading, written)], dtype=np.float64
    )
    low = -np.inf if k.minimum is None else k.minimum
    high = np.inf if k.maximum is None else k.maximum
    wrong = np.isinf(vector) | (vector < low) | (vector > high)
    vector[wrong] = np.nan
    return vector, int(wrong.sum())


def _completed_years(born: float, seen: float) -> float:
    b, s = dt.date.fromordinal(int(born)), dt.date.fromordinal(int(seen))
    return float(s.year - b.year - ((s.month, s.day) < (b.month, b.day)))  # True counts as 1


def _age(table: Table, asset: Asset) -> tuple[Vector, int]:
    (born, seen), limits = (_one(table, asset, k)[0] for k in AGE_FROM), kind("age")
    age = np.full(len(table.rows), np.nan)
    for i in np.flatnonzero(~np.isnan(born) & ~np.isnan(seen)):
        age[i] = _completed_years(born[i], seen[i])
    wrong = (age < (limits.minimum or 0)) | (age > (limits.maximum or np.inf))
    age[wrong] = np.nan
    return age, int(wrong.sum())


def _one(table: Table, asset: Asset, kind_id: str) -> tuple[Vector, int]:
    index = _index(table, asset, kind_id)
    if index is not None:
        return _believed(kind(kind_id), table.headings[index], table.column(index))
    if kind_id == "age" and derives_age(asset):
        return _age(table, asset)
    raise InvalidInput(
        f"asset `{asset.id}` has no field of kind `{kind_id}`",
        hint="leave it out, or label the column that holds it",
    )


def decode(table: Table, asset: Asset, kinds: Collection[str]) -> Columns:
    """Decode the first column of each kind; without an age column, two dates give the age.

    Raises:
        InvalidInput: the table is not the asset's, or a kind is absent or has no numeric meaning.
    """
    decoded = {k: _one(table, asset, k) for k in dict.fromkeys(kinds)}
    return Columns(
        values={k: vector for k, (vector, _) in decoded.items()},
        implausible={k: count for k, (_, count) in decoded.items()},
    )


def persons(table: Table, asset: Asset) -> tuple[str | None, ...]:
    """The valid resident ID number of each row, else None.

    They are for linkage under a key only and must never be shown.
    """
    index = _index(table, asset, "resident_id")
    if index is None:
        return (None,) * len(table.rows)
    return tuple(resident_id(written) for written in table.column(index))
