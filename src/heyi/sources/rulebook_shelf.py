"""Where a rulebook's decision point comes from: the shipped build, the reader's cache, its texts.

Compiling a rulebook and running its worked cases takes seconds, so it happens once for each digest.
What was compiled is kept in a cache that belongs to the reader alone. The cache holds the parsed
form and no code: Python is generated from it at each start.
"""

from __future__ import annotations

import json
import os
import re
import stat
import sys
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType

from heyi.crypto.canonical import digest
from heyi.model.errors import HeyiError
from heyi.policy.decide import DecisionPoint
from heyi.policy.engines.build import (
    Build,
    generators,
    load_build,
    load_bytecode,
    parsed_form,
)
from heyi.policy.language import ir
from heyi.sources.rulebook import read_build

_NAME = re.compile("[0-9a-f]{64}-[0-9a-f]{12}[.]json")
MOST = 32
"""Rulebooks that the cache keeps; the ones that were used longest ago go first."""


class RulebookShelf:
    """Decision points by the digest of their texts, shared: one shelf serves one thread."""

    def __init__(self, cache: Path | None) -> None:
        """`cache` is the reader's own folder; without one, each process compiles for itself."""
        self._cache = cache
        self._points: dict[str, DecisionPoint] = {}

    def point(
        self,
        texts: Mapping[str, str],
        beside: Mapping[str, bytes] = MappingProxyType({}),
    ) -> DecisionPoint:
        """The decision point of these texts.

        `beside` are the files of a build that lies beside the texts. Only its bytecode is taken.

        Raises:
            RuleError: the texts do not compile, or one of their cases fails.
            VerificationError: the build beside them is damaged.
        """
        key = digest(dict(texts))
        if key not in self._points:
            self._points[key] = self._open(key, texts, beside)
        return self._points[key]

    def book(self, texts: Mapping[str, str]) -> ir.Rulebook:
        """The parsed rulebook of these texts, without its worked cases where it was built before.

        Raises:
            RuleError: the texts do not compile, or one of their cases fails.
        """
        key = digest(dict(texts))
        if key in self._points:
            return self._points[key].book
        return self._ready(key, texts).book

    def _open(
        self, key: str, texts: Mapping[str, str], beside: Mapping[str, bytes]
    ) -> DecisionPoint:
        ready = self._ready(key, texts)
        return DecisionPoint(ready.book, ready.bytecode or load_bytecode(beside, ready.book))

    def _ready(self, key: str, texts: Mapping[str, str]) -> Build:
        if shipped := load_build(read_build(), texts, key):
            return shipped
        file = self._file(key)
        if file is not None and (kept := _read(file, texts)):
            return kept
        from heyi.policy.cases import checked_rulebook  # the compiler, which is seldom needed

        book = checked_rulebook(texts)
        if file is not None:
            _keep(file, parsed_form(book))
        return Build(book, None)

    def _file(self, key: str) -> Path | None:
        """Where the parsed form is kept; the name binds the code that parsed it as well."""
        if self._cache is None:
            return None
        return self._cache / f"{key.removeprefix('sha256:')}-{generators()[7:19]}.json"


def cache_folder() -> Path | None:
    """The reader's own folder for parsed rulebooks; None if others can write to it."""
    if named := os.environ.get("HEYI_CACHE"):
        return _own(Path(named))
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA")
    else:
        base = os.environ.get("XDG_CACHE_HOME") or _home_cache()
    return _own(Path(base) / "heyi") if base and Path(base).is_absolute() else None


def _home_cache() -> str | None:
    try:
        return str(Path("~/.cache").expanduser())
    except RuntimeError:  # there is no home
        return None


def _own(folder: Path) -> Path | None:
    """The folder, made where it is absent; None where somebody else may write into it."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = folder.stat()
    except OSError:
        return None
    return folder if _is_own(status, stat.S_ISDIR) else None


def _is_own(status: os.stat_result, kind: Callable[[int], bool]) -> bool:
    """Whether it is of that kind, belongs to the reader, and nobody else may write to it."""
    if not kind(status.st_mode):
        return False
    if not hasattr(os, "geteuid"):  # Windows: the folder is in the reader's profile
        return True
    return status.st_uid == os.geteuid() and not stat.S_IMODE(status.st_mode) & 0o022


def _read(file: Path, texts: Mapping[str, str]) -> Build | None:
    """What the cache keeps, or None where it has nothing that can be used: it is then made anew."""
    try:
        # O_NONBLOCK: somebody could have put a pipe there, which would wait for a writer
        descriptor = os.open(file, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
        with os.fdopen(descriptor, "rb") as opened:
            if not _is_own(os.fstat(descriptor), stat.S_ISREG):
                return None
            kept = json.loads(opened.read())
        found = load_build({name: text.encode() for name, text in kept.items()}, texts)
        file.touch()
    except (OSError, ValueError, AttributeError, RecursionError, HeyiError):
        return None
    return found


def _keep(file: Path, files: Mapping[str, bytes]) -> None:
    """Write whole or not at all; a cache that cannot be written is no error."""
    content = json.dumps({name: data.decode() for name, data in files.items()})
    with suppress(OSError):
        with tempfile.TemporaryDirectory(dir=file.parent) as folder:
            partial = Path(folder) / file.name
            partial.write_text(content, encoding="utf-8")
            partial.chmod(0o600)  # whatever the umask: a file that others may write is not read
            partial.replace(file)
        # files of other names are somebody's own, and stay
        own = [f for f in file.parent.iterdir() if _NAME.fullmatch(f.name)]
        for old in sorted(own, key=lambda f: f.stat().st_mtime, reverse=True)[MOST:]:
            old.unlink()
