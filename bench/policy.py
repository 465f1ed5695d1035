"""One decision by Heyi and by other policy engines: the same rules and requests, in one run.

    python -m bench.policy [--quick] [--sizes N...] [--out FILE]        (make bench-policy)

Rulebooks of several sizes are translated for each engine. Before anything is timed, every engine
must agree with Heyi on every complete request. Then the latency is measured, with complete facts
and with missing facts; then which facts turn a denial into a permit when they are absent.
"""

from __future__ import annotations

import argparse
import gc
import json
import platform
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from importlib.metadata import distributions
from pathlib import Path
from random import Random
from typing import Any

from rich.console import Console
from rich.table import Table

from heyi.model.decision import Outcome
from heyi.policy.engines.bytecode import compile_contracts
from heyi.policy.engines.interpret import read
from heyi.policy.language import ir
from heyi.policy.language.check import compile_rulebook
from heyi.policy.language.schema import LEGAL_DAY, to_ordinals

# As a script this file belongs to no package, so Python would not find `bench` and `oracles`.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench import batch
from bench.decide import Way, measure, percentile
from bench.engines import SMALL, Engine, engines
from oracles.requests import SEED, Facts, complete_profiles, mutations
from oracles.sizes import rulebook_of

ROOT = Path(__file__).resolve().parents[1]
MIDDLE, LARGE = 100, 300
PACKAGES = ("cedarpy", "celine-regorus", "regopy", "cel-expr-python", "common-expression-language")
SHOWN = ("p50", "p99", "ratio", "cold_p50", "cold_ratio")


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """How much is measured.

    `slow_requests` and `slow_rounds` are for slow engines and for all cold calls. Each of `denied`
    requests (`slow_denied` for slow engines) loses its facts, one at a time.
    """

    sizes: tuple[int, ...] = (SMALL, MIDDLE, LARGE)
    requests: int = 300
    rounds: int = 20
    slow_requests: int = 60
    slow_rounds: int = 5
    denied: int = 200
    slow_denied: int = 20


FULL = Scale()
QUICK = Scale(
    sizes=(SMALL,), requests=20, rounds=2, slow_requests=5, slow_rounds=2, denied=4, slow_denied=1
)


# --- Latency --------------------------------------------------------------------------------------


def requests_for(book: ir.Rulebook, rng: Random, count: int) -> tuple[list[Facts], list[Facts]]:
    """Complete requests near the profiles, and the same requests without one to eight facts."""
    whole = [*complete_profiles(book).values()][:count]
    whole += mutations(book, rng, count - len(whole))
    partly = []
    for facts in whole:
        out = set(rng.sample([n for n in facts if n != LEGAL_DAY], rng.randrange(1, 9)))
        partly.append({n: v for n, v in facts.items() if n not in out})
    return whole, partly


def disagreements(
    book: ir.Rulebook, table: Sequence[Engine], requests: Sequence[Facts]
) -> list[str]:
    """A line for each engine and complete request where permit or deny is not the interpreter's."""
    found = []
    for n, facts in enumerate(requests):
        expected = read(book, to_ordinals(facts)).outcome.is_permit
        wrong = [e.label for e in table if e.permits(e.ask(e.prepare(facts))) is not expected]
        found += [
            f"{len(book.rules)} rules, request {n}: {label} differs from Heyi" for label in wrong
        ]
    return found


def measure_warm(table: Sequence[Way], rounds: int) -> dict[str, list[int]]:
    """Nanoseconds of each call by way: in each round one way answers all requests, then the next.

    This is the state of an engine in service: its code and data stay in the caches. Which way
    begins rotates.
    """
    times: dict[str, list[int]] = {way.id: [] for way in table}
    clock = time.perf_counter_ns
    gc.collect()
    gc.disable()
    try:
        for turn in range(rounds):
            first = turn % len(table)
            for way in (*table[first:], *table[:first]):
                way.calls[0]()
                taken = times[way.id]
                for call in way.calls:
                    begin = clock()
                    call()
                    taken.append(clock() - begin)
    finally:
        gc.enable()
    return times


def latency(
    table: Sequence[Engine], requests: Sequence[Facts], scale: Scale
) -> list[dict[str, Any]]:
    """Rows in microseconds, of warm calls and of cold calls.

    Between two cold calls of an engine all the other engines answer.
    """

    def ways(chosen: Sequence[Engine], count: int) -> list[Way]:
        return [
            Way(e.id, e.label, [partial(e.ask, e.prepare(f)) for f in requests[:count]])
            for e in chosen
        ]

    cold = measure(ways(table, scale.slow_requests), scale.slow_rounds)
    warm = measure_warm(ways([e for e in table if not e.slow], scale.requests), scale.rounds)
    for engine in table:
        if engine.slow:
            warm |= measure_warm(ways([engine], scale.slow_requests), scale.slow_rounds)
    rows: list[dict[str, Any]] = [
        {
            "id": e.id,
            "label": e.label,
            "calls": len(warm[e.id]),
            "p50": percentile(warm[e.id], 50),
            "p99": percentile(warm[e.id], 99),
            "cold_p50": percentile(cold[e.id], 50),
            "cold_p99": percentile(cold[e.id], 99),
        }
        for e in table
    ]
    for row in rows:
        row["ratio"] = row["p50"] / rows[0]["p50"]
        row["cold_ratio"] = row["cold_p50"] / rows[0]["cold_p50"]
    return rows


# --- Missing facts --------------------------------------------------------------------------------


def opened_by_absence(
    table: Sequence[Engine], requests: Sequence[Facts], scale: Scale
) -> list[dict[str, Any]]:
    """By engine: how many denied requests it permits after one fact is deleted, and which facts.

    The requests are complete; Heyi denies them.
    """
    denied = [f for f in requests if table[0].ask(to_ordinals(f))[0].outcome is Outcome.DENY][
        : scale.denied
    ]
    rows = []
    for engine in table:
        deletions, permits, names = 0, 0, set()
        for facts in denied[: scale.slow_denied] if engine.slow else denied:
            for name in facts:
                if name == LEGAL_DAY:
                    continue
                deletions += 1
                if engine.permits(
                    engine.ask(engine.prepare({n: v for n, v in facts.items() if n != name}))
                ):
                    permits += 1
                    names.add(name)
        rows.append(
            {
                "id": engine.id,
                "label": engine.label,
                "deletions": deletions,
                "permits": permits,
                "facts": sorted(names),
            }
        )
    return rows


# --- The run --------------------------------------------------------------------------------------


def show(
    console: Console, title: str, rows: Sequence[Mapping[str, Any]], keys: Mapping[str, str]
) -> None:
    table = Table(title=title)
    table.add_column("")
    for heading in keys:
        table.add_column(heading.replace("_", " "), justify="right")
    for row in rows:
        table.add_row(
            str(row["label"]), *(form.format(row[heading]) for heading, form in keys.items())
        )
    console.print(table)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="a smoke run: too few calls for figures to rely on"
    )
    parser.add_argument(
        "--out",
        type=Path,
        default=ROOT / "build" / "bench" / "policy.json",
        help="where figures go",
    )
    parser.add_argument(
        "--sizes",
        type=int,
        nargs="+",
        help="numbers of rules; latency alone where 32 is not among them",
    )
    options = parser.parse_args(arguments)
    scale, console, rng = QUICK if options.quick else FULL, Console(highlight=False), Random(SEED)
    if options.sizes:
        scale = replace(scale, sizes=tuple(options.sizes))
    figures: dict[str, Any] = {
        "python": platform.python_version(),
        "packages": {d.name: d.version for d in distributions() if d.name in PACKAGES},
        "quick": options.quick,
        "unit": "microseconds",
        "latency": [],
    }
    for size in scale.sizes:
        book = compile_rulebook(rulebook_of(size))
        table = engines(book)
        whole, partly = requests_for(book, rng, scale.requests)
        if found := disagreements(
            book, table, whole[: scale.slow_requests] if options.quick else whole
        ):
            console.print("\n".join(found), style="bold red", markup=False)
            return 1
        for facts, requests in (("complete", whole), ("missing", partly)):
            rows = latency(table, requests, scale)
            figures["latency"].append(
                {"rules": size, "facts": facts, "requests": len(requests), "rows": rows}
            )
            title = f"One decision, {size} rules, facts {facts}, microseconds"
            show(console, title, rows, dict.fromkeys(SHOWN, "{:.1f}"))
        if size == SMALL:
            more = whole + mutations(book, rng, 10 * scale.denied)
            figures["missing_facts"] = opened_by_absence(table, more, scale)
        figures.setdefault("alone", []).extend(batch.alone(size, 5 if options.quick else 21))
        gc.collect()
    shown = dict.fromkeys(("p50", "p99", "p99_of_requests"), "{:.1f}")
    show(console, "The lockstep alone, microseconds", figures["alone"], shown)
    if SMALL not in scale.sizes:
        return _written(options.out, figures)
    title = f"A fact deleted from a denied request, {SMALL} rules: what is permitted"
    show(console, title, figures["missing_facts"], {"deletions": "{:,}", "permits": "{:,}"})

    figures["columns"] = (
        batch.columns(4_000, 2, (SMALL,)) if options.quick else batch.columns(1_000_000, 5)
    )
    show(
        console,
        "Columns, requests a second",
        figures["columns"],
        {"encoded": "{:,.0f}", "from_arrow": "{:,.0f}"},
    )
    figures["proofs"] = batch.proofs(1 if options.quick else 5)
    console.print("proofs:", figures["proofs"])
    if not options.quick:
        codes = {
            n: (b := compile_rulebook(rulebook_of(n)), compile_contracts(b)) for n in scale.sizes
        }
        figures["contracts"] = batch.contracts(scale.sizes, codes)
        keys = ("merged_bytes", "parts", "largest_bytes", "gas", "gas_missing", "gas_chain")
        show(
            console,
            "Contracts: bytes deployed, most gas",
            figures["contracts"],
            dict.fromkeys(keys, "{:,}"),
        )
        figures["loading"] = batch.loading(5)
        show(
            console,
            "Loading a built rulebook",
            figures["loading"],
            {"load_ms": "{:.1f}", "bytes": "{:,}"},
        )
        figures["memory"] = batch.memory(1_000_000)
        console.print("memory:", figures["memory"])

    return _written(options.out, figures)


def _written(path: Path, figures: Mapping[str, Any]) -> int:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(figures, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
