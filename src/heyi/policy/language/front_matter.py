"""The front matter of a pack: what instrument it restates, of which rank, in which jurisdiction.

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
from heyi.policy.language.source import Span, at_line
from heyi.policy.language.strict_yaml import load_yaml

_ID = re.compile(r"[A-Za-z0-9-]+")
_JURISDICTION = re.compile(r"[a-z][a-z0-9-]*")
_FRONT = ("id", "instrument", "rank", "jurisdiction")


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

    def at(n: int) -> Span:
        return at_line(lines, n, file=file)

    if not any(lines):
        raise at(0).error(
            "the file is empty", hint="a pack begins with front matter between two lines `---`"
        )
    if lines[0] == "---" and "---" not in lines[1:]:
        raise at(0).error("the front matter is never closed", hint="end it with another line `---`")
    if lines[0] != "---":
        raise at(0).error(
            "a pack begins with front matter", hint="put it between two lines of `---`"
        )
    end = lines.index("---", 1)
    front = load_yaml("\n".join(lines[1:end]), file=file, line=2)
    needs = "it needs id, instrument {zh, en}, rank and jurisdiction"
    if not isinstance(front, dict):
        raise at(0).error("the front matter holds no fields", hint=needs)
    for key in _FRONT:
        if key not in front:
            raise at(0).error(f"the front matter lacks `{key}`", hint=needs)
    for key, value in front.items():
        n = next((n for n in range(1, end) if lines[n].startswith(f"{key}:")), 0)
        match key:
            case _ if key in _FRONT and value in (None, ""):
                message, hint = f"`{key}` is empty", "write its value behind it"
            case "id" if isinstance(value, str) and _ID.fullmatch(value):
                continue
            case "id":
                message, hint = (
                    f"`{value}` is no id",
                    "ids are ASCII letters, digits and hyphens, such as PIPL",
                )
            case "rank" if value in [r.value for r in Rank]:
                continue
            case "rank":
                message = f"unknown rank `{value}`"
                hint = f"one of {', '.join(r.value for r in sorted(Rank, key=lambda r: -r.order))}"
            case "jurisdiction" if isinstance(value, str) and _JURISDICTION.fullmatch(value):
                continue
            case "jurisdiction":
                message, hint = (
                    f"`{value}` is no jurisdiction",
                    "write it in lower-case ASCII letters, such as cn",
                )
            case "instrument" if is_text(value):
                continue
            case "instrument":
                message, hint = (
                    "the name of the instrument must be in both languages",
                    "write {zh: …, en: …}",
                )
            case _:
                message, hint = f"unknown field `{key}`", needs
        raise at(n).error(message, hint=hint)
    return (
        Front(
            id=front["id"],
            instrument=Text(**front["instrument"]),
            rank=Rank(front["rank"]),
            jurisdiction=front["jurisdiction"],
        ),
        end + 1,
    )
