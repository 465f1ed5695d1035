"""Frequency tables: counts of records by categories, with small cells held back at the node."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product

import numpy as np

from heyi.crypto.canonical import Json
from heyi.federation.elementary import Floats
from heyi.federation.operation import Operation
from heyi.model.errors import InvalidInput

CATEGORIES = (0.0, 1.0)


def count(
    operation: Operation, columns: Mapping[str, Floats], keep: np.ndarray[tuple[int], np.dtype[np.bool_]]
) -> list[int]:
    """Counts in row-major order of the axes. An axis with `cuts` c1 < c2 < … has the classes < c1, [c1, c2), …;
    an axis without cuts is a flag or sex with the classes 0 and 1. Incomplete records are left out."""
    codes, sizes = [], []
    complete = keep.copy()
    for axis in operation.params["by"]:
        column = columns[axis["kind"]]
        if cuts := axis.get("cuts"):
            if sorted(set(cuts)) != list(cuts):
                raise InvalidInput(f"the cuts of `{axis['kind']}` must increase")
            code, size = np.searchsorted(np.array(cuts, dtype=np.float64), column, side="right"), len(cuts) + 1
            complete &= ~np.isnan(column)
        else:
            code, size = (column == 1.0).astype(np.int64), len(CATEGORIES)
            complete &= np.isin(column, CATEGORIES)
        codes.append(code)
        sizes.append(size)
    flat = np.ravel_multi_index([c[complete] for c in codes], sizes)
    return [int(n) for n in np.bincount(flat, minlength=int(np.prod(sizes)))]


def labels(operation: Operation) -> list[list[int]]:
    """The class numbers of each cell, in the order of `count`."""
    sizes = [len(a["cuts"]) + 1 if a.get("cuts") else len(CATEGORIES) for a in operation.params["by"]]
    return [list(cell) for cell in product(*(range(n) for n in sizes))]


def join(answers: list[Json]) -> dict[str, list[int]]:
    """Sum the institutions' cells; `held_back` counts the institutions that withheld a small cell."""
    cells = list(zip(*(a["cells"] for a in answers), strict=True))
    return {
        "cells": [sum(c for c in cell if c is not None) for cell in cells],
        "held_back": [sum(c is None for c in cell) for cell in cells],
    }
