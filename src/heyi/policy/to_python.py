"""The second reading: Python generated from the IR, all rules as bits of integers.

Each rule is two questions of ordinary logic (`normal`): is it possible, and if so, is it certain. Most rules are not
possible, so most cost one test. Values come in the order of `words.Packer`: an unknown number is NaN, which no
comparison holds of, an unknown bool is neither True nor False, and another unknown fact is None. The fold works on
masks alone and shares no line with the interpreter's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from heyi.model.decision import Effect, Outcome
from heyi.policy import ir
from heyi.policy.facts import FactType, Schema
from heyi.policy.interpret import Reading
from heyi.policy.normal import Either, Every, Literal, Normal, contrary, normal, possible
from heyi.policy.words import Packer

Masks = tuple[int, int, int, int, int, int]
"""fired, undetermined, met, tracks, reviews given, reviews refused."""


class _Writer:
    """Writes expressions over the values of facts."""

    def __init__(self, schema: Schema, names: tuple[str, ...]) -> None:
        self.schema = schema
        self.names = {name: f"v{i}" for i, name in enumerate(names)}

    def value(self, name: str) -> str:
        return self.names[name]

    def certain(self, form: Normal) -> str:
        """An expression that is true when the form is known to hold."""
        match form:
            case Literal():
                return self.literal(form)
            case Every(()) | Either(()):
                return str(isinstance(form, Every))
            case Every(of) | Either(of):
                return "(" + (" and " if isinstance(form, Every) else " or ").join(map(self.certain, of)) + ")"

    def possible(self, form: Normal) -> str:
        """An expression that is true when the form is not known to fail."""
        match form:
            case Literal(ir.Fact(name), holds):
                return f"{self.value(name)} is not {not holds}"
            case Literal(ir.Member(fact, values), True) if self.schema.facts[fact.name].type is FactType.ENUM:
                return f"{self.value(fact.name)} in {_members({*values, None})}"
            case Literal():
                return f"not {self.literal(contrary(form))}"
            case Every(()) | Either(()):
                return str(isinstance(form, Every))
            case Every(of) | Either(of):
                return "(" + (" and " if isinstance(form, Every) else " or ").join(map(self.possible, of)) + ")"

    def literal(self, literal: Literal) -> str:
        match literal.atom:
            case ir.Fact(name):
                return f"({self.value(name)} is {literal.holds})"
            case ir.Compare(op, left, ir.Literal(value)):
                v = self.value(_name(left))
                return f"({v} < {value} or {v} > {value})" if op == "!=" else f"({v} {op} {value})"
            case ir.Compare(op, left, right):
                return self.between(op, _name(left), _name(right))
            case ir.Member(fact, values):
                v = self.value(fact.name)
                if literal.holds:
                    return f"({v} in {_members(values)})"
                known = f"{v} == {v}" if self.schema.facts[fact.name].type is FactType.INT else f"{v} is not None"
                return f"({known} and {v} not in {_members(values)})"
            case ir.SetTest(op, fact, values):
                v, members = self.value(fact.name), _members(values)
                test = f"{v} <= {members}" if op == "subset" else f"not {v}.isdisjoint({members})"
                return f"({v} is not None and {test if literal.holds else f'not ({test})'})"

    def between(self, op: str, left: str, right: str) -> str:
        a, b = self.value(left), self.value(right)
        if self.schema.facts[left].type in (FactType.INT, FactType.DATE):
            return f"({a} < {b} or {a} > {b})" if op == "!=" else f"({a} {op} {b})"
        return f"({a} is not None and {b} is not None and {a} {op} {b})"


def _name(term: ir.Fact | ir.Literal) -> str:
    assert isinstance(term, ir.Fact)
    return term.name


def _members(values: object) -> str:
    """A set literal, which Python keeps as a constant; its order does not depend on hashes."""
    assert isinstance(values, (set, frozenset, tuple))
    inside = ", ".join(sorted(repr(v) for v in values))
    if isinstance(values, frozenset):
        return f"frozenset(({inside},))" if inside else "frozenset()"
    return f"{{{inside}}}" if inside else "()"


def generate(book: ir.Rulebook) -> str:
    """Source of `masks(values)` and `could(values)`; values come in the order of `values_of` the rulebook.

    `could` gives the grounds, and reviews that may ground, that could come to apply by facts that somebody may change.
    """
    w = _Writer(book.schema, values_of(book).names)
    body = list(_masks(book, w))
    changeable = {n for n, s in book.schema.facts.items() if s.changed_by}
    hope = []
    for i, rule in enumerate(book.rules):
        if rule.track:
            form = possible(normal(rule.applies), changeable)
            hope.append(f"    if {w.possible(form)}: c |= {1 << i}\n")
    unpacked = f"    {''.join(f'{v}, ' for v in w.names.values())}= values\n"
    return (
        f"def masks(values):\n{unpacked}"
        "    f = u = m = t = g = r = 0\n"
        + "".join(f"    {line}\n" for line in body)
        + f"    return f, u, m, t, g, r\n\n\ndef could(values):\n{unpacked}    c = 0\n"
        + "".join(hope)
        + "    return c\n"
    )


def values_of(book: ir.Rulebook) -> Packer:
    """The order in which the engines take the values of the facts that a rulebook reads."""
    return Packer(book.schema, frozenset(ir.facts_of(book)))


def _masks(book: ir.Rulebook, w: _Writer) -> Iterator[str]:
    for i, rule in enumerate(book.rules):
        yield from _weigh(w, rule.applies, f"f |= {1 << i}", f"u |= {1 << i}")
        if rule.effect is Effect.REQUIRE:
            yield f"if {w.certain(normal(rule.needs))}: m |= {1 << i}"
        if rule.effect is Effect.REVIEW:
            v = w.value(rule.approval)
            yield f"if {v} == 'given': g |= {1 << i}"
            yield f"elif {v} == 'refused': r |= {1 << i}"
    for i, track in enumerate(book.tracks):
        yield from _weigh(w, track.opens, f"t |= {1 << 2 * i}", f"t |= {1 << 2 * i + 1}")


def _weigh(w: _Writer, condition: ir.Condition, certain: str, undetermined: str) -> list[str]:
    form = normal(condition)
    return [f"if {w.possible(form)}:", f"    if {w.certain(form)}: {certain}", f"    else: {undetermined}"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fold:
    """Masks over the rules of one jurisdiction; `grounds` holds one pair a track: grounds, reviews that may ground."""

    forbid: int
    require: int
    review: int
    oblige: int
    grounds: tuple[tuple[int, int], ...]


def folds(book: ir.Rulebook) -> tuple[Fold, ...]:
    """The masks by which the answers of rules become an outcome, one set for each jurisdiction."""

    def mask(jurisdiction: str, effect: Effect, track: str | None = None) -> int:
        return sum(
            1 << i
            for i, r in enumerate(book.rules)
            if r.article.jurisdiction == jurisdiction
            and r.effect is effect
            and (track is None or r.track == track)
            and not (effect is Effect.OBLIGE and r.baseline)
        )

    return tuple(
        Fold(
            forbid=mask(j, Effect.FORBID),
            require=mask(j, Effect.REQUIRE),
            review=mask(j, Effect.REVIEW),
            oblige=mask(j, Effect.OBLIGE),
            grounds=tuple((mask(j, Effect.GROUND, t.id), mask(j, Effect.REVIEW, t.id)) for t in book.tracks),
        )
        for j in book.jurisdictions
    )


class PythonEngine:
    """The generated functions with the masks of their rulebook; `source` may be that of a build."""

    def __init__(self, book: ir.Rulebook, source: str | None = None) -> None:
        space: dict[str, Any] = {}
        exec(compile(source or generate(book), f"<rulebook {book.digest[7:19]}>", "exec"), space)
        self._masks: Callable[[tuple[Any, ...]], Masks] = space["masks"]
        self._could: Callable[[tuple[Any, ...]], int] = space["could"]
        self.values = values_of(book).values
        self._folds = folds(book)

    def read(self, known: ir.Known) -> Reading:
        """Judge the facts by the whole rulebook."""
        fired, undetermined, met, tracks, severity = self.read_masks(self.values(known))
        outcome, curable = ANSWERS[severity]
        return Reading(fired, undetermined, met, tracks, outcome, curable)

    def read_masks(self, values: tuple[Any, ...]) -> tuple[int, int, int, int, int]:
        """Of the values that `values` gives: fired, undetermined, met, tracks, and the severity of the answer (an index
        of `ANSWERS`)."""
        fired, undetermined, met, tracks, given, refused = self._masks(values)
        may = fired | undetermined
        worst = 0
        for j in self._folds:
            severity = 1 if may & j.oblige else 0
            if may & j.review & ~given:
                severity = 2
            if may & j.require & ~met or may & j.forbid:
                severity = 3
            for t, (grounds, reviews) in enumerate(j.grounds):
                if not tracks >> 2 * t & 3 or fired & (grounds | reviews & given):
                    continue
                if fired & reviews & ~refused:
                    severity = max(severity, 2)
                elif self._could(values) & (grounds | reviews & ~refused):
                    severity = 3
                else:
                    severity = 4
                    break
            if fired & j.forbid or may & j.review & refused:
                severity = 4
            worst = max(worst, severity)
        return fired, undetermined, met, tracks, worst


ANSWERS = (
    (Outcome.PERMIT, False),
    (Outcome.PERMIT_WITH_OBLIGATIONS, False),
    (Outcome.NEEDS_APPROVAL, False),
    (Outcome.DENY, True),
    (Outcome.DENY, False),
)
"""Outcome and curability by severity, mildest first."""
