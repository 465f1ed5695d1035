"""Canonical bytes, digests, commitments, signed notes and keys."""
