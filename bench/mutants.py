"""A mutation run over a rulebook: do its worked cases notice when a rule says something else?

    python -m bench.mutants [--quick] [--rulebook FOLDER]        (make mutants)

A mutant is the rulebook with one rule changed in one place, for example `age < 14` to `age < 15`.
A worked case that fails on the mutant kills it. For each other mutant z3 looks for a request that
the mutant answers in another way; where there is none, the mutant is equivalent to the rulebook.
Exit code 1 where the cases kill too few of the mutants that are not equivalent.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from enum import Enum
from pathlib import Path
from random import Random
from typing import TypeVar

import z3
from rich.console import Console
from rich.table import Table

from heyi.model.fact import Source, Stated
from heyi.policy.cases import run_case
from heyi.policy.decide import DecisionPoint
from heyi.policy.engines.interpret import Ternary, evaluate
from heyi.policy.engines.to_smt import Bool, Question, SymbolicFacts
from heyi.policy.language import ir
from heyi.policy.language.check import compile_rulebook
from heyi.policy.language.schema import LEGAL_DAY, FactType, Schema, admit, to_ordinals
from heyi.sources.rulebook import read_rulebook

ROOT = Path(__file__).resolve().parents[1]
T = TypeVar("T")
SEED = 20260801
SAMPLE = 60
WANTED = 0.95


class Kind(Enum):
    """What is changed; a change in two directions, as of a number up or down, is two mutants."""

    RULE = "rule negated"
    NUMBER = "number moved by one"
    DAY = "day moved by one"
    CONNECTIVE = "&& and || swapped"
    LITERAL = "literal negated"
    EXCEPTION = "exception dropped"
    NEED = "need dropped"
    PART = "part or value left out"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """A changed rule: in its `part` (days, when, an exception, needs) `before` became `after`."""

    kind: Kind
    rule: ir.Rule
    part: str
    before: str
    after: str

    def of(self, book: ir.Rulebook) -> ir.Rulebook:
        """The rulebook with this rule in place of the original."""
        rules = {r.id: self.rule if r.id == self.rule.id else r for r in book.rules}
        return replace(book, rules=tuple(rules.values()), by_id=rules)


class Fate(Enum):
    KILLED = "killed"
    EQUIVALENT = "equivalent"
    SURVIVED = "survived"


# --- Mutants --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Change:
    """One change: the part before and after it, and the whole condition with the changed part."""

    kind: Kind
    before: ir.Condition
    after: ir.Condition
    whole: ir.Condition


def mutants(book: ir.Rulebook) -> Iterator[Mutant]:
    """All mutants, in the order of the rules; of mutants with equal conditions only the first."""
    for rule in book.rules:
        seen = {(rule.applies, rule.needs)}
        for part, change in _changes_of(book.schema, rule):
            made = (
                replace(rule, needs=change.whole)
                if part == "needs"
                else replace(rule, applies=change.whole)
            )
            if (made.applies, made.needs) not in seen:
                seen.add((made.applies, made.needs))
                before, after = (
                    written(book.schema, change.before),
                    written(book.schema, change.after),
                )
                yield Mutant(kind=change.kind, rule=made, part=part, before=before, after=after)


def _changes_of(schema: Schema, rule: ir.Rule) -> Iterator[tuple[str, _Change]]:
    """All changes of a rule, each with the name of the part where it is made."""
    # The compiler writes `applies` as days && condition && !exception && ..., in this order, with
    # one or two comparisons for the days.
    assert isinstance(rule.applies, ir.All)
    parts = rule.applies.of
    days, conditions = len(parts) - len(rule.excepts) - 1, len(parts) - len(rule.excepts)
    names = (*["days"] * days, "when", *(f"except {article}" for article in rule.excepts))
    yield "applies", _Change(Kind.RULE, rule.applies, ir.Not(rule.applies), ir.Not(rule.applies))
    for i, (name, part) in enumerate(zip(names, parts, strict=True)):
        for change in _changes(schema, part):
            yield name, replace(change, whole=ir.All((*parts[:i], change.whole, *parts[i + 1 :])))
    if rule.excepts:
        either = ir.Some(parts[days:])
        yield (
            "applies",
            _Change(Kind.CONNECTIVE, ir.All(parts[days:]), either, ir.All((*parts[:days], either))),
        )
    for i in range(conditions, len(parts)):
        yield (
            names[i],
            _Change(Kind.EXCEPTION, parts[i], ir.TRUE, ir.All((*parts[:i], *parts[i + 1 :]))),
        )
    if rule.needs == ir.TRUE:
        return
    needs = rule.needs.of if isinstance(rule.needs, ir.All) else (rule.needs,)
    for i, need in enumerate(needs):
        yield "needs", _Change(Kind.NEED, need, ir.TRUE, ir.All((*needs[:i], *needs[i + 1 :])))
    for change in _changes(schema, rule.needs):
        yield "needs", change


def _changes(schema: Schema, condition: ir.Condition) -> Iterator[_Change]:
    """Changes of single literals, numbers, days, connectives and parts inside a condition."""

    def local(kind: Kind, after: ir.Condition) -> _Change:
        return _Change(kind, condition, after, after)

    match condition:
        case ir.Not(of):
            for change in _changes(schema, of):
                yield replace(change, whole=ir.Not(change.whole))
        case ir.All(of) | ir.Some(of):
            same, other = (ir.All, ir.Some) if isinstance(condition, ir.All) else (ir.Some, ir.All)
            if len(of) > 1:
                yield local(Kind.CONNECTIVE, other(of))
                for rest in _without_one(of):
                    yield local(Kind.PART, same(rest))
            for i, part in enumerate(of):
                for change in _changes(schema, part):
                    yield replace(change, whole=same((*of[:i], change.whole, *of[i + 1 :])))
        case ir.Compare(op, left, right):
            yield local(Kind.LITERAL, ir.Not(condition))
            for a, b in [(a, right) for a in _moved(left)] + [(left, b) for b in _moved(right)]:
                kind = Kind.DAY if _of_days(schema, condition) else Kind.NUMBER
                yield local(kind, ir.Compare(op, a, b))
        case ir.Member(fact, values):
            yield local(Kind.LITERAL, ir.Not(condition))
            for i, value in enumerate(values):
                for moved in _moved(ir.FixedValue(value)):
                    yield local(
                        Kind.NUMBER, ir.Member(fact, (*values[:i], moved.value, *values[i + 1 :]))
                    )
            for others in _without_one(values):
                yield local(Kind.PART, ir.Member(fact, others))
        case ir.SetTest(op, fact, members):
            yield local(Kind.LITERAL, ir.Not(condition))
            for fewer in _without_one(tuple(sorted(members))):
                yield local(Kind.PART, ir.SetTest(op, fact, frozenset(fewer)))
        case _:
            yield local(Kind.LITERAL, ir.Not(condition))


def _of_days(schema: Schema, condition: ir.Condition) -> bool:
    """Whether a condition is about days, which conditions hold as ordinals."""
    return any(schema.facts[name].type is FactType.DATE for name in ir.facts_read(condition))


def _without_one(items: tuple[T, ...]) -> Iterator[tuple[T, ...]]:
    for i in range(len(items)):
        yield (*items[:i], *items[i + 1 :])


def _moved(term: ir.Fact | ir.FixedValue) -> tuple[ir.FixedValue, ...]:
    """A number or a day one higher and one lower; nothing for a fact, a truth value or a text."""
    if isinstance(term, ir.Fact) or isinstance(term.value, (bool, str)):
        return ()
    return ir.FixedValue(term.value + 1), ir.FixedValue(term.value - 1)


def written(schema: Schema, condition: ir.Condition) -> str:
    """The condition in the rule language."""

    def grouped(part: ir.Condition) -> str:
        text = written(schema, part)
        compound = isinstance(part, (ir.All, ir.Some)) and len(part.of) > 1
        return f"({text})" if compound else text

    match condition:
        case ir.Constant(value):
            return json.dumps(value)
        case ir.Fact(name):
            return name
        case ir.Not(of):
            return (
                f"!{grouped(of)}"
                if isinstance(of, (ir.Fact, ir.SetTest))
                else f"!({written(schema, of)})"
            )
        case ir.All(of):
            return " && ".join(map(grouped, of)) or "true"
        case ir.Some(of):
            return " || ".join(map(grouped, of)) or "false"
        case ir.Compare(op, left, right):
            dates = _of_days(schema, condition)
            return f"{_term(left, dates)} {op} {_term(right, dates)}"
        case ir.Member(fact, values):
            return f"{fact.name} in {json.dumps(list(values))}"
        case ir.SetTest(op, fact, members):
            return f"{op}({fact.name}, {json.dumps(sorted(members))})"


def _term(term: ir.Fact | ir.FixedValue, dates: bool) -> str:
    if isinstance(term, ir.Fact):
        return term.name
    return f'date("{dt.date.fromordinal(int(term.value))}")' if dates else json.dumps(term.value)


# --- Their fate -----------------------------------------------------------------------------------


class Judge:
    """Finds the fate of mutants of one rulebook; all its worked cases must pass."""

    def __init__(self, book: ir.Rulebook) -> None:
        self.book = book
        self.known = [_known(book.schema, case) for case in book.cases]
        self._settled = [
            {n: v for n, v in known.items() if not book.schema.facts[n].changed_by}
            for known in self.known
        ]
        self._before: dict[str, list[tuple[Ternary, ...]]] = {}

    def fate(self, mutant: Mutant) -> Fate:
        if self.kills(mutant):
            return Fate.KILLED
        return (
            Fate.EQUIVALENT
            if equivalent(self.book.schema, self.original(mutant), mutant.rule)
            else Fate.SURVIVED
        )

    def original(self, mutant: Mutant) -> ir.Rule:
        return self.book.by_id[mutant.rule.id]

    def kills(self, mutant: Mutant) -> list[str]:
        """The name of the first case that fails on the mutant; empty where none does."""
        # Running a case is slow. Only cases in which the changed rule has other truths can fail,
        # and those that expect something of the rule are the most likely, so they come first.
        original = self.original(mutant)
        before = self._before.setdefault(original.id, self._truths(original))
        pairs = zip(self.book.cases, before, self._truths(mutant.rule), strict=True)
        touched = sorted(
            (case for case, a, b in pairs if a != b), key=lambda c: original.id not in str(c.expect)
        )
        point = DecisionPoint(mutant.of(self.book)) if touched else None
        return next(([case.name] for case in touched if point and run_case(point, case).faults), [])

    def _truths(self, rule: ir.Rule) -> list[tuple[Ternary, ...]]:
        """For each case: whether the rule applies, is met, and could still apply as a ground.

        A decision asks nothing else of a rule.
        """
        return [
            (
                evaluate(rule.applies, known),
                evaluate(rule.needs, known),
                rule.track != "" and evaluate(rule.applies, fixed),
            )
            for known, fixed in zip(self.known, self._settled, strict=True)
        ]


def _known(schema: Schema, case: ir.WorkedCase) -> ir.Known:
    """The facts of a worked case, admitted as `run_case` admits them."""
    sources = {fact: Source[str(s).upper()] for fact, s in case.sources.items()}
    stated = {
        name: Stated(
            value=schema.spec(name).check(value), source=sources.get(name, Source.ATTESTED)
        )
        for name, value in case.given.items()
    }
    return to_ordinals(admit(schema, stated, day=case.at).known)


def equivalent(schema: Schema, one: ir.Rule, other: ir.Rule) -> bool:
    """Whether two rules agree on every request with a known legal day, other facts known or not.

    They agree when `applies` has the same truth, and also `needs` wherever the rule may apply.

    Raises:
        TimeoutError: the solver gave up.
    """
    facts = SymbolicFacts(schema)
    differ = []
    if one.applies != other.applies:
        differ.append(_differ(facts, one.applies, other.applies))
    if one.needs != other.needs:
        differ.append(z3.And(facts.not_false(one.applies), _differ(facts, one.needs, other.needs)))
    question = Question(facts)
    question.always(facts.known(LEGAL_DAY))
    return question.can(z3.Or(differ)) is None


def _differ(facts: SymbolicFacts, one: ir.Condition, other: ir.Condition) -> Bool:
    return z3.Or(
        facts.true(one) != facts.true(other), facts.not_false(one) != facts.not_false(other)
    )


# --- The run --------------------------------------------------------------------------------------

Fates = Sequence[tuple[Mutant, Fate]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """Counts of mutants of one kind; `share`: killed / (killed + survived)."""

    kind: str
    mutants: int
    equivalent: int
    killed: int
    survived: int

    @property
    def share(self) -> float:
        return self.killed / (self.killed + self.survived) if self.killed + self.survived else 1.0


def tally(fates: Fates) -> list[Row]:
    """A row for each kind, and one for all."""

    def row(name: str, found: list[Fate]) -> Row:
        counts = {fate.value: found.count(fate) for fate in Fate}
        return Row(kind=name, mutants=len(found), **counts)

    rows = [row(kind.value, [fate for m, fate in fates if m.kind is kind]) for kind in Kind]
    return [*rows, row("all", [fate for _, fate in fates])]


def show(console: Console, title: str, rows: Sequence[Row], fates: Fates) -> None:
    table = Table(title=title)
    table.add_column("")
    for heading in ("mutants", "equivalent", "killed", "survived", "percent"):
        table.add_column(heading, justify="right")
    for row in rows:
        counts = (row.mutants, row.equivalent, row.killed, row.survived)
        table.add_row(
            row.kind, *map(str, counts), f"{100 * row.share:.1f}", end_section=row is rows[-2]
        )
    console.print(table)
    for mutant, fate in fates:
        if fate is Fate.SURVIVED:
            console.print(_told(mutant), markup=False, soft_wrap=True)


def _told(mutant: Mutant) -> str:
    rule = mutant.rule
    where = f"{rule.article.file}:{rule.line}: {rule.id}, {mutant.part}: {mutant.kind.value}"
    if mutant.kind in (Kind.EXCEPTION, Kind.NEED):
        return f"{where}: {mutant.before}"
    return f"{where}: {mutant.before}  →  {mutant.after}"


def _survivor(mutant: Mutant) -> Mapping[str, object]:
    rule = mutant.rule
    what = {
        "part": mutant.part,
        "kind": mutant.kind.value,
        "before": mutant.before,
        "after": mutant.after,
    }
    return {"rule": rule.id, "file": rule.article.file, "line": rule.line, **what}


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help=f"only {SAMPLE} mutants, the same ones each time"
    )
    parser.add_argument(
        "--rulebook", type=Path, help="a folder of a consortium's own; without it the shipped one"
    )
    parser.add_argument(
        "--out",
        type=Path,
        default=ROOT / "build" / "bench" / "mutants.json",
        help="where figures go",
    )
    options = parser.parse_args(arguments)
    console = Console(highlight=False)
    book = compile_rulebook(read_rulebook(options.rulebook))
    point = DecisionPoint(book)
    if failing := [case.name for case in book.cases if run_case(point, case).faults]:
        console.print(
            f"cases fail without any mutation: {', '.join(failing)}", style="bold red", markup=False
        )
        return 1
    chosen = list(mutants(book))
    if options.quick and len(chosen) > SAMPLE:
        chosen = [chosen[i] for i in sorted(Random(SEED).sample(range(len(chosen)), SAMPLE))]
    judge = Judge(book)
    fates = [(mutant, judge.fate(mutant)) for mutant in chosen]
    rows = tally(fates)
    figures = {
        "rulebook": book.digest,
        "rules": len(book.rules),
        "cases": len(book.cases),
        "quick": options.quick,
        "rows": [{**asdict(row), "share": row.share} for row in rows],
        "survivors": [_survivor(mutant) for mutant, fate in fates if fate is Fate.SURVIVED],
    }
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(
        json.dumps(figures, ensure_ascii=False, indent=2) + "\n", encoding="utf-8"
    )
    show(
        console,
        f"Mutants of {len(book.rules)} rules, judged by {len(book.cases)} worked cases",
        rows,
        fates,
    )
    return 0 if rows[-1].share >= WANTED else 1


if __name__ == "__main__":
    sys.exit(main())
