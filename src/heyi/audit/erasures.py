"""Erasures: a body that is gone needs an event that reports it, and the other way round."""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum

from heyi.crypto.canonical import Json

ERASED = "body.erased"
"""The kind of the event that reports an erasure; `entry` in its public part is an index."""


class BodyState(IntEnum):
    """What the store has of an entry's body; of an unreadable entry, nothing is said."""

    UNREADABLE = 0
    NONE = 1
    HELD = 2
    GONE = 3
    REPORTED = 4


class Erasures:
    """The bodies of the entries from `start` on, in the order of the log.

    `look` reads one entry again: an earlier one, or one that was erased while the log was read.
    """

    def __init__(self, start: int, look: Callable[[int], BodyState]) -> None:
        self._start = start
        self._look = look
        self._states = bytearray()
        self._earlier: dict[int, BodyState] = {}

    def record(self, state: BodyState) -> None:
        """The next entry."""
        self._states.append(state)

    def report(self, index: int, named: Json) -> str | None:
        """What is wrong with the event at `index`, which says that entry `named` was erased."""
        if type(named) is not int or named < 0:
            return "the event says that a body was erased, but names no entry"
        if named >= index:
            return f"the event says that entry {named} was erased, which is not before it"
        state = self._state(named)
        if state is BodyState.HELD:
            state = self._look(named)
        if state is BodyState.NONE:
            return f"the event says that entry {named} was erased, which never had a body"
        if state is BodyState.HELD:
            return f"the event says that entry {named} was erased, but its body is still there"
        if state is BodyState.REPORTED:
            return f"the event says that entry {named} was erased, which was erased before"
        if state is BodyState.GONE:
            self._set(named, BodyState.REPORTED)
        return None

    def silent(self) -> list[int]:
        """The entries whose body is gone, though no event says so."""
        return [n + self._start for n, state in enumerate(self._states) if state == BodyState.GONE]

    @property
    def count(self) -> int:
        """How many bodies are gone."""
        return self._states.count(BodyState.GONE) + self._states.count(BodyState.REPORTED)

    def _state(self, index: int) -> BodyState:
        if index >= self._start:
            return BodyState(self._states[index - self._start])
        if index not in self._earlier:
            self._earlier[index] = self._look(index)
        return self._earlier[index]

    def _set(self, index: int, state: BodyState) -> None:
        if index >= self._start:
            self._states[index - self._start] = state
        else:
            self._earlier[index] = state
