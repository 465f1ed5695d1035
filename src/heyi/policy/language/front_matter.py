"""The front matter of a pack: the instrument that it restates, its rank and its jurisdiction.

---
id: pipl
instrument: {zh: 个人信息保护法, en: Personal Information Protection Law}
rank: law
jurisdiction: cn
---
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from heyi.model.decision import Rank, Text
from heyi.policy.language.sentences import is_text
from heyi.policy.language.source import at_line
from heyi.policy.language.strict_yaml import load_yaml

_ID = re.compile(r"[A-Za-z0-9-]+")
_JURISDICTION = re.compile(r"[a-z][a-z0-9-]*")
_FRONT = ("id", "instrument", "rank", "jurisdiction")
_NEEDS = "it needs id, instrument {zh, en}, rank and jurisdiction"


@dataclass(frozen=True, slots=True, kw_only=True)
class Front:
    id: str
    instrument: Text
    rank: Rank
    jurisdiction: str


def front_matter(lines: tuple[str, ...], *, file: str) -> tuple[Front, int]:
    """The front matter, and the index of the line behind it.

    Raises:
        RuleError: a field is absent, empty, unknown or malformed.
    """
    head = at_line(lines, 0, file=file)
    if not any(lines):
        hint = "a pack begins with front matter between two lines `---`"
        raise head.error("the file is empty", hint=hint)
    if lines[0] == "---" and "---" not in lines[1:]:
        raise head.error("the front matter is never closed", hint="end it with another line `---`")
    if lines[0] != "---":
        raise head.error(
            "a pack begins with front matter", hint="put it between two lines of `---`"
        )
    end = lines.index("---", 1)
    front = load_yaml("\n".join(lines[1:end]), file=file, line=2)
    if not isinstance(front, dict):
        raise head.error("the front matter holds no fields", hint=_NEEDS)
    for key in _FRONT:
        if key not in front:
            raise head.error(f"the front matter lacks `{key}`", hint=_NEEDS)
    for key, value in front.items():
        if fault := _fault(key, value):
            message, hint = fault
            n = next((n for n in range(1, end) if lines[n].startswith(f"{key}:")), 0)
            raise at_line(lines, n, file=file).error(message, hint=hint)
    return (
        Front(
            id=front["id"],
            instrument=Text(**front["instrument"]),
            rank=Rank(front["rank"]),
            jurisdiction=front["jurisdiction"],
        ),
        end + 1,
    )


def _fault(key: object, value: object) -> tuple[str, str] | None:
    """What is wrong with one field, and the hint; None when nothing is."""
    match key:
        case _ if key in _FRONT and value in (None, ""):
            return f"`{key}` is empty", "write its value behind it"
        case "id" if not (isinstance(value, str) and _ID.fullmatch(value)):
            hint = "ids are ASCII letters, digits and hyphens, such as PIPL"
            return f"`{value}` is no id", hint
        case "rank" if value not in [r.value for r in Rank]:
            highest_first = sorted(Rank, key=lambda r: -r.order)
            return f"unknown rank `{value}`", f"one of {', '.join(r.value for r in highest_first)}"
        case "jurisdiction" if not (isinstance(value, str) and _JURISDICTION.fullmatch(value)):
            hint = "write it in lower-case ASCII letters, such as cn"
            return f"`{value}` is no jurisdiction", hint
        case "instrument" if not is_text(value):
            message = "the name of the instrument must be in both languages"
            return message, "write {zh: …, en: …}"
        case _ if key not in _FRONT:
            return f"unknown field `{key}`", _NEEDS
    return None
