"""Negation normal form: conditions with every negation pushed down to the atoms.

    !(a && n >= 3)    becomes    Either((Literal(a, holds=False), Literal(n < 3, holds=True)))

In this form Kleene's three-valued logic is two questions of ordinary logic. A condition is
*certain* (T) when it is true with each literal read as "known to hold". It is *possible* (not F)
when it is true with each literal read as "not known to fail". It is U when it is possible but not
certain. A condition is possible exactly when its negation is not certain, so an engine needs to
compile `certain` alone.

The generated engines are made from this form. The interpreter is their oracle and does not use it.
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
    """An atom or, where `holds` is false, its negation.

    INVARIANT: a comparison with a fixed value has the fact on its left, which is a number or a day.
    A bool or an enum compared with a fixed value is written as `ir.Fact` or `ir.Member`. Thus equal
    questions are equal literals.
    """

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
    """The simplest literal: `b == false` becomes `!b`, `kind == "x"` becomes `kind in ["x"]`."""
    assert isinstance(left, ir.Fact)
    if isinstance(right, ir.FixedValue) and isinstance(right.value, bool):
        return Literal(left, right.value is (op == "=="))
    if isinstance(right, ir.FixedValue) and isinstance(right.value, str):
        return Literal(ir.Member(left, (right.value,)), op == "==")
    return Literal(ir.Compare(op, left, right), True)


def possible(form: Normal, open_facts: Container[str]) -> Normal:
    """The form that is possible when the given form is possible with `open_facts` made unknown.

    A literal that reads an open fact is never known to fail, so it becomes true. With `a` open:

        a && b    becomes    b            a || b    becomes    ALWAYS

    Source: docs/spec/decision.md, a ground that could still come true.
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
    """Forms that can hold only where `guard` holds. The guard has been removed from each of them.

    `forms` are by the number of their rule. `groups` share one more guard each.
    """

    guard: Normal
    forms: Mapping[int, Normal]
    groups: tuple[Guarded, ...] = ()


LEAST = 4
"""A conjunct becomes a guard when at least this many forms share it."""


def guarded(forms: Mapping[int, Normal], guard: Normal = ALWAYS, *, days: bool = False) -> Guarded:
    """Forms grouped by a shared conjunct, the most common first: one failed test skips the group.

        {0: a && b, 1: a && c, 2: a, 3: a && !b, 4: d}
        becomes    Guarded(ALWAYS, {4: d}, (Guarded(a, {0: b, 1: c, 2: ALWAYS, 3: !b}),))

    With `days` a comparison of the legal day may be a guard too. It rules out few requests, but
    then the generated code holds it once for each group, not once for each rule.
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
    """The conjunction (or disjunction) of parts: flattened, without repetitions and constants."""
    same, absorbing = (Every, NEVER) if every else (Either, ALWAYS)
    flat: list[Normal] = []
    for part in parts:
        if part == absorbing:
            return absorbing
        # the neutral element is `same(())`, so it adds nothing here
        flat += part.of if isinstance(part, same) else [part]
    # The legal day comes last: nearly every test of it holds, so any other part decides sooner.
    # The sort is stable, so generated code does not depend on anything but the condition.
    flat = sorted(dict.fromkeys(flat), key=_reads_day)
    return flat[0] if len(flat) == 1 else same(tuple(flat))
