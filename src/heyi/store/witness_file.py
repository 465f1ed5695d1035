"""The memory of a witness: the last note that it cosigned, in a file of its own.

The file must outlive the log: whoever restores an old log must not restore the memory with it.
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from heyi.model.errors import StoreError
from heyi.store.file_lock import lock

_MOST = 1_000_000
"""Bytes that a file has at most; each signature on a note needs some hundred."""


def _head(note: bytes) -> bytes:
    """What stands before the note; a note that was cut or changed differs from its digest."""
    return b"heyi witness 1 sha256:%s\n" % hashlib.sha256(note).hexdigest().encode()


_HEAD = len(_head(b""))


def witness_folder() -> Path:
    """Where this user's witnesses remember what they saw.

    HEYI_WITNESS, else XDG_STATE_HOME/heyi/witness, else ~/.local/state/heyi/witness.

    Raises:
        StoreError: the user has no home and named no folder.
    """
    if named := os.environ.get("HEYI_WITNESS"):
        return Path(named)
    variable = "LOCALAPPDATA" if sys.platform == "win32" else "XDG_STATE_HOME"
    base = os.environ.get(variable, "")
    if base and Path(base).is_absolute():
        return Path(base) / "heyi" / "witness"
    try:
        return Path("~/.local/state/heyi/witness").expanduser()
    except RuntimeError:
        raise StoreError(
            "there is no home in which a witness could remember",
            hint="name a folder in the variable HEYI_WITNESS",
        ) from None


class WitnessFile:
    """The memory of one witness of one log; it is a `WitnessMemory`."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def load(self) -> bytes | None:
        """The note that was kept last, None if there was none yet.

        Raises:
            StoreError: the file cannot be read, or is damaged. A witness that forgot must not
                sign, so this is not the same as an absent file.
        """
        try:
            with self._path.open("rb") as file:
                data = file.read(_MOST + 1)
        except FileNotFoundError:
            return None
        except OSError as e:
            raise StoreError(
                f"the memory of the witness could not be read: {e.strerror}",
                hint=f"make `{self._path}` readable",
            ) from None
        head, note = data[:_HEAD], data[_HEAD:]
        if head != _head(note) or not note:
            raise StoreError(
                f"the memory of the witness in `{self._path}` is damaged",
                hint="restore it from a backup that is as new as the log; else this witness ends",
            )
        return note

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Nobody else, in this process or another, loads or keeps within it.

        Raises:
            StoreError: the lock cannot be had.
        """
        with ExitStack() as held:
            try:
                self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                name = self._path.with_name(f".{self._path.name}.lock")
                file = held.enter_context(name.open("ab"))
                lock(file.fileno())  # it ends with the file, also when the process is killed
            except OSError as e:
                raise StoreError(
                    f"the memory of the witness could not be locked: {e.strerror}",
                    hint=f"make `{self._path.parent}` writable",
                ) from None
            yield

    def keep(self, note: bytes) -> None:
        """Remember a note durably instead of the last one, completely or not at all.

        Raises:
            StoreError: it could not be kept; the last one is still there.
        """
        if not 0 < len(note) < _MOST - _HEAD:
            raise StoreError("a witness cannot remember a note of this length")
        partial = self._path.with_name(f".{self._path.name}.partial")
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with partial.open("wb") as file:
                file.write(_head(note) + note)
                file.flush()
                os.fsync(file.fileno())
            partial.replace(self._path)
            _flush_folder(self._path.parent)
        except OSError as e:
            raise StoreError(
                f"the witness could not remember what it saw: {e.strerror}",
                hint=f"free the disk, or make `{self._path.parent}` writable",
            ) from None


def _flush_folder(folder: Path) -> None:
    """Make the new name of a file durable; on Windows a rename needs no such step."""
    if sys.platform == "win32":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
