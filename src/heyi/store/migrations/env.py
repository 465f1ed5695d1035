"""Alembic executes this file; the connection and its transaction belong to `store.opening`."""

from __future__ import annotations

from alembic import context

from heyi.store.tables import METADATA

# INVARIANT: nothing commits here. The caller holds the write lock and commits all steps at once.
context.configure(connection=context.config.attributes["connection"], target_metadata=METADATA)
context.run_migrations()
