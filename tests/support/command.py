"""`heyi` run as a user runs it: in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

Heyi = Callable[..., "subprocess.CompletedProcess[str]"]
HANGING = 600
"""Seconds after which a subprocess counts as hanging; far more than a loaded machine needs."""


def heyi_in(folder: Path) -> Heyi:
    """A function that runs `heyi` in `folder`; it returns the output and the exit code."""

    def run(
        *arguments: str | Path, env: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "heyi", *map(str, arguments)],
            capture_output=True,
            text=True,
            cwd=folder,
            env={**os.environ, "COLUMNS": "120", "PYTHONIOENCODING": "utf-8", **(env or {})},
            timeout=HANGING,
            check=False,
        )

    return run
