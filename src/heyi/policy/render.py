"""A rule in words, made from the IR and the labels of facts; a lawyer compares it with the article.

PIPL-31.1 required: the consent of a guardian
in force: from 2021-11-01
when: "personal data", and "youngest subject" is below 14
needs: "consent of the guardian"
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from functools import lru_cache

from heyi.model.decision import Effect
from heyi.policy.language import ir
from heyi.policy.language.deadline import in_words
from heyi.policy.language.facts_file import load_schema
from heyi.policy.language.schema import LEGAL_DAY, FactType
from heyi.policy.language.typing import FACTS_FILE, Conditions

_EFFECTS = {
    Effect.FORBID: ("禁止", "forbidden"),
    Effect.REQUIRE: ("须具备", "required"),
    Effect.REVIEW: ("须经审查", "needs review"),
    Effect.GROUND: ("依据", "lawful ground"),
    Effect.OBLIGE: ("义务", "duty"),
}
_OPERATORS = {
    "==": ("为", "is"),
    "!=": ("不为", "is not"),
    "<": ("小于", "is below"),
    "<=": ("不超过", "is at most"),
    ">": ("超过", "is above"),
    ">=": ("不低于", "is at least"),
}


def render(book: ir.Rulebook, rule: ir.Rule, lang: str) -> list[str]:
    """Lines in `zh` or `en`: effect and sentence, then each part of `in_parts`."""
    i = 0 if lang == "zh" else 1
    says = rule.says.zh if lang == "zh" else rule.says.en
    return [
        f"{rule.id} {_EFFECTS[rule.effect][i]}: {says}",
        *(f"{a}: {b}" for a, b in in_parts(book, rule, lang)),
    ]


def effect(rule: ir.Rule, lang: str) -> str:
    """The effect of a rule in one or two words."""
    return _EFFECTS[rule.effect][0 if lang == "zh" else 1]


def in_parts(book: ir.Rulebook, rule: ir.Rule, lang: str) -> list[tuple[str, str]]:
    """Parts of a rule as pairs of a caption and words.

    The parts are: days in force, condition, exceptions; then what is needed, who approves, or when
    the duty is due.
    """
    i = 0 if lang == "zh" else 1
    parts = rule.applies.of if isinstance(rule.applies, ir.All) else (rule.applies,)
    # INVARIANT: `check` puts one negation for each exception at the end of `applies`.
    cut = len(parts) - len(rule.excepts)
    bounds = [b for p in parts[:cut] if (b := _day(p))]
    first = max((day for op, day in bounds if op == ">="), default=dt.date.min.toordinal())
    last = min((day for op, day in bounds if op == "<="), default=dt.date.max.toordinal())

    def words(*conditions: ir.Condition) -> str:
        kept = [_within(p, first, last) for p in conditions if not _day(p)]
        whole = kept[0] if len(kept) == 1 else ir.All(tuple(kept))
        return condition(book, _folded(whole, _derived(book.texts.get(FACTS_FILE, ""))), lang)

    begins, ends = (
        dt.date.fromordinal(first),
        dt.date.fromordinal(last) if last < dt.date.max.toordinal() else None,
    )
    until = (f"至{ends}", f" until {ends}")[i] if ends else ""
    found = (
        [(("施行", "in force")[i], (f"自{begins}起", f"from {begins}")[i] + until)]
        if bounds
        else []
    )
    found.append((("当", "when")[i], words(*parts[:cut])))
    for article, exception in zip(rule.excepts, parts[cut:], strict=True):
        assert isinstance(exception, ir.Not) and isinstance(exception.of, ir.All)
        inner = words(*exception.of.of)
        found.append(
            (
                ("除非", "unless")[i],
                f"{inner}（{article}）" if lang == "zh" else f"{inner} ({article})",
            )
        )
    if rule.effect is Effect.REQUIRE:
        found.append((("须有", "needs")[i], words(rule.needs)))
    if rule.authority:
        label = book.schema.facts[rule.approval].name
        found.append((("审批", "by")[i], label.zh if lang == "zh" else label.en))
    if rule.deadline:
        due = in_words(rule.deadline)
        found.append((("期限", "due")[i], due.zh if lang == "zh" else due.en))
    return found


def _day(c: ir.Condition) -> tuple[str, int] | None:
    """Operator and day of a condition `legal_day op day`; None for any other condition."""
    match c:
        case ir.Compare(op, ir.Fact(name), ir.FixedValue(day)) if name == LEGAL_DAY:
            return op, int(day)
    return None


def _within(c: ir.Condition, first: int, last: int) -> ir.Condition:
    """The condition without comparisons of the legal day that hold, or fail, on all days in force.

    The days are from `first` to `last`, as ordinals. Periods of parameters that are over disappear.
    """
    match c:
        case ir.All(of) | ir.Some(of):
            every = isinstance(c, ir.All)
            parts = [_within(p, first, last) for p in of]
            if ir.Constant(not every) in parts:
                return ir.Constant(not every)
            parts = [p for p in parts if p != ir.Constant(every)]
            return (
                parts[0]
                if len(parts) == 1
                else type(c)(tuple(parts))
                if parts
                else ir.Constant(every)
            )
        case ir.Not(of):
            inner = _within(of, first, last)
            return ir.Constant(not inner.value) if isinstance(inner, ir.Constant) else ir.Not(inner)
    if (bound := _day(c)) and bound[0] in (">=", "<", "<=", ">"):
        op, day = bound
        begins = day + (op in (">", "<="))  # as `>=` or, turned round, `<`
        if begins <= first or begins > last:
            return ir.Constant((begins <= first) is (op in (">", ">=")))
    return c


@lru_cache(maxsize=8)
def _derived(facts: str) -> Mapping[ir.Condition, str]:
    """Names of derived facts, by the condition of each; `facts` is `facts.toml`."""
    if not facts:
        return {}
    schema = load_schema(facts)
    conditions = Conditions(schema, facts, {})
    return {conditions.derive(name): name for name, spec in schema.facts.items() if spec.derived}


def _folded(c: ir.Condition, derived: Mapping[ir.Condition, str]) -> ir.Condition:
    """The condition with derived facts by name, where typing had expanded them."""
    if c in derived:
        return ir.Fact(derived[c])
    match c:
        case ir.Not(of):
            return ir.Not(_folded(of, derived))
        case ir.All(of) | ir.Some(of):
            return type(c)(tuple(_folded(p, derived) for p in of))
    return c


def condition(book: ir.Rulebook, c: ir.Condition, lang: str) -> str:
    """A condition in words, with nested parts in brackets."""
    i = 0 if lang == "zh" else 1
    match c:
        case ir.Constant(value):
            return (("总是", "always") if value else ("从不", "never"))[i]
        case ir.Fact(name):
            return _label(book, name, lang)
        case ir.Not(of):
            return f"{('并非', 'not ')[i]}{_nested(book, of, lang)}"
        case ir.All(of):
            return ("，且", ", and ")[i].join(_nested(book, p, lang) for p in of)
        case ir.Some(of):
            return ("，或", ", or ")[i].join(_nested(book, p, lang) for p in of)
        case ir.Compare(op, left, right):
            spec = next(t.name for t in (left, right) if isinstance(t, ir.Fact))
            a, b = (_term(book, spec, t, lang) for t in (left, right))
            return (f"{a}{_OPERATORS[op][0]}{b}", f"{a} {_OPERATORS[op][1]} {b}")[i]
        case ir.Member(fact, values):
            names = _list([book.schema.facts[fact.name].label(v, lang) for v in values], lang)
            return (
                f"{_label(book, fact.name, lang)}为{names}",
                f"{_label(book, fact.name, lang)} is {names}",
            )[i]
        case ir.SetTest(op, fact, values):
            names = _list(sorted(book.schema.facts[fact.name].label(v, lang) for v in values), lang)
            verb = {"subset": ("只含", "holds only"), "overlap": ("包含", "holds")}[op][i]
            return (
                f"{_label(book, fact.name, lang)}{verb}{names}",
                f"{_label(book, fact.name, lang)} {verb} {names}",
            )[i]


def _nested(book: ir.Rulebook, c: ir.Condition, lang: str) -> str:
    text = condition(book, c, lang)
    if isinstance(c, (ir.All, ir.Some)) and len(c.of) > 1:
        return f"（{text}）" if lang == "zh" else f"({text})"
    return text


def _label(book: ir.Rulebook, name: str, lang: str) -> str:
    text = book.schema.facts[name].name
    return f"“{text.zh}”" if lang == "zh" else f"“{text.en}”"


def _term(book: ir.Rulebook, fact: str, term: ir.Fact | ir.FixedValue, lang: str) -> str:
    if isinstance(term, ir.Fact):
        return _label(book, term.name, lang)
    spec = book.schema.facts[fact]
    if spec.type is FactType.DATE or fact == LEGAL_DAY:
        return dt.date.fromordinal(int(term.value)).isoformat()
    if spec.type is FactType.INT:
        return f"{term.value:,}"
    return spec.label(term.value, lang)


def _list(names: list[str], lang: str) -> str:
    return "、".join(names) if lang == "zh" else " or ".join(names)
