"""Fact: a typed value about a request, with the source that states it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from enum import IntEnum

Value = bool | int | str | frozenset[str] | dt.date
"""A fact's value: a bool, a bounded integer, a word or a set of words of a closed list, a date."""


class Source(IntEnum):
    """Who states a fact, from the weakest source to the strongest."""

    DECLARED = 1  # the requester
    PROFILE = 2  # the registry entry of an institution
    CATALOGUE = 3  # the catalogue of assets
    REGISTRY = 4  # the registry of consents or of parties
    ATTESTED = 5  # the competent authority, with its signature

    @property
    def label(self) -> str:
        return self.name.lower()


@dataclass(frozen=True, slots=True, kw_only=True)
class Stated:
    """A value with the source that states it; `until` is the last day on which it is attested."""

    value: Value
    source: Source
    until: dt.date | None = None
