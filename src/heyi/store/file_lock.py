"""Locks on files between processes; the system ends them with the process, however it ends."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from heyi.model.errors import Conflict, StoreError


def lock(descriptor: int) -> None:
    """Wait until this process alone has the lock of an open file."""
    if sys.platform == "win32":
        import msvcrt

        msvcrt.locking(descriptor, msvcrt.LK_LOCK, 1)
    else:
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_EX)


def try_lock(descriptor: int) -> bool:
    """Whether this process alone has the lock of an open file now; it does not wait."""
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):  # what Windows says of a lock that another has
        return False
    return True


@contextmanager
def held(path: Path, taken: Conflict) -> Iterator[None]:
    """Hold the lock of a file, which is made if it is absent and stays.

    Raises:
        Conflict: `taken`, where somebody else holds it.
        StoreError: it cannot be made.
    """
    with ExitStack() as files:
        try:
            file = files.enter_context(path.open("ab"))
            had = try_lock(file.fileno())
        except OSError as e:
            raise StoreError(
                f"`{path}` could not be locked: {e.strerror}",
                hint=f"make `{path.parent}` writable",
            ) from None
        if not had:
            raise taken
        yield
