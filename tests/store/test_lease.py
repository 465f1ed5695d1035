"""The lease: while one program holds it, no other writes; who lost it can no longer write."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from multiprocessing.connection import Connection

import pytest

from heyi.audit.log_store import Entry
from heyi.model.errors import Conflict, InvalidInput
from heyi.store.database import Database
from tests.support.command import HANGING

CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(["pytest", "heyi.store.database"])


def add(database: Database) -> None:
    with database.writing() as transaction:
        transaction.append([Entry(index=transaction.size, leaf=b"", leaf_hash=b"")], [])


@pytest.fixture
def other(address: str, database: Database) -> Iterator[Database]:
    """The same database as another program opens it."""
    assert database.size() == 0
    other = Database(address)
    yield other
    other.close()


def let_it_end(database: Database) -> None:
    """Wait until the lease of one second has run out."""
    until = time.time() + HANGING
    while time.time() < until:
        try:
            return add(database)
        except Conflict:
            time.sleep(0.1)
    raise AssertionError("the lease never ended")


def test_only_the_holder_writes_until_the_lease_is_given_up(
    database: Database, other: Database
) -> None:
    database.take_lease("heyi serve", 600)
    add(database)
    attempts: list[Callable[[], None]] = [
        lambda: add(other),
        lambda: other.cosigned(1, b"note"),
        lambda: other.put_artefact("sha256:1", b""),
        lambda: other.take_lease("desk", 5),
        lambda: other.take_lease("heyi serve", 5),
    ]
    for refused in attempts:
        with pytest.raises(Conflict, match=r"`heyi serve` writes this log.*until 20\d\d-"):
            refused()
    database.renew_lease()
    assert (other.size(), other.artefact("sha256:1")) == (1, None)
    other.scrub()  # this writes nothing into the log
    database.give_up_lease()
    add(other)
    add(database)
    assert database.size() == 3


def test_a_lease_runs_out_and_others_write_again(database: Database, other: Database) -> None:
    database.take_lease("heyi serve", 1)
    let_it_end(other)
    add(database)  # nobody took the lease, so nothing was lost
    database.renew_lease()
    with pytest.raises(Conflict, match="writes this log"):
        add(other)


def test_who_lost_the_lease_writes_nothing_more(database: Database, other: Database) -> None:
    database.take_lease("old", 1)
    let_it_end(other)
    other.take_lease("new", 600)
    size = other.size()
    attempts: list[Callable[[], None]] = [lambda: add(database), database.renew_lease]
    for attempt in attempts:
        with pytest.raises(Conflict, match="the lease was lost to `new`"):
            attempt()
    with pytest.raises(Conflict, match="`new` writes this log"):
        database.take_lease("old", 5)
    other.give_up_lease()
    with pytest.raises(Conflict, match="the lease was lost"):
        add(database)  # it must catch up first, so it must say that it knows
    assert database.size() == size
    database.take_lease("old", 5)
    add(database)
    with pytest.raises(Conflict, match="`old` writes this log"):
        add(other)


def test_giving_up_a_lost_lease_leaves_that_of_the_other(
    database: Database, other: Database
) -> None:
    database.take_lease("old", 1)
    let_it_end(other)
    other.take_lease("new", 600)
    database.give_up_lease()
    with pytest.raises(Conflict, match="`new` writes this log"):
        add(database)
    add(other)


def test_a_lease_needs_a_holder_and_a_duration(database: Database) -> None:
    for holder, seconds in (("", 5), ("desk", 0), ("desk", -1)):
        with pytest.raises(InvalidInput):
            database.take_lease(holder, seconds)
    with pytest.raises(Conflict, match="no lease"):
        database.renew_lease()
    database.take_lease("desk", 10**18)  # the last year that has a date
    database.give_up_lease()
    add(database)


def hold(address: str, tell: Connection) -> None:
    database = Database(address)
    database.take_lease("another process", 1)
    tell.send("held")
    assert tell.poll(HANGING)
    tell.recv()
    try:
        add(database)
        tell.send("written")
    except Conflict as e:
        tell.send(str(e))
    database.close()


def test_another_process_is_fenced_off(database: Database, address: str) -> None:
    here, there = CONTEXT.Pipe()
    process = CONTEXT.Process(target=hold, args=(address, there))
    process.start()
    there.close()
    assert here.poll(HANGING) and here.recv() == "held"
    let_it_end(database)
    database.take_lease("this process", 600)
    here.send("write")
    assert here.poll(HANGING) and "the lease was lost to `this process`" in here.recv()
    process.join(HANGING)
    assert (process.exitcode, database.size()) == (0, 1)


def test_the_lease_of_a_killed_process_ends(database: Database, address: str) -> None:
    here, there = CONTEXT.Pipe()
    process = CONTEXT.Process(target=hold, args=(address, there))
    process.start()
    there.close()
    assert here.poll(HANGING) and here.recv() == "held"
    process.kill()
    process.join(HANGING)
    let_it_end(database)
    with closing(Database(address)) as reopened:
        add(reopened)
