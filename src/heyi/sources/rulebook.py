"""Rulebook texts: those shipped with Heyi, or a folder of a consortium's own."""

from __future__ import annotations

from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from heyi.model.errors import InvalidInput

BUILT = "built"
SUFFIXES = (".md", ".toml", ".yaml")


def read_rulebook(folder: Path | None = None) -> dict[str, str]:
    """The texts by file name relative to the rulebook: facts, profiles and packs.

    Raises:
        InvalidInput: the folder cannot be read, or a file is not UTF-8.
    """
    root: Traversable = folder if folder is not None else files("heyi") / "rulebook"
    texts: dict[str, str] = {}
    try:
        _collect(root, "", texts)
    except (OSError, UnicodeDecodeError) as e:
        raise InvalidInput(
            f"cannot read the rulebook in `{root}`: {e}", hint="packs are UTF-8 Markdown files"
        ) from None
    return texts


def read_build(folder: Path | None = None) -> dict[str, bytes]:
    """The files that `heyi rules build` wrote beside a rulebook, by name; none where it has not been built."""
    root: Traversable = folder if folder is not None else files("heyi") / "rulebook"
    built = root / BUILT
    return {f.name: f.read_bytes() for f in built.iterdir() if f.is_file()} if built.is_dir() else {}


def _collect(node: Traversable, prefix: str, texts: dict[str, str]) -> None:
    for child in sorted(node.iterdir(), key=lambda c: c.name):
        if child.is_dir() and not (prefix == "" and child.name == BUILT):
            _collect(child, f"{prefix}{child.name}/", texts)
        elif child.name.endswith(SUFFIXES):
            texts[f"{prefix}{child.name}"] = child.read_text(encoding="utf-8")
