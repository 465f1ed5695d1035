"""A rule in words: the reading that a lawyer checks beside the article, rendered from the IR and the fact labels."""

from __future__ import annotations

import datetime as dt

from heyi.model.decision import Effect
from heyi.policy import ir
from heyi.policy.deadline import in_words
from heyi.policy.facts import LEGAL_DAY, FactType

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
    """Lines in `zh` or `en`: effect and sentence, condition, and what is needed, who approves, or by when."""
    i = 0 if lang == "zh" else 1
    says = rule.says.zh if lang == "zh" else rule.says.en
    lines = [f"{rule.id} {_EFFECTS[rule.effect][i]}: {says}"]
    lines.append(f"{('当', 'when')[i]}: {condition(book, rule.applies, lang)}")
    if rule.effect is Effect.REQUIRE:
        lines.append(f"{('须有', 'needs')[i]}: {condition(book, rule.needs, lang)}")
    if rule.authority:
        label = book.schema.facts[rule.approval].name
        lines.append(f"{('审批', 'by')[i]}: {label.zh if lang == 'zh' else label.en}")
    if rule.deadline:
        due = in_words(rule.deadline)
        lines.append(f"{('期限', 'due')[i]}: {due.zh if lang == 'zh' else due.en}")
    return lines


def condition(book: ir.Rulebook, c: ir.Condition, lang: str) -> str:
    """A condition in words; nested parts stand in brackets."""
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
            return (f"{_label(book, fact.name, lang)}为{names}", f"{_label(book, fact.name, lang)} is {names}")[i]
        case ir.SetTest(op, fact, values):
            names = _list(sorted(book.schema.facts[fact.name].label(v, lang) for v in values), lang)
            verb = {"subset": ("只含", "holds only"), "overlap": ("包含", "holds")}[op][i]
            return (f"{_label(book, fact.name, lang)}{verb}{names}", f"{_label(book, fact.name, lang)} {verb} {names}")[
                i
            ]


def _nested(book: ir.Rulebook, c: ir.Condition, lang: str) -> str:
    text = condition(book, c, lang)
    if isinstance(c, (ir.All, ir.Some)) and len(c.of) > 1:
        return f"（{text}）" if lang == "zh" else f"({text})"
    return text


def _label(book: ir.Rulebook, name: str, lang: str) -> str:
    text = book.schema.facts[name].name
    return f"“{text.zh}”" if lang == "zh" else f"“{text.en}”"


def _term(book: ir.Rulebook, fact: str, term: ir.Fact | ir.Literal, lang: str) -> str:
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
