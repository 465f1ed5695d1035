"""Numbers of the rulebook are the same wherever they are shown, and come from one count."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from docs.rulebook_numbers import READMES, ROOT, numbers, rendered
from heyi.cli.rules import _summary as summary
from heyi.policy.language.jurisdictions import named_jurisdictions
from heyi.report.lawbook import lawbook
from heyi.sources.rulebook import read_build, read_rulebook
from tests.support.shipped import every_pack, shipped_book


@pytest.fixture(scope="module")
def found() -> dict[str, int]:
    return numbers()


@pytest.mark.parametrize("name", READMES)
def test_a_readme_has_the_numbers_of_the_rulebook(found: dict[str, int], name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    named = set(re.findall("<!--([a-z-]+)-->[0-9,]+<!--/-->", text))
    assert {"rules", "instruments", "cases", "all-rules", "all-cases"} <= named
    assert rendered(text, found) == text, "run `make rules`"


def test_the_law_book_and_the_command_show_the_same_numbers(found: dict[str, int]) -> None:
    texts = read_rulebook()
    shown = summary(shipped_book(), built=True)
    assert [shown[n] for n in ("rules", "instruments", "articles", "cases")] == [
        found[n] for n in ("rules", "instruments", "articles", "cases")
    ]
    whole = every_pack()
    index = lawbook(whole, named_jurisdictions(texts, whole.jurisdictions), "en")["index.html"]
    for name in ("rules", "cases"):
        assert f"<strong>{found[name]}</strong>" in index
        assert str(found[f"all-{name}"]) in index
    assert json.loads(read_build()["manifest.json"])["rules"] == found["rules"]


def test_a_number_that_nobody_counts_is_a_fault(tmp_path: Path) -> None:
    with pytest.raises(KeyError):
        rendered("<!--opinions-->3<!--/-->", {"rules": 1})
