"""Conditions of a rulebook as CEL expressions, and two CEL engines that evaluate them.

An example: `age < 14 && kind in ["a"]` becomes `(facts["age"] < 14) && (facts["kind"] in ["a"])`.
All facts are in one map; a set is a list there. CEL raises an error when an absent fact is read.
Its `&&` and `||` absorb errors just as Kleene's connectives absorb the unknown, so an error means
"unknown".
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Mapping
from typing import Any

from heyi.model.decision import Effect
from heyi.policy.language import ir

Ternary = bool | None


def conditions(book: ir.Rulebook) -> dict[str, ir.Condition]:
    """Every condition that a decision reads, by a name like `PIPL-31.1 needs`."""
    found = {f"{r.id} applies": r.applies for r in book.rules}
    found |= {f"{r.id} needs": r.needs for r in book.rules if r.effect is Effect.REQUIRE}
    return found | {f"{t.id} opens": t.opens for t in book.tracks}


def expression(condition: ir.Condition) -> str:
    """The condition in CEL, over the map `facts`."""
    match condition:
        case ir.Constant(value):
            return json.dumps(value)
        case ir.Fact(name):
            return f'facts["{name}"]'
        case ir.Not(of):
            return f"!({expression(of)})"
        case ir.All(of):
            return " && ".join(f"({expression(part)})" for part in of) or "true"
        case ir.Some(of):
            return " || ".join(f"({expression(part)})" for part in of) or "false"
        case ir.Compare(op, left, right):
            return f"{_term(left)} {op} {_term(right)}"
        case ir.Member(fact, values):
            return f"{_term(fact)} in {json.dumps(list(values))}"
        case ir.SetTest(op, fact, values):
            macro = "all" if op == "subset" else "exists"
            return f"{_term(fact)}.{macro}(member, member in {json.dumps(sorted(values))})"


def _term(term: ir.Fact | ir.FixedValue) -> str:
    return f'facts["{term.name}"]' if isinstance(term, ir.Fact) else json.dumps(term.value)


def plain(known: ir.Known) -> dict[str, object]:
    """The facts with lists in place of sets, for engines that take JSON values."""
    return {name: list(v) if isinstance(v, frozenset) else v for name, v in known.items()}


class CelCpp:
    """The C++ engine (`cel-expr-python`): an error is a value."""

    def __init__(self, wanted: Mapping[str, ir.Condition]) -> None:
        cel: Any = importlib.import_module("cel_expr_python.cel")
        self._env = cel.NewEnv(variables={"facts": cel.Type.Map(cel.Type.STRING, cel.Type.DYN)})
        self._programs = [self._env.compile(expression(c)) for c in wanted.values()]

    def evaluate(self, known: ir.Known) -> list[Ternary]:
        """The truth of each condition, in order.

        Raises:
            ValueError: the engine failed for another reason than an absent fact.
        """
        facts = self._env.Activation({"facts": plain(known)})
        found: list[Ternary] = []
        for program in self._programs:
            value = program.eval(facts).plain_value()
            if isinstance(value, bool):
                found.append(value)
            elif str(value).startswith("NOT_FOUND: Key not found in map"):
                found.append(None)
            else:
                raise ValueError(value)
        return found


class CelRust:
    """The Rust engine (`common-expression-language`): an error is raised."""

    def __init__(self, wanted: Mapping[str, ir.Condition]) -> None:
        self._cel: Any = importlib.import_module("cel")
        self._programs = [self._cel.compile(expression(c)) for c in wanted.values()]

    def evaluate(self, known: ir.Known) -> list[Ternary]:
        """The truth of each condition, in order."""
        facts = self._cel.Context({"facts": plain(known)})
        found: list[Ternary] = []
        for program in self._programs:
            try:
                found.append(program.execute(facts))
            except KeyError:
                found.append(None)
        return found
