"""Disks and servers that fail at each possible moment: is every promise of the log kept?

    python -m bench.faults [--every 1] [--rounds 20]                                  (make faults)

A program opens a log, keeps groups, erases bodies and has them overwritten, and asks its witness.
`strace` fails the N-th call of one kind that it makes on its files, for each kind and each N, with
an input error or a full disk, once or from then on. Each error that the program meets must be one
of ours with the next step. Then the program closes the log, or ends as in a crash. Afterwards the
log opens, holds what was acknowledged, verifies, and goes on, and so does its witness.

On PostgreSQL connections are ended, and the server is killed, while callers use one platform.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from heyi.app.verification import Verification, verify_directory
from heyi.exchange.projections import differences
from heyi.exchange.request.apply import submit
from heyi.model.errors import HeyiError, StoreError
from heyi.store.folder import read_run
from oracles.city import PHYSICIAN, City, open_city
from oracles.mortal_writer import Promises, Writer
from oracles.postgres import PostgresServer, programs, serving

WRITING = ("pwrite64", "write", "fdatasync", "fsync", "ftruncate", "openat", "unlink", "rename")
READING = ("pread64", "read", "mmap", "mkdir", "newfstatat", "flock")
ERRORS = {
    **dict.fromkeys(WRITING, ("EIO", "ENOSPC", "EIO+")),
    **dict.fromkeys(READING, ("EIO", "EIO+")),
}
"""How each call fails: once, or, with a plus, from then on. `fcntl` is left out: after a lock that
could not be given back, which no kernel does, SQLite only waits as it does for another program."""
NAMES = (
    *("heyi.db", "heyi.db-wal", "heyi.db-shm", "heyi.db-journal"),
    *("witness.note", ".witness.note.partial", ".witness.note.lock"),
)
LONGEST = 120
"""Seconds after which a program counts as hanging."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """The N-th call of a kind fails; then the program closes the log, or crashes."""

    call: str
    error: str
    number: int
    end: str

    @property
    def name(self) -> str:
        return f"{self.call} {self.number} {self.error}, {self.end}"


@dataclass(slots=True)
class Found:
    """What a campaign found: trials, events acknowledged, errors by their class, and faults."""

    trials: int = 0
    acknowledged: int = 0
    told: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)


def traced(folder: Path, options: Sequence[str], end: str) -> subprocess.CompletedProcess[str]:
    """Run the program in a folder under `strace`, which looks at its calls on the log's files."""
    on = [word for name in ("", *NAMES) for word in ("-P", str(folder / name))]
    program = [sys.executable, "-B", "-m", "oracles.mortal_writer", str(folder / "heyi.db")]
    return subprocess.run(
        ["strace", "-f", "-qq", *on, *options, *program, "1", end],
        capture_output=True,
        text=True,
        timeout=LONGEST,
        check=False,
    )


def calls_of(directory: Path) -> Counter[str]:
    """How often an undisturbed program makes each call on the log's files."""
    folder, trace = directory / "undisturbed", directory / "trace.txt"
    folder.mkdir()
    done = traced(folder, ("-o", str(trace)), "close")
    if done.returncode or "error" in done.stdout:
        raise SystemExit(f"the program did not run under strace: {done.stdout}{done.stderr}")
    lines = trace.read_text("utf-8", "replace").splitlines()
    return Counter(line.split()[1].partition("(")[0] for line in lines)


def trials_of(calls: Counter[str], every: int) -> Iterator[Trial]:
    """Every trial, or each `every`-th of them."""
    chosen = 0
    for call, errors in ERRORS.items():
        for error in errors:
            for number in range(1, calls[call] + 1):
                chosen += 1
                if chosen % every == 0:
                    end = ("close", "crash")[chosen // every % 2]
                    yield Trial(call=call, error=error, number=number, end=end)


def attempt(trial: Trial, directory: Path) -> Found:
    """Run the program with one fault, and look at what it leaves."""
    found = Found(trials=1)
    folder = Path(tempfile.mkdtemp(dir=directory))
    when = f"{trial.number}{'+' * trial.error.endswith('+')}"
    failing = f"inject={trial.call}:error={trial.error.rstrip('+')}:when={when}"
    options = ("-e", f"trace={trial.call}", "-e", failing, "-o", "/dev/null")
    try:
        done = traced(folder, options, trial.end)
    except subprocess.TimeoutExpired:
        found.wrong.append(f"{trial.name}: the program hangs")
        return found
    if done.stderr or done.returncode:
        found.wrong.append(f"{trial.name}: ended with {done.returncode}: {done.stderr[-600:]}")
    promises = Promises(folder / "heyi.db")
    for line in done.stdout.splitlines():
        told = json.loads(line)
        if told[0] == "error":
            found.told[told[1]] += 1
            if not told[3]:
                found.wrong.append(f"{trial.name}: no next step: {told[2]}")
        else:
            promises.take(told)
    found.acknowledged = promises.events
    found.wrong += [f"{trial.name}: {w}" for w in promises.broken()]
    found.wrong += [f"{trial.name}, afterwards: {w}" for w in _goes_on(promises)]
    shutil.rmtree(folder)
    return found


def _goes_on(promises: Promises) -> list[str]:
    """Use the log as the next program does, on a disk that is sound again."""
    try:
        writer = Writer(promises.path, life=2, tell=promises.take)
        writer.append(2, erasures=0)
        writer.cosign()
        writer.scrub()
        writer.log.store.close()  # type: ignore[attr-defined]
    except HeyiError as e:
        return [f"it does not go on: {e}"]
    return promises.broken(whole=True)


def disks(directory: Path, every: int) -> Found:
    """All trials, two at a time."""
    whole = Found()
    trials = list(trials_of(calls_of(directory), every))
    with ThreadPoolExecutor(2) as pool:
        for found in pool.map(lambda trial: attempt(trial, directory), trials):
            whole.trials += found.trials
            whole.acknowledged += found.acknowledged
            whole.told += found.told
            whole.wrong += found.wrong
    return whole


# --- PostgreSQL ---


def servers(directory: Path, rounds: int, *, seed: int = 1) -> Found:
    """End connections, and in every fourth round kill the server, while four callers write."""
    found, rng, kept = Found(), random.Random(seed), set[str]()
    with serving() as server, server.database() as name:
        city = open_city(directory / "city", store=server.url(name))
        for n in range(rounds):
            _disturbed(city, server, name, n, rng, kept, found)
            found.wrong += [f"round {n}: {w}" for w in _wrong_in(city, kept)]
            found.trials += 1
        city.app.close()
    found.acknowledged = len(kept)
    return found


def _disturbed(
    city: City,
    server: PostgresServer,
    name: str,
    n: int,
    rng: random.Random,
    kept: set[str],
    found: Found,
) -> None:
    stop = threading.Event()

    def call(me: int) -> None:
        for i in count():
            if stop.is_set():
                return
            case = f"round-{n}-{me}-{i}"
            try:
                submit(city.consortium, city.request(case), by=PHYSICIAN)
                kept.add(case)
            except StoreError as e:
                found.told[type(e).__name__] += 1
                if not e.hint:
                    found.wrong.append(f"no next step: {e}")
                time.sleep(0.01)
            except Exception as e:  # noqa: BLE001  it is reported
                found.wrong.append(f"a caller met {type(e).__name__}: {e}")
                return

    threads = [threading.Thread(target=call, args=(me,)) for me in range(4)]
    for thread in threads:
        thread.start()
    time.sleep(rng.uniform(0.05, 0.3))
    if n % 4 == 3:
        server.kill_and_start()
    else:
        server.end_connections(name)
    time.sleep(0.1)
    stop.set()
    for thread in threads:
        thread.join(LONGEST)
        if thread.is_alive():
            found.wrong.append(f"round {n}: a caller hangs")


def _verified(city: City) -> Verification:
    directory = city.app.directory
    return verify_directory(directory, store=read_run(directory).store)


def _wrong_in(city: City, kept: set[str]) -> list[str]:
    """What is lost, and what an outsider finds, after the next command and the next cosignature."""
    try:
        city.app.cosign()
        wrong = [f"{name} differs" for name in differences(city.app.database)]
        wrong += [f.message for _, f in _verified(city).faults]
        lost = kept - {*city.consortium.state.cases}
    except HeyiError as e:
        return [f"it does not go on: {e}"]
    return wrong + [f"{name} was acknowledged, and is not there" for name in sorted(lost)]


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--every", type=int, default=1, help="try each so-many-th fault")
    parser.add_argument("--rounds", type=int, default=20, help="rounds on PostgreSQL")
    options = parser.parse_args(arguments)
    wrong = 0
    with tempfile.TemporaryDirectory(dir="build") as folder:
        directory = Path(folder).resolve()
        work: dict[str, Callable[[], Found]] = {
            "disks": lambda: disks(directory, options.every),
            "servers": lambda: servers(directory, options.rounds),
        }
        absent = {"disks": shutil.which("strace") is None, "servers": programs() is None}
        for name, campaign in work.items():
            if absent[name]:
                sys.stdout.write(f"{name}: left out, since strace or PostgreSQL is absent\n")
                continue
            begun = time.monotonic()
            found = campaign()
            wrong += len(found.wrong)
            sys.stdout.write(
                f"{name}: {found.trials} faults, {found.acknowledged} events acknowledged, "
                f"{len(found.wrong)} promises broken, {time.monotonic() - begun:.0f} s\n"
            )
            for what, times in sorted(found.told.items()):
                sys.stdout.write(f"  told as {what}: {times}\n")
            for line in found.wrong[:20]:
                sys.stdout.write(f"  ✗ {line}\n")
            sys.stdout.flush()
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
