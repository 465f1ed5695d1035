"""The first version: entries, bodies, checkpoints, subtrees, projections, artefacts, head.

It repeats `store.tables` on purpose: that file changes with later versions, this one never.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "heyi_0001"
down_revision = None

_NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_NAME = sa.String().with_variant(sa.String(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "entries",
        sa.Column("idx", _NUMBER, primary_key=True, autoincrement=False),
        sa.Column("leaf", sa.LargeBinary, nullable=False),
        sa.Column("leaf_hash", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "bodies",
        sa.Column("idx", _NUMBER, primary_key=True, autoincrement=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("key", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "checkpoints",
        sa.Column("size", _NUMBER, primary_key=True, autoincrement=False),
        sa.Column("note", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "subtrees",
        sa.Column("level", _NUMBER, primary_key=True, autoincrement=False),
        sa.Column("idx", _NUMBER, primary_key=True, autoincrement=False),
        sa.Column("root", sa.LargeBinary, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "streams",
        sa.Column("stream", _NAME, primary_key=True),
        sa.Column("idx", _NUMBER, primary_key=True, autoincrement=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "summaries",
        sa.Column("kind", _NAME, primary_key=True),
        sa.Column("name", _NAME, primary_key=True),
        sa.Column("summary", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "artefacts",
        sa.Column("digest", _NAME, primary_key=True),
        sa.Column("content", sa.LargeBinary, nullable=False),
    )
    head = op.create_table(
        "head",
        sa.Column(
            "id", sa.Integer, sa.CheckConstraint("id = 1"), primary_key=True, autoincrement=False
        ),
        sa.Column("size", _NUMBER, nullable=False),
        sa.Column("fence", _NUMBER, nullable=False),
        sa.Column("holder", sa.String, nullable=False),
        sa.Column("held_until", _NUMBER, nullable=False),
        sa.Column("erasures", _NUMBER, nullable=False),
        sa.Column("scrubbed", _NUMBER, nullable=False),
    )
    first = {"id": 1, "size": 0, "fence": 0, "holder": "", "held_until": 0}
    op.bulk_insert(head, [{**first, "erasures": 0, "scrubbed": 0}])
