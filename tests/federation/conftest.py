"""Fixtures of federation tests: a small county with real nodes, and the usual operations."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from heyi.federation.wire.operation import Operation
from tests.support.county import County


@pytest.fixture
def county(tmp_path: Path) -> Iterator[County]:
    made = County(tmp_path)
    yield made
    made.close()


@pytest.fixture
def by_sex() -> Operation:
    return Operation(name="frequency", params={"by": [{"kind": "sex"}]})


@pytest.fixture
def logistic() -> Operation:
    """Diabetes by age and sex: three parameters with the intercept."""
    return Operation(
        name="logistic",
        params={
            "outcome": {"kind": "diabetes"},
            "covariates": [
                {"kind": "age", "center_micro": 55_000_000, "scale_micro": 10_000_000},
                {"kind": "sex", "center_micro": 0, "scale_micro": 1_000_000},
            ],
            "ridge_micro": 1_000_000,
        },
    )


@pytest.fixture
def tokens() -> Operation:
    return Operation(name="tokens", params={"complete": ["age", "sex"]})
