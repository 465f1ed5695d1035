"""A database on each of the two kinds of store: a SQLite file, a PostgreSQL server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from heyi.store.database import Database
from tests.support.postgres import PostgresServer, postgres, postgres_url

__all__ = ["PostgresServer", "postgres", "postgres_url"]


@pytest.fixture(params=["sqlite", "postgresql"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'heyi.db'}"
    url: str = request.getfixturevalue("postgres_url")
    return url


@pytest.fixture
def database(address: str) -> Iterator[Database]:
    """An empty database; a writer waits half a second for the lock."""
    database = Database(address, patience=0.5)
    yield database
    database.close()
