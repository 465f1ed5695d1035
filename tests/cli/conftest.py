"""The `heyi` command as a fixture, in this process and in one of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.command import Heyi, heyi_here, heyi_in


@pytest.fixture
def heyi(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Heyi:
    """`heyi` in an empty folder."""
    return heyi_here(tmp_path, monkeypatch, capsys)


@pytest.fixture
def heyi_process(tmp_path: Path) -> Heyi:
    """`heyi` in an empty folder and in a process of its own: for streams, encodings, signals."""
    return heyi_in(tmp_path)
