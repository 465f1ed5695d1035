"""Harmonisation: an asset's columns as numbers, whatever codes the institution writes."""

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
    """Decoded columns by kind, shape (rows,) each, NaN where a value is missing or implausible.

    Sex is 1.0 male and 0.0 female, a flag 1.0 or 0.0, a date its proleptic Gregorian ordinal, a number in the kind's
    unit. `implausible` counts the values that were there and were not believed.
    """

    values: Mapping[str, Vector]
    implausible: Mapping[str, int]


def _index(table: Table, asset: Asset, kind_id: str) -> int | None:
    if table.digest != asset.digest or table.headings != tuple(f.heading for f in asset.fields):
        raise InvalidInput(
            f"the table is not the one that asset `{asset.id}` was graded from",
            hint="import the file again",
        )
    return next((i for i, f in enumerate(asset.fields) if f.kind == kind_id), None)


def _believed(k: Kind, heading: str, written: Sequence[str]) -> tuple[Vector, int]:
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
    return float(s.year - b.year - ((s.month, s.day) < (b.month, b.day)))


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
    """Decode the first column of each kind; `age` follows from birth and visit date when no column holds it.

    Raises `InvalidInput` if the table is not the asset's, or a kind is not held or has no numeric meaning.
    """
    decoded = {k: _one(table, asset, k) for k in dict.fromkeys(kinds)}
    return Columns(
        values={k: vector for k, (vector, _) in decoded.items()},
        implausible={k: count for k, (_, count) in decoded.items()},
    )


def persons(table: Table, asset: Asset) -> tuple[str | None, ...]:
    """The resident ID number of each row whose check digit holds, else None; for keyed linkage, never to be shown."""
    index = _index(table, asset, "resident_id")
    if index is None:
        return (None,) * len(table.rows)
    return tuple(resident_id(written) for written in table.column(index))
