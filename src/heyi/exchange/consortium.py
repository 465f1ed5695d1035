"""The consortium: its log, rulebook and state, and the one way to write events."""

from __future__ import annotations

import datetime as dt
import json
import threading
from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar

from heyi.audit.log import Log
from heyi.crypto.canonical import canonical, digest_bytes
from heyi.crypto.codec import to_json
from heyi.crypto.commitment import Commitment, commit_bytes
from heyi.exchange.case_file import Case
from heyi.exchange.events.typed import Act, Content, Logged, TypedEvent, draft
from heyi.exchange.ports import Artefacts, Clock, Fabric, Keyring, Rulebooks
from heyi.exchange.state import State
from heyi.exchange.writer import Done, OneWriter
from heyi.model.asset import Asset
from heyi.model.errors import InvalidInput, VerificationError
from heyi.model.party import Party
from heyi.policy.decide import DecisionPoint

# a fixed offset, as China has had since 1991: Windows has no time zone data for Python
ZONE = dt.timezone(dt.timedelta(hours=8))
PLATFORM = "platform"

P = ParamSpec("P")
T = TypeVar("T")


def legal_day(now: int) -> dt.date:
    """The date, in the consortium's time zone (UTC+8), of a Unix time in seconds."""
    return dt.datetime.fromtimestamp(now, ZONE).date()


class Consortium:
    """Everything that a use case needs. State changes only through commands.

    Whoever logs what nodes must be told holds `telling` until they were told, so that every node
    is told in the order of the log.
    """

    def __init__(
        self,
        *,
        log: Log,
        point: DecisionPoint,
        rulebooks: Rulebooks,
        artefacts: Artefacts,
        clock: Clock,
        keyring: Keyring,
        fabric: Fabric,
        on_event: Callable[[Logged], None] = lambda _: None,
    ) -> None:
        self.log = log
        self.point = point
        self.rulebooks = rulebooks
        self.artefacts = artefacts
        self.clock = clock
        self.keyring = keyring
        self.fabric = fabric
        self.writer = OneWriter(log, on_event)
        self.telling = threading.RLock()

    @property
    def state(self) -> State:
        """The fold of what is kept, and of what the running command's group has staged."""
        return self.writer.state

    @property
    def now(self) -> int:
        """Unix time in seconds, never before the newest event.

        Raises:
            InvalidInput: the clock has stepped back.
        """
        return self.clock.now(self.writer.last_at)

    @property
    def today(self) -> dt.date:
        return legal_day(self.now)

    def draft(
        self,
        what: TypedEvent,
        *,
        by: str,
        case: str = "",
        body: Content | None = None,
        seal: tuple[Commitment, bytes] | None = None,
    ) -> Act:
        """An event that happens now; `by` acts.

        Raises:
            InvalidInput: as `heyi.exchange.events.typed.draft`.
        """
        return draft(what, at=self.now, by=by, case=case, body=body, seal=seal)

    def seal(self, body: Content, *, ahead: int = 0) -> tuple[Commitment, bytes]:
        """The commitment to a body, with its key, so that a signature can cover it.

        The body is that of the event which the running command returns after `ahead` others.
        """
        key = self.writer.key(ahead)
        return commit_bytes(canonical(to_json(body)), key), key

    def party(self, name: str) -> Party:
        """The registered party.

        Raises:
            InvalidInput: no such id.
        """
        with self.writer.lock:
            if name not in self.state.parties:
                raise InvalidInput(f"unknown party `{name}`", hint="register it first")
            return self.state.parties[name]

    def asset(self, name: str) -> Asset:
        """The registered asset.

        Raises:
            InvalidInput: no such id.
        """
        with self.writer.lock:
            if name not in self.state.assets:
                raise InvalidInput(f"unknown asset `{name}`", hint="register it first")
            return self.state.assets[name]

    def case(self, name: str) -> Case:
        """The case of that request.

        Raises:
            InvalidInput: no such id.
        """
        with self.writer.lock:
            if name not in self.state.cases:
                raise InvalidInput(f"unknown case `{name}`", hint="submit the request first")
            return self.state.cases[name]


def command(
    body: Callable[Concatenate[Consortium, P], Done[T]],
) -> Callable[Concatenate[Consortium, P], T]:
    """A use case that the one writer runs: its function returns events and changes nothing."""

    @wraps(body)
    def queued(consortium: Consortium, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return consortium.writer.run(lambda: body(consortium, *args, **kwargs))

    return queued


def stored_rulebook(artefacts: Artefacts, rulebooks: Rulebooks, digest: str) -> DecisionPoint:
    """The rulebook with this digest, from the texts that are kept with the log.

    Raises:
        VerificationError: the texts are gone, or are not those of the digest.
    """
    content = artefacts.artefact(digest)
    if content is None:
        raise VerificationError(f"the rulebook {digest[:19]} is not kept with the log")
    # damaged texts are not even compiled, which would take half a minute
    if digest_bytes(content) != digest:
        raise VerificationError(f"the rulebook kept under {digest[:19]} is another one")
    return rulebooks.point(json.loads(content))
