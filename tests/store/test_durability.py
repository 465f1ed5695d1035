"""An acknowledged event survives a kill of the process at any moment; no batch is kept in part."""

from __future__ import annotations

import multiprocessing
import random
import time
from collections import Counter
from contextlib import closing
from multiprocessing.connection import Connection

from heyi.audit.event import from_leaf
from heyi.crypto.canonical import canonical
from heyi.store.database import Database
from tests.support.command import HANGING
from tests.support.logs import Outcome, check_log, erased, happened, open_log

KILLS = 16
CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(["pytest", "heyi.store.database", "tests.support.logs"])


def check_at(address: str) -> Outcome:
    with closing(Database(address)) as database:
        return check_log(database)


def write_until_killed(address: str, seed: int, acknowledge: Connection) -> None:
    """Append batches of 1 to 4 events, some with an erasure; acknowledge each kept batch."""
    rng = random.Random(seed)
    log = open_log(Database(address))
    with_body = [e.index for e in log.store.entries() if e.body is not None]
    while True:
        size = rng.randint(1, 4)
        drafts = [happened(batch=log.size, of=size, body={"n": log.size + n}) for n in range(size)]
        gone = (
            [with_body.pop(rng.randrange(len(with_body)))]
            if len(with_body) > 3 and rng.random() < 0.2
            else []
        )
        indices = log.append([*drafts, *(erased(entry) for entry in gone)], erase=gone)
        with_body += indices[:size]
        acknowledge.send((indices, gone))


def read_all(connection: Connection) -> list[tuple[list[int], list[int]]]:
    told = []
    while True:
        try:
            told.append(connection.recv())
        except EOFError:
            return told


def test_every_acknowledged_event_outlives_a_killed_process(address: str) -> None:
    rng = random.Random(20260801)
    with closing(Database(address)) as database:
        open_log(database).append([happened("log.founded")])
    acknowledged, erasures, productive = {0}, set(), 0
    for kill in range(KILLS):
        receive, send = CONTEXT.Pipe(duplex=False)
        writer = CONTEXT.Process(target=write_until_killed, args=(address, kill, send))
        writer.start()
        send.close()
        if kill % 4:
            # Wait for the first batch. One time in four, kill perhaps while the database opens.
            receive.poll(HANGING)
        time.sleep(rng.uniform(0, 0.08))
        writer.kill()
        told = read_all(receive)
        writer.join()
        assert writer.exitcode == -9
        productive += bool(told)
        for indices, gone in told:
            acknowledged.update(indices)
            erasures.update(gone)

        report = check_at(address)
        assert report.faults == ()
        assert acknowledged <= {c.index for c in report.entries}
        assert erasures <= {c.index for c in report.entries if c.erased}
        assert all(
            c.body == {"n": c.index}
            for c in report.entries
            if c.event.kind == "request.made" and not c.erased
        )
        batches = [c.event.public for c in report.entries if c.event.kind == "request.made"]
        whole = Counter(canonical(public) for public in batches)
        assert all(whole[canonical(public)] == public["of"] for public in batches)
    # 3 of 4 kills wait for a first batch, so this holds however slow the machine is.
    assert productive >= KILLS // 2 and len(acknowledged) > productive


def test_a_log_goes_on_after_its_process_was_killed(address: str) -> None:
    receive, send = CONTEXT.Pipe(duplex=False)
    writer = CONTEXT.Process(target=write_until_killed, args=(address, 1, send))
    writer.start()
    send.close()
    assert receive.poll(HANGING)
    writer.kill()
    told = read_all(receive)
    writer.join()
    with closing(Database(address)) as database:
        log = open_log(database)
        assert log.size > told[-1][0][-1]
        (index,) = log.append([happened("log.reopened")])
        assert from_leaf(list(database.entries())[index].leaf).kind == "log.reopened"
    assert check_at(address).faults == ()
