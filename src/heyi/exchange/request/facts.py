"""Assembling the facts of one (request, asset), each with its source (a contract can only prove f(facts)).

From the request what the requester declares; from the catalogue what the data are; from profiles what the
institution's registry entry vouches for; from the registry who the parties are and who consented; from the case what
authorities attested. A derived fact is never assembled.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from heyi.catalogue.grade import select
from heyi.crypto.canonical import Json
from heyi.exchange.request.register import to_plain
from heyi.exchange.state import Case, State
from heyi.model.asset import Asset
from heyi.model.fact import Source, Stated
from heyi.model.party import PartyKind
from heyi.policy.language.schema import Schema


@dataclass(frozen=True, slots=True, kw_only=True)
class Assembled:
    """Facts with their sources; `erased` names those whose statement was erased and which are unknown since."""

    stated: dict[str, Stated]
    erased: frozenset[str]


def assemble(state: State, schema: Schema, case: Case, asset: Asset) -> Assembled:
    """The facts of a case for one of its assets, from the fold of the log alone.

    A later statement replaces an earlier one from a source that is no stronger; a weaker one never replaces a
    stronger one, whatever its place or its scope.
    """
    request = case.request
    held: dict[str, tuple[Source, Stated | None]] = {}

    def put(name: str, value: Any, source: Source, until: str | None = None) -> None:
        if name in held and held[name][0] > source:
            return
        last = dt.date.fromisoformat(until) if until else None
        stated = (
            None
            if value is None
            else Stated(value=schema.spec(name).check(value), source=source, until=last)
        )
        held[name] = (source, stated)

    for name in ("action", "purpose", "delivery"):
        put(f"act.{name}", request[name], Source.DECLARED)
    for name, value in state.profiles.get(asset.holder, {}).items():
        put(name, value, Source.PROFILE)
    for name, value in catalogue_facts(asset, request["kinds"]).items():
        put(name, value, Source.CATALOGUE)
    entries = (
        ("handler.", asset.holder),
        ("requester.", request["requester"]),
        ("recipient.", request["recipient"]),
    )
    for prefix, party in entries:
        for name, value in state.registry[party].items():
            if name.startswith(prefix):
                put(name, value, Source.REGISTRY)
    tier = state.parties[asset.holder].tier.value
    if "handler.tier" in schema.facts and tier in schema.spec("handler.tier").values:
        put("handler.tier", tier, Source.REGISTRY)
    same = request["recipient"] == asset.holder
    put("recipient.same_handler", same, Source.REGISTRY)
    if same:
        put("recipient.kind", "self", Source.REGISTRY)
    for s in case.statements:
        if s.asset in ("*", asset.id):
            put(s.name, s.value, Source[s.source.upper()], s.until)
    return Assembled(
        stated={name: stated for name, (_, stated) in held.items() if stated is not None},
        erased=frozenset(name for name, (_, stated) in held.items() if stated is None),
    )


def may_not_state(
    state: State, case: Case, *, by: str, source: Source, names: Collection[str]
) -> str | None:
    """Why a party may not state facts from a source, or None.

    The requester declares, the operator's registry answers, an authority attests. Profiles and the catalogue speak
    through their own events, and an approval is an event that the authority signs.
    """
    if approvals := [n for n in names if n.startswith("approval.")]:
        return f"`{approvals[0]}` is an approval, which its authority signs"
    allowed = {
        Source.DECLARED: by == case.request["requester"],
        Source.REGISTRY: state.parties[by].kind is PartyKind.OPERATOR,
        Source.ATTESTED: state.parties[by].kind is PartyKind.AUTHORITY,
    }
    return None if allowed.get(source) else f"`{by}` may not state facts as {source.label}"


def catalogue_facts(asset: Asset, kinds: list[str]) -> dict[str, Any]:
    """What the catalogue knows about the requested fields of an asset."""
    chosen = select(asset, kinds)
    facts: dict[str, Any] = {
        "data.personal": chosen.personal,
        "data.level": chosen.level,
        "data.national": asset.national_level.value,
        "data.deid_grade": chosen.deid_grade,
        "data.special": sorted(chosen.special),
        "data.genetic": "information" if chosen.genetic else "none",
        "data.free_text": chosen.free_text,
        "data.health": chosen.health,
        "data.prescriber_totals": "prescribing_statistics" in kinds,
        "genetic.sequenced": asset.rows if chosen.genetic else 0,
    }
    stated = {
        "subjects.count": asset.persons,
        "subjects.min_age": asset.youngest,
        "data.origin": asset.origin,
        "data.secret": asset.secret,
        "data.sharing": None if asset.origin in (None, "government") else "none",
    }
    return facts | {name: value for name, value in stated.items() if value is not None}


def stated_to_json(stated: dict[str, Stated]) -> dict[str, Json]:
    """Statements in JSON, for the body of a decision."""
    return {
        name: {
            "value": to_plain(s.value),
            "source": s.source.label,
            "until": s.until.isoformat() if s.until else None,
        }
        for name, s in sorted(stated.items())
    }


def stated_from_json(schema: Schema, value: dict[str, Json]) -> dict[str, Stated]:
    """The inverse of `stated_to_json`."""
    return {
        name: Stated(
            value=schema.spec(name).check(s["value"]),
            source=Source[s["source"].upper()],
            until=dt.date.fromisoformat(s["until"]) if s["until"] else None,
        )
        for name, s in value.items()
    }
