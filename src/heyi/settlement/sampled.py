"""The Shapley value from a sample of coalitions: a fitted game whose value is known, and what the fit leaves over.

Regression-adjusted (Witter, Musco and others 2025). Only d(S) = (v(S) - v(complement of S)) / 2 enters the value: with
x_i = [i in S] and the average over all coalitions of k players,

    phi_i = v(N)/n + sum over k in 1..n-1 of n / (k (n - k)) * average of d(S) (x_i - k/n).

A fit stands in for d where its own value has a closed form, and what it leaves over enters through the averages, so
that a bad fit costs width and not truth. The plan is fixed before anything is evaluated, from the raw output of a
counter-based generator (Philox4x64-10, Salmon and others 2011): the same seed gives the same coalitions, whoever
evaluates them and with whatever version of a library.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from math import ceil, comb, sqrt

import numpy as np
import numpy.typing as npt

from heyi.model.errors import InvalidInput

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
BLOCKS = 8
"""Independent parts of a plan: what a fit leaves over in one is judged by a fit to the others."""
SCALES = (0.25, 1.0, 4.0)
"""How strongly members overlap in the games that a fit is made of."""
DEGREES = 2 * BLOCKS - 1
"""Of Student's t, at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """`coalitions[j, i]`: is player i in coalition j; `block[j]`: its block, -1 where every block has it."""

    seed: int
    coalitions: npt.NDArray[np.bool_]
    block: Integers

    def masks(self) -> list[int]:
        """Each coalition as a bit mask over the players."""
        packed = np.packbits(self.coalitions, axis=1, bitorder="little")
        return [int.from_bytes(row.tobytes(), "little") for row in packed]

    @property
    def players(self) -> int:
        return int(self.coalitions.shape[1])


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """Values, and an interval for each, all of which hold together with the asked confidence."""

    phi: Floats
    low: Floats
    high: Floats


def plan(players: int, evaluations: int, seed: int) -> Plan:
    """Coalitions to evaluate besides the empty and the full one: single players and their complements, every size that
    is no larger than its even share of what is left, and of the others evenly, each coalition before its complement.

    Raises:
        InvalidInput: fewer than two players, or fewer evaluations than twice the players.
    """
    if players < 2 or evaluations < 2 * players:
        raise InvalidInput(
            f"{evaluations} evaluations are too few for {players} players",
            hint=f"at least {2 * players}",
        )
    whole = {
        k: comb(players, k) * (1 if 2 * k == players else 2) for k in range(1, players // 2 + 1)
    }
    full, left = {1}, evaluations - whole[1]
    while small := [
        k for k in whole if k not in full and whole[k] * (len(whole) - len(full)) <= left
    ]:
        full.update(small)
        left -= sum(whole[k] for k in small)
    rows: list[npt.NDArray[np.bool_]] = []
    for size in sorted(full):
        for chosen in combinations(range(players), size):
            if 2 * size == players and chosen[0] != 0:
                break  # complements of those before
            row = np.zeros(players, dtype=np.bool_)
            row[list(chosen)] = True
            rows += [row, ~row]
    blocks = [-1] * len(rows)
    stream = np.random.Philox(key=seed)
    others = [k for k in whole if k not in full]
    seen: set[bytes] = set()
    for pair in range(left // 2 if others else 0):
        row = np.zeros(players, dtype=np.bool_)
        for _ in range(64):  # none twice; a size that is not taken in full has others left
            row[:] = False
            row[
                np.argsort(stream.random_raw(players), kind="stable")[: others[pair % len(others)]]
            ] = True
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

    The intervals hold together (Bonferroni over the players). Their width comes from what each block leaves over of a
    fit that has not seen it (cross-fitting), the values from a fit to all blocks.

    Raises:
        InvalidInput: values are absent or not finite.
    """
    if values.shape != drawn.block.shape or not np.isfinite(values).all() or not np.isfinite(total):
        raise InvalidInput(
            f"{len(drawn.block)} coalitions need a finite value each",
            hint="evaluate the whole plan",
        )
    pairs, block = _pairs(drawn, values, total), drawn.block[::2]
    phi, rest = _fit(pairs, np.ones(len(block), dtype=np.bool_))
    phi = phi + (pairs.share * rest / pairs.counts) @ pairs.centred
    for own in range(BLOCKS):
        rest[block == own] = _fit(pairs, block != own)[1][block == own]
    half = _half_widths(pairs, rest, 1 - (1 - confidence) / (2 * drawn.players))
    return Estimate(phi=phi, low=phi - half, high=phi + half)


def halves(drawn: Plan, values: Floats, total: float) -> tuple[Floats, Floats]:
    """Values from the even blocks of a plan alone and from the odd ones: by how much another seed might move them.

    What the plan takes in full is in both.

    Raises:
        InvalidInput: values are absent or not finite.
    """
    found = []
    for parity in (0, 1):
        own = (drawn.block == -1) | (drawn.block % 2 == parity)
        half = Plan(seed=drawn.seed, coalitions=drawn.coalitions[own], block=drawn.block[own])
        found.append(estimate(half, values[own], total).phi)
    return found[0], found[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pairs:
    """One coalition of each pair of complements, of `size` k up to n/2: `centred` is x - k/n, `odd` is d.

    `share` is the factor of its size in phi, both sides together; `counts` and `whole` are the pairs of its size that
    are in the plan and that there are. `games` has the odd parts of games whose values are `worth`.
    """

    centred: Floats
    size: Integers
    odd: Floats
    share: Floats
    counts: Integers
    whole: Floats
    games: Floats
    worth: Floats
    total: float


def _pairs(drawn: Plan, values: Floats, total: float) -> _Pairs:
    chosen, n = drawn.coalitions[::2], drawn.players
    sizes = drawn.coalitions.sum(axis=1)
    size = sizes[::2]
    alone, missed = np.zeros(n), np.zeros(n)
    alone[drawn.coalitions[sizes == 1].argmax(axis=1)] = values[sizes == 1]
    missed[drawn.coalitions[sizes == n - 1].argmin(axis=1)] = total - values[sizes == n - 1]
    games = [
        game for own in (alone, missed) for game in _games(chosen, np.maximum(own, 0.0), abs(total))
    ]
    sides = np.where(2 * np.arange(n // 2 + 1) == n, 1, 2)
    whole = np.array([float(min(comb(n, k), 1 << 53)) for k in range(n // 2 + 1)]) * sides / 2
    return _Pairs(
        centred=chosen - (size / n)[:, None],
        size=size,
        odd=(values[::2] - values[1::2]) / 2,
        share=sides[size] * n / (size * (n - size)),
        counts=np.bincount(size)[size],
        whole=whole[size],
        games=np.column_stack([odd for odd, _ in games]),
        worth=np.array([phi for _, phi in games]),
        total=total,
    )


def _games(chosen: npt.NDArray[np.bool_], own: Floats, total: float) -> list[tuple[Floats, Floats]]:
    """Odd parts and values of games that players may play who are worth `own` alone, or as the last to come.

    The best member, max over S: sorted, each rise is shared by all who reach it (Littlechild and Owen 1973). Members
    that overlap by chance, 1 - prod over S of (1 - p_i): phi_i = p_i integral over q in [0, 1] of prod over j != i of
    (1 - q p_j), the multilinear extension (Owen 1972), by Gauss-Legendre.
    """
    n, order = len(own), own.argsort(kind="stable")
    best = np.empty(n)
    best[order] = np.cumsum(np.diff(own[order], prepend=0.0) / np.arange(n, 0, -1))
    found: list[tuple[Floats, Floats]] = [
        (((chosen * own).max(axis=1) - (~chosen * own).max(axis=1)) / 2, best)
    ]
    x, weights = np.polynomial.legendre.leggauss(max(64, ceil(4 * sqrt(n))))
    for scale in SCALES:
        p = np.minimum(scale * own / max(total, own.max(), 1e-300), 0.999)
        logs = np.log1p(-np.outer((x + 1) / 2, p))
        phi = p * (weights / 2 @ np.exp(logs.sum(axis=1, keepdims=True) - logs))
        found.append(((np.exp(~chosen @ np.log1p(-p)) - np.exp(chosen @ np.log1p(-p))) / 2, phi))
    return found


def _fit(pairs: _Pairs, used: npt.NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """The Shapley value of a fit to the pairs used, and what it leaves over at every pair.

    f(S) = a_k + sum of c_g game_g(S) + s_k sum of b_i (x_i - k/n), whose value is v(N)/n + sum of c_g (phi_g - its
    mean) + (b_i - mean b)/(n-1) sum over k in 1..n-1 of s_k. `c` and `b` are by least squares within sizes, with the
    weight that a pair's remainder has in the variance of phi summed over the players, and a ridge that falls with the
    number of pairs; then come slopes s_k, smoothed over neighbouring sizes, and levels a_k.
    """
    n, games = pairs.centred.shape[1], pairs.games.shape[1]
    size, steps = pairs.size[used], np.arange(n // 2 + 1)
    of_size = (size == steps[:, None]).astype(np.float64)
    several = of_size.sum(axis=1)
    mean = (
        of_size * np.where(2 * steps == n, 0.0, 1 / np.maximum(several, 1))[:, None]
    )  # halves: d is odd, so 0
    columns = np.column_stack([pairs.games, pairs.centred, pairs.odd])[used]
    columns -= (mean @ columns)[size]
    weighted = columns * (pairs.share[used] * np.sqrt(size * (n - size)) / several[size])[:, None]
    gram = weighted.T @ weighted
    unit = np.sqrt(np.diag(gram))
    unit[unit == 0] = 1.0
    gram /= np.outer(unit, unit)
    ridge = np.diag(np.repeat([1e-9, (n / len(size)) ** 2], [games, n]))
    solved = (
        np.linalg.lstsq(gram[:-1, :-1] + ridge, gram[:-1, -1], rcond=1e-12)[0]
        * unit[-1]
        / unit[:-1]
    )
    c, b = solved[:games], solved[games:] - solved[games:].mean()
    linear, odd = columns[:, games:-1] @ b, columns[:, -1] - columns[:, :games] @ c
    near = np.exp(-0.5 * ((steps[:, None] - steps) / max(1.0, n / 48)) ** 2) @ of_size
    slopes = np.ones(len(steps))
    np.divide(near @ (linear * odd), near @ linear**2, out=slopes, where=near @ linear**2 > 0)
    rest = pairs.odd - pairs.games @ c - slopes[pairs.size] * (pairs.centred @ b)
    seen = np.flatnonzero(several)
    levels = np.interp(steps, seen, (mean @ rest[used])[seen])
    both_sides = 2 * slopes[1:].sum() - (slopes[-1] if n % 2 == 0 else 0.0)
    phi = (
        pairs.total / n
        + c @ (pairs.worth - pairs.worth.mean(axis=1, keepdims=True))
        + b * both_sides / (n - 1)
    )
    return phi, rest - levels[pairs.size]


def _half_widths(pairs: _Pairs, rest: Floats, probability: float) -> Floats:
    """Student's t times the deviation of the averages of `rest`, drawn without replacement from each size.

    The variance of a player is the larger of its own and of what it would be if the remainders did not depend on the
    player, since one that is seldom drawn at a size may not show its own. The degrees of freedom are the number of
    pairs that make up the variance, (sum of squares)^2 / sum of fourth powers. A size that was not drawn at all adds
    the most that it can in a game that grows with its coalitions: 2/n max |d| on each side.
    """
    n = pairs.centred.shape[1]
    parts = (pairs.share * rest / pairs.counts) ** 2 * (1 - pairs.counts / pairs.whole)
    common = parts * pairs.size * (n - pairs.size) / n**2
    effective = common.sum() ** 2 / max((common**2).sum(), 1e-300)
    odd_degrees = 2 * int((np.clip(effective, 3, DEGREES) - 1) // 2) + 1
    deviation = np.sqrt(np.maximum(parts @ pairs.centred**2, common.sum()))
    undrawn = n - 1 - len(set(pairs.size.tolist()) | set((n - pairs.size).tolist()))
    bound = undrawn * 2 / n * max(float(np.abs(pairs.odd).max()), abs(pairs.total) / 2)
    half: Floats = student(odd_degrees, probability) * deviation + bound
    return half


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
