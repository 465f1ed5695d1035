"""Keeping: SQLite by default; entries, erasable bodies, checkpoints, artefacts and nodes' counters."""
