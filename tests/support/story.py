"""A county with its story told, as the tests of several rooms read it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from heyi.app.centre import App
from heyi.county.story import Told

SEED, PERSONS = 7, 5_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """The folder of the run, the open platform, and what was told of it."""

    directory: Path
    app: App
    told: Told
