"""The heart study as tests run it."""

from __future__ import annotations

import subprocess
from pathlib import Path

from oracles.heart import FILES, HEART, POSITION, SCALING, SIZES, invented
from tests.support.command import heyi_captured

__all__ = ["FILES", "HEART", "POSITION", "SCALING", "SIZES", "invented", "run"]


def run(
    data: Path, directory: Path, study: Path = HEART, *more: str
) -> subprocess.CompletedProcess[str]:
    """`heyi run` on a study; returns its exit code and JSON output."""
    places = ["--data", str(data), "--dir", str(directory)]
    return heyi_captured(["run", str(study), *places, "--json", *more])
