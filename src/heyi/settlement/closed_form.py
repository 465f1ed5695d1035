"""Closed forms of the Shapley value, where the utility has one."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction


def coverage(patterns: Mapping[int, int], players: int) -> tuple[Fraction, ...]:
    """Coverage of distinct persons: each person is shared equally among the players that saw them."""
    return tuple(
        sum((Fraction(count, mask.bit_count()) for mask, count in patterns.items() if mask >> i & 1), Fraction(0))
        for i in range(players)
    )
