"""The report on a small story: self-contained, bilingual, complete, escaped, without persons."""

from __future__ import annotations

import base64
import csv
import hashlib
import json
import os
import random
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import pytest

from heyi.app.centre import found
from heyi.app.demo_report import demo_report
from heyi.app.report_file import numbers
from heyi.app.verification import verify_directory
from heyi.cli.run import run
from heyi.county.places import PLACES
from heyi.county.scenes import STUDY_SITES
from heyi.county.story import POT_FEN, Told, tell_story
from heyi.exchange.consortium import Consortium
from heyi.model.decision import Text
from heyi.report.data import ReportData
from heyi.report.html import charts, render_report
from heyi.report.logged import rounds
from tests.report.page import Page
from tests.support.command import HANGING

SEED = 1
PERSONS = 3_000
"""With fewer persons a village clinic holds back every cell, and a withdrawal changes nothing."""
EXAMPLE = Path(__file__).parents[2] / "examples" / "heart"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    consortium: Consortium
    told: Told
    data: ReportData
    html: str
    directory: Path
    witness: tuple[str, str]


@pytest.fixture(scope="session")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rendered]:
    directory = tmp_path_factory.mktemp("report") / "demo"
    app = found(directory, seed=SEED, what="demo")
    told = tell_story(app, directory, seed=SEED, persons=PERSONS, tell=lambda _: None)
    app.cosign()
    verified = numbers(verify_directory(directory))
    data = demo_report(
        app.consortium,
        told,
        seed=SEED,
        verified=verified,
        witness=(app.witness.signer.name, app.witness.signer.public_key),
    )
    yield Rendered(
        consortium=app.consortium,
        told=told,
        data=data,
        html=render_report(data),
        directory=directory,
        witness=(app.witness.signer.name, app.witness.signer.public_key),
    )
    app.close()


@pytest.fixture(scope="session")
def page(rendered: Rendered) -> Page:
    return Page(rendered.html)


@pytest.fixture(scope="session")
def people(rendered: Rendered) -> dict[str, set[str]]:
    """Names, numbers and addresses in the institutions' files, without the blanks in them."""
    written: dict[str, set[str]] = {
        k: set() for k in ("name", "id_number", "phone", "address", "record")
    }
    for place in PLACES:
        kinds = {heading: kind for kind, heading in place.style.headings.items()}
        path = rendered.directory / "institutions" / f"{place.id}.csv"
        with path.open(encoding=place.style.encoding, newline="") as file:
            for row in csv.DictReader(file):
                for heading, value in row.items():
                    if kinds[heading] in written and (bare := "".join(value.split())):
                        written[kinds[heading]].add(bare)
    return written


def test_nothing_is_loaded_from_outside(page: Page) -> None:
    loading = ("src", "srcset", "data", "poster", "action", "formaction", "background", "manifest")
    for tag, attributes in page.tags:
        assert not [a for a in loading if a in attributes], f"<{tag}> loads something"
        assert tag not in ("link", "iframe", "object", "embed", "base", "img")
        if href := attributes.get("href"):
            assert href.startswith("#"), href
        assert "url(" not in (attributes.get("style") or "")
    assert not re.search(r"url\(|@import", "".join(page.styles))


def test_policy_pins_every_script_that_runs(page: Page) -> None:
    policy = (
        next(a["content"] for t, a in page.tags if a.get("http-equiv") == "Content-Security-Policy")
        or ""
    )
    assert "default-src 'none'" in policy
    running = [a for t, a in page.tags if t == "script" and a.get("type") != "application/json"]
    pins = re.findall(r"'(sha256-[^']+)'", policy)
    assert len(running) == len(pins) == 2
    digests = {
        "sha256-" + base64.b64encode(hashlib.sha256(s.encode()).digest()).decode()
        for s in page.scripts
    }
    assert set(pins) <= digests


def test_both_languages_stand_side_by_side(page: Page) -> None:
    zh = [a for _, a in page.tags if a.get("class") == "zh"]
    en = [a for _, a in page.tags if a.get("class") == "en"]
    assert len(zh) == len(en) > 500
    assert {a.get("lang") for a in zh} == {"zh-CN"}
    assert {a.get("lang") for a in en} == {"en"}
    for words in (
        "数据目录",
        "The catalogue",
        "价值反哺",
        "Value flows back",
        "不准许，不可补正",
        "denied beyond cure",
    ):
        assert words in page.prose


def test_no_language_is_hidden_without_the_script(page: Page) -> None:
    """A language is hidden only by a choice that the script makes."""
    assert ("html", "both") in {(t, a.get("data-show")) for t, a in page.tags}
    style = "".join(page.styles)
    hiding = re.findall(r"([^{}]*)\{[^{}]*display: none[^{}]*\}", style)
    assert not [
        s for s in hiding if re.search(r'(^|[^"])\.(zh|en)\b', s) and 'data-show="' not in s
    ]
    assert 'html[data-show="both"] .en { display: none' not in style


def test_every_institution_of_the_study_stands_with_its_share(
    rendered: Rendered, page: Page
) -> None:
    payback = rendered.data.payback
    assert payback is not None
    assert {s.party for s in payback.shares} == set(rendered.told.study.answered)
    for place in STUDY_SITES:
        assert rendered.consortium.party(place).zh in page.prose
    for share in payback.shares:
        assert share.share in page.prose
        assert share.decimal in page.prose
    assert sum(s.share_fen for s in payback.shares) == POT_FEN
    assert payback.balanced and payback.efficient


def test_every_scene_has_its_card_with_its_articles(rendered: Rendered, page: Page) -> None:
    ids = {a.get("id") for t, a in page.tags if t == "article"}
    for turn in rendered.told.turns:
        assert f"request-{turn.scene.id}" in ids
        assert turn.scene.zh in page.prose
        for decision in turn.decisions.values():
            for finding in decision.findings:
                assert finding.rule in page.prose
                assert finding.says.zh in page.prose
                assert finding.says.en in page.prose
    cards = {c.id: c for c in rendered.data.requests}
    assert len(cards["referral-without-consent"].rounds) == 2
    assert cards["referral-without-consent"].rounds[0].answers[0].remedies
    assert len(cards["stroke-risk"].matrix) == len(STUDY_SITES)
    assert {len(m.badges) for m in cards["stroke-risk"].matrix} == {2}
    refused = cards["ai-training"].rounds[1].answers[0].decided_by
    assert [(r.rule, r.status.zh) for r in refused] == [("AH-4.1", "不同意")]


def test_red_lines_come_before_what_is_missing(rendered: Rendered) -> None:
    card = next(c for c in rendered.data.requests if c.id == "foreign-court")
    states = [r.status.en for r in card.rounds[0].answers[0].decided_by]
    assert states[0] == "red line crossed"
    assert states == sorted(states, key=lambda s: s != "red line crossed")


def test_frequencies_show_what_was_held_back_and_what_changed(
    rendered: Rendered, page: Page
) -> None:
    uses = rendered.data.uses
    assert uses is not None and uses.frequency is not None
    rows = uses.frequency.rows
    assert [r.before for r in rows] == rendered.told.before.figures["cells"]
    assert [r.held_after for r in rows] == rendered.told.after.figures["held_back"]
    assert [r for r in rows if r.changed]
    marked = [a for t, a in page.tags if t == "tr" and "changed" in (a.get("class") or "")]
    assert len(marked) == sum(r.changed for r in rows)
    assert f"<{uses.frequency.min_cell}" in page.prose
    assert f"少于 {uses.frequency.min_cell}" in page.prose
    assert {r.holder.zh for r in uses.refusals_after} == {
        rendered.consortium.party(p).zh for p in rendered.told.refused_after_revocation
    }


def test_evidence_tells_the_log_and_what_was_erased(rendered: Rendered, page: Page) -> None:
    evidence = rendered.data.evidence
    assert evidence.root == rendered.consortium.log.root.hex()
    assert evidence.covers == evidence.size == rendered.consortium.log.size
    assert evidence.verified.erased == (rendered.told.erased,)
    assert evidence.verified.faults == 0
    for words in (
        evidence.root,
        evidence.origin,
        "erased on request; still checked by what else is in the log",
        f"entry {rendered.told.erased}",
    ):
        assert words in page.prose
    for command in ("heyi verify DIR", "heyi statement DIR --party township-03", "heyi rules show"):
        assert command in page.prose
    counted = sum(o.count for o in rendered.data.headline.outcomes)
    assert evidence.verified.lost == ()  # the facts of the erased decision are still in the log
    assert counted == evidence.verified.decisions
    gone = replace(evidence.verified, lost=evidence.verified.erased)
    html = render_report(replace(rendered.data, evidence=replace(evidence, verified=gone)))
    assert "erased, not replayable" in Page(html).prose


def test_faults_are_not_painted_over(rendered: Rendered) -> None:
    from heyi.report.evidence import verified_figure

    bad = verified_figure(replace(rendered.data.evidence.verified, faults=3))
    assert (bad.value, bad.tone) == ("✗ 3", "stop")


def test_no_person_of_the_files_stands_in_the_report(
    rendered: Rendered, people: dict[str, set[str]]
) -> None:
    assert len(people["id_number"]) > 1_000
    assert len(people["name"]) > 500
    for kind in ("id_number", "name", "phone", "address"):
        assert not [value for value in people[kind] if value in rendered.html], kind
    words = set(re.findall(r"[0-9A-Za-z-]+", Page(rendered.html).prose))
    assert not people["record"] & words  # record numbers are short: compared as whole words
    assert not [w for w in words if re.fullmatch(r"\d{17}[\dXx]", w)]


def test_a_hostile_title_is_only_text(rendered: Rendered) -> None:
    attack = "<script>alert(1)</script><img src=x onerror=alert(1)>\"'&"
    hostile = Text(zh=attack, en=attack + "!")
    assert rendered.data.payback is not None and rendered.data.catalogue is not None
    first = replace(rendered.data.requests[0], title=hostile, requester=hostile)
    share = replace(rendered.data.payback.shares[0], name=hostile)
    assets = rendered.data.catalogue.assets
    asset = next(a for a in assets if a.fields)
    asset = replace(asset, fields=(replace(asset.fields[0], heading=attack), *asset.fields[1:]))
    html = render_report(
        replace(
            rendered.data,
            title=hostile,
            requests=(first, *rendered.data.requests[1:]),
            payback=replace(
                rendered.data.payback, shares=(share, *rendered.data.payback.shares[1:])
            ),
            catalogue=replace(rendered.data.catalogue, assets=(asset, *assets[1:])),
        )
    )
    assert attack not in html
    page = Page(html)
    assert len(page.scripts) == 3
    assert "img" not in {t for t, _ in page.tags}
    assert attack in page.prose
    assert attack in json.dumps(json.loads(page.scripts[0]), ensure_ascii=False).replace('\\"', '"')


def test_same_data_same_bytes(rendered: Rendered) -> None:
    again = demo_report(
        rendered.consortium,
        rendered.told,
        seed=SEED,
        verified=rendered.data.evidence.verified,
        witness=rendered.witness,
    )
    assert again == rendered.data
    assert render_report(again) == rendered.html


def test_page_is_built_of_headings_and_named_tables(page: Page) -> None:
    levels = [int(t[1]) for t, _ in page.tags if re.fullmatch("h[1-6]", t)]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(b - a <= 1 for a, b in pairwise(levels))
    tables = [a for t, a in page.tags if t == "table"]
    assert len(tables) == sum(t == "caption" for t, _ in page.tags)
    assert all(a.get("scope") for t, a in page.tags if t == "th")
    ids = [a["id"] for _, a in page.tags if a.get("id")]
    assert len(ids) == len(set(ids))
    for _, attributes in page.tags:
        for reference in ("aria-labelledby", "aria-describedby"):
            assert attributes.get(reference) is None or attributes[reference] in ids
        if (href := attributes.get("href")) is not None:
            assert href[1:] in ids
    drawn = [a for _, a in page.tags if a.get("role") == "img"]
    assert drawn and all(a.get("aria-label") for a in drawn)


def test_colours_have_the_contrast_of_wcag_aa(page: Page) -> None:
    colours = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", "".join(page.styles)))

    def light(colour: str) -> float:
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    def contrast(a: str, b: str) -> float:
        low, high = sorted((light(colours[a]), light(colours[b])))
        return (high + 0.05) / (low + 0.05)

    pairs = [(f"{t}-ink", f"{t}-bg") for t in ("good", "duty", "wait", "cure", "stop")]
    pairs += [(ink, ground) for ink in ("ink", "soft", "accent") for ground in ("paper", "wash")]
    assert {p: round(contrast(*p), 2) for p in pairs if contrast(*p) < 4.5} == {}


def test_parts_can_be_absent(rendered: Rendered) -> None:
    bare = replace(rendered.data, catalogue=None, requests=(), uses=None, study=None, payback=None)
    page = Page(render_report(bare))
    assert charts(bare) == {}
    assert [a["id"] for t, a in page.tags if t == "section"] == ["evidence"]


def test_decisions_are_found_again_in_the_log(rendered: Rendered) -> None:
    """The report of a study computes from the log what the story recorded."""
    told = [t.decisions for t in rendered.told.turns if t.scene.id == "stroke-risk"]
    assert rounds(rendered.consortium, "stroke-risk") == told
    assert rounds(rendered.consortium, "own-patient") == []  # its only decision was erased


def test_a_study_of_its_own_has_the_same_report(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data, directory = tmp_path / "data", tmp_path / "run"
    data.mkdir()
    names = ("cleveland", "hungarian", "switzerland", "va")
    for n, name in enumerate(names):
        (data / f"processed.{name}.data").write_text("\n".join(_hearts(n)) + "\n", encoding="utf-8")
    run(EXAMPLE, data=data, directory=directory, seed=1, json=True)
    said = json.loads(capsys.readouterr().out)
    page = Page((directory / "report.html").read_text(encoding="utf-8"))
    sections = [a["id"] for t, a in page.tags if t == "section"]
    assert sections == ["catalogue", "requests", "uses", "study", "payback", "evidence"]
    for fen in said["shares_fen"].values():
        assert f"{fen // 100:,}.{fen % 100:02d}" in page.prose
    assert min(Fraction(c) for c in said["contributions"].values()) < 0, (
        "this data is made to have a harmful site"
    )
    assert "负贡献如实公布" in page.prose
    assert json.loads(page.scripts[0]).keys() == {
        "chart-levels",
        "chart-shares",
        "chart-contributions",
    }


def _hearts(site: int) -> Iterator[str]:
    """Rows in the form of the heart-disease files; at the third site the effects are reversed."""
    rng = random.Random(site)
    for _ in range(160 if site != 2 else 90):
        age, sex, pain = rng.randint(35, 75), rng.randint(0, 1), rng.randint(1, 4)
        rate, angina = rng.randint(95, 190), rng.randint(0, 1)
        risk = (age - 55) / 10 + sex + pain - 3 + angina - (rate - 140) / 25
        ill = (risk if site != 2 else -2 * risk) + rng.gauss(0, 1.5) > 0
        rest = f"{rng.randint(100, 160)},{rng.randint(150, 300)},0,0"
        num = rng.randint(1, 4) if ill else 0
        yield f"{age},{sex},{pain},{rest},{rate},{angina},1.0,2,0,3,{num}"


def test_charts_are_drawn(rendered: Rendered, tmp_path: Path) -> None:
    chromium = shutil.which("chromium")
    if chromium is None:
        if os.environ.get("HEYI_REQUIRE_ALL") == "1":
            pytest.fail("chromium is not on the PATH, and HEYI_REQUIRE_ALL=1 wants this test run")
        pytest.skip("chromium is not on the PATH: charts are not drawn here")
    path = tmp_path / "report.html"
    path.write_text(rendered.html, encoding="utf-8")
    quiet = (
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
    )
    done = subprocess.run(
        [
            chromium,
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            *quiet,
            f"--user-data-dir={tmp_path / 'profile'}",
            "--dump-dom",
            path.as_uri(),
        ],
        capture_output=True,
        timeout=HANGING,
        check=True,
    )
    drawn = Page(done.stdout.decode())
    classes = {a.get("class") for t, a in drawn.tags if t == "html"}
    assert classes == {"js"}, "the page's own script did not run"
    assert sum(t == "svg" for t, _ in drawn.tags) == len(charts(rendered.data)) == 2
