"""Opening: an empty database is made, an older one upgraded, a newer or a foreign one refused."""

from __future__ import annotations

import multiprocessing
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from multiprocessing.connection import Connection as Pipe
from multiprocessing.synchronize import Barrier
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, inspect

from heyi.audit.log_store import Entry
from heyi.model.errors import Conflict, StoreError
from heyi.store.connections import log_engine
from heyi.store.database import Database
from heyi.store.opening import (
    HISTORY,
    MIGRATIONS,
    FormatHistory,
    make_ready,
    migrate,
    require_newest,
    version_of,
)
from heyi.store.tables import METADATA, VERSIONS
from tests.support.command import HANGING

CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(["pytest", "heyi.store.database"])

SECOND = '''
"""A migration for tests: it changes a table, adds one, and then ends as the test wants."""
import os, signal
import sqlalchemy as sa
from alembic import op

revision = "heyi_0002"
down_revision = "heyi_0001"

def upgrade():
    with op.batch_alter_table("entries") as batch:
        batch.add_column(sa.Column("more", sa.Integer))
    op.execute("DELETE FROM bodies")
    {ending}
    op.create_table("added", sa.Column("id", sa.Integer, primary_key=True))
'''


def second(folder: Path, ending: str = "") -> FormatHistory:
    """The history with a second version, whose migration ends in the middle."""
    (folder / "0002_second.py").write_text(SECOND.format(ending=ending))
    return FormatHistory(versions=(*VERSIONS, "heyi_0002"), folders=(*HISTORY.folders, folder))


@contextmanager
def engine_of(address: str) -> Iterator[Engine]:
    engine = log_engine(address, patience=0.5, read_only=False)
    try:
        yield engine
    finally:
        engine.dispose()


def upgrade(address: str, history: FormatHistory) -> None:
    with engine_of(address) as engine:
        make_ready(engine, history)


def filled(address: str) -> list[Entry]:
    """Make a database with two entries."""
    entries = [Entry(index=n, leaf=b"l", leaf_hash=b"h", body=b"b", key=b"k") for n in (0, 1)]
    with closing(Database(address)) as database, database.writing() as transaction:
        transaction.append(entries, [], note=b"note")
    return entries


def shape(connection: Connection) -> dict[str, object]:
    """Tables with columns, types, collations, keys and checks, as the database describes them."""
    if connection.dialect.name == "sqlite":
        rows = connection.exec_driver_sql("SELECT name, sql FROM sqlite_master").all()
        return {row.name: row.sql for row in rows}
    look = inspect(connection)
    return {
        name: (
            [{**c, "type": repr(c["type"])} for c in look.get_columns(name)],
            look.get_pk_constraint(name),
            look.get_check_constraints(name),
            look.get_indexes(name),
        )
        for name in look.get_table_names()
    }


def test_the_tables_made_at_once_are_those_of_all_migrations(
    address: str, database: Database
) -> None:
    with engine_of(address) as engine, engine.connect() as connection:
        made = shape(connection)
        context = MigrationContext.configure(connection)
        assert compare_metadata(context, METADATA) == []
        assert version_of(connection) == VERSIONS[-1]
        head = connection.exec_driver_sql("SELECT * FROM head").all()
        connection.rollback()
        database.close()
        for name in made:
            if "autoindex" not in name and not name.endswith("_pkc"):
                connection.exec_driver_sql(f"DROP TABLE {name}")
        connection.commit()
        assert shape(connection) == {}
        migrate(connection)
        connection.commit()
        assert shape(connection) == made
        assert connection.exec_driver_sql("SELECT * FROM head").all() == head
    filled(address)


def test_versions_are_those_of_the_migrations_in_their_order() -> None:
    scripts = ScriptDirectory(str(MIGRATIONS), version_locations=[str(p) for p in HISTORY.folders])
    assert tuple(s.revision for s in scripts.walk_revisions())[::-1] == VERSIONS


def test_opening_imports_no_alembic(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from heyi.store.database import Database\n"
        "for _ in range(2): Database.at(Path(sys.argv[1])).close()\n"
        "sys.exit('alembic' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, tmp_path / "heyi.db"], timeout=HANGING, check=False
    )
    assert done.returncode == 0


def test_an_older_database_is_upgraded_and_then_refused_by_the_old_program(
    address: str, tmp_path: Path
) -> None:
    entries = filled(address)
    with closing(Database(address)) as old:
        upgrade(address, second(tmp_path))
        with pytest.raises(StoreError, match="newer version of Heyi"):  # it was open meanwhile
            old.put_artefact("sha256:1", b"")
    with engine_of(address) as engine, engine.connect() as connection:
        assert version_of(connection) == "heyi_0002"
        assert {"added", *METADATA.tables} <= set(inspect(connection).get_table_names())
        kept = connection.exec_driver_sql("SELECT idx, leaf, leaf_hash, more FROM entries").all()
        assert [tuple(row) for row in kept] == [(e.index, b"l", b"h", None) for e in entries]
    for read_only in (False, True):
        with pytest.raises(StoreError, match="newer version of Heyi") as refused:
            Database(address, read_only=read_only)
        assert "upgrade heyi" in refused.value.hint


def test_a_migration_that_fails_leaves_the_old_version_whole(address: str, tmp_path: Path) -> None:
    entries = filled(address)
    with engine_of(address) as engine, engine.connect() as connection:
        before = shape(connection)
    with pytest.raises(ZeroDivisionError):
        upgrade(address, second(tmp_path, "1 // 0"))
    with pytest.raises(StoreError, match="could not be opened"):
        upgrade(address, second(tmp_path, "op.execute('SELECT * FROM absent')"))
    with engine_of(address) as engine, engine.connect() as connection:
        assert shape(connection) == before
    with closing(Database(address)) as database:
        assert list(database.entries()) == entries
    upgrade(address, second(tmp_path))


def test_a_migration_that_is_killed_leaves_the_old_version_whole(
    address: str, tmp_path: Path
) -> None:
    entries = filled(address)
    killed = second(tmp_path, "os.kill(os.getpid(), signal.SIGKILL)")
    process = CONTEXT.Process(target=upgrade, args=(address, killed))
    process.start()
    process.join(HANGING)
    assert process.exitcode == -9
    with closing(Database(address)) as database:
        assert list(database.entries()) == entries
        assert database.newest_checkpoint() == (2, b"note")
    upgrade(address, second(tmp_path))


def test_nothing_is_upgraded_under_the_lease_of_another(address: str, tmp_path: Path) -> None:
    with closing(Database(address)) as database:
        database.take_lease("heyi serve", 600)
        with pytest.raises(Conflict, match="`heyi serve` writes this log"):
            upgrade(address, second(tmp_path))
        database.give_up_lease()
        upgrade(address, second(tmp_path))


def test_a_reader_upgrades_nothing(address: str, tmp_path: Path) -> None:
    filled(address)
    history = second(tmp_path)
    with engine_of(address) as engine:
        with pytest.raises(StoreError, match="older version of Heyi"):
            require_newest(engine, history)
        with engine.connect() as connection:
            assert version_of(connection) == VERSIONS[-1]


def test_a_reader_makes_nothing(address: str) -> None:
    if address.startswith("sqlite"):
        Path(address.removeprefix("sqlite:///")).touch()
    with pytest.raises(StoreError, match="the database is empty"):
        Database(address, read_only=True)


def test_a_reader_of_a_server_writes_nothing(postgres_url: str) -> None:
    filled(postgres_url)
    with (
        closing(Database(postgres_url, read_only=True)) as database,
        pytest.raises(StoreError, match="read-only"),
    ):
        database.put_artefact("sha256:1", b"")


def open_together(address: str, together: Barrier) -> None:
    together.wait(HANGING)
    Database(address).close()


def test_many_processes_open_an_empty_database_at_once(address: str) -> None:
    together = CONTEXT.Barrier(4)
    processes = [CONTEXT.Process(target=open_together, args=(address, together)) for _ in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(HANGING)
    assert [p.exitcode for p in processes] == [0, 0, 0, 0]
    filled(address)


@pytest.mark.parametrize(
    ("statements", "said"),
    [
        (["CREATE TABLE theses (name TEXT)"], "not one of Heyi"),
        (["CREATE TABLE entries (name TEXT)"], "not one of Heyi"),
        (
            [f"CREATE TABLE {name} (x INTEGER)"
             for name in ("entries", "bodies", "checkpoints", "artefacts", "counters")],
            "format of an earlier Heyi",
        ),
        (["CREATE TABLE alembic_version (version_num TEXT)"], "not one of Heyi"),
        (
            ["CREATE TABLE alembic_version (version_num TEXT)",
             "INSERT INTO alembic_version VALUES ('a1b2c3')"],
            "not one of Heyi",
        ),
        (
            ["CREATE TABLE alembic_version (version_num TEXT)",
             "INSERT INTO alembic_version VALUES ('heyi_0001')"],
            "lacks the table",
        ),
        (["CREATE VIEW entries AS SELECT 1"], "not one of Heyi"),
    ],
)  # fmt: skip
def test_the_database_of_something_else_is_refused_and_not_touched(
    address: str, statements: list[str], said: str
) -> None:
    with engine_of(address) as engine, engine.connect() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)
        connection.commit()
        before = shape(connection)
    for read_only in (False, True):
        with pytest.raises(StoreError, match=said):
            Database(address, read_only=read_only)
    with engine_of(address) as engine, engine.connect() as connection:
        assert shape(connection) == before
    if address.startswith("sqlite") and said == "not one of Heyi":
        with closing(sqlite3.connect(address.removeprefix("sqlite:///"))) as plain:
            assert plain.execute("PRAGMA journal_mode").fetchone() == ("delete",)


def test_a_file_with_a_trigger_is_refused(tmp_path: Path) -> None:
    """A trigger would run the SQL of whoever made the file."""
    address = f"sqlite:///{tmp_path / 'heyi.db'}"
    filled(address)
    with closing(sqlite3.connect(tmp_path / "heyi.db")) as other:
        other.execute("CREATE TRIGGER t AFTER INSERT ON entries BEGIN DELETE FROM entries; END")
    for read_only in (False, True):
        with pytest.raises(StoreError, match="view or a trigger"):
            Database(address, read_only=read_only)


@pytest.mark.parametrize("damage", ["DELETE FROM head", "UPDATE head SET size = 'many'"])
def test_a_log_without_its_head_is_told(tmp_path: Path, damage: str) -> None:
    address = f"sqlite:///{tmp_path / 'heyi.db'}"
    filled(address)
    with closing(sqlite3.connect(tmp_path / "heyi.db")) as other:
        other.execute(damage)
        other.commit()
    with closing(Database(address)) as database:
        assert database.size() == 2
        with pytest.raises(StoreError, match="head of the log is damaged"):
            database.scrub_due()
        with pytest.raises(StoreError, match="head of the log is damaged"), database.writing():
            pass


@pytest.mark.parametrize(
    "content", [b"no database", b"no database " * 1_000, b"SQLite format 3\0" + b"x" * 5_000]
)
def test_a_file_that_is_no_database_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "heyi.db").write_bytes(content)
    with pytest.raises(StoreError, match="could not be opened"):
        Database.at(tmp_path / "heyi.db")
    assert (tmp_path / "heyi.db").read_bytes() == content


@pytest.mark.parametrize("read_only", [False, True])
def test_a_place_where_nothing_can_be_is_refused(tmp_path: Path, read_only: bool) -> None:
    for place in (tmp_path, tmp_path / "absent" / "heyi.db"):
        with pytest.raises(StoreError, match="could not be opened"):
            Database.at(place, read_only=read_only)


def as_another_user(path: Path, tell: Pipe) -> None:
    """Open a file as a user who may only read it, then write into it."""
    if os.geteuid() == 0:  # root may write everywhere
        os.setegid(65534)
        os.seteuid(65534)
    said = []
    for read_only in (True, False):
        try:
            with closing(Database.at(path, read_only=read_only)) as database:
                said.append(f"{len(list(database.entries()))} entries")
                database.put_artefact("sha256:1", b"")
        except StoreError as e:
            said.append(str(e))
    tell.send(said)


def test_a_folder_that_cannot_be_written_can_be_read(tmp_path: Path) -> None:
    folder = tmp_path / "kept"
    folder.mkdir()
    filled(f"sqlite:///{folder / 'heyi.db'}")
    opened = [p for p in (folder, *folder.parents) if not p.stat().st_mode & 0o001]
    modes = {p: p.stat().st_mode for p in opened}
    for p in opened:
        p.chmod(0o755)
    folder.chmod(0o555)
    (folder / "heyi.db").chmod(0o444)
    here, there = CONTEXT.Pipe()
    process = CONTEXT.Process(target=as_another_user, args=(folder / "heyi.db", there))
    process.start()
    there.close()
    try:
        assert here.poll(HANGING)
        said = here.recv()
    finally:
        process.join(HANGING)
        folder.chmod(0o755)
        for p, mode in modes.items():
            p.chmod(mode)
    assert said[0] == "2 entries"
    assert "could not be" in said[1] and "writ" in said[1]
    assert [p.name for p in folder.iterdir()] == ["heyi.db"]
