"""How long commands take to start: beside `python -c pass`, and beside an earlier commit.

    python -m bench.start [--before COMMIT] [--rounds 9]        (make bench-start)

Each round runs every command once, in turn, so that all meet the same machine. It prints medians in
milliseconds, and ratios of medians. The earlier commit is checked out into build/before; it runs
with the same interpreter and the same installed packages.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BEFORE = "d712914"
"""The last commit before the start was worked on."""
HEYI = ("-m", "heyi")
COMMANDS = {
    "python -c pass": ("-c", "pass"),
    "heyi --help": (*HEYI, "--help"),
    "heyi doctor": (*HEYI, "doctor"),
    "heyi decide": (*HEYI, "decide", "examples/decide/referral.yaml"),
    "heyi rules show PIPL-31": (*HEYI, "rules", "show", "PIPL-31"),
    "heyi verify build/demo": (*HEYI, "verify", "build/demo"),
}
NEW = ("heyi doctor",)
"""Commands that the earlier commit has not."""


def seconds(arguments: Sequence[str], source: Path) -> float:
    """How long one command takes as a whole process, with the code in `source`.

    Raises:
        CalledProcessError: it failed.
    """
    environment = {**os.environ, "PYTHONPATH": str(source), "PYTHONIOENCODING": "utf-8"}
    begun = time.perf_counter()
    subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.DEVNULL,
        check=True,
    )
    return time.perf_counter() - begun


def checked_out(commit: str) -> Path | None:
    """The source of an earlier commit, or None where the history is not here."""
    folder = ROOT / "build" / "before" / commit
    if not folder.exists():
        add = ["git", "worktree", "add", "--detach", "--force", str(folder), commit]
        if subprocess.run(add, cwd=ROOT, capture_output=True, check=False).returncode:
            return None
    return folder / "src"


def measure(
    commands: dict[str, Sequence[str]], before: Path | None, rounds: int
) -> dict[str, tuple[float, float | None]]:
    """Median seconds of each command, now and before."""
    now: dict[str, list[float]] = {name: [] for name in commands}
    then: dict[str, list[float]] = {name: [] for name in commands}
    for n in range(rounds + 1):
        for name, arguments in commands.items():
            a = seconds(arguments, ROOT / "src")
            b = None if before is None or name in NEW else seconds(arguments, before)
            if n:  # the first round warms the caches of the file system and of Python
                now[name].append(a)
                then[name] += [] if b is None else [b]
    return {
        name: (statistics.median(now[name]), statistics.median(then[name]) if then[name] else None)
        for name in commands
    }


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="start of commands")
    parser.add_argument("--before", default=BEFORE, help="the commit to compare with")
    parser.add_argument("--rounds", type=int, default=9)
    chosen = parser.parse_args(arguments)
    if not (ROOT / "build" / "demo" / "heyi.db").exists():
        demo = [sys.executable, "-m", "heyi", "demo", "--dir", "build/demo", "--json"]
        subprocess.run(demo, cwd=ROOT, stdout=subprocess.DEVNULL, check=True)
    before = checked_out(chosen.before)
    if before is None:
        print(f"commit {chosen.before} is not here: nothing to compare with")
    found = measure(dict(COMMANDS), before, chosen.rounds)
    floor = found["python -c pass"][0]
    print(f"{platform.machine()}, Python {platform.python_version()}, {chosen.rounds} rounds")
    print(f"{'':26}{'ms':>8}{'x pass':>9}{'before':>9}{'ratio':>8}")
    for name, (now, then) in found.items():
        compared = "" if then is None else f"{1000 * then:9.0f}{now / then:8.3f}"
        print(f"{name:26}{1000 * now:8.0f}{now / floor:9.1f}{compared}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
