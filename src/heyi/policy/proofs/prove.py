"""Proofs over all requests and all days: claims in a lawyer's words, and general laws.

    no request with CONDITION is ever permitted          凡 CONDITION 的申请，一律不予准许
    every request with CONDITION is denied               凡 CONDITION 的申请，一律予以拒绝

`with CONDITION` means that the condition is known to hold. A claim is proved, or it is refuted by a
request that the interpreter has judged too. The laws are L1 to L5 of docs/spec/decision.md.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from heyi.model.decision import Effect, Outcome, Rank
from heyi.model.errors import InvalidInput
from heyi.model.fact import Value
from heyi.policy.engines.interpret import evaluate, read
from heyi.policy.engines.solver import z3
from heyi.policy.engines.to_smt import Bool, Question, SymbolicFacts, SymbolicReading, learning
from heyi.policy.language import ir
from heyi.policy.language.parse import ConditionError, parse_condition
from heyi.policy.language.schema import LEGAL_DAY, to_ordinals
from heyi.policy.language.typing import FACTS_FILE, Conditions

Request = Mapping[str, Value]

Against = Callable[[SymbolicReading], Bool]
"""The formula of a counterexample, for the solver."""
Refutes = Callable[[Outcome, bool], bool]
"""Whether an outcome with its curability is that of a counterexample, for the interpreter."""


def _is_permit(outcome: Outcome, _curable: bool) -> bool:
    return outcome.is_permit


def _is_denied(outcome: Outcome, _curable: bool) -> bool:
    return outcome is Outcome.DENY


# each form of a claim as a pattern, and its counterexamples for the solver and for the interpreter
_FORMS: tuple[tuple[str, Against, Refutes], ...] = (
    (r"no request with (.+?) is (?:ever )?permitted", lambda r: r.permit(), _is_permit),
    (r"凡\s*(.+?)\s*(?:的申请)?，\s*(?:一律)?不予准许", lambda r: r.permit(), _is_permit),
    (r"no request with (.+?) is (?:ever )?denied", lambda r: r.at_least(3), _is_denied),
    (r"凡\s*(.+?)\s*(?:的申请)?，\s*(?:一律)?不予拒绝", lambda r: r.at_least(3), _is_denied),
    (
        (
            r"no request with (.+?) (?:ever )?needs approval"
            r"|凡\s*(.+?)\s*(?:的申请)?，\s*(?:一律)?不须批准"
        ),
        lambda r: z3.And(r.at_least(2), z3.Not(r.at_least(3))),
        lambda o, _c: o is Outcome.NEEDS_APPROVAL,
    ),
    (
        r"every request with (.+?) is permitted|凡\s*(.+?)\s*(?:的申请)?，\s*一律(?:予以)?准许",
        lambda r: r.at_least(2),
        lambda o, _c: not o.is_permit,
    ),
    (
        r"every request with (.+?) is denied|凡\s*(.+?)\s*(?:的申请)?，\s*一律予以拒绝",
        lambda r: z3.Not(r.at_least(3)),
        lambda o, _c: o is not Outcome.DENY,
    ),
    (
        (
            r"every request with (.+?) is denied beyond cure"
            r"|凡\s*(.+?)\s*(?:的申请)?，\s*一律予以拒绝且不可补正"
        ),
        lambda r: z3.Not(r.at_least(4)),
        lambda o, c: o is not Outcome.DENY or c,
    ),
)


@dataclass(frozen=True, slots=True)
class Claim:
    """A sentence about all requests for which a condition is known to hold."""

    condition: ir.Condition
    against: Against
    refutes: Refutes


@dataclass(frozen=True, slots=True)
class ProofResult:
    """A proof, or a counterexample with its outcome, reduced to the facts that matter.

    A proof is `vacuous` where no request meets the condition.
    """

    counterexample: Request | None
    outcome: Outcome | None = None
    curable: bool = False
    vacuous: bool = False

    @property
    def proved(self) -> bool:
        return self.counterexample is None


class Prover:
    """The formulas of one rulebook. To make them takes longer than a proof."""

    def __init__(self, book: ir.Rulebook) -> None:
        self.book = book
        self.facts = SymbolicFacts(book.schema)
        self.reading = SymbolicReading(book, self.facts)
        self.question = Question(self.facts)
        self.question.always(self.facts.known(LEGAL_DAY))

    def prove(self, sentence: str, *, on: dt.date | None = None) -> ProofResult:
        """Prove or refute a claim; a counterexample on the day `on` is preferred.

        Raises:
            InvalidInput: it is no claim, or its condition does not parse or has wrong types.
            TimeoutError: the solver gave up.
        """
        claim = parse_claim(self.book, sentence)
        against = (self.facts.true(claim.condition), claim.against(self.reading))
        model = None
        if on is not None:
            model = self.question.can(*against, self.facts.number(LEGAL_DAY) == on.toordinal())
        model = model or self.question.can(*against)
        if model is None:
            return ProofResult(None, vacuous=self.question.can(against[0]) is None)

        def counts(request: Request) -> bool:
            known = to_ordinals(request)
            reading = read(self.book, known)
            return evaluate(claim.condition, known) is True and claim.refutes(
                reading.outcome, reading.curable
            )

        request = self.facts.request(model)
        if not counts(request):
            raise AssertionError(f"solver and interpreter differ on {request}")
        request = reduced(request, counts)
        reading = read(self.book, to_ordinals(request))
        return ProofResult(request, reading.outcome, reading.curable)


def parse_claim(book: ir.Rulebook, sentence: str) -> Claim:
    """Read a claim.

    Raises:
        InvalidInput: the sentence is no claim; the hint shows how claims are written.
    """
    text = " ".join(sentence.split()).rstrip(".。")
    for pattern, against, refutes in _FORMS:
        if match := re.fullmatch(pattern, text):
            return Claim(_condition(book, next(filter(None, match.groups()))), against, refutes)
    raise InvalidInput(
        "this is no claim that can be proved",
        hint='write "no request with CONDITION is ever permitted", '
        '"every request with CONDITION is denied" or 凡 CONDITION 的申请，一律不予准许',
    )


def _condition(book: ir.Rulebook, text: str) -> ir.Condition:
    try:
        return Conditions(book.schema, book.texts[FACTS_FILE], {}).condition(parse_condition(text))
    except ConditionError as e:
        raise InvalidInput(f"{e.message}\n  {text}\n  {' ' * e.at}^", hint=e.hint) from None


def reduced(request: Request, counts: Callable[[Request], bool]) -> dict[str, Value]:
    """The request without facts that are not needed for it to count."""
    kept, before = dict(request), 0
    # again while something was removed: a fact may have been needed only beside a removed one
    while len(kept) != before:
        before = len(kept)
        for name in sorted(kept):
            less = {n: v for n, v in kept.items() if n != name}
            if name != LEGAL_DAY and counts(less):
                kept = less
    return kept


# --- the laws -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Law:
    """One law of docs/spec/decision.md, proved for a rulebook or refuted by a request."""

    id: str
    says: str
    counterexample: Request | None


def laws(book: ir.Rulebook) -> list[Law]:
    """L1 to L5 for this rulebook.

    L6 holds by construction. L7 and L8 are about engines and searches, and are tested.
    """
    before, after, more = learning(book.schema)
    less, learned = SymbolicReading(book, before), SymbolicReading(book, after)
    question = Question(before, after)
    question.always(before.known(LEGAL_DAY))
    found: list[Law] = []

    def law(name: str, says: str, *against: Bool) -> None:
        model = question.can(*against)
        found.append(Law(name, says, None if model is None else before.request(model)))

    duties = [r.id for r in book.rules if r.effect is Effect.OBLIGE]
    lost = z3.Or([z3.And(learned.may[d], z3.Not(less.may[d])) for d in duties])
    law("L1", "unknown never opens", more, less.permit(), z3.Or(z3.Not(learned.permit()), lost))
    red = z3.Or([less.fired[r.id] for r in book.rules if r.effect is Effect.FORBID])
    law("L2", "a true red line denies", red, z3.Not(less.at_least(4)))
    law("L3", "no ground, no permit", z3.Or(list(less.lacks.values())), less.permit())
    for rank, low in _lower_packs(book):
        without = SymbolicReading(
            replace(
                book,
                rules=tuple(
                    r
                    for r in book.rules
                    if (r.article.rank, r.article.instrument.zh) != (rank, low)
                ),
            ),
            before,
        )
        # the law excepts tracks that an instrument of this rank may ground
        closed = [
            z3.Not(without.opened[t.id]) for t in book.tracks if t.min_rank.order <= rank.order
        ]
        law("L4", f"{low} only tightens", *closed, z3.Not(without.permit()), less.permit())
    for jurisdiction in book.jurisdictions if len(book.jurisdictions) > 1 else ():
        own = tuple(r for r in book.rules if r.article.jurisdiction == jurisdiction)
        alone = SymbolicReading(replace(book, rules=own, jurisdictions=(jurisdiction,)), before)
        law(
            "L5", f"{jurisdiction} is not softened by others", z3.Not(alone.permit()), less.permit()
        )
    return found


def _lower_packs(book: ir.Rulebook) -> list[tuple[Rank, str]]:
    """Instruments that rank too low to ground every track, with their ranks."""
    highest = max((t.min_rank.order for t in book.tracks), default=0)
    ranked = dict.fromkeys((r.article.rank, r.article.instrument.zh) for r in book.rules)
    return [(rank, name) for rank, name in ranked if rank.order < highest]
