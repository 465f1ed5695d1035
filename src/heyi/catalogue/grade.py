"""Grade a table as an asset, and grade the fields of an asset that a request asks for."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from heyi.catalogue.detect import Detected, detect
from heyi.catalogue.kinds import UNKNOWN, kind
from heyi.catalogue.levels import Part, compose
from heyi.catalogue.special import special_groups
from heyi.catalogue.table import Table
from heyi.model.asset import Asset, Field, Identifier, NationalLevel, Reason
from heyi.model.errors import InvalidInput

AGE_FROM = ("birth_date", "visit_date")
"""The two dates that give an age in completed years."""

HEALTH = ("STATUS", "CARE")
"""Categories of GB/T 39725 section 6.1 that describe a person's health or care.

Payment and public-health fields describe it only if such a field is in the same record.
"""


def _labelled(heading: str, detected: Detected, label: str) -> Detected:
    to = kind(label)
    # INVARIANT: a label never hides a recognised direct identifier.
    if detected.kind != UNKNOWN and detected.identifier is Identifier.DIRECT is not to.identifier:
        raise InvalidInput(
            f"`{heading}` was recognised as a direct identifier and cannot be labelled `{label}`",
            hint="remove the column before import, "
            "or label it with a kind that is a direct identifier",
        )
    reason = Reason(zh=f"由管理员标注为“{to.zh}”", en=f"labelled `{to.en}` by a steward")
    return Detected(kind=to.id, identifier=to.identifier, reason=reason)


def grade(
    table: Table,
    *,
    asset_id: str,
    holder: str,
    zh: str,
    en: str,
    national_level: NationalLevel = NationalLevel.GENERAL,
    labels: Mapping[str, str] | None = None,
) -> Asset:
    """The asset of a table; each field has its level and the reason for it.

    `labels` maps headings to kinds; with a label, a steward corrects the detection.

    Raises:
        InvalidInput: a label names a heading or a kind that does not exist, or would hide a direct
            identifier.
    """
    labels = labels or {}
    for heading in labels:
        if heading not in table.headings:
            raise InvalidInput(f"label for `{heading}`, which is no heading of `{asset_id}`")
    columns = [table.column(i) for i in range(len(table.headings))]
    found: list[Detected] = []
    parts: list[Part] = []
    special: set[str] = set()
    for heading, column in zip(table.headings, columns, strict=True):
        detected = detect(heading, column)
        if heading in labels:
            detected = _labelled(heading, detected, labels[heading])
        k = kind(detected.kind)
        groups = set(special_groups(column)) if k.diagnosis else set()
        if k.special is not None and any(column):
            groups.add(k.special)
        special |= groups
        found.append(detected)
        parts.append(Part(kind=k, identifier=detected.identifier, special=bool(groups)))
    composed = compose(parts)
    fields = tuple(
        Field(
            heading=heading,
            kind=detected.kind,
            identifier=detected.identifier,
            level=level,
            reason=_field_reason(detected, level, part),
            missing_permille=round(1000 * column.count("") / len(column)) if column else 0,
        )
        for heading, column, detected, part, level in zip(
            table.headings, columns, found, parts, composed.levels, strict=True
        )
    )
    return Asset(
        id=asset_id,
        holder=holder,
        zh=zh,
        en=en,
        fields=fields,
        level=composed.level,
        level_reason=composed.reason,
        deid_grade=composed.deid_grade,
        rows=len(table.rows),
        duplicates=table.duplicates,
        encoding=table.encoding,
        digest=table.digest,
        special=tuple(sorted(special)),
        national_level=national_level,
    )


def _field_reason(detected: Detected, level: int, part: Part) -> Reason:
    note_zh, note_en = (
        ("，含特殊病种", ", a special disease stands in it") if part.special else ("", "")
    )
    return Reason(
        zh=f"{detected.reason.zh}{note_zh}，定为{level}级",
        en=f"{detected.reason.en}{note_en}: level {level}",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """The grades of the fields that a request asks for, in one asset.

    `level` is 1 to 5 and `deid_grade` 1 to 3, as in `Asset`; `special` names special-disease
    groups; `health` says whether a field describes health or care; `missing` holds the requested
    kinds that the asset neither has nor can derive.
    """

    level: int
    reason: Reason
    deid_grade: int
    special: tuple[str, ...]
    personal: bool
    health: bool
    genetic: bool
    free_text: bool
    missing: tuple[str, ...]


def derives_age(asset: Asset) -> bool:
    """Whether the asset has no age, but has the two dates that give it."""
    held = {f.kind for f in asset.fields}
    return "age" not in held and held.issuperset(AGE_FROM)


def select(asset: Asset, kinds: Collection[str]) -> Selection:
    """Grade only the requested kinds of an asset.

    If no requested field is a direct identifier, each field has its level after de-identification.
    If the asset has no requested field at all, the grades of the whole asset apply.

    Raises:
        InvalidInput: a kind does not exist.
    """
    wanted = {kind(k).id for k in kinds}
    chosen = [(kind(f.kind), f.identifier) for f in asset.fields if f.kind in wanted]
    held = {k.id for k, _ in chosen}
    if "age" in wanted and derives_age(asset):
        chosen.append((kind("age"), Identifier.QUASI))
        held.add("age")
    missing = tuple(sorted(wanted - held))
    if not chosen:
        return Selection(
            level=asset.level,
            reason=Reason(
                zh="所申请字段均不存在，按整个资产定级",
                en="no field asked for is held: the asset's level holds",
            ),
            deid_grade=asset.deid_grade,
            special=asset.special,
            personal=True,
            health=True,
            genetic=any(kind(f.kind).genetic for f in asset.fields),
            free_text=any(kind(f.kind).free_text for f in asset.fields),
            missing=missing,
        )
    # A special disease counts if a requested field may contain any diagnosis, or is about it.
    bears_diagnosis = any(k.diagnosis or k.id == UNKNOWN for k, _ in chosen)
    own = {k.special for k, _ in chosen if k.special is not None}
    special = set(asset.special) if bears_diagnosis else set(asset.special) & own
    parts = [
        Part(
            kind=k,
            identifier=i,
            special=(k.diagnosis and bool(special))
            or (k.special is not None and k.special in special),
        )
        for k, i in chosen
    ]
    composed = compose(parts)
    return Selection(
        level=composed.level,
        reason=composed.reason,
        deid_grade=composed.deid_grade,
        special=tuple(sorted(special)),
        personal=any(k.personal for k, _ in chosen),
        health=any(k.category in HEALTH or k.id == UNKNOWN for k, _ in chosen),
        genetic=any(k.genetic for k, _ in chosen),
        free_text=any(k.free_text for k, _ in chosen),
        missing=missing,
    )
