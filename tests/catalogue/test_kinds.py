"""The packaged kinds and the heading dictionary."""

import pytest

from heyi.catalogue.headings import look_up, normalise
from heyi.catalogue.kinds import UNKNOWN, Kind, all_kinds, kind
from heyi.model.asset import Identifier
from heyi.model.errors import InvalidInput


def test_there_are_kinds_for_every_category_and_identifier() -> None:
    kinds = all_kinds().values()
    assert len(kinds) >= 100
    assert {k.category for k in kinds} == {"ATTR", "STATUS", "CARE", "PAY", "RES", "PUB"}
    assert {k.identifier for k in kinds} == set(Identifier)


@pytest.mark.parametrize("k", all_kinds().values(), ids=lambda k: k.id)
def test_every_heading_finds_its_kind(k: Kind) -> None:
    assert {look_up(header) for header in k.headers} <= {k.id}
    assert k.headers or k.id == UNKNOWN
    if k.decode == "number":
        assert k.minimum is not None and k.maximum is not None and k.minimum < k.maximum


@pytest.mark.parametrize(
    ("kind_id", "level", "after"),
    [("name", 4, None), ("religion", 5, None), ("county", 3, 2), ("birth_date", 4, 3),
     ("gene", 5, 5), ("free_text", 4, 4), ("hiv_test", 5, 3),
     ("institution", 1, 1), ("unknown", 5, None)],
)  # fmt: skip
def test_levels_are_those_of_the_table(kind_id: str, level: int, after: int | None) -> None:
    assert (kind(kind_id).level, kind(kind_id).level_after) == (level, after)


@pytest.mark.parametrize(
    ("heading", "expected"),
    [("收缩压(mmHg)", "sbp"), ("收缩压（mmHg）", "sbp"), ("ＳＢＰ", "sbp"),
     (" Systolic_BP ", "sbp"), ("性别代码", "sex"), ("患者出生日期", "birth_date"),
     ("诊断编码", "diagnosis_code"), ("诊断", "diagnosis_text"), ("xyzzy", None), ("", None)],
)  # fmt: skip
def test_headings_are_compared_without_dress(heading: str, expected: str | None) -> None:
    assert look_up(heading) == expected


def test_normalising_twice_changes_nothing() -> None:
    assert normalise(normalise("空腹血糖 (mmol/L)")) == "空腹血糖"


def test_a_kind_refuses_nonsense() -> None:
    with pytest.raises(InvalidInput, match="not a kind of field"):
        kind("nope")
    with pytest.raises(InvalidInput, match="levels out of order"):
        Kind(
            id="x",
            zh="x",
            en="x",
            category="ATTR",
            identifier=Identifier.NONE,
            level=2,
            level_after=3,
            sensitive=False,
            headers=(),
        )
