"""Coverage by worked cases: each rule true, undetermined and silent, each atom true and false."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from heyi.model.fact import Source, Stated
from heyi.policy.engines.interpret import Ternary, evaluate
from heyi.policy.language import ir
from heyi.policy.language.schema import LEGAL_DAY, admit, to_ordinals


@dataclass(slots=True)
class Tried:
    """The truth values of a rule, its `needs` and its atoms over all cases."""

    rule: ir.Rule
    truths: set[Ternary] = field(default_factory=set)
    needs: set[Ternary] = field(default_factory=set)
    atoms: dict[ir.Condition, set[Ternary]] = field(default_factory=dict)

    @property
    def complete(self) -> bool:
        """The rule had all three truth values, and each atom but those on the legal day had two."""
        return self.truths == {True, False, None} and not self.untried

    @property
    def untried(self) -> list[tuple[ir.Condition, bool]]:
        """Atoms with a truth value that they had in no case, except atoms on the legal day."""
        return [
            (atom, truth)
            for atom, seen in self.atoms.items()
            for truth in (True, False)
            if truth not in seen and LEGAL_DAY not in ir.facts_read(atom)
        ]


def condition_coverage(book: ir.Rulebook) -> list[Tried]:
    """The coverage of each rule by all cases of the rulebook."""
    tried = [
        Tried(rule, atoms={atom: set() for c in (rule.applies, rule.needs) for atom in _atoms(c)})
        for rule in book.rules
    ]
    for case in book.cases:
        stated = {
            name: Stated(
                value=book.schema.spec(name).check(v),
                source=Source[case.sources.get(name, "attested").upper()],
            )
            for name, v in case.given.items()
        }
        known = to_ordinals(admit(book.schema, stated, day=case.at).known)
        for record in tried:
            rule = record.rule
            record.truths.add(evaluate(rule.applies, known))
            record.needs.add(evaluate(rule.needs, known))
            for atom in (*_atoms(rule.applies), *_atoms(rule.needs)):
                record.atoms[atom].add(evaluate(atom, known))
    return tried


def _atoms(condition: ir.Condition) -> Iterator[ir.Condition]:
    match condition:
        case ir.Not(of):
            yield from _atoms(of)
        case ir.All(of) | ir.Some(of):
            for part in of:
                yield from _atoms(part)
        case ir.Constant():
            return
        case _:
            yield condition
