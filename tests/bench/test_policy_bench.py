"""The comparison with other policy engines runs, and its rulebooks have the wanted rules."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from random import Random

import pytest

from bench.policy import main
from heyi.app.rulebooks import shipped_point
from heyi.model.decision import Effect
from heyi.policy.engines.interpret import read
from heyi.policy.language import ir
from heyi.policy.language.check import compile_rulebook
from heyi.policy.language.schema import to_ordinals
from oracles.requests import mutations
from oracles.sizes import SMALL, rulebook_of
from tests.support.command import HANGING
from tests.support.machine import ROOT, needs

MODULES = ("vyper", "cedarpy", "regorus", "regopy", "cel_expr_python", "cel")


@pytest.fixture(scope="module")
def shipped() -> ir.Rulebook:
    return shipped_point().book


def test_the_small_rulebook_spans_packs_effects_and_grounds(shipped: ir.Rulebook) -> None:
    small = compile_rulebook(rulebook_of(32))
    assert len(small.rules) == 32
    assert len({r.article.file for r in small.rules}) == 16
    assert {r.effect for r in small.rules} == set(Effect)
    assert {r.track for r in small.rules if r.track} == {t.id for t in small.tracks}
    assert all(r.applies == shipped.by_id[r.id].applies for r in small.rules)
    requests = [to_ordinals(f) for f in mutations(small, Random(1), 200)]
    assert len({read(small, known).outcome for known in requests}) == 4


def test_a_rulebook_of_a_size_between_is_a_choice_of_the_shipped_one(shipped: ir.Rulebook) -> None:
    middle = compile_rulebook(rulebook_of(100))
    assert len(middle.rules) == 100
    assert {r.id for r in middle.rules} > set(SMALL)
    assert all(r.applies == shipped.by_id[r.id].applies for r in middle.rules)
    with pytest.raises(ValueError, match="only of 32"):
        rulebook_of(31)


def test_a_larger_rulebook_holds_the_shipped_one_and_variants_that_differ(
    shipped: ir.Rulebook,
) -> None:
    texts = rulebook_of(200)
    large = compile_rulebook(texts)
    assert texts == rulebook_of(200)
    assert len(large.rules) == 200
    assert {r.id: r.applies for r in large.rules if r.id in shipped.by_id} == {
        r.id: r.applies for r in shipped.rules
    }
    variants = [r for r in large.rules if r.id not in shipped.by_id]
    for variant in variants:
        original = shipped.by_id[re.sub(r"-V\d+\.", ".", variant.id)]
        assert variant.applies != original.applies, variant.id
        assert variant.effect is original.effect
    requests = [to_ordinals(f) for f in mutations(large, Random(1), 200)]
    assert sum(read(large, known).outcome.is_permit for known in requests) >= 20


@pytest.mark.slow
def test_a_quick_run_writes_its_figures(tmp_path: Path) -> None:
    for module in MODULES:
        needs(module, find_spec(module) is not None)
    out = tmp_path / "figures" / "policy.json"
    run = subprocess.run(
        [sys.executable, str(ROOT / "bench" / "policy.py"), "--quick", "--out", str(out)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=HANGING,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    figures = json.loads(out.read_text(encoding="utf-8"))
    assert figures["quick"] is True
    assert len(figures["packages"]) == 5
    measured = [(part["rules"], part["facts"]) for part in figures["latency"]]
    assert measured == [(32, "complete"), (32, "missing")]
    for part in figures["latency"]:
        rows = {row["id"]: row for row in part["rows"]}
        assert len(rows) == 12
        assert all(
            0 < row["p50"] <= row["p99"] and 0 < row["cold_p50"] <= row["cold_p99"]
            for row in rows.values()
        )
        assert rows["heyi"]["ratio"] == 1
    opened = {row["id"]: row for row in figures["missing_facts"]}
    assert opened["heyi"]["deletions"] >= 200
    assert {
        i for i in ("heyi", "heyi_python", "cedar_required", "cedar_closed") if opened[i]["permits"]
    } == set()


def test_a_disagreement_is_told_and_nothing_is_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    needs("cedarpy", find_spec("cedarpy") is not None)
    monkeypatch.setattr("oracles.cedar.Cedar.answer", lambda self, known: (True, frozenset()))
    out = tmp_path / "policy.json"
    assert main(["--quick", "--out", str(out)]) == 1
    assert "Cedar, no schema differs from Heyi" in capsys.readouterr().out
    assert not out.exists()
