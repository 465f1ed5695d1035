"""Requests as a Parquet file: each value gets its code, and each refusal names its place."""

from __future__ import annotations

import datetime as dt
import os
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from heyi.model.errors import InvalidInput
from heyi.model.fact import Value
from heyi.policy.engines.interpret import read
from heyi.policy.engines.to_columns import ColumnEngine, encode
from heyi.policy.language import ir
from heyi.policy.language.schema import LEGAL_DAY, FactType, Schema, to_ordinals
from heyi.sources.request_table import read_requests, write_answers
from oracles.requests import mutations
from tests.support.shipped import shipped_book

DAY = dt.date(2026, 12, 1)


@pytest.fixture(scope="module")
def book() -> ir.Rulebook:
    return shipped_book()


def arrow_types(schema: Schema) -> dict[str, Any]:
    kinds = {
        FactType.BOOL: pa.bool_(),
        FactType.INT: pa.int32(),
        FactType.ENUM: pa.string(),
        FactType.SET: pa.list_(pa.string()),
        FactType.DATE: pa.date32(),
    }
    return {s.id: kinds[s.type] for s in schema.facts.values() if s.slot is not None}


def written(path: Path, schema: Schema, rows: list[dict[str, Value]], **options: Any) -> Path:
    plain = [
        {k: sorted(v) if isinstance(v, frozenset) else v for k, v in row.items()} for row in rows
    ]
    pq.write_table(
        pa.Table.from_pylist(plain, schema=pa.schema(list(arrow_types(schema).items()))),
        path,
        **options,
    )
    return path


@pytest.fixture(scope="module")
def rows(book: ir.Rulebook) -> list[dict[str, Value]]:
    rng = Random(4)
    complete = mutations(book, rng, 3_000)
    return [
        {k: v for k, v in facts.items() if k == LEGAL_DAY or rng.random() > 0.1}
        for facts in complete
    ]


@pytest.mark.parametrize("options", [{}, {"use_dictionary": False}, {"row_group_size": 700}])
def test_rows_arrive_as_they_would_one_by_one(
    tmp_path: Path, book: ir.Rulebook, rows: list[dict[str, Value]], options: dict[str, Any]
) -> None:
    columns = read_requests(
        written(tmp_path / "r.parquet", book.schema, rows, **options), book.schema, day=None
    )
    wanted = encode(book.schema, [to_ordinals(r) for r in rows])
    assert columns.rows == len(rows)
    for name, column in columns.facts.items():
        expected = wanted.facts.get(name, np.full(len(rows), -1))
        assert column.dtype == expected.dtype or name not in wanted.facts
        np.testing.assert_array_equal(column, expected, err_msg=name)
    answers = ColumnEngine(book).read(columns)
    for i in range(0, len(rows), 17):
        assert answers.reading(i) == read(book, to_ordinals(rows[i]))


def test_a_column_that_is_absent_is_unknown_and_the_day_may_be_given(
    tmp_path: Path, book: ir.Rulebook
) -> None:
    pq.write_table(pa.table({"data.personal": [True, None]}), tmp_path / "r.parquet")
    columns = read_requests(tmp_path / "r.parquet", book.schema, day=DAY)
    assert sorted(columns.facts) == ["data.personal", LEGAL_DAY]
    assert columns.facts["data.personal"].tolist() == [1, -1]
    answers = ColumnEngine(book).read(columns)
    assert answers.reading(0) == read(book, {"data.personal": True, LEGAL_DAY: DAY.toordinal()})
    assert answers.reading(1) == read(book, {LEGAL_DAY: DAY.toordinal()})


def test_no_rows_have_no_answers(tmp_path: Path, book: ir.Rulebook) -> None:
    columns = read_requests(written(tmp_path / "r.parquet", book.schema, []), book.schema, day=None)
    assert ColumnEngine(book).read(columns).severity.size == 0


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"data.persnal": [True]}, "unknown fact `data.persnal`; did you mean `data.personal`?"),
        ({"data.sensitive": [True]}, "`data.sensitive` is derived"),
        ({"data.personal": ["yes"]}, "column `data.personal` holds string, but the fact is a bool"),
        ({"data.personal": [1]}, "column `data.personal` holds int64, but the fact is a bool"),
        (
            {"act.action": ["access", "acess"]},
            "`acess` is not a value of `act.action`; did you mean `access`?",
        ),
        ({"data.special": [["hiv"], ["hvi"]]}, "`hvi` is not a value of `data.special`"),
        (
            {"subjects.min_age": [13, None, 151]},
            "row 2: `subjects.min_age` is 151, outside 0 to 150",
        ),
        ({"subjects.min_age": [-1]}, "row 0: `subjects.min_age` is -1, outside 0 to 150"),
        ({"subjects.count": pa.array([2**64 - 1], pa.uint64())}, "column `subjects.count`"),
        ({"subjects.count": [1.5]}, "column `subjects.count` holds double"),
        ({LEGAL_DAY: [DAY, None]}, "`legal_day` is null in row 1"),
        ({LEGAL_DAY: ["2026-12-01"]}, "column `legal_day` holds string"),
    ],
)
def test_what_is_no_fact_is_refused_with_its_place(
    tmp_path: Path, book: ir.Rulebook, columns: dict[str, Any], message: str
) -> None:
    pq.write_table(pa.table(columns), tmp_path / "r.parquet")
    with pytest.raises(InvalidInput) as refused:
        read_requests(tmp_path / "r.parquet", book.schema, day=DAY)
    assert message in str(refused.value)


def test_without_a_day_and_without_a_file(tmp_path: Path, book: ir.Rulebook) -> None:
    pq.write_table(pa.table({"data.personal": [True]}), tmp_path / "r.parquet")
    with pytest.raises(InvalidInput, match=r"no column `legal_day`.*--at"):
        read_requests(tmp_path / "r.parquet", book.schema, day=None)
    (tmp_path / "torn.parquet").write_bytes((tmp_path / "r.parquet").read_bytes()[:-9])
    for name in ("torn.parquet", "absent.parquet"):
        with pytest.raises(InvalidInput, match="cannot read"):
            read_requests(tmp_path / name, book.schema, day=DAY)


def test_requests_in_what_is_no_regular_file(tmp_path: Path, book: ir.Rulebook) -> None:
    os.mkfifo(tmp_path / "pipe.parquet")
    for path in (tmp_path / "pipe.parquet", tmp_path, Path("/dev/zero")):
        with pytest.raises(InvalidInput, match="is not a regular file"):
            read_requests(path, book.schema, day=DAY)


def test_answers_are_written_row_by_row(tmp_path: Path) -> None:
    severity = np.array([0, 4, 3], np.uint8)
    write_answers(
        tmp_path / "a.parquet", ["permit", "o", "n", "deny", "deny"], severity, severity == 3
    )
    assert pq.read_table(tmp_path / "a.parquet").to_pylist() == [
        {"outcome": "permit", "curable": False},
        {"outcome": "deny", "curable": False},
        {"outcome": "deny", "curable": True},
    ]
    with pytest.raises(InvalidInput, match="cannot write"):
        write_answers(tmp_path / "no" / "a.parquet", ["permit"], severity[:1], severity[:1] == 3)
