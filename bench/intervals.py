"""Do the simultaneous 95 % intervals of sampled values hold for all players in 95 % of the runs?

    python -m bench.intervals [--seeds 200]        (make intervals)

The games: the six of `bench.games` for 20, 50 and 100 players, and seven games of 12 players that
the regression does not fit (noise, veto, a dictator, …). The true values of the seven come from
all 4,096 coalitions. Each seed draws a new plan. Exit code 1 where a game holds less often.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from bench.games import games_of
from heyi.settlement.exact import shapley_of_floats
from heyi.settlement.sampled import estimate, plan

Array = Any
SEED = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """In `held` of `of` runs all intervals of a game contained the true values.

    `half`: the median half-width of the intervals, divided by the mean of |true values|.
    """

    game: str
    players: int
    evaluations: int
    held: int
    of: int
    half: float


def hard_games(n: int) -> dict[str, tuple[Callable[[Array], Array], Array]]:
    """Games that the regression does not fit: (utility of rows of memberships, true values)."""
    rng = np.random.default_rng(SEED)
    x = (np.arange(1 << n)[:, None] >> np.arange(n) & 1).astype(bool)
    own, noise = rng.lognormal(0, 1.5, n), rng.normal(size=1 << n)
    tables = {
        "noisy information": np.log1p(x @ own) + 0.2 * noise,
        "noise": noise.copy(),
        "veto": x[:, 0] * np.sqrt(x.sum(axis=1)),
        "three needed": x[:, :3].all(axis=1) * 1.0,
        "shared cost": x.sum(axis=1) - 2.0 * (x * own).max(axis=1),
        "cubic": (x @ rng.normal(size=n)) ** 3,
        "dictator": 10.0 * x[:, 0] + 0.1 * noise,
    }
    found: dict[str, tuple[Callable[[Array], Array], Array]] = {}
    for name, table in tables.items():
        table[0] = 0.0

        def utility(rows: Array, table: Array = table) -> Array:
            return table[rows.astype(bool) @ (1 << np.arange(n))]

        found[name] = (utility, shapley_of_floats(table))
    return found


def measure(cases: list[tuple[int, int]], seeds: int) -> Iterator[Held]:
    """The six games for each (players, evaluations per player), then the hard games."""
    for n, factor in cases:
        for name, game in games_of(n, SEED).items():
            yield _held(name, n, factor * n, seeds, game.utility, game.value())
    for name, (utility, phi) in hard_games(12).items():
        yield _held(name, 12, 20 * 12, seeds, utility, phi)


def _held(
    name: str, n: int, evaluations: int, seeds: int, utility: Callable[[Array], Array], phi: Array
) -> Held:
    total = float(utility(np.ones((1, n), dtype=bool))[0])
    held, widths = 0, []
    # a value on the edge of an interval of no width counts as inside
    rounding = 1e-9 * float(np.abs(phi).max())
    for seed in range(seeds):
        drawn = plan(n, evaluations, seed)
        found = estimate(drawn, utility(drawn.coalitions).astype(float), total)
        held += bool(((found.low - rounding <= phi) & (phi <= found.high + rounding)).all())
        widths.append(float(np.median(found.high - found.low)) / 2)
    half = float(np.median(widths) / np.abs(phi).mean())
    return Held(game=name, players=n, evaluations=evaluations, held=held, of=seeds, half=half)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--seeds", type=int, default=200)
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args(arguments)
    found = list(measure([(20, 20), (20, 50), (50, 30), (100, 30)], chosen.seeds))
    if chosen.json:
        print(json.dumps([asdict(h) for h in found]))
    else:
        table = Table("game", "players", "evaluations", "held", "half-width by mean |value|")
        for h in found:
            table.add_row(
                h.game, str(h.players), str(h.evaluations), f"{h.held} of {h.of}", f"{h.half:.1e}"
            )
        Console().print(table)
    return 0 if all(h.held >= 0.95 * h.of for h in found) else 1


if __name__ == "__main__":
    sys.exit(main())
