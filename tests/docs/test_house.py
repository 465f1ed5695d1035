"""The house explains itself: one name means one thing, and no file holds two terms."""

from __future__ import annotations

import ast
from collections import Counter
from pathlib import Path

from tests.support.machine import ROOT

SOURCES = sorted((ROOT / "src" / "heyi").rglob("*.py"))
COMMANDS = {"decide", "settle", "statement"}
"""Files of commands that are called like the module whose work they start."""
VERBS = {"verify"}
"""What `audit` does to a log and `permits` to a permit is the same act."""
MOST_LINES = 450


def modules() -> list[Path]:
    return [p for p in SOURCES if p.stem not in ("__init__", "__main__")]


def test_no_two_classes_have_one_name() -> None:
    names = Counter(
        node.name
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
    )
    assert [name for name, n in names.items() if n > 1] == []


def test_no_two_modules_have_one_name() -> None:
    names = Counter(p.stem for p in modules() if p.parent.name != "cli" or p.stem not in COMMANDS)
    assert {name for name, n in names.items() if n > 1} <= VERBS


def test_no_file_is_long() -> None:
    long = {p.name: n for p in modules() if (n := len(p.read_bytes().splitlines())) > MOST_LINES}
    assert long == {}


def test_every_room_says_what_it_is_for() -> None:
    """In one sentence, in the docstring of its package."""
    for package in (p for p in SOURCES if p.name == "__init__.py"):
        said = ast.get_docstring(ast.parse(package.read_text(encoding="utf-8")))
        assert said and said.split("\n")[0].endswith("."), package
