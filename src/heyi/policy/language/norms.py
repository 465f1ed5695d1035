"""The register of norms (`norms.toml`): every norm behind a rulebook, and how the rules treat it.

Either the norm has rules, or rules of other articles say the same (`by`), or it needs none
(`without`): it is a definition, a matter for human judgement, or has no bearing on requests. Each
norm has the confidence of its source:

    A     the text was read
    A-    the text was read in part, or second hand
    B     the norm is known, its text was not read
    C     to be checked; until then no rule may permit or deny by it
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from heyi.model.decision import Rank, Text
from heyi.model.errors import RuleError
from heyi.policy.language import ir
from heyi.policy.language.strict_toml import load_toml

NORMS_FILE = "norms.toml"
CONFIDENCES = ("A", "A-", "B", "C")
RANKS = (*(r.value for r in Rank), "policy", "judgement")
"""Ranks of instruments: those of packs, and two that bind nobody by themselves."""
_REQUIRED = {"zh", "en", "instrument", "from", "confidence"}
_OPTIONAL = {"until", "settled", "by", "without", "why"}


class Standing(Enum):
    """How the rules treat a norm; OPEN is a norm that nobody has dealt with."""

    RULES = "rules"
    ELSEWHERE = "elsewhere"
    DEFINITION = "definition"
    JUDGEMENT = "judgement"
    SCOPE = "scope"
    OPEN = "open"


@dataclass(frozen=True, slots=True, kw_only=True)
class Instrument:
    """A law, a standard or another text; `rank` is one of `RANKS`."""

    id: str
    name: Text
    rank: str
    jurisdiction: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Norm:
    """One norm. `by` are articles whose rules enforce it; `why` says why it has no rules itself.

    `settled` says how a date or a mark was settled where sources gave none or several. `until` is
    the last day in force.
    """

    id: str
    title: Text
    instrument: Instrument
    begins: dt.date
    until: dt.date | None
    confidence: str
    settled: Text | None
    by: tuple[str, ...]
    without: str
    why: Text | None


@dataclass(frozen=True, slots=True)
class Accounted:
    """A norm, its standing, and the rules that enforce it."""

    norm: Norm
    standing: Standing
    rules: tuple[ir.Rule, ...]


@lru_cache(maxsize=4)
def load_norms(text: str) -> Mapping[str, Norm]:
    """The norms of a register by id, in its order.

    Raises:
        RuleError: the register is malformed.
    """
    parsed = load_toml(text, file=NORMS_FILE, hint="texts stand in double quotes, dates without")
    for kind, table in parsed.items():
        if kind not in ("instrument", "norm") or not isinstance(table, dict):
            message = f"the register holds tables of instruments and norms, not `{kind}`"
            raise _fault(text, kind, "", message, "write [instrument.NAME] and [norm.ID]")
    instruments: dict[str, Instrument] = {}
    for name, entry in parsed.get("instrument", {}).items():
        if not _is_instrument(entry):
            hint = (
                f"its fields are zh, en, rank and jurisdiction; a rank is one of {', '.join(RANKS)}"
            )
            message = f"instrument `{name}` is not well declared"
            raise _fault(text, "instrument", name, message, hint)
        label = Text(zh=entry["zh"], en=entry["en"])
        instruments[name] = Instrument(
            id=name, name=label, rank=entry["rank"], jurisdiction=entry["jurisdiction"]
        )
    norms: dict[str, Norm] = {}
    for name, entry in parsed.get("norm", {}).items():
        try:
            norms[name] = _norm(name, entry, instruments)
        except ValueError as e:
            message = f"norm `{name}` is not well declared: {e}"
            raise _fault(text, "norm", name, message, "docs/spec/rules.md, norms.toml") from None
    return MappingProxyType(norms)


def _fault(text: str, kind: str, name: str, message: str, hint: str) -> RuleError:
    """An error that points at the head of an entry."""
    word, own = re.escape(kind), re.escape(name)
    # [norm.ID], or `ID = {...}` in a table [norm], or whatever else begins the table
    heads = [rf'\[{word}\."?{own}"?\]', rf'"?{own}"?\s*=', rf"{word}\s*=|\[{word}[.\]]"]
    lines = text.splitlines()
    n = next(
        (n for head in heads for n, line in enumerate(lines) if re.match(head, line.strip())), 0
    )
    return RuleError(
        message, file=NORMS_FILE, line=n + 1, excerpt=lines[n] if lines else "", hint=hint
    )


def _is_instrument(entry: object) -> bool:
    fields = {"zh", "en", "rank", "jurisdiction"}
    return (
        isinstance(entry, dict)
        and set(entry) == fields
        and all(isinstance(v, str) and v.strip() for v in entry.values())
        and entry["rank"] in RANKS
    )


def _norm(name: str, entry: Any, instruments: Mapping[str, Instrument]) -> Norm:
    """One norm as declared.

    Raises:
        ValueError: with what is wrong in it.
    """
    _check_form(entry, instruments)
    without = entry.get("without", "")
    reasons = (Standing.DEFINITION, Standing.JUDGEMENT, Standing.SCOPE)
    if without and without not in [s.value for s in reasons]:
        raise ValueError(f"`without` is `{without}`; write definition, judgement or scope")
    if without and (entry.get("by") or not entry.get("why")):
        raise ValueError("`without` needs `why`, and no `by` beside it")
    by = entry.get("by", [])
    if not isinstance(by, list) or not all(isinstance(a, str) for a in by):
        raise ValueError("`by` is a list of articles")
    return Norm(
        id=name,
        title=Text(zh=entry["zh"], en=entry["en"]),
        instrument=instruments[entry["instrument"]],
        begins=entry["from"],
        until=entry.get("until"),
        confidence=entry["confidence"],
        settled=_both(entry, "settled"),
        by=tuple(by),
        without=without,
        why=_both(entry, "why"),
    )


def _check_form(entry: Any, instruments: Mapping[str, Instrument]) -> None:
    """The fields of a norm are there, have their types, and name an instrument that is declared."""
    if not isinstance(entry, dict):
        raise ValueError("it is no table")
    if wrong := sorted((_REQUIRED - set(entry)) | (set(entry) - _REQUIRED - _OPTIONAL)):
        raise ValueError(
            f"it lacks `{wrong[0]}`" if wrong[0] in _REQUIRED else f"unknown field `{wrong[0]}`"
        )
    if not all(isinstance(entry[key], str) and entry[key].strip() for key in ("zh", "en")):
        raise ValueError("`zh` and `en` are its titles")
    if not isinstance(entry["instrument"], str) or entry["instrument"] not in instruments:
        raise ValueError(f"unknown instrument `{entry['instrument']}`")
    if entry["confidence"] not in CONFIDENCES:
        raise ValueError(f"confidence `{entry['confidence']}` is none of {', '.join(CONFIDENCES)}")
    for key in ("from", "until"):
        if key in entry and type(entry[key]) is not dt.date:
            raise ValueError(f"`{key}` is no date; write it without quotes")
    if entry.get("until", entry["from"]) < entry["from"]:
        raise ValueError("it ends before it begins; `until` is the last day in force")


def _both(entry: Mapping[str, Any], key: str) -> Text | None:
    """A field `zh|en`, or None where it is absent."""
    if key not in entry:
        return None
    zh, bar, en = str(entry[key]).partition("|")
    if not (zh.strip() and bar and en.strip()) or "|" in en:
        raise ValueError(f"`{key}` is one sentence in each language, zh|en")
    return Text(zh=zh, en=en)


def account(norms: Mapping[str, Norm], rules: Mapping[str, ir.Rule]) -> list[Accounted]:
    """Every norm with its standing among these rules, in the order of the register.

    A norm is OPEN when it has neither rules nor a reason, when an article in `by` has no rule, or
    when it has both rules and a reason for having none.
    """
    of: dict[str, list[ir.Rule]] = {}
    for rule in rules.values():
        of.setdefault(rule.article.id, []).append(rule)
    found = []
    for norm in norms.values():
        own = tuple(of.get(norm.id, ()))
        others = tuple(rule for article in norm.by for rule in of.get(article, ()))
        if norm.without:
            standing = Standing.OPEN if own else Standing(norm.without)
        elif own:
            standing = Standing.RULES
        else:
            standing = (
                Standing.ELSEWHERE if norm.by and all(a in of for a in norm.by) else Standing.OPEN
            )
        found.append(Accounted(norm, standing, own + others))
    return found
