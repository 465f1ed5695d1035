"""Register the rulebook, the parties, what is vouched for them, and the assets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from heyi.catalogue.table import Table
from heyi.consent.registry import Withdrawal
from heyi.crypto.canonical import Json, canonical
from heyi.crypto.keys import load_public_key
from heyi.exchange.consortium import Consortium, command
from heyi.exchange.events import applied, registered, used
from heyi.exchange.events.event_kinds import read_entry
from heyi.exchange.ports import ToldNode
from heyi.exchange.projections import NOTICE
from heyi.exchange.request.leave_to_pay import reserved_asset
from heyi.exchange.writer import Done
from heyi.model.asset import Asset
from heyi.model.errors import InvalidInput, VerificationError
from heyi.model.fact import Source, Value
from heyi.model.party import Party
from heyi.policy.engines.packed import layout
from heyi.policy.language.schema import Schema


@command
def adopt_rulebook(consortium: Consortium, *, by: str) -> Done[None]:
    """Keep the texts of the rulebook with the log, and log their digest."""
    book = consortium.point.book
    # before the event that names them: texts that no event names do no harm
    consortium.artefacts.put_artefact(book.digest, canonical(dict(book.texts)))
    adopted = registered.RulebookAdopted(
        digest=book.digest, layout=layout(book.schema), rules=len(book.rules)
    )
    return Done([consortium.draft(adopted, by=by)], None)


@command
def register_party(
    consortium: Consortium,
    party: Party,
    registry: Mapping[str, Value] | None = None,
    *,
    by: str,
) -> Done[None]:
    """Register a party with the facts about it that the registry has checked.

    Raises:
        InvalidInput: its id or its key is taken, its key is none, its host is unknown, or a fact
            needs a stronger source.
    """
    if party.id in consortium.state.parties:
        raise InvalidInput(
            f"party `{party.id}` is registered already", hint="register a correction instead"
        )
    load_public_key(party.public_key)  # not one under which anybody can sign
    # who has two names could approve its own request
    for other in consortium.state.parties.values():
        if other.public_key == party.public_key:
            raise InvalidInput(
                f"the key of `{party.id}` is that of `{other.id}`",
                hint="each party makes a key of its own",
            )
    if party.hosted_by is not None:
        consortium.party(party.hosted_by)
    facts = plain(consortium.point.book.schema, registry or {}, at_most=Source.REGISTRY)
    known = registered.PartyRegistered(party=party, registry=facts)
    return Done([consortium.draft(known, by=by)], None)


def open_node(
    consortium: Consortium, host: str, *, origin: str, log_key: str, by: str, node: ToldNode
) -> None:
    """Tell a node who withdrew before, then log the key of its own log for outsiders to check.

    Hold `consortium.telling` until it is connected, or it may miss a withdrawal. If it cannot be
    opened, do it again: the node is not told twice.

    Raises:
        InvalidInput: the host is unknown, or its node was opened before.
        VerificationError: the token of a withdrawal is gone.
    """
    with consortium.telling:
        _check_new(consortium, host)
        _tell_earlier(consortium, host, node)
        _log_opening(consortium, host, origin=origin, log_key=log_key, by=by)


def _check_new(consortium: Consortium, host: str) -> None:
    consortium.party(host)
    with consortium.writer.lock:
        if host in consortium.state.nodes:
            raise InvalidInput(
                f"the node of `{host}` was opened before", hint="use the one there is"
            )


def _tell_earlier(consortium: Consortium, host: str, node: ToldNode) -> None:
    """Tell a node all withdrawals so far, and the revocations of permits for it."""
    known = node.withdrawals
    for stored in consortium.log.store.stream(NOTICE):
        entry = read_entry(stored)
        match entry.what:
            case used.ConsentWithdrawn(scope=scope):
                if known > 0:
                    known -= 1
                    continue
                subject = entry.content(used.Subject)
                if subject is None:
                    raise VerificationError(
                        f"the node of `{host}` cannot be told who withdrew in entry {entry.index}, "
                        "since the token is gone",
                        hint="restore the log from a backup that has it",
                    )
                node.withdraw(Withdrawal(token=subject.token, scope=scope, at=entry.at))
            case applied.PermitRevoked(permit=permit):
                if consortium.party(consortium.asset(_asset_of(permit)).holder).host == host:
                    node.revoke(permit, entry.at)


def _asset_of(permit: str) -> str:
    """The asset of a permit, whose id is that of its case, a dot, and that of its asset."""
    return permit.partition(".")[2]


@command
def _log_opening(
    consortium: Consortium, host: str, *, origin: str, log_key: str, by: str
) -> Done[None]:
    _check_new(consortium, host)
    opened = registered.NodeOpened(host=host, origin=origin, log_key=log_key)
    return Done([consortium.draft(opened, by=by)], None)


@command
def vouch_profile(
    consortium: Consortium, party: str, facts: Mapping[str, Value], *, by: str
) -> Done[None]:
    """Vouch for an institution's organisation: notice, impact assessment, contracts, minors.

    Raises:
        InvalidInput: an unknown party, or a fact that belongs to no profile.
    """
    consortium.party(party)
    schema = consortium.point.book.schema
    checked = plain(schema, facts, at_most=Source.PROFILE)
    # a declared fact in a profile would replace what requests declare
    if other := [n for n in checked if schema.spec(n).source is not Source.PROFILE]:
        raise InvalidInput(f"`{other[0]}` is no fact of a profile", hint="let requests declare it")
    vouched = registered.ProfileVouched(party=party, facts=checked)
    return Done([consortium.draft(vouched, by=by)], None)


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


@command
def register_asset(consortium: Consortium, asset: Asset, *, by: str) -> Done[None]:
    """Register a graded asset under its holder.

    Raises:
        InvalidInput: its holder is unknown, or its id is taken.
    """
    consortium.party(asset.holder)
    if asset.id in consortium.state.assets:
        raise InvalidInput(
            f"asset `{asset.id}` is registered already", hint="give the new export an id of its own"
        )
    if why := reserved_asset(consortium.state, asset):
        raise InvalidInput(why, hint="give the asset another id")
    return Done([consortium.draft(registered.AssetRegistered(asset=asset), by=by)], None)


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
