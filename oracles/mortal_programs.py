"""Programs that somebody kills: each is a function that a fork runs until it is killed."""

from __future__ import annotations

import os
import sys
from multiprocessing.connection import Connection
from pathlib import Path

# imported before the fork, so that a kill meets the work of a command and not its imports
import heyi.cli.audit
import heyi.cli.commands
import heyi.cli.settle
from heyi.app.centre import writing
from oracles.city import city_of
from oracles.mortal_writer import Writer


def write(path: str, life: int, tell: Connection) -> None:
    """Write into a bare log, and tell what was acknowledged."""
    writer = Writer(Path(path), life=life, tell=tell.send)
    while True:
        writer.work()


def ask(directory: str, life: int, witness: str, tell: Connection) -> None:
    """Open the run for each request, as a command does, and tell its name when it was kept."""
    os.environ["HEYI_WITNESS"] = witness
    for n in range(10**6):
        with writing(Path(directory)) as app:
            city_of(app).ask(f"life-{life}-{n}")
            tell.send(f"life-{life}-{n}")


def give(words: tuple[str, ...], output: str, witness: str) -> None:
    """Give a command to `heyi`, with its output in a file."""
    os.environ["HEYI_WITNESS"] = witness
    descriptor = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    for standard in (1, 2):
        os.dup2(descriptor, standard)
    sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.argv = ["heyi", *words]
    heyi.cli.main()
