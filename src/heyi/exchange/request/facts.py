"""Assemble the facts of one request and one of its assets, each with its source.

The request has what the requester declares, the catalogue what the data are, a profile what is
vouched for the institution, the registry who the parties are, and the case what authorities attest.
A derived fact is never assembled: the rulebook computes it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
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
    """Facts with their sources; `erased` names those that are unknown since a body was erased."""

    stated: dict[str, Stated]
    erased: frozenset[str]


_Said = tuple[str, Any, Source, str | None]
"""One statement: fact, value (None where it was erased), source, last day on which it holds."""


def assemble(state: State, schema: Schema, case: Case, asset: Asset) -> Assembled:
    """The facts of a case for one of its assets, from the fold of the log alone.

    INVARIANT: a statement from a weaker source never replaces one from a stronger source. Between
    equal sources the later statement holds, whether it is for all assets or for one.
    """
    held: dict[str, tuple[Source, Stated | None]] = {}
    for name, value, source, until in chain(
        _from_registers(state, schema, case.request, asset), _from_case(case, asset)
    ):
        if name in held and held[name][0] > source:
            continue
        last = dt.date.fromisoformat(until) if until else None
        stated = None
        if value is not None:
            stated = Stated(value=schema.spec(name).check(value), source=source, until=last)
        held[name] = (source, stated)
    return Assembled(
        stated={name: stated for name, (_, stated) in held.items() if stated is not None},
        erased=frozenset(name for name, (_, stated) in held.items() if stated is None),
    )


def _from_registers(
    state: State, schema: Schema, request: Mapping[str, Json], asset: Asset
) -> Iterator[_Said]:
    """What the request, the profile, the catalogue and the registry say."""
    for name in ("action", "purpose", "delivery"):
        yield f"act.{name}", request[name], Source.DECLARED, None
    for name, value in state.profiles.get(asset.holder, {}).items():
        yield name, value, Source.PROFILE, None
    for name, value in catalogue_facts(asset, request["kinds"]).items():
        yield name, value, Source.CATALOGUE, None
    entries = (
        ("handler.", asset.holder),
        ("requester.", request["requester"]),
        ("recipient.", request["recipient"]),
    )
    for prefix, party in entries:
        for name, value in state.registry[party].items():
            if name.startswith(prefix):
                yield name, value, Source.REGISTRY, None
    tier = state.parties[asset.holder].tier.value
    if "handler.tier" in schema.facts and tier in schema.spec("handler.tier").values:
        yield "handler.tier", tier, Source.REGISTRY, None
    # derived from the registry, whatever the requester declares
    same = request["recipient"] == asset.holder
    yield "recipient.same_handler", same, Source.REGISTRY, None
    if same:
        yield "recipient.kind", "self", Source.REGISTRY, None


def _from_case(case: Case, asset: Asset) -> Iterator[_Said]:
    """What was stated for the case, for this asset or for all, in the order of the log."""
    for s in case.statements:
        if s.asset in ("*", asset.id):
            yield s.name, s.value, Source[s.source.upper()], s.until


def may_not_state(
    state: State, case: Case, *, by: str, source: Source, names: Collection[str]
) -> str | None:
    """Why a party may not state these facts from this source; None if it may.

    The requester declares, the operator states what its registry says, and an authority attests.
    Facts of profiles, of the catalogue and of approvals come from other kinds of events.
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
    """What the catalogue knows about the requested kinds of fields of an asset."""
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
    """Stated facts in JSON, as they are in the body of a decision."""
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
