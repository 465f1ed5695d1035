"""The second reading: Python generated from the IR, all rules as bits of integers.

Each rule is two questions of ordinary logic (`normal_form`): is it possible, and if so, is it
certain? Most rules are not possible, so most cost one test. For a rule 5 whose condition is
`data.personal && n < 4`, this is generated:

    if v3 is not False and not (v7 >= 4):
        if (v3 is True) and (v7 < 4): f |= 32
        else: u |= 32

Values come in the order of `packed.Packer`. An unknown number is NaN, so that no comparison with it
holds; an unknown bool is neither True nor False; any other unknown fact is None. The fold works on
masks alone and shares no line with the interpreter's fold.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from heyi.model.decision import Effect, Outcome
from heyi.policy.engines.interpret import Reading
from heyi.policy.engines.normal_form import (
    Either,
    Every,
    Guarded,
    Literal,
    Normal,
    contrary,
    guarded,
    normal,
    possible,
)
from heyi.policy.engines.packed import Packer
from heyi.policy.language import ir
from heyi.policy.language.schema import FactType, Schema

Masks = tuple[int, int, int, int, int]
"""fired, undetermined, met, tracks, and the severity of the answer (an index of `ANSWERS`)."""


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
                return (
                    "("
                    + (" and " if isinstance(form, Every) else " or ").join(map(self.certain, of))
                    + ")"
                )

    def possible(self, form: Normal) -> str:
        """An expression that is true when the form is not known to fail."""
        match form:
            case Literal(ir.Fact(name), holds):
                return f"{self.value(name)} is not {not holds}"
            case Literal(ir.Member(fact, values), True) if (
                self.schema.facts[fact.name].type is FactType.ENUM
            ):
                return f"{self.value(fact.name)} in {_members({*values, None})}"
            case Literal():
                return f"not {self.literal(contrary(form))}"
            case Every(()) | Either(()):
                return str(isinstance(form, Every))
            case Every(of) | Either(of):
                return (
                    "("
                    + (" and " if isinstance(form, Every) else " or ").join(map(self.possible, of))
                    + ")"
                )

    def literal(self, literal: Literal) -> str:
        match literal.atom:
            case ir.Fact(name):
                return f"({self.value(name)} is {literal.holds})"
            case ir.Compare(op, left, ir.FixedValue(value)):
                v, n = self.value(_name(left)), int(value)
                return f"({v} < {n} or {v} > {n})" if op == "!=" else f"({v} {op} {n})"
            case ir.Compare(op, left, right):
                return self.between(op, _name(left), _name(right))
            case ir.Member(fact, values):
                v = self.value(fact.name)
                if literal.holds:
                    return f"({v} in {_members(values)})"
                known = (
                    f"{v} == {v}"
                    if self.schema.facts[fact.name].type is FactType.INT
                    else f"{v} is not None"
                )
                return f"({known} and {v} not in {_members(values)})"
            case ir.SetTest(op, fact, values):
                v, members = self.value(fact.name), _members(values)
                test = f"{v} <= {members}" if op == "subset" else f"not {v}.isdisjoint({members})"
                return f"({v} is not None and {test if literal.holds else f'not ({test})'})"

    def between(self, op: str, left: str, right: str) -> str:
        a, b = self.value(left), self.value(right)
        if self.schema.facts[left].type in (FactType.INT, FactType.DATE):
            return f"({a} < {b} or {a} > {b})" if op == "!=" else f"({a} {op} {b})"
        unknown = "2" if self.schema.facts[left].type is FactType.BOOL else "None"
        return f"({a} != {unknown} and {b} != {unknown} and {a} {op} {b})"


def _name(term: ir.Fact | ir.FixedValue) -> str:
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
    """Source of the functions `masks(values)` and `could(values)`.

    Values come in the order of `values_of` the rulebook. `masks` gives fired, undetermined, met,
    tracks and the severity of the answer, an index of `ANSWERS`. `could` gives the grounds, and the
    reviews that may ground, which could still apply after somebody changed facts lawfully.
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
        + "".join(f"    {line}\n" for line in _fold(book))
        + f"    return f, u, m, t, worst\n\n\ndef could(values):\n{unpacked}    c = 0\n"
        + "".join(hope)
        + "    return c\n"
    )


def values_of(book: ir.Rulebook) -> Packer:
    """The order in which the engines take the values of the facts that a rulebook reads."""
    return Packer(book.schema, frozenset(ir.facts_of(book)))


def _masks(book: ir.Rulebook, w: _Writer) -> Iterator[str]:
    yield from _rules(w, guarded({i: normal(r.applies) for i, r in enumerate(book.rules)}))
    for i, rule in enumerate(book.rules):
        if rule.effect is Effect.REQUIRE:
            yield f"if {w.certain(normal(rule.needs))}: m |= {1 << i}"
        if rule.effect is Effect.REVIEW:
            v = w.value(rule.approval)
            yield f"if {v} == 'given': g |= {1 << i}"
            yield f"elif {v} == 'refused': r |= {1 << i}"
    for i, track in enumerate(book.tracks):
        form = normal(track.opens)
        yield f"if {w.possible(form)}:"
        yield f"    t |= {1 << 2 * i} if {w.certain(form)} else {1 << 2 * i + 1}"


def _rules(w: _Writer, group: Guarded, above: tuple[Normal, ...] = ()) -> Iterator[str]:
    """Rules by groups: is the guard possible, is the rule, and are all of them certain?"""
    for i, form in group.forms.items():
        yield f"if {w.possible(form)}:"
        yield f"    if {w.certain(Every((form, *above)))}: f |= {1 << i}"
        yield f"    else: u |= {1 << i}"
    for inner in group.groups:
        yield f"if {w.possible(inner.guard)}:"
        for line in _rules(w, inner, (*above, inner.guard)):
            yield f"    {line}"


def _fold(book: ir.Rulebook) -> Iterator[str]:
    """The outcome table of docs/spec/decision.md on masks, jurisdiction by jurisdiction."""
    yield "may = f | u"
    yield "worst = 0"
    for fold in folds(book):
        yield f"s = 1 if may & {fold.oblige} else 0"
        yield f"if may & {fold.review} & ~g: s = 2"
        yield f"if may & {fold.require} & ~m or may & {fold.forbid}: s = 3"
        for t, (grounds, reviews) in enumerate(fold.grounds):
            yield f"if t & {3 << 2 * t} and not f & ({grounds} | {reviews} & g):"
            yield f"    if f & {reviews} & ~r: s = s if s > 2 else 2"
            yield f"    elif could(values) & ({grounds} | {reviews} & ~r): s = s if s > 3 else 3"
            yield "    else: s = 4"
        yield f"if f & {fold.forbid} or may & {fold.review} & r: s = 4"
        yield "if s > worst: worst = s"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fold:
    """Masks over the rules of one jurisdiction.

    `grounds` holds one pair for each track: its grounds, and the reviews that may ground it.
    """

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
            grounds=tuple(
                (mask(j, Effect.GROUND, t.id), mask(j, Effect.REVIEW, t.id)) for t in book.tracks
            ),
        )
        for j in book.jurisdictions
    )


class PythonEngine:
    """The generated functions of a rulebook.

    INVARIANT: the source is generated here, by whoever runs it, and never read from a file.
    """

    def __init__(self, book: ir.Rulebook) -> None:
        space: dict[str, Any] = {}
        exec(compile(generate(book), f"<rulebook {book.digest[7:19]}>", "exec"), space)
        self.read_masks: Callable[[tuple[Any, ...]], Masks] = space["masks"]
        self.values = values_of(book).values

    def read(self, known: ir.Known) -> Reading:
        """Judge the facts by the whole rulebook."""
        fired, undetermined, met, tracks, severity = self.read_masks(self.values(known))
        outcome, curable = ANSWERS[severity]
        return Reading(fired, undetermined, met, tracks, outcome, curable)


ANSWERS = (
    (Outcome.PERMIT, False),
    (Outcome.PERMIT_WITH_OBLIGATIONS, False),
    (Outcome.NEEDS_APPROVAL, False),
    (Outcome.DENY, True),
    (Outcome.DENY, False),
)
"""Outcome and curability by severity, mildest first."""
