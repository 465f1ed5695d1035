"""Running commands as a user does: in a process of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Heyi = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def heyi(tmp_path: Path) -> Heyi:
    """Run `heyi` with arguments in an empty folder; returns what it wrote and its exit code."""

    def run(
        *arguments: str | Path, env: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "heyi", *map(str, arguments)],
            capture_output=True,
            text=True,
            cwd=tmp_path,
            env={**os.environ, "COLUMNS": "120", "PYTHONIOENCODING": "utf-8", **(env or {})},
            timeout=120,
            check=False,
        )

    return run
