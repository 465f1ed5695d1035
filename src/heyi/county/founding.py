"""Found the county of the demo: parties, nodes, files and assets."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from heyi.catalogue.table import Table
from heyi.county.cast import INSTITUTION, PROFILE, ROLES
from heyi.county.exports import Export, write_county
from heyi.county.places import COUNTY_EN, COUNTY_ZH, PLACES
from heyi.crypto.canonical import digest
from heyi.crypto.keys import Signer
from heyi.exchange.consortium import PLATFORM, Consortium
from heyi.exchange.request.register import (
    adopt_rulebook,
    register_asset,
    register_party,
    vouch_profile,
)
from heyi.federation.node.node import Node, Records
from heyi.model.asset import Asset
from heyi.model.party import Party, PartyKind


class DemoConsortium(Protocol):
    """The part of the composed consortium that the story needs; `heyi.app` provides it."""

    @property
    def consortium(self) -> Consortium: ...

    def forward(self, seconds: int) -> None: ...

    def signer(self, party: str) -> Signer: ...

    def open_node(self, host: str, holders: Sequence[str]) -> Node: ...

    def node(self, host: str) -> Node: ...

    def import_file(
        self,
        path: Path,
        *,
        host: str,
        asset_id: str,
        holder: str,
        zh: str,
        en: str,
        origin: str,
        secret: bool,
    ) -> Asset: ...

    def import_table(
        self,
        table: Table,
        *,
        host: str,
        asset_id: str,
        holder: str,
        zh: str,
        en: str,
        origin: str,
        secret: bool,
    ) -> Asset: ...

    @property
    def records(self) -> Mapping[str, Records]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """One line of progress in both languages."""

    zh: str
    en: str


Tell = Callable[[Telling], None]

UNPREPARED = "township-12"
"""The health centre without an impact assessment; there the same request has another answer."""

WITHOUT_MINOR_RULES = "township-11"
"""The health centre that sees children and has no rules for minors."""


def records_of(place: str) -> str:
    """The id of the asset with the export of an institution."""
    return f"{place}-records"


def raise_county(
    demo: DemoConsortium, directory: Path, *, seed: int, persons: int, tell: Tell
) -> tuple[Export, ...]:
    """Write the files, found the consortium, open the nodes, import and grade every file."""
    tell(
        Telling(
            zh="各机构导出数据：编码、表头、代码各不相同",
            en="institutions export their data, each in its own way",
        )
    )
    exports = write_county(directory / "institutions", seed=seed, persons=persons)
    consortium = demo.consortium
    adopt_rulebook(consortium, by=PLATFORM)
    for role in ROLES:
        party = Party(
            id=role.id,
            kind=role.kind,
            tier=role.tier,
            zh=role.zh,
            en=role.en,
            public_key=demo.signer(role.id).public_key,
            speaks_for=role.speaks_for,
        )
        register_party(consortium, party, role.registry, by=PLATFORM)
    for place in PLACES:
        party = Party(
            id=place.id,
            kind=PartyKind.INSTITUTION,
            tier=place.tier,
            zh=place.zh,
            en=place.en,
            public_key=demo.signer(place.id).public_key,
            hosted_by=place.hosted_by,
        )
        register_party(consortium, party, INSTITUTION, by=PLATFORM)
        profile = dict(PROFILE)
        if place.id == UNPREPARED:
            profile["evidence.impact_assessment"] = False
        if place.id == WITHOUT_MINOR_RULES:
            profile["handler.minor_rules"] = False
        vouch_profile(consortium, place.id, profile, by=PLATFORM)
    for place in PLACES:
        if place.hosted_by is None:
            demo.open_node(place.id, [p.id for p in PLACES if place.id in (p.id, p.hosted_by)])
    tell(
        Telling(
            zh=f"{len(exports)} 份文件入目录：识别编码与字段，逐项定级",
            en=f"{len(exports)} files are graded",
        )
    )
    for export in exports:
        place = export.place
        asset = demo.import_file(
            export.path,
            host=place.hosted_by or place.id,
            asset_id=records_of(place.id),
            holder=place.id,
            zh=f"{place.zh}就诊与随访记录",
            en=f"Visits and follow-up of {place.en}",
            origin="care",
            secret=False,
        )
        register_asset(consortium, asset, by=place.id)
        demo.forward(60)
    _beds(demo)
    return exports


def _beds(demo: DemoConsortium) -> None:
    """Register an asset without persons: the free beds of the county hospital."""
    rows = tuple((f"{COUNTY_ZH}人民医院", str(n)) for n in (12, 7, 31, 4, 18))
    table = Table(
        headings=("机构名称", "空床数"),
        rows=rows,
        encoding="utf-8",
        digest=digest([list(r) for r in rows])[7:],
    )
    asset = demo.import_table(
        table,
        host="county-hospital",
        asset_id="county-hospital-beds",
        holder="county-hospital",
        zh=f"{COUNTY_ZH}人民医院空床",
        en=f"Free beds of {COUNTY_EN} People's Hospital",
        origin="operations",
        secret=False,
    )
    register_asset(demo.consortium, asset, by="county-hospital")
