"""The policy decision point: two readings in lockstep, then the lists that explain the answer.

The readings of a built rulebook are the contract bytecode and the generated Python. Where there is
no bytecode, or nothing to run it on this platform, the interpreter takes its place.
When they differ, the answer is deny and the decision carries an alarm that names the rule.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence

from heyi.model.decision import Decision, Effect, Missing, Obligation, Outcome, RuleFinding
from heyi.model.errors import VerificationError
from heyi.model.fact import Stated, Value
from heyi.model.kleene import Truth
from heyi.policy.engines.bytecode import Bytecode, BytecodeEngine, is_available
from heyi.policy.engines.interpret import Reading, evaluate, read, undetermining
from heyi.policy.engines.to_python import ANSWERS, PythonEngine
from heyi.policy.language import ir
from heyi.policy.language.deadline import in_words
from heyi.policy.language.schema import LEGAL_DAY, Admitted, admit, to_ordinals

_STATES: dict[Effect, tuple[bool | None, ...]] = {
    Effect.REQUIRE: (True, False),
    Effect.REVIEW: (True, False, None),
}
_SAID: dict[object, bool] = {"given": True, "refused": False}


class DecisionPoint:
    """Decides by one rulebook. It holds engines and constant parts of findings: make it once."""

    def __init__(self, book: ir.Rulebook, bytecode: Bytecode | None = None) -> None:
        """`bytecode` is that of the rulebook's build; it is left aside where nothing can run it.

        Raises:
            VerificationError: it is none that can be deployed.
        """
        self.book = book
        self._engine = PythonEngine(book)
        runs = bytecode is not None and is_available()
        self._contract = BytecodeEngine(book, bytecode) if bytecode and runs else None
        self._findings = {
            (r.id, truth, met): _finding(r, truth, met)
            for r in book.rules
            for truth in (Truth.TRUE, Truth.UNKNOWN)
            for met in _STATES.get(r.effect, (None,))
        }
        self._obligations = {
            r.id: Obligation(
                rule=r.id,
                says=r.says,
                party=r.party,
                due=in_words(r.deadline),
                deadline=r.deadline,
                baseline=r.baseline,
            )
            for r in book.rules
            if r.deadline is not None
        }

    def decide_stated(
        self,
        stated: Mapping[str, Stated],
        *,
        day: dt.date,
        asset: str | None = None,
        hypothetical: bool = False,
    ) -> Decision:
        """Decide from facts with their sources; those from too weak a source count as unknown.

        Raises:
            InvalidInput: an unknown fact or a value outside its type.
        """
        return self.decide(
            admit(self.book.schema, stated, day=day), asset=asset, hypothetical=hypothetical
        )

    def decide(
        self, admitted: Admitted, *, asset: str | None = None, hypothetical: bool = False
    ) -> Decision:
        """Decide from admitted facts (docs/spec/decision.md)."""
        known = to_ordinals(admitted.known)
        reading, alarm = self.judge(known)
        return self._assemble(reading, known, admitted, asset, hypothetical, alarm)

    @property
    def readings(self) -> tuple[str, str]:
        """The two readings that run in lockstep."""
        return ("bytecode" if self._contract else "interpreter", "python")

    def judge(self, known: ir.Known) -> tuple[Reading, str | None]:
        """The reading of facts that `admit` let through, and what the two readings differ on.

        INVARIANT: where the second part is not None, nobody may rely on the first.
        """
        values = self._engine.values(known)
        masks = self._engine.read_masks(values)
        outcome, curable = ANSWERS[masks[4]]
        reading = Reading(masks[0], masks[1], masks[2], masks[3], outcome, curable)
        if self._contract is None:
            other = read(self.book, known)
            return reading, None if reading == other else difference(self.book, reading, other)
        try:
            answer = self._contract.call(values)
            if self._contract.agrees(answer, masks):
                return reading, None
            return reading, difference(self.book, reading, self._contract.reading(answer))
        except VerificationError as e:
            return reading, e.message

    def outcome(self, known: Mapping[str, Value]) -> tuple[Outcome, bool]:
        """Outcome and curability alone, from the generated Python: for searches over many facts."""
        reading = self._engine.read(to_ordinals(known))
        return reading.outcome, reading.curable

    def _assemble(
        self,
        reading: Reading,
        known: ir.Known,
        admitted: Admitted,
        asset: str | None,
        hypothetical: bool,
        alarm: str | None,
    ) -> Decision:
        findings, missing, approvals, obligations, undetermined = [], [], [], [], []
        for i, rule in _bits(self.book.rules, reading.fired | reading.undetermined):
            truth = Truth.TRUE if reading.fired >> i & 1 else Truth.UNKNOWN
            met: bool | None = None
            if rule.effect is Effect.REQUIRE:
                met = bool(reading.met >> i & 1)
            elif rule.effect is Effect.REVIEW:
                met = _SAID.get(known.get(rule.approval))
            findings.append(self._findings[rule.id, truth, met])
            if truth is Truth.UNKNOWN and rule.effect is not Effect.GROUND:
                undetermined.append(rule.applies)
            if met is False and rule.effect is Effect.REQUIRE:
                missing += [
                    Missing(fact=f, rule=rule.id, party=rule.party)
                    for f in unmet(rule.needs, known)
                ]
            elif rule.effect is Effect.REVIEW and known.get(rule.approval) != "given":
                approvals.append(rule.authority)
            elif rule.effect is Effect.OBLIGE:
                obligations.append(self._obligations[rule.id])
        ungrounded = {}
        for t, track in enumerate(self.book.tracks):
            state = reading.tracks >> 2 * t & 3
            if state & 2:
                undetermined.append(track.opens)
            if state:
                grounded = self._grounded(track, reading, known)
                if not grounded.issuperset(self.book.jurisdictions):
                    ungrounded[track.id] = track.name
                undetermined += [
                    r.applies
                    for i, r in _bits(self.book.rules, reading.undetermined)
                    if r.effect is Effect.GROUND
                    and r.track == track.id
                    and r.article.jurisdiction not in grounded
                ]
        unknown = dict.fromkeys(
            sorted(f for c in undetermined for f in undetermining(c, known)), "not stated"
        )
        return Decision(
            outcome=Outcome.DENY if alarm else reading.outcome,
            curable=False if alarm else reading.curable,
            findings=tuple(findings),
            ungrounded=ungrounded,
            missing=tuple(missing),
            unknown={f: admitted.rejected.get(f, why) for f, why in unknown.items()},
            approvals=tuple(dict.fromkeys(approvals)),
            obligations=tuple(obligations),
            legal_day=admitted.day,
            rulebook=self.book.digest,
            asset=asset,
            hypothetical=hypothetical,
            alarm=alarm,
        )

    def _grounded(self, track: ir.Track, reading: Reading, known: ir.Known) -> set[str]:
        """Jurisdictions in which the track has its ground."""
        return {
            r.article.jurisdiction
            for _, r in _bits(self.book.rules, reading.fired)
            if r.track == track.id
            and (r.effect is Effect.GROUND or known.get(r.approval) == "given")
        }


def unmet(needs: ir.Condition, known: ir.Known) -> list[str]:
    """The facts of those conjuncts of `needs` that are not true, each once."""
    parts = needs.of if isinstance(needs, ir.All) else (needs,)
    return list(
        dict.fromkeys(
            f
            for p in parts
            if evaluate(p, known) is not True
            for f in ir.facts_read(p)
            if f != LEGAL_DAY
        )
    )


def difference(book: ir.Rulebook, a: Reading, b: Reading) -> str:
    """Which rules, or which part of the fold, two readings disagree on."""
    rules = a.fired ^ b.fired | a.undetermined ^ b.undetermined | a.met ^ b.met
    named = [r.id for _, r in _bits(book.rules, rules)]
    return f"two readings differ on {', '.join(named) if named else 'the outcome'}"


def _bits(rules: Sequence[ir.Rule], mask: int) -> list[tuple[int, ir.Rule]]:
    found = []
    while mask:
        i = (mask & -mask).bit_length() - 1
        found.append((i, rules[i]))
        mask &= mask - 1
    return found


def _finding(rule: ir.Rule, truth: Truth, met: bool | None) -> RuleFinding:
    return RuleFinding(
        rule=rule.id,
        effect=rule.effect,
        truth=truth,
        article=rule.article.id,
        instrument=rule.article.instrument,
        rank=rule.article.rank,
        says=rule.says,
        party=rule.party,
        facts=rule.facts,
        met=met,
    )
