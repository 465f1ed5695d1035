"""Who may act: the parties from whom an event of each kind may come.

The writer asks before it logs, and the replay asks again.
"""

from __future__ import annotations

from functools import singledispatch

from heyi.exchange.events import applied, registered, settled, used
from heyi.exchange.events.succeeded import LogSucceeded
from heyi.exchange.events.typed import TypedEvent
from heyi.exchange.state import State
from heyi.model.party import PartyKind

OF_THE_OPERATOR = (
    registered.RulebookAdopted,
    registered.PartyRegistered,
    registered.ProfileVouched,
    applied.DecisionMade,
    applied.AlarmRaised,
    applied.PermitIssued,
    used.ResultReleased,
    settled.SettlementCertified,
    settled.StatementIssued,
    settled.SettlementPaid,
    LogSucceeded,
)
"""Kinds that the platform computes or keeps; nobody else can have logged them."""


def may_not_act(state: State, what: TypedEvent, *, actor: str, case: str) -> str:
    """Why this party may not log such an event; empty if it may.

    The first rulebook and the first party come from somebody who is not yet there.
    """
    first = isinstance(what, registered.RulebookAdopted | registered.PartyRegistered)
    if first and not state.parties:
        return ""
    if actor not in state.parties:
        return f"`{actor}` acts and is not registered"
    operates = state.parties[actor].kind is PartyKind.OPERATOR
    if isinstance(what, OF_THE_OPERATOR):
        return "" if operates else f"`{actor}` is no operator, and acts as one"
    own = _owners(what, state, case)
    if operates or own is None or actor in own:
        return ""
    return f"`{actor}` acts in `{what.KIND}`, which is for `{' or '.join(sorted(own))}`"


@singledispatch
def _owners(_what: TypedEvent, _state: State, _case: str) -> set[str] | None:
    """Who may act besides an operator; None where other checks say who."""
    return None


@_owners.register
def _node(what: registered.NodeOpened, state: State, _case: str) -> set[str] | None:
    return {what.host} if what.host in state.parties else None


@_owners.register
def _asset(what: registered.AssetRegistered, state: State, _case: str) -> set[str] | None:
    holder = state.parties.get(what.asset.holder)
    return None if holder is None else {holder.id, holder.host}


@_owners.register
def _revocation(what: applied.PermitRevoked, state: State, case: str) -> set[str] | None:
    asset = state.assets.get(what.permit.removeprefix(f"{case}."))
    return None if asset is None else {asset.holder, state.parties[asset.holder].host}


@_owners.register
def _withdrawal(what: used.ConsentWithdrawn, state: State, _case: str) -> set[str] | None:
    return {what.via} if what.via in state.parties else None


@_owners.register
def _utility(_what: settled.UtilityRegistered, state: State, case: str) -> set[str] | None:
    return {state.cases[case].request.requester} if case in state.cases else None
