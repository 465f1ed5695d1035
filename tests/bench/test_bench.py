"""The hand-written rules agree with the engine, and the latency benchmark runs."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest

from bench.by_hand import judge
from bench.decide import disagreements, main
from heyi.policy.decide import DecisionPoint
from heyi.policy.language.check import compile_rulebook
from heyi.policy.language.schema import LEGAL_DAY
from oracles.requests import complete_profiles, mutations, values_to_draw
from oracles.sizes import SMALL, rulebook_of
from tests.support.command import HANGING
from tests.support.machine import ROOT
from tests.support.shipped import shipped_book


@pytest.fixture(scope="module")
def point() -> DecisionPoint:
    return DecisionPoint(compile_rulebook(rulebook_of(len(SMALL))))


def test_by_hand_agrees_on_the_complete_profiles(point: DecisionPoint) -> None:
    profiles = complete_profiles(point.book)
    assert len(profiles) >= 10
    assert {
        name: found for name, facts in profiles.items() if (found := disagreements(point, facts))
    } == {}


def test_by_hand_agrees_on_the_complete_cases_of_the_packs_where_every_rule_applies(
    point: DecisionPoint,
) -> None:
    stated = set(values_to_draw(point.book)) - {LEGAL_DAY}
    complete = [
        case for case in shipped_book().cases if set(case.given) == stated and not case.sources
    ]
    fired = set()
    for case in complete:
        facts = {LEGAL_DAY: case.at, **case.given}
        assert disagreements(point, facts) == [], case.name
        fired |= set(judge(facts)[2])
    assert fired == {rule.id for rule in point.book.rules}


def test_by_hand_agrees_near_the_profiles(point: DecisionPoint) -> None:
    answers = set()
    for facts in mutations(point.book, Random(7), 2_000):
        assert disagreements(point, facts) == [], facts
        answers.add(judge(facts)[:2])
    assert len(answers) == 5  # every outcome, and denials of both kinds


def test_by_hand_agrees_on_facts_drawn_one_by_one(point: DecisionPoint) -> None:
    rng, pool = Random(11), values_to_draw(point.book)
    for _ in range(1_000):
        facts = {name: rng.choice(values) for name, values in pool.items()}
        assert disagreements(point, facts) == [], facts


def test_a_disagreement_is_told_and_nothing_is_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("bench.decide.judge", lambda facts: ("permit", *judge(facts)[1:]))
    out = tmp_path / "decide.json"
    assert main(["--quick", "--out", str(out)]) == 1
    assert "outcome: engine permit-with-obligations, by hand permit" in capsys.readouterr().out
    assert not out.exists()


def test_a_quick_run_writes_its_figures(tmp_path: Path) -> None:
    out = tmp_path / "figures" / "decide.json"
    run = subprocess.run(
        [sys.executable, str(ROOT / "bench" / "decide.py"), "--quick", "--out", str(out)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=HANGING,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    figures = json.loads(out.read_text(encoding="utf-8"))
    rows = {row["id"]: row for row in figures["rows"]}
    assert list(rows) == [
        "by_hand",
        "decide_json",
        "decide",
        "decide_missing",
        "generated",
        "interpreter",
    ]
    assert all(0 < row["p50"] <= row["p99"] for row in rows.values())
    assert rows["by_hand"]["ratio"] == 1
    assert figures["rules"] == 32
    assert figures["quick"] is True
