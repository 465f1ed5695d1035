"""Fixtures that several rooms share: a county with its story told, a heart study, copies to spoil.

Hypothesis gives no verdict by the clock: examples have no deadline, and slow draws are no fault.
"""

from __future__ import annotations

import os

# Several workers share the cores: threads of a linear algebra that wait for one another burn them.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from heyi.app.centre import found
from heyi.county.story import tell_story
from heyi.store.folder import finish_run
from tests.support.heart import SIZES, invented, run
from tests.support.story import PERSONS, SEED, Story

# `settings()` is the profile that was loaded before, which keeps what Hypothesis sets in CI.
settings.register_profile(
    "no clock", settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("no clock")


@pytest.fixture(scope="session", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A cache of parsed rulebooks for this run only, so that no test depends on an earlier run.

    The workers of a parallel run share it.
    """
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HEYI_CACHE", str(shared / "cache"))
        yield


@pytest.fixture(scope="session", autouse=True)
def witness_memory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """What the witnesses of this run of the tests remember, outside the home of whoever runs it."""
    folder = tmp_path_factory.mktemp("witness")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HEYI_WITNESS", str(folder))
        yield folder


@pytest.fixture
def own_witness(
    witness_memory: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """A copy of that memory for one test, whose commands find it.

    A copy of a run is the same run to its witness. If two tests wrote into two copies, the witness
    would rightly refuse the second.
    """
    folder = tmp_path_factory.mktemp("own") / "witness"
    shutil.copytree(witness_memory, folder)
    monkeypatch.setenv("HEYI_WITNESS", str(folder))
    return folder


@pytest.fixture(scope="session")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    """The whole story on a county of 5,000 persons. Read it, do not write into it."""
    directory = tmp_path_factory.mktemp("county") / "run"
    app = found(directory, seed=SEED, what="demo")
    told = tell_story(app, directory, seed=SEED, persons=PERSONS, tell=lambda _: None)
    app.cosign()
    finish_run(directory)
    yield Story(directory=directory, app=app, told=told)
    app.close()


@pytest.fixture
def run_copy(story: Story, own_witness: Path, tmp_path: Path) -> Path:
    """A copy of the story's folder that a test may spoil; its witness is a copy too."""
    copy = tmp_path / "run"
    shutil.copytree(story.directory, copy)
    return copy


@pytest.fixture(scope="session")
def stated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run folder of the heart study with statements of 100,000 yuan, nothing paid yet.

    Read it, do not write into it.
    """
    folder = tmp_path_factory.mktemp("heart")
    done = run(invented(folder / "data", SIZES), folder / "run")
    assert done.returncode == 0, done.stderr
    return folder / "run"


@pytest.fixture
def stated_copy(stated: Path, own_witness: Path, tmp_path: Path) -> Path:
    """A copy of that run that a test may write into; its witness is a copy too."""
    copy = tmp_path / "stated"
    shutil.copytree(stated, copy)
    return copy
