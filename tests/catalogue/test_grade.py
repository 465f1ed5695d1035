"""Levels of fields, composition into assets and selections."""

import pytest

from heyi.catalogue.grade import grade, select
from heyi.catalogue.special import special_groups
from heyi.catalogue.table import Table
from heyi.model.asset import Asset, Identifier
from heyi.model.errors import InvalidInput

NAME, SEX, BORN, SEEN = (
    ("姓名", "王小明"),
    ("性别", "男"),
    ("出生日期", "1960-05-05"),
    ("就诊日期", "2024-05-04"),
)
SBP, CODE, STORY = ("收缩压", "120"), ("诊断编码", "I10"), ("现病史", "头晕")


def asset(*columns: tuple[str, str], labels: dict[str, str] | None = None) -> Asset:
    headings, cells = zip(*columns, strict=True)
    table = Table(headings=headings, rows=(cells,), encoding="utf-8", digest="0" * 64)
    return grade(table, asset_id="a", holder="h", zh="甲", en="a", labels=labels)


@pytest.mark.parametrize(
    ("columns", "level", "deid"),
    [
        ((NAME,), 4, 1),
        ((NAME, SBP), 4, 1),
        ((NAME, ("诊断编码", "B20")), 5, 1),
        ((SBP,), 2, 3),
        ((SEX, SBP), 2, 3),
        ((SEX, ("年龄", "60"), SBP), 2, 2),
        ((SEX, ("年龄", "60"), ("民族", "汉族")), 3, 2),  # three quasi-identifiers together
        ((SEX, BORN, SEEN), 3, 2),
        ((("诊断编码", "F20.9"),), 3, 3),  # a special disease without a name beside it
        ((("诊断编码", "I10"),), 2, 3),
        ((("基因", "rs123456"),), 5, 1),
        ((STORY,), 4, 1),
        ((("zzz", "q"), SBP), 5, 1),
        ((("医疗机构", "甲院"),), 1, 3),
    ],
)
def test_composition(columns: tuple[tuple[str, str], ...], level: int, deid: int) -> None:
    graded = asset(*columns)
    assert (graded.level, graded.deid_grade) == (level, deid)
    assert graded.level_reason.zh and graded.level_reason.en
    assert all(f.reason.zh.endswith(f"{f.level}级") for f in graded.fields)


@pytest.mark.parametrize("extra", [SEX, BORN, SEEN, CODE, STORY, NAME])
def test_a_further_field_never_lowers_a_level(extra: tuple[str, str]) -> None:
    for base in ((SBP,), (("性别代码", "1"), ("年龄", "60")), (("诊断", "肺癌"),)):
        assert asset(*base, extra).level >= asset(*base).level


@pytest.mark.parametrize(
    ("value", "groups"),
    [("B20", {"hiv"}), ("Z21", {"hiv"}), ("A53.9", {"std"}), ("A16.200", {"infectious"}),
     ("b18.1", {"infectious"}), ("F10.2", {"psychiatric"}), ("C34.900x001", {"tumour"}),
     ("D05", {"tumour"}), ("O04", {"reproductive"}), ("F52.2", {"psychiatric", "reproductive"}),
     ("Q21.1", {"hereditary"}), ("E75.2", {"rare"}), ("E75.5", set()),
     ("D66", {"rare"}), ("I10;C50.9", {"tumour"}), ("I10", set()), ("D10", set()),
     ("C000001", set()),
     ("左肺腺癌", {"tumour"}), ("慢性乙型肝炎", {"infectious"}), ("否认肝炎、结核病史", set()),
     ("否认结核病史。确诊梅毒", {"std"}), ("原发性高血压", set())],
)  # fmt: skip
def test_special_groups(value: str, groups: set[str]) -> None:
    assert special_groups([value]) == groups


def test_special_is_found_in_any_row() -> None:
    rows = (*[("王小明", "I10")] * 5000, ("李华", "B24"))
    table = Table(headings=("姓名", "诊断编码"), rows=rows, encoding="utf-8", digest="0")
    graded = grade(table, asset_id="a", holder="h", zh="甲", en="a")
    assert (graded.special, graded.level) == (("hiv",), 5)


def test_a_test_column_is_special_only_if_it_holds_something() -> None:
    assert asset(("HIV抗体", "阴性")).special == ("hiv",)
    assert asset(("HIV抗体", ""), SBP).special == ()


def test_labels() -> None:
    assert asset(("zzz", "q"), SBP, labels={"zzz": "lab_result"}).level == 2
    with pytest.raises(InvalidInput, match="no heading"):
        asset(SBP, labels={"nowhere": "sbp"})
    with pytest.raises(InvalidInput, match="direct identifier"):
        asset(NAME, labels={"姓名": "sbp"})


def test_select_grades_only_what_is_asked_for() -> None:
    full = asset(NAME, SEX, BORN, SEEN, SBP, ("诊断编码", "C34.9"), STORY, ("基因型", "rs1234"))
    assert full.level == 5
    chosen = select(full, {"sex", "sbp", "ldl", "age"})
    assert (chosen.level, chosen.deid_grade, chosen.special, chosen.missing) == (2, 2, (), ("ldl",))
    assert chosen.personal and not chosen.genetic and not chosen.free_text
    assert select(full, {"name", "sbp"}).level == 4
    assert select(full, {"name", "diagnosis_code"}).level == 5
    sick = select(full, {"sex", "diagnosis_code"})
    assert (sick.level, sick.special) == (3, ("tumour",))
    assert select(full, {"gene"}).genetic and select(full, {"gene"}).level == 5
    assert select(full, {"free_text"}).free_text and select(full, {"free_text", "sex"}).level == 4


def test_selecting_nothing_that_is_held_gets_the_whole_asset() -> None:
    graded = asset(NAME, SBP)
    assert (select(graded, ["ldl"]).level, select(graded, ["ldl"]).missing) == (
        graded.level,
        ("ldl",),
    )
    assert select(graded, []).level == graded.level
    assert not select(asset(NAME, ("医院", "甲院")), ["institution"]).personal
    with pytest.raises(InvalidInput, match="not a kind"):
        select(graded, ["nope"])


def test_missing_share_and_identifier() -> None:
    table = Table(
        headings=("收缩压", "姓名"),
        rows=(("", "甲"), ("120", "乙"), ("", "丙")),
        encoding="utf-8",
        digest="0",
    )
    fields = grade(table, asset_id="a", holder="h", zh="甲", en="a").fields
    assert [f.missing_permille for f in fields] == [667, 0]
    assert fields[1].identifier is Identifier.DIRECT
