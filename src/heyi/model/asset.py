"""Asset: a data set held by a party, with its fields and grades."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from heyi.model.errors import InvalidInput
from heyi.model.party import check_id


class NationalLevel(Enum):
    """The national level of data; official catalogues decide it, and it is never inferred.

    Source: Data Security Law art. 21, GB/T 43697.
    """

    GENERAL = "general"
    IMPORTANT = "important"
    CORE = "core"


class Identifier(Enum):
    """How a field identifies a person (GB/T 39725 annex G)."""

    DIRECT = "direct"
    QUASI = "quasi"
    SENSITIVE = "sensitive"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why a grade was given, in both languages."""

    zh: str
    en: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One column of an asset.

    `heading` is the heading in the institution's file; `kind` is a kind of `catalogue/kinds.toml`
    or `unknown`; `level` is 1 to 5 (GB/T 39725-2020 section 6.2); `missing_permille` is the share
    of empty values, 0 to 1000.
    """

    heading: str
    kind: str
    identifier: Identifier
    level: int
    reason: Reason
    missing_permille: int = 0

    def __post_init__(self) -> None:
        if not 1 <= self.level <= 5:
            raise InvalidInput(
                f"level of field `{self.heading}` is {self.level}", hint="levels run from 1 to 5"
            )
        if not 0 <= self.missing_permille <= 1000:
            raise InvalidInput(
                f"missing share of field `{self.heading}` is outside 0 to 1000 permille"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Asset:
    """A data set held by a party.

    `level` is 1 to 5 (GB/T 39725-2020 section 6.2); `deid_grade` is 1 to 4 (GB/T 42460-2023);
    `digest` is the SHA-256 of the imported file in hexadecimal; `special` names the special-disease
    groups in the file. `rows` counts the records without exact duplicates, `duplicates` the exact
    duplicates. `persons` counts distinct persons, and `youngest` is the lowest age in completed
    years. The holder's steward states `origin` (where the data come from) and `secret` (whether
    the data hold a state secret) at registration. In all four, None is unknown.
    """

    id: str
    holder: str
    zh: str
    en: str
    fields: tuple[Field, ...]
    level: int
    level_reason: Reason
    deid_grade: int
    rows: int
    duplicates: int
    encoding: str
    digest: str
    special: tuple[str, ...] = ()
    persons: int | None = None
    youngest: int | None = None
    origin: str | None = None
    secret: bool | None = None
    national_level: NationalLevel = NationalLevel.GENERAL

    def __post_init__(self) -> None:
        check_id(self.id, "asset")
        if not 1 <= self.level <= 5:
            raise InvalidInput(
                f"level of asset `{self.id}` is {self.level}", hint="levels run from 1 to 5"
            )
        if not 1 <= self.deid_grade <= 4:
            raise InvalidInput(
                f"de-identification grade of asset `{self.id}` is {self.deid_grade}", hint="1 to 4"
            )
        kinds = [f.heading for f in self.fields]
        if len(set(kinds)) != len(kinds):
            raise InvalidInput(f"asset `{self.id}` has two fields with one heading")
