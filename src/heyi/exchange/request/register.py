"""Register the rulebook, the parties, what is vouched for them, and the assets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from heyi.catalogue.table import Table
from heyi.crypto.canonical import Json, canonical
from heyi.crypto.codec import to_json
from heyi.exchange.consortium import Consortium
from heyi.exchange.state import asset_to_json
from heyi.model.asset import Asset
from heyi.model.errors import InvalidInput
from heyi.model.fact import Source, Value
from heyi.model.party import Party
from heyi.policy.engines.packed import layout
from heyi.policy.language.schema import Schema


def adopt_rulebook(consortium: Consortium) -> None:
    """Keep the texts of the rulebook with the log, and log their digest."""
    book = consortium.point.book
    consortium.artefacts.put_artefact(book.digest, canonical(dict(book.texts)))
    public = {"digest": book.digest, "layout": layout(book.schema), "rules": len(book.rules)}
    consortium.write(consortium.draft("rulebook.adopted", public=public))


def register_party(
    consortium: Consortium, party: Party, registry: Mapping[str, Value] | None = None
) -> None:
    """Register a party with the facts about it that the registry has checked.

    Raises:
        InvalidInput: its id is taken, its host is unknown, or a fact needs a stronger source.
    """
    if party.id in consortium.state.parties:
        raise InvalidInput(
            f"party `{party.id}` is registered already", hint="register a correction instead"
        )
    if party.hosted_by is not None:
        consortium.party(party.hosted_by)
    facts = plain(consortium.point.book.schema, registry or {}, at_most=Source.REGISTRY)
    consortium.write(
        consortium.draft("party.registered", public={**to_json(party), "registry": facts})
    )


def open_node(consortium: Consortium, host: str, *, origin: str, log_key: str) -> None:
    """Log the key of a node's own log, so that an outsider can check that log too."""
    consortium.party(host)
    public = {"host": host, "origin": origin, "log_key": log_key}
    consortium.write(consortium.draft("node.opened", actor=host, public=public))


def vouch_profile(consortium: Consortium, party: str, facts: Mapping[str, Value]) -> None:
    """Vouch for an institution's organisation: notice, impact assessment, contracts, minors."""
    consortium.party(party)
    checked = plain(consortium.point.book.schema, facts, at_most=Source.PROFILE)
    consortium.write(consortium.draft("profile.vouched", public={"party": party, "facts": checked}))


def grade_import(
    table: Table, *, asset_id: str, holder: str, zh: str, en: str, origin: str, secret: bool
) -> Asset:
    """Grade a table at its institution, and count its persons.

    The holder's steward states `origin` and `secret`; no import can find them out. A record
    without a valid identity number counts as one person.
    """
    # an auditor reads what was registered, and needs no reader of columns
    from heyi.catalogue.grade import grade
    from heyi.catalogue.harmonise import decode, persons

    asset = grade(table, asset_id=asset_id, holder=holder, zh=zh, en=en)
    kinds = {f.kind for f in asset.fields}
    youngest = None
    if "age" in kinds or {"birth_date", "visit_date"} <= kinds:
        ages = decode(table, asset, ["age"]).values["age"]
        known = ages[ages == ages]  # NaN, the mark of a missing value, does not equal itself
        youngest = int(known.min()) if known.size else None
    ids = persons(table, asset)
    counted = len({i for i in ids if i is not None}) + sum(i is None for i in ids)
    return replace(asset, youngest=youngest, persons=counted, origin=origin, secret=secret)


def register_asset(consortium: Consortium, asset: Asset) -> None:
    """Register a graded asset under its holder.

    Raises:
        InvalidInput: its holder is unknown, or its id is taken.
    """
    consortium.party(asset.holder)
    if asset.id in consortium.state.assets:
        raise InvalidInput(
            f"asset `{asset.id}` is registered already", hint="give the new export an id of its own"
        )
    consortium.write(
        consortium.draft("asset.registered", actor=asset.holder, public=asset_to_json(asset))
    )


def plain(schema: Schema, facts: Mapping[str, Value], *, at_most: Source) -> dict[str, Json]:
    """Facts in JSON.

    Raises:
        InvalidInput: an unknown fact, a wrong value, or the schema asks for a stronger source.
    """
    checked: dict[str, Json] = {}
    for name, value in facts.items():
        spec = schema.spec(name)
        if spec.source > at_most:
            raise InvalidInput(
                f"`{name}` needs a {spec.source.label} source", hint=f"this one is {at_most.label}"
            )
        checked[name] = to_plain(spec.check(value))
    return checked


def to_plain(value: Value) -> Json:
    """A fact's value in JSON: sets sorted, dates in ISO form."""
    if isinstance(value, frozenset):
        return sorted(value)
    return value if isinstance(value, (bool, int, str)) else value.isoformat()
