"""Disks that are full or fail, for single programs."""

from __future__ import annotations

import resource
import shutil
from pathlib import Path

from tests.support.machine import needs


def limit(size: int) -> None:
    """Limit every file of this process to `size` bytes (-1: no limit); SQLite sees a full disk."""
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard if size < 0 else size, hard))


def failing_at(calls: str, error: str, when: str, *paths: Path) -> list[str]:
    """Words before a program some of whose system calls fail; skips where there is no `strace`.

    `when` counts the calls, such as `3` or `3+`; with `paths`, only calls on these files count.
    """
    strace = shutil.which("strace")
    needs("strace", strace is not None)
    on = [word for path in paths for word in ("-P", str(path))]
    failing = ["-e", f"trace={calls}", "-e", f"inject={calls}:error={error}:when={when}"]
    return [str(strace), "-f", "-qq", *on, *failing, "-o", "/dev/null"]
