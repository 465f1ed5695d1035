"""Numbers with a check digit: resident ID number, unified social credit code, bank card."""

from __future__ import annotations

import datetime as dt
import re

from heyi.catalogue.values import half_width

_RESIDENT = re.compile(r"[1-9][0-9]{16}[0-9X]")
_CARD = re.compile(r"[3-6][0-9]{15,18}")


def resident_id(value: str) -> str | None:
    """The resident ID number in `value`, half-width with a capital X, or None if it is not one.

    The area code is not tested: old area codes stay in use, and area 99 marks synthetic persons.

    Source: GB 11643-1999.
    """
    from stdnum.cn import ric  # with its tables; a command that reads no records needs none

    number = re.sub(r"\s", "", half_width(value)).upper()
    if not _RESIDENT.fullmatch(number) or ric.calc_check_digit(number) != number[-1]:
        return None
    try:
        born = dt.date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    except ValueError:  # the check digit may be right for a day that does not exist
        return None
    return number if born.year >= 1800 else None


def is_resident_id(value: str) -> bool:
    return resident_id(value) is not None


def is_social_credit_code(value: str) -> bool:
    """Whether the value is a unified social credit code (GB 32100-2015)."""
    from stdnum.cn import uscc

    code = half_width(value).upper()
    return len(code) == 18 and code[0] in "123456789ANY" and bool(uscc.is_valid(code))


def is_bank_card(value: str) -> bool:
    """Whether the value has 16 to 19 digits that pass the Luhn check (ISO/IEC 7812-1)."""
    from stdnum import luhn

    number = re.sub(r"[\s-]", "", half_width(value))
    return _CARD.fullmatch(number) is not None and bool(luhn.is_valid(number))
