"""One rulebook, five readings: a long run over random and boundary requests that must find no difference.

    python bench/differential.py [--requests 1000000] [--seed 1]        (make differential)

Every request goes through the interpreter, the generated Python, the merged contract, the contracts of a chain behind
their dispatcher, and the columns; a sample of them and every boundary through z3. Requests are complete or partly
unknown, drawn from the schema or near complete profiles. The first difference is printed and ends the run with 1.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random

import z3
from rich.console import Console

from bench.requests import complete_profiles, values_to_draw
from heyi.model.fact import Value
from heyi.policy.engines.build import load_build
from heyi.policy.engines.bytecode import Bytecode, BytecodeEngine
from heyi.policy.engines.interpret import Reading, read
from heyi.policy.engines.to_columns import ColumnEngine, encode
from heyi.policy.engines.to_python import ANSWERS, PythonEngine
from heyi.policy.engines.to_smt import Question, SymbolicFacts
from heyi.policy.engines.to_smt import SymbolicReading as Formulas
from heyi.policy.language import ir
from heyi.policy.language.check import compile_rulebook
from heyi.policy.language.schema import LEGAL_DAY, to_ordinals
from heyi.policy.proofs.boundaries import boundaries
from heyi.sources.rulebook import read_build, read_rulebook

ROOT = Path(__file__).resolve().parents[1]
BATCH = 5_000
SOLVED = 500
"""One of so many requests goes through the solver too."""
UNKNOWN = (0.0, 0.02, 0.1, 0.3, 0.6, 0.9)


class Readings:
    """All readings of one rulebook."""

    def __init__(self, book: ir.Rulebook, code: Bytecode, python: str | None = None) -> None:
        self.book = book
        self.engines = {
            "python": PythonEngine(book, python).read,
            "bytecode": BytecodeEngine(book, code).read,
            "chain": BytecodeEngine(book, code, on_chain=True).read,
        }
        self.columns = ColumnEngine(book)
        self.solver = Solved(book)

    def difference(self, requests: Sequence[ir.Known], *, solved: bool = False) -> str | None:
        """The first request on which two readings differ, told; None where there is none."""
        columns = self.columns.read(encode(self.book.schema, requests))
        for i, known in enumerate(requests):
            oracle = read(self.book, known)
            others = {name: engine(known) for name, engine in self.engines.items()}
            others["columns"] = columns.reading(i)
            if solved or i % SOLVED == 0:
                others["z3"] = self.solver.read(known)
            for name, reading in others.items():
                if reading != oracle:
                    return f"{name} differs from the interpreter\n{name}: {reading}\noracle: {oracle}\nfacts: {known}"
        return None


class Solved:
    """The z3 reading of single requests: the formulas of the rulebook under the values of the facts."""

    def __init__(self, book: ir.Rulebook) -> None:
        self._book = book
        self._facts = SymbolicFacts(book.schema)
        self._formulas = Formulas(book, self._facts)
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
    return sum(bit << i for i, bit in enumerate(bits))


def draw(book: ir.Rulebook, rng: Random) -> Iterator[dict[str, Value]]:
    """Requests without end: near a complete profile, or from the schema; with more or fewer facts unknown."""
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


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "bench" / "differential.json")
    options = parser.parse_args(arguments)
    console, rng, begin = Console(highlight=False), Random(options.seed), time.monotonic()
    texts = read_rulebook()
    ready = load_build(read_build(), texts)
    if ready is None:
        console.print(
            "the shipped build is not that of the packs: run `make rules`", style="bold red"
        )
        return 1
    book = compile_rulebook(texts)
    readings, outcomes = Readings(book, ready.bytecode, ready.python), Counter[str]()
    around = [to_ordinals(r) for b in boundaries(book) for r in b.requests]
    found = readings.difference(around, solved=True)
    source, done = draw(book, rng), 0
    while found is None and done < options.requests:
        batch = [to_ordinals(next(source)) for _ in range(min(BATCH, options.requests - done))]
        found = readings.difference(batch)
        done += len(batch)
        outcomes.update(read(book, known).outcome.value for known in batch[::50])
    seconds = time.monotonic() - begin
    if found is not None:
        console.print(found, markup=False, soft_wrap=True)
    figures = {
        "rules": len(book.rules),
        "rulebook": book.digest,
        "requests": done,
        "boundary_requests": len(around),
        "readings": ["interpreter", *readings.engines, "columns", "z3"],
        "solved": len(around) + -(-done // SOLVED),
        "differences": 0 if found is None else 1,
        "outcomes_sampled": dict(sorted(outcomes.items())),
        "seed": options.seed,
        "seconds": round(seconds, 1),
    }
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    console.print_json(data=figures)
    return 0 if found is None else 1


if __name__ == "__main__":
    sys.exit(main())
