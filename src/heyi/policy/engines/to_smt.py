"""The fifth reading: formulas of z3, which range over all requests and all days at once.

Each fact has a variable `known`, and variables for its value:

    bool           one bool
    enum           one bool for each value, of which exactly one is true
    set            one bool for each member
    int, date      one integer within its range

Certain and possible have the meaning of `normal_form`. The outcome is the table of
docs/spec/decision.md, line by line. `to_smtlib` shows what a condition becomes.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from heyi.model.decision import Effect
from heyi.model.fact import Value
from heyi.policy.engines.normal_form import (
    Either,
    Every,
    Literal,
    Normal,
    negated,
    normal,
    possible,
)
from heyi.policy.engines.solver import z3
from heyi.policy.language import ir
from heyi.policy.language.schema import FactSpec, FactType, Schema

Bool = Any
"""A formula of z3, which has no type annotations."""
Model = Any


@dataclass(slots=True)
class SymbolicFacts:
    """The variables of one request. Two requests may share values and differ in what is known.

    `axioms` say that values are within their types. They grow while formulas are made.
    """

    schema: Schema
    known_prefix: str = ""
    axioms: list[Bool] = field(default_factory=list)
    _known: dict[str, Bool] = field(default_factory=dict)
    _values: dict[tuple[str, str], Any] = field(default_factory=dict)

    def known(self, name: str) -> Bool:
        if name not in self._known:
            self._known[name] = z3.Bool(f"{self.known_prefix}known {name}")
        return self._known[name]

    def number(self, name: str) -> Any:
        if (name, "") not in self._values:
            spec = self.schema.facts[name]
            variable = z3.Int(name)
            low, high = spec.bounds
            self.axioms.append(z3.And(variable >= low, variable <= high))
            self._values[name, ""] = variable
        return self._values[name, ""]

    def bit(self, name: str, member: str = "") -> Bool:
        """The variable of a bool, of one value of an enum, or of one member of a set."""
        if (name, member) not in self._values:
            spec = self.schema.facts[name]
            if spec.type is FactType.BOOL:
                self._values[name, ""] = z3.Bool(name)
            else:
                bits = {v: z3.Bool(f"{name} {v}") for v in spec.values}
                self._values |= {(name, v): bit for v, bit in bits.items()}
                if spec.type is FactType.ENUM:
                    # also of an unknown enum, whose value no certain literal reads
                    self.axioms.append(z3.PbEq([(bit, 1) for bit in bits.values()], 1))
        return self._values[name, member]

    # --- truth ------------------------------------------------------------------------------------

    def certain(self, form: Normal) -> Bool:
        """The form is known to hold."""
        match form:
            case Every(of):
                return z3.And([self.certain(part) for part in of])
            case Either(of):
                return z3.Or([self.certain(part) for part in of])
            case Literal(atom, holds):
                known = [self.known(name) for name in dict.fromkeys(ir.facts_read(atom))]
                value = self.holds(atom)
                return z3.And(*known, value if holds else z3.Not(value))

    def possible(self, form: Normal) -> Bool:
        """The form is not known to fail."""
        return z3.Not(self.certain(negated(form)))

    def true(self, condition: ir.Condition) -> Bool:
        return self.certain(normal(condition))

    def not_false(self, condition: ir.Condition) -> Bool:
        return z3.Not(self.certain(normal(condition, False)))

    def holds(self, atom: ir.Fact | ir.Compare | ir.Member | ir.SetTest) -> Bool:
        """The atom as a formula over values, whether or not they are known."""
        match atom:
            case ir.Fact(name):
                return self.bit(name)
            case ir.Member(fact, values):
                if self.schema.facts[fact.name].type is FactType.ENUM:
                    return z3.Or([self.bit(fact.name, str(v)) for v in values])
                return z3.Or([self.number(fact.name) == int(v) for v in values])
            case ir.SetTest(op, fact, values):
                members = self.schema.facts[fact.name].values
                if op == "subset":
                    return z3.Not(
                        z3.Or([self.bit(fact.name, v) for v in members if v not in values])
                    )
                return z3.Or([self.bit(fact.name, v) for v in members if v in values])
            case ir.Compare(op, ir.Fact(left), ir.FixedValue(value)):
                return _compare(op, self.number(left), int(value))
            case ir.Compare(op, ir.Fact(left), ir.Fact(right)):
                spec = self.schema.facts[left]
                if spec.type in (FactType.INT, FactType.DATE):
                    return _compare(op, self.number(left), self.number(right))
                # bools and enums: equal when all their variables are
                same = z3.And(
                    [self.bit(left, m) == self.bit(right, m) for m in spec.values or ("",)]
                )
                return same if op == "==" else z3.Not(same)
        raise AssertionError(atom)

    # --- requests ---------------------------------------------------------------------------------

    def all_known(self) -> Bool:
        """Every fact that a formula has read so far is known."""
        return z3.And(list(self._known.values()))

    def given(self, known: Mapping[str, Value]) -> list[Bool]:
        """These facts are known, and have these values."""
        found = []
        for name, value in known.items():
            spec = self.schema.facts[name]
            found += [self.known(name), self.has(spec, value)]
        return found

    def has(self, spec: FactSpec, value: Value) -> Bool:
        match spec.type:
            case FactType.BOOL:
                return self.bit(spec.id) == z3.BoolVal(bool(value))
            case FactType.ENUM:
                return self.bit(spec.id, str(value))
            case FactType.SET:
                assert isinstance(value, frozenset)
                return z3.And([self.bit(spec.id, v) == z3.BoolVal(v in value) for v in spec.values])
            case _:
                number = value.toordinal() if isinstance(value, dt.date) else value
                return self.number(spec.id) == number

    def request(self, model: Model) -> dict[str, Value]:
        """The facts that are known in a model, with their values."""
        return {
            name: self.value(self.schema.facts[name], model)
            for name in self.schema.facts
            if name in self._known
            and z3.is_true(model.eval(self._known[name], model_completion=True))
        }

    def value(self, spec: FactSpec, model: Model) -> Value:
        """The value of a fact in a model, always one of its type."""

        def true(member: str = "") -> bool:
            return bool(z3.is_true(model.eval(self.bit(spec.id, member), model_completion=True)))

        match spec.type:
            case FactType.BOOL:
                return true()
            case FactType.ENUM:
                return next((v for v in spec.values if true(v)), next(iter(spec.values)))
            case FactType.SET:
                return frozenset(v for v in spec.values if true(v))
        number = model.eval(self.number(spec.id), model_completion=True).as_long()
        # the solver completes a variable that nothing constrains with any number
        low, high = spec.bounds
        number = min(max(number, low), high)
        return number if spec.type is FactType.INT else dt.date.fromordinal(number)


def learning(schema: Schema) -> tuple[SymbolicFacts, SymbolicFacts, Bool]:
    """Two requests with equal values, and the formula: what the first knows, the second knows."""
    before = SymbolicFacts(schema, known_prefix="before ")
    # INVARIANT: both share the dictionary of values and the list of axioms, not copies of them.
    after = SymbolicFacts(
        schema, known_prefix="after ", axioms=before.axioms, _values=before._values
    )
    names = [n for n, s in schema.facts.items() if s.slot is not None]
    return before, after, z3.And([z3.Implies(before.known(n), after.known(n)) for n in names])


def _compare(op: str, a: Any, b: Any) -> Bool:
    match op:
        case "==":
            return a == b
        case "!=":
            return a != b
        case "<":
            return a < b
        case "<=":
            return a <= b
        case ">":
            return a > b
        case _:
            return a >= b


class SymbolicReading:
    """The reading of one request: formulas for each rule, each track and each severity."""

    def __init__(self, book: ir.Rulebook, facts: SymbolicFacts) -> None:
        self.book = book
        self.facts = facts
        self.fired = {r.id: facts.true(r.applies) for r in book.rules}
        self.may = {r.id: facts.not_false(r.applies) for r in book.rules}
        self.met = {r.id: facts.true(r.needs) for r in book.rules if r.effect is Effect.REQUIRE}
        self.opened = {t.id: facts.not_false(t.opens) for t in book.tracks}
        self._levels: dict[int, list[Bool]] = {level: [] for level in range(1, 5)}
        self.lacks: dict[tuple[str, str], Bool] = {}
        for jurisdiction in book.jurisdictions:
            self._fold(jurisdiction)

    def approval(self, rule: ir.Rule, value: str) -> Bool:
        return self.facts.true(ir.Member(ir.Fact(rule.approval), (value,)))

    def at_least(self, severity: int) -> Bool:
        """The answer has that severity or more, an index of `to_python.ANSWERS`.

        From 2 on it is no permit, from 3 on a denial, and 4 is a denial beyond cure.
        """
        return z3.Or(
            [line for level, lines in self._levels.items() if level >= severity for line in lines]
        )

    def permit(self) -> Bool:
        return z3.Not(self.at_least(2))

    def _fold(self, jurisdiction: str) -> None:
        """Add the lines of the outcome table for one jurisdiction; the most severe of all wins."""
        own = [r for r in self.book.rules if r.article.jurisdiction == jurisdiction]
        for rule in own:
            may, fired = self.may[rule.id], self.fired[rule.id]
            match rule.effect:
                case Effect.FORBID:
                    self._levels[4].append(fired)
                    self._levels[3].append(may)
                case Effect.REQUIRE:
                    self._levels[3].append(z3.And(may, z3.Not(self.met[rule.id])))
                case Effect.REVIEW:
                    self._levels[4].append(z3.And(may, self.approval(rule, "refused")))
                    self._levels[2].append(z3.And(may, z3.Not(self.approval(rule, "given"))))
                case Effect.OBLIGE if not rule.baseline:
                    self._levels[1].append(may)
        for track in self.book.tracks:
            self._track(track, jurisdiction, [r for r in own if r.track == track.id])

    def _track(self, track: ir.Track, jurisdiction: str, own: list[ir.Rule]) -> None:
        changeable = {n for n, s in self.book.schema.facts.items() if s.changed_by}
        grounds: list[Bool] = []
        pending: list[Bool] = []
        hopes: list[Bool] = []
        for rule in own:
            fired = self.fired[rule.id]
            # could the rule come to apply once every changeable fact is open?
            hope = self.facts.possible(possible(normal(rule.applies), changeable))
            if rule.effect is Effect.GROUND:
                grounds.append(fired)
                hopes.append(hope)
            else:  # a review that may ground: only with an approval, and never after a refusal
                open_still = z3.Not(self.approval(rule, "refused"))
                grounds.append(z3.And(fired, self.approval(rule, "given")))
                pending.append(z3.And(fired, open_still))
                hopes.append(z3.And(hope, open_still))
        lacks = z3.And(self.opened[track.id], z3.Not(z3.Or(grounds)))
        self.lacks[jurisdiction, track.id] = lacks
        waits, hope = z3.Or(pending), z3.Or(hopes)
        self._levels[2].append(z3.And(lacks, waits))
        self._levels[3].append(z3.And(lacks, z3.Not(waits), hope))
        self._levels[4].append(z3.And(lacks, z3.Not(waits), z3.Not(hope)))


class Question:
    """A solver for many questions about the same requests; it answers a model, or None as proof."""

    def __init__(self, *facts: SymbolicFacts) -> None:
        self._facts = facts
        self._solver = z3.Solver()
        self._axioms = 0
        self._catch_up()

    def _catch_up(self) -> None:
        """Assert the axioms of facts that formulas have read since the last question."""
        # INVARIANT: several requests share one list (`learning`), so new axioms are at its end.
        axioms = [a for f in self._facts for a in f.axioms]
        for axiom in axioms[self._axioms :]:
            self._solver.add(axiom)
        self._axioms = len(axioms)

    def always(self, *formulas: Bool) -> None:
        """Assume these formulas in every later question."""
        self._solver.add(*formulas)

    def can(self, *formulas: Bool) -> Model | None:
        """A model in which all of them hold, or None when there is none.

        Raises:
            TimeoutError: the solver gave up; nothing has been shown.
        """
        self._catch_up()  # before `push`, or the axioms would be forgotten with the question
        self._solver.push()
        try:
            self._solver.add(*formulas)
            result = self._solver.check()
            if result == z3.unknown:
                raise TimeoutError(self._solver.reason_unknown())
            return self._solver.model() if result == z3.sat else None
        finally:
            self._solver.pop()


def to_smtlib(schema: Schema, condition: ir.Condition) -> str:
    """SMT-LIB 2 that declares the facts of a condition and asserts that it is known to hold.

    (declare-fun a () Bool)
    (declare-fun |known a| () Bool)
    (assert (and |known a| a))
    (check-sat)
    """
    facts, solver = SymbolicFacts(schema), z3.Solver()
    solver.add(facts.true(condition))
    solver.add(*facts.axioms)
    return str(solver.to_smt2())
