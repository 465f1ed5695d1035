"""Decision: the law's answer to one request for one asset on one day (docs/spec/decision.md)."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from enum import Enum

from heyi.model.kleene import Truth


class Outcome(Enum):
    """The answer, from the mildest to the strictest."""

    PERMIT = "permit"
    PERMIT_WITH_OBLIGATIONS = "permit-with-obligations"
    NEEDS_APPROVAL = "needs-approval"
    DENY = "deny"

    @property
    def is_permit(self) -> bool:
        return self in (Outcome.PERMIT, Outcome.PERMIT_WITH_OBLIGATIONS)


class Effect(Enum):
    """What a rule does when it applies."""

    FORBID = "forbid"
    REQUIRE = "require"
    REVIEW = "review"
    GROUND = "ground"
    OBLIGE = "oblige"


class Rank(Enum):
    """Rank of a legal instrument; a higher `order` has more authority (Legislation Law)."""

    AGREEMENT = "agreement"
    STANDARD = "standard"
    NORMATIVE = "normative"
    DEPARTMENT_RULE = "department-rule"
    REGULATION = "regulation"
    LAW = "law"

    @property
    def order(self) -> int:
        return list(Rank).index(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """One sentence in both languages."""

    zh: str
    en: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleFinding:
    """One rule that applies (`truth` is T) or may apply (`truth` is U).

    For a require, `met` says whether its `needs` is true. For a review, it is the authority's
    answer: True is given, False is refused, None is not yet.
    """

    rule: str
    effect: Effect
    truth: Truth
    article: str
    instrument: Text
    rank: Rank
    says: Text
    party: str
    facts: tuple[str, ...]
    met: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """Evidence that a require needs and the request lacks; `party` can supply it."""

    fact: str
    rule: str
    party: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadline:
    """When a duty must be done.

    `kind` is before, during, at, within, until or every. `within` and `until` count `amount` of
    `unit` from `event`; `every` repeats after that time.
    """

    kind: str
    amount: int = 0
    unit: str = ""
    event: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Obligation:
    """A duty that comes with the use of the data: who must do it, and when."""

    rule: str
    says: Text
    party: str
    due: Text
    deadline: Deadline
    baseline: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One lawful change: a party of `who` may change `fact` to `value`."""

    fact: str
    value: str
    who: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Remedy:
    """Steps that together lead to the outcome `promises`.

    INVARIANT: the steps were tried on the same engine before they were offered.
    """

    steps: tuple[Step, ...]
    promises: Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """The answer; every list is complete, whatever the outcome.

    `ungrounded` maps each open track that lacks a ground in some jurisdiction to its name;
    `unknown` maps each unknown fact that matters to the reason why it is unknown; `rulebook` is a
    SHA-256 in hexadecimal. `alarm` is set when two readings of the rulebook differ; the outcome is
    then deny.
    """

    outcome: Outcome
    curable: bool
    findings: tuple[RuleFinding, ...]
    ungrounded: dict[str, Text]
    missing: tuple[Missing, ...]
    unknown: dict[str, str]
    approvals: tuple[str, ...]
    obligations: tuple[Obligation, ...]
    legal_day: dt.date
    rulebook: str
    asset: str | None = None
    hypothetical: bool = False
    remedies: tuple[Remedy, ...] = ()
    alarm: str | None = None

    @property
    def cites(self) -> tuple[str, ...]:
        """Articles of the findings, each once, in order."""
        return tuple(dict.fromkeys(f.article for f in self.findings))
