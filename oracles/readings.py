"""The five readings of a rulebook and z3, compared request by request, and requests for that."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from random import Random

import z3

from heyi.model.fact import Value
from heyi.policy.engines.bytecode import Bytecode, BytecodeEngine
from heyi.policy.engines.interpret import Reading, read
from heyi.policy.engines.to_columns import ColumnEngine, encode
from heyi.policy.engines.to_python import ANSWERS, PythonEngine
from heyi.policy.engines.to_smt import Question, SymbolicFacts
from heyi.policy.engines.to_smt import SymbolicReading as Formulas
from heyi.policy.language import ir
from heyi.policy.language.schema import LEGAL_DAY
from oracles.requests import complete_profiles, values_to_draw

SOLVED = 500
"""One request of this many goes through the solver too, which is slow."""
UNKNOWN = (0.0, 0.02, 0.1, 0.3, 0.6, 0.9)
"""Shares of unknown facts to draw from."""


class Readings:
    """All readings of one rulebook; the interpreter is the oracle for the others."""

    def __init__(self, book: ir.Rulebook, code: Bytecode) -> None:
        self.book = book
        self.engines = {
            "python": PythonEngine(book).read,
            "bytecode": BytecodeEngine(book, code).read,
            "chain": BytecodeEngine(book, code, on_chain=True).read,
        }
        self.columns = ColumnEngine(book)
        self.solver = Solved(book)

    def difference(self, requests: Sequence[ir.Known], *, solved: bool = False) -> str | None:
        """The first request on which a reading differs from the interpreter, in words, or None.

        With `solved`, z3 answers every request, not only one of `SOLVED`.
        """
        columns = self.columns.read(encode(self.book.schema, requests))
        for i, known in enumerate(requests):
            oracle = read(self.book, known)
            others = {name: engine(known) for name, engine in self.engines.items()}
            others["columns"] = columns.reading(i)
            if solved or i % SOLVED == 0:
                others["z3"] = self.solver.read(known)
            for name, reading in others.items():
                if reading != oracle:
                    return (
                        f"{name} differs from the interpreter\n"
                        f"{name}: {reading}\noracle: {oracle}\nfacts: {known}"
                    )
        return None


class Solved:
    """The z3 reading of one request at a time: the rulebook's formulas, with the facts as given."""

    def __init__(self, book: ir.Rulebook) -> None:
        self._book = book
        self._facts = SymbolicFacts(book.schema)
        self._formulas = Formulas(book, self._facts)
        # `known` makes the symbol of a fact when it is first asked. The question collects the
        # symbols, so all of them must exist before it is made.
        for spec in book.schema.facts.values():
            if spec.slot is not None:
                self._facts.known(spec.id)
        self._question = Question(self._facts)

    def read(self, known: ir.Known) -> Reading:
        schema, facts, formulas = self._book.schema, self._facts, self._formulas
        unknown = [
            z3.Not(facts.known(n))
            for n, s in schema.facts.items()
            if s.slot is not None and n not in known
        ]
        model = self._question.can(*facts.given(known), *unknown)
        assert model is not None, "the solver refuses facts that the schema allows"

        def true(formula: object) -> bool:
            return bool(z3.is_true(model.eval(formula, model_completion=True)))

        fired = [true(formulas.fired[r.id]) for r in self._book.rules]
        may = [true(formulas.may[r.id]) for r in self._book.rules]
        met = [r.id in formulas.met and true(formulas.met[r.id]) for r in self._book.rules]
        severity = max(
            (level for level in range(1, 5) if true(formulas.at_least(level))), default=0
        )
        # Two bits for each track: 01 is certainly open, 10 may be open, 00 is closed.
        tracks = 0
        for t, track in enumerate(self._book.tracks):
            opened, certain = true(formulas.opened[track.id]), true(facts.true(track.opens))
            tracks |= certain << 2 * t | (opened and not certain) << 2 * t + 1
        return Reading(
            _mask(fired),
            _mask([m and not f for m, f in zip(may, fired, strict=True)]),
            _mask(met),
            tracks,
            *ANSWERS[severity],
        )


def _mask(bits: Sequence[bool]) -> int:
    """Bit i is the answer of rule i."""
    return sum(bit << i for i, bit in enumerate(bits))


def draw(book: ir.Rulebook, rng: Random) -> Iterator[dict[str, Value]]:
    """Endless requests: three of five near a complete profile, the others drawn from the schema.

    The share of unknown facts is one of `UNKNOWN`; the legal day is always known.
    """
    profiles, pool = list(complete_profiles(book).values()), values_to_draw(book)
    names = [n for n in pool if n != LEGAL_DAY]
    while True:
        if profiles and rng.random() < 0.6:
            facts = dict(rng.choice(profiles))
            facts |= {n: rng.choice(pool[n]) for n in rng.sample(names, rng.randrange(9))}
        else:
            facts = {n: rng.choice(pool[n]) for n in names}
        if LEGAL_DAY not in facts or rng.random() < 0.25:
            facts[LEGAL_DAY] = rng.choice(pool[LEGAL_DAY])
        share = rng.choice(UNKNOWN)
        yield {n: v for n, v in facts.items() if n == LEGAL_DAY or rng.random() >= share}
