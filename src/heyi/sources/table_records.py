"""The records of a node: tables in memory, decoded to numbers when an operation needs them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from heyi.catalogue.harmonise import Vector, decode, persons
from heyi.catalogue.table import Table
from heyi.model.asset import Asset
from heyi.model.errors import InvalidInput


class TableRecords:
    """The `Records` port of a node over tables in memory.

    Each column is decoded once and then kept.
    """

    def __init__(self) -> None:
        self._tables: dict[str, tuple[Table, Asset]] = {}
        self._columns: dict[tuple[str, str], Vector] = {}
        self._persons: dict[str, tuple[str | None, ...]] = {}

    def add(self, table: Table, asset: Asset) -> None:
        """Serve an asset from the table that it was graded from."""
        self._tables[asset.id] = (table, asset)

    def columns(self, asset: str, kinds: Sequence[str]) -> Mapping[str, Vector]:
        table, graded = self._held(asset)
        for kind in kinds:
            if (asset, kind) not in self._columns:
                self._columns[asset, kind] = decode(table, graded, [kind]).values[kind]
        return {k: self._columns[asset, k] for k in kinds}

    def holder(self, asset: str) -> str:
        return self._held(asset)[1].holder

    def digest(self, asset: str) -> str:
        return self._held(asset)[0].digest

    def persons(self, asset: str) -> tuple[str | None, ...]:
        if asset not in self._persons:
            self._persons[asset] = persons(*self._held(asset))
        return self._persons[asset]

    def _held(self, asset: str) -> tuple[Table, Asset]:
        if asset not in self._tables:
            raise InvalidInput(
                f"asset `{asset}` is not at this node", hint="import its file at the institution"
            )
        return self._tables[asset]
