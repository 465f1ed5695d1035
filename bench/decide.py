"""Latency of one decision by the engine, beside the same rules as a hand-written function.

    python bench/decide.py [--quick] [--out FILE]        (make bench)

Both answer the same requests in one run. Before anything is timed they must agree on each.
"""

from __future__ import annotations

import argparse
import datetime as dt
import gc
import json
import platform
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import Random

from rich.console import Console
from rich.table import Table

from heyi.model.decision import Decision
from heyi.model.fact import Source, Stated
from heyi.model.kleene import Truth
from heyi.policy.decide import DecisionPoint
from heyi.policy.decision_json import decision_to_json
from heyi.policy.engines.bytecode import compile_contracts
from heyi.policy.engines.interpret import read
from heyi.policy.engines.to_python import PythonEngine
from heyi.policy.language.check import compile_rulebook
from heyi.policy.language.schema import LEGAL_DAY, admit, to_ordinals

# As a script this file belongs to no package, so Python would not find `bench` and `oracles`.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.by_hand import judge
from oracles.requests import SEED, Facts, complete_profiles, mutations
from oracles.sizes import SMALL, rulebook_of

ROOT = Path(__file__).resolve().parents[1]
REQUESTS, ROUNDS = 400, 20
QUICK_REQUESTS, QUICK_ROUNDS = 40, 3
LEFT_OUT = 5
"""Facts that are missing in the rows "facts missing"."""


# --- Agreement ------------------------------------------------------------------------------------


def as_stated(facts: Facts) -> dict[str, Stated]:
    return {n: Stated(value=v, source=Source.ATTESTED) for n, v in facts.items() if n != LEGAL_DAY}


def disagreements(point: DecisionPoint, facts: Facts) -> list[str]:
    """Where the engine and the hand-written function differ about one complete request."""
    decision = point.decide(admit(point.book.schema, as_stated(facts), day=facts[LEGAL_DAY]))
    mine = dict(
        zip(
            ("outcome", "curable", "fired", "missing", "approvals", "obligations"),
            judge(facts),
            strict=True,
        )
    )
    engine = {
        "outcome": decision.outcome.value,
        "curable": decision.curable,
        "fired": [f.rule for f in decision.findings if f.truth is Truth.TRUE],
        "missing": [m.fact for m in decision.missing],
        "approvals": list(decision.approvals),
        "obligations": [o.rule for o in decision.obligations],
    }
    found = [f"{k}: engine {engine[k]}, by hand {mine[k]}" for k in engine if engine[k] != mine[k]]
    if decision.unknown or decision.alarm:
        found.append(
            f"the engine finds something unknown or strange: {decision.unknown} {decision.alarm}"
        )
    return found


# --- Measurement ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Way:
    """One way to get an answer, with a prepared call for each request."""

    id: str
    label: str
    calls: Sequence[Callable[[], object]]


def ways(point: DecisionPoint, requests: Sequence[Facts], rng: Random) -> list[Way]:
    book, engine = point.book, PythonEngine(point.book)

    def decide(stated: Mapping[str, Stated], day: dt.date) -> Decision:
        return point.decide(admit(book.schema, stated, day=day))

    def decide_json(stated: Mapping[str, Stated], day: dt.date) -> str:
        return json.dumps(decision_to_json(decide(stated, day)), ensure_ascii=False)

    whole = [(as_stated(f), f[LEGAL_DAY]) for f in requests]
    partly = []
    for stated, day in whole:
        out = set(rng.sample(list(stated), LEFT_OUT))
        partly.append(({n: s for n, s in stated.items() if n not in out}, day))
    ordinals = [to_ordinals(f) for f in requests]
    return [
        Way("by_hand", "by hand", [partial(judge, f) for f in requests]),
        Way("decide_json", "engine, to JSON text", [partial(decide_json, *w) for w in whole]),
        Way("decide", "engine, to a Decision", [partial(decide, *w) for w in whole]),
        Way(
            "decide_missing",
            f"the same, {LEFT_OUT} facts missing",
            [partial(decide, *p) for p in partly],
        ),
        Way("generated", "generated Python alone", [partial(engine.read, o) for o in ordinals]),
        Way("interpreter", "interpreter alone", [partial(read, book, o) for o in ordinals]),
    ]


def measure(table: Sequence[Way], rounds: int) -> dict[str, list[int]]:
    """Nanoseconds of each call by way, round by round, in the order of the requests.

    All ways answer a request one after another before the next request, so that all of them meet
    the same state of the machine. Which way begins rotates, since the first finds colder caches.
    """
    times: dict[str, list[int]] = {way.id: [] for way in table}
    clock = time.perf_counter_ns
    for way in table:  # warm
        for call in way.calls:
            call()
    gc.collect()
    gc.disable()
    try:
        for turn in range(rounds):
            for i in range(len(table[0].calls)):
                first = (turn + i) % len(table)
                for way in (*table[first:], *table[:first]):
                    call = way.calls[i]
                    begin = clock()
                    call()
                    times[way.id].append(clock() - begin)
    finally:
        gc.enable()
    return times


def percentile(times: Sequence[int], percent: int) -> float:
    """A percentile of nanoseconds, in microseconds, by nearest rank."""
    ordered = sorted(times)
    return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)] / 1_000


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="a smoke run: too few calls for figures to rely on"
    )
    parser.add_argument(
        "--out",
        type=Path,
        default=ROOT / "build" / "bench" / "decide.json",
        help="where figures go",
    )
    options = parser.parse_args(arguments)
    count, rounds = (QUICK_REQUESTS, QUICK_ROUNDS) if options.quick else (REQUESTS, ROUNDS)

    book = compile_rulebook(rulebook_of(len(SMALL)))
    point = DecisionPoint(book, bytecode=compile_contracts(book))
    rng, console = Random(SEED), Console(highlight=False)
    requests = [*complete_profiles(point.book).values()]
    requests += mutations(point.book, rng, count - len(requests))
    for n, facts in enumerate(requests):
        if found := disagreements(point, facts):
            console.print(
                f"request {n}: the engine and the function written by hand differ", style="bold red"
            )
            told = [*found, json.dumps(facts, default=str, ensure_ascii=False)]
            console.print("\n".join(told), markup=False, soft_wrap=True)
            return 1

    table = ways(point, requests, rng)
    times = measure(table, rounds)
    floor = percentile(times["by_hand"], 50)
    rows = [
        {
            "id": way.id,
            "label": way.label,
            "p50": percentile(times[way.id], 50),
            "p99": percentile(times[way.id], 99),
            # over the median time of each request: hardly disturbed by other processes
            "p99_of_requests": percentile(
                [sorted(times[way.id][i::count])[rounds // 2] for i in range(count)], 99
            ),
            "ratio": percentile(times[way.id], 50) / floor,
        }
        for way in table
    ]
    figures = {
        "rules": len(point.book.rules),
        "rulebook": point.book.digest,
        "requests": len(requests),
        "calls": len(requests) * rounds,
        "python": platform.python_version(),
        "quick": options.quick,
        "unit": "microseconds",
        "rows": rows,
    }
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(
        json.dumps(figures, ensure_ascii=False, indent=2) + "\n", encoding="utf-8"
    )

    shown = Table(title="One decision, microseconds")
    shown.add_column("")
    for heading in ("p50", "p99", "p99 of requests", "ratio"):
        shown.add_column(heading, justify="right")
    for row in rows:
        shown.add_row(
            str(row["label"]),
            *(f"{row[k]:.1f}" for k in ("p50", "p99", "p99_of_requests", "ratio")),
        )
    console.print(shown)
    console.print(
        f"{len(point.book.rules)} rules, {len(requests)} requests, "
        f"{len(requests) * rounds} decisions a row, Python {platform.python_version()}; "
        "by hand and engine agree on all requests"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
