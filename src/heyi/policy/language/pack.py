"""Packs: one instrument as Markdown that a lawyer reviews, with `rule`, `param` and `case` blocks.

    ---                              front matter: id, instrument {zh, en}, rank, jurisdiction
    ## 标题 {#PIPL-31 from=2021-11-01 en="Minors under fourteen"}
    > the norm restated
    ```rule PIPL-31.1 require        lines `key: value`; an indented line continues the one above
    ```case under-fourteen           given, like, sources, at, expect

A file in the folder `requests` holds `case` blocks alone. This module reads the form; `check`
judges the content.

Source: docs/spec/rules.md.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from typing import Any

from heyi.model.decision import Effect, Rank, Text
from heyi.model.errors import RuleError
from heyi.policy.language.front_matter import front_matter
from heyi.policy.language.parse import parse_day, why_no_day
from heyi.policy.language.source import Span, at_line, lines_of
from heyi.policy.language.strict_yaml import load_yaml

_ANCHOR = re.compile(r'(?P<id>[A-Za-z0-9-]+)(?P<attrs>(?:\s+\w+=(?:"[^"]*"|[^\s"}]+))*)\s*\}\s*\Z')
_ATTR = re.compile(r'(\w+)=("[^"]*"|[^\s"}]+)')
_ID = re.compile(r"[A-Za-z0-9-]+")
_HTML = re.compile(r"<[A-Za-z!/?]")
_NARROW = {"｛": "{", "｝": "}", "＃": "#", "＝": "=", "“": '"', "”": '"'}
_KEY = re.compile(r"(?P<key>[a-z]+):(?:\s+|\Z)")

# required and optional fields of each effect
_FIELDS: Mapping[Effect, tuple[set[str], set[str]]] = {
    Effect.FORBID: ({"when", "says", "party"}, {"except", "from", "until"}),
    Effect.REQUIRE: ({"when", "needs", "says", "party"}, {"except", "from", "until"}),
    Effect.REVIEW: (
        {"when", "authority", "says"},
        {"party", "may", "track", "except", "from", "until"},
    ),
    Effect.GROUND: ({"when", "track", "says"}, {"party", "except", "from", "until"}),
    Effect.OBLIGE: ({"when", "says", "owes"}, {"baseline", "except", "from", "until"}),
}


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
    """A rule block with its fields as text; `excepts` holds pairs of an article and a condition."""

    id: str
    effect: Effect
    article: str
    fields: Mapping[str, Span]
    excepts: tuple[tuple[Span, Span], ...]
    span: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class RawParam:
    """A dated parameter: pairs of a day and the whole number that holds from it on, in order."""

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


@lru_cache(maxsize=128)
def parse_pack(text: str, *, file: str) -> Pack:
    """Parse a pack's Markdown. Packs are remembered, since authors edit one and compile all.

    Raises:
        RuleError: something is not well formed; it has file, line, column and the line of text.
    """
    return _Reader(text, file).pack()


@lru_cache(maxsize=16)
def parse_requests(text: str, *, file: str) -> tuple[RawCase, ...]:
    """The worked cases of a file of whole requests, which do not belong to one article.

    Raises:
        RuleError: it is not well formed, or holds a rule, a parameter or an article.
    """
    reader = _Reader(text, file)
    for n, line in enumerate(reader.lines):
        if m := re.match(r"```\s*(rule|param)\b|## .*(\{#)", line):
            hint = "rules, parameters and articles stand in packs"
            what = m[1] or "an article"
            raise reader.span(n).error(
                f"a file of requests holds cases alone, not {what}", hint=hint
            )
    reader.read(0, requests=True)
    return tuple(reader.cases)


class _Reader:
    """Reads one file, line by line. Methods take and give line indices, which count from 0."""

    def __init__(self, text: str, file: str) -> None:
        self.lines = lines_of(text, file=file)
        self.file = file
        self.articles: list[RawArticle] = []
        self.rules: list[RawRule] = []
        self.params: list[RawParam] = []
        self.cases: list[RawCase] = []

    def span(self, n: int, column: int = 1, text: str | None = None) -> Span:
        """`text`, or else the line at index `n` (from 0), from `column` (from 1) on."""
        return at_line(self.lines, n, file=self.file, column=column, text=text)

    def pack(self) -> Pack:
        front, n = front_matter(self.lines, file=self.file)
        self.read(n)
        if not self.articles:
            hint = "restate the articles that its rules rest on: ## 第十三条 …"
            raise self.span(len(self.lines) - 1).error("the pack restates no article", hint=hint)
        return Pack(
            id=front.id,
            instrument=front.instrument,
            rank=front.rank,
            jurisdiction=front.jurisdiction,
            file=self.file,
            articles=tuple(self.articles),
            rules=tuple(self.rules),
            params=tuple(self.params),
            cases=tuple(self.cases),
        )

    def read(self, n: int, *, requests: bool = False) -> None:
        """Read headings and blocks from line index `n` on; in `requests` headings mean nothing."""
        while n < len(self.lines):
            line = self.lines[n]
            self.refuse_html(n)
            if line.startswith("## ") and not requests:
                n = self.article(n)
            elif line.startswith("```"):
                n = self.block(n)
            elif re.match(r"#{1,6}[^{]*\{#", line) and not line.startswith("##\t"):
                hint = "write ## and a space before it"
                raise self.span(n).error("the heading of an article is of level two", hint=hint)
            # INVARIANT: a line that Markdown shows as block or heading is read as such or refused.
            elif re.match(r"\s*(```|~~~)|##[^#\s]", line):
                hint = "blocks begin with ``` in the first column, headings of articles with `## `"
                raise self.span(n).error(
                    "this line looks like a block or a heading but is none", hint=hint
                )
            else:
                n += 1

    def refuse_html(self, n: int) -> None:
        """A rule in an HTML comment would be loaded, and a reader of the page would not see it."""
        if m := _HTML.search(self.lines[n]):
            hint = "write Markdown alone: the page must show all that is loaded"
            raise self.span(n).error("HTML can hide what stands below it", m.start(), hint=hint)

    def article(self, n: int) -> int:
        """The article with its heading at line index `n`; the index of the first line behind it."""
        zh, _, anchor = self.lines[n][2:].partition("{#")
        m = _ANCHOR.match(anchor)
        if m is None or not zh.strip():
            raise self.bad_heading(n, anchor)
        attrs = self.attributes(n, m)
        head = n
        n += 1
        # the quotation below the heading, with blank lines in it, is the norm restated
        restated = []
        while n < len(self.lines) and (self.lines[n].startswith(">") or not self.lines[n].strip()):
            self.refuse_html(n)
            if self.lines[n].startswith(">"):
                restated.append(self.lines[n][1:].strip())
            n += 1
        self.articles.append(
            RawArticle(
                id=m["id"],
                heading=Text(zh=zh.strip(), en=attrs["en"]),
                restated="\n".join(restated),
                begins=self.date(attrs["from"], head),
                until=self.date(attrs["until"], head) if "until" in attrs else None,
                span=self.span(head),
            )
        )
        return n

    def bad_heading(self, n: int, anchor: str) -> RuleError:
        """The error for a heading that does not parse; `anchor` is the text behind its `{#`."""
        at, hint = 0, 'write ## 第十三条 … {#PIPL-13 from=2021-11-01 en="…"}'
        if wide := re.search("[｛｝＃＝“”]", self.lines[n]):
            at, hint = wide.start(), f"`{wide[0]}` is full-width; write `{_NARROW[wide[0]]}`"
        elif (ident := re.match(r"[^\s}]+", anchor)) and not _ID.fullmatch(ident[0]):
            at = len(self.lines[n]) - len(anchor)
            hint = "ids are ASCII letters, digits and hyphens, such as PIPL-13"
        return self.span(n).error("a heading needs an id and a date", at, hint=hint)

    def attributes(self, n: int, m: re.Match[str]) -> dict[str, str]:
        """`from`, `en` and perhaps `until` of a heading, without quotes."""
        pairs = [(k, v.strip('"')) for k, v in _ATTR.findall(m["attrs"])]
        attrs = dict(pairs)
        keys = [k for k, _ in pairs]
        hint, key = "", ""
        if wrong := [k for k in keys if k not in ("from", "until", "en")]:
            key, hint = wrong[0], f"`{wrong[0]}=` has no meaning here"
        elif twice := [k for k in keys if keys.count(k) > 1]:
            key, hint = twice[0], f"`{twice[0]}=` stands twice"
        elif absent := [k for k in ("from", "en") if not attrs.get(k)]:
            hint = f"it lacks `{absent[0]}=`"
        elif set("“”") & set(attrs["en"]):
            key, hint = "en", '`“` is no quotation mark here; write `"`'
        if hint:
            message = f"article `{m['id']}` needs from=, en= and may have until=, nothing else"
            at = max(self.lines[n].rfind(f" {key}=") + 1, 0) if key else 0
            raise self.span(n).error(message, at, hint=hint)
        return attrs

    def date(self, text: str, n: int) -> dt.date:
        day = parse_day(text)
        if day is None:
            at = max(self.lines[n].find(text), 0)
            raise self.span(n).error(f"`{text}` is not a date", at, hint=why_no_day(text))
        return day

    def block(self, n: int) -> int:
        """The block with its head at line index `n`; the index of the first line behind it."""
        head = self.lines[n][3:].split()
        # the next fence ends the block; if it opens another, this block was never closed
        end = next(
            (k for k in range(n + 1, len(self.lines)) if self.lines[k].startswith("```")), None
        )
        if end is None or self.lines[end].rstrip() != "```":
            hint = "end it with ```" if end is None else f"end it with ``` before line {end + 1}"
            raise self.span(n).error("this block is never closed", hint=hint)
        if self.lines[n].startswith("````"):
            raise self.span(n).error(
                "a block begins with three backticks", hint="delete the others"
            )
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
        """The rule in the lines from `n`, its head, up to `end`, where its block is closed."""
        span = self.span(n)
        article = self.article_of(span, ident)
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
                excepts.append(self.exception(value))
            elif key in fields:
                hint = "join them in one" if key in ("when", "needs") else "delete one of them"
                raise value.error(f"`{key}` is given twice", hint=hint)
            else:
                fields[key] = value
        self.check_fields(span, ident, effect, fields)
        self.rules.append(
            RawRule(
                id=ident,
                effect=effect,
                article=article,
                fields=fields,
                excepts=tuple(excepts),
                span=span,
            )
        )

    def article_of(self, span: Span, ident: str) -> str:
        """The article of a rule: that of the last heading above. The rule's id begins with it."""
        if not self.articles:
            hint = "put it under the heading of its article"
            raise span.error(f"rule `{ident}` cites no article", hint=hint)
        article = self.articles[-1].id
        at = len("```rule ")
        if not ident.startswith(f"{article}."):
            hint = f"name it {article}.1 or move it"
            raise span.error(f"rule `{ident}` stands under `{article}`", at, hint=hint)
        if not _ID.fullmatch(ident, len(article) + 1):
            hint = f"ids are ASCII letters, digits and hyphens, such as {article}.1"
            raise span.error(f"`{ident}` is no id of a rule", at, hint=hint)
        return article

    def exception(self, value: Span) -> tuple[Span, Span]:
        """The cited article and the condition of `except: [PIPL-18] condition`."""
        m = re.match(r"\[([A-Za-z0-9-]+)\]\s*", value.text)
        if m is None:
            hint = "write except: [PIPL-18] condition, in square brackets that are ASCII"
            raise value.error("an exception cites its article first", hint=hint)
        condition = Span(
            text=value.text[m.end() :],
            file=value.file,
            line=value.line,
            column=value.column + m.end(),
            lines=value.lines,
        )
        if not condition.text.strip():
            hint = "write the condition behind it; `true` where it always holds"
            raise condition.error(f"the exception of `{m[1]}` has no condition", hint=hint)
        return self.span(value.line - 1, value.column + 1, m[1]), condition

    def check_fields(
        self, span: Span, ident: str, effect: Effect, fields: Mapping[str, Span]
    ) -> None:
        """Every field that the effect needs is there, none is empty, and none has no meaning."""
        for key, value in fields.items():
            if not value.text.strip():
                raise value.error(f"`{key}` is empty", hint="write its value behind it")
        required, optional = _FIELDS[effect]
        allowed = sorted(required | optional)
        for key, value in fields.items():
            if key not in allowed:
                near = get_close_matches(key, set(allowed) - set(fields), 1)
                hint = f"its fields are {', '.join(allowed)}"
                if near:
                    hint = f"did you mean `{near[0]}`?"
                a = "an" if effect is Effect.OBLIGE else "a"
                raise self.span(value.line - 1).error(
                    f"`{key}` has no meaning in {a} {effect.value} rule", hint=hint
                )
        if absent := sorted(required - set(fields)):
            hint = f"{effect.value} needs the fields {', '.join(sorted(required))}"
            raise span.error(f"rule `{ident}` lacks `{absent[0]}`", hint=hint)

    def fields(self, begin: int, end: int) -> list[tuple[str, Span]]:
        """Keys and values in order; a value may go on in indented lines."""
        # key, line index and column of the value, lines of the value
        found: list[tuple[str, int, int, list[str]]] = []
        for n in range(begin, end):
            line = self.lines[n]
            if not line.strip():
                continue
            if line[0] in " \t":
                if not found:
                    raise self.span(n).error("a continuation needs a field above it")
                found[-1][3].append(line)
                continue
            m = _KEY.match(line)
            if m is None:
                raise self.span(n).error("expected `key: value`", hint=_why_no_field(line))
            found.append((m["key"], n, m.end() + 1, [line[m.end() :]]))
        return [(key, self.span(n, column, "\n".join(text))) for key, n, column, text in found]

    def param(self, n: int, end: int, ident: str) -> None:
        body = load_yaml("\n".join(self.lines[n + 1 : end]), file=self.file, line=n + 2)
        if not isinstance(body, dict) or not body:
            hint = "write lines such as 2024-03-22: 10000"
            if isinstance(body, str) and "：" in body:
                hint = "`：` is full-width; write `: `"
            raise self.span(n).error(f"parameter `{ident}` has no values", hint=hint)
        values: list[tuple[dt.date, int]] = []
        for key, value in body.items():
            at = self.span(n).below(str(key))
            day = parse_day(str(key))
            if day is None:
                raise at.error(f"`{key}` is not a date", hint=why_no_day(str(key)))
            if isinstance(value, bool) or not isinstance(value, int):
                hint = "write digits, such as 10000 or 10_000, at most 18"
                raise at.error(f"parameter `{ident}` from {key} is not a whole number", hint=hint)
            if value < 0:
                raise at.error(f"parameter `{ident}` from {key} is negative", hint="no fact is")
            values.append((day, value))
        # `typing` takes each value to hold up to the next day, so the days must ascend
        if values != sorted(values):
            message = f"the days of parameter `{ident}` are out of order"
            raise self.span(n).error(message, hint="let the earliest stand first")
        self.params.append(RawParam(id=ident, values=tuple(values), span=self.span(n)))

    def case(self, n: int, end: int, name: str) -> None:
        span = self.span(n)
        body = load_yaml("\n".join(self.lines[n + 1 : end]), file=self.file, line=n + 2)
        expect = body.get("expect") if isinstance(body, dict) else None
        if not isinstance(expect, dict) or not expect:
            raise span.error(f"case `{name}` expects nothing", hint="give `given` and `expect`")
        if wrong := sorted(set(body) - {"given", "like", "sources", "at", "expect"}, key=str):
            hint = "its fields are given, like, sources, at and expect"
            raise span.below(str(wrong[0])).error(
                f"case `{name}` has an unknown field `{wrong[0]}`", hint=hint
            )
        if name in [c.name for c in self.cases]:
            raise span.error(f"case `{name}` is given twice", hint="give one of them another name")
        self.cases.append(RawCase(name=name, body=body, span=span))


def _why_no_field(line: str) -> str:
    """The hint for a line of a rule that is not a field."""
    if re.match(r"\w+\s*：", line):
        return "`：` is full-width; write `: `"
    if re.match(r"[a-z]+:", line):
        return "write a space behind the colon"
    if re.match(r"[A-Za-z]+:", line):
        return "keys are in lower case"
    if re.match(r"\w+:", line):
        return "keys are English, such as when, needs and says"
    return "a line that goes on with the one above begins with a space"
