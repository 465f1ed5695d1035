"""`heyi` run by the tests: in a process of its own as a user does, or quickly in this one."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest

from heyi.app.rulebooks import shelf
from heyi.cli import main

Heyi = Callable[..., "subprocess.CompletedProcess[str]"]
HANGING = 600
"""Seconds after which a subprocess counts as hanging; far more than a loaded machine needs."""


def heyi_in(folder: Path) -> Heyi:
    """A function that runs `heyi` in `folder`; it returns the output and the exit code."""

    def run(
        *arguments: str | Path, env: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "heyi", *map(str, arguments)],
            capture_output=True,
            text=True,
            cwd=folder,
            env={**os.environ, "COLUMNS": "120", "PYTHONIOENCODING": "utf-8", **(env or {})},
            timeout=HANGING,
            check=False,
        )

    return run


def heyi_captured(words: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """Run `heyi` in this process and the present folder, where no fixture captures its streams."""
    said, told = io.TextIOWrapper(io.BytesIO(), "utf-8"), io.TextIOWrapper(io.BytesIO(), "utf-8")
    shelf.cache_clear()
    with (
        pytest.MonkeyPatch.context() as patch,
        redirect_stdout(said),
        redirect_stderr(told),
        pytest.raises(SystemExit) as stopped,
    ):
        patch.setattr(sys, "argv", ["heyi", *words])
        main()
    texts = []
    for stream in (said, told):
        stream.seek(0)
        texts.append(stream.read())
    assert isinstance(stopped.value.code, int)
    return subprocess.CompletedProcess(list(words), stopped.value.code, *texts)


def heyi_here(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Heyi:
    """The same in this process, which need not import everything again for each command."""
    monkeypatch.chdir(folder)
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.delenv("HEYI_LANG", raising=False)

    def run(
        *arguments: str | Path, env: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        words = ["heyi", *map(str, arguments)]
        capsys.readouterr()
        shelf.cache_clear()  # each command is a process of its own, and starts with an empty shelf
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sys, "argv", words)
            for name, value in (env or {}).items():
                patch.setenv(name, value)
            with pytest.raises(SystemExit) as stopped:
                main()
        assert isinstance(stopped.value.code, int)
        return subprocess.CompletedProcess(words, stopped.value.code, *capsys.readouterr())

    return run
