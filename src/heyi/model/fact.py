"""Fact: a typed value about a request, with its source."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from enum import IntEnum

Value = bool | int | str | frozenset[str] | dt.date
"""A fact's value: bool, bounded integer, member of an enum, set over a closed vocabulary, or date."""


class Source(IntEnum):
    """Who stands behind a fact, weakest first."""

    DECLARED = 1  # the requester says so
    PROFILE = 2  # an institution's registry entry vouches for it
    CATALOGUE = 3
    REGISTRY = 4  # consent, parties
    ATTESTED = 5  # signed by the named authority

    @property
    def label(self) -> str:
        return self.name.lower()


@dataclass(frozen=True, slots=True, kw_only=True)
class Stated:
    """A value with the source that states it; `until` is the last day on which an attestation holds."""

    value: Value
    source: Source
    until: dt.date | None = None
