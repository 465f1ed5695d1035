"""Packs: one instrument as Markdown that a lawyer reviews, with fenced `rule`, `param` and `case` blocks.

    ---                                     front matter: id, instrument {zh, en}, rank, jurisdiction
    ## 标题 {#PIPL-31 from=2021-11-01 en="Minors under fourteen"}
    > the norm restated
    ```rule PIPL-31.1 require               key: value lines; a deeper-indented line continues the one above
    ```case under-fourteen                  given, like, sources, at, expect

Nothing is judged here but the form; `check` judges what it says. The format is docs/spec/rules.md.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from heyi.model.decision import Effect, Rank, Text
from heyi.model.errors import InvalidInput, RuleError
from heyi.policy.parse import parse_day
from heyi.policy.strict_yaml import load_yaml

_HEADING = re.compile(
    r'##\s+(?P<zh>.+?)\s*\{#(?P<id>[A-Za-z0-9-]+)(?P<attrs>(?:\s+\w+=(?:"[^"]*"|[^\s"}]+))*)\s*\}\s*\Z'
)
_ATTR = re.compile(r'(\w+)=("[^"]*"|[^\s"}]+)')
_KEY = re.compile(r"(?P<key>[a-z]+):(?:\s+|\Z)")

_FIELDS: Mapping[Effect, tuple[set[str], set[str]]] = {  # required, optional
    Effect.FORBID: ({"when", "says", "party"}, {"except", "from", "until"}),
    Effect.REQUIRE: ({"when", "needs", "says", "party"}, {"except", "from", "until"}),
    Effect.REVIEW: ({"when", "authority", "says"}, {"party", "may", "track", "except", "from", "until"}),
    Effect.GROUND: ({"when", "track", "says"}, {"party", "except", "from", "until"}),
    Effect.OBLIGE: ({"when", "says", "owes"}, {"baseline", "except", "from", "until"}),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Text with its place in a file, so that an offset in it can be pointed at."""

    text: str
    file: str
    line: int
    column: int
    lines: tuple[str, ...]  # of the whole file

    def error(self, message: str, at: int = 0, *, hint: str = "") -> RuleError:
        """A RuleError that points at offset `at` of this text."""
        before = self.text[:at]
        down = before.count("\n")
        column = self.column + at if down == 0 else at - before.rindex("\n")
        line = self.line + down
        excerpt = self.lines[line - 1] if line <= len(self.lines) else ""
        return RuleError(message, file=self.file, line=line, column=column, excerpt=excerpt, hint=hint)


@dataclass(frozen=True, slots=True, kw_only=True)
class RawArticle:
    id: str
    heading: Text
    restated: str
    begins: dt.date
    until: dt.date | None
    span: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class RawRule:
    """A rule block: its fields as text. `excepts` holds (cited article, condition)."""

    id: str
    effect: Effect
    article: str
    fields: Mapping[str, Span]
    excepts: tuple[tuple[str, Span], ...]
    span: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class RawParam:
    """A dated parameter: from each day on, a whole number."""

    id: str
    values: tuple[tuple[dt.date, int], ...]
    span: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class RawCase:
    name: str
    body: Mapping[str, Any]
    span: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Pack:
    """One instrument, parsed but not yet checked."""

    id: str
    instrument: Text
    rank: Rank
    jurisdiction: str
    file: str
    articles: tuple[RawArticle, ...]
    rules: tuple[RawRule, ...]
    params: tuple[RawParam, ...]
    cases: tuple[RawCase, ...]


def parse_pack(text: str, *, file: str) -> Pack:
    """Parse a pack's Markdown.

    Raises:
        RuleError: with file, line, column and the line of text, for anything that is not well formed.
    """
    return _Reader(text, file).pack()


class _Reader:
    def __init__(self, text: str, file: str) -> None:
        self.lines = tuple(text.splitlines())
        self.file = file
        self.articles: list[RawArticle] = []
        self.rules: list[RawRule] = []
        self.params: list[RawParam] = []
        self.cases: list[RawCase] = []

    def span(self, n: int, column: int = 1, text: str | None = None) -> Span:
        """The text at line index `n` (from 0) beginning at `column` (from 1)."""
        return Span(
            text=self.lines[n][column - 1 :] if text is None else text,
            file=self.file,
            line=n + 1,
            column=column,
            lines=self.lines,
        )

    def pack(self) -> Pack:
        front, n = self.front_matter()
        while n < len(self.lines):
            line = self.lines[n]
            if line.startswith("## "):
                n = self.article(n)
            elif line.startswith("```"):
                n = self.block(n)
            elif re.match(r"\s*(```|~~~)|##[^#\s]", line):
                hint = "blocks begin with ``` in the first column, headings of articles with `## `"
                raise self.span(n).error("this line looks like a block or a heading but is none", hint=hint)
            else:
                n += 1
        try:
            return Pack(
                id=str(front["id"]),
                instrument=_text(front["instrument"]),
                rank=Rank(front["rank"]),
                jurisdiction=str(front["jurisdiction"]),
                file=self.file,
                articles=tuple(self.articles),
                rules=tuple(self.rules),
                params=tuple(self.params),
                cases=tuple(self.cases),
            )
        except (KeyError, ValueError, TypeError) as e:
            hint = "it needs id, instrument {zh, en}, rank and jurisdiction"
            raise self.span(0).error(f"the front matter is incomplete: {e}", hint=hint) from None

    def front_matter(self) -> tuple[Mapping[str, Any], int]:
        if not self.lines or self.lines[0] != "---" or "---" not in self.lines[1:]:
            raise RuleError(
                "a pack begins with front matter", file=self.file, line=1, hint="put it between two lines of `---`"
            )
        end = self.lines.index("---", 1)
        front = load_yaml("\n".join(self.lines[1:end]), file=self.file, line=2)
        if not isinstance(front, dict):
            raise self.span(0).error("the front matter holds no fields")
        return front, end + 1

    def article(self, n: int) -> int:
        m = _HEADING.match(self.lines[n])
        if m is None:
            raise self.span(n).error(
                "a heading needs an id and a date", hint='write ## 第十三条 … {#PIPL-13 from=2021-11-01 en="…"}'
            )
        pairs = [(k, v.strip('"')) for k, v in _ATTR.findall(m["attrs"])]
        attrs = dict(pairs)
        wrong = set(attrs) - {"from", "until", "en"} or len(pairs) != len(attrs)
        if wrong or not attrs.get("en") or "from" not in attrs:
            raise self.span(n).error(f"article `{m['id']}` needs from=, en= and may have until=, nothing else")
        begin = n + 1
        n += 1
        restated = []
        while n < len(self.lines) and (self.lines[n].startswith(">") or not self.lines[n].strip()):
            if self.lines[n].startswith(">"):
                restated.append(self.lines[n][1:].strip())
            n += 1
        self.articles.append(
            RawArticle(
                id=m["id"],
                heading=Text(zh=m["zh"], en=attrs["en"]),
                restated="\n".join(restated),
                begins=self.date(attrs["from"], begin - 1),
                until=self.date(attrs["until"], begin - 1) if "until" in attrs else None,
                span=self.span(begin - 1),
            )
        )
        return n

    def date(self, text: str, n: int) -> dt.date:
        day = parse_day(text)
        if day is None:
            at = max(self.lines[n].find(text), 0)
            raise self.span(n).error(f"`{text}` is not a date", at, hint="write YYYY-MM-DD")
        return day

    def block(self, n: int) -> int:
        head = self.lines[n][3:].split()
        end = next((k for k in range(n + 1, len(self.lines)) if self.lines[k].startswith("```")), None)
        if end is None or self.lines[end].rstrip() != "```":
            raise self.span(n).error("this block is never closed", hint="end it with ```")
        match head:
            case ["rule", ident, effect]:
                self.rule(n, end, ident, effect)
            case ["case", name]:
                self.case(n, end, name)
            case ["param", ident] if re.fullmatch(r"[a-z][a-z0-9_]*", ident):
                self.param(n, end, ident)
            case ["rule" | "case" | "param", *_]:
                raise self.span(n).error(
                    "the head of this block is malformed",
                    hint="write ```rule ID EFFECT, ```case NAME or ```param name_in_lower_case",
                )
            case _:
                hint = "blocks of a pack are rule, case and param"
                raise self.span(n).error(f"unknown block `{' '.join(head)}`", hint=hint)
        return end + 1

    def rule(self, n: int, end: int, ident: str, effect_name: str) -> None:
        span = self.span(n)
        if not self.articles:
            raise span.error(f"rule `{ident}` cites no article", hint="put it under the heading of its article")
        article = self.articles[-1].id
        if not ident.startswith(f"{article}."):
            raise span.error(f"rule `{ident}` stands under `{article}`", 8, hint=f"name it {article}.1 or move it")
        try:
            effect = Effect(effect_name)
        except ValueError:
            hint = f"one of {', '.join(e.value for e in Effect)}"
            at = len(self.lines[n].rstrip()) - len(effect_name)
            raise span.error(f"unknown effect `{effect_name}`", at, hint=hint) from None
        fields: dict[str, Span] = {}
        excepts = []
        for key, value in self.fields(n + 1, end):
            if key == "except":
                m = re.match(r"\[([A-Za-z0-9-]+)\]\s*", value.text)
                if m is None:
                    raise value.error("an exception cites its article first", hint="except: [PIPL-18] condition")
                rest = Span(
                    text=value.text[m.end() :],
                    file=value.file,
                    line=value.line,
                    column=value.column + m.end(),
                    lines=value.lines,
                )
                excepts.append((m[1], rest))
            elif key in fields:
                raise value.error(f"`{key}` is given twice")
            else:
                fields[key] = value
        required, optional = _FIELDS[effect]
        if absent := sorted(required - set(fields)):
            hint = f"{effect.value} needs {', '.join(sorted(required))}"
            raise span.error(f"rule `{ident}` lacks `{absent[0]}`", hint=hint)
        for key in fields:
            if key not in required | optional:
                raise fields[key].error(f"`{key}` has no meaning in a {effect.value} rule")
        self.rules.append(
            RawRule(id=ident, effect=effect, article=article, fields=fields, excepts=tuple(excepts), span=span)
        )

    def fields(self, begin: int, end: int) -> list[tuple[str, Span]]:
        found: list[tuple[str, Span]] = []
        for n in range(begin, end):
            line = self.lines[n]
            if not line.strip():
                continue
            if line[0] in " \t":
                if not found:
                    raise self.span(n).error("a continuation needs a field above it")
                key, span = found[-1]
                text = f"{span.text}\n{line}"
                found[-1] = (key, Span(text=text, file=span.file, line=span.line, column=span.column, lines=span.lines))
                continue
            m = _KEY.match(line)
            if m is None:
                raise self.span(n).error("expected `key: value`")
            found.append((m["key"], self.span(n, m.end() + 1)))
        return found

    def param(self, n: int, end: int, ident: str) -> None:
        body = load_yaml("\n".join(self.lines[n + 1 : end]), file=self.file, line=n + 2)
        if not isinstance(body, dict) or not body:
            raise self.span(n).error(f"parameter `{ident}` has no values", hint="write lines such as 2024-03-22: 10000")
        values = []
        for day, value in body.items():
            if isinstance(value, bool) or not isinstance(value, int):
                raise self.span(n).error(f"parameter `{ident}` from {day} is not a whole number")
            values.append((self.date(str(day), n), value))
        if values != sorted(values):
            raise self.span(n).error(f"the days of parameter `{ident}` are out of order")
        self.params.append(RawParam(id=ident, values=tuple(values), span=self.span(n)))

    def case(self, n: int, end: int, name: str) -> None:
        body = load_yaml("\n".join(self.lines[n + 1 : end]), file=self.file, line=n + 2)
        if not isinstance(body, dict) or not isinstance(body.get("expect"), dict) or not body["expect"]:
            raise self.span(n).error(f"case `{name}` expects nothing", hint="give `given` and `expect`")
        if wrong := sorted(set(body) - {"given", "like", "sources", "at", "expect"}):
            raise self.span(n).error(f"case `{name}` has an unknown field `{wrong[0]}`")
        self.cases.append(RawCase(name=name, body=body, span=self.span(n)))


def _text(value: object) -> Text:
    if not isinstance(value, dict) or set(value) != {"zh", "en"}:
        raise ValueError("text needs zh and en")
    if not all(isinstance(v, str) and v for v in value.values()):
        raise ValueError("text needs zh and en")
    return Text(zh=value["zh"], en=value["en"])


def parse_text(span: Span) -> Text:
    """`{zh: …, en: …}` as Text.

    Raises:
        RuleError: one of the two languages is absent, or the mapping is malformed.
    """
    try:
        value = load_yaml(span.text, file=span.file, line=1)
    except RuleError as e:
        before = sum(len(line) + 1 for line in span.text.split("\n")[: e.line - 1])
        raise span.error(
            e.message, before + e.column - 1, hint="text with a comma or a colon stands in quotes"
        ) from None
    try:
        return _text(value)
    except ValueError:
        hint = "write {zh: …, en: …}; text with a comma or a colon stands in double quotes"
        raise span.error("the sentence must be in both languages", hint=hint) from None


def unreadable(file: str, error: OSError | UnicodeError) -> InvalidInput:
    """The error for a pack that cannot be read as UTF-8."""
    return InvalidInput(f"cannot read `{file}`: {error}", hint="packs are UTF-8 Markdown files")
