"""Tests and bench programs import nothing from one another; what both need is in `oracles/`."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.support.machine import ROOT


def imported(path: Path) -> Iterator[str]:
    """The modules that a file imports, `a.b` for both `import a.b` and `from a import b`."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def imports(*folders: str) -> Iterator[tuple[str, str]]:
    """Each file of the folders with each module that it imports."""
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.py")):
            name = path.relative_to(ROOT).as_posix()
            yield from ((name, module) for module in imported(path))


def test_benches_and_oracles_import_no_test() -> None:
    found = list(imports("bench", "oracles"))
    assert len(found) > 100
    assert [(f, m) for f, m in found if m.split(".")[0] == "tests"] == []


def test_only_the_tests_of_benches_import_a_bench() -> None:
    """The product and the oracles do not either."""
    found = [f for f, m in imports("src", "oracles", "tests") if m.split(".")[0] == "bench"]
    assert {Path(f).parent.as_posix() for f in found} == {"tests/bench"}


def test_no_test_module_imports_another() -> None:
    strange = [
        (file, module)
        for file, module in imports("tests")
        if module.startswith("tests.")
        and any(part.startswith(("test_", "conftest")) for part in module.split("."))
    ]
    assert strange == []
