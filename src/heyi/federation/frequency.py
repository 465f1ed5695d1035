"""Frequency tables: counts of records by categories, with small cells held back at the node."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from math import prod

import numpy as np
import numpy.typing as npt

from heyi.crypto.canonical import Json
from heyi.federation.elementary import Floats
from heyi.federation.wire.operation import Operation
from heyi.model.errors import InvalidInput

CATEGORIES = (0.0, 1.0)


def classes(
    axes: Sequence[Json], columns: Mapping[str, Floats], keep: npt.NDArray[np.bool_]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """The class number of each complete record, and a mask that says which records are complete.

    Classes are numbered in row-major order of the axes. An axis with `cuts` c1 < c2 < … has the
    classes < c1, [c1, c2), …; an axis without cuts is a flag or sex with the classes 0 and 1.

    Raises:
        InvalidInput: cuts do not increase.
    """
    codes = []
    complete = keep.copy()
    for axis in axes:
        column = columns[axis["kind"]]
        if cuts := axis.get("cuts"):
            if sorted(set(cuts)) != list(cuts):
                raise InvalidInput(f"the cuts of `{axis['kind']}` must increase")
            codes.append(np.searchsorted(np.array(cuts, dtype=np.float64), column, side="right"))
            complete &= ~np.isnan(column)
        else:
            codes.append((column == 1.0).astype(np.int64))
            complete &= np.isin(column, CATEGORIES)
    flat = np.ravel_multi_index([c[complete] for c in codes], [_size(axis) for axis in axes])
    return flat.astype(np.int64), complete


def _size(axis: Json) -> int:
    return len(axis["cuts"]) + 1 if axis.get("cuts") else len(CATEGORIES)


def size_of(axes: Sequence[Json]) -> int:
    """The number of classes of all axes together."""
    return prod(_size(axis) for axis in axes)


def count(
    operation: Operation, columns: Mapping[str, Floats], keep: npt.NDArray[np.bool_]
) -> list[int]:
    """Counts by class, of the complete records to `keep`."""
    axes = operation.params["by"]
    flat, _ = classes(axes, columns, keep)
    return [int(n) for n in np.bincount(flat, minlength=size_of(axes))]


def labels(operation: Operation) -> list[list[int]]:
    """The class numbers of each cell, in the order of `count`."""
    sizes = [_size(a) for a in operation.params["by"]]
    return [list(cell) for cell in product(*(range(n) for n in sizes))]


def join(answers: list[Json]) -> dict[str, list[int]]:
    """Sum the cells of all institutions; `held_back` counts those that withheld a small cell."""
    cells = list(zip(*(a["cells"] for a in answers), strict=True))
    return {
        "cells": [sum(c for c in cell if c is not None) for cell in cells],
        "held_back": [sum(c is None for c in cell) for cell in cells],
    }
