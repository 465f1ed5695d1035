"""The rulebook as a site for lawyers: articles, rules in words, worked cases, and every norm.

The pages load nothing and run one pinned script; the same rulebook gives the same bytes.
"""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count

from jinja2 import Environment
from markupsafe import Markup

from heyi.model.decision import Effect, Text
from heyi.policy.language import ir
from heyi.policy.language.check import REQUESTS
from heyi.policy.language.counts import counts
from heyi.policy.language.norms import NORMS_FILE, Accounted, Standing, account, load_norms
from heyi.policy.language.schema import FactSpec
from heyi.policy.render import effect, in_parts
from heyi.report.evidence import NO_ADVICE
from heyi.report.html import environment, packaged, pin

RANKS = {
    "law": Text(zh="法律", en="law"),
    "regulation": Text(zh="行政法规", en="administrative regulation"),
    "department-rule": Text(zh="部门规章", en="department rule"),
    "normative": Text(zh="规范性文件", en="normative document"),
    "standard": Text(zh="国家标准", en="national standard"),
    "agreement": Text(zh="共同体公约", en="consortium agreement"),
    "policy": Text(zh="政策", en="policy"),
    "judgement": Text(zh="不确定地带", en="indeterminate zone"),
}
JURISDICTIONS = {
    "cn": Text(zh="中国", en="China"),
    "eu": Text(zh="欧盟", en="European Union"),
    "us": Text(zh="美国", en="United States"),
    "jp": Text(zh="日本", en="Japan"),
}
STANDINGS = {
    Standing.RULES: Text(zh="有规则", en="rules of its own"),
    Standing.ELSEWHERE: Text(zh="由其他条文的规则执行", en="enforced by rules of other articles"),
    Standing.DEFINITION: Text(zh="定义", en="definition"),
    Standing.JUDGEMENT: Text(zh="由人判断", en="human judgement"),
    Standing.SCOPE: Text(zh="不涉及单个申请", en="out of scope"),
    Standing.OPEN: Text(zh="未交代", en="unaccounted"),
}
CONFIDENCES = {
    "A": Text(zh="已读条文", en="text read"),
    "A-": Text(
        zh="读过部分或者转述，要点已核对", en="read in part or second hand, the key point verified"
    ),
    "B": Text(zh="熟知，未读条文", en="known, not read"),
    "C": Text(zh="待核实，只能交人审查", en="to be checked; it may only ask for review"),
}
_TONES = {
    Effect.FORBID: "stop",
    Effect.REQUIRE: "cure",
    Effect.REVIEW: "wait",
    Effect.GROUND: "good",
    Effect.OBLIGE: "duty",
}
_OUTCOMES = {
    "permit": ("good", Text(zh="准许", en="permit")),
    "permit-with-obligations": ("duty", Text(zh="准许，附义务", en="permit with obligations")),
    "needs-approval": ("wait", Text(zh="须经审批", en="needs approval")),
    "deny": ("stop", Text(zh="不准许", en="deny")),
}
_COMMON = ("index.html", "requests.html", "norms.html", "facts.html")
_NAMED = ("fires", "silent", "met", "unmet", "undetermined", "obligations")


@dataclass(frozen=True, slots=True)
class RuleShown:
    """A rule with its words in one language, its source text, and the cases that name it."""

    rule: ir.Rule
    effect: str
    tone: str
    parts: Sequence[tuple[str, str]]
    source: str
    cases: Sequence[ir.WorkedCase]


@dataclass(frozen=True, slots=True)
class RequestShown:
    """A whole request: the prose before it, and the source text of its facts and answer."""

    case: ir.WorkedCase
    story: str
    source: str


@dataclass(frozen=True, slots=True)
class ArticleShown:
    """An article with the prose below its restatement, and its rules."""

    article: ir.Article
    notes: Sequence[str]
    rules: Sequence[RuleShown]


@dataclass(frozen=True, slots=True)
class InstrumentShown:
    """One pack; `norms` are the norms of its instrument without an article in the pack."""

    page: str
    name: Text
    rank: str
    jurisdiction: str
    binds: bool
    articles: Sequence[ArticleShown]
    cases: int
    norms: Sequence[Accounted]

    @property
    def rules(self) -> int:
        return sum(len(a.rules) for a in self.articles)

    @property
    def begins(self) -> dt.date:
        return min(a.article.begins for a in self.articles)


def lawbook(book: ir.Rulebook, binding: Sequence[str], lang: str) -> dict[str, str]:
    """The pages by file name: `index.html`, `requests.html`, `norms.html`, `facts.html`, and one
    page for each instrument.

    `book` holds the packs of all jurisdictions; the consortium has adopted those in `binding`.
    `lang` is `zh` or `en`.
    """
    norms = load_norms(book.texts[NORMS_FILE]) if NORMS_FILE in book.texts else {}
    accounted = account(norms, book.by_id)
    ranks = list(RANKS)
    shown = sorted(
        _instruments(book, binding, accounted, lang),
        key=lambda i: (not i.binds, i.jurisdiction, ranks.index(i.rank), i.begins, i.page),
    )
    templates = _templates(book, shown, lang)
    common = {"instruments": shown, "accounted": accounted, "binding": list(binding)}

    def page(template: str, **names: object) -> str:
        return templates.get_template(template).render(**common, **names)

    found = {
        "index.html": page(
            "index.html",
            book=book,
            bound=counts(book, binding),
            whole=counts(book),
            standings_of=Counter((a.norm.instrument.jurisdiction, a.standing) for a in accounted),
            jurisdictions=list(dict.fromkeys(a.norm.instrument.jurisdiction for a in accounted)),
            kinds=list(Standing),
        ),
        "norms.html": page("norms.html"),
        "requests.html": page(
            "requests.html",
            groups=[
                g for f in sorted(book.texts) if f.startswith(REQUESTS) for g in _requests(book, f)
            ],
            tones=_OUTCOMES,
        ),
        "facts.html": page("facts.html", facts=list(_facts(book))),
    }
    return found | {i.page: page("instrument.html", it=i) for i in shown}


def _templates(book: ir.Rulebook, shown: Sequence[InstrumentShown], lang: str) -> Environment:
    """The templates, with what all pages print: words of one language, links, style and script."""
    script = packaged("templates", "lawbook/filter.js")

    def tr(text: Text | None) -> str:
        return "" if text is None else text.zh if lang == "zh" else text.en

    templates = environment("templates/lawbook")
    templates.globals |= {
        "lang": lang,
        "tr": tr,
        "say": lambda zh, en: zh if lang == "zh" else en,
        "digest": book.digest,
        "advice": NO_ADVICE,
        "ranks": RANKS,
        "law_of": lambda j: tr(JURISDICTIONS.get(j, Text(zh=j, en=j))),
        "paragraphs": paragraphs,
        "standings": STANDINGS,
        "confidences": CONFIDENCES,
        "style": Markup(
            packaged("templates", "report.css") + packaged("templates", "lawbook/lawbook.css")
        ),
        "script": Markup(script),
        "pin": pin(script),
        "page_of": {r.rule.id: i.page for i in shown for a in i.articles for r in a.rules},
        "page_of_article": {a.article.id: i.page for i in shown for a in i.articles},
        "named": named,
    }
    return templates


def paragraphs(text: str) -> list[str]:
    """Lines, joined where a sentence continues; Chinese lines are joined without a space."""
    found: list[str] = []
    for line in text.splitlines():
        if found and not found[-1].endswith(("。", ".")):
            # Chinese script and punctuation begin above U+2E80
            found[-1] += ("" if found[-1][-1] > "\u2e80" else " ") + line
        else:
            found.append(line)
    return found


def named(case: ir.WorkedCase, rule: str) -> str:
    """The expectation in which a case names a rule, such as `fires` or `silent`; empty if none."""
    return next((k for k in _NAMED if rule in _listed(case.expect.get(k))), "")


def _listed(value: object) -> list[str]:
    if value is None:
        return []
    return [str(v) for v in value] if isinstance(value, (list, tuple)) else [str(value)]


def _instruments(
    book: ir.Rulebook, binding: Sequence[str], accounted: Sequence[Accounted], lang: str
) -> Iterator[InstrumentShown]:
    by_file: dict[str, list[ir.Article]] = {}
    for article in book.articles.values():
        by_file.setdefault(article.file, []).append(article)
    taken = set(_COMMON)
    for file, articles in by_file.items():
        first = articles[0]
        stem = file.removesuffix(".md").replace("/", "-")
        # two files may give one name, as `cn/a-b.md` and `cn-a/b.md`
        page = next(
            p for n in count(1) if (p := f"{stem}{f'-{n}' if n > 1 else ''}.html") not in taken
        )
        taken.add(page)
        own = {a.id for a in articles}
        yield InstrumentShown(
            page=page,
            name=first.instrument,
            rank=first.rank.value,
            jurisdiction=first.jurisdiction,
            binds=first.jurisdiction in binding,
            articles=list(_articles(book, file, articles, lang)),
            cases=sum(c.file == file for c in book.cases),
            norms=[
                a
                for a in accounted
                if a.norm.instrument.name == first.instrument and a.norm.id not in own
            ],
        )


def _articles(
    book: ir.Rulebook, file: str, articles: Sequence[ir.Article], lang: str
) -> Iterator[ArticleShown]:
    sources, notes = _source_of(book.texts[file])
    for article in articles:
        rules = [
            RuleShown(
                rule,
                effect(rule, lang),
                _TONES[rule.effect],
                in_parts(book, rule, lang),
                sources.get(rule.id, ""),
                [c for c in book.cases if named(c, rule.id)],
            )
            for rule in book.rules
            if rule.article.id == article.id
        ]
        yield ArticleShown(article, notes.get(article.id, ()), rules)


def _source_of(text: str) -> tuple[Mapping[str, str], Mapping[str, Sequence[str]]]:
    """The block of each rule in a pack, and the prose below each article's restatement."""
    sources: dict[str, str] = {}
    notes: dict[str, list[str]] = {}
    article, block = "", ""  # the rule of the open block; a space for any other block
    lines: list[str] = []
    for line in text.splitlines():
        if block:
            if line.startswith("```"):
                sources[block], block = "\n".join(lines), ""
            else:
                lines.append(line)
        elif line.startswith("```"):
            head = line[3:].split()
            block, lines = (head[1] if head[:1] == ["rule"] else " "), []
        elif m := re.match(r"## .*\{#([A-Za-z0-9-]+)", line):
            article = m[1]
        elif article and line.strip() and not line.startswith((">", "#")):
            notes.setdefault(article, []).append(line.strip())
    return sources, {name: paragraphs("\n".join(lines)) for name, lines in notes.items()}


def _requests(book: ir.Rulebook, file: str) -> Iterator[tuple[str, list[RequestShown]]]:
    """The headings of a file of requests, each with its requests.

    A block of a request is known by its line, since a case keeps the line where it begins.
    """
    cases = {c.line: c for c in book.cases if c.file == file}
    heading, story, group = "", "", list[RequestShown]()
    lines = book.texts[file].splitlines()
    n = 0
    while n < len(lines):
        if lines[n].startswith("## "):
            if group:
                yield heading, group
            heading, story, group = lines[n][3:], "", []
        elif lines[n].startswith("```"):
            end = next(k for k in range(n + 1, len(lines)) if lines[k].startswith("```"))
            group.append(
                RequestShown(
                    cases[n + 1], " ".join(paragraphs(story)), "\n".join(lines[n + 1 : end])
                )
            )
            story, n = "", end
        elif lines[n].strip() and not lines[n].startswith("#"):
            story += lines[n].strip() + "\n"
        n += 1
    if group:
        yield heading, group


def _facts(book: ir.Rulebook) -> Iterator[tuple[FactSpec, int]]:
    """Each fact, and how many rules read it."""
    read = Counter(name for rule in book.rules for name in set(rule.facts))
    for spec in book.schema.facts.values():
        yield spec, read[spec.id]
