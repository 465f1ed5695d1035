"""The store of coalition utilities; an interrupted valuation continues from it.

INVARIANT: values are only added, never changed.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Column, MetaData, Select, String, Table, create_engine, event, select
from sqlalchemy.exc import SQLAlchemyError

from heyi.model.errors import StoreError
from heyi.store.connections import pragmas
from heyi.store.failures import cause

_METADATA = MetaData()
UTILITIES = Table(
    "utilities",
    _METADATA,
    Column("key", String, primary_key=True),
    # The bit mask in hexadecimal, and the value in decimal. They are texts because a mask of 100
    # players, and a value, may not fit into 64 bits.
    Column("coalition", String, primary_key=True),
    Column("value", String, nullable=False),
)


class UtilityDatabase:
    """Utilities in a SQLite file, by key (which game) and by coalition (a bit mask)."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._engine = create_engine(URL.create("sqlite", database=str(path)))
        event.listen(self._engine, "connect", pragmas)
        try:
            _METADATA.create_all(self._engine)
        except SQLAlchemyError as e:
            hint = "name a file that can be written, and is no other kind of file"
            raise StoreError(f"`{path}` cannot be opened: {cause(e)}", hint=hint) from e

    def known(self, key: str) -> Mapping[int, int]:
        """The utilities of one game, by coalition.

        Raises:
            StoreError: the file cannot be read, or holds something else.
        """
        return self._read(select(UTILITIES).where(UTILITIES.c.key == key))

    def _read(self, query: Select[Any]) -> dict[int, int]:
        try:
            with self._engine.connect() as connection:
                return {int(row.coalition, 16): int(row.value) for row in connection.execute(query)}
        except SQLAlchemyError as e:
            raise StoreError(
                f"`{self._path}` cannot be read: {cause(e)}", hint="begin with a new file"
            ) from e
        except ValueError as e:
            raise StoreError(
                f"`{self._path}` holds what is no utility: {e}", hint="begin with a new file"
            ) from e

    def add(self, key: str, values: Mapping[int, int]) -> None:
        """Keep values durably, in one transaction.

        Raises:
            StoreError: they cannot be written, or the store has another value for a coalition.
        """
        wanted = [f"{mask:x}" for mask in values]
        known = self._read(
            select(UTILITIES).where(UTILITIES.c.key == key, UTILITIES.c.coalition.in_(wanted))
        )
        for mask, value in values.items():
            if known.get(mask, value) != value:
                raise StoreError(
                    f"coalition {mask:x} was evaluated before as {known[mask]}, now as {value}",
                    hint="the utility is not the same function of the coalition; "
                    "register its seeds",
                )
        rows = [
            {"key": key, "coalition": f"{m:x}", "value": str(v)}
            for m, v in values.items()
            if m not in known
        ]
        if not rows:
            return
        try:
            with self._engine.begin() as connection:
                connection.execute(UTILITIES.insert(), rows)
        except SQLAlchemyError as e:
            raise StoreError(
                f"`{self._path}` cannot be written: {cause(e)}", hint="free the disk and run again"
            ) from e

    def close(self) -> None:
        """Close the file."""
        self._engine.dispose()
