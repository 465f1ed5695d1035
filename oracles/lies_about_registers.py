"""Lies about who and what is registered."""

from __future__ import annotations

from dataclasses import replace

from heyi.exchange.consortium import PLATFORM
from heyi.exchange.events import registered
from oracles.forge import again, first, forge, last, logged, said
from oracles.lying import Expected, Operator, Outcome, Room, Unseen

ROOM = Room()
lie = ROOM.lie
COMMITTEE, AUTHORITY = "data-committee", "data_committee"


# --- who is registered ---


@lie("this is the committee's key")
def a_second_key(op: Operator) -> Outcome:
    """The party is registered again, with a key of the platform's own making."""
    found = next(
        e
        for e in logged(op.consortium, registered.PartyRegistered)
        if said(e, registered.PartyRegistered).party.id == COMMITTEE
    )
    party = said(found, registered.PartyRegistered).party
    key = op.app.signer("somebody-else").public_key
    entry = again(op.consortium, found, party=replace(party, public_key=key))
    return Expected(entry=entry, words="`data-committee` is registered a second time")


@lie("this is the key of a new committee")
def a_key_of_nobody(op: Operator) -> Outcome:
    """The key is the neutral point: anybody signs under it, without a secret."""
    found = last(op.consortium, registered.PartyRegistered)
    party = said(found, registered.PartyRegistered).party
    party = replace(party, id="new", hosted_by=None, public_key="01" + "00" * 31)
    entry = again(op.consortium, found, party=party)
    return Expected(entry=entry, words="signatures under it need no secret")


@lie("a second committee approves")
def a_key_of_two_parties(op: Operator) -> Outcome:
    """A new committee has the platform's own key, so that the platform approves in its name."""
    found = next(
        e
        for e in logged(op.consortium, registered.PartyRegistered)
        if said(e, registered.PartyRegistered).party.id == COMMITTEE
    )
    party = said(found, registered.PartyRegistered).party
    key = op.app.signer(PLATFORM).public_key
    entry = again(op.consortium, found, party=replace(party, id="shadow", public_key=key))
    return Expected(entry=entry, words="the key of `shadow` is that of `platform`")


@lie("the data are graded so")
def a_second_grade(op: Operator) -> Outcome:
    """The asset is registered again, at level 1."""
    found = first(op.consortium, registered.AssetRegistered)
    asset = said(found, registered.AssetRegistered).asset
    entry = again(op.consortium, found, asset=replace(asset, level=1))
    return Expected(entry=entry, words="is registered a second time")


@lie("the data are graded so")
def a_wrong_grade_from_the_start(op: Operator) -> Outcome:
    """The platform registers an asset in the name of its holder, graded too low."""
    found = first(op.consortium, registered.AssetRegistered)
    asset = replace(said(found, registered.AssetRegistered).asset, id="x-records", level=1)
    again(op.consortium, found, asset=asset)
    return Unseen(who="the holder, which reads its own catalogue; from signed acts on, anybody")


@lie("somebody holds these data")
def an_asset_of_nobody(op: Operator) -> Outcome:
    """The holder of the asset is not registered."""
    found = first(op.consortium, registered.AssetRegistered)
    asset = replace(said(found, registered.AssetRegistered).asset, id="x", holder="nobody")
    entry = again(op.consortium, found, asset=asset)
    return Expected(entry=entry, words="is held by nobody who is registered")


@lie("this is the key of the node's log")
def a_second_key_of_a_node(op: Operator) -> Outcome:
    """The node is opened again, under a key of the platform's own making."""
    key = op.app.signer("somebody-else").public_key
    found = first(op.consortium, registered.NodeOpened)
    entry = again(op.consortium, found, log_key=key)
    return Expected(entry=entry, words="is opened a second time")


@lie("somebody acts")
def an_actor_who_is_not_registered(op: Operator) -> Outcome:
    """The one who acts is nobody in the registry."""
    what = registered.ProfileVouched(party="township-02", facts={})
    entry = forge(op.consortium, what, by="nobody")
    return Expected(entry=entry, words="`nobody` acts and is not registered")


@lie("a party was registered by whoever may do so")
def a_party_registered_by_nobody(op: Operator) -> Outcome:
    """The one who registers a party is nobody in the registry."""
    found = last(op.consortium, registered.PartyRegistered)
    party = replace(said(found, registered.PartyRegistered).party, id="new", hosted_by=None)
    entry = again(op.consortium, found, by="nobody", party=party)
    return Expected(entry=entry, words="`nobody` acts and is not registered")


@lie("the members adopted the rulebook")
def a_rulebook_adopted_by_nobody(op: Operator) -> Outcome:
    """The one who adopts is nobody in the registry."""
    entry = again(op.consortium, first(op.consortium, registered.RulebookAdopted), by="nobody")
    return Expected(entry=entry, words="`nobody` acts and is not registered")


@lie("a second committee speaks for the first")
def a_party_that_speaks_for_an_authority(op: Operator) -> Outcome:
    """The platform registers a party of its own making that speaks for the committee."""
    found = next(
        e
        for e in logged(op.consortium, registered.PartyRegistered)
        if said(e, registered.PartyRegistered).party.id == COMMITTEE
    )
    party = said(found, registered.PartyRegistered).party
    key = op.app.signer("own").public_key
    again(op.consortium, found, party=replace(party, id="own", public_key=key))
    return Unseen(who="the members, who read the register; later, the rule of m of n for keys")


@lie("the registry says something of the party")
def a_party_with_what_no_rule_reads(op: Operator) -> Outcome:
    """The registry entry of a new party has a fact that the rulebook does not know."""
    found = last(op.consortium, registered.PartyRegistered)
    key = op.app.signer("new").public_key
    party = replace(said(found, registered.PartyRegistered).party, id="new", public_key=key)
    entry = again(op.consortium, found, party=party, registry={"handler.unheard": True})
    return Expected(entry=entry, words="handler.unheard")
