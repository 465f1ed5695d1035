"""Programs that are killed at random moments: is every promise of the log kept?

    python -m bench.kill [--kills 1000] [--commands 100] [--seed 1]                     (make kill)

First a bare writer of the log is killed: after each kill the log opens with its signed head, every
acknowledged event is there, every group is whole under one checkpoint, erased bodies are gone, and
what the witness remembers is what the log goes on from. Then whole commands are killed: use cases
of a platform, and `heyi dispute`, `settle` and `erase` on a finished run. After each kill streams
and summaries agree with the events, the folder verifies, what was printed is true, and the same
command works when it is given again, or says that it was done.

A killed process is a fork of one that has everything imported, so that kills meet the work.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import multiprocessing
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from heyi.app.centre import reopen, writing
from heyi.app.verification import log_of, verify_directory
from heyi.exchange.consortium import legal_day
from heyi.exchange.events.event_kinds import read_entry
from heyi.exchange.projections import differences
from heyi.exchange.proof.erase import bodies_of
from heyi.store.database import Database
from oracles.city import open_city
from oracles.heart import HEART, SIZES, invented
from oracles.mortal_programs import ask, give, write
from oracles.mortal_writer import Promises

CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(["oracles.mortal_programs"])
KILLS_A_LOG = 100
CASE = "heart-disease"
AFTER = 0.3
"""The part of a command's time after its first event in which it is killed: the witness is asked,
and receipts are written."""
LONGEST = 120.0
"""Seconds after which a program counts as hanging; it blocks on something that a kill left."""


@dataclass(slots=True)
class Found:
    """What a campaign found: kills, events that were acknowledged, and broken promises."""

    kills: int = 0
    acknowledged: int = 0
    wrong: list[str] = field(default_factory=list)
    hit: Counter[str] = field(default_factory=Counter)


# --- the bare writer ---


def kill_writers(directory: Path, kills: int, *, seed: int, longest: float = 0.25) -> Found:
    """Kill a writer so many times, each at a random moment within `longest` seconds."""
    found, rng = Found(), random.Random(seed)
    promises = Promises(directory / "none")
    for kill in range(kills):
        if kill % KILLS_A_LOG == 0:
            found.wrong += promises.broken(whole=True) if kill else []
            found.acknowledged += promises.events
            promises = Promises(directory / f"log-{kill}" / "heyi.db")
            promises.path.parent.mkdir()
        # every second kill waits for a first acknowledgement, however slow the machine is
        after, begun = rng.uniform(0, longest), kill % 2 == 1
        for told in _until_killed(write, (str(promises.path), kill), after, begun=begun):
            promises.take(told)
            found.hit[told[0]] += 1
        found.kills += 1
        found.wrong += [f"kill {kill}: {w}" for w in promises.broken()]
        _say(f"{found.kills} kills, {found.acknowledged + promises.events} events")
    found.wrong += promises.broken(whole=True)
    found.acknowledged += promises.events
    return found


def _until_killed(
    work: Callable[..., None], arguments: tuple[Any, ...], after: float, *, begun: bool = False
) -> list[Any]:
    """Kill a process after so many seconds, and return what it has told.

    The seconds count from its start, or from the first thing that it told if that was `begun`.
    """
    receive, send = CONTEXT.Pipe(duplex=False)
    process = CONTEXT.Process(target=work, args=(*arguments, send))
    process.start()
    send.close()
    told: list[Any] = []
    with closing(receive):
        if begun:
            told.append(receive.recv())
        until = time.monotonic() + after
        # the pipe is read meanwhile, or a full one would stop the writer before it is killed
        while (left := until - time.monotonic()) > 0:
            if receive.poll(left):
                try:
                    told.append(receive.recv())
                except EOFError:
                    break
        process.kill()
        told += _rest(receive)
    process.join()
    if process.exitcode != -9:
        raise RuntimeError(f"the writer ended by itself with {process.exitcode}")
    return told


def _rest(receive: Connection) -> Iterator[Any]:
    while True:
        try:
            yield receive.recv()
        except (EOFError, OSError):
            return


# --- whole commands ---


def kill_use_cases(directory: Path, kills: int, *, seed: int) -> Found:
    """Kill processes that run use cases on one folder."""
    found, rng, run, asked = Found(), random.Random(seed), directory / "city", set[str]()
    city = open_city(run)
    city.app.cosign()
    city.app.close()
    for kill in range(kills):
        asked |= {
            *_until_killed(
                ask, (str(run), kill, os.environ["HEYI_WITNESS"]), rng.uniform(0.02, 0.3)
            )
        }
        found.kills += 1
        found.wrong += [f"use cases, kill {kill}: {w}" for w in wrong_in(run)]
        app = reopen(run)
        cases = {*app.consortium.state.cases}
        lost = [n for n in asked if n not in cases or not app.consortium.case(n).decisions]
        found.wrong += [f"{name} was acknowledged, and is not there" for name in lost]
        app.close()
        _say(f"{found.kills} kills of use cases, {4 * len(asked)} events")
    found.acknowledged = 4 * len(asked)
    return found


def wrong_in(run: Path) -> list[str]:
    """What an outsider finds in a folder."""
    with closing(log_of(run)) as database:
        wrong = [f"{name} is not what the events give" for name in differences(database)]
    return wrong + [
        f"{log}, entry {f.entry}: {f.message}" for log, f in verify_directory(run).faults
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A command, the kind of event that it logs, and how many."""

    words: tuple[str, ...]
    kind: str
    events: int

    @property
    def name(self) -> str:
        return " ".join(w for w in self.words[:2] if w.isalpha())


def steps(run: Path) -> list[Step]:
    """Commands that lead a finished study to its payment, and then erase a body."""
    app = reopen(run)
    settlement = app.consortium.case(CASE).settlement
    assert settlement is not None
    day = legal_day(settlement.disputes_until) + dt.timedelta(days=1)
    entry, parties = bodies_of(app.consortium, CASE)[0], len(settlement.shares_fen)
    app.close()
    at = str(run)
    va = ("--party", "va", "--reasons", "three rows")
    return [
        Step(words=("dispute", at, *va), kind="statement.disputed", events=1),
        Step(words=("settle", "answer", at, *va), kind="dispute.dismissed", events=1),
        Step(
            words=("settle", "approve", at, "--on", day.isoformat()),
            kind="settlement.approved",
            events=1,
        ),
        Step(words=("settle", "pay", at, "--json"), kind="settlement.paid", events=parties),
        Step(
            words=("erase", at, str(entry), "--reason", "asked for", "--json"),
            kind="body.erased",
            events=1,
        ),
    ]


def kill_commands(finished: Path, directory: Path, kills: int, *, seed: int) -> Found:
    """Kill each command of `steps` on copies of a finished run, then give it again."""
    found, rng, took = Found(), random.Random(seed), dict[str, float]()
    memory, number = Path(os.environ["HEYI_WITNESS"]), 0
    while found.kills < kills:
        number += 1
        run = directory / f"run-{number}"
        shutil.copytree(finished, run)
        # a copy is the same run to its witness, so each has a copy of that too
        os.environ["HEYI_WITNESS"] = str(shutil.copytree(memory, directory / f"witness-{number}"))
        for step in steps(run):
            _killed_and_again(step, run, took, rng, found)
            _say(f"{found.kills} kills of commands")
        os.environ["HEYI_WITNESS"] = str(memory)
        shutil.rmtree(run)
    return found


def _killed_and_again(
    step: Step, run: Path, took: dict[str, float], rng: random.Random, found: Found
) -> None:
    output = run.with_suffix(".txt")
    # the first run is measured; from then on it is killed within that time, or soon after its event
    for late in (False, True) if step.name in took else ():
        seconds = rng.uniform(0, took[step.name] * (AFTER if late else 1))
        code, _ = _commanded(step, output, seconds, after=run if late else None)
        found.wrong += [f"{step.name} was killed: {w}" for w in wrong_in(run)]
        done, said = _logged(run, step), output.read_text("utf-8") if output.exists() else ""
        if done not in (0, step.events):
            found.wrong.append(f"{step.name} logged {done} of {step.events}")
        if _says_done(step, said) and not done:
            found.wrong.append(f"{step.name} said that it was done, and it was not: {said}")
        if code == -9:
            found.kills += 1
            found.hit[f"{step.name}: {'logged' if done else 'nothing logged'}"] += 1
    before = _logged(run, step)
    code, seconds = _commanded(step, output, LONGEST)
    took.setdefault(step.name, seconds)
    if code != (2 if before else 0):
        found.wrong.append(f"{step.name} again ended with {code}: {output.read_text('utf-8')}")
    if _logged(run, step) != step.events:
        found.wrong.append(f"{step.name} was done {_logged(run, step)} times")
    found.acknowledged += step.events
    found.wrong += [f"{step.name} was given again: {w}" for w in wrong_in(run)]
    found.wrong += _unfinished(run)


def _commanded(
    step: Step, output: Path, seconds: float, *, after: Path | None = None
) -> tuple[int, float]:
    """Run a command for at most so many seconds; its exit code is -9 if it was killed.

    With `after`, the seconds count from the moment when the log of that run has grown.
    """
    output.unlink(missing_ok=True)
    arguments = (step.words, str(output), os.environ["HEYI_WITNESS"])
    process = CONTEXT.Process(target=give, args=arguments)
    begun = time.monotonic()
    if after is None:
        process.start()
    else:
        with closing(Database.at(after / "heyi.db")) as database:
            size = database.size()
            process.start()
            while database.size() == size and process.is_alive():
                time.sleep(0.0005)
    process.join(seconds)
    process.kill()
    process.join()
    assert process.exitcode is not None
    return process.exitcode, time.monotonic() - begun


def _logged(run: Path, step: Step) -> int:
    with closing(log_of(run)) as database:
        return sum(step.kind == read_entry(e).what.KIND for e in database.entries())


def _says_done(step: Step, said: str) -> bool:
    if "--json" not in step.words:
        return "the dispute is entry" in said or "approved:" in said or "dismissed" in said
    try:
        return isinstance(json.loads(said), dict) and "error" not in json.loads(said)
    except ValueError:
        return False


def _unfinished(run: Path) -> list[str]:
    """What the witness or the disk still owes after a command has ended."""
    with closing(log_of(run)) as database:
        due = database.scrub_due()
    with writing(run) as app:  # it asks the witness, which must not refuse for ever
        app.receipts([app.consortium.log.size - 1])
    promised = verify_directory(run).centre.promised
    return ["a scrub is due"] * due + [f"{promised} entries wait for the witness"] * bool(promised)


def _say(line: str) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"\r{line} ")


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=1_000, help="of the bare writer")
    parser.add_argument("--commands", type=int, default=100, help="kills of commands")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    wrong = list[str]()
    with tempfile.TemporaryDirectory(dir="build") as folder:
        directory = Path(folder)
        os.environ["HEYI_WITNESS"] = str(directory / "witness")
        finished = directory / "finished"
        data = invented(directory / "data", SIZES)
        study = [sys.executable, "-m", "heyi", "run", str(HEART), "--data", str(data), "--json"]
        subprocess.run([*study, "--dir", str(finished)], check=True, stdout=subprocess.DEVNULL)
        half = options.commands // 2
        work: dict[str, Callable[[], Found]] = {
            "writer": lambda: kill_writers(directory, options.kills, seed=options.seed),
            "use cases": lambda: kill_use_cases(directory, half, seed=options.seed),
            "commands": lambda: kill_commands(
                finished, directory, options.commands - half, seed=options.seed
            ),
        }
        for name, campaign in work.items():
            begun = time.monotonic()
            found = campaign()
            wrong += found.wrong
            sys.stdout.write(
                f"{name}: {found.kills} kills, {found.acknowledged} events acknowledged, "
                f"{len(found.wrong)} promises broken, {time.monotonic() - begun:.0f} s\n"
            )
            for what, times in sorted(found.hit.items()):
                sys.stdout.write(f"  {what}: {times}\n")
            for line in found.wrong[:20]:
                sys.stdout.write(f"  ✗ {line}\n")
            sys.stdout.flush()
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
