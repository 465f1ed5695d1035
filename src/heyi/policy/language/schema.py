"""The schema of facts: types, fixed slots, sources, who may change them, and tracks.

No fact has a default: a fact that is not stated, looked up or attested is unknown.

Source: docs/spec/decision.md, Facts.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from enum import Enum

from heyi.model.decision import Rank, Text
from heyi.model.errors import InvalidInput
from heyi.model.fact import Source, Stated, Value
from heyi.policy.language.parse import parse_day

WORD_BITS = 256
"""Bits of a packed word, as in the EVM."""
INT_BITS = 32


class FactType(Enum):
    BOOL = "bool"
    INT = "int"
    ENUM = "enum"
    SET = "set"
    DATE = "date"


CHANGERS = ("requester", "handler", "recipient", "subject", "authority", "registry")
"""Who may lawfully change a fact; an empty list means nobody may."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FactSpec:
    """One fact of the schema.

    `slot` is (word, first bit) in the packed words and is never reused. `values` maps the members
    of an enum or set to their labels, in slot order; `reserve` is the number of bits for present
    and later members. `minimum` and `maximum` are inclusive and in `unit`. A derived fact has an
    expression, `derived`, and no slot.
    """

    id: str
    type: FactType
    name: Text
    source: Source
    changed_by: tuple[str, ...]
    slot: tuple[int, int] | None
    values: Mapping[str, Text]
    minimum: int = 0
    maximum: int = 0
    unit: str = ""
    reserve: int = 0
    derived: str = ""

    @property
    def width(self) -> int:
        """Bits in the packed words (`packed` says what they hold)."""
        match self.type:
            case FactType.BOOL:
                return 2
            case FactType.ENUM:
                return self.reserve
            case FactType.SET:
                return self.reserve + 1
            case FactType.INT | FactType.DATE:
                return INT_BITS + 1

    @property
    def bounds(self) -> tuple[int, int]:
        """The least and the greatest number of an int, or ordinal day of a date."""
        if self.type is FactType.DATE:
            return 1, dt.date.max.toordinal()
        return self.minimum, self.maximum

    def label(self, value: object, lang: str) -> str:
        """The value in a reader's words; `lang` is `zh` or `en`."""
        if isinstance(value, bool):
            return ("是" if value else "否") if lang == "zh" else ("yes" if value else "no")
        if isinstance(value, str) and value in self.values:
            return getattr(self.values[value], lang) or value
        if isinstance(value, (frozenset, tuple, list)):
            none = "无" if lang == "zh" else "none"
            return "、".join(sorted(self.label(v, lang) for v in value)) or none
        return str(value)

    def check(self, value: object) -> Value:
        """Return `value` as the type of this fact.

        Raises:
            InvalidInput: the value is of another type, outside the vocabulary or out of range.
        """
        match self.type:
            case FactType.BOOL if isinstance(value, bool):
                return value
            case FactType.INT if isinstance(value, int) and not isinstance(value, bool):
                if not self.minimum <= value <= self.maximum:
                    raise InvalidInput(
                        f"`{self.id}` is {value}, outside {self.minimum} to {self.maximum}",
                        hint=f"give a whole number in {self.unit or 'range'}",
                    )
                return value
            case FactType.ENUM if isinstance(value, str):
                self._member(value)
                return value
            case FactType.SET if isinstance(value, (list, tuple, set, frozenset)):
                for member in value:
                    self._member(member)
                return frozenset(value)
            case FactType.DATE if isinstance(value, dt.date) and not isinstance(value, dt.datetime):
                return value
            case FactType.DATE if isinstance(value, str) and (day := parse_day(value)) is not None:
                return day
        quoted = (
            ", without quotes"
            if self.type is FactType.INT and isinstance(value, str) and value.isdigit()
            else ""
        )
        raise InvalidInput(f"`{self.id}` is `{value}`", hint=f"give {self._wants()}{quoted}")

    def _member(self, value: object) -> None:
        if not isinstance(value, str) or value not in self.values:
            near = [v for v, label in self.values.items() if value in (label.zh, label.en)]
            near = near or get_close_matches(str(value), self.values, 1)
            hint = f"did you mean `{near[0]}`?" if near else f"one of {', '.join(self.values)}"
            raise InvalidInput(f"`{value}` is not a value of `{self.id}`", hint=hint)

    def _wants(self) -> str:
        match self.type:
            case FactType.BOOL:
                return "true or false"
            case FactType.INT:
                return f"a whole number from {self.minimum} to {self.maximum}"
            case FactType.ENUM:
                return f"one of {', '.join(self.values)}"
            case FactType.SET:
                return f"a list of {', '.join(self.values)}"
            case FactType.DATE:
                return "a date as YYYY-MM-DD"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackSpec:
    """A track as declared: the expression that opens it and the minimum rank of its grounds."""

    id: str
    opens: str
    min_rank: Rank
    name: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Schema:
    """All facts and tracks, in the order of `facts.toml`."""

    facts: Mapping[str, FactSpec]
    tracks: tuple[TrackSpec, ...]

    @property
    def words(self) -> int:
        """Number of 256-bit words that the packed facts need."""
        return 1 + max(f.slot[0] for f in self.facts.values() if f.slot)

    def spec(self, name: str) -> FactSpec:
        """The fact of that id.

        Raises:
            InvalidInput: there is no such fact; the hint names the nearest one.
        """
        try:
            return self.facts[name]
        except (KeyError, TypeError):
            near = get_close_matches(str(name), self.facts, 1)
            hint = f"did you mean `{near[0]}`?" if near else self.labelled(str(name))
            if "：" in str(name):
                hint = "`：` is full-width; write `: `"
            hint = hint or "see facts.toml for the facts there are"
            raise InvalidInput(f"unknown fact `{name}`", hint=hint) from None

    def labelled(self, label: str) -> str:
        """The hint for a label written in place of a name; empty when no fact has such a label."""
        labels = {
            text: spec.id for spec in self.facts.values() for text in (spec.name.en, spec.name.zh)
        }
        near = get_close_matches(label, labels, 1, 0.75)
        return f"the fact with the label `{near[0]}` is `{labels[near[0]]}`" if near else ""


LEGAL_DAY = "legal_day"
"""The fact that holds the day of the decision; it is always known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Admitted:
    """Facts that count, and for each stated fact that does not count, the reason."""

    known: Mapping[str, Value]
    rejected: Mapping[str, str]

    @property
    def day(self) -> dt.date:
        day = self.known[LEGAL_DAY]
        assert isinstance(day, dt.date)
        return day


def admit(schema: Schema, stated: Mapping[str, Stated], *, day: dt.date) -> Admitted:
    """The stated facts that count on the legal `day`.

    A fact from too weak a source, or one past its last day, is unknown.

    Raises:
        InvalidInput: an unknown fact, a value outside its type, or a derived fact that was stated.
    """
    known: dict[str, Value] = {LEGAL_DAY: day}
    rejected: dict[str, str] = {}
    for name, statement in stated.items():
        spec = schema.spec(name)
        if spec.derived:
            raise InvalidInput(
                f"`{name}` is derived", hint=f"state what it is made of: {spec.derived}"
            )
        value = spec.check(statement.value)
        if name == LEGAL_DAY:
            continue
        if statement.source < spec.source:
            rejected[name] = f"{statement.source.label} is weaker than {spec.source.label}"
        elif statement.until is not None and statement.until < day:
            rejected[name] = f"expired on {statement.until.isoformat()}"
        else:
            known[name] = value
    return Admitted(known=known, rejected=rejected)


def attested(values: Mapping[str, object], schema: Schema) -> dict[str, Stated]:
    """Facts of a hypothetical question, each with the source `attested`."""
    return {
        name: Stated(value=schema.spec(name).check(v), source=Source.ATTESTED)
        for name, v in values.items()
    }


def to_ordinals(known: Mapping[str, Value]) -> dict[str, bool | int | str | frozenset[str]]:
    """Facts as engines read them, with dates as ordinal days."""
    return {k: v.toordinal() if isinstance(v, dt.date) else v for k, v in known.items()}
