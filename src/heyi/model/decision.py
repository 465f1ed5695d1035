"""Decision: the law's answer to one request for one asset on one day (docs/spec/decision.md)."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from enum import Enum
from typing import Any

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

    def to_json(self) -> dict[str, str]:
        return {"zh": self.zh, "en": self.en}


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

    def to_json(self) -> dict[str, Any]:
        return {
            "id": self.rule,
            "effect": self.effect.value,
            "truth": self.truth.value,
            "article": self.article,
            "instrument": self.instrument.to_json(),
            "rank": self.rank.value,
            "says": self.says.to_json(),
            "party": self.party,
            "facts": list(self.facts),
            **({} if self.met is None else {"met": self.met}),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """Evidence that a require needs and the request lacks; `party` can supply it."""

    fact: str
    rule: str
    party: str

    def to_json(self) -> dict[str, str]:
        return {"fact": self.fact, "rule": self.rule, "party": self.party}


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

    def to_json(self) -> dict[str, Any]:
        found = {"kind": self.kind, "amount": self.amount, "unit": self.unit, "event": self.event}
        return {key: value for key, value in found.items() if value}


@dataclass(frozen=True, slots=True, kw_only=True)
class Obligation:
    """A duty that comes with the use of the data: who must do it, and when."""

    rule: str
    says: Text
    party: str
    due: Text
    deadline: Deadline
    baseline: bool

    def to_json(self) -> dict[str, Any]:
        return {
            "rule": self.rule,
            "says": self.says.to_json(),
            "party": self.party,
            "due": self.due.to_json(),
            "deadline": self.deadline.to_json(),
            "baseline": self.baseline,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One lawful change: a party of `who` may change `fact` to `value`."""

    fact: str
    value: str
    who: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        return {"fact": self.fact, "to": self.value, "who": list(self.who)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Remedy:
    """Steps that together lead to the outcome `promises`.

    INVARIANT: the steps were tried on the same engine before they were offered.
    """

    steps: tuple[Step, ...]
    promises: Outcome

    def to_json(self) -> dict[str, Any]:
        return {"steps": [s.to_json() for s in self.steps], "promises": self.promises.value}


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

    def to_json(self) -> dict[str, Any]:
        return {
            "outcome": self.outcome.value,
            "curable": self.curable,
            "rules": [f.to_json() for f in self.findings],
            "ungrounded": [
                {"track": track, **name.to_json()} for track, name in self.ungrounded.items()
            ],
            "missing": [m.to_json() for m in self.missing],
            "unknown": [{"fact": fact, "because": why} for fact, why in self.unknown.items()],
            "approvals": list(self.approvals),
            "obligations": [o.to_json() for o in self.obligations],
            "remedies": [r.to_json() for r in self.remedies],
            "legal_day": self.legal_day.isoformat(),
            "rulebook": self.rulebook,
            "asset": self.asset,
            "hypothetical": self.hypothetical,
            **({"alarm": self.alarm} if self.alarm else {}),
        }
