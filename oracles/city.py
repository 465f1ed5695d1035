"""A city's platform in a folder, with as many requests as one likes: for benches and tests.

Requests come through the use cases, or, for very long logs, as clones of one that did.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from heyi.app.centre import App, found
from heyi.county.cast import INSTITUTION, PROFILE
from heyi.crypto.canonical import digest
from heyi.exchange.consortium import PLATFORM, Consortium
from heyi.exchange.events.event_kinds import read_entry
from heyi.exchange.events.typed import Act, Content, TypedEvent, draft
from heyi.exchange.projections import CASE, stream, streams_of, summary_of
from heyi.exchange.request.apply import decide, submit, supply
from heyi.exchange.request.facts import OF_THE_REQUEST, OTHERS_SAY
from heyi.exchange.request.register import (
    adopt_rulebook,
    register_asset,
    register_party,
    vouch_profile,
)
from heyi.exchange.state import State
from heyi.model.asset import Asset, Field, Identifier, Reason
from heyi.model.fact import Source, Value
from heyi.model.party import Party, PartyKind, Tier
from heyi.model.request import Request
from heyi.policy.language.profiles import expand_profiles

HOSPITAL, PHYSICIAN, OFFICE = "city-hospital", "city-physician", "city-office"
ASSET = f"{HOSPITAL}-records"

KINDS = ("birth_date", "sex", "sbp", "visit_date")
GROUP = 500
"""Events under one checkpoint in a generated log."""


@dataclass(slots=True)
class City:
    """An open platform, and the facts of a request that its hospital may grant at once."""

    app: App
    facts: dict[Source, dict[str, Value]]
    acts: dict[str, str]

    @property
    def consortium(self) -> Consortium:
        return self.app.consortium

    def request(self, name: str) -> Request:
        return Request(
            id=name,
            zh="查阅患者记录",
            en="read a patient's record",
            requester=PHYSICIAN,
            recipient=HOSPITAL,
            assets=(ASSET,),
            kinds=KINDS,
            action=self.acts["act.action"],
            purpose=self.acts["act.purpose"],
            delivery=self.acts["act.delivery"],
            declared=self.facts[Source.DECLARED],
        )

    def ask(self, name: str) -> None:
        """One request through four use cases: submitted, stated twice, decided."""
        c = self.consortium
        submit(c, self.request(name), by=PHYSICIAN)
        supply(c, name, self.facts[Source.REGISTRY], by=PLATFORM, source=Source.REGISTRY)
        supply(c, name, self.facts[Source.ATTESTED], by=OFFICE, source=Source.ATTESTED)
        decide(c, name, by=PLATFORM)


def open_city(directory: Path, *, seed: int = 1, store: str = "") -> City:
    """Found a platform with a hospital, a physician and an office that attests.

    `store` is the address of an empty database for its log; without it, the log is a file.
    """
    return _city(found(directory, seed=seed, what="city", store=store))


def _city(app: App) -> City:
    c = app.consortium
    adopt_rulebook(c, by=PLATFORM)
    for name, kind, tier in (
        (PLATFORM, PartyKind.OPERATOR, Tier.CITY),
        (OFFICE, PartyKind.AUTHORITY, Tier.CITY),
        (HOSPITAL, PartyKind.INSTITUTION, Tier.CITY),
        (PHYSICIAN, PartyKind.REQUESTER, Tier.CITY),
    ):
        key = app.signer(name).public_key
        party = Party(id=name, kind=kind, tier=tier, zh=name, en=name, public_key=key)
        register_party(c, party, INSTITUTION if name == HOSPITAL else {}, by=PLATFORM)
    vouch_profile(c, HOSPITAL, PROFILE, by=PLATFORM)
    register_asset(c, _asset(), by=HOSPITAL)
    return city_of(app)


def city_of(app: App) -> City:
    """The city of a platform that `open_city` founded before."""
    book = app.consortium.point.book
    facts: dict[Source, dict[str, Value]] = {s: {} for s in Source}
    for name, value in expand_profiles(["treatment"], book.texts).items():
        spec = book.schema.spec(name)
        if not name.startswith(OTHERS_SAY):
            facts[spec.source][name] = spec.check(value)
    acts = {name: str(facts[Source.DECLARED].pop(name)) for name in OF_THE_REQUEST}
    return City(app, facts, acts)


def _asset() -> Asset:
    why = Reason(zh="就诊记录", en="records of visits")
    return Asset(
        id=ASSET,
        holder=HOSPITAL,
        zh="就诊记录",
        en="visits",
        fields=tuple(
            Field(heading=k, kind=k, identifier=Identifier.QUASI, level=3, reason=why)
            for k in KINDS
        ),
        level=3,
        level_reason=why,
        deid_grade=2,
        rows=100_000,
        duplicates=0,
        encoding="utf-8",
        digest=digest("visits").removeprefix("sha256:"),
        persons=60_000,
        youngest=18,
        origin="care",
        secret=False,
    )


def grow(city: City, events: int, *, rounds: int = 8) -> Iterator[int]:
    """Lengthen the log to `events` entries with clones of one request, and yield its size.

    Each clone is submitted, then stated twice and decided in each of `rounds`; every decision
    replays. Streams and summaries are kept as the writer keeps them.
    """
    city.ask("template")
    c = city.consortium
    kept = [read_entry(e) for e in c.log.store.stream(stream(CASE, "template"))]
    submitted, *again = ((e.actor, e.what, e.body) for e in kept)
    at, n = c.now, 0
    while c.log.size < events:
        acts: list[tuple[str, Act]] = []
        while len(acts) < GROUP:
            n += 1
            name = f"case-{n:07d}"
            acts += _clone(name, submitted, again, rounds, at)
        _keep(c, acts[: events - c.log.size])
        yield c.log.size


Part = tuple[str, TypedEvent, Content | None]


def _clone(
    name: str, submitted: Part, again: list[Part], rounds: int, at: int
) -> Iterator[tuple[str, Act]]:
    from msgspec import structs

    actor, what, body = submitted
    yield name, draft(structs.replace(what, id=name), at=at, by=actor, case=name, body=body)
    for _ in range(rounds):
        for actor, what, body in again:
            yield name, draft(what, at=at, by=actor, case=name, body=body)


def _keep(c: Consortium, acts: list[tuple[str, Act]]) -> None:
    """Keep a group of events with their projections, as the writer does."""
    state = State()
    with c.log.group() as group:
        entries = group.add([act.draft for _, act in acts])
        rows = []
        for entry, (_, act) in zip(entries, acts, strict=True):
            logged = act.logged(entry.index)
            if logged.case in state.cases or act.what.KIND == "request.submitted":
                state.apply(logged)
            rows += [(name, logged.index) for name in streams_of(logged)]
        group.index(rows)
        summaries = (summary_of(state, name) for name in dict.fromkeys(n for n, _ in rows))
        group.summarise([s for s in summaries if s is not None])
