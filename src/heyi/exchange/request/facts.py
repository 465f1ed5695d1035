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
from heyi.exchange.case_file import Case
from heyi.exchange.events import applied
from heyi.exchange.request.register import to_plain
from heyi.exchange.state import State
from heyi.model.asset import Asset
from heyi.model.errors import InvalidInput
from heyi.model.fact import Source, Stated
from heyi.model.party import PartyKind
from heyi.policy.language.schema import Schema


@dataclass(frozen=True, slots=True, kw_only=True)
class Assembled:
    """Facts with their sources.

    `hidden` are the facts whose body is gone in the log that is read, though no event had said so
    yet: only an audit, which reads a log after its erasures, meets them.
    """

    stated: dict[str, Stated]
    hidden: dict[str, Hidden]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hidden:
    """A statement whose body is gone: its entry, and the source that its leaf still names."""

    entry: int
    source: Source


@dataclass(frozen=True, slots=True)
class _Claim:
    """One statement; `value` is None where its body is gone, `hidden` as in `Assembled`."""

    name: str
    value: Any
    source: Source
    until: dt.date | None = None
    hidden: Hidden | None = None


def assemble(state: State, schema: Schema, case: Case, asset: Asset) -> Assembled:
    """The facts of a case for one of its assets, from the fold of the log alone.

    INVARIANT: a statement from a weaker source never replaces one from a stronger source. Between
    equal sources the later statement holds, whether it is for all assets or for one.
    """
    held: dict[str, _Claim] = {}
    for claim in chain(
        _from_registers(state, schema, case, asset), _from_case(schema, case, asset)
    ):
        if claim.name not in held or held[claim.name].source <= claim.source:
            held[claim.name] = claim
    return Assembled(
        stated={
            name: Stated(
                value=schema.spec(name).check(claim.value), source=claim.source, until=claim.until
            )
            for name, claim in held.items()
            if claim.value is not None
        },
        hidden={name: claim.hidden for name, claim in held.items() if claim.hidden},
    )


def _from_registers(state: State, schema: Schema, case: Case, asset: Asset) -> Iterator[_Claim]:
    """What the request, the profile, the catalogue and the registry say."""
    request = case.request
    yield _Claim("act.action", request.action, Source.DECLARED)
    yield _Claim("act.purpose", request.purpose, Source.DECLARED)
    yield _Claim("act.delivery", request.delivery, Source.DECLARED)
    for name, value in state.profiles.get(asset.holder, {}).items():
        # another rulebook may have been in force when it was vouched
        if name in schema.facts and schema.spec(name).source is Source.PROFILE:
            yield _Claim(name, value, Source.PROFILE)
    for name, value in catalogue_facts(asset, request.kinds).items():
        yield _Claim(name, value, Source.CATALOGUE)
    entries = (
        ("handler.", asset.holder),
        ("requester.", request.requester),
        ("recipient.", request.recipient),
    )
    for prefix, party in entries:
        for name, value in state.registry[party].items():
            if name.startswith(prefix):
                yield _Claim(name, value, Source.REGISTRY)
    tier = state.parties[asset.holder].tier.value
    if "handler.tier" in schema.facts and tier in schema.spec("handler.tier").values:
        yield _Claim("handler.tier", tier, Source.REGISTRY)
    # derived from the registry, whatever the requester declares
    same = request.recipient == asset.holder
    yield _Claim("recipient.same_handler", same, Source.REGISTRY)
    if same:
        yield _Claim("recipient.kind", "self", Source.REGISTRY)


def _from_case(schema: Schema, case: Case, asset: Asset) -> Iterator[_Claim]:
    """What was stated for the case, for this asset or for all, in the order of the log.

    What may not be stated by the rulebook in force counts for nothing, though another one let it.
    """
    for s in case.statements.values():
        answers = s.name.startswith("approval.")
        if s.asset in ("*", asset.id) and (answers or not said_elsewhere([s.name], schema)):
            source, gone = Source[s.source.upper()], s.value is None and not s.erased
            hidden = Hidden(entry=s.index, source=source) if gone else None
            yield _Claim(s.name, s.value, source, s.until, hidden)


OF_THE_REQUEST = ("act.action", "act.purpose", "act.delivery")
"""Facts that the request itself is: said once more, a case would be judged for another purpose."""

OTHERS_SAY = ("recipient.", "handler.", "requester.member", "requester.records_role", "approval.")
"""Beginnings of facts that come from parties' entries in the registry, or from approvals."""


def may_not_state(
    state: State,
    case: Case,
    *,
    by: str,
    source: Source,
    names: Collection[str],
    schema: Schema | None,
) -> str | None:
    """Why a party may not state these facts from this source; None if it may.

    The requester declares, the operator states what its registry says, and an authority attests.
    Facts of profiles, of the catalogue, of parties and of approvals come from other kinds of
    events; stated here, a strong source could replace what an institution has vouched for.
    """
    if why := said_elsewhere(names, schema):
        return why
    allowed = {
        Source.DECLARED: by == case.request.requester,
        Source.REGISTRY: state.parties[by].kind is PartyKind.OPERATOR,
        Source.ATTESTED: state.parties[by].kind is PartyKind.AUTHORITY,
    }
    return None if allowed.get(source) else f"`{by}` may not state facts as {source.label}"


def said_elsewhere(names: Collection[str], schema: Schema | None) -> str:
    """Why one of these facts is not stated for a case, empty if all may be."""
    for name in names:
        if name.startswith("approval."):
            return f"`{name}` is an approval, which its authority signs"
        if name in OF_THE_REQUEST:
            return f"`{name}` is what the request asks for, and not stated for it once more"
        spec = schema.facts.get(name) if schema else None
        elsewhere = spec is not None and spec.source in (Source.PROFILE, Source.CATALOGUE)
        if elsewhere or (schema and name.startswith(OTHERS_SAY)):
            return f"`{name}` is registered with its party or asset, and not stated for a case"
    return ""


def catalogue_facts(asset: Asset, kinds: Collection[str]) -> dict[str, Any]:
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


def said_by(stated: Mapping[str, Stated]) -> dict[str, applied.SaidBy]:
    """Stated facts as they are in the body of a decision."""
    return {
        name: applied.SaidBy(value=to_plain(s.value), source=s.source.label, until=s.until)
        for name, s in sorted(stated.items())
    }


def stated_of(schema: Schema, said: Mapping[str, applied.SaidBy]) -> dict[str, Stated]:
    """The inverse of `said_by`.

    Raises:
        InvalidInput: an unknown fact, source or value.
    """
    try:
        return {
            name: Stated(
                value=schema.spec(name).check(s.value),
                source=Source[s.source.upper()],
                until=s.until,
            )
            for name, s in said.items()
        }
    except KeyError as e:
        raise InvalidInput(f"{e} is no source of facts") from None
