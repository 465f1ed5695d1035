"""The operation `tokens` at a node: keyed tokens of persons, so that a centre can link them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from heyi.crypto.canonical import Json
from heyi.federation.elementary import Floats
from heyi.federation.frequency import classes, size_of
from heyi.federation.wire.operation import Operation, Refusal


def answer_tokens(
    operation: Operation,
    columns: Mapping[str, Floats],
    persons: Sequence[str | None],
    keep: npt.NDArray[np.bool_],
    token_of: Callable[[str], str],
    min_cell: int,
) -> tuple[Json, Refusal | None]:
    """Tokens of persons with complete records, and the number of persons without a token.

    `columns`, `persons` and `keep` have one value for each record; `keep` is false for records that
    must be left out. `token_of` makes the token of a resident ID number.

    With strata, both are given by class. A person with records of several classes counts in the
    first of these.
    """
    complete = keep.copy()
    for column in columns.values():
        complete &= ~np.isnan(column)
    strata = operation.params.get("strata", ())
    flat, complete = (
        classes(strata, columns, complete) if strata else (np.zeros(complete.sum(), int), complete)
    )
    chosen = [p for p, c in zip(persons, complete, strict=True) if c]
    if len(chosen) < min_cell:
        return None, Refusal(code="too-few-records", zh="记录过少", en="too few records")
    found: dict[str, int] = {}
    unlinked = [0] * size_of(strata)
    # sorted by class, so that `setdefault` keeps the first class of each person
    for person, class_ in sorted(zip(chosen, flat.tolist(), strict=True), key=lambda row: row[1]):
        if person is None:
            unlinked[class_] += 1
        else:
            found.setdefault(token_of(person), class_)
    parts: list[Json] = [
        {"tokens": sorted(t for t, c in found.items() if c == n), "unlinked": unlinked[n]}
        for n in range(len(unlinked))
    ]
    if strata:
        for part in parts:
            part["unlinked"] = 0 if part["unlinked"] < min_cell else part["unlinked"]
        return {"strata": parts}, None
    return parts[0], None
