"""Shapley values by Heyi and by other libraries: exact, sampled, and ten institutions end to end.

    python -m bench.shapley [--quick]        (make bench-shapley)

- Exact: the same utilities, given as an array, on one core; seconds.
- Sampled: six games with known values, the same number of evaluations; normalised squared error.
- End to end: ten institutions with a hundred records each, every coalition's model fitted; seconds.
  Heyi goes from permits to a certified settlement, pyDVL from grouped records to values.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from bench.contributions import heart
from bench.games import games_of
from heyi.crypto.canonical import canonical, from_canonical
from heyi.exchange.consortium import PLATFORM
from heyi.exchange.study.joint_study import run_study
from heyi.exchange.study.plan import Site
from heyi.exchange.study.valuation import FITS
from heyi.model.party import Tier
from heyi.settlement.certificate import certify, verify_certificate
from heyi.settlement.exact import shapley_of_floats, shapley_of_integers
from heyi.settlement.game import Game
from heyi.settlement.pot import Pot
from heyi.settlement.sampled import estimate, plan
from heyi.sources.study_file import read_study
from oracles.heart import log_odds

ROOT = Path(__file__).resolve().parents[1]
PEERS = ROOT / "build" / "peers" / "bin" / "python"
SCRIPT = ROOT / "bench" / "shapley_peers.py"
SEED = 3
GAMES = ("coverage", "saturating", "airport", "voting", "unanimity", "pairs")
NOTHING = 1e-12
"""Normalised squared errors below this are rounding, so they count as equal."""


def peer(**task: Any) -> dict[str, Any]:
    """Let the environment of the other libraries do a task; returns its answer.

    The tasks are described in `bench/shapley_peers.py`.
    """
    if not PEERS.exists():
        raise SystemExit("the other libraries are not installed: make peers")
    done = subprocess.run(
        [str(PEERS), str(SCRIPT)],
        input=json.dumps(task),
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": "", "OPENBLAS_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1"},
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"a peer failed: {done.stderr[-2000:]}")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def exact(sizes: list[int], slow: int) -> list[dict[str, Any]]:
    """Seconds of each way, for each number of players in `sizes`; shapiq and shap up to `slow`.

    Raises:
        SystemExit: a library has other values.
    """
    found = []
    for n in sizes:
        values = np.random.default_rng(n).integers(0, 10**9, 1 << n)
        values[0] = 0
        floats = values.astype(np.float64)
        row: dict[str, Any] = {"players": n}
        times: dict[str, list[float]] = {"integers": [], "floats": []}
        for _ in range(7):
            begun = time.perf_counter()
            fractions = shapley_of_integers(values)
            times["integers"].append(time.perf_counter() - begun)
            begun = time.perf_counter()
            phi = shapley_of_floats(floats)
            times["floats"].append(time.perf_counter() - begun)
        row |= {way: statistics.median(t) for way, t in times.items()}
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "values.npy"
            np.save(file, floats)
            for library in ("textbook", "shap", "shapiq"):
                if library == "textbook" or n <= slow:
                    got = peer(do="exact", **{"with": library}, file=str(file))
                    row[library] = got["seconds"]
                    worst = max(
                        abs(a - float(b)) for a, b in zip(got["phi"], fractions, strict=True)
                    )
                    if (
                        worst > 1e-6 * float(values[-1])
                        or np.abs(phi - np.array(got["phi"])).max() > 1e-3
                    ):
                        raise SystemExit(f"{library} has other values")
        found.append(row)
    return found


def sampled(
    cases: list[tuple[int, int]], seeds: list[int], names: Sequence[str] = GAMES
) -> list[dict[str, Any]]:
    """Normalised squared errors by game, for each case of (players, evaluations per player).

    The error is sum (estimate - value)² / sum value², the mean over the seeds.
    """
    found = []
    for n, factor in cases:
        for name in names:
            game = games_of(n, SEED)[name]
            phi = game.value()

            def error(estimated: Any, phi: Any = phi) -> float:
                return float(((np.asarray(estimated) - phi) ** 2).sum() / (phi**2).sum())

            total = float(game.utility(np.ones((1, n), dtype=bool))[0])
            own = []
            for seed in seeds:
                drawn = plan(n, factor * n, seed)
                own.append(
                    error(estimate(drawn, game.utility(drawn.coalitions).astype(float), total).phi)
                )
            got = peer(
                do="sampled", players=n, game=name, seed=SEED, evaluations=factor * n, seeds=seeds
            )
            others = {
                method: float(np.mean([error(p) for p in phis]))
                for method, phis in got["phi"].items()
            }
            best = min(others, key=others.__getitem__)
            found.append(
                {
                    "players": n,
                    "evaluations": factor * n,
                    "game": name,
                    "heyi": float(np.mean(own)),
                    "best": best,
                    "error": others[best],
                    "others": others,
                }
            )
    return found


def institutions(repeats: int) -> dict[str, Any]:
    """Seconds for ten institutions with all 1,023 logistic models, median of `repeats` runs.

    Raises:
        SystemExit: pyDVL has other values than Heyi with exact fits.
    """
    rng = np.random.default_rng(SEED)
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder)
        sites, rows = [], []
        for n in range(10):
            name = f"hospital-{n}"
            lines = []
            for _ in range(100):
                age, sex, cp, exang = (
                    rng.integers(30, 78),
                    rng.integers(0, 2),
                    rng.integers(1, 5),
                    rng.integers(0, 2),
                )
                thalach = rng.integers(90, 191)
                risk = log_odds(*(int(v) for v in (age, sex, cp, thalach, exang)))
                num = int(rng.random() < 1 / (1 + np.exp(-risk)))
                lines.append(f"{age},{sex},{cp},120,?,0,0,{thalach},{exang},1.5,2,?,?,{num}")
                rows.append([(age - 55) / 10, sex, cp - 3, (thalach - 140) / 25, exang, num, n])
            (data / name).write_text("\n".join(lines) + "\n")
            sites.append(Site(id=name, zh=name, en=name, tier=Tier.COUNTY, file=name))
        study = replace(read_study(ROOT / "examples" / "heart"), sites=tuple(sites))
        table = np.array(rows, dtype=float)
        np.savez(
            data / "records.npz",
            x=table[:, :5],
            y=table[:, 5].astype(int),
            site=table[:, 6].astype(int),
        )
        result: dict[str, Any] = {}
        phi: dict[str, list[float]] = {}
        for fits in FITS:
            seconds = []
            for repeat in range(repeats):
                directory = data / f"{fits}-{repeat}"
                app = heart(data, study)(directory, fits)
                begun = time.perf_counter()
                done = run_study(app.consortium, study.id, by=PLATFORM)
                seconds.append(time.perf_counter() - begun)
                app.close()
            result[fits] = statistics.median(seconds)
            phi[fits] = [float(s.contribution) / 1e12 for s in done.statements]
        for cached in (True, False):
            got = peer(do="institutions", file=str(data / "records.npz"), cached=cached)
            result["pyDVL, cached" if cached else "pyDVL"] = got["seconds"]
            # pyDVL gives the empty coalition the default score, 0, as Heyi does
            worst = max(abs(a - b) for a, b in zip(got["phi"], phi["exact"], strict=True))
            if worst > 1e-3:
                raise SystemExit(f"pyDVL has other values, by {worst}")
    return result


def verification(players: int) -> dict[str, Any]:
    """Seconds to verify a certificate of a game in which every coalition is measured."""
    values = np.random.default_rng(SEED).integers(0, 10**12, 1 << players)
    values[0] = 0
    names = tuple(f"p{i:02d}" for i in range(players))
    specification = Pot(fen=10**7).to_json()
    game = Game(
        players=names, values=tuple(values.tolist()), unit="piconats", specification=specification
    )
    content = canonical(certify("study", game))
    seconds = []
    for _ in range(5):
        begun = time.perf_counter()
        verify_certificate(from_canonical(content))
        seconds.append(time.perf_counter() - begun)
    return {"players": players, "bytes": len(content), "seconds": statistics.median(seconds)}


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--quick", action="store_true", help="small sizes")
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args(arguments)
    cases = [(20, 30)] if chosen.quick else [(20, 20), (20, 50), (50, 30), (100, 30)]
    found: dict[str, Any] = {
        "exact": exact([10, 14] if chosen.quick else [10, 16, 20, 24], 14 if chosen.quick else 20),
        "sampled": sampled(cases, list(range(2 if chosen.quick else 5))),
        "institutions": institutions(1 if chosen.quick else 3),
        "verification": verification(10 if chosen.quick else 16),
    }
    if chosen.json:
        print(json.dumps(found, indent=1))
        return 0
    console = Console()
    table = Table(
        "players",
        "Heyi, integers",
        "Heyi, floats",
        "textbook, compiled",
        "shap",
        "shapiq",
        title="seconds",
    )
    for row in found["exact"]:
        ways = ("integers", "floats", "textbook", "shap", "shapiq")
        table.add_row(str(row["players"]), *(f"{row[w]:.5f}" if w in row else "" for w in ways))
    console.print(table)
    table = Table(
        "players",
        "evaluations",
        "game",
        "Heyi",
        "best other",
        "ratio",
        "which",
        title="squared error",
    )
    for row in found["sampled"]:
        ratio = row["error"] / max(row["heyi"], NOTHING)
        both = row["error"] < NOTHING and row["heyi"] < NOTHING
        table.add_row(
            str(row["players"]),
            str(row["evaluations"]),
            row["game"],
            f"{row['heyi']:.1e}",
            f"{row['error']:.1e}",
            "rounding" if both else f"{ratio:,.1f}",
            row["best"],
        )
    console.print(table)
    ten = found["institutions"]
    table = Table("ten institutions", "seconds", "pyDVL takes", title="1,023 models")
    for name, seconds in ten.items():
        table.add_row(
            name, f"{seconds:.2f}", f"{min(ten['pyDVL'], ten['pyDVL, cached']) / seconds:.1f} times"
        )
    console.print(table)
    said = found["verification"]
    console.print(
        f"a stranger verifies {said['players']} players, {said['bytes']:,} bytes, "
        f"in {said['seconds']:.2f} s",
        soft_wrap=True,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
