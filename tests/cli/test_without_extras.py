"""Without the extras, commands that need one name it, and all other commands work."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.support.command import HANGING
from tests.support.machine import ROOT

EXAMPLE = str(ROOT / "examples" / "decide" / "referral.yaml")


def heyi(*arguments: str) -> subprocess.CompletedProcess[str]:
    """`heyi` in a process that cannot import the packages of the extras."""
    absent = "import sys; sys.modules.update(dict.fromkeys(('z3', 'vyper', 'pyarrow')))"
    code = f"{absent}; from heyi.cli import main; sys.argv = ['heyi', *{list(arguments)!r}]; main()"
    return subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=HANGING,
        check=False,
    )


@pytest.mark.parametrize(
    ("arguments", "extra"),
    [
        (["rules", "prove", "no request with data.secret is ever permitted"], "heyi[rules]"),
        (["rules", "diff", "shipped", "shipped"], "heyi[rules]"),
        (["rules", "boundaries"], "heyi[rules]"),
        (["rules", "build"], "heyi[rules]"),
        (["rules", "show", "PIPL-31", "--as", "smt"], "heyi[rules]"),
        (["decide", "requests.parquet"], "heyi[parquet]"),
    ],
)
def test_the_extra_that_is_needed_is_named(arguments: list[str], extra: str) -> None:
    done = heyi(*arguments)
    assert done.returncode == 2, done.stderr
    assert f"pip install '{extra}'" in done.stderr and "Traceback" not in done.stderr


def test_a_decision_needs_no_extra() -> None:
    assert heyi("decide", EXAMPLE).returncode == 0
    assert heyi("rules", "show", "PIPL-31", "--as", "vyper").returncode == 0


def test_a_rulebook_is_checked_as_far_as_it_can_be() -> None:
    done = heyi("rules", "check", "--lang", "en")
    assert done.returncode == 0, done.stderr
    assert "not proved" in done.stderr and "heyi[rules]" in done.stderr
    assert "L1" not in done.stdout
