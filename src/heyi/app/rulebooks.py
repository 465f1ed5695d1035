"""Which rulebook decides: the shipped one, or a consortium's own folder."""

from __future__ import annotations

from pathlib import Path

from heyi.policy.cases import load_rulebook
from heyi.policy.decide import DecisionPoint
from heyi.sources.rulebook import read_build, read_rulebook


def shipped_point(folder: Path | None = None) -> DecisionPoint:
    """The decision point of the rulebook that is shipped, or of a consortium's own folder."""
    return load_rulebook(read_rulebook(folder), read_build(folder))
