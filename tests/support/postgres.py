"""A PostgreSQL server for tests, with a fresh database for each."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from oracles import postgres as servers
from oracles.postgres import HOST, OWNER, PostgresServer, programs
from tests.support.machine import needs

__all__ = ["HOST", "OWNER", "PostgresServer", "postgres", "postgres_url", "programs", "serving"]


@contextmanager
def serving() -> Iterator[PostgresServer]:
    """Run a server until the block ends; skips where PostgreSQL is not installed."""
    needs("PostgreSQL's server", programs() is not None)
    with servers.serving() as server:
        yield server


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A server for all tests of this process."""
    with serving() as server:
        yield server


@pytest.fixture
def postgres_url(postgres: PostgresServer) -> Iterator[str]:
    """The address of a fresh database."""
    with postgres.database() as name:
        yield postgres.url(name)
