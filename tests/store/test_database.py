"""What a database keeps and gives back, on both kinds of store; a transaction is kept whole."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from heyi.audit.log_store import Entry, LogStore, Subtree
from heyi.model.errors import InvalidInput, StoreError
from heyi.store.database import Database
from heyi.store.reading import PORTION

MANY = 2 * PORTION + 1  # the last portion holds one row


def entry(index: int, body: bytes | None = b"body\x00\xff") -> Entry:
    key = None if body is None else b"key of %d" % index
    return Entry(index=index, leaf=b"leaf %d" % index, leaf_hash=b"hash", body=body, key=key)


def add(database: Database, number: int, note: bytes = b"note") -> None:
    with database.writing() as transaction:
        first = transaction.size
        transaction.append([entry(first + n) for n in range(number)], [], note=note)


def test_the_database_is_a_log_store(database: Database) -> None:
    store: LogStore = database  # mypy compares the signatures
    assert (store.size(), store.newest_checkpoint(), store.scrub_due()) == (0, None, False)


def test_what_was_kept_is_there_in_the_next_process(address: str) -> None:
    entries = [entry(0), entry(1, body=None), entry(2)]
    with closing(Database(address)) as database, database.writing() as transaction:
        transaction.append(entries[:2], [Subtree(8, 0, b"root"), Subtree(8, 1, b"other")])
        assert transaction.size == 2
        transaction.append(entries[2:], [Subtree(16, 0, b"\x00")], note=b"note \xff")
        transaction.index([("case/1", 2), ("case/1", 0), ("case/2", 1), ("case/1", 2)])
        transaction.summarise([("case", "1", b"open"), ("case", "1", b"closed")])
    with closing(Database(address)) as database:
        assert database.size() == 3
        assert list(database.entries()) == entries
        assert database.newest_checkpoint() == (3, b"note \xff")
        assert database.subtrees(8, 0, 5) == [b"root", b"other"]
        assert database.subtrees(16, 0, 1) == [b"\x00"]
        assert database.subtrees(0, 1, 3) == [b"hash", b"hash"]
        assert list(database.stream("case/1")) == [entries[0], entries[2]]
        assert database.summary("case", "1") == b"closed"


def test_an_exception_undoes_all_of_a_transaction(database: Database) -> None:
    add(database, 2)
    with pytest.raises(ZeroDivisionError), database.writing() as transaction:
        transaction.append([entry(2)], [Subtree(8, 0, b"root")], note=b"second")
        transaction.index([("case/1", 2)])
        transaction.summarise([("case", "1", b"open")])
        transaction.erase([0])
        database.put_artefact("sha256:1", b"content")
        assert database.size() == len(list(database.entries())) == 3
        _ = 1 // 0
    assert (database.size(), list(database.entries())) == (2, [entry(0), entry(1)])
    assert list(database.checkpoints()) == [(2, b"note")]
    assert (database.subtrees(8, 0, 1), list(database.stream("case/1"))) == ([], [])
    assert database.summary("case", "1") is database.artefact("sha256:1") is None
    assert not database.scrub_due()
    add(database, 1)
    assert database.size() == 3


def test_an_error_that_the_caller_hides_keeps_nothing(database: Database) -> None:
    """PostgreSQL would answer the commit with success, SQLite would commit the other rows."""
    add(database, 1)
    with pytest.raises(StoreError, match="could not be written"), database.writing() as transaction:
        transaction.append([entry(1)], [])
        with pytest.raises(StoreError):
            transaction.append([], [], note=None)
            transaction.append([Entry(index=2, leaf=b"", leaf_hash=b"", body=b"no key")], [])
    assert (database.size(), list(database.entries())) == (1, [entry(0)])


@pytest.mark.parametrize("index", [0, 2, -1])
def test_an_entry_in_the_place_of_another_is_refused(database: Database, index: int) -> None:
    add(database, 1)
    with pytest.raises(StoreError, match="place of entry 1"), database.writing() as transaction:
        transaction.append([entry(index)], [])
    assert list(database.entries()) == [entry(0)]


def test_two_checkpoints_of_one_size_are_refused(database: Database) -> None:
    add(database, 1, note=b"first")
    with pytest.raises(StoreError, match="could not be written"), database.writing() as transaction:
        transaction.append([], [], note=b"second")
    assert list(database.checkpoints()) == [(1, b"first")]


def test_many_rows_are_read_in_order_and_in_portions(database: Database) -> None:
    add(database, MANY)
    with database.writing() as transaction:
        transaction.erase(range(0, MANY, 2))
        transaction.index([("even", n) for n in reversed(range(0, MANY, 2))])
        transaction.index([("all", n) for n in range(MANY)])
        transaction.summarise([("case", f"{n:05}", b"%d" % n) for n in reversed(range(MANY))])
    found = list(database.entries())
    assert [e.index for e in found] == list(range(MANY))
    assert [e.body is None and e.key is None for e in found] == [n % 2 == 0 for n in range(MANY)]
    assert [e.index for e in database.stream("all")] == list(range(MANY))
    assert [e.index for e in database.stream("even")] == list(range(0, MANY, 2))
    assert list(database.summaries("case")) == [(f"{n:05}", b"%d" % n) for n in range(MANY)]
    assert [e.index for e in database.entries(PORTION - 1, PORTION + 2)] == [999, 1_000, 1_001]
    assert [e.index for e in database.entries(MANY - 1)] == [MANY - 1]
    assert list(database.entries(5, 5)) == list(database.entries(MANY)) == []


def test_names_are_kept_exactly_and_in_the_order_of_bytes(database: Database) -> None:
    names = ["", '"', "'", ",{}", "A", "B", "NULL", "\\", "a", "b\n", "null", "é", "合医", "🩺"]
    with database.writing() as transaction:
        transaction.append([entry(0)], [])
        transaction.summarise([("case", name, name.encode()) for name in reversed(names)])
        transaction.index([(name, 0) for name in names])
    assert list(database.summaries("case")) == [(name, name.encode()) for name in names]
    assert list(database.summaries("party")) == []
    assert all(list(database.stream(name)) == [entry(0)] for name in names)


def test_projections_are_built_anew_in_one_transaction(database: Database) -> None:
    add(database, 2)
    with database.writing() as transaction:
        transaction.index([("old", 0)])
        transaction.summarise([("case", "old", b"")])
    with database.writing() as transaction:
        transaction.forget_projections()
        transaction.index([("new", 1)])
    assert (list(database.stream("old")), list(database.summaries("case"))) == ([], [])
    assert list(database.stream("new")) == [entry(1)]


def test_a_cosigned_checkpoint_takes_the_place_of_the_promise(database: Database) -> None:
    for _ in range(3):
        add(database, 1, note=b"promise")
    database.cosigned(2, b"cosigned")
    assert list(database.checkpoints()) == [(1, b"promise"), (2, b"cosigned"), (3, b"promise")]
    assert list(database.checkpoints(3)) == [(3, b"promise")]
    assert database.newest_checkpoint() == (3, b"promise")


def test_an_artefact_is_kept_once_under_its_digest(database: Database) -> None:
    assert database.artefact("sha256:1") is None
    for content in (b"content\x00\xff", b"content\x00\xff", b"other"):
        database.put_artefact("sha256:1", content)
        assert database.artefact("sha256:1") == b"content\x00\xff"
    with database.writing():
        database.put_artefact("sha256:2", b"within")
    assert database.artefact("sha256:2") == b"within"


def test_one_scrub_serves_many_erasures_also_beside_a_reader_who_pauses(
    database: Database,
) -> None:
    add(database, MANY)
    for index in (1, 2):
        with database.writing() as transaction:
            transaction.erase([index])
    assert database.scrub_due()
    reader = database.entries()
    next(reader)
    database.scrub()
    assert not database.scrub_due()
    assert sum(1 for _ in reader) == MANY - 1
    assert [e.index for e in database.entries() if e.body is None] == [1, 2]


@pytest.mark.parametrize("what", ["writing", "scrub", "take_lease"])
def test_a_thread_does_not_wait_for_its_own_lock(database: Database, what: str) -> None:
    with database.writing(), pytest.raises(StoreError, match="writes already"):
        if what == "writing":
            add(database, 1)
        elif what == "scrub":
            database.scrub()
        else:
            database.take_lease("desk", 5)
    add(database, 1)


@pytest.mark.parametrize(
    "folder", ["合医 run", "run?mode=memory", "run#1", "100%", "run%41", "a&b=c"]
)
def test_any_name_of_a_folder_will_do(tmp_path: Path, folder: str) -> None:
    path = tmp_path / folder / "heyi.db"
    path.parent.mkdir()
    with closing(Database.at(path)) as database:
        database.put_artefact("sha256:1", b"here")
        # with a write-ahead log beside the file, and then without
        with closing(Database.at(path, read_only=True)) as reader:
            assert reader.artefact("sha256:1") == b"here"
    assert [p.name for p in path.parent.iterdir()] == ["heyi.db"]
    with closing(Database.at(path, read_only=True)) as reader:
        assert reader.artefact("sha256:1") == b"here"


@pytest.mark.parametrize(
    "url",
    ["", "heyi.db", "mysql://root@localhost/log", "postgresql+psycopg2://a@b/c", "sqlite+x://"],
)
def test_an_address_of_nothing_is_refused(url: str) -> None:
    with pytest.raises(InvalidInput):
        Database(url)


@pytest.mark.parametrize("cell", ["text", 7, 1.5])
def test_cells_of_another_kind_are_read_as_their_text(tmp_path: Path, cell: object) -> None:
    """SQLite keeps in a column what anybody writes there; a verifier compares hashes of it."""
    with closing(Database.at(tmp_path / "heyi.db")) as database:
        add(database, 1)
    with closing(sqlite3.connect(tmp_path / "heyi.db")) as other:
        other.execute("UPDATE entries SET leaf = ?", (cell,))
        other.execute("UPDATE checkpoints SET note = ?", (cell,))
        other.commit()
    with closing(Database.at(tmp_path / "heyi.db", read_only=True)) as database:
        assert [e.leaf for e in database.entries()] == [str(cell).encode()]
        assert database.newest_checkpoint() == (1, str(cell).encode())


def test_an_index_that_is_no_whole_number_is_told(tmp_path: Path) -> None:
    with closing(Database.at(tmp_path / "heyi.db")) as database:
        add(database, 1)
    with closing(sqlite3.connect(tmp_path / "heyi.db")) as other:
        other.execute("DROP TABLE entries")
        other.execute("CREATE TABLE entries (idx, leaf, leaf_hash)")
        other.execute("INSERT INTO entries VALUES (1.5, x'', x'')")
        other.commit()
    with (
        closing(Database.at(tmp_path / "heyi.db", read_only=True)) as database,
        pytest.raises(StoreError, match="damaged"),
    ):
        list(database.entries())
