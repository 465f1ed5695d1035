"""The one writer: commands queue, run in turn, and are kept in groups.

A command is a function that reads the state and returns events; it changes nothing itself. So a
command that fails has done nothing, and needs no undoing. The events of a group are folded as they
are staged, so that each command sees those before it. They are kept in one transaction with one
checkpoint. An answer is given after that. If the transaction fails, the staged fold is thrown away
and every command of the group is told (docs/adr/0017).

Whoever finds the writer free leads: it runs all commands that wait. So no thread of its own is
needed, and a single caller is its own writer.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from heyi.audit.log import Group, Log
from heyi.exchange.actors import may_not_act
from heyi.exchange.events.typed import Act, Logged
from heyi.exchange.projections import streams_of, summary_of
from heyi.exchange.state import Loading, State
from heyi.exchange.streams import loading_state
from heyi.model.errors import InvalidInput, StoreError

T = TypeVar("T")
MOST_KEPT = 4_096
"""Cases that the fold keeps in memory between groups; others are folded again when asked for."""


@dataclass(frozen=True, slots=True)
class Done(Generic[T]):
    """What a command returns: the events to log, and its answer once they are kept.

    `erase` names entries whose bodies go in the same transaction.
    """

    events: Sequence[Act]
    answer: T
    erase: Sequence[int] = ()


@dataclass(slots=True, eq=False)
class _Ticket:
    """A command in the queue.

    It is `over` when it was kept, or when it failed. Who waits is `woken` then, or when it `leads`.
    """

    command: Callable[[], Done[Any]]
    thread: int = field(default_factory=threading.get_ident)
    answer: Any = None
    error: BaseException | None = None
    over: bool = False
    entries: list[Logged] = field(default_factory=list)
    woken: threading.Event = field(default_factory=threading.Event)
    leads: bool = False

    def fail(self, error: BaseException) -> None:
        self.error, self.over = error, True


class OneWriter:
    """Runs commands against the state, and keeps their events.

    `on_event` is told of each event after it was kept.
    """

    def __init__(self, log: Log, on_event: Callable[[Logged], None]) -> None:
        self.log = log
        self._state: State | None = None
        # INVARIANT: whoever reads or changes the state holds this lock.
        self.lock = threading.RLock()
        self._on_event = on_event
        # INVARIANT: one ticket leads as long as any waits, and `_taken` are those that it answers
        # for; `_queued` guards all three.
        self._queue: list[_Ticket] = []
        self._taken: list[_Ticket] = []
        self._leader: _Ticket | None = None
        self._queued = threading.Lock()
        self._group: Group | None = None

    # --- commands ---

    @property
    def last_at(self) -> int:
        """The time of the newest event, kept or staged, in Unix seconds; 0 if there is none."""
        return self.log.last_at if self._group is None else self._group.last_at

    @property
    def next_entry(self) -> int:
        """The index that the next event of the running command gets."""
        return self.log.size if self._group is None else self._group.size

    def key(self, ahead: int) -> bytes:
        """The commitment key of the event that the running command returns after `ahead` others."""
        if self._group is None:
            raise RuntimeError("only a command can seal a body")
        return self._group.key(self._group.size + ahead)

    def run(self, command: Callable[[], Done[T]]) -> T:
        """Queue a command, and return its answer when its events are kept.

        Raises:
            Conflict: another writer holds the log; nothing was kept.
            StoreError: the store failed; nothing was kept, unless the message says otherwise.
            HeyiError: the command itself refused.
        """
        leader = self._leader
        if leader is not None and leader.thread == threading.get_ident():
            raise RuntimeError("a command runs another command")
        ticket = _Ticket(command)
        try:
            with self._queued:
                self._queue.append(ticket)
                self._choose()
            ticket.woken.wait()
            if ticket.leads:
                self._lead()
        finally:
            # an interrupt may come anywhere above: who leaves must not take the lead along
            self._leave(ticket)
        if ticket.error is not None:
            raise ticket.error
        answer: T = ticket.answer
        return answer

    def _choose(self) -> None:
        """Let the first in the queue lead, if nobody does; `_queued` is held."""
        if self._leader is None and self._queue:
            self._leader = first = self._queue[0]
            first.leads = True
            first.woken.set()

    def _lead(self) -> None:
        """Run and keep everything that waits."""
        with self._queued:
            self._taken, self._queue = self._queue, []
        with self.lock:
            self._keep(self._taken)

    def _leave(self, ticket: _Ticket) -> None:
        """Answer all that this ticket led, and let the next one lead."""
        with self._queued:
            if ticket in self._queue:
                self._queue.remove(ticket)
            if ticket is not self._leader:
                return
            for led in self._taken:
                if not led.over:
                    led.fail(_interrupted())
                led.woken.set()
            self._leader, self._taken = None, []
            self._choose()

    def _keep(self, tickets: Sequence[_Ticket]) -> None:
        """Run commands and keep their events as one group; each ticket is over then."""
        try:
            with self.log.group() as group:
                self._group = group
                self._catch_up(group)
                for ticket in tickets:
                    self._stage(ticket, group)
                self._project([e for t in tickets for e in t.entries], group)
        except BaseException as e:
            # what was staged was not kept, or nobody knows: it is read again from the log
            self._state = None
            if not isinstance(e, Exception):
                raise
            for ticket in tickets:  # a refusal too: it may rest on what was staged
                ticket.fail(e)
            return
        finally:
            self._group = None
        for ticket in tickets:
            ticket.over = True
        for ticket in tickets:
            for entry in ticket.entries:
                self._on_event(entry)
        self._shrink()

    def _stage(self, ticket: _Ticket, group: Group) -> None:
        try:
            done = ticket.command()
            self._check_actors(done.events)
            entries = group.add([act.draft for act in done.events], erase=done.erase)
        except Exception as e:  # noqa: BLE001  its caller gets it; the others go on
            ticket.error = e
            return
        ticket.answer = done.answer
        for act, entry in zip(done.events, entries, strict=True):
            logged = act.logged(entry.index)
            self.state.apply(logged)
            ticket.entries.append(logged)

    def _check_actors(self, acts: Sequence[Act]) -> None:
        """Refuse what a replay would find: somebody acts who may not."""
        for act in acts:
            event = act.draft.event
            why = may_not_act(self.state, act.what, actor=event.actor, case=event.case)
            if why:
                raise InvalidInput(why, hint="let whoever may do it do it")

    def _project(self, entries: Sequence[Logged], group: Group) -> None:
        rows = [(name, e.index) for e in entries for name in streams_of(e)]
        group.index(rows)
        summaries = (summary_of(self.state, name) for name in dict.fromkeys(n for n, _ in rows))
        group.summarise([s for s in summaries if s is not None])

    # --- the state ---

    @property
    def state(self) -> State:
        """The fold of what is kept, and of what the running group has staged."""
        if self._state is None:
            self._state = loading_state(self.log.store)
        return self._state

    def _catch_up(self, group: Group) -> None:
        """Another process has written since: what was folded may be old."""
        if group.missed:
            self._state = None

    def _shrink(self) -> None:
        cases = self.state.cases
        if isinstance(cases, Loading) and len(cases.known) > MOST_KEPT:
            self._state = None


def _interrupted() -> StoreError:
    """What is told to a command whose group was interrupted by the program that kept it."""
    return StoreError(
        "the writer was interrupted, and it is not known whether the event was kept",
        hint="look whether it is in the log before you do it again",
    )
