"""One writer: commands of many callers are kept in groups, whole or not at all; each is told."""

from __future__ import annotations

import ctypes
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from heyi.app.centre import reopen, writing
from heyi.app.verification import Verification, verify_directory
from heyi.exchange.consortium import PLATFORM, Consortium
from heyi.exchange.projections import differences
from heyi.exchange.proof.erase import bodies_of, erase
from heyi.exchange.request.apply import decide, submit, supply
from heyi.exchange.writer import Done
from heyi.model.errors import Conflict, InvalidInput, StoreError, VerificationError
from heyi.model.fact import Source
from heyi.store.database import Database
from heyi.store.failures import OutcomeUnknown
from heyi.store.folder import read_run
from oracles.city import OFFICE, PHYSICIAN, City, city_of, open_city
from tests.support.command import HANGING
from tests.support.disk import failing_at, limit
from tests.support.machine import ROOT
from tests.support.postgres import PostgresServer, serving
from tests.support.wire import Wire

THREADS, EACH = 16, 3
Call = Callable[[], object]


def verified(city: City) -> Verification:
    """What an outsider finds, to whom the city has told where its log is."""
    directory = city.app.directory
    return verify_directory(directory, store=read_run(directory).store)


def sizes(c: Consortium) -> list[int]:
    return [size for size, _ in c.log.store.checkpoints()]


def waiting(c: Consortium, number: int) -> None:
    """Wait until so many commands are in the queue."""
    until = time.monotonic() + HANGING
    while len(c.writer._queue) < number and time.monotonic() < until:
        time.sleep(0.001)


def started(calls: Sequence[Call]) -> tuple[list[threading.Thread], dict[int, Any]]:
    """Each call in a thread of its own; what it returned or raised is put under its number."""
    said: dict[int, Any] = {}

    def say(n: int, call: Call) -> None:
        try:
            said[n] = call()
        except BaseException as e:  # noqa: BLE001  the test looks at it
            said[n] = e

    threads = [threading.Thread(target=say, args=(n, call)) for n, call in enumerate(calls)]
    return threads, said


def as_one_group(c: Consortium, calls: Sequence[Call]) -> list[Any]:
    """Have the writer run these calls in this order in one group, and say what each gave."""
    first, _ = started([lambda: c.writer.run(lambda: Done([], None))])
    threads, said = started(calls)
    with c.writer.lock:  # the first one leads, and waits here until the others are in the queue
        first[0].start()
        waiting_for_leader(c)
        for n, thread in enumerate(threads, start=1):
            thread.start()
            waiting(c, n)
    for thread in (*first, *threads):
        thread.join(HANGING)
    return [said[n] for n in range(len(calls))]


def waiting_for_leader(c: Consortium) -> None:
    """Wait until the leader has taken what was in the queue."""
    until = time.monotonic() + HANGING
    while not c.writer._taken and time.monotonic() < until:
        time.sleep(0.001)


def asks(city: City, name: str) -> list[Call]:
    """A request in four commands."""
    c = city.consortium
    return [
        lambda: submit(c, city.request(name), by=PHYSICIAN),
        lambda: supply(c, name, city.facts[Source.REGISTRY], by=PLATFORM, source=Source.REGISTRY),
        lambda: supply(c, name, city.facts[Source.ATTESTED], by=OFFICE, source=Source.ATTESTED),
        lambda: decide(c, name, by=PLATFORM),
    ]


def test_what_many_callers_write_is_kept_once_and_verifies(any_city: City) -> None:
    c, told = any_city.consortium, Counter[int]()
    before = c.log.size
    c.writer._on_event = lambda entry: told.update([entry.index])

    def call(me: int) -> None:
        for n in range(EACH):
            any_city.ask(f"case-{me}-{n}")

    threads, said = started([lambda me=me: call(me) for me in range(THREADS)])  # type: ignore[misc]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(HANGING)
    assert said == dict.fromkeys(range(THREADS))
    assert c.log.size == before + 4 * THREADS * EACH
    assert told == dict.fromkeys(range(before, c.log.size), 1)
    assert len([s for s in sizes(c) if s > before]) < 4 * THREADS * EACH, "nothing was grouped"
    any_city.app.cosign()
    assert list(differences(any_city.app.database)) == []
    found = verified(any_city)
    assert found.holds, found.faults
    assert found.replayed.decisions == THREADS * EACH and found.centre.promised == 0


def test_each_command_of_a_group_sees_those_before_it(any_city: City) -> None:
    c, before = any_city.consortium, any_city.consortium.log.size
    *_, decided = as_one_group(c, asks(any_city, "a"))
    assert {d.outcome.is_permit for d in decided.values()} == {True}
    assert sizes(c)[-1] == before + 4 and before in sizes(c), "one checkpoint"
    assert verified(any_city).holds


def test_a_command_that_fails_does_not_disturb_its_group(city: City) -> None:
    c, before = city.consortium, city.consortium.log.size
    first, *others = asks(city, "a")

    def broken() -> Done[None]:
        raise ZeroDivisionError

    said = as_one_group(
        c,
        [
            first,
            first,
            lambda: submit(c, city.request("b"), by=OFFICE),
            lambda: c.writer.run(broken),
            *others,
        ],
    )
    assert [type(s) for s in said[1:4]] == [InvalidInput, InvalidInput, ZeroDivisionError]
    assert "exists already" in str(said[1])
    assert said[0] is None and not any(isinstance(s, Exception) for s in said[4:])
    assert c.log.size == before + 4 and before + 4 in sizes(c)
    assert sorted(c.state.cases) == ["a"]
    assert verified(city).holds


def test_a_body_is_erased_once_however_many_ask_at_once(city: City) -> None:
    c = city.consortium
    city.ask("a")
    entry = bodies_of(c, "a")[0]
    said = as_one_group(c, [lambda: erase(c, [entry], reason="asked for", by=PLATFORM)] * 2)
    assert isinstance(said[1], InvalidInput) and "no body to erase" in str(said[1])
    city.app.cosign()
    assert verified(city).holds


def test_a_command_does_not_run_another(city: City) -> None:
    with pytest.raises(RuntimeError, match="runs another"):
        city.consortium.writer.run(lambda: Done([], asks(city, "a")[0]()))
    city.ask("b")
    assert sorted(city.consortium.state.cases) == ["b"]


# --- a store that fails ---


def goes_on(city: City, name: str = "a") -> None:
    """What was refused before is kept now, once; and all of the folder verifies."""
    city.ask(name)
    city.app.cosign()
    assert list(differences(city.app.database)) == []
    found = verified(city)
    assert found.holds, found.faults


def test_a_locked_database_is_told_to_all_and_nothing_stays(city: City) -> None:
    c, path = city.consortium, city.app.directory / "heyi.db"
    with closing(Database.at(path, patience=0.2)) as impatient:
        c.log.store = impatient
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            said = as_one_group(c, asks(city, "a"))
            assert [type(s) for s in said] == [Conflict] * 4
            assert all("another program writes" in s.message and s.hint for s in said)
            assert list(c.state.cases) == []
        goes_on(city)


def test_a_lost_lease_is_told_to_all_and_nothing_stays(city: City) -> None:
    c, before = city.consortium, city.consortium.log.size
    city.app.database.take_lease("this", 1)
    with closing(Database.at(city.app.directory / "heyi.db")) as other:
        time.sleep(2.1)
        other.take_lease("other", 600)
        said = as_one_group(c, asks(city, "a"))
        assert [type(s) for s in said] == [Conflict] * 4
        assert "the lease was lost to `other`" in str(said[0])
        assert (c.log.size, list(c.state.cases)) == (before, [])
        other.give_up_lease()
    city.app.database.give_up_lease()
    goes_on(city)


def test_a_full_disk_is_told_to_all_and_nothing_stays(city: City) -> None:
    c, before = city.consortium, city.consortium.log.size
    first, *others = asks(city, "a")
    limit(4_096)
    try:
        said = as_one_group(c, [first, first, *others])
    finally:
        limit(-1)
    # the second one was refused because of the first, which is not there after all
    assert {(type(s), s.message) for s in said} == {(StoreError, said[0].message)}
    assert "free the disk" in said[0].hint
    assert (c.log.size, city.app.database.size(), list(c.state.cases)) == (before, before, [])
    goes_on(city)


UNKNOWN = """
import sys
from pathlib import Path
from heyi.app.centre import reopen, writing
from heyi.exchange.request.apply import submit
from heyi.model.errors import InvalidInput, StoreError
from oracles.city import PHYSICIAN, city_of
city = city_of(reopen(Path(sys.argv[1])))
c = city.consortium
for n in range(100):
    try:
        submit(c, city.request(f"case-{n}"), by=PHYSICIAN)
    except StoreError as e:
        error = type(e).__name__
        break
print(n, error, f"case-{n}" in c.state.cases, c.log.store.size() == c.log.size)
try:
    submit(c, city.request(f"case-{n}"), by=PHYSICIAN)
    print("was not kept")
except InvalidInput:
    print("was kept")
city.app.cosign()
city.app.close()
"""


def test_after_a_commit_of_unknown_outcome_the_log_is_asked(city: City) -> None:
    directory = city.app.directory
    city.app.close()
    done = subprocess.run(
        [*failing_at("fdatasync", "EIO", "4", directory / "heyi.db-wal"),
         sys.executable, "-c", UNKNOWN, directory],
        capture_output=True, text=True, timeout=HANGING, check=False, cwd=ROOT,
    )  # fmt: skip
    assert done.stdout, done.stderr
    n, error, seen, agrees, told = done.stdout.split(maxsplit=4)
    assert (error, agrees) == ("OutcomeUnknown", "True"), done.stderr
    assert told.strip() == ("was kept" if seen == "True" else "was not kept")
    app = reopen(directory)
    assert {*app.consortium.state.cases} == {f"case-{i}" for i in range(int(n) + 1)}
    app.close()
    assert verify_directory(directory).holds


@pytest.mark.parametrize(
    ("cut_at", "kept"),
    [(b"commit\x00", False), (b"COMMIT\x00", True)],
    ids=["the command is lost", "only the answer is lost"],
)
def test_a_server_that_did_not_answer_the_commit_is_asked(
    postgres: PostgresServer, own_witness: Path, tmp_path: Path, cut_at: bytes, kept: bool
) -> None:
    with postgres.database() as name, closing(Wire(postgres.port)) as wire:
        city = open_city(tmp_path / "run", store=postgres.url(name, port=wire.port))
        c = city.consortium

        def cut() -> Done[None]:
            wire.cut_at = cut_at
            return Done([], None)

        said = as_one_group(c, [*asks(city, "a"), lambda: c.writer.run(cut)])
        wire.cut_at = b""
        assert [type(s) for s in said] == [OutcomeUnknown] * 5
        assert ("a" in c.state.cases) == kept
        if kept:
            with pytest.raises(InvalidInput, match="exists already"):
                city.ask("a")
        goes_on(city, "b" if kept else "a")
        city.app.close()


def test_a_server_that_ends_the_connection_within_a_group(
    postgres: PostgresServer, own_witness: Path, tmp_path: Path
) -> None:
    with postgres.database() as name:
        city = open_city(tmp_path / "run", store=postgres.url(name))
        c, before = city.consortium, city.consortium.log.size

        def end() -> Done[None]:
            postgres.end_connections(name)
            return Done([], None)

        first, *others = asks(city, "a")
        said = as_one_group(c, [first, lambda: c.writer.run(end), *others])
        assert [type(s) for s in said] == [StoreError] * 5
        assert all(s.hint for s in said)
        assert (c.log.size, list(c.state.cases)) == (before, [])
        goes_on(city)
        city.app.close()


def test_what_was_acknowledged_outlives_a_killed_server(own_witness: Path, tmp_path: Path) -> None:
    with serving() as server, server.database() as name:
        city = open_city(tmp_path / "run", store=server.url(name))
        c, kept, goes = city.consortium, set[str](), threading.Event()

        def call(me: int) -> None:
            for n in count():
                submit(c, city.request(f"case-{me}-{n}"), by=PHYSICIAN)
                kept.add(f"case-{me}-{n}")
                if len(kept) > 40:
                    goes.set()

        threads, said = started([lambda me=me: call(me) for me in range(4)])  # type: ignore[misc]
        for thread in threads:
            thread.start()
        assert goes.wait(HANGING)
        server.kill_and_start()
        for thread in threads:
            thread.join(HANGING)
        assert all(isinstance(s, StoreError) and s.hint for s in said.values()), said
        assert len(kept) > 40 and kept <= {*c.state.cases}
        goes_on(city)
        city.app.close()


# --- a program that is interrupted ---


@pytest.fixture
def interruptible() -> None:
    """An interrupt ends what the main thread waits for.

    A shell lets what it starts in the background ignore interrupts. Where z3 ran before, they come
    only after the wait: it puts the handler back as one after which the system goes on waiting.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize("leads", [True, False], ids=["who leads", "who waits"])
def test_an_interrupt_leaves_the_others_a_leader(city: City, leads: bool) -> None:
    """The main thread is interrupted while a command of another thread waits with it."""
    c, main = city.consortium, threading.get_ident()
    others, said = started([lambda: submit(c, city.request("other"), by=PHYSICIAN)])
    held, release = threading.Event(), threading.Event()

    def hold() -> None:
        with c.writer.lock:
            held.set()
            release.wait(HANGING)

    def interrupt() -> None:
        waiting(c, 1)  # the other command where this one leads, else this one
        time.sleep(0.05)  # the main thread comes to its lock
        signal.pthread_kill(main, signal.SIGINT)

    holder, interrupter = threading.Thread(target=hold), threading.Thread(target=interrupt)
    holder.start()
    assert held.wait(HANGING)
    if not leads:
        others[0].start()
        waiting_for_leader(c)
    interrupter.start()
    if leads:
        threading.Timer(0.02, others[0].start).start()
    with pytest.raises(KeyboardInterrupt):
        submit(c, city.request("mine"), by=PHYSICIAN)
    release.set()
    for thread in (holder, interrupter, others[0]):
        thread.join(HANGING)
    assert said == {0: None}
    assert list(c.state.cases) == ["other"]
    goes_on(city, "mine")


def test_interrupts_at_any_moment_lose_nothing_that_was_acknowledged(city: City) -> None:
    c, kept, stop = city.consortium, set[str](), threading.Event()

    def call(me: int) -> None:
        for n in count():
            if stop.is_set():
                return
            with suppress(KeyboardInterrupt, StoreError):
                submit(c, city.request(f"case-{me}-{n}"), by=PHYSICIAN)
                kept.add(f"case-{me}-{n}")

    # an interrupt that comes between two cases ends its thread, which is no fault of the writer
    threads, _ = started([lambda me=me: call(me) for me in range(4)])  # type: ignore[misc]
    for thread in threads:
        thread.start()
    rng, interrupted = random.Random(5), 0
    while interrupted < 40 and any(thread.is_alive() for thread in threads):
        time.sleep(rng.uniform(0, 0.01))
        ident = ctypes.c_ulong(rng.choice(threads).ident or 0)
        interrupted += ctypes.pythonapi.PyThreadState_SetAsyncExc(
            ident, ctypes.py_object(KeyboardInterrupt)
        )
    stop.set()
    for thread in threads:
        thread.join(HANGING)
    assert not any(thread.is_alive() for thread in threads), "nobody leads"
    assert interrupted > 3
    assert kept <= {*c.state.cases}
    goes_on(city)


# --- several processes ---

ELSEWHERE = """
import sys
from pathlib import Path
from heyi.app.centre import writing
from heyi.exchange.consortium import PLATFORM
from heyi.exchange.request.apply import submit, supply
from heyi.model.fact import Source
from oracles.city import PHYSICIAN, city_of
with writing(Path(sys.argv[1])) as app:
    city = city_of(app)
    submit(app.consortium, city.request("there"), by=PHYSICIAN)
    facts = city.facts[Source.REGISTRY]
    supply(app.consortium, "here", facts, by=PLATFORM, source=Source.REGISTRY)
"""


def test_two_processes_see_what_the_other_wrote(any_city: City) -> None:
    c = any_city.consortium
    submitted, *_, decided = asks(any_city, "here")
    submitted()
    before: Any = decided()
    assert not any(d.outcome.is_permit for d in before.values())
    subprocess.run(
        [sys.executable, "-c", ELSEWHERE, any_city.app.directory], check=True, cwd=ROOT,
        timeout=HANGING,
    )  # fmt: skip
    with pytest.raises(InvalidInput, match="exists already"):
        submit(c, any_city.request("there"), by=PHYSICIAN)
    after: Any = decided()
    assert all(d.outcome.is_permit for d in after.values()), "it saw what was stated elsewhere"
    goes_on(any_city)


@pytest.mark.parametrize("seed", [1, 2], ids=["same keys", "other keys"])
def test_the_log_of_another_consortium_in_the_folder_is_refused(
    city: City, tmp_path: Path, seed: int
) -> None:
    """`heyi.db` of one run beside `run.json` and `trust.json` of another."""
    city.ask("a")
    city.app.cosign()
    city.app.close()
    stranger = open_city(tmp_path / "stranger", seed=seed)
    stranger.ask("b")
    stranger.app.cosign()
    stranger.app.close()
    here, there = city.app.directory / "heyi.db", tmp_path / "stranger" / "heyi.db"
    shutil.copy(there, here)
    before = here.read_bytes()
    with pytest.raises(VerificationError) as refused, writing(city.app.directory) as app:
        city_of(app).ask("c")
    assert refused.value.hint
    assert here.read_bytes() == before
    assert verified(city).holds == (seed == 1)
