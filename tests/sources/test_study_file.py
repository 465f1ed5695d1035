"""Reading study.toml: the type and range of each field; errors name the field and the file."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from heyi.model.errors import InvalidInput
from heyi.sources.study_file import read_study
from tests.support.machine import ROOT

HEART = (ROOT / "examples" / "heart" / "study.toml").read_text(encoding="utf-8")
UTILITY = 'utility = "likelihood"'
ZH = 'zh = "四家医院心脏病联合研究"'
VA = 'id = "va"'


def read(folder: Path, old: str, new: str) -> None:
    assert old in HEART
    (folder / "study.toml").write_text(HEART.replace(old, new, 1), encoding="utf-8")
    read_study(folder)


def test_a_share_may_be_a_fraction_or_a_short_decimal(tmp_path: Path) -> None:
    for share in ("1/20", "0.05", "0"):
        read(tmp_path, UTILITY, f'{UTILITY}\nfloors = {{ va = "{share}" }}')


@pytest.mark.parametrize("share", ["1e-999999999", "1e9", "1/0", "½", "1_0", " 1", "1" * 41, ""])
@pytest.mark.parametrize("field", ["floors", "floors_at_most", "group_floor"])
def test_a_share_without_a_bound_is_refused(tmp_path: Path, field: str, share: str) -> None:
    value = f'{{ va = "{share}" }}' if field == "floors" else f'"{share}"'
    with pytest.raises(InvalidInput, match=rf"study\.toml: {field}: a share is a text") as refused:
        read(tmp_path, UTILITY, f"{UTILITY}\n{field} = {value}")
    assert refused.value.hint


@pytest.mark.parametrize(
    "line",
    ["x = " + "[" * 5_000, "x = " + "{a=" * 5_000, "x = " + "1" * 5_000, "x = [", 'x = "\\q"'],
    ids=["lists", "tables", "number", "open", "escape"],
)
def test_toml_that_cannot_be_read_is_one_line(tmp_path: Path, line: str) -> None:
    with pytest.raises(InvalidInput, match=r"cannot read `.*study\.toml`: it is not TOML") as e:
        read(tmp_path, "[study]", f"{line}\n[study]")
    assert "\n" not in str(e.value)


HUGE = "0x" + "f" * 5_000
"""Hexadecimal is read without a limit, and cannot be printed in decimal."""


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        (ZH, "zh = 3", "zh must be a text"),
        (ZH, "zh = { a = 1 }", "zh must be a text"),
        (ZH, 'zh = " "', "zh must be a text"),
        ('requester = "heart-researchers"', "requester = [1]", "requester must be a text"),
        ('file = "processed.va.data"', "file = 3", "file must be a text"),
        ('file = "processed.va.data"', 'file = ["x"]', "file must be a text"),
        ('columns = ["age", "sex",', 'columns = [1, "sex",', "columns must be a list of texts"),
        ('columns = ["age", "sex",', 'columns = [["age"],', "columns must be a list of texts"),
        ('columns = ["age", "sex",', 'columns = ["age", "age",', "columns names no column"),
        ('origin = "care"', "origin = 3", "origin must be a text"),
        ("secret = false", 'secret = "no"', "secret must be true or false"),
        ('tier = "city"', 'tier = ["city"]', "tier must be a text"),
        (VA, "id = 3", "id must be a text"),
        (VA, 'id = "hungary"', "the id `hungary` belongs to two parties"),
        (VA, 'id = "platform"', "the id `platform` belongs to two parties"),
        (VA, f'id = "{"v" * 60}"', "is not a valid party or asset id"),
        ('authority = "ethics_committee"', "authority = [1]", "authority must be a text"),
        ('by = "ethics-committee"', "by = 3", "by must be a text"),
        ("given = true", "given = true\nconditions = 3", "conditions must be a table"),
        ("given = true", "given = true\nconditions = { day = 1 }", "unknown key `day`"),
        ("given = true", "given = true\nconditions = { days = 40_000 }", "days must be a whole"),
        ('reasons = "data stay', "reasons = 3 # ", "reasons must be a text"),
        ("days = 30", "days = 1000000000000", "days must be a whole number from 1 to 36,500"),
        ("max_calls = 200", f"max_calls = {HUGE}", "max_calls must be a whole number"),
        ("pot_fen = 10_000_000", f"pot_fen = {HUGE}", "pot_fen must be a whole number"),
        ("pot_fen = 10_000_000", "", "pot_fen is missing"),
        ('like = ["research-federated"]', 'like = "x"', "like must be a list of texts"),
        ('"handler.persons" = 100_000', "handler.persons = 1", "`handler` holds a table"),
        ('"handler.persons" = 100_000', '"handler.persons" = 1.5', "`handler.persons` cannot be"),
        ('name = "logistic"', "name = 3", "name must be a text"),
        ('kind = "age"', "kind = 3", "the kind of a field must be a text"),
        ('kind = "age"', 'kind = ["x"]', "a parameter of `logistic` is of another type"),
        ("center_micro = 55_000_000", "center_micro = 0x" + "f" * 99, "cannot be written canon"),
        (UTILITY, f"{UTILITY}\ntwins = [1]", "twins must be a text"),
        (UTILITY, f"{UTILITY}\nnegatives = [1]", "negatives is"),
        (UTILITY, f"{UTILITY}\nstrata = [3]", "strata: it is no table"),
        (UTILITY, f"{UTILITY}\nevaluations = 99_999_999_999", "evaluations must be a whole number"),
        (UTILITY, f"{UTILITY}\nseed = {HUGE}", "seed must be a whole number"),
        (UTILITY, f'{UTILITY}\ngroup = [["va"]]', "group must be a list of texts"),
        (UTILITY, f'{UTILITY}\nowners = {{ va = "" }}', "empty name"),
        (UTILITY, f"{UTILITY}\ndispute_days = true", "dispute_days must be a whole number"),
        (UTILITY, f"{UTILITY}\nby = 3", "by must be a text"),
        (UTILITY, 'utility = "table"\ntable = { va = 1.5 }', "va must be a whole number"),
        (UTILITY, 'utility = "table"\ntable = 3', "a table is written"),
        ("[study]", "[[study]]", "it is no table"),
    ],
)
def test_a_field_of_another_type_or_range_is_refused(
    tmp_path: Path, old: str, new: str, field: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        read(tmp_path, old, new)
    assert f"{tmp_path}/study.toml: " in refused.value.message
    assert field in refused.value.message
    assert refused.value.hint and len(refused.value.message) < 500


def test_a_study_file_that_is_no_file_is_refused(tmp_path: Path) -> None:
    for kind in ("pipe", "folder", "device"):
        folder = tmp_path / kind
        folder.mkdir()
        match kind:
            case "pipe":
                os.mkfifo(folder / "study.toml")
            case "folder":
                (folder / "study.toml").mkdir()
            case _:
                (folder / "study.toml").symlink_to("/dev/zero")
        with pytest.raises(InvalidInput, match=r"study\.toml`: it is not a regular file"):
            read_study(folder)
    with pytest.raises(InvalidInput, match=r"has no study\.toml"):
        read_study(tmp_path)
