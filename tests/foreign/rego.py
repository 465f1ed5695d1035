"""A rulebook in Rego as it is ordinarily written: sets of reasons, and an outcome folded from them.

A body that reads what is absent is undefined, and `not` of the undefined is true: whoever writes `not input.x` for a
fact that is false has written it for one that is absent as well. Two engines run it.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

from heyi.model.decision import Effect
from heyi.policy.language import ir
from tests.foreign.cel import plain

SETS: Mapping[str, Effect] = {
    "deny": Effect.FORBID,
    "required": Effect.REQUIRE,
    "reviewed": Effect.REVIEW,
    "grounds": Effect.GROUND,
    "duties": Effect.OBLIGE,
}
"""The set of rules that apply, for each effect."""

Answer = dict[str, Any]
"""`outcome`, and lists: `missing` (requires), `approvals` (authorities), and those of `SETS` (rules)."""

ENTRY = "data.heyi.answer"

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
    """Rules of one module as they are written; conditions that need a name of their own get one, each once."""

    def __init__(self) -> None:
        self.rules: list[str] = []
        self.named: dict[tuple[str, ...], str] = {}

    def add(self, head: str, body: Iterable[str]) -> None:
        self.rules.append(f"{head} if {{ {'; '.join(body) or 'true'} }}")

    def name(self, *bodies: Iterable[str]) -> str:
        """A rule that holds when one of the bodies does."""
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
                body = self.body(of)
                return [
                    f"not {body[0] if len(body) == 1 and body[0][:4] != 'not ' else self.name(body)}"
                ]
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
    """The module; its rule `answer` holds outcome and reasons.

    A require counts as missing and a review as unapproved unless the contrary is shown, which is the usual care.
    """
    module = _Module()
    for name in (
        *SETS,
        "missing",
        "approvals",
        "refused",
        "granted",
        "open",
        "grounded",
        "pending",
        "ungrounded",
    ):
        module.add(f"{name} contains none", ["some none in []"])
    for name, effect in SETS.items():
        for rule in book.rules:
            if rule.effect is effect:
                module.add(f"{name} contains {json.dumps(rule.id)}", module.body(rule.applies))
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
    baseline = _set(r.id for r in book.rules if r.baseline)
    tail = f"{_OUTCOME}{', '.join(f'{json.dumps(n)}: {n}' for n in SETS)}}}\n"
    return "\n".join(
        ["package heyi", "import rego.v1", *module.rules, f"baseline := {baseline}", tail]
    )


class Regorus:
    """Microsoft's engine in Rust (`celine-regorus`), which walks the tree.

    The facts go in as JSON: given a dictionary, it reads `False` as the number 0.0, which is true.
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
    """The same package's virtual machine, which runs compiled rules; the package has it but does not export it."""

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
    """Microsoft's engine in C++ (`regopy`), with module and query compiled beforehand."""

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
