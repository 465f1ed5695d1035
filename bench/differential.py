"""One rulebook, five readings: a long run over many requests that must find no difference.

    python -m bench.differential [--requests 1000000] [--seed 1]        (make differential)

Each request goes through the interpreter, the generated Python, the merged contract, the contracts
of a chain behind their dispatcher, and the columns. z3 answers one request in 500 and all requests
at thresholds. Requests are complete or partly unknown, drawn from the schema or near complete
profiles. The first difference is printed and ends the run with exit code 1.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from random import Random

from rich.console import Console

from heyi.policy.engines.build import load_build
from heyi.policy.engines.interpret import read
from heyi.policy.language.check import compile_rulebook
from heyi.policy.language.schema import to_ordinals
from heyi.policy.proofs.boundaries import boundaries
from heyi.sources.rulebook import read_build, read_rulebook
from oracles.readings import SOLVED, Readings, draw

ROOT = Path(__file__).resolve().parents[1]
BATCH = 5_000


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "bench" / "differential.json")
    options = parser.parse_args(arguments)
    console, rng, begin = Console(highlight=False), Random(options.seed), time.monotonic()
    texts = read_rulebook()
    ready = load_build(read_build(), texts)
    if ready is None or ready.bytecode is None:
        console.print(
            "the shipped build is not that of the packs: run `make rules`", style="bold red"
        )
        return 1
    book = compile_rulebook(texts)
    readings, outcomes = Readings(book, ready.bytecode), Counter[str]()
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
