"""A city's platform whose log is in a SQLite file, or on a PostgreSQL server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from oracles.city import City, open_city
from tests.support.postgres import PostgresServer, postgres, postgres_url

__all__ = ["PostgresServer", "postgres", "postgres_url"]


@pytest.fixture
def city(own_witness: Path, tmp_path: Path) -> Iterator[City]:
    """A platform of its own for one test, in `tmp_path / "run"`."""
    city = open_city(tmp_path / "run")
    city.app.cosign()
    yield city
    city.app.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def any_city(request: pytest.FixtureRequest, own_witness: Path, tmp_path: Path) -> Iterator[City]:
    """The same on each of the two kinds of store."""
    stored = request.param == "postgresql"
    city = open_city(
        tmp_path / "run", store=request.getfixturevalue("postgres_url") if stored else ""
    )
    city.app.cosign()
    yield city
    city.app.close()


@pytest.fixture(autouse=True)
def memory_of_this_test(own_witness: Path) -> None:
    """These tests write into copies of one run, which to a common witness would be forks."""
