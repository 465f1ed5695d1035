"""Reading CSV: two encodings, and a precise error for every broken file."""

import hashlib
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from heyi.model.errors import InvalidInput
from heyi.sources.csv_file import read_csv

GOOD = "病案号,性别,收缩压\nX1, 男 ,120\nX2,女,NA\n"


def write(folder: Path, data: bytes | str) -> Path:
    path = folder / "a.csv"
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_good(tmp_path: Path, encoding: str, newline: str) -> None:
    data = GOOD.replace("\n", newline).encode(encoding)
    table = read_csv(write(tmp_path, data))
    assert table.headings == ("病案号", "性别", "收缩压")
    assert table.rows == (("X1", "男", "120"), ("X2", "女", ""))
    assert (table.encoding, table.digest, table.duplicates) == (
        encoding,
        hashlib.sha256(data).hexdigest(),
        0,
    )


def test_without_header(tmp_path: Path) -> None:
    table = read_csv(
        write(tmp_path, "63.0,1.0,?\n67.0,1.0,2.3\n"), columns=("age", "sex", "oldpeak")
    )
    assert table.rows == (("63.0", "1.0", ""), ("67.0", "1.0", "2.3"))


def test_exact_duplicates_are_set_aside_and_blank_lines_passed_over(tmp_path: Path) -> None:
    table = read_csv(write(tmp_path, GOOD + "\nX1,男,１２０\n,,\n" + "X3,男,\n"), key="病案号")
    assert (len(table.rows), table.duplicates) == (3, 1)


def test_a_heading_may_be_what_a_missing_cell_is_called(tmp_path: Path) -> None:
    table = read_csv(write(tmp_path, "K,NA\n4.1,NA\n4.0,140\n"))
    assert (table.headings, table.rows) == (("K", "NA"), (("4.1", ""), ("4.0", "140")))


def test_quoted_cells(tmp_path: Path) -> None:
    table = read_csv(write(tmp_path, 'a,b\n"x,\n""y""",1\nz,2\n'))
    assert table.rows[0][0] == 'x,\n"y"'


LONG = "病案号,姓名\n" + "".join(f"X{i},王小明\n" for i in range(50))
END, GB_END = len(LONG.encode()), len(LONG.encode("gb18030"))
BAD: dict[str, tuple[bytes | str, str]] = {
    "empty": ("", "is empty"),
    "blank": ("\ufeff \r\n\n", "is empty"),
    "empty cell": ('""', "is empty"),
    "only a header": ("a,b\n", "no rows"),
    "neither encoding": (b"a,b\nc,d\n\xff\xff,e\n", r"a.csv:3: byte 8 is neither"),
    "broken utf-8": (LONG.encode() + b"\xe7,1\n", rf"a.csv:52: byte {END} is not valid UTF-8"),
    "cut off": (
        LONG.encode() + "X99,李".encode()[:-1],
        rf"a.csv:52: byte {END + 4} begins a character",
    ),
    "utf-8 then gb18030": (
        LONG.encode() + "X99,李华\n".encode("gb18030"),
        rf"a.csv:52: byte {END + 4} changes",
    ),
    "gb18030 then utf-8": (
        LONG.encode("gb18030") + "X99,李华\n".encode(),
        rf"a.csv:52: byte {GB_END + 4} changes",
    ),
    "null": ("a,b\n1,x\0\n", r"a.csv:2: byte 7 is a control"),
    "replacement": ("a,b\n1,x\ufffd\n", r"a.csv:2: byte 7 is a control"),
    "private use in gb18030": (
        "姓名,b\n王,1\n".encode("gb18030") + b"\xaa\xa1,2\n",
        r"a.csv:3: byte 12 is neither",
    ),
    "utf-16": ("a,b\n1,2\n".encode("utf-16"), "UTF-16"),
    "workbook": (b"PK\x03\x04rest", "workbook"),
    "tabs": ("a\tb\n1\t2\n", "not separated by commas"),
    "empty heading": ("a,,c\n1,2,3\n", r"a.csv:1: the heading of column 2 is empty"),
    "duplicate heading": ("a,b,A\n1,2,3\n", r"columns 1 and 3 have the same heading"),
    "numbers for header": ("63,1,145\n1,2,3\n", r"a.csv:1: no header row"),
    "a person for header": ("王小明,990101200001010014\n李华,\n", r"a.csv:1: no header row"),
    "too few cells": ("a,b\n1,2\n3\n", r"a.csv:3: 1 cells under 2 headings"),
    "too many cells": ('a,b\n"1\n",2\n3,4,5\n', r"a.csv:4: 3 cells under 2 headings"),
    "unclosed quote": (
        'a,b\n1,2\n3,"4\n5,6\n',
        r"a.csv:3: the record opens a quote that is never closed",
    ),
    "misplaced quote": ('a,b\n1,"2"3\n', r"a.csv:2: the record has a misplaced quote"),
    "oversized cell": ("a,b\n1," + "x" * 200_000 + "\n", "oversized"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad(tmp_path: Path, case: str) -> None:
    data, message = BAD[case]
    with pytest.raises(InvalidInput, match=message) as caught:
        read_csv(write(tmp_path, data))
    assert caught.value.hint
    assert "王小明" not in str(caught.value) and "990101" not in str(caught.value)


def test_absent_or_unreadable(tmp_path: Path) -> None:
    for path in (tmp_path / "none.csv", tmp_path):
        with pytest.raises(InvalidInput, match="cannot read"):
            read_csv(path)


def test_what_is_no_regular_file_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.csv")
    for path in (tmp_path, tmp_path / "pipe.csv", Path("/dev/zero"), Path("/dev/null")):
        with pytest.raises(InvalidInput, match="is not a regular file") as refused:
            read_csv(path)
        assert refused.value.hint


def test_required_columns_by_heading_or_kind(tmp_path: Path) -> None:
    path = write(tmp_path, GOOD)
    assert read_csv(path, required=("性别", "sbp", "record_number")).headings
    with pytest.raises(InvalidInput, match="no column `ldl`"):
        read_csv(path, required=("ldl",))


def test_a_repeated_key_with_other_content_names_both_lines(tmp_path: Path) -> None:
    path = write(tmp_path, GOOD + "X3,女,1\nＸ1,女,130\n")
    for key in ("病案号", "record_number"):
        with pytest.raises(
            InvalidInput, match="lines 2 and 5 have the same key in column 1"
        ) as caught:
            read_csv(path, key=key)
        assert "130" not in str(caught.value)
    assert len(read_csv(path).rows) == 4


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.binary(max_size=200) | st.text(alphabet='甲乙1,"\n\r 男', max_size=60).map(str.encode))
def test_garbage_raises_only_invalid_input(tmp_path: Path, data: bytes) -> None:
    try:
        table = read_csv(write(tmp_path, data))
    except InvalidInput as e:
        assert e.hint
    else:
        assert table.rows and all(len(row) == len(table.headings) for row in table.rows)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    st.lists(
        st.text(alphabet="王小明李华一二三", min_size=1, max_size=8),
        min_size=1,
        max_size=30,
        unique=True,
    ),
    st.sampled_from(["utf-8", "utf-8-sig", "gb18030"]),
)
def test_every_chinese_export_reads_back(tmp_path: Path, words: list[str], encoding: str) -> None:
    data = ("名称,备考\n" + "".join(f"{w},x\n" for w in words)).encode(encoding)
    table = read_csv(write(tmp_path, data))
    assert table.encoding == encoding
    assert table.column(0) == tuple(words)
