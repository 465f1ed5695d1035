"""Kleene's three-valued logic: true, false and unknown."""

from __future__ import annotations

from enum import Enum


class Truth(Enum):
    """T, F or U; an unknown fact never helps a request (docs/spec/decision.md)."""

    TRUE = "T"
    FALSE = "F"
    UNKNOWN = "U"

    def __invert__(self) -> Truth:
        return {Truth.TRUE: Truth.FALSE, Truth.FALSE: Truth.TRUE, Truth.UNKNOWN: Truth.UNKNOWN}[
            self
        ]

    def __and__(self, other: Truth) -> Truth:
        if Truth.FALSE in (self, other):
            return Truth.FALSE
        return Truth.TRUE if self is other is Truth.TRUE else Truth.UNKNOWN

    def __or__(self, other: Truth) -> Truth:
        return ~(~self & ~other)  # De Morgan's law holds in Kleene's logic

    @staticmethod
    def of(value: bool | None) -> Truth:
        """`True`, `False` or `None` for unknown."""
        return Truth.UNKNOWN if value is None else Truth.TRUE if value else Truth.FALSE
