"""Registering: the consortium's rulebook, its parties, what the registry vouches for, its assets."""

from __future__ import annotations

from collections.abc import Mapping

from heyi.crypto.canonical import Json, canonical
from heyi.exchange.case import asset_to_json, party_to_json
from heyi.exchange.consortium import Consortium
from heyi.model.asset import Asset
from heyi.model.errors import InvalidInput
from heyi.model.fact import Source, Value
from heyi.model.party import Party
from heyi.policy.facts import Schema
from heyi.policy.words import layout


def adopt_rulebook(house: Consortium) -> None:
    """Keep the rulebook's texts and log their digest."""
    book = house.point.book
    house.artefacts.put_artefact(book.digest, canonical(dict(book.texts)))
    public = {"digest": book.digest, "layout": layout(book.schema), "rules": len(book.rules)}
    house.write(house.draft("rulebook.adopted", public=public))


def register_party(house: Consortium, party: Party, registry: Mapping[str, Value] | None = None) -> None:
    """Register a party with the facts about it that the registry itself has checked."""
    if party.id in house.state.parties:
        raise InvalidInput(f"party `{party.id}` is registered already", hint="register a correction instead")
    if party.hosted_by is not None:
        house.party(party.hosted_by)
    facts = plain(house.point.book.schema, registry or {}, at_most=Source.REGISTRY)
    house.write(house.draft("party.registered", public={**party_to_json(party), "registry": facts}))


def open_node(house: Consortium, host: str, *, origin: str, log_key: str) -> None:
    """Log the key of a node's own log, so that an outsider can check that log too."""
    house.party(host)
    public = {"host": host, "origin": origin, "log_key": log_key}
    house.write(house.draft("node.opened", actor=host, public=public))


def vouch_profile(house: Consortium, party: str, facts: Mapping[str, Value]) -> None:
    """Vouch for an institution's organisational basics: notice, impact assessment, contracts, rules for minors."""
    house.party(party)
    checked = plain(house.point.book.schema, facts, at_most=Source.PROFILE)
    house.write(house.draft("profile.vouched", public={"party": party, "facts": checked}))


def register_asset(house: Consortium, asset: Asset) -> None:
    """Register a graded asset under its holder."""
    house.party(asset.holder)
    if asset.id in house.state.assets:
        raise InvalidInput(f"asset `{asset.id}` is registered already", hint="give the new export an id of its own")
    house.write(house.draft("asset.registered", actor=asset.holder, public=asset_to_json(asset)))


def plain(schema: Schema, facts: Mapping[str, Value], *, at_most: Source) -> dict[str, Json]:
    """Facts in JSON, refused where the schema asks for a stronger source than this one."""
    checked: dict[str, Json] = {}
    for name, value in facts.items():
        spec = schema.spec(name)
        if spec.source > at_most:
            raise InvalidInput(f"`{name}` needs a {spec.source.label} source", hint=f"this one is {at_most.label}")
        checked[name] = to_plain(spec.check(value))
    return checked


def to_plain(value: Value) -> Json:
    """A fact's value in JSON: sets sorted, dates in ISO form."""
    if isinstance(value, frozenset):
        return sorted(value)
    return value if isinstance(value, (bool, int, str)) else value.isoformat()
