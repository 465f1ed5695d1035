"""A consistent copy of a database file, made while it is in use."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from heyi.model.errors import StoreError
from heyi.store.connections import nobody_writes, require_regular


def copy_database(source: Path, to: Path) -> None:
    """Copy a SQLite database into a new file, as one transaction sees it.

    Raises:
        StoreError: it cannot be read, or the copy cannot be written.
    """
    require_regular(source)
    # a file that somebody may write is read through its write-ahead log, in which part of it is
    flags = "mode=ro&immutable=1" if nobody_writes(source) else "mode=ro"
    address = f"{source.absolute().as_uri()}?{flags}"
    try:
        with (
            closing(sqlite3.connect(address, uri=True)) as old,
            closing(sqlite3.connect(to)) as new,
        ):
            old.backup(new)
    except sqlite3.Error as e:
        raise StoreError(
            f"`{source.name}` could not be copied: {e}",
            hint="make it readable, free the disk, or name another folder",
        ) from e
