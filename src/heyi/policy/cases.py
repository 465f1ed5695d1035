"""Worked cases: what a pack promises, run by the engines. List expectations mean `contains`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from types import MappingProxyType

from heyi.model.decision import Decision, Effect, Outcome
from heyi.model.errors import InvalidInput, RuleError
from heyi.model.fact import Source, Stated
from heyi.model.kleene import Truth
from heyi.policy.decide import DecisionPoint
from heyi.policy.engines.build import load_build
from heyi.policy.language import ir
from heyi.policy.language.check import compile_rulebook
from heyi.policy.language.source import Span, lines_of

_LISTS = (
    "missing",
    "unknown",
    "approvals",
    "obligations",
    "cites",
    "fires",
    "silent",
    "undetermined",
    "met",
    "unmet",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseResult:
    case: ir.WorkedCase
    decision: Decision
    faults: tuple[str, ...]


def run_case(point: DecisionPoint, case: ir.WorkedCase) -> CaseResult:
    """Decide a case and compare.

    Raises:
        RuleError: the case expects something that no decision has, or names an unknown source.
    """
    if wrong := sorted(set(case.expect) - {"outcome", "curable", *_LISTS}, key=str):
        hint = f"it may expect {', '.join(('outcome', 'curable', *_LISTS))}"
        raise _refuse(
            point.book,
            case,
            f"case `{case.name}` expects an unknown `{wrong[0]}`",
            hint,
            str(wrong[0]),
        )
    outcomes = [o.value for o in Outcome]
    if (wanted := case.expect.get("outcome", outcomes[0])) not in outcomes:
        message = f"case `{case.name}` expects an unknown outcome `{wanted}`"
        raise _refuse(point.book, case, message, f"one of {', '.join(outcomes)}", "outcome")
    if not isinstance(case.expect.get("curable", True), bool):
        raise _refuse(
            point.book,
            case,
            f"`curable` is `{case.expect['curable']}`",
            "write true or false",
            "curable",
        )
    for key in (
        "fires",
        "silent",
        "undetermined",
        "met",
        "unmet",
        "obligations",
        "cites",
        "missing",
        "unknown",
    ):
        known = {
            "cites": point.book.articles,
            "missing": point.book.schema.facts,
            "unknown": point.book.schema.facts,
        }
        for name in _names(case.expect.get(key, [])):
            if name not in known.get(key, point.book.by_id):
                near = get_close_matches(name, known.get(key, point.book.by_id), 1)
                hint = f"did you mean `{near[0]}`?" if near else ""
                message = f"case `{case.name}` expects `{name}` in `{key}`, which does not exist"
                raise _refuse(point.book, case, message, hint, name, key)
    try:
        sources = {f: Source[str(s).upper()] for f, s in case.sources.items()}
        stated = {
            name: Stated(
                value=point.book.schema.spec(name).check(value),
                source=sources.get(name, Source.ATTESTED),
            )
            for name, value in case.given.items()
        }
        decision = point.decide_stated(stated, day=case.at, hypothetical=True)
    except InvalidInput as e:
        raise _refuse(point.book, case, f"case `{case.name}`: {e.message}", e.hint) from None
    return CaseResult(case=case, decision=decision, faults=tuple(_faults(decision, case.expect)))


def _refuse(
    book: ir.Rulebook, case: ir.WorkedCase, message: str, hint: str, *words: str
) -> RuleError:
    """An error that points at the first of `words` in the case, or at its head if none is there."""
    lines = lines_of(book.texts[case.file], file=case.file)
    head = Span(text=lines[case.line - 1], file=case.file, line=case.line, column=1, lines=lines)
    return head.below(*words).error(message, hint=hint)


def _names(wanted: object) -> set[str]:
    return {str(w) for w in wanted} if isinstance(wanted, (list, tuple)) else {str(wanted)}


def _faults(decision: Decision, expect: Mapping[str, object]) -> list[str]:
    faults = []
    if "outcome" in expect and decision.outcome.value != expect["outcome"]:
        faults.append(f"outcome is {decision.outcome.value}, not {expect['outcome']}")
    if "curable" in expect and decision.curable is not expect["curable"]:
        faults.append(
            f"curable is {str(decision.curable).lower()}, not {str(expect['curable']).lower()}"
        )
    true = {f.rule for f in decision.findings if f.truth is Truth.TRUE}
    maybe = {f.rule for f in decision.findings if f.truth is Truth.UNKNOWN}
    required = {f.rule: f.met for f in decision.findings if f.effect is Effect.REQUIRE}
    have = {
        "missing": {m.fact for m in decision.missing},
        "unknown": set(decision.unknown),
        "approvals": set(decision.approvals),
        "obligations": {o.rule for o in decision.obligations},
        "cites": set(decision.cites),
        "fires": true,
        "undetermined": maybe,
        "met": {r for r, met in required.items() if met},
        "unmet": {r for r, met in required.items() if not met},
    }
    for key in _LISTS:
        if key not in expect:
            continue
        wanted = _names(expect[key])
        if key == "silent":
            faults += [f"{rule} is not silent" for rule in sorted(wanted & (true | maybe))]
        else:
            faults += [f"{key} lacks {item}" for item in sorted(wanted - have[key])]
    return faults


def load_rulebook(
    texts: Mapping[str, str], built: Mapping[str, bytes] = MappingProxyType({})
) -> DecisionPoint:
    """The decision point of a rulebook, from its build or compiled from its texts.

    `built` are the files of a build that the reader made or installed. Where they belong to these
    texts they are used, since the worked cases passed when they were built. Otherwise the texts are
    compiled and all their cases run.

    Raises:
        RuleError: it does not compile, or one of its cases fails; nothing of it is loaded.
        VerificationError: its build is damaged.
    """
    if ready := load_build(built, texts):
        return DecisionPoint(ready.book, ready.bytecode)
    return DecisionPoint(checked_rulebook(texts))


def checked_rulebook(texts: Mapping[str, str]) -> ir.Rulebook:
    """Compile a rulebook and run its cases.

    Raises:
        RuleError: it does not compile, or one of its cases fails.
    """
    book = compile_rulebook(texts)
    for result in run_cases(book):
        if result.faults:
            hint = "mend the rule or the case; a pack whose cases fail is refused whole"
            message = f"case `{result.case.name}` fails: {'; '.join(result.faults)}"
            raise _refuse(book, result.case, message, hint, "expect")
    return book


def run_cases(book: ir.Rulebook) -> Iterator[CaseResult]:
    """Decide all worked cases, each by the rules of its own jurisdiction."""
    points = {j: DecisionPoint(ir.within(book, j)) for j in book.jurisdictions}
    for case in book.cases:
        yield run_case(points[case.jurisdiction], case)
