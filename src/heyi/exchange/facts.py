"""Assembling the facts of one (request, asset), each with its source (a contract can only prove f(facts)).

From the request what the requester declares; from the catalogue what the data are; from profiles what the
institution's registry entry vouches for; from the registry who the parties are and who consented; from the case what
authorities attested. A derived fact is never assembled.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from heyi.catalogue.grade import select
from heyi.crypto.canonical import Json
from heyi.exchange.case import Case
from heyi.exchange.consortium import Consortium
from heyi.exchange.register import to_plain
from heyi.model.asset import Asset
from heyi.model.fact import Source, Stated
from heyi.policy.facts import Schema


def assemble(house: Consortium, case: Case, asset: Asset) -> dict[str, Stated]:
    """The stated facts of a case for one of its assets; a later and stronger statement replaces a weaker one."""
    request = case.request
    stated: dict[str, Stated] = {}

    def put(facts: dict[str, Any], source: Source, until: dt.date | None = None) -> None:
        for name, value in facts.items():
            spec = house.point.book.schema.spec(name)
            if name not in stated or stated[name].source <= source:
                stated[name] = Stated(value=spec.check(value), source=source, until=until)

    put(
        {
            "act.action": request["action"],
            "act.purpose": request["purpose"],
            "act.delivery": request["delivery"],
        },
        Source.DECLARED,
    )
    put(house.state.profiles.get(asset.holder, {}), Source.PROFILE)
    put(catalogue_facts(asset, request["kinds"]), Source.CATALOGUE)
    registry = house.state.registry
    put({n: v for n, v in registry[asset.holder].items() if n.startswith("handler.")}, Source.REGISTRY)
    put({n: v for n, v in registry[request["requester"]].items() if n.startswith("requester.")}, Source.REGISTRY)
    put({n: v for n, v in registry[request["recipient"]].items() if n.startswith("recipient.")}, Source.REGISTRY)
    same = request["recipient"] == asset.holder
    put({"recipient.same_handler": same, **({"recipient.kind": "self"} if same else {})}, Source.REGISTRY)
    for scope in ("*", asset.id):
        for name, statement in case.facts.get(scope, {}).items():
            until = dt.date.fromisoformat(statement["until"]) if statement.get("until") else None
            put({name: statement["value"]}, Source[statement["source"].upper()], until)
    return stated


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
