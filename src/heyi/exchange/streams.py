"""A state that folds a stream when somebody asks about it, so that nobody folds the whole log."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from heyi.audit.log_store import LogReader
from heyi.exchange.events.event_kinds import read_entry
from heyi.exchange.projections import ASSET, CASE, PARTY, RULEBOOK, stream
from heyi.exchange.state import Loading, State


def loading_state(reader: LogReader) -> State:
    """The fold of a log, of which nothing but the rulebooks is folded yet.

    Raises:
        VerificationError: a stream holds what is no event; also later, when it is asked for.
    """
    folded: set[str] = set()

    def fold(name: str) -> None:
        if name in folded:
            return
        folded.add(name)
        for entry in reader.stream(name):
            state.apply(read_entry(entry))

    state = State()
    fold_on_demand(state, fold, lambda kind: (name for name, _ in reader.summaries(kind)))
    return state


def fold_on_demand(
    state: State, fold: Callable[[str], None], names: Callable[[str], Iterable[str]]
) -> None:
    """Let a state fold a stream by `fold` when it is asked for; `names` lists those of a kind."""

    def loading(kind: str, *, some: bool = False) -> Loading[Any]:
        return Loading(lambda name: fold(stream(kind, name)), lambda: names(kind), some=some)

    state.parties, state.registry = loading(PARTY), loading(PARTY)
    state.profiles, state.nodes = loading(PARTY, some=True), loading(PARTY, some=True)
    state.assets, state.cases = loading(ASSET), loading(CASE)
    fold(RULEBOOK)
