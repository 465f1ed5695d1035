"""The kinds of columns with their grades, read from `kinds.toml`."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any, Literal, get_args

from heyi.model.asset import Identifier
from heyi.model.errors import InvalidInput

Decode = Literal["text", "date", "sex", "flag", "number", "category"]
Category = Literal["ATTR", "STATUS", "CARE", "PAY", "RES", "PUB"]

UNKNOWN = "unknown"
"""The kind of an unrecognised column; it has the highest level until a steward labels it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of field.

    `level` (1 to 5) applies while the record names a person; `level_after` is the level after the
    suggested technique of de-identification, None if the field must not be kept. `unit` is the unit
    of decoded numbers; `units` holds (unit, factor) for conversion into it; `minimum` and `maximum`
    are the plausible range. `special` is the special-disease group of the field; `diagnosis` says
    that the field may contain any disease.

    Source: GB/T 39725-2020 sections 6.1 and 6.2, annex G.
    """

    id: str
    zh: str
    en: str
    category: Category
    identifier: Identifier
    level: int
    level_after: int | None
    sensitive: bool | Literal["under14"]
    headers: tuple[str, ...]
    pattern: re.Pattern[str] | None = None
    decode: Decode = "text"
    unit: str = ""
    units: tuple[tuple[str, float], ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    labels: tuple[tuple[str, float], ...] = ()
    special: str | None = None
    diagnosis: bool = False
    genetic: bool = False
    free_text: bool = False
    personal: bool = True

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[a-z][a-z0-9_]*", self.id):
            raise InvalidInput(
                f"`{self.id}` is not a kind id",
                hint="use lower-case letters, digits and underscores",
            )
        if not 1 <= self.level <= 5 or not 1 <= (self.level_after or 1) <= self.level:
            raise InvalidInput(
                f"kind `{self.id}` has levels out of order", hint="1 <= level_after <= level <= 5"
            )
        if self.category not in get_args(Category) or self.decode not in get_args(Decode):
            raise InvalidInput(f"kind `{self.id}` has an unknown category or decode type")


def _from_toml(kind_id: str, entry: Mapping[str, Any]) -> Kind:
    grade, decode = entry["grade"], dict(entry.get("decode", {"as": "text"}))
    return Kind(
        id=kind_id,
        **entry["title"],
        category=grade["category"],
        identifier=Identifier(grade["identifier"]),
        level=grade["level"],
        level_after=grade.get("level_after"),
        sensitive=grade.get("sensitive", False),
        headers=tuple(entry["headers"]),
        pattern=re.compile(entry["pattern"]) if "pattern" in entry else None,
        decode=decode["as"],
        unit=decode.get("unit", ""),
        units=tuple((name, float(factor)) for name, factor in decode.get("units", {}).items()),
        minimum=decode.get("min"),
        maximum=decode.get("max"),
        labels=tuple((label, float(number)) for label, number in decode.get("labels", {}).items()),
        **{
            key: entry[key]
            for key in ("special", "diagnosis", "genetic", "free_text", "personal")
            if key in entry
        },
    )


@cache
def all_kinds() -> Mapping[str, Kind]:
    """Every kind by id, in the order of `kinds.toml`."""
    text = files("heyi.catalogue").joinpath("kinds.toml").read_text(encoding="utf-8")
    return MappingProxyType(
        {kind_id: _from_toml(kind_id, entry) for kind_id, entry in tomllib.loads(text).items()}
    )


def kind(kind_id: str) -> Kind:
    """The kind with this id.

    Raises:
        InvalidInput: there is none.
    """
    try:
        return all_kinds()[kind_id]
    except KeyError:
        raise InvalidInput(
            f"`{kind_id}` is not a kind of field",
            hint="take an id of src/heyi/catalogue/kinds.toml",
        ) from None
