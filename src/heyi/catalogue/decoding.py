"""Decode a column of written values to numbers; the values show which code system it uses."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial

from heyi.catalogue.headings import bracketed
from heyi.catalogue.kinds import Kind, all_kinds
from heyi.catalogue.values import half_width, same_unit, to_category, to_day, to_flag, to_number
from heyi.model.errors import InvalidInput

MISSING = float("nan")

_SEX_WORDS: Mapping[str, float] = {
    **dict.fromkeys(("男", "男性", "m", "male"), 1.0),
    **dict.fromkeys(("女", "女性", "f", "female"), 0.0),
    **dict.fromkeys(
        ("未知", "不详", "未说明", "未知的性别", "未说明的性别", "u", "unknown"), MISSING
    ),
}


@cache
def _known_units() -> frozenset[str]:
    kinds = all_kinds().values()
    return frozenset(
        same_unit(u) for k in kinds for u in (k.unit, *(name for name, _ in k.units)) if u
    )


@cache
def _factors(kind: Kind) -> Mapping[str, float]:
    return {same_unit(kind.unit): 1.0, **{same_unit(name): factor for name, factor in kind.units}}


def _number_reader(kind: Kind, heading: str) -> Callable[[str], float | None]:
    """A reader of one value; a unit in the heading holds for values without a unit."""
    factors = dict(_factors(kind))
    default = 1.0
    for text in bracketed(heading):
        unit = same_unit(text)
        if unit in factors:
            default = factors[unit]
        elif unit in _known_units():
            raise InvalidInput(
                f"heading `{heading}` gives a unit that `{kind.id}` cannot be converted from",
                hint=f"convert the column to {kind.unit or 'a number without unit'} "
                "or label it with another kind",
            )
    return partial(to_number, factors={**factors, "": default})


def _sex_reader(values: Sequence[str]) -> Callable[[str], float | None]:
    """A reader of one value; all `values` of the column show what a digit means."""
    codes = {half_width(v).casefold().removesuffix(".0") for v in values}
    if codes & {"2", "9"}:  # GB/T 2261.1: 0 unknown, 1 male, 2 female, 9 not stated
        numbered = {"0": MISSING, "1": 1.0, "2": 0.0, "9": MISSING}
    elif "1" in codes:  # there is no 2: the column answers "male?", 1 yes and 0 no
        numbered = {"0": 0.0, "1": 1.0}
    else:  # zeros alone may mean unknown or female, so they are not decoded
        numbered = {}
    table = {**_SEX_WORDS, **numbered}
    return lambda value: table.get(half_width(value).casefold().removesuffix(".0"))


def decode_column(kind: Kind, heading: str, values: Sequence[str]) -> list[float | None]:
    """One number for each value: NaN for a missing value, None for one that cannot be read.

    Sex is 1.0 for male and 0.0 for female; a flag is 1.0 or 0.0; a date is its proleptic Gregorian
    ordinal; a number is in `kind.unit`.

    Raises:
        InvalidInput: the kind is text, or the unit in the heading cannot be converted.
    """
    labels = {half_width(label).casefold(): number for label, number in kind.labels}
    distinct = {v for v in values if v}
    one: Callable[[str], float | None]
    match kind.decode:
        case "date":
            one = to_day
        case "sex":
            one = _sex_reader(tuple(distinct))
        case "flag":
            one = partial(to_flag, labels=labels)
        case "category":
            one = partial(to_category, labels=labels)
        case "number":
            one = _number_reader(kind, heading)
        case "text":
            raise InvalidInput(
                f"`{kind.id}` is text and has no numeric meaning", hint="ask for a measured kind"
            )
    # Values repeat within a column, so each distinct value is read once.
    known: dict[str, float | None] = {v: one(v) for v in distinct}
    known[""] = MISSING
    return [known[v] for v in values]
