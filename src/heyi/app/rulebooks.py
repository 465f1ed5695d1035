"""Which rulebook decides: the shipped one, a consortium's own folder, or the one of a run."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from heyi.policy.decide import DecisionPoint
from heyi.sources.rulebook import read_build, read_rulebook
from heyi.sources.rulebook_shelf import RulebookShelf, cache_folder


@cache
def shelf() -> RulebookShelf:
    """The shelf of this process, over the reader's own cache."""
    return RulebookShelf(cache_folder())


def shipped_point(folder: Path | None = None) -> DecisionPoint:
    """The decision point of the shipped rulebook, or of a consortium's own folder.

    Raises:
        InvalidInput: the folder cannot be read.
        RuleError: the rulebook in it does not compile, or one of its cases fails.
        VerificationError: the build beside it is damaged.
    """
    return shelf().point(read_rulebook(folder), read_build(folder) if folder else {})
