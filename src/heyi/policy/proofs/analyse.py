"""Findings: rules without effect, covered rules and the like, found by z3 over all requests.

dead               no request on any day makes the rule apply
never-permitted    the rule applies only to requests that are denied anyway
closed             no request with this act or delivery can be permitted
redundant          other rules say the same wherever this one applies
outranks           an exception rests on an instrument above the rule's own
bare               an article has no rule
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from heyi.model.decision import Effect, Text
from heyi.model.errors import RuleError
from heyi.policy.engines.solver import z3
from heyi.policy.engines.to_smt import Bool, Question, SymbolicFacts, SymbolicReading
from heyi.policy.language import ir
from heyi.policy.language.schema import LEGAL_DAY, FactType


class FindingKind(Enum):
    """What a finding is; a `fault` is always a mistake, the others are for a person to judge."""

    DEAD = "dead"
    NEVER_PERMITTED = "never-permitted"
    CLOSED = "closed"
    REDUNDANT = "redundant"
    OUTRANKS = "outranks"
    BARE = "bare"

    @property
    def fault(self) -> bool:
        return self is FindingKind.DEAD


@dataclass(frozen=True, slots=True)
class Finding:
    """`subject` is a rule, an article, or a fact with its value."""

    kind: FindingKind
    subject: str
    says: Text
    file: str = ""
    line: int = 0


def findings(book: ir.Rulebook) -> list[Finding]:
    """All findings, faults first.

    Raises:
        TimeoutError: the solver gave up on a question.
    """
    facts = SymbolicFacts(book.schema)
    reading, question = SymbolicReading(book, facts), Question(facts)
    question.always(facts.known(LEGAL_DAY))
    # INVARIANT: all formulas are made above, so that `complete` covers every fact that they read.
    complete = facts.all_known()
    dead = [r for r in book.rules if question.can(reading.fired[r.id]) is None]
    found = [
        _of(
            r,
            FindingKind.DEAD,
            "任何申请在任何日期都不会适用本规则",
            "no request on any day can make it apply",
        )
        for r in dead
    ]
    living = [r for r in book.rules if r not in dead]
    for rule in living:
        if (
            rule.effect is not Effect.FORBID
            and question.can(reading.fired[rule.id], reading.permit()) is None
        ):
            found.append(
                _of(
                    rule,
                    FindingKind.NEVER_PERMITTED,
                    "凡适用本规则的申请都不可能获准：其要求与红线矛盾，或红线已覆盖",
                    "nothing to which it applies can be permitted: "
                    "what it asks for is forbidden, or all of it is",
                )
            )
    # from here on over complete requests alone: unknown facts would make rules differ in vain
    question.always(complete)
    found += _closed(book, facts, reading, question)
    for rule in living:
        covering = _covered_by(book, rule, reading, question)
        if covering:
            names = "、".join(r.id for r in covering)
            found.append(
                _of(
                    rule,
                    FindingKind.REDUNDANT,
                    f"已被 {names} 覆盖",
                    f"covered by {names.replace('、', ', ')}",
                )
            )
    found += _outranking(book)
    used = {r.article.id for r in book.rules} | {a for r in book.rules for a in r.excepts}
    found += [
        Finding(
            FindingKind.BARE,
            a.id,
            Text(zh="条文没有规则", en="no rule stands below it"),
            a.file,
            a.line,
        )
        for a in book.articles.values()
        if a.id not in used
    ]
    return found


def told(book: ir.Rulebook, finding: Finding, lang: str = "en") -> RuleError:
    """A finding on a rule as an error for its author, at the line of the rule's condition."""
    lines = book.texts[finding.file].splitlines()
    line = (
        next(
            (n for n in range(finding.line, len(lines)) if lines[n].startswith("when:")),
            finding.line - 1,
        )
        + 1
    )
    return RuleError(
        f"规则 `{finding.subject}` {finding.kind.value}：{finding.says.zh}"
        if lang == "zh"
        else f"rule `{finding.subject}` is {finding.kind.value}: {finding.says.en}",
        file=finding.file,
        line=line,
        column=len(lines[line - 1]) - len(lines[line - 1].removeprefix("when:").lstrip()) + 1,
        excerpt=lines[line - 1],
        hint="请修改条件，或删去本规则"
        if lang == "zh"
        else "mend the condition, or leave the rule out",
    )


def _of(rule: ir.Rule, kind: FindingKind, zh: str, en: str) -> Finding:
    return Finding(kind, rule.id, Text(zh=zh, en=en), rule.article.file, rule.line)


def _closed(
    book: ir.Rulebook, facts: SymbolicFacts, reading: SymbolicReading, question: Question
) -> Iterator[Finding]:
    """Values of the facts `act.*` with which no request can be permitted."""
    for spec in book.schema.facts.values():
        if spec.id.startswith("act.") and spec.type is FactType.ENUM:
            for value, label in spec.values.items():
                if question.can(facts.bit(spec.id, value), reading.permit()) is None:
                    zh, en = (
                        f"{label.zh}：任何申请都不可能获准",
                        f"{label.en}: no request can ever be permitted",
                    )
                    yield Finding(FindingKind.CLOSED, f"{spec.id} == {value}", Text(zh=zh, en=en))


def _covered_by(
    book: ir.Rulebook, rule: ir.Rule, reading: SymbolicReading, question: Question
) -> list[ir.Rule]:
    """Rules that together have the same effect wherever this one has any; else none."""
    others = [r for r in book.rules if r is not rule and _comparable(r, rule)]
    if (
        not others
        or question.can(_bites(rule, reading), *(z3.Not(_bites(r, reading)) for r in others))
        is not None
    ):
        return []
    needed = [
        r for r in others if question.can(_bites(rule, reading), _bites(r, reading)) is not None
    ]
    if not needed:  # on complete requests the rule has no effect, so any other rule covers it
        return others[:1]
    # leave out, one by one, those that the others make unnecessary
    for other in reversed(needed):
        rest = [r for r in needed if r is not other]
        if question.can(_bites(rule, reading), *(z3.Not(_bites(r, reading)) for r in rest)) is None:
            needed = rest
    return needed


def _comparable(a: ir.Rule, b: ir.Rule) -> bool:
    return (
        a.effect is b.effect
        and a.effect is not Effect.OBLIGE
        and a.article.jurisdiction == b.article.jurisdiction
        and (a.authority, a.track) == (b.authority, b.track)
    )


def _bites(rule: ir.Rule, reading: SymbolicReading) -> Bool:
    """The requests on which a rule has an effect: it applies, and what it needs is not met."""
    fired = reading.fired[rule.id]
    return z3.And(fired, z3.Not(reading.met[rule.id])) if rule.effect is Effect.REQUIRE else fired


def _outranking(book: ir.Rulebook) -> Iterator[Finding]:
    """Exceptions that rest on an instrument above the rule's own: lawful, but worth a look."""
    for rule in book.rules:
        for cited in dict.fromkeys(rule.excepts):
            above = book.articles[cited]
            own, rank = rule.article.rank, above.rank
            if rank.order > own.order:
                yield _of(
                    rule,
                    FindingKind.OUTRANKS,
                    f"例外所依据的 {cited}（{rank.value}）高于本规则（{own.value}）",
                    f"its exception rests on {cited} ({rank.value}), above the rule ({own.value})",
                )
