"""The `heyi` command as a fixture."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.command import Heyi, heyi_in


@pytest.fixture
def heyi(tmp_path: Path) -> Heyi:
    """`heyi` in an empty folder."""
    return heyi_in(tmp_path)
