"""The kinds of events as the tables of docs/spec/log.md have them: they are read, and checked."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, NoReturn

SPECIFICATION = Path(__file__).resolve().parents[1] / "docs" / "spec" / "log.md"
Members = dict[str, str]
"""The type of each member."""


class Refused(Exception):
    """What was read is not what the specification says."""


def refuse(why: str) -> NoReturn:
    raise Refused(why)


def need(holds: bool, why: str) -> None:
    if not holds:
        refuse(why)


def _text(pattern: str, longest: int = 2**53) -> Callable[[Any], bool]:
    form = re.compile(pattern, re.DOTALL)
    return lambda v: type(v) is str and bool(form.fullmatch(v)) and len(v) <= longest


def _int(least: int = -(2**53), most: int = 2**53) -> Callable[[Any], bool]:
    return lambda v: type(v) is int and least <= v <= most


SCALARS: dict[str, Callable[[Any], bool]] = {
    "json": lambda v: True,
    "bool": lambda v: type(v) is bool,
    "text": _text(".*"),
    "name": _text(".+"),
    "empty": _text(""),
    "day": _text(r"[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"),
    "digest": _text("sha256:[0-9a-f]{64}"),
    "key": _text("[0-9a-f]{64}"),
    "signature": _text("[0-9a-f]{128}"),
    "token": _text("[0-9a-f]{32}"),
    "id": _text("[a-z][a-z0-9]*(-[a-z0-9]+)*", 64),
    "code": _text("[a-z]+(-[a-z]+)*", 40),
    "int": _int(),
    "seconds": _int(0),
    "count": _int(1),
    "level": _int(1, 5),
    "grade": _int(1, 4),
    "permille": _int(0, 1000),
}


def _rows() -> Iterator[tuple[str, list[str]]]:
    """The heading of the table and the cells of each row of the specification."""
    heading = ""
    for line in SPECIFICATION.read_text(encoding="utf-8").split("\n"):
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if not line.startswith("|"):
            heading = ""
        elif not heading:
            heading = cells[0]
        else:
            yield heading, cells


def _members(cell: str) -> Members:
    """An example: "`a`, `b`: text; `c`: [int]"."""
    found: Members = {}
    for part in cell.split(";") if cell else ():
        names, _, type_ = part.partition(":")
        found |= dict.fromkeys(re.findall("`(.+?)`", names), type_.strip())
    return found


@cache
def kinds(heading: str = "kind") -> dict[str, tuple[Members, Members]]:
    """Members of `public` and of the body of each kind; those of nodes have another heading."""
    rows = [cells for named, cells in _rows() if named == heading and "`" in cells[0]]
    return {
        kind: (_members(public), _members(body))
        for names, public, body in rows
        for kind in re.findall("`(.+?)`", names)
    }


@cache
def values() -> dict[str, Members | frozenset[str]]:
    """The types that have members, and those that are one of a few texts."""
    found: dict[str, Members | frozenset[str]] = {}
    for heading, cells in _rows():
        for name in re.findall("`([A-Z][A-Za-z]+)`", cells[0]) if heading == "type" else ():
            few = cells[1].startswith("one of")
            found[name] = frozenset(re.findall("`(.+?)`", cells[1])) if few else _members(cells[1])
    return found


def is_of(type_: str, value: Any) -> bool:
    if type_.endswith("?"):
        return value is None or is_of(type_[:-1], value)
    inner = type_[1:-1]
    if type_[0] == "{":
        return type(value) is dict and all(is_of(inner, v) for v in value.values())
    if type_[0] == "[":
        fixed = [] if inner[0] in "[{" else inner.split(", ")
        if type(value) is not list or (len(fixed) > 1 and len(value) != len(fixed)):
            return False
        each = fixed if len(fixed) > 1 else [inner] * len(value)
        return all(map(is_of, each, value))
    if type_ in SCALARS:
        return SCALARS[type_](value)
    named = values()[type_]
    if isinstance(named, frozenset):
        return type(value) is str and value in named
    return has(named, value)


def has(members: Members, value: Any) -> bool:
    """Whether a value has exactly these members, each of its type."""
    return (
        type(value) is dict
        and value.keys() == members.keys()
        and all(is_of(type_, value[name]) for name, type_ in members.items())
    )


@cache
def _without_case() -> frozenset[str]:
    text = SPECIFICATION.read_text(encoding="utf-8")
    table = text[text.index("\nWithout a case:") : text.index("\nIn a case:")]
    return frozenset(re.findall("^\\| `(.+?)`", table, re.MULTILINE))


def check_kind(event: dict[str, Any], body: Any, *, of_node: bool = False) -> None:
    """Check that a kind explains the event; `body` is None if there is none or it was erased."""
    kind, public = event["kind"], event["public"]
    known = kinds("kind of a node" if of_node else "kind")
    need(kind in known and event["v"] == 1, f"unknown kind `{kind}`, version {event['v']}")
    members, content = known[kind]
    need(has(members, public), f"not the members of `{kind}`")
    need((event["body"] is None) == (not content), "a body where there is none, or none")
    need(body is None or has(content, body), f"not the body of `{kind}`")
    if of_node:
        receipt = kind.startswith("operation.")
        own = (public.get("holder"), public.get("at"))
        need(not receipt or own == (event["actor"], event["at"]), "the receipt is of another")
    else:
        need(
            kind == "body.erased" or (kind in _without_case()) != bool(event["case"]),
            "a case where there is none, or none",
        )
