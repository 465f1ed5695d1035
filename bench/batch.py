"""What the latency of a decision does not show: throughput, proofs, gas, loading, memory."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pyarrow as pa

from bench.decide import percentile
from heyi.model.fact import Value
from heyi.policy.cases import load_rulebook
from heyi.policy.decide import DecisionPoint
from heyi.policy.engines.build import build, load_build
from heyi.policy.engines.bytecode import (
    CHAIN_LIMIT,
    Bytecode,
    BytecodeEngine,
    compile_contracts,
    deployed_size,
)
from heyi.policy.engines.to_columns import ColumnEngine, EncodedColumns, encode
from heyi.policy.language import ir
from heyi.policy.language.check import compile_rulebook
from heyi.policy.language.schema import LEGAL_DAY, FactType, to_ordinals
from heyi.policy.proofs.prove import Prover
from heyi.sources.request_table import encode_table
from heyi.sources.rulebook import read_rulebook
from oracles.requests import mutations
from oracles.sizes import rulebook_of

Facts = dict[str, Value]
TYPES = {
    FactType.BOOL: pa.bool_(),
    FactType.INT: pa.int64(),
    FactType.ENUM: pa.string(),
    FactType.SET: pa.list_(pa.string()),
    FactType.DATE: pa.date32(),
}
CLAIMS = (
    'no request with border.export && data.national == "core" is ever permitted',
    "no request with consent.withdrawn && consent.based && data.personal is ever permitted",
    (
        "no request with data.sensitive && act.leaves && consent.based && !consent.separate"
        " is ever permitted"
    ),
    "every request with pay.for_data && data.personal is denied",
    'no request with data.genetic == "material" && recipient.foreign_control is ever permitted',
    "no request with data.secret is ever permitted",
    'no request with act.action == "publish" && data.personal is ever permitted',
    (
        "no request with subjects.min_age < 14 && consent.based && !consent.guardian"
        " && data.personal is ever permitted"
    ),
    'no request with recipient.kind == "foreign_judicial" is ever permitted',
    (
        'every request with act.purpose == "marketing" && basis.kind == "none" && data.personal'
        " is denied"
    ),
    'no request with legal_day < date("2021-11-01") && data.personal is ever permitted',
    'no request with data.level >= 4 && act.delivery == "identifiable" is ever permitted',
)


def middle(call: Callable[[], object], rounds: int) -> float:
    """Seconds of a call, median of `rounds` calls."""
    times = []
    for _ in range(rounds):
        begin = time.perf_counter()
        call()
        times.append(time.perf_counter() - begin)
    return sorted(times)[len(times) // 2]


def _read_table(engine: ColumnEngine, table: Any, book: ir.Rulebook) -> object:
    return engine.read(encode_table(table, book.schema, day=None))


def columns(rows: int, rounds: int, sizes: Sequence[int] = (32, 100)) -> list[dict[str, Any]]:
    """Rows decided per second, from encoded columns and from Arrow; 5 % of facts unknown."""
    found = []
    for rules in sizes:
        book, rng = compile_rulebook(rulebook_of(rules)), Random(3)
        requests = [unknown(f, rng, 0.05) for f in mutations(book, rng, 2_000)]
        few = encode(book.schema, [to_ordinals(f) for f in requests])
        wide = EncodedColumns(rows, {n: np.resize(c, rows) for n, c in few.facts.items()})
        engine = ColumnEngine(book)
        table = arrow_table(book, requests, rows // 4)
        found.append(
            {
                "label": f"{rules} rules",
                "rows": rows,
                "distinct_rows": len(requests),
                "encoded": rows / middle(partial(engine.read, wide), rounds),
                "from_arrow": table.num_rows
                / middle(partial(_read_table, engine, table, book), rounds),
            }
        )
    return found


def unknown(facts: Facts, rng: Random, share: float) -> Facts:
    """The facts without a random share of them; the legal day stays."""
    return {n: v for n, v in facts.items() if n == LEGAL_DAY or rng.random() >= share}


def arrow_table(book: ir.Rulebook, requests: Sequence[Facts], rows: int) -> Any:
    """An Arrow table of `rows` requests as a real data set has it: strings, lists, nulls."""
    plain = [
        {k: sorted(v) if isinstance(v, frozenset) else v for k, v in facts.items()}
        for facts in requests
    ]
    kinds = [(s.id, TYPES[s.type]) for s in book.schema.facts.values() if s.slot is not None]
    table = pa.Table.from_pylist(plain, schema=pa.schema(kinds))
    return pa.concat_tables([table] * -(-rows // len(requests))).slice(0, rows).combine_chunks()


def proofs(rounds: int) -> dict[str, Any]:
    """Milliseconds of a proof or a counterexample over the shipped rulebook."""
    book = compile_rulebook(read_rulebook())
    times, proved = [], 0
    for _ in range(rounds):
        begin = time.perf_counter()
        # A new prover each round: a solver learns from earlier questions.
        prover = Prover(book)
        making = time.perf_counter() - begin
        for claim in CLAIMS:
            begin = time.perf_counter()
            answer = prover.prove(claim)
            times.append((time.perf_counter() - begin) * 1e3)
            proved += answer.proved
    times.sort()
    return {
        "claims": len(CLAIMS),
        "proved": proved // rounds,
        "median_ms": times[len(times) // 2],
        "max_ms": times[-1],
        "making_ms": making * 1e3,
    }


def contracts(
    sizes: Sequence[int], codes: Mapping[int, tuple[ir.Rulebook, Bytecode]]
) -> list[dict[str, Any]]:
    """Gas of a decision as a transaction, and bytes deployed, in process and on a chain.

    Raises:
        ValueError: a contract is too large to be deployed on a chain.
    """
    found = []
    for size in sizes:
        book, code = codes[size]
        rng = Random(4)
        requests = [to_ordinals(f) for f in mutations(book, rng, 50)]
        partly = [
            {n: v for n, v in k.items() if n == LEGAL_DAY or rng.random() > 0.1} for k in requests
        ]
        merged, chain = BytecodeEngine(book, code), BytecodeEngine(book, code, on_chain=True)
        parts = [deployed_size(part) for part in code.parts]
        largest = max(*parts, len(code.dispatcher) // 2)
        if largest >= CHAIN_LIMIT:
            raise ValueError(f"a contract for a chain has {largest:,} bytes")
        found.append(
            {
                "label": f"{size} rules",
                "merged_bytes": merged.size,
                "parts": len(parts),
                "largest_bytes": largest,
                "gas": max(merged.gas(k) for k in requests),
                "gas_missing": max(merged.gas(k) for k in partly),
                "gas_chain": max(chain.gas(k) for k in partly),
            }
        )
    return found


def loading(rounds: int) -> list[dict[str, Any]]:
    """Milliseconds from texts and build files to a `DecisionPoint` that answers."""
    found = []
    for texts in (read_rulebook(), rulebook_of(300)):
        book = compile_rulebook(texts)
        files = build(book)
        assert load_build(files, texts) is not None
        seconds = middle(lambda f=files, t=texts: load_rulebook(t, f), rounds)  # type: ignore[misc]
        size = sum(map(len, files.values()))
        found.append({"label": f"{len(book.rules)} rules", "load_ms": seconds * 1e3, "bytes": size})
    return found


def memory(decisions: int) -> dict[str, Any]:
    """Resident memory of the process before and after many lockstep decisions, in MiB."""
    book = compile_rulebook(rulebook_of(32))
    point, rng = DecisionPoint(book, bytecode=compile_contracts(book)), Random(5)
    requests = [to_ordinals(unknown(f, rng, 0.05)) for f in mutations(book, rng, 2_000)]
    for known in requests * 5:
        point.judge(known)
    before = resident()
    for i in range(decisions):
        point.judge(requests[i % len(requests)])
    return {
        "decisions": decisions,
        "before_mib": before,
        "after_mib": resident(),
        "peak_mib": peak(),
    }


def resident() -> float:
    """Resident memory of this process now, in MiB."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize() / 2**20


def peak() -> float:
    """The largest resident memory that this process had, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10


def alone(rules: int, rounds: int) -> list[dict[str, Any]]:
    """Microseconds of the lockstep, with no other engine between its calls.

    `p50` and `p99` are over all calls. `p99_of_requests` is over the median time of each request,
    so it hardly contains pauses that other processes caused.
    """
    book = compile_rulebook(rulebook_of(rules))
    point, rng = DecisionPoint(book, bytecode=compile_contracts(book)), Random(1)
    whole = mutations(book, rng, 300)
    found = []
    for label, requests in (
        ("complete", whole),
        ("missing", [unknown(f, rng, 0.06) for f in whole]),
    ):
        calls = [to_ordinals(f) for f in requests]
        times: list[list[int]] = [[] for _ in calls]
        for _ in range(rounds):
            for own, known in zip(times, calls, strict=True):
                begin = time.perf_counter_ns()
                point.judge(known)
                own.append(time.perf_counter_ns() - begin)
        # the first round of each request warms caches and is left out
        every = [t for own in times for t in own[1:]]
        middles = [sorted(own)[rounds // 2] for own in times]
        p50, p99 = percentile(every, 50), percentile(every, 99)
        row = {
            "label": f"{rules} rules, {label}",
            "p50": p50,
            "p99": p99,
            "p99_of_requests": percentile(middles, 99),
        }
        found.append(row)
    return found
