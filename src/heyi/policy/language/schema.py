"""The schema of facts: types, fixed slots, sources, who may change them, tracks (`facts.toml`).

No fact has a default: what is not stated, looked up or attested is unknown (docs/spec/decision.md, Facts).
"""

from __future__ import annotations

import datetime as dt
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from enum import Enum
from typing import Any, TypeVar

from heyi.model.decision import Rank, Text
from heyi.model.errors import InvalidInput, RuleError
from heyi.model.fact import Source, Stated, Value
from heyi.policy.language.parse import NAME, parse_day
from heyi.policy.language.source import lines_of

WORD_BITS = 256
INT_BITS = 32
SET_MEMBERS = 62
WORDS = 256


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

    `slot` is (word, first bit) in the packed words and is never reused; `width` is in bits; `values` maps the members
    of an enum or set to their labels, in slot order; `minimum` and `maximum` are inclusive and in `unit`.
    A derived fact has `derived`, an expression, and no slot.
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
        """Bits in the packed words: two a bool, one a member of an enum, one more than its members for a set."""
        match self.type:
            case FactType.BOOL:
                return 2
            case FactType.ENUM:
                return self.reserve
            case FactType.SET:
                return self.reserve + 1
            case FactType.INT | FactType.DATE:
                return INT_BITS + 1

    def label(self, value: object, lang: str) -> str:
        """The value in a reader's words."""
        if isinstance(value, bool):
            return ("是" if value else "否") if lang == "zh" else ("yes" if value else "no")
        if isinstance(value, str) and value in self.values:
            return getattr(self.values[value], lang) or value
        if isinstance(value, (frozenset, tuple, list)):
            return "、".join(sorted(self.label(v, lang) for v in value)) or (
                "无" if lang == "zh" else "none"
            )
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
    """All facts and tracks, as `facts.toml` declares them."""

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
        """The hint for who writes the label of a fact where its name stands; empty where no fact is labelled so."""
        labels = {
            text: spec.id for spec in self.facts.values() for text in (spec.name.en, spec.name.zh)
        }
        near = get_close_matches(label, labels, 1, 0.75)
        return f"the fact with the label `{near[0]}` is `{labels[near[0]]}`" if near else ""


LEGAL_DAY = "legal_day"
RESERVED = ("true", "false", "in", "subset", "overlap", "date", "param")


def load_schema(text: str, *, file: str = "facts.toml") -> Schema:
    """Parse `facts.toml`.

    Raises:
        RuleError: it does not parse, a slot overlaps another or crosses a word, a type or a source is unknown.
    """
    lines = lines_of(text, file=file)
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as e:
        place = re.fullmatch(
            r"(?P<fault>.*) \(at line (?P<line>[0-9]+), column (?P<column>[0-9]+)\)", str(e)
        )
        line, column = (int(place["line"]), int(place["column"])) if place else (len(lines), 1)
        fault = place["fault"] if place else str(e).removesuffix(" (at end of document)")
        excerpt = lines[line - 1] if line <= len(lines) else ""
        raise RuleError(
            f"malformed TOML: {fault[:1].lower()}{fault[1:]}",
            file=file,
            line=line,
            column=column,
            excerpt=excerpt,
            hint='text stands in straight double quotes: zh = "公开"'
            if "nvalid value" in fault
            else "",
        ) from None
    except (ValueError, RecursionError):
        message = "malformed TOML: a number is too long, or arrays are nested too deeply"
        raise RuleError(message, file=file, line=1, hint="no field of a fact needs such") from None

    def fail(fact: str, message: str, hint: str = "", kind: str = "fact") -> RuleError:
        """An error that points at the head of the fact, or at where one of the others begins that its head begins."""
        heads = (f"[{kind}.{fact}]", f'[{kind}."{fact}"]')
        line = next((n for n, t in enumerate(lines, 1) if t.strip() in heads), 0)
        line = line or next(
            (n for n, t in enumerate(lines, 1) if t.startswith((f"[{kind}.{fact}.", f"[{kind}]"))),
            1,
        )
        excerpt = lines[line - 1]
        return RuleError(
            message,
            file=file,
            line=line,
            column=max(excerpt.find(fact), 0) + 1,
            excerpt=excerpt,
            hint=hint,
        )

    facts = {}
    if not all(key in ("fact", "track") and isinstance(table, dict) for key, table in raw.items()):
        raise RuleError(
            "a schema has the tables `fact` and `track`, nothing else", file=file, line=1
        )
    for name, entry in raw.get("fact", {}).items():
        if not NAME.fullmatch(name) or name.startswith("param.") or name in RESERVED:
            raise fail(
                name,
                f"a fact cannot be called `{name}`",
                "names are ASCII letters, digits, `_` and full stops; the Chinese label stands in `zh`",
            )
        try:
            facts[name] = _fact(name, entry)
        except (KeyError, ValueError, TypeError, IndexError, AttributeError) as e:
            raise fail(name, f"fact `{name}` is not well declared: {e}") from None
    taken: dict[tuple[int, int], str] = {}
    for spec in facts.values():
        if spec.slot is None:
            continue
        word, start = spec.slot
        if not 0 <= word < WORDS:
            raise fail(
                spec.id,
                f"slot of `{spec.id}` is in word {word}",
                f"words are numbered from 0 to {WORDS - 1}",
            )
        if start < 0 or start + spec.width > WORD_BITS:
            hint = f"a word has {WORD_BITS} bits and this fact takes {spec.width}"
            raise fail(spec.id, f"slot of `{spec.id}` crosses the end of word {word}", hint)
        for bit in range(start, start + spec.width):
            if (word, bit) in taken:
                hint = "no slot is moved; a new fact takes free bits at the end"
                raise fail(
                    spec.id, f"slot of `{spec.id}` overlaps that of `{taken[word, bit]}`", hint
                )
            taken[word, bit] = spec.id
    day = facts.get(LEGAL_DAY)
    if day is None or day.type is not FactType.DATE:
        hint = f'write [fact.{LEGAL_DAY}] with type = "date", zh, en, slot and source = "registry"'
        raise RuleError(f"the schema needs `{LEGAL_DAY}`, a date", file=file, line=1, hint=hint)
    tracks = []
    for name, entry in raw.get("track", {}).items():
        try:
            if wrong := {"opens", "min_rank", "zh", "en"}.symmetric_difference(entry):
                raise ValueError(f"its fields are opens, min_rank, zh and en; see `{min(wrong)}`")
            rank = _one_of(Rank, entry["min_rank"], "rank")
        except (ValueError, TypeError) as e:
            raise fail(name, f"a track is not well declared: {e}", kind="track") from None
        label = Text(zh=str(entry["zh"]), en=str(entry["en"]))
        tracks.append(TrackSpec(id=name, opens=str(entry["opens"]), min_rank=rank, name=label))
    return Schema(facts=facts, tracks=tuple(tracks))


E = TypeVar("E", bound=Enum)


def _one_of(kind: type[E], value: object, name: str) -> E:
    """The member of an enum that has that value, or for sources that name.

    Raises:
        ValueError: there is none; the message names those there are.
    """
    members = {m.name.lower() if kind is Source else m.value: m for m in kind}
    if not isinstance(value, str) or value not in members:
        raise ValueError(f"unknown {name} `{value}`; one of {', '.join(members)}")
    return members[value]


_FIELDS = {
    "type",
    "zh",
    "en",
    "slot",
    "source",
    "changed_by",
    "values",
    "reserve",
    "min",
    "max",
    "unit",
    "derived",
}


def _fact(name: str, entry: Mapping[str, Any]) -> FactSpec:
    if not isinstance(entry, dict):
        raise ValueError("it is no table")
    if unknown := sorted(set(entry) - _FIELDS):
        if isinstance(entry[unknown[0]], dict):
            raise ValueError(
                f'a name with a full stop stands in quotes: [fact."{name}.{unknown[0]}"]'
            )
        near = get_close_matches(unknown[0], _FIELDS, 1)
        raise ValueError(
            f"unknown field `{unknown[0]}`" + (f"; did you mean `{near[0]}`?" if near else "")
        )
    for key in ("type", "zh", "en", *(() if "derived" in entry else ("slot", "source"))):
        if key not in entry:
            raise ValueError(f"it lacks `{key}`")
    if not all(isinstance(entry[lang], str) and entry[lang] for lang in ("zh", "en")):
        raise ValueError("`zh` and `en` are its labels")
    kind = _one_of(FactType, entry["type"], "type")
    values = {}
    for value, label in entry.get("values", {}).items():
        zh, _, en = str(label).partition("|")
        if not zh or not en:
            raise ValueError(f"value `{value}` needs a label `zh|en`")
        values[value] = Text(zh=zh, en=en)
    derived = str(entry.get("derived", ""))
    if derived and kind is not FactType.BOOL:
        raise ValueError("a derived fact is a bool")
    slot = None if derived else (int(entry["slot"][0]), int(entry["slot"][1]))
    reserve = int(entry.get("reserve", 8)) if values else 0
    if kind in (FactType.ENUM, FactType.SET) and not 0 < len(values) <= reserve:
        raise ValueError(f"{len(values)} values do not fit the {reserve} bits that are reserved")
    if kind is FactType.SET and reserve > SET_MEMBERS:
        raise ValueError(f"a set reserves at most {SET_MEMBERS} bits")
    if kind is FactType.ENUM and len(values) == reserve:
        raise ValueError(
            "an enum reserves a bit more than it has values, by which an unknown one is known"
        )
    changed_by = tuple(entry.get("changed_by", ()))
    if set(changed_by) - set(CHANGERS):
        raise ValueError(f"changed_by must be among {', '.join(CHANGERS)}")
    minimum, maximum = int(entry.get("min", 0)), int(entry.get("max", 0))
    if kind is FactType.INT and not 0 <= minimum < maximum < 2**INT_BITS:
        raise ValueError("an int needs 0 <= min < max < 2^32")
    return FactSpec(
        id=name,
        type=kind,
        name=Text(zh=entry["zh"], en=entry["en"]),
        source=Source.ATTESTED if derived else _one_of(Source, entry["source"], "source"),
        changed_by=changed_by,
        slot=slot,
        values=values,
        minimum=minimum,
        maximum=maximum,
        unit=str(entry.get("unit", "")),
        reserve=reserve,
        derived=derived,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Admitted:
    """Facts that count, and why each of the others that was stated does not."""

    known: Mapping[str, Value]
    rejected: Mapping[str, str]

    @property
    def day(self) -> dt.date:
        day = self.known[LEGAL_DAY]
        assert isinstance(day, dt.date)
        return day


def admit(schema: Schema, stated: Mapping[str, Stated], *, day: dt.date) -> Admitted:
    """Keep what is known on the legal `day`: a fact from too weak a source or past its last day is unknown.

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
    """Facts of a hypothetical question: all taken as attested."""
    return {
        name: Stated(value=schema.spec(name).check(v), source=Source.ATTESTED)
        for name, v in values.items()
    }


def to_ordinals(known: Mapping[str, Value]) -> dict[str, bool | int | str | frozenset[str]]:
    """The form that engines read: dates as ordinal days."""
    return {k: v.toordinal() if isinstance(v, dt.date) else v for k, v in known.items()}


def unknown_among(names: Iterable[str], known: Mapping[str, object]) -> list[str]:
    """Which of `names` are unknown, each once, in order."""
    return [n for n in dict.fromkeys(names) if n not in known]
