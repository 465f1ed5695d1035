"""Files that a user names, to be written."""

from __future__ import annotations

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
    partial = path.with_name(f".{path.name}.partial")
    try:
        if path.exists() and not path.is_file():
            path.write_bytes(content)
            return
        try:
            partial.write_bytes(content)
            partial.replace(path.resolve())
        finally:
            partial.unlink(missing_ok=True)
    except OSError as e:
        raise _not_written(path, e) from None


def _not_written(path: Path, error: OSError) -> StoreError:
    return StoreError(
        f"cannot write `{path}`: {error.strerror}", hint="name a file that can be written"
    )
