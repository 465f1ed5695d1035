"""A rulebook as a Rego module of the usual form, and three engines that run it.

The module has a set of rule ids for each effect, and folds the sets into an outcome. An example:

    deny contains "AIDS-39.1" if { "hiv" in input["data.special"]; not input["consent.given"]; ... }

In Rego a body that reads an absent fact is undefined, and `not` of undefined is true. So this
rule also applies when `consent.given` is absent.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

from heyi.model.decision import Effect
from heyi.policy.language import ir
from oracles.cel import plain

SETS: Mapping[str, Effect] = {
    "deny": Effect.FORBID,
    "required": Effect.REQUIRE,
    "reviewed": Effect.REVIEW,
    "grounds": Effect.GROUND,
    "duties": Effect.OBLIGE,
}
"""The names of the sets of rules that apply, each with its effect."""

Answer = dict[str, Any]
"""`outcome`; rule ids under `missing` and each name of `SETS`; authorities under `approvals`."""

ENTRY = "data.heyi.answer"
_FOLDED = (
    *("missing", "approvals", "refused", "granted"),
    *("open", "grounded", "pending", "ungrounded"),
)
"""Further sets of the module, from which the outcome is folded."""

_OUTCOME = """\
denied if some rule in deny
denied if some authority in refused
denied if some rule in missing
denied if some track in ungrounded
asked if some authority in approvals
asked if some track in pending
bound if { some rule in duties; not rule in baseline }
outcome := "deny" if denied
else := "needs-approval" if asked
else := "permit-with-obligations" if bound
else := "permit"
answer := {"outcome": outcome, "missing": missing, "approvals": approvals,
"""


class _Module:
    """The rules of one module, as text.

    A condition that Rego cannot write inside a body, for example `a || b`, becomes a helper rule
    `condition_3`; equal conditions share one.
    """

    def __init__(self) -> None:
        self.rules: list[str] = []
        self.named: dict[tuple[str, ...], str] = {}

    def add(self, head: str, body: Iterable[str]) -> None:
        self.rules.append(f"{head} if {{ {'; '.join(body) or 'true'} }}")

    def name(self, *bodies: Iterable[str]) -> str:
        """The name of a helper rule that holds when at least one of the bodies does."""
        texts = tuple("; ".join(body) for body in bodies)
        if texts not in self.named:
            self.named[texts] = f"condition_{len(self.named)}"
            for text in texts:
                self.add(self.named[texts], [text])
        return self.named[texts]

    def body(self, condition: ir.Condition) -> list[str]:
        """The condition as expressions that must all hold."""
        match condition:
            case ir.All(of):
                return [line for part in of for line in self.body(part)] or ["true"]
            case ir.Some(of):
                return [self.name(*map(self.body, of))] if of else ["false"]
            case ir.Not(ir.All(of)):
                return [f"not {self.name(self.body(ir.All(of)))}"]
            case ir.Not(of):
                # `not` takes one expression; neither several nor a second `not` may follow it.
                body = self.body(of)
                simple = len(body) == 1 and not body[0].startswith("not ")
                return [f"not {body[0] if simple else self.name(body)}"]
            case _:
                return [self.atom(condition)]

    def atom(self, condition: ir.Condition) -> str:
        match condition:
            case ir.Compare(op, left, right):
                return f"{_term(left)} {op} {_term(right)}"
            case ir.Member(fact, values):
                return f"{_term(fact)} in {_set(values)}"
            case ir.SetTest("overlap", fact, values) if len(values) == 1:
                return f"{json.dumps(min(values))} in {_term(fact)}"
            case ir.SetTest("overlap", fact, values):
                return self.name(
                    [f"some member in {_term(fact)}", f"member in {_set(sorted(values))}"]
                )
            case ir.SetTest(_, fact, values):
                return self.name(
                    [f"every member in {_term(fact)} {{ member in {_set(sorted(values))} }}"]
                )
            case ir.Constant(value):
                return json.dumps(value)
            case ir.Fact():
                return _term(condition)
            case _:
                raise AssertionError(condition)


def _term(term: ir.Fact | ir.FixedValue) -> str:
    return (
        f"input[{json.dumps(term.name)}]" if isinstance(term, ir.Fact) else json.dumps(term.value)
    )


def _set(values: Iterable[ir.Scalar]) -> str:
    members = ", ".join(json.dumps(v) for v in values)
    return f"{{{members}}}" if members else "set()"


def policy(book: ir.Rulebook) -> str:
    """The module; its rule `answer` has the outcome and the reasons.

    A usual precaution: a require counts as missing, and a review as unapproved, unless the facts
    show the contrary.
    """
    module = _Module()
    # Every set gets a body that never holds, so that a set without rules is empty, not undefined.
    for name in (*SETS, *_FOLDED):
        module.add(f"{name} contains none", ["some none in []"])
    for name, effect in SETS.items():
        for rule in book.rules:
            if rule.effect is effect:
                module.add(f"{name} contains {json.dumps(rule.id)}", module.body(rule.applies))
    _add_unmet(module, book)
    _add_tracks(module, book)
    baseline = _set(r.id for r in book.rules if r.baseline)
    tail = f"{_OUTCOME}{', '.join(f'{json.dumps(n)}: {n}' for n in SETS)}}}\n"
    return "\n".join(
        ["package heyi", "import rego.v1", *module.rules, f"baseline := {baseline}", tail]
    )


def _add_unmet(module: _Module, book: ir.Rulebook) -> None:
    """Add what the requires lack, and what each review was answered."""
    for rule in book.rules:
        match rule.effect:
            case Effect.REQUIRE:
                unmet = module.body(ir.Not(rule.needs))
                module.add(f'missing contains "{rule.id}"', [f'"{rule.id}" in required', *unmet])
            case Effect.REVIEW:
                said, applies = f"input[{json.dumps(rule.approval)}]", f'"{rule.id}" in reviewed'
                module.add(
                    f'approvals contains "{rule.authority}"', [applies, f'not {said} == "given"']
                )
                module.add(
                    f'refused contains "{rule.authority}"', [applies, f'{said} == "refused"']
                )
                module.add(f'granted contains "{rule.id}"', [applies, f'{said} == "given"'])


def _add_tracks(module: _Module, book: ir.Rulebook) -> None:
    """Add whether each track is open, has a ground, waits for an approval, or has no ground."""
    for track in book.tracks:
        head = json.dumps(track.id)
        grounds = [r for r in book.rules if r.track == track.id]
        module.add(f"open contains {head}", module.body(track.opens))
        for rule in grounds:
            where = "grounds" if rule.effect is Effect.GROUND else "granted"
            module.add(f"grounded contains {head}", [f'"{rule.id}" in {where}'])
            if rule.effect is Effect.REVIEW:
                asked = [f"{head} in open", f"not {head} in grounded", f'"{rule.id}" in reviewed']
                module.add(
                    f"pending contains {head}", [*asked, f'not "{rule.authority}" in refused']
                )
        lacking = [f"{head} in open", f"not {head} in grounded", f"not {head} in pending"]
        module.add(f"ungrounded contains {head}", lacking)


class Regorus:
    """Microsoft's engine in Rust (`celine-regorus`), its tree-walking interpreter.

    The facts go in as JSON text: in a dictionary `False` would become 0.0, which is true.
    """

    def __init__(self, book: ir.Rulebook) -> None:
        self._engine: Any = importlib.import_module("regorus.regorus").Engine()
        self._engine.add_policy("heyi.rego", policy(book))

    def answer(self, known: ir.Known) -> Answer:
        """Outcome and sets of reasons."""
        self._engine.set_input_json(json.dumps(known, default=list))
        found: Answer = json.loads(self._engine.eval_rule_as_json(ENTRY))
        return found


class RegorusVm:
    """The virtual machine of the same package, which runs compiled rules; it is not exported."""

    def __init__(self, book: ir.Rulebook) -> None:
        regorus: Any = importlib.import_module("regorus.regorus")
        self._machine = regorus.Rvm()
        modules = [("heyi.rego", policy(book))]
        self._machine.load_program(regorus.Program.compile_from_modules("{}", modules, [ENTRY]))
        self._machine.set_data_json("{}")

    def answer(self, known: ir.Known) -> Answer:
        """Outcome and sets of reasons."""
        self._machine.set_input_json(json.dumps(known, default=list))
        found: Answer = json.loads(self._machine.execute())
        return found


class RegoCpp:
    """Microsoft's engine in C++ (`regopy`); module and query are compiled once."""

    def __init__(self, book: ir.Rulebook) -> None:
        regopy: Any = importlib.import_module("regopy")
        self._engine = regopy.Interpreter()
        self._engine.add_module("heyi.rego", policy(book))
        self._bundle = self._engine.build(ENTRY)
        assert self._bundle.ok()

    def answer(self, known: ir.Known) -> Answer:
        """Outcome and sets of reasons.

        Raises:
            ValueError: the engine failed.
        """
        self._engine.set_input(plain(known))
        output = self._engine.query_bundle(self._bundle)
        if not output.ok():
            raise ValueError(str(output))
        found: Answer = output[0][0]
        return found
