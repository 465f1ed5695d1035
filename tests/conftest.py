"""What several rooms' tests share: a small county with its story told, and copies of its folder to spoil."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from heyi.app.centre import App, found
from heyi.county.story import Told, tell_story
from heyi.store.folder import Run, write_run

ROOT = Path(__file__).resolve().parents[1]
SMALL = 5_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    directory: Path
    app: App
    told: Told


@pytest.fixture(scope="session")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    """The whole story on a county of 5,000 persons. Read it, do not write into it."""
    directory = tmp_path_factory.mktemp("county") / "run"
    app = found(directory, seed=7, what="demo")
    told = tell_story(app, directory, seed=7, persons=SMALL, tell=lambda _: None)
    write_run(directory, Run(what="demo", seed=7, finished=True))
    yield Story(directory=directory, app=app, told=told)
    app.close()


@pytest.fixture
def run_copy(story: Story, tmp_path: Path) -> Path:
    """A copy of the story's folder that a test may spoil."""
    copy = tmp_path / "run"
    shutil.copytree(story.directory, copy)
    return copy


@pytest.fixture(scope="session")
def stated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study of four hospitals that has come to its statements: 100,000 yuan, nobody paid. Read it only."""
    from tests.examples.test_heart import invented, run

    folder = tmp_path_factory.mktemp("heart")
    done = run(
        invented(
            folder / "data", {"cleveland": 200, "hungarian": 180, "switzerland": 90, "va": 150}
        ),
        folder / "run",
    )
    assert done.returncode == 0, done.stderr
    return folder / "run"


@pytest.fixture
def stated_copy(stated: Path, tmp_path: Path) -> Path:
    """A copy of that run that a test may write into."""
    copy = tmp_path / "stated"
    shutil.copytree(stated, copy)
    return copy


def beside(*parts: str) -> Path:
    """Data that a development machine has beside the repository and a user's clone has not."""
    path = ROOT.parent.joinpath("shared", "data", *parts)
    if not path.exists():
        pytest.skip(f"the data set {parts[0]} does not lie beside the repository")
    return path


def needs(program: str, present: bool) -> None:
    """Skip where an optional program is absent, except in continuous integration, where that is a failure."""
    if not present:
        if os.environ.get("HEYI_REQUIRE_ALL") == "1":
            pytest.fail(f"{program} is required here and is not installed")
        pytest.skip(f"{program} is not installed")
