"""The other duties of the database: budgets, artefacts, and files that are not a database."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heyi.audit.log import Entry
from heyi.model.errors import StoreError
from heyi.store.database import Database
from tests.support.command import HANGING


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database.at(tmp_path / "heyi.db")
    yield database
    database.close()


def test_uses_are_charged_in_turn(database: Database) -> None:
    assert database.used("p-1") == 0
    assert not database.charge("p-1", number=0, limit=4)
    assert database.charge("p-1", number=1, limit=4)
    assert not database.charge("p-1", number=1, limit=4)  # replayed
    assert database.charge("p-1", number=3, limit=4)  # an answer got lost
    assert not database.charge("p-1", number=2, limit=4)  # a skipped number is used up
    assert database.charge("p-1", number=4, limit=4)
    assert not database.charge("p-1", number=5, limit=4)  # beyond the limit
    assert database.used("p-1") == 4


def test_a_limit_of_nothing_permits_nothing(database: Database) -> None:
    assert not database.charge("p-1", number=1, limit=0)
    assert database.used("p-1") == 0


def test_permits_are_charged_apart(database: Database) -> None:
    assert database.charge("p-1", number=1, limit=1)
    assert database.charge("p-2", number=1, limit=1)
    assert (database.used("p-1"), database.used("p-2"), database.used("p-3")) == (1, 1, 0)


@given(st.lists(st.integers(-1, 6), max_size=20), st.integers(0, 5))
def test_no_sequence_of_calls_gets_more_than_the_limit(numbers: list[int], limit: int) -> None:
    with closing(Database("sqlite://")) as database:
        granted = [n for n in numbers if database.charge("p", number=n, limit=limit)]
        assert granted == sorted(set(granted))
        assert len(granted) <= limit
        assert database.used("p") == max(granted, default=0)


def test_charges_outlive_the_process(tmp_path: Path) -> None:
    for number in (1, 2, 3):
        with closing(Database.at(tmp_path / "node.db")) as database:
            assert not database.charge("p-1", number=number - 1, limit=3)
            assert database.charge("p-1", number=number, limit=3)


def test_two_processes_of_a_node_cannot_both_have_one_use(tmp_path: Path) -> None:
    rounds, path = 60, tmp_path / "node.db"
    Database.at(path).close()
    together = threading.Barrier(2, timeout=HANGING)
    granted: list[list[int]] = [[], []]

    def call(who: int) -> None:
        with closing(Database.at(path)) as own:
            for number in range(1, rounds + 1):
                together.wait()
                try:
                    if own.charge("p-1", number=number, limit=rounds):
                        granted[who].append(number)
                except StoreError:  # refused, because the other one is writing
                    pass

    threads = [threading.Thread(target=call, args=(who,)) for who in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(granted[0]) + len(granted[1]) >= rounds // 2  # not everything was refused
    assert not set(granted[0]) & set(granted[1])


def test_an_artefact_is_kept_once_under_its_digest(database: Database) -> None:
    assert database.artefact("sha256:1") is None
    database.put_artefact("sha256:1", b"content\x00\xff")
    database.put_artefact("sha256:1", b"content\x00\xff")
    assert database.artefact("sha256:1") == b"content\x00\xff"
    database.put_artefact("sha256:1", b"other")
    assert database.artefact("sha256:1") == b"content\x00\xff"


def entry(index: int) -> Entry:
    return Entry(index=index, leaf=b"leaf", leaf_hash=b"hash", body=b"body", key=b"key")


def test_an_index_is_kept_once_and_a_batch_whole(database: Database) -> None:
    database.append([entry(0), entry(1)], size=2, note=b"first")
    with pytest.raises(StoreError, match="could not be written"):
        database.append([entry(2), entry(1)], size=3, note=b"second", erase=[0])
    assert list(database.entries()) == [entry(0), entry(1)]
    assert database.checkpoints() == [(2, b"first")]


def test_a_cosigned_checkpoint_takes_the_place_of_the_promise(database: Database) -> None:
    database.append([entry(0)], size=1, note=b"promise")
    database.append([entry(1)], size=2, note=b"promise")
    database.cosigned(1, b"cosigned")
    assert database.checkpoints() == [(1, b"cosigned"), (2, b"promise")]


@pytest.mark.parametrize(
    "content", [b"no database", b"no database " * 1_000, b"SQLite format 3\0" + b"x" * 5_000]
)
def test_a_file_that_is_no_database_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "heyi.db").write_bytes(content)
    with pytest.raises(StoreError, match="could not be opened"):
        Database.at(tmp_path / "heyi.db")
    assert (tmp_path / "heyi.db").read_bytes() == content


def test_a_place_where_nothing_can_be_is_refused(tmp_path: Path) -> None:
    for place in (tmp_path, tmp_path / "absent" / "heyi.db"):
        with pytest.raises(StoreError, match="could not be opened"):
            Database.at(place)


def test_a_database_of_something_else_is_refused(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "heyi.db")) as other:
        other.execute("CREATE TABLE entries (name TEXT)")
    with (
        closing(Database.at(tmp_path / "heyi.db")) as database,
        pytest.raises(StoreError, match="could not be read"),
    ):
        list(database.entries())


@pytest.mark.parametrize(
    "folder", ["合医 run", "run?mode=memory", "run#1", "100%", "run%41", "a&b=c"]
)
def test_any_name_of_a_folder_will_do(tmp_path: Path, folder: str) -> None:
    path = tmp_path / folder / "heyi.db"
    path.parent.mkdir()
    with closing(Database.at(path)) as database:
        database.put_artefact("sha256:1", b"here")
    assert path.is_file()
