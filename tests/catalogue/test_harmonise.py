"""Decoding: the ways of writing one value give one number."""

import datetime as dt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heyi.catalogue.decoding import decode_column
from heyi.catalogue.grade import grade
from heyi.catalogue.harmonise import Columns, decode, persons
from heyi.catalogue.kinds import kind
from heyi.catalogue.table import Table
from heyi.catalogue.values import to_day, to_number
from heyi.model.errors import InvalidInput
from tests.support.operations import operations

NAN = float("nan")
DATE_FORMS = (
    "{0:%Y-%m-%d}",
    "{0.year}/{0.month}/{0.day}",
    "{0:%Y%m%d}",
    "{0.year}年{0.month}月{0.day}日",
    "{0.year}.{0.month}.{0.day}",
    "{0:%Y-%m-%d} 08:30:00",
    "{0:%Y/%m/%d}T8:30",
)
SEX_CODES = (
    ("男", "女"),
    ("男性", "女性"),
    ("M", "F"),
    ("male", "FEMALE"),
    ("1", "2"),
    ("1", "0"),
    ("1.0", "0.0"),
    ("１", "２"),
)
MEASURES = ("SBP", "DBP", "体重", "身高", "心率", "腰围", "肌酐", "HGB")
DAYS = st.dates(dt.date(1900, 1, 1), dt.date(2100, 12, 31))


def table_of(**columns: list[str]) -> Table:
    rows = tuple(zip(*columns.values(), strict=True))
    return Table(headings=tuple(columns), rows=rows, encoding="utf-8", digest="d")


def decoded(kinds: list[str], **columns: list[str]) -> Columns:
    table = table_of(**columns)
    return decode(table, grade(table, asset_id="a", holder="h", zh="甲", en="a"), kinds)


@given(DAYS, st.sampled_from(DATE_FORMS))
def test_every_way_of_writing_a_date_is_that_day(day: dt.date, form: str) -> None:
    written = form.format(day)
    assert to_day(written) == day.toordinal()
    assert (
        to_day(written.translate({ord(str(d)): chr(0xFF10 + d) for d in range(10)}))
        == day.toordinal()
    )


@given(st.text(max_size=20))
def test_any_text_is_a_day_in_range_or_none(text: str) -> None:
    day = to_day(text)
    assert day is None or 1800 <= dt.date.fromordinal(int(day)).year <= 2100


def test_dates_good_and_bad() -> None:
    assert (
        to_day("202401")
        == to_day("2024年1月")
        == to_day("2024-01")
        == dt.date(2024, 1, 1).toordinal()
    )
    assert [
        to_day(t)
        for t in ("2023-02-29", "2024-13-01", "20241301", "1700-01-01", "2024-1/2", "24-01-02")
    ] == [None] * 6


@given(st.lists(st.booleans(), min_size=1), st.sampled_from(SEX_CODES))
def test_every_sex_code_with_both_codes_present(people: list[bool], codes: tuple[str, str]) -> None:
    people = [True, False, *people]
    written = [codes[0] if male else codes[1] for male in people]
    assert decode_column(kind("sex"), "性别", written) == [float(male) for male in people]


def test_sex_codes_alone() -> None:
    sex = kind("sex")
    assert decode_column(sex, "性别", ["1"]) == [1.0]
    # 0 is unknown in one code system and female in another.
    assert decode_column(sex, "性别", ["0"]) == [None]
    np.testing.assert_equal(
        decode_column(sex, "性别", ["0", "1", "2", "9", ""]), [NAN, 1.0, 0.0, NAN, NAN]
    )
    assert decode_column(sex, "性别", ["男", "甲"]) == [1.0, None]


def test_flags() -> None:
    written = ["是", "有", "1", "Y", "阳性", "否", "无", "0", "n", "阴性", "１", "", "也许", "2"]
    want = [1.0] * 5 + [0.0] * 5 + [1.0, NAN, None, None]
    np.testing.assert_equal(decode_column(kind("diabetes"), "糖尿病", written), want)
    assert decode_column(kind("smoking"), "吸烟", ["从不吸烟", "现在吸烟", "已戒烟"]) == [
        0.0,
        1.0,
        0.0,
    ]


@given(st.floats(0, 1e6).map(lambda x: round(x, 3)))
def test_a_number_reads_back(x: float) -> None:
    assert to_number(f" {x} ", {}) == x
    assert to_number(f"{x:,.3f}mmHg", {"mmhg": 2.0}) == pytest.approx(2 * x)


def test_units_are_converted_or_refused() -> None:
    assert decode_column(kind("sbp"), "收缩压(kPa)", ["16"]) == [pytest.approx(120.01, abs=0.01)]
    assert decode_column(
        kind("sbp"), "收缩压", ["120 mmHg", "１２０", "120毫升", "<120", "1,2"]
    ) == [
        120,
        120,
        None,
        None,
        None,
    ]
    assert decode_column(kind("glucose"), "血糖(mg/dL)", ["100", "5.5mmol/L"]) == [
        pytest.approx(5.55),
        5.5,
    ]
    assert decode_column(kind("age"), "年龄", ["63岁", "6月"]) == [63, 0.5]
    assert decode_column(kind("creatinine"), "肌酐(μmol/L)", ["80"]) == [80]
    with pytest.raises(InvalidInput, match="cannot be converted"):
        decode_column(kind("sbp"), "收缩压(kg)", ["120"])


def test_implausible_values_become_missing_and_are_counted() -> None:
    columns = decoded(
        ["sbp", "cp", "tcm_pattern"],
        收缩压=["120", "999", "", "abc"],
        cp=["1.0", "4", "1", "9"],
        证型=["肝阳上亢证", "痰湿壅盛", "气虚血瘀型", "甲证"],
    )
    np.testing.assert_equal(columns.values["sbp"], [120, NAN, NAN, NAN])
    np.testing.assert_equal(columns.values["cp"], [1, 4, 1, NAN])
    np.testing.assert_equal(columns.values["tcm_pattern"], [1, 5, 9, NAN])
    assert columns.implausible == {"sbp": 2, "cp": 1, "tcm_pattern": 1}
    assert columns.values["sbp"].dtype == np.float64


def test_age_is_completed_years_at_the_visit() -> None:
    columns = decoded(
        ["age"],
        出生日期=["1960-05-05", "19600505", "2000-02-29", "", "2024-01-01"],
        就诊日期=["2020-05-04", "2020/05/05", "2023-02-28", "2020-01-01", "2020-01-01"],
    )
    np.testing.assert_equal(columns.values["age"], [59, 60, 22, NAN, NAN])
    assert columns.implausible == {"age": 1}
    written = decoded(["age"], 年龄=["7"], 出生日期=["1960-05-05"], 就诊日期=["2020-05-04"])
    assert written.values["age"][0] == 7


def test_what_cannot_be_decoded_is_refused() -> None:
    with pytest.raises(InvalidInput, match="no field of kind `ldl`"):
        decoded(["ldl"], 收缩压=["120"])
    with pytest.raises(InvalidInput, match="no numeric meaning"):
        decoded(["name"], 姓名=["王小明"])
    one, other = table_of(收缩压=["120"]), table_of(舒张压=["80"])
    with pytest.raises(InvalidInput, match="not the one"):
        decode(other, grade(one, asset_id="a", holder="h", zh="甲", en="a"), ["sbp"])


def test_persons_are_only_those_whose_check_digit_holds() -> None:
    table = table_of(
        身份证号=[
            "11010519491231002x",
            "110105194912310021",
            "",
            "９９０１０１２００００１０１００１４",
        ]
    )
    held = grade(table, asset_id="a", holder="h", zh="甲", en="a")
    assert persons(table, held) == ("11010519491231002X", None, None, "990101200001010014")
    nobody = table_of(收缩压=["120"])
    assert persons(nobody, grade(nobody, asset_id="a", holder="h", zh="甲", en="a")) == (None,)


def many(rows: int) -> Table:
    return table_of(
        姓名=["王小明"] * rows,
        出生日期=["1960-05-05"] * rows,
        就诊日期=["2020-05-04"] * rows,
        **{f"诊断{i}": [f"原发性高血压{i}-{n}" for n in range(rows)] for i in range(5)},
        **{h: [f"{n % 90 + 60}" for n in range(rows)] for h in MEASURES},
    )


def test_the_steps_grow_no_faster_than_the_rows() -> None:
    def steps(table: Table) -> int:
        def work() -> None:
            held = grade(table, asset_id="a", holder="h", zh="甲", en="a")
            decode(table, held, ["age", "sbp", "dbp", "weight", "height", "heart_rate"])

        return operations(work)

    assert steps(many(7_000)) <= 10 * steps(many(700))
