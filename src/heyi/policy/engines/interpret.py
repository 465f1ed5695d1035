"""The interpreter: the oracle among the readings, written as the specification words it.

It evaluates the IR over unpacked facts and shares nothing else with the generated engines. It also
names the unknown facts that keep a condition undetermined.

Source: docs/spec/decision.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from enum import Enum
from typing import Any, NamedTuple

from heyi.model.decision import Effect, Outcome
from heyi.policy.language import ir

Ternary = bool | None


class Reading(NamedTuple):
    """The answer of one engine to some facts; two engines agree when their readings are equal.

    Bit i of `fired`, `undetermined` and `met` belongs to rule i of the rulebook: it applies, it is
    unknown whether it applies, its `needs` is true. `tracks` holds two bits for each track: it is
    known to be open, it is undetermined.
    """

    fired: int
    undetermined: int
    met: int
    tracks: int
    outcome: Outcome
    curable: bool


def evaluate(condition: ir.Condition, known: ir.Known) -> Ternary:
    """Kleene's strong three-valued logic; `None` is unknown."""
    return _EVALUATORS[type(condition)](condition, known)


def _constant(c: ir.Constant, _known: ir.Known) -> Ternary:
    return c.value


def _fact(c: ir.Fact, known: ir.Known) -> Ternary:
    held = known.get(c.name)
    return held if isinstance(held, bool) else None


def _not(c: ir.Not, known: ir.Known) -> Ternary:
    inner = evaluate(c.of, known)
    return None if inner is None else not inner


def _all(c: ir.All, known: ir.Known) -> Ternary:
    result: Ternary = True
    for part in c.of:
        inner = evaluate(part, known)
        if inner is False:
            return False
        if inner is None:
            result = None
    return result


def _some(c: ir.Some, known: ir.Known) -> Ternary:
    result: Ternary = False
    for part in c.of:
        inner = evaluate(part, known)
        if inner is True:
            return True
        if inner is None:
            result = None
    return result


def _comparison(c: ir.Compare, known: ir.Known) -> Ternary:
    a = c.left.value if isinstance(c.left, ir.FixedValue) else known.get(c.left.name)
    b = c.right.value if isinstance(c.right, ir.FixedValue) else known.get(c.right.name)
    return None if a is None or b is None else _compare(c.op, a, b)


def _member(c: ir.Member, known: ir.Known) -> Ternary:
    held = known.get(c.fact.name)
    return None if held is None else held in c.values


def _set_test(c: ir.SetTest, known: ir.Known) -> Ternary:
    held = known.get(c.fact.name)
    if not isinstance(held, frozenset):
        return None
    return held <= c.values if c.op == "subset" else bool(held & c.values)


# A table by type is faster than `match`, and a decision evaluates some three hundred conditions.
_EVALUATORS: dict[type, Callable[[Any, ir.Known], Ternary]] = {
    ir.Constant: _constant,
    ir.Fact: _fact,
    ir.Not: _not,
    ir.All: _all,
    ir.Some: _some,
    ir.Compare: _comparison,
    ir.Member: _member,
    ir.SetTest: _set_test,
}


def _compare(op: str, a: object, b: object) -> bool:
    if op == "==":
        return a == b
    if op == "!=":
        return a != b
    assert isinstance(a, int) and isinstance(b, int)
    match op:
        case "<":
            return a < b
        case "<=":
            return a <= b
        case ">":
            return a > b
        case _:
            return a >= b


def undetermining(condition: ir.Condition, known: ir.Known) -> Iterator[str]:
    """The unknown facts that keep a condition undetermined, with repetitions."""
    if evaluate(condition, known) is not None:
        return
    match condition:
        case ir.Not(of):
            yield from undetermining(of, known)
        case ir.All(of) | ir.Some(of):
            for part in of:
                yield from undetermining(part, known)
        case _:
            yield from (name for name in ir.facts_read(condition) if name not in known)


_STRICTNESS = {
    (Outcome.PERMIT, False): 0,
    (Outcome.PERMIT_WITH_OBLIGATIONS, False): 1,
    (Outcome.NEEDS_APPROVAL, False): 2,
    (Outcome.DENY, True): 3,
    (Outcome.DENY, False): 4,
}


def severity(outcome: Outcome, curable: bool) -> int:
    """0 for a permit, 4 for a denial beyond cure."""
    return _STRICTNESS[outcome, curable]


def read(book: ir.Rulebook, known: ir.Known) -> Reading:
    """Judge the facts by the whole rulebook."""
    applies = [evaluate(r.applies, known) for r in book.rules]
    met = [r.effect is Effect.REQUIRE and evaluate(r.needs, known) is True for r in book.rules]
    tracks = [evaluate(t.opens, known) for t in book.tracks]
    answers = [_fold(book, j, known, applies, met, tracks) for j in book.jurisdictions]
    outcome, curable = max(answers, key=_STRICTNESS.__getitem__)
    return Reading(
        fired=sum(1 << i for i, t in enumerate(applies) if t is True),
        undetermined=sum(1 << i for i, t in enumerate(applies) if t is None),
        met=sum(1 << i for i, t in enumerate(met) if t),
        tracks=sum((t is True) << 2 * i | (t is None) << 2 * i + 1 for i, t in enumerate(tracks)),
        outcome=outcome,
        curable=curable,
    )


class _Ground(Enum):
    """What one track of one jurisdiction has for a ground."""

    HELD = "held"
    PENDING = "pending"  # a review that may ground applies, and its authority has not answered
    LACKING = "lacking"  # none yet, but one could still come to apply
    HOPELESS = "hopeless"


def _ground(
    book: ir.Rulebook,
    track: ir.Track,
    rules: list[tuple[ir.Rule, Ternary, bool]],
    known: ir.Known,
) -> _Ground:
    own = [(r, t) for r, t, _ in rules if r.track == track.id]
    fired = [r for r, t in own if t is True]
    if any(r.effect is Effect.GROUND or _said(r, known) == "given" for r in fired):
        return _Ground.HELD
    if any(r.effect is Effect.REVIEW and _said(r, known) != "refused" for r in fired):
        return _Ground.PENDING
    if any(_said(r, known) != "refused" and could_apply(book, r, known) for r, _ in own):
        return _Ground.LACKING
    return _Ground.HOPELESS


def _said(rule: ir.Rule, known: ir.Known) -> object:
    """What the authority of a review said; None for other rules, since they have no authority."""
    return known.get(rule.approval)


def _fold(
    book: ir.Rulebook,
    jurisdiction: str,
    known: ir.Known,
    applies: list[Ternary],
    met: list[bool],
    tracks: list[Ternary],
) -> tuple[Outcome, bool]:
    """Outcome and curability for one jurisdiction.

    Source: docs/spec/decision.md, Outcome; the comments have its numbers.
    """
    rules = [
        (r, t, m)
        for r, t, m in zip(book.rules, applies, met, strict=True)
        if r.article.jurisdiction == jurisdiction
    ]
    may_apply = [(r, t, m) for r, t, m in rules if t is not False]

    def some(effect: Effect) -> list[tuple[ir.Rule, Ternary, bool]]:
        return [(r, t, m) for r, t, m in may_apply if r.effect is effect]

    # (1) a red line; (3) an authority refused; (4) a track without a ground that could still come
    # true: beyond cure
    red_line = any(t is True for _, t, _ in some(Effect.FORBID))
    refused = any(_said(r, known) == "refused" for r, _, _ in some(Effect.REVIEW))
    grounds = {
        _ground(book, track, rules, known)
        for track, opened in zip(book.tracks, tracks, strict=True)
        if opened is not False
    }
    if red_line or refused or _Ground.HOPELESS in grounds:
        return Outcome.DENY, False
    # (2) a red line that may apply; (4) no ground yet; (5) evidence that is needed and missing
    if some(Effect.FORBID) or _Ground.LACKING in grounds:
        return Outcome.DENY, True
    if any(not m for _, _, m in some(Effect.REQUIRE)):
        return Outcome.DENY, True
    # (4, 6) somebody has yet to approve
    waits = any(_said(r, known) != "given" for r, _, _ in some(Effect.REVIEW))
    if waits or _Ground.PENDING in grounds:
        return Outcome.NEEDS_APPROVAL, False
    # (7) duties that come with the use
    if any(not r.baseline for r, _, _ in some(Effect.OBLIGE)):
        return Outcome.PERMIT_WITH_OBLIGATIONS, False
    return Outcome.PERMIT, False


def could_apply(book: ir.Rulebook, rule: ir.Rule, known: ir.Known) -> bool:
    """Whether a rule could still apply, once facts are learned or lawfully changed."""
    facts = book.schema.facts
    fixed = {name: v for name, v in known.items() if name in facts and not facts[name].changed_by}
    return evaluate(rule.applies, fixed) is not False
