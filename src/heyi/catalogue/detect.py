"""Detect the kind of a column from its heading and its values."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from heyi.catalogue.checksums import is_bank_card, is_resident_id, is_social_credit_code
from heyi.catalogue.decoding import decode_column
from heyi.catalogue.headings import look_up
from heyi.catalogue.kinds import UNKNOWN, Kind, all_kinds, kind
from heyi.catalogue.values import half_width
from heyi.model.asset import Identifier, Reason
from heyi.model.errors import InvalidInput

SAMPLE = 300
"""Number of values that are examined in one column, spread evenly over the file."""

SHARE = 0.6
"""Share of the values that must fit a kind before the values decide it."""

_CHECKED: tuple[tuple[str, Callable[[str], bool], str, str], ...] = (
    (
        "resident_id",
        is_resident_id,
        "通过 GB 11643 校验位和日期检验",
        "pass the GB 11643 check digit and date test",
    ),
    (
        "institution",
        is_social_credit_code,
        "通过 GB 32100 统一社会信用代码校验",
        "pass the GB 32100 check",
    ),
    ("bank_card", is_bank_card, "通过银行卡 Luhn 校验", "pass the Luhn check of bank cards"),
)
# Contact data may be under a harmless heading, so these forms win over the heading.
_OVERRIDING = ("resident_id", "phone", "email")
# Common Chinese surnames; a name is one of them and one or two more characters.
_SURNAMES = (
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林郑谢罗梁宋唐许韩冯邓曹彭曾肖田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈姚卢姜崔钟谭陆汪"
    "范金石廖贾夏韦付方白邹孟熊秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝龚邵万钱严覃武戴莫孔向汤"
)
_NAME = re.compile(rf"[{_SURNAMES}][\u3400-\u9fff]{{1,2}}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Detected:
    """The detected kind of a column and why.

    INVARIANT: `reason` never quotes a value of the data.
    """

    kind: str
    identifier: Identifier
    reason: Reason


def _found(kind_id: str, zh: str, en: str) -> Detected:
    return Detected(kind=kind_id, identifier=kind(kind_id).identifier, reason=Reason(zh=zh, en=en))


def _share(sample: Sequence[str], fits: Callable[[str], object]) -> float:
    return sum(1 for value in sample if fits(value)) / len(sample) if sample else 0.0


def _by_pattern(k: Kind, sample: Sequence[str]) -> Detected | None:
    share = _share(sample, k.pattern.fullmatch) if k.pattern else 0.0
    if share < SHARE:
        return None
    percent = int(share * 100)
    return _found(
        k.id,
        f"{percent}%的值具有“{k.zh}”的格式",
        f"{percent} % of the values have the form of `{k.en}`",
    )


def _is_readable(k: Kind, heading: str, sample: Sequence[str]) -> bool:
    try:
        numbers = decode_column(k, heading, sample)
    except InvalidInput:  # the heading gives a unit of something else
        return False
    return sum(n is not None for n in numbers) >= len(sample) / 2


def _by_heading(heading: str, sample: Sequence[str]) -> Detected | None:
    named = look_up(heading)
    if named is None:
        return None
    k = kind(named)
    if k.identifier is not Identifier.DIRECT:
        for override in _OVERRIDING:
            if (found := _by_pattern(kind(override), sample)) is not None:
                return found
    # A heading of two letters may mean something else, so half of the values must be readable as
    # the kind that it names.
    if sample and k.decode != "text" and not _is_readable(k, heading, sample):
        return None
    return _found(k.id, f"列名是“{k.zh}”的写法之一", f"the heading is one of those for `{k.en}`")


# A resident ID number, a mobile number or an e-mail address inside a longer text.
_NUMBERS = re.compile(r"(?<!\d)(?:\d{17}[\dXx]|1[3-9]\d{9})(?!\d)|[^@\s]+@[^@\s]+\.[A-Za-z]{2,}")


def _holds_a_person(value: str) -> bool:
    """Whether a value contains an ID number, a mobile number or an e-mail address."""
    # Only 18 characters without `@` are tested as an ID number; the other forms need no check.
    return len(value) > 5 and any(
        len(m) != 18 or "@" in m or is_resident_id(m) for m in _NUMBERS.findall(value)
    )


def detect(heading: str, values: Sequence[str]) -> Detected:
    """The kind of a column, `unknown` if nothing recognises it.

    `values` are all values of the column; a missing value is an empty string.
    """
    present = [half_width(v) for v in values if v]
    sample = present[:: max(1, len(present) // SAMPLE)]
    # (1) Kinds with a check digit.
    for kind_id, holds, zh, en in _CHECKED:
        share = _share(sample, holds)
        if share >= SHARE:
            return _found(
                kind_id, f"{int(share * 100)}%的值{zh}", f"{int(share * 100)} % of the values {en}"
            )
    # (2) The heading, unless it names a kind without personal data and a value contains the number
    # of a person. All values are examined here, since one such value is enough.
    if (found := _by_heading(heading, sample)) is not None:
        k = kind(found.kind)
        if k.personal or not any(_holds_a_person(v) for v in present):
            return found
        reason = Reason(
            zh=f"列名是“{k.zh}”，但有值含个人号码，标注之前按最高级别管理",
            en=f"the heading names `{k.en}`, but a value holds a person's number: "
            "the highest level holds",
        )
        return Detected(kind=UNKNOWN, identifier=Identifier.DIRECT, reason=reason)
    # (3) The form of the values.
    for k in all_kinds().values():
        if (found := _by_pattern(k, sample)) is not None:
            return found
    return _by_distribution(present, sample)


def _by_distribution(present: Sequence[str], sample: Sequence[str]) -> Detected:
    """Guess names, free text or an identifier from lengths and repetition; else unknown."""
    distinct = len(set(present)) / len(present) if present else 0.0
    if distinct > 0.5 and _share(sample, _NAME.fullmatch) >= 0.85:
        return _found(
            "name",
            "多数值是以常见姓氏开头的二至三字词",
            "most values are short words that begin with a surname",
        )
    if (
        sample
        and sum(map(len, sample)) / len(sample) > 25
        and _share(sample, lambda v: len(v) > 15) >= SHARE
    ):
        return _found("free_text", "值是较长的叙述文字", "the values are long running text")
    if distinct > 0.95:
        return _found(
            UNKNOWN,
            "列名和格式均未识别，且值几乎不重复，可能是直接标识符",
            "neither heading nor form is recognised and hardly a value repeats: "
            "a candidate direct identifier",
        )
    reason = Reason(
        zh="列名和格式均未识别，标注之前按最高级别管理",
        en="neither heading nor form is recognised: the highest level holds until it is labelled",
    )
    return Detected(kind=UNKNOWN, identifier=Identifier.QUASI, reason=reason)
