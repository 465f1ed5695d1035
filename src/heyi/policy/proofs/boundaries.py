"""Requests on each side of each threshold, made by z3: they find engines that are off by one.

A threshold is a number or a day that a rule compares a fact with. Each has three complete requests
that differ in that fact alone: just below, at, and just above the threshold. The rest of them is
chosen so that the rule's truth changes between two of the three.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from heyi.model.fact import Value
from heyi.policy.engines.interpret import evaluate, read
from heyi.policy.engines.packed import layout, pack
from heyi.policy.engines.solver import z3
from heyi.policy.engines.to_smt import Question, SymbolicFacts
from heyi.policy.language import ir
from heyi.policy.language.schema import LEGAL_DAY, FactSpec, FactType, to_ordinals


@dataclass(frozen=True, slots=True)
class Threshold:
    """A number, or an ordinal day, in a comparison of a rule; `part` is `applies` or `needs`."""

    rule: str
    part: str
    fact: str
    value: int


@dataclass(frozen=True, slots=True)
class Boundary:
    """Complete requests around a threshold; none when the rule's truth never depends on it."""

    threshold: Threshold
    requests: tuple[dict[str, Value], ...]


def thresholds(book: ir.Rulebook) -> list[Threshold]:
    """Each threshold of each rule once, in the order of rules."""
    found: dict[Threshold, None] = {}
    for rule in book.rules:
        for part, condition in (("applies", rule.applies), ("needs", rule.needs)):
            for fact, value in _compared(condition):
                found[Threshold(rule.id, part, fact, value)] = None
    return list(found)


def _compared(condition: ir.Condition) -> Iterator[tuple[str, int]]:
    match condition:
        case ir.Compare(_, ir.Fact(name), ir.FixedValue(value)) | ir.Compare(
            _, ir.FixedValue(value), ir.Fact(name)
        ):
            if isinstance(value, int) and not isinstance(value, bool):
                yield name, value
        case ir.Not(of):
            yield from _compared(of)
        case ir.All(of) | ir.Some(of):
            for part in of:
                yield from _compared(part)


def boundaries(book: ir.Rulebook) -> list[Boundary]:
    """The requests around every threshold.

    Raises:
        TimeoutError: the solver gave up.
    """
    facts = SymbolicFacts(book.schema)
    for spec in book.schema.facts.values():
        if spec.slot is not None:
            facts.known(spec.id)
    question = Question(facts)
    question.always(facts.all_known())
    return [Boundary(t, _around(book, t, facts, question)) for t in thresholds(book)]


def _around(
    book: ir.Rulebook, t: Threshold, facts: SymbolicFacts, question: Question
) -> tuple[dict[str, Value], ...]:
    rule, spec = book.by_id[t.rule], book.schema.facts[t.fact]
    condition = rule.applies if t.part == "applies" else rule.needs
    truth, variable = facts.true(condition), facts.number(t.fact)
    low, high = spec.bounds
    near = [v for v in (t.value - 1, t.value, t.value + 1) if low <= v <= high]
    for a, b in pairwise(near):
        # one request for which the rule's truth differs between the two values
        at = [z3.substitute(truth, (variable, z3.IntVal(v))) for v in (a, b)]
        model = question.can(at[0] != at[1])
        if model is not None:
            request = {
                n: facts.value(s, model) for n, s in book.schema.facts.items() if s.slot is not None
            }
            around = tuple({**request, t.fact: _value(spec, v)} for v in near)
            truths = {evaluate(condition, to_ordinals(r)) for r in around}
            assert truths == {True, False}, f"solver and interpreter differ on {t}"
            return around
    return ()


def _value(spec: FactSpec, number: int) -> Value:
    return (
        dt.date.fromordinal(number)
        if spec.type is FactType.DATE or spec.id == LEGAL_DAY
        else number
    )


def to_vectors(book: ir.Rulebook, found: list[Boundary]) -> str:
    """Test vectors, a line for each threshold: packed words and how the interpreter reads them."""
    lines = []
    for b in found:
        requests = []
        for request in b.requests:
            reading = read(book, to_ordinals(request))
            requests.append(
                {
                    "words": [f"{w:064x}" for w in pack(book.schema, request)],
                    "fired": f"{reading.fired:x}",
                    "met": f"{reading.met:x}",
                    "tracks": f"{reading.tracks:x}",
                    "outcome": reading.outcome.value,
                    "curable": reading.curable,
                }
            )
        t = b.threshold
        entry = {
            "rule": t.rule,
            "part": t.part,
            "fact": t.fact,
            "value": t.value,
            "requests": requests,
        }
        lines.append(json.dumps(entry, ensure_ascii=False))
    about = "requests around each threshold of the shipped rulebook: `heyi rules boundaries --out`"
    rows = ",\n".join(lines)
    head = json.dumps({"about": about, "rulebook": book.digest, "layout": layout(book.schema)})
    return f'{head[:-1]},\n"thresholds": [\n{rows}\n]}}\n'
