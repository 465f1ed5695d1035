"""The log under load: groups beside single transactions, many writers, and a million events.

    python -m bench.log [--events 1000000] [--only ratios|mix|writers|long]         (make bench-log)

Every rate stands beside plain SQLite transactions of the same bytes in the same rounds on the same
disk. A disk that confirms a write in a fraction of a millisecond makes the plain transactions so
fast that Python's own time decides; `--sync` adds a delay to each synchronisation of both sides, as
a disk with that latency has (needs `strace`).
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from heyi.app.centre import reopen
from heyi.app.settings import ORIGIN, START
from heyi.app.verification import Verification, verify_directory
from heyi.audit.event import Event
from heyi.audit.log import Draft, Log
from heyi.audit.verify import LogCheck
from heyi.crypto.keys import Signer
from heyi.exchange.consortium import PLATFORM, Consortium
from heyi.exchange.request.apply import decide
from heyi.store.database import Database
from heyi.store.folder import read_trust
from heyi.store.secrets import SeededEntropy
from oracles.city import grow, open_city

ROUNDS = 5
CALLERS = 16


def timed(work: Callable[[], object]) -> float:
    """Seconds that the work takes."""
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


class Plain:
    """What anybody would write: a table, and one transaction for each event."""

    def __init__(self, path: Path) -> None:
        self.rows: list[tuple[bytes, bytes, bytes | None, bytes | None]] = []
        self._path = path
        self._c = self._connection()
        self._c.execute("pragma journal_mode=WAL")
        self._c.execute("create table e (i integer primary key, l blob, h blob, b blob, k blob)")

    def _connection(self) -> sqlite3.Connection:
        c = sqlite3.connect(self._path, isolation_level=None, timeout=600)
        c.execute("pragma synchronous=FULL")
        return c

    def write(self, number: int) -> None:
        """One caller writes all, one after another."""
        self._insert(self._c, range(number))

    def write_together(self, callers: int, number: int) -> None:
        """Each caller writes its share over a connection of its own; they wait for one lock."""

        def write(numbers: str) -> None:
            with closing(self._connection()) as c:
                self._insert(c, range(int(numbers)))

        together(callers, iter([str(number // callers)] * callers), write)

    def _insert(self, c: sqlite3.Connection, numbers: range) -> None:
        for n in numbers:
            c.execute("begin immediate")
            row = self.rows[n % len(self.rows)]
            c.execute("insert into e (l, h, b, k) values (?, ?, ?, ?)", row)
            c.execute("commit")

    def take(self, database: Database, start: int) -> None:
        """Use the bytes of these entries."""
        self.rows = [(e.leaf, e.leaf_hash, e.body, e.key) for e in database.entries(start)]


def small(n: int) -> Draft:
    return Draft(
        event=Event(
            kind="request.made",
            at=START,
            actor="city-hospital",
            case="case-1",
            public={"n": n, "operation": "sha256:" + "0" * 64},
        )
    )


def ratios(directory: Path, *, number: int) -> dict[str, Any]:
    """Rates of one event alone and of batches of 100, over that of plain transactions."""
    database = Database.at(directory / "small.db")
    log = Log(
        signer=Signer.from_seed("log.example/bench", b"b" * 32),
        store=database,
        entropy=SeededEntropy(b"bench"),
    )
    log.append([small(n) for n in range(100)])
    plain = Plain(directory / "plain-small.db")
    plain.take(database, 0)
    alone, batched, base = [], [], []
    for _ in range(ROUNDS):
        base.append(number / timed(lambda: plain.write(number)))
        alone.append(number / timed(lambda: [log.append([small(n)]) for n in range(number)]))
        hundreds = max(number // 100, 10)
        batch = [small(n) for n in range(100)]
        took = timed(lambda h=hundreds, b=batch: [log.append(b) for _ in range(h)])  # type: ignore[misc]
        batched.append(100 * hundreds / took)
    database.close()
    return {
        "plain_per_second": round(statistics.median(base)),
        "alone_times_as_long": median_ratio(base, alone),
        "batches_times_as_fast": median_ratio(batched, base),
    }


def median_ratio(above: list[float], below: list[float]) -> float:
    """The median of the ratios of the rounds, each of which ran side by side."""
    return round(statistics.median(a / b for a, b in zip(above, below, strict=True)), 2)


def mix(directory: Path, *, cases: int) -> dict[str, Any]:
    """The rate of submit, state, state, decide under concurrent callers, over plain ones.

    Plain transactions are made twice: by one caller alone, and by as many callers.
    """
    city = open_city(directory / "mix")
    plain = Plain(directory / "plain-mix.db")
    city.ask("first")
    plain.take(city.app.database, city.consortium.log.size - 4)
    rates, base, crowd = [], [], []
    for r in range(ROUNDS):
        base.append(4 * cases / timed(lambda: plain.write(4 * cases)))
        crowd.append(4 * cases / timed(lambda: plain.write_together(CALLERS, 4 * cases)))
        names = iter([f"round-{r}-{n}" for n in range(cases)])
        took = timed(lambda names=names: together(CALLERS, names, city.ask))  # type: ignore[misc]
        rates.append(4 * cases / took)
    checkpoints = sum(1 for _ in city.app.database.checkpoints())
    size = city.consortium.log.size
    city.app.close()
    return {
        "plain_per_second": round(statistics.median(base)),
        "events_per_second": round(statistics.median(rates)),
        "times_as_fast": median_ratio(rates, base),
        "plain_callers_per_second": round(statistics.median(crowd)),
        "times_as_fast_as_callers": median_ratio(rates, crowd),
        "events_a_group": round(size / checkpoints, 1),
    }


def together(callers: int, names: Iterator[str], work: Callable[[str], None]) -> None:
    """Let callers take names from one list until it is empty; the first error is raised."""
    taking, errors = threading.Lock(), list[BaseException]()

    def call() -> None:
        while not errors:
            with taking:
                name = next(names, None)
            if name is None:
                return
            try:
                work(name)
            except Exception as e:  # noqa: BLE001  raised below, in the thread that asked
                errors.append(e)

    threads = [threading.Thread(target=call) for _ in range(callers)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    if errors:
        raise errors[0]


WRITER = """
import sys
from pathlib import Path
from heyi.app.centre import writing
from oracles.city import city_of
directory, me, number = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
for n in range(number // 4):
    with writing(directory) as app:
        city_of(app).ask(f"{me}-{n}")
        print(f"{me}-{n}", flush=True)
"""
"""A process that opens the run for each request, as a command does, and says what was kept."""


def many_writers(
    directory: Path, *, threads: int, each: int, processes: int, commands: int
) -> dict[str, Any]:
    """Threads of one platform, then processes in one folder: all kept, each acknowledged once."""
    run = directory / "writers"
    city = open_city(run)
    before = city.consortium.log.size
    names = iter([f"thread-{n}" for n in range(threads * each // 4)])
    in_threads = timed(lambda: together(threads, names, city.ask))
    by_threads = city.consortium.log.size - before
    city.app.cosign()
    city.app.close()
    begun = time.perf_counter()
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(run), f"process-{p}", str(commands)],
            stdout=subprocess.PIPE,
            text=True,
        )
        for p in range(processes)
    ]
    acknowledged = [line for w in writers for line in w.communicate()[0].split()]
    in_processes = time.perf_counter() - begun
    failed = [w.returncode for w in writers if w.returncode]
    app = reopen(run)
    cases = set(app.consortium.state.cases)
    size = app.consortium.log.size
    app.close()
    wanted = {f"thread-{n}" for n in range(threads * each // 4)} | set(acknowledged)
    return {
        "by_threads": by_threads,
        "threads_per_second": round(by_threads / in_threads),
        "by_processes": size - before - by_threads,
        "processes_per_second": round((size - before - by_threads) / in_processes),
        "failed": failed,
        "acknowledged_twice": len(acknowledged) - len(set(acknowledged)),
        "lost": len(wanted - cases),
        "complete": len(acknowledged) == processes * (commands // 4),
        "verified": verify_directory(run).holds,
    }


def long_log(directory: Path, events: int) -> dict[str, Any]:
    """A log of so many events: opening it, loading a case, verifying it whole and since."""
    run = directory / "long"
    city = open_city(run)
    built = timed(lambda: deque(grow(city, events), maxlen=0))
    city.app.cosign()
    middle = f"case-{events // 50:07d}"
    city.app.close()
    return {
        "events": events,
        "bytes": (run / "heyi.db").stat().st_size,
        "building_seconds": round(built, 1),
        **_in_process("opening", run, middle),
        **_in_process("checking", run, middle),
        **_in_process("replaying", run, middle),
        **_in_process("since", run, middle),
    }


def opening(run: Path, case: str) -> dict[str, Any]:
    opened: list[Consortium] = []
    took = timed(lambda: opened.append(reopen(run).consortium))
    loads = [timed(lambda: opened[0].case(case))]
    return {"open_seconds": round(took, 3), "case_ms": round(1000 * loads[0], 2)}


def checking(run: Path, _case: str) -> dict[str, Any]:
    """The log alone: leaves, hashes, commitments, checkpoints; beside the replay."""
    trust = read_trust(run / "trust.json")
    with closing(Database.at(run / "heyi.db", read_only=True)) as database:
        check = LogCheck(database, origin=ORIGIN, log_key=trust.log_key, witness=trust.witness)
        took = timed(check.report)
        size, held = database.size(), not check.faults
    return {"check_us_an_event": round(1e6 * took / size, 1), "check_holds": held}


def replaying(run: Path, _case: str) -> dict[str, Any]:
    """Everything computed again; what holds is remembered, for `since`."""
    found: list[Verification] = []
    took = timed(lambda: found.append(verify_directory(run, since=True)))
    return {"verify_seconds": round(took, 1), **_held("verify", found[0])}


def since(run: Path, case: str) -> dict[str, Any]:
    """One more decision in an old case, and an audit that goes on from the last one."""
    app = reopen(run)
    decide(app.consortium, case, by=PLATFORM)
    app.cosign()
    app.close()
    found: list[Verification] = []
    took = timed(lambda: found.append(verify_directory(run, since=True)))
    return {"since_seconds": round(took, 2), **_held("since", found[0])}


def _held(part: str, found: Verification) -> dict[str, Any]:
    return {f"{part}_holds": found.holds, f"{part}_faults": [str(f) for f in found.faults[:9]]}


def _in_process(part: str, run: Path, case: str) -> dict[str, Any]:
    """Measure in a process of its own, so that memory is that of this part alone."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.log", "--part", part, str(run), case],
        stdout=subprocess.PIPE,
        check=True,
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


PARTS = {"opening": opening, "checking": checking, "replaying": replaying, "since": since}


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--number", type=int, default=300)
    parser.add_argument("--cases", type=int, default=100)
    parser.add_argument("--threads", type=int, default=8)
    parser.add_argument("--each", type=int, default=2_000)
    parser.add_argument("--processes", type=int, default=8)
    parser.add_argument("--commands", type=int, default=200)
    parser.add_argument("--part", nargs=3)
    parser.add_argument("--only", default="")
    parser.add_argument("--sync", type=int, default=4)
    options = parser.parse_args(arguments)
    if options.part:
        part, run, case = options.part
        found = PARTS[part](Path(run), case)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        sys.stdout.write(json.dumps({**found, f"{part}_peak_mb": peak}))
        return 0
    with tempfile.TemporaryDirectory(dir="build") as folder:
        directory = Path(folder)
        os.environ["HEYI_CACHE"], os.environ["HEYI_WITNESS"] = (
            f"{folder}/cache",
            f"{folder}/witness",
        )
        (directory / "cache").mkdir(mode=0o700)
        work: dict[str, Callable[[], dict[str, Any]]] = {
            "ratios": lambda: ratios(directory, number=options.number),
            "mix": lambda: mix(directory, cases=options.cases),
            "writers": lambda: many_writers(
                directory,
                threads=options.threads,
                each=options.each,
                processes=options.processes,
                commands=options.commands,
            ),
            "long": lambda: long_log(directory, options.events),
        }
        for name, measure in work.items():
            if options.only in ("", name):
                sys.stdout.write(f"{name}: {json.dumps(measure(), indent=1)}\n")
                sys.stdout.flush()
    if options.sync and not options.only:
        for name in ("ratios", "mix"):
            sys.stdout.write(f"with {options.sync} ms more for each synchronisation, ")
            sys.stdout.flush()
            slowly(options.sync, name)
    return 0


def slowly(milliseconds: int, only: str) -> None:
    """Measure again on a disk that takes so much longer to confirm a write."""
    subprocess.run(
        [
            *("strace", "-f", "--seccomp-bpf", "-o", "/dev/null", "-e", "trace=fdatasync,fsync"),
            *("-e", f"inject=fdatasync,fsync:delay_exit={1000 * milliseconds}"),
            *(sys.executable, "-m", "bench.log", "--only", only, "--number", "100"),
            *("--cases", "60"),
        ],
        check=True,
    )


if __name__ == "__main__":
    sys.exit(main())
