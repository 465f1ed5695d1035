"""A consistent copy of a database file, made while it is in use."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from heyi.model.errors import StoreError


def copy_database(source: Path, to: Path) -> None:
    """Copy a SQLite database into a new file, as one transaction sees it.

    Raises:
        StoreError: it cannot be read, or the copy cannot be written.
    """
    # `backup` reads through the write-ahead log, which a copy of the file alone would lack
    try:
        with (
            closing(sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True)) as old,
            closing(sqlite3.connect(to)) as new,
        ):
            old.backup(new)
    except sqlite3.Error as e:
        raise StoreError(
            f"`{source.name}` could not be copied: {e}",
            hint="make it readable, free the disk, or name another folder",
        ) from e
