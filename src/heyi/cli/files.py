"""Files that a user names, to be written."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from heyi.model.errors import StoreError


def check_writable(path: Path) -> None:
    """Find out whether a file can be written, without changing it.

    Raises:
        StoreError: it cannot.
    """
    fresh = not path.exists()
    try:
        with path.open("ab"):
            pass
    except OSError as e:
        raise _not_written(path, e) from None
    if fresh:
        path.unlink()


def write_file(path: Path, content: bytes) -> None:
    """Write a file completely or not at all; to a device or a pipe it is written as it is.

    Raises:
        StoreError: it cannot be written.
    """
    try:
        if _in_place(path):
            path.write_bytes(content)
        else:
            _replace(path.resolve(), content)
    except (OSError, RuntimeError) as e:  # a link to itself
        raise _not_written(path, e) from None


def _in_place(path: Path) -> bool:
    """Whether the file itself must be written, since a new one in its place would be another."""
    target = path.resolve()
    special = path.absolute().parts[1:2] in (("dev",), ("proc",))  # an open file of the shell
    if special or not target.exists():
        return special
    shared = not target.is_file() or target.stat().st_nlink > 1
    return shared or not os.access(target.parent, os.W_OK)


def _replace(target: Path, content: bytes) -> None:
    """Write a file beside this one, with its mode, that takes its place at the end."""
    number, name = tempfile.mkstemp(prefix=".heyi-", dir=target.parent)
    partial = Path(name)
    try:
        with os.fdopen(number, "wb") as file:
            file.write(content)
        mask = os.umask(0)
        os.umask(mask)
        partial.chmod(target.stat().st_mode & 0o777 if target.exists() else 0o666 & ~mask)
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)


def _not_written(path: Path, error: OSError | RuntimeError) -> StoreError:
    why = error.strerror if isinstance(error, OSError) else error
    return StoreError(f"cannot write `{path}`: {why}", hint="name a file that can be written")
