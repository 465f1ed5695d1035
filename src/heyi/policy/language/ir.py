"""The intermediate form (IR) from which every reading of a rulebook is made.

Conditions are total and typed: no loops, no arithmetic, no strings built at run time. Terms are
facts or fixed values. Dates are ordinal days (`datetime.date.toordinal`), sets are frozen sets.

    a && n >= 3    is    All((Fact("a"), Compare(">=", Fact("n"), FixedValue(3))))
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from heyi.model.decision import Deadline, Effect, Rank, Text
from heyi.policy.language.schema import LEGAL_DAY, Schema

Scalar = bool | int | str
Known = Mapping[str, Scalar | frozenset[str]]
"""Facts that are known, by id, with dates as ordinal days. A fact that is absent is unknown."""


@dataclass(frozen=True, slots=True)
class Fact:
    """A fact. As a condition it must be a bool."""

    name: str


@dataclass(frozen=True, slots=True)
class FixedValue:
    """A literal, or the value of a parameter in one of its periods."""

    value: Scalar


@dataclass(frozen=True, slots=True)
class Compare:
    """`left op right`, where op is one of == != < <= > >=; unknown when an operand is unknown."""

    op: str
    left: Fact | FixedValue
    right: Fact | FixedValue


@dataclass(frozen=True, slots=True)
class Member:
    """`fact in [..]`, on an enum or a number."""

    fact: Fact
    values: tuple[Scalar, ...]


@dataclass(frozen=True, slots=True)
class SetTest:
    """`subset(fact, [..])` or `overlap(fact, [..])`, on a set; `op` is the name of the function."""

    op: str
    fact: Fact
    values: frozenset[str]


@dataclass(frozen=True, slots=True)
class Not:
    of: Condition


@dataclass(frozen=True, slots=True)
class All:
    """Conjunction; true without parts."""

    of: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Some:
    """Disjunction; false without parts."""

    of: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Constant:
    value: bool


Condition = Fact | Compare | Member | SetTest | Not | All | Some | Constant

TRUE = Constant(True)
FALSE = Constant(False)


def facts_read(condition: Condition) -> Iterator[str]:
    """Ids of the facts that a condition reads, in order of appearance, with repetitions."""
    match condition:
        case Fact(name):
            yield name
        case Compare(_, left, right):
            yield from (t.name for t in (left, right) if isinstance(t, Fact))
        case Member(fact) | SetTest(_, fact):
            yield fact.name
        case Not(of):
            yield from facts_read(of)
        case All(of) | Some(of):
            for part in of:
                yield from facts_read(part)
        case Constant():
            return


@dataclass(frozen=True, slots=True, kw_only=True)
class Article:
    """An article of an instrument, as its pack restates it; `until` is the last day in force.

    `confidence` is that of its norm in the register: A, A-, B or C. It is empty for agreements, and
    in a rulebook without a register.
    """

    id: str
    heading: Text
    restated: str
    instrument: Text
    rank: Rank
    jurisdiction: str
    begins: dt.date
    until: dt.date | None
    file: str
    line: int
    confidence: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A norm as code.

    `applies` joins the days in force, the condition, and one negation for each article in
    `excepts`, in that order. `needs` belongs to require; `authority` to review; `track` to ground,
    and to a review that may ground it; `deadline` and `baseline` to oblige. `facts` are those that
    the rule reads.
    """

    id: str
    effect: Effect
    article: Article
    applies: Condition
    says: Text
    party: str
    needs: Condition = TRUE
    authority: str = ""
    track: str = ""
    deadline: Deadline | None = None
    baseline: bool = False
    line: int = 0
    facts: tuple[str, ...] = ()
    excepts: tuple[str, ...] = ()

    @property
    def approval(self) -> str:
        """The fact that holds the decision of a review's authority."""
        return f"approval.{self.authority}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """A kind of processing that the law forbids unless it has a ground."""

    id: str
    opens: Condition
    min_rank: Rank
    name: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkedCase:
    """A worked case: facts in, expected answer out. A list of expectations means `contains`.

    Only the rules of its `jurisdiction` judge it, even where the consortium names others too.
    """

    name: str
    file: str
    line: int
    jurisdiction: str
    given: Mapping[str, object]
    sources: Mapping[str, str]
    at: dt.date
    expect: Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rulebook:
    """The checked packs in force for a consortium; `digest` is that of all texts by file name."""

    schema: Schema
    rules: tuple[Rule, ...]
    articles: Mapping[str, Article]
    tracks: tuple[Track, ...]
    cases: tuple[WorkedCase, ...]
    jurisdictions: tuple[str, ...]
    texts: Mapping[str, str]
    digest: str
    by_id: Mapping[str, Rule] = field(default_factory=dict)


def within(book: Rulebook, jurisdiction: str) -> Rulebook:
    """The rulebook with the rules of one jurisdiction alone."""
    if book.jurisdictions == (jurisdiction,):
        return book
    rules = tuple(r for r in book.rules if r.article.jurisdiction == jurisdiction)
    return replace(book, rules=rules, by_id={r.id: r for r in rules}, jurisdictions=(jurisdiction,))


def facts_of(book: Rulebook) -> list[str]:
    """The facts that rules, tracks and approvals of the rulebook read, in order of the schema."""
    read = {LEGAL_DAY}
    for rule in book.rules:
        read |= {*facts_read(rule.applies), *facts_read(rule.needs)}
        if rule.effect is Effect.REVIEW:
            read.add(rule.approval)
    for track in book.tracks:
        read |= set(facts_read(track.opens))
    return [n for n in book.schema.facts if n in read]
