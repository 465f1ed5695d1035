"""Choose the resident of the story whose withdrawal changes a published count."""

from __future__ import annotations

import numpy as np

from heyi.federation.frequency import count
from heyi.federation.node.node import Records
from heyi.federation.wire.operation import Operation
from heyi.model.errors import InvalidInput


def counted_resident(records: Records, asset: str, operation: Operation, least: int) -> str:
    """The ID number of a resident who comes to the institution in person.

    It is the first valid number that is in exactly one record, where this record is counted in a
    cell of the frequency table with more than `least` records. Such a cell is published before and
    after the withdrawal.

    Raises:
        InvalidInput: there is no such number.
    """
    columns, persons = records.columns(asset, operation.kinds), records.persons(asset)
    everybody = count(operation, columns, np.ones(len(persons), dtype=np.bool_))
    for i, person in enumerate(persons):
        if person is None or persons.count(person) > 1:
            continue
        alone = np.zeros(len(persons), dtype=np.bool_)
        alone[i] = True
        cells = zip(count(operation, columns, alone), everybody, strict=True)
        if any(own and total > least for own, total in cells):
            return person
    raise InvalidInput(f"nobody in `{asset}` is counted in a cell of more than {least}")
