"""Comparison of two rulebooks: stricter, looser, both or the same, each shown by a request."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from heyi.model.decision import Outcome
from heyi.model.errors import InvalidInput
from heyi.model.fact import Value
from heyi.policy.engines.interpret import read, severity
from heyi.policy.engines.solver import z3
from heyi.policy.engines.to_smt import Bool, Question, SymbolicFacts, SymbolicReading
from heyi.policy.language import ir
from heyi.policy.language.schema import LEGAL_DAY, FactSpec, Schema, to_ordinals
from heyi.policy.proofs.prove import reduced

Answer = tuple[Outcome, bool]


@dataclass(frozen=True, slots=True)
class DifferingRequest:
    """A request with its outcome and curability before and after."""

    request: Mapping[str, Value]
    before: Answer
    after: Answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """The differences between two rulebooks; rules are by id.

    A rule is `changed` when it applies to, or is met by, other requests, or has another effect. It
    is `reworded` when only its text differs. `weaker` and `stronger` are facts whose weakest source
    that counts has become weaker or stronger. `stricter` and `looser` are requests as evidence.
    """

    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[str, ...]
    reworded: tuple[str, ...]
    weaker: tuple[str, ...]
    stronger: tuple[str, ...]
    stricter: DifferingRequest | None
    looser: DifferingRequest | None

    @property
    def verdict(self) -> str:
        match (
            self.stricter is not None or bool(self.stronger),
            self.looser is not None or bool(self.weaker),
        ):
            case True, True:
                return "both"
            case True, False:
                return "stricter"
            case False, True:
                return "looser"
        return "same"


def compare(old: ir.Rulebook, new: ir.Rulebook) -> Comparison:
    """Compare the answers of two rulebooks to all requests on all days.

    Complete requests are preferred as evidence.

    Raises:
        InvalidInput: a fact means different things in the two.
        TimeoutError: the solver gave up.
    """
    facts = SymbolicFacts(_union(old.schema, new.schema))
    before, after, question = (
        SymbolicReading(old, facts),
        SymbolicReading(new, facts),
        Question(facts),
    )
    question.always(facts.known(LEGAL_DAY))

    # a request to which `one` answers more severely than `other`
    def example(
        one: SymbolicReading, other: SymbolicReading, differs: Callable[[int], bool]
    ) -> DifferingRequest | None:
        harder = z3.Or([z3.And(one.at_least(k), z3.Not(other.at_least(k))) for k in range(1, 5)])
        model = question.can(harder, facts.all_known()) or question.can(harder)
        if model is None:
            return None

        def counts(request: Mapping[str, Value]) -> bool:
            was, is_ = answers(request)
            return differs(severity(*is_) - severity(*was))

        request = facts.request(model)
        if not counts(request):
            raise AssertionError(f"solver and interpreter differ on {request}")
        shown = answers(request)
        return DifferingRequest(reduced(request, lambda less: answers(less) == shown), *shown)

    def answers(request: Mapping[str, Value]) -> tuple[Answer, Answer]:
        known = to_ordinals(request)
        was, is_ = read(old, known), read(new, known)
        return (was.outcome, was.curable), (is_.outcome, is_.curable)

    changed, reworded = _changed(old, new, facts, question)
    return Comparison(
        added=tuple(n for n in new.by_id if n not in old.by_id),
        removed=tuple(n for n in old.by_id if n not in new.by_id),
        changed=changed,
        reworded=reworded,
        weaker=_resourced(old.schema, new.schema, weaker=True),
        stronger=_resourced(old.schema, new.schema, weaker=False),
        stricter=example(after, before, lambda step: step > 0),
        looser=example(before, after, lambda step: step < 0),
    )


def _union(old: Schema, new: Schema) -> Schema:
    """The facts of both schemas, with the longer of two vocabularies.

    Raises:
        InvalidInput: a fact means different things in the two.
    """
    for name in (n for n in old.facts if n in new.facts):
        a, b = old.facts[name], new.facts[name]
        if _means(a) != _means(b) or not _extends(a, b):
            raise InvalidInput(
                f"`{name}` is another fact in the two rulebooks",
                hint="give the new one another name",
            )
    # vocabularies grow at their end, so the longer one has the members of both
    both = {
        n: s
        for n, s in old.facts.items()
        if n not in new.facts or len(s.values) > len(new.facts[n].values)
    }
    return Schema(facts={**new.facts, **both}, tracks=new.tracks)


def _means(spec: FactSpec) -> tuple[object, ...]:
    """The parts of a fact that must be equal in both rulebooks."""
    return spec.type, bool(spec.derived), spec.minimum, spec.maximum


def _extends(a: FactSpec, b: FactSpec) -> bool:
    """Whether one vocabulary is the other with members appended."""
    return all(x == y for x, y in zip(a.values, b.values, strict=False))


def _resourced(old: Schema, new: Schema, *, weaker: bool) -> tuple[str, ...]:
    """The facts whose weakest source that counts has become weaker; else those with a stronger."""
    moved = [n for n in new.facts if n in old.facts and new.facts[n].source != old.facts[n].source]
    return tuple(n for n in moved if (new.facts[n].source < old.facts[n].source) is weaker)


def _changed(
    old: ir.Rulebook, new: ir.Rulebook, facts: SymbolicFacts, question: Question
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    changed, reworded = [], []
    for name, rule in new.by_id.items():
        if name not in old.by_id:
            continue
        was = old.by_id[name]
        if _does(was) != _does(rule) or any(
            a != b and _differ(a, b, facts, question)
            for a, b in ((was.applies, rule.applies), (was.needs, rule.needs))
        ):
            changed.append(name)
        elif (was.says, was.deadline, was.applies, was.needs) != (
            rule.says,
            rule.deadline,
            rule.applies,
            rule.needs,
        ):
            reworded.append(name)
    return tuple(changed), tuple(reworded)


def _does(rule: ir.Rule) -> tuple[object, ...]:
    """What a rule does where it applies."""
    return (
        rule.effect,
        rule.article.jurisdiction,
        rule.article.rank,
        rule.party,
        rule.authority,
        rule.track,
        rule.baseline,
    )


def _differ(a: ir.Condition, b: ir.Condition, facts: SymbolicFacts, question: Question) -> bool:
    """Whether the two conditions differ on some request, complete or not."""
    other: Bool = z3.Or(facts.true(a) != facts.true(b), facts.not_false(a) != facts.not_false(b))
    return question.can(other) is not None
