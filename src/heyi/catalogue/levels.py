"""Compose the levels of fields to the level of a record (GB/T 39725-2020 sections 6.2 and 10)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from heyi.catalogue.kinds import UNKNOWN, Kind
from heyi.model.asset import Identifier, Reason

QUASI_TOGETHER = 3
"""This many quasi-identifiers in one record make it level 3; a design choice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One field of a record; `special` says that its values contain a special disease."""

    kind: Kind
    identifier: Identifier
    special: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Composed:
    """The level of a record (1 to 5) with its reason, and the level of each field.

    `deid_grade` is the de-identification grade of GB/T 42460.
    """

    level: int
    reason: Reason
    levels: tuple[int, ...]
    deid_grade: int


def _is_quasi(part: Part) -> bool:
    return part.identifier is Identifier.QUASI and part.kind.category != "RES"


def part_level(part: Part, *, identified: bool) -> int:
    """The level of one field; `identified` says whether the record names a person."""
    kind = part.kind
    if kind.id == UNKNOWN:
        return 5
    if part.special:
        return 5 if identified else max(3, kind.level_after or kind.level)
    level = kind.level if identified or kind.level_after is None else kind.level_after
    return max(level, 4) if kind.free_text else level


def deid_grade(parts: Collection[Part]) -> int:
    """The grade of GB/T 42460-2023, 1 to 3; grade 4 is only for aggregates, not for records."""
    # Free text can contain a name, and an unrecognised field can be a name.
    if any(
        p.identifier is Identifier.DIRECT or p.kind.free_text or p.kind.id == UNKNOWN for p in parts
    ):
        return 1
    return 2 if sum(map(_is_quasi, parts)) > 1 else 3


def compose(parts: Sequence[Part]) -> Composed:
    """Compose one or more fields: the highest field decides, some combinations raise the level."""
    identified = any(p.identifier is Identifier.DIRECT for p in parts)
    levels = tuple(part_level(p, identified=identified) for p in parts)
    highest = max(range(len(parts)), key=levels.__getitem__)
    level, kind = levels[highest], parts[highest].kind
    reason = Reason(
        zh=f"按就高原则，由“{kind.zh}”决定为{level}级",
        en=f"the highest field decides: `{kind.en}` is level {level}",
    )

    def raise_to(floor: int, zh: str, en: str) -> None:
        nonlocal level, reason
        if level < floor:
            level, reason = floor, Reason(zh=zh, en=en)

    # (1) An unrecognised field has the highest level, which is 5 already; say so.
    if any(p.kind.id == UNKNOWN for p in parts):
        reason = Reason(
            zh="含未识别字段，标注之前按5级管理",
            en="an unrecognised field holds level 5 until it is labelled",
        )
    # (2) A direct identifier together with health or care.
    if identified and any(p.kind.category in ("STATUS", "CARE") for p in parts):
        raise_to(
            4,
            "直接标识符与健康状况或诊疗数据同在，至少4级",
            "a direct identifier beside health or care data: at least level 4",
        )
        if any(p.special for p in parts):
            reason = Reason(
                zh="直接标识符与特殊病种信息同在，为5级",
                en="a direct identifier beside details of a special disease: level 5",
            )
            level = 5
    # (3) Several quasi-identifiers that together identify a person.
    if sum(map(_is_quasi, parts)) >= QUASI_TOGETHER:
        raise_to(
            3,
            f"{QUASI_TOGETHER}个及以上准标识符同在，可重标识，按3级管理",
            f"{QUASI_TOGETHER} or more quasi-identifiers together can single a person out: level 3",
        )
    return Composed(level=level, reason=reason, levels=levels, deid_grade=deid_grade(parts))
