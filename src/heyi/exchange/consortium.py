"""The consortium at work: its log, its rulebook, its state, and the one way in which events are written."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from zoneinfo import ZoneInfo

from heyi.audit.event import Event, from_leaf
from heyi.audit.log import Draft, Log
from heyi.crypto.canonical import Json, from_canonical
from heyi.exchange.ports import Artefacts, Clock, Fabric, Keyring
from heyi.exchange.state import Case, State
from heyi.model.asset import Asset
from heyi.model.errors import InvalidInput, VerificationError
from heyi.model.party import Party
from heyi.policy.cases import load_rulebook
from heyi.policy.decide import DecisionPoint

ZONE = ZoneInfo("Asia/Shanghai")
PLATFORM = "platform"


def legal_day(now: int) -> dt.date:
    """The date of a moment in the consortium's time zone, UTC+8."""
    return dt.datetime.fromtimestamp(now, ZONE).date()


class Consortium:
    """Everything that a use case needs. State changes only through `write`."""

    def __init__(
        self,
        *,
        log: Log,
        point: DecisionPoint,
        artefacts: Artefacts,
        clock: Clock,
        keyring: Keyring,
        fabric: Fabric,
        on_event: Callable[[int, Event], None] = lambda _i, _e: None,
    ) -> None:
        self.log = log
        self.point = point
        self.artefacts = artefacts
        self.clock = clock
        self.keyring = keyring
        self.fabric = fabric
        self.state = State()
        self._on_event = on_event
        for entry in log.store.entries():
            event = from_leaf(entry.leaf)
            self.state.apply(
                entry.index, event, None if entry.body is None else from_canonical(entry.body)
            )

    def draft(
        self,
        kind: str,
        *,
        actor: str = PLATFORM,
        case: str = "",
        public: dict[str, Json],
        body: Json = None,
    ) -> Draft:
        return Draft(
            event=Event(kind=kind, at=self.clock.now(), actor=actor, case=case, public=public),
            body=body,
        )

    def write(self, *drafts: Draft, erase: tuple[int, ...] = ()) -> list[int]:
        """Log events together, then fold into the state what the log kept, as a later reader would see it.

        Raises:
            StoreError: nothing was logged and the state is as before, unless the message says otherwise.
            VerificationError: the witness refused; the events are logged and folded.
        """
        before = self.log.size
        try:
            return self.log.append(drafts, erase=erase)
        finally:
            for entry in self.log.store.entries(before) if self.log.size > before else ():
                event = from_leaf(entry.leaf)
                self.state.apply(
                    entry.index, event, None if entry.body is None else from_canonical(entry.body)
                )
                self._on_event(entry.index, event)

    @property
    def today(self) -> dt.date:
        return legal_day(self.clock.now())

    def party(self, name: str) -> Party:
        """The registered party.

        Raises:
            InvalidInput: there is none of that id.
        """
        if name not in self.state.parties:
            raise InvalidInput(f"unknown party `{name}`", hint="register it first")
        return self.state.parties[name]

    def asset(self, name: str) -> Asset:
        """The registered asset.

        Raises:
            InvalidInput: there is none of that id.
        """
        if name not in self.state.assets:
            raise InvalidInput(f"unknown asset `{name}`", hint="register it first")
        return self.state.assets[name]

    def case(self, name: str) -> Case:
        """The case of that request.

        Raises:
            InvalidInput: there is none of that id.
        """
        if name not in self.state.cases:
            raise InvalidInput(f"unknown case `{name}`", hint="submit the request first")
        return self.state.cases[name]


def stored_rulebook(artefacts: Artefacts, digest: str) -> DecisionPoint:
    """The rulebook that a decision was made by, compiled from the texts that were kept with the log.

    Raises:
        VerificationError: the texts are gone, or are not those of the digest.
    """
    content = artefacts.artefact(digest)
    if content is None:
        raise VerificationError(f"the rulebook {digest[:19]} is not kept with the log")
    point = load_rulebook(from_canonical(content))
    if point.book.digest != digest:
        raise VerificationError(f"the rulebook kept under {digest[:19]} is another one")
    return point
