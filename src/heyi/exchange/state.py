"""The state as the fold of events: parties, what is vouched for them, assets, and cases.

Nothing here decides. The same events give the same state in a service, a report and an audit. A
body that was erased is accepted: what it held is then unknown.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, MutableMapping
from dataclasses import dataclass, field
from functools import singledispatch
from typing import TypeVar

from heyi.crypto.canonical import Json
from heyi.exchange.case_file import Case
from heyi.exchange.events import applied, registered
from heyi.exchange.events.typed import Logged, TypedEvent
from heyi.model.asset import Asset
from heyi.model.errors import VerificationError
from heyi.model.party import Party

T = TypeVar("T")


class Loading(MutableMapping[str, T]):
    """A mapping that folds the stream of a name before it answers about that name.

    `load` folds one stream, `names` lists all names; both do nothing twice. Where `some` is true,
    not every name has a value.
    """

    def __init__(
        self,
        load: Callable[[str], None],
        names: Callable[[], Iterable[str]],
        *,
        some: bool = False,
    ) -> None:
        self._load = load
        self._names = names
        self._some = some
        self.known: dict[str, T] = {}

    def __getitem__(self, name: str) -> T:
        if name not in self.known:
            self._load(name)
        return self.known[name]

    def __setitem__(self, name: str, value: T) -> None:
        self.known[name] = value

    def __delitem__(self, name: str) -> None:
        del self.known[name]

    def __iter__(self) -> Iterator[str]:
        # names that are staged and not yet kept are known, but not listed
        names = sorted({*self._names(), *self.known})
        return iter([n for n in names if n in self] if self._some else names)

    def __len__(self) -> int:
        return sum(1 for _ in self)


@dataclass(slots=True, kw_only=True)
class State:
    """The fold of the centre's log.

    `registry` and `profiles` hold facts by party, `nodes` the (origin, key) of each host's own log;
    `rulebook` is the digest of the one in force.
    """

    parties: MutableMapping[str, Party] = field(default_factory=dict)
    registry: MutableMapping[str, dict[str, Json]] = field(default_factory=dict)
    profiles: MutableMapping[str, dict[str, Json]] = field(default_factory=dict)
    nodes: MutableMapping[str, tuple[str, str]] = field(default_factory=dict)
    assets: MutableMapping[str, Asset] = field(default_factory=dict)
    cases: MutableMapping[str, Case] = field(default_factory=dict)
    rulebook: str = ""

    def apply(self, entry: Logged) -> None:
        """Take in one event.

        Raises:
            VerificationError: the event is of a case that nobody submitted.
        """
        if entry.case and not isinstance(entry.what, applied.RequestSubmitted):
            if entry.case not in self.cases:
                raise VerificationError(f"nobody submitted the case `{entry.case}`")
            self.cases[entry.case].apply(entry)
        else:
            _apply(entry.what, self, entry)


@singledispatch
def _apply(_what: TypedEvent, _state: State, _entry: Logged) -> None:
    """Events that change nothing of what a use case asks: withdrawals, which the nodes keep."""


@_apply.register
def _adopted(what: registered.RulebookAdopted, state: State, _entry: Logged) -> None:
    state.rulebook = what.digest


@_apply.register
def _party(what: registered.PartyRegistered, state: State, _entry: Logged) -> None:
    state.parties[what.party.id] = what.party
    state.registry[what.party.id] = what.registry


@_apply.register
def _node(what: registered.NodeOpened, state: State, _entry: Logged) -> None:
    state.nodes[what.host] = (what.origin, what.log_key)


@_apply.register
def _profile(what: registered.ProfileVouched, state: State, _entry: Logged) -> None:
    state.profiles[what.party] = {**state.profiles.get(what.party, {}), **what.facts}


@_apply.register
def _asset(what: registered.AssetRegistered, state: State, _entry: Logged) -> None:
    state.assets[what.asset.id] = what.asset


@_apply.register
def _request(what: applied.RequestSubmitted, state: State, entry: Logged) -> None:
    case = Case(request=what, submitted=entry.index, at=entry.at, changed=entry.index)
    case.take(entry, "*", what.declared, "declared")
    state.cases[what.id] = case
