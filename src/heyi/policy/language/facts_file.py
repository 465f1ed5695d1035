"""The file `facts.toml`, from which the schema of facts is read.

[fact."consent.given"]
type = "bool"
zh = "已取得同意"
en = "consent given"
slot = [1, 12]                          # word 1, from bit 12 on
source = "registry"                     # from a weaker source the fact is unknown
changed_by = ["subject", "handler"]

[track.personal]
opens = "data.personal"
min_rank = "regulation"
zh = "个人信息处理"
en = "processing of personal information"
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from enum import Enum
from typing import Any, TypeVar

from heyi.model.decision import Rank, Text
from heyi.model.errors import RuleError
from heyi.model.fact import Source
from heyi.policy.language.parse import NAME
from heyi.policy.language.schema import (
    CHANGERS,
    INT_BITS,
    LEGAL_DAY,
    WORD_BITS,
    FactSpec,
    FactType,
    Schema,
    TrackSpec,
)
from heyi.policy.language.source import lines_of

SET_MEMBERS = 62
"""Bits of a set at most, so that its members fit a signed 64-bit integer (`to_columns`)."""
WORDS = 256
"""Packed words at most."""
RESERVED = ("true", "false", "in", "subset", "overlap", "date", "param")
"""Words of the language of conditions, which no fact may have for a name."""


def load_schema(text: str, *, file: str = "facts.toml") -> Schema:
    """Parse `facts.toml`.

    Raises:
        RuleError: it does not parse, a slot overlaps another or crosses a word, a type or a source
            is unknown.
    """
    source = _Source(lines_of(text, file=file), file)
    raw = source.parsed(text)
    if not all(key in ("fact", "track") and isinstance(table, dict) for key, table in raw.items()):
        raise RuleError(
            "a schema has the tables `fact` and `track`, nothing else", file=file, line=1
        )
    facts = _facts(raw.get("fact", {}), source)
    _check_slots(facts, source)
    day = facts.get(LEGAL_DAY)
    if day is None or day.type is not FactType.DATE:
        hint = f'write [fact.{LEGAL_DAY}] with type = "date", zh, en, slot and source = "registry"'
        raise RuleError(f"the schema needs `{LEGAL_DAY}`, a date", file=file, line=1, hint=hint)
    return Schema(facts=facts, tracks=_tracks(raw.get("track", {}), source))


@dataclass(frozen=True, slots=True)
class _Source:
    """The lines of `facts.toml`, for errors that point into them."""

    lines: tuple[str, ...]
    file: str

    def parsed(self, text: str) -> dict[str, Any]:
        """The TOML of the text; its faults as RuleError, with the place that the parser names."""
        try:
            return tomllib.loads(text)
        except tomllib.TOMLDecodeError as e:
            place = re.fullmatch(
                r"(?P<fault>.*) \(at line (?P<line>[0-9]+), column (?P<column>[0-9]+)\)", str(e)
            )
            # without a place the fault is at the end of the document
            line = int(place["line"]) if place else len(self.lines)
            fault = place["fault"] if place else str(e).removesuffix(" (at end of document)")
            quotes = 'text stands in straight double quotes: zh = "公开"'
            raise RuleError(
                f"malformed TOML: {fault[:1].lower()}{fault[1:]}",
                file=self.file,
                line=line,
                column=int(place["column"]) if place else 1,
                excerpt=self.lines[line - 1] if line <= len(self.lines) else "",
                hint=quotes if "nvalid value" in fault else "",
            ) from None
        except (ValueError, RecursionError):
            message = "malformed TOML: a number is too long, or arrays are nested too deeply"
            hint = "no field of a fact needs such"
            raise RuleError(message, file=self.file, line=1, hint=hint) from None

    def error(self, name: str, message: str, hint: str = "", kind: str = "fact") -> RuleError:
        """An error that points at the head `[fact.name]`, or else at another head of the fact."""
        heads = (f"[{kind}.{name}]", f'[{kind}."{name}"]')
        line = next((n for n, t in enumerate(self.lines, 1) if t.strip() in heads), 0)
        # a fact may also be declared as [fact.name.values], or as a key of one table [fact]
        others = (f"[{kind}.{name}.", f"[{kind}]")
        line = line or next((n for n, t in enumerate(self.lines, 1) if t.startswith(others)), 1)
        excerpt = self.lines[line - 1]
        return RuleError(
            message,
            file=self.file,
            line=line,
            column=max(excerpt.find(name), 0) + 1,
            excerpt=excerpt,
            hint=hint,
        )


def _facts(table: Mapping[str, Any], source: _Source) -> dict[str, FactSpec]:
    facts = {}
    for name, entry in table.items():
        if not NAME.fullmatch(name) or name.startswith("param.") or name in RESERVED:
            raise source.error(
                name,
                f"a fact cannot be called `{name}`",
                "names are ASCII letters, digits, `_` and full stops; "
                "the Chinese label stands in `zh`",
            )
        try:
            facts[name] = _fact(name, entry)
        except (KeyError, ValueError, TypeError, IndexError, AttributeError) as e:
            raise source.error(name, f"fact `{name}` is not well declared: {e}") from None
    return facts


def _check_slots(facts: Mapping[str, FactSpec], source: _Source) -> None:
    """INVARIANT: every slot lies within one word, and no two slots share a bit."""
    taken: dict[tuple[int, int], str] = {}
    for spec in facts.values():
        if spec.slot is None:
            continue
        word, start = spec.slot
        if not 0 <= word < WORDS:
            message = f"slot of `{spec.id}` is in word {word}"
            raise source.error(spec.id, message, f"words are numbered from 0 to {WORDS - 1}")
        if start < 0 or start + spec.width > WORD_BITS:
            hint = f"a word has {WORD_BITS} bits and this fact takes {spec.width}"
            raise source.error(spec.id, f"slot of `{spec.id}` crosses the end of word {word}", hint)
        for bit in range(start, start + spec.width):
            if (word, bit) in taken:
                message = f"slot of `{spec.id}` overlaps that of `{taken[word, bit]}`"
                hint = "no slot is moved; a new fact takes free bits at the end"
                raise source.error(spec.id, message, hint)
            taken[word, bit] = spec.id


def _tracks(table: Mapping[str, Any], source: _Source) -> tuple[TrackSpec, ...]:
    tracks = []
    for name, entry in table.items():
        try:
            if wrong := {"opens", "min_rank", "zh", "en"}.symmetric_difference(entry):
                raise ValueError(f"its fields are opens, min_rank, zh and en; see `{min(wrong)}`")
            rank = _one_of(Rank, entry["min_rank"], "rank")
        except (ValueError, TypeError) as e:
            message = f"a track is not well declared: {e}"
            raise source.error(name, message, kind="track") from None
        label = Text(zh=str(entry["zh"]), en=str(entry["en"]))
        tracks.append(TrackSpec(id=name, opens=str(entry["opens"]), min_rank=rank, name=label))
    return tuple(tracks)


E = TypeVar("E", bound=Enum)


def _one_of(kind: type[E], value: object, name: str) -> E:
    """The member of an enum with that value; of `Source`, the member with that name in lower case.

    Raises:
        ValueError: there is none; the message names all members.
    """
    members = {m.name.lower() if kind is Source else m.value: m for m in kind}
    if not isinstance(value, str) or value not in members:
        raise ValueError(f"unknown {name} `{value}`; one of {', '.join(members)}")
    return members[value]


_FIELDS = {
    *("type", "zh", "en", "slot", "source", "changed_by", "values"),
    *("reserve", "min", "max", "unit", "derived"),
}


def _fact(name: str, entry: Mapping[str, Any]) -> FactSpec:
    """One fact as declared.

    Raises:
        ValueError: with what is wrong in it. Entries of other types than `facts.toml` has raise
            KeyError, TypeError, IndexError or AttributeError.
    """
    _check_fields(name, entry)
    kind = _one_of(FactType, entry["type"], "type")
    derived = str(entry.get("derived", ""))
    values = _vocabulary(entry.get("values", {}))
    if derived and kind is not FactType.BOOL:
        raise ValueError("a derived fact is a bool")
    slot = None if derived else (int(entry["slot"][0]), int(entry["slot"][1]))
    reserve = int(entry.get("reserve", 8)) if values else 0
    _check_reserve(kind, len(values), reserve)
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


def _check_fields(name: str, entry: Mapping[str, Any]) -> None:
    if not isinstance(entry, dict):
        raise ValueError("it is no table")
    if unknown := sorted(set(entry) - _FIELDS):
        # TOML reads [fact.act.kind] as a table `kind` in the fact `act`
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


def _vocabulary(table: Mapping[str, object]) -> dict[str, Text]:
    values = {}
    for value, label in table.items():
        zh, _, en = str(label).partition("|")
        if not zh or not en:
            raise ValueError(f"value `{value}` needs a label `zh|en`")
        values[value] = Text(zh=zh, en=en)
    return values


def _check_reserve(kind: FactType, values: int, reserve: int) -> None:
    """Enough bits for the members; of an enum one more, which is set only where it is unknown."""
    if kind in (FactType.ENUM, FactType.SET) and not 0 < values <= reserve:
        raise ValueError(f"{values} values do not fit the {reserve} bits that are reserved")
    if kind is FactType.SET and reserve > SET_MEMBERS:
        raise ValueError(f"a set reserves at most {SET_MEMBERS} bits")
    if kind is FactType.ENUM and values == reserve:
        raise ValueError(
            "an enum reserves a bit more than it has values, by which an unknown one is known"
        )
