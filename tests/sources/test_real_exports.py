"""Exports of four institutions and of the heart study, if they are beside the repository."""

import os
from pathlib import Path

import numpy as np
import pytest

from heyi.catalogue.grade import grade, select
from heyi.catalogue.harmonise import decode, persons
from heyi.catalogue.table import Table
from heyi.model.asset import Asset
from heyi.sources.csv_file import read_csv

SHARED = Path(__file__).resolve().parents[3] / "shared"
UCI = (
    "age",
    "sex",
    "cp",
    "trestbps",
    "chol",
    "fbs",
    "restecg",
    "thalach",
    "exang",
    "oldpeak",
    "slope",
    "ca",
    "thal",
    "num",
)
PRIMARY = ("name", "sex", "birth_date", "resident_id", "phone", "address", "visit_date",
           "sbp", "dbp", "bmi", "smoking", "diabetes", "glucose")  # fmt: skip
HOSPITAL = (*PRIMARY, "ldl", "follow_up_years", "cv_event")
EXPORTS = {
    "chengnan_shequ.csv": ("gb18030", 642, 476, ("health_record_number", *PRIMARY)),
    "qingshan_weishengyuan.csv": ("gb18030", 738, 418, ("health_record_number", *PRIMARY)),
    "sanjia_yiyuan.csv": ("utf-8", 1482, 1433, ("patient_index", *HOSPITAL)),
    "xian_yiyuan.csv": ("utf-8-sig", 1656, 1512, ("record_number", *HOSPITAL)),
}


def data(folder: str, name: str) -> Path:
    path = SHARED / "data" / folder / name
    if not path.exists():
        if os.environ.get("HEYI_REQUIRE_ALL") == "1" and SHARED.exists():
            pytest.fail(f"{folder}/{name} is missing beside the repository")
        pytest.skip(f"{folder}/{name} does not lie beside the repository")
    return path


def graded(table: Table) -> Asset:
    return grade(table, asset_id="a", holder="h", zh="甲", en="a")


@pytest.mark.parametrize("name", EXPORTS)
def test_hospital_export(name: str) -> None:
    encoding, rows, linked, kinds = EXPORTS[name]
    table = read_csv(data("his_zh_generated", name), key=kinds[0], required=kinds)
    asset = graded(table)
    assert (table.encoding, asset.rows, asset.duplicates) == (encoding, rows, 0)
    assert tuple(f.kind for f in asset.fields) == kinds
    assert (asset.level, asset.deid_grade, asset.special) == (4, 1, ())
    assert sum(p is not None for p in persons(table, asset)) == linked
    columns = decode(
        table,
        asset,
        [
            "age",
            *(k for k in kinds if k not in ("name", "resident_id", "phone", "address", kinds[0])),
        ],
    )
    assert set(columns.implausible.values()) == {0}
    assert 50 < np.nanmean(columns.values["age"]) < 60 and not np.isnan(columns.values["age"]).any()
    assert 0.45 < np.nanmean(columns.values["sex"]) < 0.55
    assert 125 < np.nanmean(columns.values["sbp"]) < 140
    assert select(asset, ["age", "sex", "sbp"]).level == 2


@pytest.mark.parametrize(
    ("site", "rows", "duplicates", "men"),
    [
        ("cleveland", 303, 0, 206),
        ("hungarian", 293, 1, 213),
        ("switzerland", 123, 0, 113),
        ("va", 199, 1, 193),
    ],
)
def test_heart_disease(site: str, rows: int, duplicates: int, men: int) -> None:
    table = read_csv(data("heart_disease_uci", f"processed.{site}.data"), columns=UCI)
    asset = graded(table)
    assert tuple(f.kind for f in asset.fields) == UCI
    assert (asset.rows, asset.duplicates, asset.deid_grade, asset.special) == (
        rows,
        duplicates,
        2,
        (),
    )
    columns = decode(table, asset, UCI)
    assert columns.values["sex"].sum() == men
    # Switzerland and Long Beach wrote 0 if the cholesterol was not measured.
    zeros = {"switzerland": 123, "va": 49}.get(site, 0)
    assert columns.implausible["chol"] == zeros
    assert sum(columns.implausible.values()) == zeros + (site == "va")
