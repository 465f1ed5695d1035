"""Negation normal form: what makes Kleene's logic two questions of ordinary logic.

With every negation pushed down to the atoms, a condition is *certain* (T) when it is true with each literal read as
"known to hold", and *possible* (not F) when it is true with each literal read as "not known to fail"; it is U when
possible and not certain. Possible is the contrary of certain of the negation, so engines need to compile `certain`
alone. The generated engines are made from this form; the interpreter, their oracle, does not use it.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass

from heyi.policy.language import ir
from heyi.policy.language.schema import LEGAL_DAY

_OPPOSITE = {"==": "!=", "!=": "==", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}
_MIRROR = {"==": "==", "!=": "!=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}


@dataclass(frozen=True, slots=True)
class Literal:
    """An atom or, where `holds` is false, its negation. A comparison with one fact has the fact on its left, and
    stands only where no simpler atom says the same: between numbers or days, or between two facts."""

    atom: ir.Fact | ir.Compare | ir.Member | ir.SetTest
    holds: bool


@dataclass(frozen=True, slots=True)
class Every:
    """Conjunction, flattened; `Every(())` is true."""

    of: tuple[Normal, ...]


@dataclass(frozen=True, slots=True)
class Either:
    """Disjunction, flattened; `Either(())` is false."""

    of: tuple[Normal, ...]


Normal = Literal | Every | Either
ALWAYS = Every(())
NEVER = Either(())


def normal(condition: ir.Condition, wanted: bool = True) -> Normal:
    """The normal form of a condition, or of its negation where `wanted` is false."""
    match condition:
        case ir.Constant(value):
            return ALWAYS if value is wanted else NEVER
        case ir.Not(of):
            return normal(of, not wanted)
        case ir.All(of) | ir.Some(of):
            return _join(
                [normal(part, wanted) for part in of], isinstance(condition, ir.All) is wanted
            )
        case ir.Compare(op, left, right):
            if isinstance(left, ir.FixedValue):
                op, left, right = _MIRROR[op], right, left
            return _compared(op if wanted else _OPPOSITE[op], left, right)
        case _:
            return Literal(condition, wanted)


def _compared(op: str, left: ir.Fact | ir.FixedValue, right: ir.Fact | ir.FixedValue) -> Literal:
    """A comparison as the simplest literal that says the same: of a bool the fact, of an enum membership."""
    assert isinstance(left, ir.Fact)
    if isinstance(right, ir.FixedValue) and isinstance(right.value, bool):
        return Literal(left, right.value is (op == "=="))
    if isinstance(right, ir.FixedValue) and isinstance(right.value, str):
        return Literal(ir.Member(left, (right.value,)), op == "==")
    return Literal(ir.Compare(op, left, right), True)


def possible(form: Normal, open_facts: Container[str]) -> Normal:
    """What remains of the question whether a form could hold once the facts in `open_facts` have been made unknown.

    A literal that reads one of them is not known to fail, whatever it says (docs/spec/decision.md, a ground that could
    still come true).
    """
    match form:
        case Literal(atom):
            return ALWAYS if any(name in open_facts for name in ir.facts_read(atom)) else form
        case Every(of) | Either(of):
            return _join([possible(part, open_facts) for part in of], isinstance(form, Every))


def contrary(literal: Literal) -> Literal:
    """The literal that says the opposite."""
    match literal:
        case Literal(ir.Compare(op, left, right)):
            return Literal(ir.Compare(_OPPOSITE[op], left, right), True)
        case Literal(atom, holds):
            return Literal(atom, not holds)


def negated(form: Normal) -> Normal:
    """The normal form of the negation."""
    match form:
        case Literal():
            return contrary(form)
        case Every(of):
            return Either(tuple(negated(part) for part in of))
        case Either(of):
            return Every(tuple(negated(part) for part in of))


@dataclass(frozen=True, slots=True)
class Guarded:
    """Forms, by number, that can only hold where `guard` does; it has been taken out of them. Some stand in groups."""

    guard: Normal
    forms: Mapping[int, Normal]
    groups: tuple[Guarded, ...] = ()


LEAST = 4
"""A conjunct becomes a guard where so many forms share it."""


def guarded(forms: Mapping[int, Normal], guard: Normal = ALWAYS, *, days: bool = False) -> Guarded:
    """Forms in groups that share a conjunct, the most common first: one test passes over all that it rules out.

    With `days` the legal day guards as well: it rules out little, but then stands in the code once for a group.
    """
    left = dict(forms)
    groups: list[Guarded] = []
    while True:
        holders: dict[Literal, list[int]] = {}
        for i, form in left.items():
            for part in form.of if isinstance(form, Every) else (form,):
                if isinstance(part, Literal) and (days or not _reads_day(part)):
                    holders.setdefault(part, []).append(i)
        shared = max(holders, key=lambda part: len(holders[part]), default=None)
        if shared is None or len(holders[shared]) < LEAST:
            return Guarded(guard, left, tuple(groups))
        groups.append(
            guarded({i: _without(left.pop(i), shared) for i in holders[shared]}, shared, days=days)
        )


def _without(form: Normal, part: Normal) -> Normal:
    return _join([p for p in form.of if p != part], True) if isinstance(form, Every) else ALWAYS


def _reads_day(form: Normal) -> bool:
    return isinstance(form, Literal) and LEGAL_DAY in ir.facts_read(form.atom)


def _join(parts: list[Normal], every: bool) -> Normal:
    same, none = (Every, NEVER) if every else (Either, ALWAYS)
    flat: list[Normal] = []
    for part in parts:
        if part == none:
            return none
        flat += part.of if isinstance(part, same) else [part]
    # tests of the legal day last: nearly all of them hold, so that another part decides sooner
    flat = sorted(dict.fromkeys(flat), key=_reads_day)
    return flat[0] if len(flat) == 1 else same(tuple(flat))
