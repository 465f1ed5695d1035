"""The units of games in the words and numbers that readers know."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from heyi.model.decision import Text


@dataclass(frozen=True, slots=True, kw_only=True)
class _Measure:
    """A unit; its numbers are shown divided by `10**power`, `signed` ones with four decimals."""

    long: Text
    short: Text
    power: int = 0
    signed: bool = False


_PERSONS = Text(zh="人", en="persons")
_POINTS = Text(zh="分", en="points")
_PAIRS = Text(zh="对", en="pairs")
_MEASURES = {
    "persons": _Measure(long=_PERSONS, short=_PERSONS),
    "points": _Measure(
        long=Text(zh="分（按登记的权重）", en="points by the registered weights"), short=_POINTS
    ),
    "units": _Measure(
        long=Text(zh="分（按登记的效用表）", en="points of the registered table"), short=_POINTS
    ),
    "pairs": _Measure(
        long=Text(
            zh="排序正确的病例—对照对数净增", en="pairs of case and control ranked rightly, net"
        ),
        short=_PAIRS,
    ),
    "microinformation": _Measure(
        long=Text(zh="估计精度（方差的倒数）", en="precision of the estimate, 1/variance"),
        short=Text(zh="精度", en="precision"),
        power=6,
        signed=True,
    ),
    "piconats": _Measure(
        long=Text(zh="对数似然的改善，纳特", en="improvement of the log-likelihood, nats"),
        short=Text(zh="纳特", en="nats"),
        power=12,
        signed=True,
    ),
}
_SUPERSCRIPT = {6: "⁻⁶", 12: "⁻¹²"}


def known_unit(unit: str) -> bool:
    """Whether the unit is one of those here; a user's own utility program may have any unit."""
    return unit in _MEASURES


def shown(value: int | Fraction, unit: str) -> float:
    """An amount as a number of the unit that readers see."""
    return float(Fraction(value) / 10 ** _MEASURES[unit].power)


def measured(value: int | Fraction, unit: str) -> str:
    """An amount as text."""
    if _MEASURES[unit].signed:
        return f"{shown(value, unit):+,.4f}"
    return (
        f"{float(value):,.2f}"
        if isinstance(value, Fraction) and value.denominator > 1
        else f"{int(value):,}"
    )


def decimal(value: Fraction, unit: str) -> str:
    """An amount as text with decimals, whether it needs them or not."""
    return measured(value, unit) if _MEASURES[unit].signed else f"{float(value):,.2f}"


def exactly(value: str | Fraction, unit: str) -> str:
    """The exact value as text, with its power of ten."""
    power = _MEASURES[unit].power
    return f"{value} × 10{_SUPERSCRIPT[power]}" if power else str(value)


def unit_of(unit: str) -> Text:
    """A unit in words."""
    return _MEASURES[unit].long


def unit_short(unit: str) -> Text:
    """A unit in one word."""
    return _MEASURES[unit].short


def percent_range(millionths: Sequence[int]) -> str:
    """The interval of a part of all contributions, in percent; its ends are in millionths."""
    between = "–" if min(millionths) >= 0 else " … "
    return between.join(f"{end / 10_000:.1f}" for end in millionths) + " %"
