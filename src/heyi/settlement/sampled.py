"""The Shapley value from a sample of coalitions: a fitted game whose value is known, and what the fit leaves over.

Regression-adjusted (Witter, Musco and others 2025): the fit f(S) = a_s + g_s sum of b_i over S, s = |S|, has its value
in closed form; what it leaves over enters through the size-stratified estimate, so that a bad fit costs no bias. The
plan is fixed before anything is evaluated, from a counter-based generator (Philox): the same seed gives the same
coalitions, whoever evaluates them. Intervals come from independent blocks of the plan.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from math import comb

import numpy as np
import numpy.typing as npt

from heyi.model.errors import InvalidInput

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
BLOCKS = 8
"""Independent parts of a plan, from which intervals are made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """`coalitions[j, i]`: is player i in coalition j; `block[j]`: its block, -1 where every block has it."""

    seed: int
    coalitions: npt.NDArray[np.bool_]
    block: Integers

    @property
    def players(self) -> int:
        return int(self.coalitions.shape[1])

    def masks(self) -> list[int]:
        """Each coalition as a bit mask over the players."""
        packed = np.packbits(self.coalitions, axis=1, bitorder="little")
        return [int.from_bytes(row.tobytes(), "little") for row in packed]


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """Values, and an interval for each, all of which hold together with the asked confidence."""

    phi: Floats
    low: Floats
    high: Floats


def plan(players: int, evaluations: int, seed: int) -> Plan:
    """Coalitions to evaluate besides the empty and the full one: single players and their complements, every size that
    is no larger than its even share of what is left, and of the others evenly, each coalition with its complement.

    Raises:
        InvalidInput: fewer than two players, or fewer evaluations than twice the players.
    """
    if players < 2 or evaluations < 2 * players:
        raise InvalidInput(
            f"{evaluations} evaluations are too few for {players} players", hint=f"at least {2 * players}"
        )
    whole = {k: comb(players, k) * (1 if 2 * k == players else 2) for k in range(1, players // 2 + 1)}
    full, left = {1}, evaluations - whole[1]
    while small := [k for k in whole if k not in full and whole[k] * (len(whole) - len(full)) <= left]:
        full.update(small)
        left -= sum(whole[k] for k in small)
    rows: list[npt.NDArray[np.bool_]] = []
    for size in sorted(full):
        for chosen in combinations(range(players), size):
            row = np.zeros(players, dtype=np.bool_)
            row[list(chosen)] = True
            rows += [row] if 2 * size == players else [row, ~row]
    blocks = [-1] * len(rows)
    generator = np.random.Generator(np.random.Philox(key=seed))
    others = [k for k in whole if k not in full]
    seen: set[bytes] = set()
    for pair in range(left // 2 if others else 0):
        row = np.zeros(players, dtype=np.bool_)
        for _ in range(64):  # none twice; a size that is not taken in full has others left
            row[:] = False
            row[generator.permutation(players)[: others[pair % len(others)]]] = True
            key = min(row.tobytes(), (~row).tobytes())
            if key not in seen:
                break
        seen.add(key)
        rows += [row, ~row]
        blocks += [pair // len(others) % BLOCKS] * 2
    return Plan(seed=seed, coalitions=np.array(rows), block=np.array(blocks, dtype=np.int64))


def estimate(drawn: Plan, values: Floats, total: float, *, confidence: float = 0.95) -> Estimate:
    """Values of all players from those of the plan's coalitions, in the plan's order.

    The empty coalition is worth 0 and the full one `total`.

    The intervals hold together (Bonferroni over the players): each is the mean of the blocks' estimates, widened by
    Student's t with seven degrees of freedom.

    Raises:
        InvalidInput: values are absent or not finite.
    """
    if values.shape != drawn.block.shape or not np.isfinite(values).all() or not np.isfinite(total):
        raise InvalidInput(f"{len(drawn.block)} coalitions need a finite value each", hint="evaluate the whole plan")
    phi = _value(drawn.coalitions, values, total)
    parts = []
    for block in range(BLOCKS):
        own = (drawn.block == block) | (drawn.block == -1)
        parts.append(_value(drawn.coalitions[own], values[own], total))
    spread = np.std(parts, axis=0, ddof=1) / np.sqrt(BLOCKS)
    half = student(BLOCKS - 1, 1 - (1 - confidence) / (2 * drawn.players)) * spread
    return Estimate(phi=phi, low=phi - half, high=phi + half)


def _value(coalitions: npt.NDArray[np.bool_], values: Floats, total: float) -> Floats:
    sizes = coalitions.sum(axis=1)
    fitted, phi = _fit(coalitions, sizes, values, total)
    phi = phi + _left_over(coalitions, sizes, values - fitted)
    shared: Floats = phi + (total - phi.sum()) / len(phi)
    return shared


def _fit(coalitions: npt.NDArray[np.bool_], sizes: Integers, values: Floats, total: float) -> tuple[Floats, Floats]:
    """The fit at the coalitions, and its own Shapley value.

    `b` by least squares within sizes under the kernel 1/(s(n-s)), its mean from `total`, since a shift of all of them
    is a shift of the intercepts; then a slope and an intercept for each size, slopes smoothed over neighbouring sizes.
    """
    n = coalitions.shape[1]
    counts = np.bincount(sizes, minlength=n + 1)
    means = np.bincount(sizes, weights=values, minlength=n + 1) / np.maximum(counts, 1)
    centred, rest = coalitions - (sizes / n)[:, None], values - means[sizes]
    weights = 1 / (sizes * (n - sizes) * counts[sizes])
    gram = (centred * weights[:, None]).T @ centred
    b = np.linalg.solve(gram + np.eye(n) * (1e-9 * np.trace(gram) / n), (centred * weights[:, None]).T @ rest)
    b += total / n - b.mean()
    above = centred @ b  # by how much a coalition's sum of b exceeds that of its size
    near = np.exp(-0.5 * ((np.arange(n + 1)[:, None] - np.arange(n + 1)) / max(1.0, n / 12)) ** 2)
    with_rest = near @ np.bincount(sizes, weights=above * rest, minlength=n + 1)
    with_itself = near @ np.bincount(sizes, weights=above * above, minlength=n + 1)
    slopes = np.divide(with_rest, with_itself, out=np.ones(n + 1), where=with_itself > 0)
    slopes[[0, n]] = 0.0
    known = np.flatnonzero(counts)
    levels = np.interp(np.arange(n + 1), [0, *known, n], [0.0, *means[known], total])
    # coalitions of k players that contain i exceed the level of their size by (b_i - mean b)(n - k)/(n - 1), on average
    tilt = b - b.mean()
    k = np.arange(1, n + 1)
    with_i = (slopes[k] * (n - k) / (n - 1)).sum()
    without_i = (slopes[k - 1] * (k - 1) / (n - 1)).sum()
    phi = (total + (with_i + without_i) * tilt) / n
    return levels[sizes] + slopes[sizes] * above, phi


def _left_over(coalitions: npt.NDArray[np.bool_], sizes: Integers, rest: Floats) -> Floats:
    """1/n sum over sizes of: mean of the rest with the player, less the mean without it one size below."""
    n = coalitions.shape[1]
    inside = np.zeros((n + 1, n))
    np.add.at(inside, sizes, coalitions * rest[:, None])
    times = np.zeros((n + 1, n))
    np.add.at(times, sizes, coalitions)
    counts = np.bincount(sizes, minlength=n + 1)[:, None]
    outside = np.bincount(sizes, weights=rest, minlength=n + 1)[:, None] - inside
    with_i = np.divide(inside, times, out=np.zeros_like(inside), where=times > 0)
    without_i = np.divide(outside, counts - times, out=np.zeros_like(inside), where=counts - times > 0)
    phi: Floats = (with_i[1:n].sum(axis=0) - without_i[1:n].sum(axis=0)) / n
    return phi


def student(degrees: int, probability: float) -> float:
    """The quantile of Student's t for odd `degrees`, by bisection on its distribution (Abramowitz, Stegun 26.7.3)."""

    def below(t: float) -> float:
        theta = np.arctan(t / np.sqrt(degrees))
        term, series = np.cos(theta), np.cos(theta)
        for k in range(3, degrees - 1, 2):
            term *= np.cos(theta) ** 2 * (k - 1) / k
            series += term
        return float(0.5 + (theta + np.sin(theta) * (series if degrees > 1 else 0.0)) / np.pi)

    low, high = 0.0, 1e6
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if below(middle) < probability else (low, middle)
    return (low + high) / 2
