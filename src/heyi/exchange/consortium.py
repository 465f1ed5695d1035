"""The consortium: its log, rulebook and state, and the one method that writes events."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable

from heyi.audit.event import Event, from_leaf
from heyi.audit.log import Draft, Entry, Log
from heyi.crypto.canonical import Json, digest_bytes, from_canonical
from heyi.exchange.ports import Artefacts, Clock, Fabric, Keyring, Rulebooks
from heyi.exchange.state import Case, State
from heyi.model.asset import Asset
from heyi.model.errors import InvalidInput, VerificationError
from heyi.model.party import Party
from heyi.policy.decide import DecisionPoint

# a fixed offset, as China has had since 1991: Windows has no time zone data for Python
ZONE = dt.timezone(dt.timedelta(hours=8))
PLATFORM = "platform"


def legal_day(now: int) -> dt.date:
    """The date, in the consortium's time zone (UTC+8), of a Unix time in seconds."""
    return dt.datetime.fromtimestamp(now, ZONE).date()


class Consortium:
    """Everything that a use case needs. State changes only through `write`."""

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
        on_event: Callable[[int, Event], None] = lambda _i, _e: None,
    ) -> None:
        self.log = log
        self.point = point
        self.rulebooks = rulebooks
        self.artefacts = artefacts
        self.clock = clock
        self.keyring = keyring
        self.fabric = fabric
        self.state = State()
        self._on_event = on_event
        for entry in log.store.entries():
            self._fold(entry)

    def _fold(self, entry: Entry) -> Event:
        event = from_leaf(entry.leaf)
        body = None if entry.body is None else from_canonical(entry.body)
        self.state.apply(entry.index, event, body)
        return event

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
        """Log events together, fold them into the state, and return their indexes.

        `erase` names entries whose bodies go in the same transaction.

        Raises:
            StoreError: nothing was logged and the state is as before, unless the message says
                otherwise.
            VerificationError: the witness refused; the events are logged and folded.
        """
        before = self.log.size
        try:
            return self.log.append(drafts, erase=erase)
        finally:
            # INVARIANT: the state is the fold of what the log holds. So the entries are read back
            # from the log, also when the witness refused after they were stored.
            for entry in self.log.store.entries(before) if self.log.size > before else ():
                self._on_event(entry.index, self._fold(entry))

    @property
    def today(self) -> dt.date:
        return legal_day(self.clock.now())

    def party(self, name: str) -> Party:
        """The registered party.

        Raises:
            InvalidInput: no such id.
        """
        if name not in self.state.parties:
            raise InvalidInput(f"unknown party `{name}`", hint="register it first")
        return self.state.parties[name]

    def asset(self, name: str) -> Asset:
        """The registered asset.

        Raises:
            InvalidInput: no such id.
        """
        if name not in self.state.assets:
            raise InvalidInput(f"unknown asset `{name}`", hint="register it first")
        return self.state.assets[name]

    def case(self, name: str) -> Case:
        """The case of that request.

        Raises:
            InvalidInput: no such id.
        """
        if name not in self.state.cases:
            raise InvalidInput(f"unknown case `{name}`", hint="submit the request first")
        return self.state.cases[name]


def stored_rulebook(artefacts: Artefacts, rulebooks: Rulebooks, digest: str) -> DecisionPoint:
    """The rulebook with this digest, compiled from the texts that are kept with the log.

    Raises:
        VerificationError: the texts are gone, or are not those of the digest.
    """
    content = artefacts.artefact(digest)
    if content is None:
        raise VerificationError(f"the rulebook {digest[:19]} is not kept with the log")
    # bytes of this digest are the canonical ones that were adopted, and need no second check
    same = digest_bytes(content) == digest
    point = rulebooks.point(json.loads(content) if same else from_canonical(content))
    if point.book.digest != digest:
        raise VerificationError(f"the rulebook kept under {digest[:19]} is another one")
    return point
