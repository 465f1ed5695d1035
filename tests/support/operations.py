"""Work measured in calls, which no other process on the machine can change."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType


def operations(work: Callable[[], object]) -> int:
    """The number of Python and C functions that `work` calls in this thread.

    Work inside one C function, such as a sum over an array or a search of z3, counts as one.
    """
    count = 0

    def called(frame: FrameType, event: str, argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(called)
    try:
        work()
    finally:
        sys.setprofile(before)
    return count
