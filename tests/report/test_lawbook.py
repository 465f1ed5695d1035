"""The rulebook as a site: complete, without dead links, reproducible, and safe from markup."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from markupsafe import escape

from heyi.policy.language import ir
from heyi.policy.language.check import REQUESTS, compile_rulebook
from heyi.policy.language.counts import counts
from heyi.policy.language.jurisdictions import CONSORTIUM_FILE
from heyi.policy.language.norms import NORMS_FILE, Standing, account, load_norms
from heyi.report.evidence import NO_ADVICE
from heyi.report.lawbook import STANDINGS, lawbook, named, paragraphs
from tests.report.page import Page
from tests.support.books import article, pack, rule, schema
from tests.support.command import HANGING
from tests.support.shipped import every_pack

Pages = dict[str, str]
LANGUAGES = ("zh", "en")
COMMON = {"index.html", "norms.html", "requests.html", "facts.html"}
OUTCOMES = {
    "zh": {
        "permit": "准许",
        "permit-with-obligations": "准许，附义务",
        "needs-approval": "须经审批",
        "deny": "不准许",
    },
    "en": {
        "permit": "permit",
        "permit-with-obligations": "permit with obligations",
        "needs-approval": "needs approval",
        "deny": "deny",
    },
}


@pytest.fixture(scope="module")
def book() -> ir.Rulebook:
    """The shipped rulebook with the packs of all jurisdictions."""
    return every_pack()


@pytest.fixture(scope="module")
def sites(book: ir.Rulebook) -> dict[str, Pages]:
    return {lang: lawbook(book, ["cn"], lang) for lang in LANGUAGES}


@pytest.fixture(scope="module")
def parsed(sites: dict[str, Pages]) -> dict[str, dict[str, Page]]:
    return {
        lang: {name: Page(html) for name, html in pages.items()} for lang, pages in sites.items()
    }


def ids(page: Page) -> list[str]:
    return [i for _, a in page.tags if (i := a.get("id"))]


def links(pages: dict[str, Page]) -> Iterator[tuple[str, str, str]]:
    """Each link: its page, the page that it leads to, and the id there."""
    for name, page in pages.items():
        for _, attributes in page.tags:
            if (href := attributes.get("href")) is not None:
                to, _, anchor = href.partition("#")
                yield name, to or name, anchor


def cards(html: str) -> dict[str, str]:
    return dict(re.findall(r'<article class="card" id="([^"]+)">(.*?)</article>', html, re.DOTALL))


def rows(html: str) -> dict[str, str]:
    return dict(re.findall(r'<tr id="([^"]+)">(.*?)</tr>', html, re.DOTALL))


def prose(html: str) -> str:
    return Page(html).prose


# --- each page ----------------------------------------------------------------------------------


def test_a_page_an_instrument_in_both_languages(book: ir.Rulebook, sites: dict[str, Pages]) -> None:
    packs = {a.file for a in book.articles.values()}
    for pages in sites.values():
        assert set(pages) == COMMON | {p.replace("/", "-").replace(".md", ".html") for p in packs}
        assert len(pages) == len(COMMON) + len(packs)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_link_leads_to_a_page_and_an_id_that_exist(
    parsed: dict[str, dict[str, Page]], lang: str
) -> None:
    pages = parsed[lang]
    there = {name: set(ids(page)) for name, page in pages.items()}
    found = list(links(pages))
    assert len(found) > 1_000
    assert [(a, b) for a, b, _ in found if b not in pages] == []
    assert [(a, b, i) for a, b, i in found if i and i not in there[b]] == []
    assert {b for _, b, _ in found} == set(pages), "no page is out of reach"
    for name, page in pages.items():
        assert [i for i, n in Counter(ids(page)).items() if n > 1] == [], name
        assert [
            f
            for t, a in page.tags
            if t == "input" and (f := a.get("data-filter")) not in there[name]
        ] == []


@pytest.mark.parametrize("lang", LANGUAGES)
def test_nothing_is_loaded_from_outside(parsed: dict[str, dict[str, Page]], lang: str) -> None:
    loading = (
        "src",
        "srcset",
        "data",
        "poster",
        "action",
        "formaction",
        "background",
        "manifest",
        "style",
    )
    for page in parsed[lang].values():
        for tag, attributes in page.tags:
            assert not [a for a in attributes if a in loading or a.startswith("on")], f"<{tag}>"
            assert tag not in ("link", "iframe", "object", "embed", "base", "img", "form")
            assert not re.match(r"\w+:|//", attributes.get("href") or ""), attributes["href"]
        assert not re.search(r"url\(|@import", "".join(page.styles))


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_policy_pins_the_one_script(parsed: dict[str, dict[str, Page]], lang: str) -> None:
    for page in parsed[lang].values():
        (policy,) = [
            a["content"] or ""
            for _, a in page.tags
            if a.get("http-equiv") == "Content-Security-Policy"
        ]
        (script,) = page.scripts
        assert sum(tag == "script" for tag, _ in page.tags) == 1
        digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        assert re.findall(r"script-src ([^;]*)", policy) == [f"'sha256-{digest}'"]
        assert (
            "default-src 'none'" in policy
            and "base-uri 'none'" in policy
            and "form-action 'none'" in policy
        )


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_page_says_its_language_its_rulebook_and_that_it_is_no_advice(
    book: ir.Rulebook, parsed: dict[str, dict[str, Page]], lang: str
) -> None:
    for name, page in parsed[lang].items():
        assert (
            next(a["lang"] for t, a in page.tags if t == "html")
            == {"zh": "zh-CN", "en": "en"}[lang]
        )
        assert (NO_ADVICE.zh if lang == "zh" else NO_ADVICE.en) in page.prose, name
        assert (NO_ADVICE.en if lang == "zh" else NO_ADVICE.zh) not in page.prose, name
        assert book.digest in page.prose


def test_the_same_bytes_again(book: ir.Rulebook, sites: dict[str, Pages]) -> None:
    again = compile_rulebook(dict(reversed(list(book.texts.items()))))
    for lang, pages in sites.items():
        assert lawbook(again, ["cn"], lang) == pages
    assert sites["zh"]["index.html"] != sites["en"]["index.html"]


# --- what they hold -----------------------------------------------------------------------------


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_article_and_rule_stands_on_the_page_of_its_instrument(
    book: ir.Rulebook, sites: dict[str, Pages], parsed: dict[str, dict[str, Page]], lang: str
) -> None:
    def page(file: str) -> str:
        return file.replace("/", "-").replace(".md", ".html")

    shown = {name: cards(html) for name, html in sites[lang].items()}
    text = {name: p.prose for name, p in parsed[lang].items()}
    there = {name: set(ids(p)) for name, p in parsed[lang].items()}
    for a in book.articles.values():
        assert a.id in there[page(a.file)]
        assert (a.heading.zh if lang == "zh" else a.heading.en) in text[page(a.file)], a.id
        assert str(a.begins) in text[page(a.file)]
        for line in paragraphs(a.restated):
            assert " ".join(line.split()) in text[page(a.file)], a.id
    for r in book.rules:
        card = shown[page(r.article.file)][r.id]
        assert str(escape(r.says.zh if lang == "zh" else r.says.en)) in card, r.id
        source = re.search(
            rf"^```rule {re.escape(r.id)} .*\n([^`]*)```", book.texts[r.article.file], re.MULTILINE
        )
        assert source is not None and str(escape(source[1].strip())) in card, r.id
        for case in book.cases:
            if named(case, r.id):
                assert f"<td>{case.name}</td>" in card, (r.id, case.name)
    assert sum(len(c) for name, c in shown.items() if name not in COMMON) == len(book.rules)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_norm_stands_with_its_rules_or_its_reason(
    book: ir.Rulebook, sites: dict[str, Pages], lang: str
) -> None:
    shown = rows(sites[lang]["norms.html"])
    accounted = account(load_norms(book.texts[NORMS_FILE]), book.by_id)
    assert list(shown) == [a.norm.id for a in accounted]
    reasons = 0
    for a in accounted:
        row, said = shown[a.norm.id], STANDINGS[a.standing]
        for text in (
            a.norm.title,
            a.norm.instrument.name,
            said,
            *([a.norm.settled] if a.norm.settled else []),
        ):
            assert str(escape(text.zh if lang == "zh" else text.en)) in row, a.norm.id
        assert f"<td>{a.norm.confidence}</td>" in row and str(a.norm.begins) in row
        if a.standing is Standing.RULES:
            own = [r.id for r in a.rules if r.article.id == a.norm.id]
            assert own and re.findall(r'#([^"]+)">', row) == own
            continue
        assert [f">{i}</a>" in row for i in a.norm.by] == [True] * len(a.norm.by), a.norm.id
        if a.norm.why:
            reasons += 1
            assert str(escape(a.norm.why.zh if lang == "zh" else a.norm.why.en)) in row, a.norm.id
    assert reasons >= sum(bool(a.norm.without) for a in accounted) > 0


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_first_page_counts_what_became_of_the_norms(
    book: ir.Rulebook, parsed: dict[str, dict[str, Page]], lang: str
) -> None:
    accounted = account(load_norms(book.texts[NORMS_FILE]), book.by_id)
    jurisdictions = list(dict.fromkeys(a.norm.instrument.jurisdiction for a in accounted))
    count = Counter((a.standing, a.norm.instrument.jurisdiction) for a in accounted)
    text = parsed[lang]["index.html"].prose
    for standing, said in STANDINGS.items():
        each = [count[standing, j] for j in jurisdictions]
        row = " ".join(map(str, [said.zh if lang == "zh" else said.en, *each, sum(each)]))
        assert f" {row} " in text
    bound = counts(book, ["cn"])
    for number, what in (
        (len(accounted), "条规范|norms"),
        (bound.rules, "条规则|rules"),
        (bound.cases, "个用例|worked cases"),
    ):
        assert f"{number} {what.split('|')[lang == 'en']}" in text
    for number in (len(book.rules), len(book.cases)):
        assert re.search(rf"(jurisdictions not adopted|未采用的法域)\D* {number}\b", text)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_whole_request_stands_with_its_story_and_its_outcome(
    book: ir.Rulebook, sites: dict[str, Pages], lang: str
) -> None:
    shown = cards(sites[lang]["requests.html"])
    requests = [c for c in book.cases if c.file.startswith(REQUESTS)]
    assert list(shown) == [c.name for c in requests]
    told = 0
    for case in requests:
        before, _, block = book.texts[case.file].partition(f"```case {case.name}\n")
        story = [
            line
            for line in re.split(r"```\n|^#.*$", before, flags=re.MULTILINE)[-1].splitlines()
            if line
        ]
        card = prose(shown[case.name])
        told += bool(story)
        assert all(line in card for line in story), case.name
        assert " ".join(block.partition("\n```")[0].split()) in card
        outcome = (
            OUTCOMES[lang][str(case.expect["outcome"])] + " " if "outcome" in case.expect else ""
        )
        assert card.startswith(outcome + (story or [case.name])[0]), case.name
        assert str(case.at) in card
    assert told > 20


def test_every_fact_stands_with_the_number_of_rules_that_read_it(
    book: ir.Rulebook, sites: dict[str, Pages]
) -> None:
    shown = rows(sites["en"]["facts.html"])
    assert list(shown) == list(book.schema.facts)
    read = Counter(
        name for r in book.rules for name in {*ir.facts_read(r.applies), *ir.facts_read(r.needs)}
    )
    for spec in book.schema.facts.values():
        if spec.id != "legal_day":
            assert shown[spec.id].endswith(f'<td class="num">{read[spec.id]}</td>'), spec.id
        assert all(str(escape(v.en)) in shown[spec.id] for v in spec.values.values())


@pytest.mark.parametrize(
    ("binding", "marked"), [(["cn"], {"eu"}), (["cn", "eu"], set()), (["eu"], {"cn"})]
)
def test_law_that_is_not_adopted_says_so(
    book: ir.Rulebook, binding: list[str], marked: set[str]
) -> None:
    pages = lawbook(book, binding, "en")
    jurisdictions = {
        a.file.replace("/", "-").replace(".md", ".html"): a.jurisdiction
        for a in book.articles.values()
    }
    told = {
        j for page, j in jurisdictions.items() if "not adopted by this consortium" in pages[page]
    }
    assert told == marked
    assert pages["index.html"].count("(not adopted)") == sum(
        j in marked for j in jurisdictions.values()
    )


# --- a small rulebook ---------------------------------------------------------------------------

EVIL = '<script>alert(1)</script>&\\"<img src=x>'
FACTS = schema("a", "b", main="a").replace('zh = "b"\nen = "b"', f'zh = "{EVIL}"\nen = "{EVIL}"')
NORMS = f"""\
[instrument.x]
zh = "X法"
en = "X Act"
rank = "law"
jurisdiction = "cn"
[norm.X-1]
zh = "{EVIL}"
en = "{EVIL}"
instrument = "x"
from = 2020-01-01
confidence = "B"
[norm.X-2]
zh = "乙"
en = "two"
instrument = "x"
from = 2020-01-01
confidence = "C"
without = "scope"
why = "因为{EVIL}|since {EVIL}"
"""
PACK = pack(
    rule("X-1.1 ground", "a && !b", track="main", says="{zh: 少于<5, en: fewer than <5 & more}"),
    rule("X-1.2 forbid", "b"),
)
REQUEST = """\
# Whole requests

## Care

A doctor reads <5 records.

```case reads
given:  {a: true, b: false}
expect: {outcome: permit}
```

```case without-story
given:  {a: true, b: true}
expect: {outcome: deny}
```
"""
SMALL = {"facts.toml": FACTS, NORMS_FILE: NORMS, "cn/x.md": PACK, "requests/cn.md": REQUEST}


def small(more: dict[str, str] | None = None, lang: str = "en") -> Pages:
    return lawbook(compile_rulebook({**SMALL, **(more or {})}), ["cn"], lang)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_nothing_of_a_rulebook_becomes_markup(lang: str) -> None:
    label = EVIL.replace('\\"', '"')
    pages = small(lang=lang)
    for page, times in (("facts.html", 1), ("norms.html", 2), ("cn-x.html", 2)):
        assert pages[page].count(str(escape(label))) >= times, page
        parsed = Page(pages[page])
        assert "<script>alert(1)</script>" in parsed.prose, (
            "what the reader sees is what was written"
        )
    for html in pages.values():
        assert "<script>alert" not in html and "<img" not in html
        assert [t for t, _ in Page(html).tags if t in ("script", "img")] == ["script"]
    said = "少于<5" if lang == "zh" else "fewer than <5 & more"
    assert said in Page(pages["cn-x.html"]).prose
    assert "A doctor reads <5 records." in Page(pages["requests.html"]).prose


def test_a_request_without_story_has_its_name() -> None:
    shown = {name: prose(card) for name, card in cards(small()["requests.html"]).items()}
    assert shown["reads"].startswith("permit A doctor reads <5 records.")
    assert shown["without-story"].startswith("deny without-story")


@pytest.mark.parametrize("absent", [NORMS_FILE, "requests/cn.md"])
def test_a_rulebook_needs_neither_register_nor_requests(absent: str) -> None:
    pages = lawbook(
        compile_rulebook({name: text for name, text in SMALL.items() if name != absent}),
        ["cn"],
        "en",
    )
    page = {NORMS_FILE: "norms.html", "requests/cn.md": "requests.html"}[absent]
    assert rows(pages["norms.html"]).keys() == (set() if absent == NORMS_FILE else {"X-1", "X-2"})
    assert cards(pages[page]) == {}
    assert "X-1.1" in cards(pages["cn-x.html"])


def test_a_norm_that_nothing_accounts_for_says_so() -> None:
    row = rows(small({NORMS_FILE: NORMS[: NORMS.index("without =")]})["norms.html"])["X-2"]
    assert f"<td>{STANDINGS[Standing.OPEN].en}</td>" in row


def test_an_article_that_ended_shows_both_days() -> None:
    pages = small(
        {
            "local/z.md": pack(name="Z", rank="agreement").replace(
                article("Z-1"), article("Z-1", "2020-01-01", "2023-03-31")
            )
        }
    )
    assert "2020-01-01 – 2023-03-31" in prose(pages["local-z.html"])


def test_a_story_of_two_english_lines_keeps_its_words_apart() -> None:
    text = REQUEST.replace("A doctor reads", "A doctor\nreads")
    assert "A doctor reads <5 records." in prose(small({"requests/cn.md": text})["requests.html"])


def test_a_blank_behind_the_fence_of_a_request_does_not_matter() -> None:
    text = REQUEST.replace("permit}\n```", "permit}\n``` ")
    assert list(cards(small({"requests/cn.md": text})["requests.html"])) == [
        "reads",
        "without-story",
    ]


def test_a_blank_before_the_word_case_does_not_matter() -> None:
    text = REQUEST.replace("```case reads", "``` case reads")
    assert list(cards(small({"requests/cn.md": text})["requests.html"])) == [
        "reads",
        "without-story",
    ]


def test_a_blank_before_the_word_rule_does_not_matter() -> None:
    pages = small({"cn/x.md": PACK.replace("```rule X-1.2", "``` rule X-1.2")})
    assert "when: b" in cards(pages["cn-x.html"])["X-1.2"]


@pytest.mark.parametrize("files", [("norms.md",), ("index.md",), ("a/b.md", "a-b.md")])
def test_every_pack_has_a_page_of_its_own(files: tuple[str, ...]) -> None:
    more = {
        f: pack(rule(f"Z{n}-1.1 forbid", "b"), name=f"Z{n}", rank="agreement")
        for n, f in enumerate(files)
    }
    pages = small(more)
    assert len(pages) == len(COMMON) + 1 + len(files)
    assert sorted(i for html in pages.values() for i in cards(html) if i.startswith("Z")) == sorted(
        f"Z{n}-1.1" for n in range(len(files))
    )


# --- the command --------------------------------------------------------------------------------


def run_book(
    folder: Path, *arguments: str | Path, seed: str = "0"
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "heyi", "rules", "book", *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=folder,
        env={**os.environ, "COLUMNS": "200", "PYTHONIOENCODING": "utf-8", "PYTHONHASHSEED": seed},
        timeout=HANGING,
        check=False,
    )


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """The small rulebook in a folder, with a pack of a jurisdiction that was not adopted."""
    foreign = pack(rule("Y-1.1 forbid", "a"), name="Y", rank="agreement", jurisdiction="eu")
    texts = {**SMALL, "eu/y.md": foreign, CONSORTIUM_FILE: 'jurisdictions = ["cn"]\n'}
    for name, text in texts.items():
        path = tmp_path / "own" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return tmp_path / "own"


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_command_writes_the_pages_of_the_shipped_rulebook(
    tmp_path: Path, sites: dict[str, Pages], lang: str
) -> None:
    """Another process with other hash seeds writes the same bytes."""
    done = run_book(
        tmp_path, "--html", "deep/site", "--lang", lang, seed="7" if lang == "zh" else "8"
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert f"{len(sites[lang])} 页 pages: deep/site/index.html" in done.stdout
    assert {p.name: p.read_bytes() for p in (tmp_path / "deep" / "site").iterdir()} == {
        name: html.encode() for name, html in sites[lang].items()
    }


def test_the_command_tells_a_program_and_marks_law_that_does_not_bind(
    tmp_path: Path, own: Path
) -> None:
    done = run_book(
        tmp_path, "--html", tmp_path / "site", "--rulebook", own, "--lang", "en", "--json"
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout) == {"pages": 6, "open": str(tmp_path / "site" / "index.html")}
    written = {p.name: p.read_text(encoding="utf-8") for p in (tmp_path / "site").iterdir()}
    assert set(written) == COMMON | {"cn-x.html", "eu-y.html"}
    assert [n for n, html in written.items() if "not adopted by this consortium" in html] == [
        "eu-y.html"
    ]
    assert set(cards(written["eu-y.html"])) == {"Y-1.1"}


def test_a_folder_that_cannot_be_written_is_misuse(tmp_path: Path, own: Path) -> None:
    (tmp_path / "taken").write_text("", encoding="utf-8")
    done = run_book(tmp_path, "--html", "taken", "--rulebook", own)
    assert (done.returncode, done.stdout) == (2, "")
    assert "cannot write `taken`" in done.stderr
    below = run_book(tmp_path, "--html", "taken/site", "--rulebook", own, "--json")
    told = json.loads(below.stdout)
    assert (below.returncode, told["exit_code"], "cannot write `taken/site`" in told["error"]) == (
        2,
        2,
        True,
    )


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--html", "site", "--rulebook", "absent"], "cannot read the rulebook"),
        (["--html", "site", "--lang", "fr"], "`fr` is not a language here"),
        ([], "Missing option"),
    ],
)
def test_misuse_writes_nothing(tmp_path: Path, arguments: list[str], words: str) -> None:
    done = run_book(tmp_path, *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert words in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_broken_rulebook_writes_nothing(tmp_path: Path, own: Path) -> None:
    (own / "eu" / "y.md").write_text("nothing\n", encoding="utf-8")
    done = run_book(tmp_path, "--html", "site", "--rulebook", own)
    assert (done.returncode, done.stdout) == (2, "")
    assert "eu/y.md:1" in done.stderr
    assert not (tmp_path / "site").exists()
