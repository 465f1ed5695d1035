"""A platform without a wheel of the EVM, such as Linux on ARM: all works, and Heyi says how."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.command import HANGING
from tests.support.machine import ROOT
from tests.support.story import PERSONS, SEED, Story

REFERRAL = str(ROOT / "examples" / "decide" / "referral.yaml")
BLOCKED = "import sys; sys.modules['pyrevm'] = None; "


def heyi(*arguments: str, blocked: bool = True) -> subprocess.CompletedProcess[str]:
    """`heyi` in a process that cannot import the EVM."""
    code = "from heyi.cli import main; import sys; sys.argv[0] = 'heyi'; main()"
    return subprocess.run(
        [sys.executable, "-c", BLOCKED * blocked + code, *arguments],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=HANGING,
        check=False,
    )


def test_the_doctor_names_what_decides() -> None:
    told = heyi("doctor")
    assert told.returncode == 0 and "interpreter + python" in told.stdout
    assert "no pyrevm on this platform" in told.stdout
    found = json.loads(heyi("doctor", "--json").stdout)
    assert found["readings"] == ["interpreter", "python"] and found["agree"]


def test_the_doctor_names_the_bytecode_where_it_runs() -> None:
    pytest.importorskip("pyrevm", reason="pyrevm has no wheel for this platform")
    found = json.loads(heyi("doctor", "--json", blocked=False).stdout)
    assert found["readings"] == ["bytecode", "python"] and found["agree"]
    assert found["parts"]["pyrevm"] and found["rules"] > 100


@pytest.mark.parametrize(
    "name", ["referral", "referral-without-consent", "genes-to-foreign-control"]
)
def test_decisions_are_the_same(name: str) -> None:
    file = str(ROOT / "examples" / "decide" / f"{name}.yaml")
    here, there = (heyi("decide", file, "--json", blocked=b) for b in (True, False))
    assert here.returncode == there.returncode and here.stdout == there.stdout != ""


def test_a_run_is_verified(story: Story) -> None:
    done = heyi("verify", str(story.directory), "--json")
    assert done.returncode == 0 and json.loads(done.stdout)["verified"]


def test_a_platform_without_time_zone_data_verifies(story: Story) -> None:
    """Windows has none for Python."""
    done = subprocess.run(
        [sys.executable, "-m", "heyi", "verify", str(story.directory)],
        capture_output=True,
        env={**os.environ, "PYTHONTZPATH": "/nonexistent", "PYTHONIOENCODING": "utf-8"},
        timeout=HANGING,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_a_demo_has_the_same_log_root(story: Story, tmp_path: Path) -> None:
    words = ("--persons", str(PERSONS), "--seed", str(SEED), "--json")
    done = heyi("demo", "--dir", str(tmp_path / "run"), *words)
    assert json.loads(done.stdout)["log_root"] == story.app.consortium.log.root.hex()


def test_building_says_what_is_missing() -> None:
    done = heyi("rules", "build", "--verify")
    assert done.returncode == 2 and "Traceback" not in done.stderr
    assert "pyrevm" in done.stderr
