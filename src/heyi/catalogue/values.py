"""Read one written value as a number: dates, measures, flags, categories."""

from __future__ import annotations

import datetime as dt
import math
import re
import unicodedata
from collections.abc import Mapping

_DATE = re.compile(
    r"(?P<y>\d{4})"
    r"(?:-(?P<m>\d{1,2})-(?P<d>\d{1,2})"  # 2024-1-31
    r"|/(?P<m2>\d{1,2})/(?P<d2>\d{1,2})"  # 2024/1/31
    r"|\.(?P<m3>\d{1,2})\.(?P<d3>\d{1,2})"  # 2024.1.31
    r"|年(?P<m4>\d{1,2})月(?:(?P<d4>\d{1,2})日?)?"  # 2024年1月31日, 2024年1月
    r"|(?P<m5>\d{2})(?P<d5>\d{2})?"  # 20240131, 202401
    r"|[-/](?P<m6>\d{1,2}))"  # 2024-01, 2024/01
    r"(?:[T ]?\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?)?",
    re.ASCII,
)
_NUMBER = re.compile(
    r"(?P<number>[+-]?(?:\d{1,3}(?:,\d{3})+(?:\.\d*)?|\d+(?:\.\d*)?|\.\d+)"
    r"(?:[eE][+-]?\d{1,3})?)\s*(?P<unit>\D.{0,9})?",
    re.ASCII,
)
_FLAGS: Mapping[str, float] = {
    **dict.fromkeys(
        ("1", "1.0", "是", "有", "y", "yes", "t", "true", "阳性", "阳", "+", "(+)"), 1.0
    ),
    **dict.fromkeys(
        ("0", "0.0", "否", "无", "没有", "n", "no", "f", "false", "阴性", "阴", "-", "(-)"), 0.0
    ),
}


def half_width(value: str) -> str:
    """The value without spaces around it, with half-width digits, letters and brackets."""
    return value.strip() if value.isascii() else unicodedata.normalize("NFKC", value).strip()


def to_day(value: str) -> float | None:
    """The proleptic Gregorian ordinal of a date between 1800 and 2100, or None.

    A date without a day (`202401`) is the first day of the month.
    """
    found = _DATE.fullmatch(half_width(value))
    if found is None:
        return None
    # The groups are numbered (m, m2, ...); the first letter says which part of the date it is.
    parts = {key[0]: text for key, text in found.groupdict().items() if text is not None}
    try:
        day = dt.date(int(parts["y"]), int(parts["m"]), int(parts.get("d", "1")))
    except ValueError:
        return None
    return float(day.toordinal()) if 1800 <= day.year <= 2100 else None


def to_flag(value: str, labels: Mapping[str, float]) -> float | None:
    """1.0 for yes, 0.0 for no, or None."""
    word = half_width(value).casefold()
    return labels.get(word, _FLAGS.get(word))


def same_unit(text: str) -> str:
    """The unit in one spelling: `μmol/L` and `umol/l` become the same."""
    return half_width(text).casefold().replace("μ", "u").replace(" ", "").replace("^", "")


def to_number(value: str, factors: Mapping[str, float]) -> float | None:
    """The number in `value`, multiplied by the factor of the unit after it, or None.

    `factors` has the factor of each unit, and under `""` the factor of a value without a unit. A
    value with a bound (`<0.5`) or with another unit gives None.
    """
    found = _NUMBER.fullmatch(half_width(value))
    if found is None:
        return None
    factor = factors.get(same_unit(found["unit"])) if found["unit"] else factors.get("", 1.0)
    number = float(found["number"].replace(",", ""))
    return None if factor is None or not math.isfinite(number) else number * factor


def to_category(value: str, labels: Mapping[str, float]) -> float | None:
    """The number of a label; `3.0` is read as `3`, and 证 or 型 at the end may be left out."""
    word = re.sub(r"\.0+$", "", half_width(value).casefold())
    return labels.get(word, labels.get(re.sub(r"[证型]$", "", word)))
