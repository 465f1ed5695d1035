"""Disclosure rules at the node: numbers about too few records do not leave the institution.

docs/guide/disclosure.md explains what sums can still reveal, and why these rules are not enough.
"""

from __future__ import annotations

from heyi.federation.regression import Design
from heyi.federation.wire.operation import Refusal

RECORDS_A_PARAMETER = 10
RECORDS_A_CLASS = 5


def hold_back(cells: list[int], min_cell: int) -> list[int | None]:
    """Replace counts of 1 to `min_cell` - 1 by None; an empty cell stays zero."""
    return [None if 0 < n < min_cell else n for n in cells]


def regression_refusal(data: Design, min_cell: int = RECORDS_A_CLASS) -> Refusal | None:
    """A refusal if the sums would say too much about single records.

    A regression needs ten records for each parameter. Each class of the outcome needs five records,
    or `min_cell` of them if that is more.
    """
    a_class = max(RECORDS_A_CLASS, min_cell)
    needed = RECORDS_A_PARAMETER * data.x.shape[1]
    if data.records < needed:
        return Refusal(
            code="too-few-records",
            zh=f"完整记录不足：每个参数至少 {RECORDS_A_PARAMETER} 条，共需 {needed} 条",
            en=f"too few complete records: {RECORDS_A_PARAMETER} a parameter, {needed} in all, "
            "are needed",
        )
    if min(data.positives, data.records - data.positives) < a_class:
        return Refusal(
            code="too-few-of-a-class",
            zh=f"结局的每一类至少需要 {a_class} 条记录",
            en=f"each class of the outcome needs at least {a_class} records",
        )
    return None
