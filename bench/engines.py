"""The policy engines that `bench.policy` compares, all with one narrow interface."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from typing import Any

from bench.by_hand import judge
from heyi.model.decision import Effect, Outcome
from heyi.policy.decide import DecisionPoint
from heyi.policy.engines.bytecode import compile_contracts
from heyi.policy.engines.interpret import Reading
from heyi.policy.engines.to_python import PythonEngine
from heyi.policy.language import ir
from heyi.policy.language.schema import FactType, to_ordinals
from oracles.cedar import Cedar, Style
from oracles.cel import CelCpp, CelRust, Ternary, conditions
from oracles.rego import RegoCpp, Regorus, RegorusVm
from oracles.requests import Facts

SMALL = 32
"""Rules of the small rulebook, the only one that slow and hand-written engines answer for."""
FALSY: Mapping[FactType, object] = {
    FactType.BOOL: False,
    FactType.INT: 0,
    FactType.DATE: 0,
    FactType.ENUM: "",
    FactType.SET: frozenset(),
}
"""What an absent fact counts as in the hand-written function."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """An engine for one rulebook.

    `prepare` turns facts into the engine's input, `ask` answers it, `permits` reads the answer.
    """

    id: str
    label: str
    ask: Callable[[Any], Any]
    permits: Callable[[Any], bool]
    prepare: Callable[[Facts], Any] = to_ordinals
    slow: bool = False


def heyi_engine(book: ir.Rulebook) -> Callable[[ir.Known], tuple[Reading, str | None]]:
    """Heyi as it runs: bytecode and Python in lockstep; answers with a reading and an alarm."""
    return DecisionPoint(book, bytecode=compile_contracts(book)).judge


def _heyi_permits(answer: tuple[Reading, str | None]) -> bool:
    reading, alarm = answer
    if alarm:
        raise AssertionError(alarm)
    return reading.outcome.is_permit


def engines(book: ir.Rulebook) -> list[Engine]:
    """Heyi first, then the installed engines: all for the small rulebook, fast ones for larger."""
    size = len(book.rules)
    python = PythonEngine(book).read
    made = [
        Engine(
            id="heyi", label="Heyi, both readings", ask=heyi_engine(book), permits=_heyi_permits
        ),
        Engine(
            id="heyi_python",
            label="Heyi, Python alone",
            ask=python,
            permits=lambda r: r.outcome.is_permit,
        ),
    ]
    if size == SMALL:
        usual = partial(
            _with_defaults,
            {n: FALSY[s.type] for n, s in book.schema.facts.items() if not s.derived},
        )
        made.append(
            Engine(
                id="by_hand",
                label="Python by hand, absent is false",
                ask=judge,
                permits=_permits,
                prepare=usual,
            )
        )
    if find_spec("cedarpy"):
        ways: list[tuple[str, str, Style, bool | None]] = [
            ("cedar_required", "Cedar, schema requires all", Style.USUAL, True),
            ("cedar_guarded", "Cedar, schema, guarded by has", Style.GUARDED, False),
        ]
        if size == SMALL:
            ways += [
                ("cedar_usual", "Cedar, no schema", Style.USUAL, None),
                ("cedar_closed", "Cedar, schema, unknown forbids", Style.CLOSED, False),
            ]
        for name, label, style, required in ways:
            ask = Cedar(book, style, required=required).answer
            made.append(Engine(id=name, label=label, ask=ask, permits=lambda answer: answer[0]))
    if find_spec("regorus"):
        made.append(
            Engine(id="regorus", label="Rego, regorus", ask=Regorus(book).answer, permits=_permits)
        )
        made.append(
            Engine(
                id="regorus_vm",
                label="Rego, regorus VM",
                ask=RegorusVm(book).answer,
                permits=_permits,
            )
        )
    if find_spec("regopy") and size == SMALL:
        made.append(
            Engine(
                id="regopy",
                label="Rego, rego-cpp",
                ask=RegoCpp(book).answer,
                permits=_permits,
                slow=True,
            )
        )
    wanted = conditions(book)
    for name, label, module, kind in (
        ("cel_cpp", "CEL, C++", "cel_expr_python", CelCpp),
        ("cel_rust", "CEL, Rust", "cel", CelRust),
    ):
        if find_spec(module) and size == SMALL:
            fold = partial(_cel_permits, book, tuple(wanted))
            made.append(
                Engine(id=name, label=label, ask=_with_facts(kind(wanted).evaluate), permits=fold)
            )
    return made


def _with_defaults(defaults: Facts, facts: Facts) -> Facts:
    """The facts as a hand-written function reads them with `facts.get(name, default)`."""
    return defaults | facts


def _permits(answer: Any) -> bool:
    """For answers that contain the outcome as a word."""
    return Outcome(answer["outcome"] if isinstance(answer, dict) else answer[0]).is_permit


CelAnswer = tuple[ir.Known, list[Ternary]]


def _with_facts(evaluate: Callable[[ir.Known], list[Ternary]]) -> Callable[[ir.Known], CelAnswer]:
    """CEL evaluates conditions only; the answer keeps the facts, since the fold needs approvals."""
    return lambda known: (known, evaluate(known))


def _cel_permits(book: ir.Rulebook, names: Sequence[str], answer: CelAnswer) -> bool:
    """The fold of a host program: an error counts as "does not hold"; without ground no permit."""
    known, truths = answer
    holds = {name for name, truth in zip(names, truths, strict=True) if truth}
    grounded: set[str] = set()
    for rule in book.rules:
        if f"{rule.id} applies" in holds:
            given = known.get(rule.approval) == "given"
            unmet = rule.effect is Effect.REQUIRE and f"{rule.id} needs" not in holds
            if (
                rule.effect is Effect.FORBID
                or unmet
                or (rule.effect is Effect.REVIEW and not given)
            ):
                return False
            grounded.add(rule.track)
    return any(t.id in grounded for t in book.tracks if f"{t.id} opens" in holds)
