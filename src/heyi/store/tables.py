"""The tables of a log's database, and the versions of its format.

entries       the leaves, dense from index 0, with their hashes
bodies        erasable bodies with the keys of their commitments
checkpoints   signed notes by the size of the log
subtrees      roots of perfect subtrees, so that proofs read few hashes
streams       which entries belong to which case, party or asset; a projection
summaries     what lists and searches read; a projection
artefacts     public content by its digest
head          one row: the size, the lease, and whether a scrub is due; it is the write lock

Streams and summaries can be built anew from the entries. A change of a table needs a new version
in VERSIONS and a file in `migrations/versions`.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
)

VERSIONS = ("heyi_0001",)
"""All versions of the format, oldest first; the prefix tells our databases from those of others."""

# In SQLite, a key of this very type is the number of the row and needs no index of its own.
_NUMBER = BigInteger().with_variant(Integer, "sqlite")
# The order of names is the order of their bytes in both databases, whatever the server's language.
_NAME = String().with_variant(String(collation="C"), "postgresql")

METADATA = MetaData()
ENTRIES = Table(
    "entries",
    METADATA,
    Column("idx", _NUMBER, primary_key=True, autoincrement=False),
    Column("leaf", LargeBinary, nullable=False),
    Column("leaf_hash", LargeBinary, nullable=False),
)
BODIES = Table(
    "bodies",
    METADATA,
    Column("idx", _NUMBER, primary_key=True, autoincrement=False),
    Column("body", LargeBinary, nullable=False),
    Column("key", LargeBinary, nullable=False),
)
CHECKPOINTS = Table(
    "checkpoints",
    METADATA,
    Column("size", _NUMBER, primary_key=True, autoincrement=False),
    Column("note", LargeBinary, nullable=False),
)
SUBTREES = Table(
    "subtrees",
    METADATA,
    Column("level", _NUMBER, primary_key=True, autoincrement=False),
    Column("idx", _NUMBER, primary_key=True, autoincrement=False),
    Column("root", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)
STREAMS = Table(
    "streams",
    METADATA,
    Column("stream", _NAME, primary_key=True),
    Column("idx", _NUMBER, primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,
)
SUMMARIES = Table(
    "summaries",
    METADATA,
    Column("kind", _NAME, primary_key=True),
    Column("name", _NAME, primary_key=True),
    Column("summary", LargeBinary, nullable=False),
)
ARTEFACTS = Table(
    "artefacts",
    METADATA,
    Column("digest", _NAME, primary_key=True),
    Column("content", LargeBinary, nullable=False),
)
HEAD = Table(
    "head",
    METADATA,
    Column("id", Integer, CheckConstraint("id = 1"), primary_key=True, autoincrement=False),
    Column("size", _NUMBER, nullable=False),
    Column("fence", _NUMBER, nullable=False),
    Column("holder", String, nullable=False),
    Column("held_until", _NUMBER, nullable=False),  # Unix time in seconds, exclusive
    # Erasures, and those of them whose bytes were overwritten. They are counted because an erasure
    # during a scrub must not be taken for one that the scrub covered.
    Column("erasures", _NUMBER, nullable=False),
    Column("scrubbed", _NUMBER, nullable=False),
)
NEW_HEAD = {
    "id": 1, "size": 0, "fence": 0, "holder": "", "held_until": 0, "erasures": 0, "scrubbed": 0
}  # fmt: skip

# Alembic makes this table by itself, so it is not among the tables that it compares.
VERSION = Table(
    "alembic_version",
    MetaData(),
    Column("version_num", String(32), nullable=False),
    PrimaryKeyConstraint("version_num", name="alembic_version_pkc"),
)
