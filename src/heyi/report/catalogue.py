"""The catalogue in the report: institutions by tier, fields by level, and data sets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection

from heyi.exchange.consortium import Consortium
from heyi.model.asset import Asset
from heyi.model.decision import Text
from heyi.model.party import PartyKind, Tier
from heyi.report.data import AssetRow, Catalogue, FieldRow, TierCount
from heyi.report.words import TIERS, kind_label


def catalogue_of(consortium: Consortium, *, detailed: Collection[str]) -> Catalogue:
    """What institutions hold; the data sets in `detailed` are shown with their fields."""
    institutions = [p for p in consortium.state.parties.values() if p.kind is PartyKind.INSTITUTION]
    tiers = tuple(
        TierCount(
            tier=TIERS[tier],
            institutions=sum(p.tier is tier for p in institutions),
            hosted=sum(p.tier is tier and p.hosted_by is not None for p in institutions),
        )
        for tier in Tier
        if any(p.tier is tier for p in institutions)
    )
    assets = held(consortium)
    counts = Counter(f.level for a in assets for f in a.fields)
    return Catalogue(
        tiers=tiers,
        levels=(counts[1], counts[2], counts[3], counts[4], counts[5]),
        assets=tuple(_row(consortium, a, whole=a.id in detailed) for a in assets),
    )


def held(consortium: Consortium) -> list[Asset]:
    """The data sets of institutions, without those that the platform itself keeps."""
    parties = consortium.state.parties
    return [
        a
        for a in consortium.state.assets.values()
        if parties[a.holder].kind is PartyKind.INSTITUTION
    ]


def _row(consortium: Consortium, asset: Asset, *, whole: bool) -> AssetRow:
    """The row of a data set; with its fields if `whole`."""
    holder = consortium.party(asset.holder)
    return AssetRow(
        id=asset.id,
        title=Text(zh=asset.zh, en=asset.en),
        holder=Text(zh=holder.zh, en=holder.en),
        tier=TIERS[holder.tier],
        hosted=holder.hosted_by is not None,
        encoding=asset.encoding,
        columns=len(asset.fields),
        rows=asset.rows,
        duplicates=asset.duplicates,
        level=asset.level,
        reason=Text(zh=asset.level_reason.zh, en=asset.level_reason.en),
        fields=tuple(
            FieldRow(
                heading=f.heading,
                kind=kind_label(f.kind),
                level=f.level,
                reason=Text(zh=f.reason.zh, en=f.reason.en),
                missing_permille=f.missing_permille,
            )
            for f in asset.fields
        )
        if whole
        else (),
    )
