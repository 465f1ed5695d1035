"""The Shapley value from a sample of coalitions: the known value of a fit, plus its residuals.

Regression-adjusted (Witter, Musco and others 2025). Only the odd part of the game enters the value,
d(S) = (v(S) - v(complement of S)) / 2. With x_i = [i in S], and averages over all coalitions of
k players,

    phi_i = v(N)/n + sum over k in 1..n-1 of n / (k (n - k)) * average of d(S) (x_i - k/n).

d is fitted by games whose value has a closed form. The residuals of the fit enter through the
averages. So a bad fit makes the intervals wider, but does not bias the values.

The plan is fixed before anything is evaluated. It comes from the raw output of a counter-based
generator (Philox4x64-10, Salmon and others 2011), so the same seed gives the same coalitions on
any machine and with any version of a library.
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
"""Independent parts of a plan; the residuals of one block come from a fit to the others."""
SCALES = (0.25, 1.0, 4.0)
"""How strongly members overlap in the games that a fit is made of."""
DEGREES = 2 * BLOCKS - 1
"""The most degrees of freedom of Student's t."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The coalitions to evaluate, (coalitions, players); rows 2j and 2j + 1 are complements.

    `coalitions[j, i]` says whether player i is in coalition j. `block[j]` is the block of coalition
    j, or -1 if it belongs to every block.
    """

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
    """A value and an interval for each player; all intervals hold at once with the confidence."""

    phi: Floats
    low: Floats
    high: Floats


def plan(players: int, evaluations: int, seed: int) -> Plan:
    """Coalitions to evaluate besides the empty and the full one, each followed by its complement.

    The plan takes single players and their complements in full. It also takes each size in full
    that has no more coalitions than its even share of the remaining evaluations. The other sizes
    share what is left evenly, drawn at random by the seed.

    Raises:
        InvalidInput: fewer than two players, or fewer evaluations than twice the players.
    """
    # coalitions of k players and of n - k, which are their complements
    if players < 2 or evaluations < 2 * players:
        raise InvalidInput(
            f"{evaluations} evaluations are too few for {players} players",
            hint=f"at least {2 * players}",
        )
    whole = {
        k: comb(players, k) * (1 if 2 * k == players else 2) for k in range(1, players // 2 + 1)
    }
    full, left = {1}, evaluations - whole[1]
    # a size taken in full leaves more for the others, whose even share may then cover another size
    while small := [
        k for k in whole if k not in full and whole[k] * (len(whole) - len(full)) <= left
    ]:
        full.update(small)
        left -= sum(whole[k] for k in small)
    rows: list[npt.NDArray[np.bool_]] = []
    for size in sorted(full):
        for chosen in combinations(range(players), size):
            if 2 * size == players and chosen[0] != 0:
                break  # half of the players: these are the complements of those before
            row = np.zeros(players, dtype=np.bool_)
            row[list(chosen)] = True
            rows += [row, ~row]
    blocks = [-1] * len(rows)
    # Raw output and a stable sort only: numpy may change its distributions from version to version,
    # but not the generator itself. The plan must stay the same for years.
    stream = np.random.Philox(key=seed)
    others = [k for k in whole if k not in full]
    seen: set[bytes] = set()
    for pair in range(left // 2 if others else 0):
        row = np.zeros(players, dtype=np.bool_)
        # no coalition twice; a size that is not taken in full has others left
        for _ in range(64):
            row[:] = False
            # the players with the smallest numbers: a random subset of the wanted size
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
    """The value of each player, from the utilities of the plan's coalitions in the plan's order.

    The empty coalition is worth 0 and the full one `total`. All intervals hold at once (Bonferroni
    over the players). The values come from a fit to all blocks. The widths come from residuals of
    each block against a fit that has not seen it (cross-fitting), since a fit looks too good on
    its own data.

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
    """Values from the even blocks of a plan, and from the odd ones: how much another seed matters.

    Coalitions that the plan takes in full are in both halves.

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
    """One coalition of each pair of complements; arrays have one row for each pair.

    `size` is k, at most n/2; `centred` is x - k/n, (pairs, players); `odd` is d. `share` is the
    factor of size k in phi, for both k and n - k. `counts` says how many pairs of this size the
    plan has, `whole` how many there are. `games` has the odd parts of the games to fit, (pairs,
    games), and `worth` their values, (games, players).
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
    # what each player is worth alone, and what it adds as the last to come
    alone, missed = np.zeros(n), np.zeros(n)
    alone[drawn.coalitions[sizes == 1].argmax(axis=1)] = values[sizes == 1]
    missed[drawn.coalitions[sizes == n - 1].argmin(axis=1)] = total - values[sizes == n - 1]
    games = [
        game for own in (alone, missed) for game in _games(chosen, np.maximum(own, 0.0), abs(total))
    ]
    # sizes k and n - k are two sides of one pair; half of the players is a single size
    sides = np.where(2 * np.arange(n // 2 + 1) == n, 1, 2)
    # capped to fit a float; of so many pairs, the plan's part is practically 0 anyway
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
    """Odd parts and values of four typical games of players that are worth `own` by themselves.

    One is the best member, max over S of own_i. In sorted order, each rise is shared by all who
    reach it (Littlechild and Owen 1973). Three are members that overlap by chance, for three scales
    of p: 1 - prod over S of (1 - p_i). Here phi_i = p_i times the integral over q in [0, 1] of
    prod over j != i of (1 - q p_j), the multilinear extension (Owen 1972), by Gauss-Legendre.
    """
    n, order = len(own), own.argsort(kind="stable")
    best = np.empty(n)
    best[order] = np.cumsum(np.diff(own[order], prepend=0.0) / np.arange(n, 0, -1))
    found: list[tuple[Floats, Floats]] = [
        (((chosen * own).max(axis=1) - (~chosen * own).max(axis=1)) / 2, best)
    ]
    x, weights = np.polynomial.legendre.leggauss(max(64, ceil(4 * sqrt(n))))
    for scale in SCALES:
        # below 1, so that the logarithm is finite
        p = np.minimum(scale * own / max(total, own.max(), 1e-300), 0.999)
        # in logarithms: the product without i is that of all, divided by the factor of i
        logs = np.log1p(-np.outer((x + 1) / 2, p))
        phi = p * (weights / 2 @ np.exp(logs.sum(axis=1, keepdims=True) - logs))
        found.append(((np.exp(~chosen @ np.log1p(-p)) - np.exp(chosen @ np.log1p(-p))) / 2, phi))
    return found


def _fit(pairs: _Pairs, used: npt.NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """The Shapley value of a fit to the pairs used, and the residuals of the fit at every pair.

    The fit is f(S) = a_k + sum of c_g game_g(S) + s_k sum of b_i (x_i - k/n). Its value is
    v(N)/n + sum of c_g (phi_g - mean phi_g) + (b_i - mean b)/(n-1) times the sum of s_k over
    k in 1..n-1. First c and b come from weighted least squares within sizes. The weight of a pair
    is that of its residual in the variance of phi, summed over the players; the ridge falls with
    the number of pairs. Then come the slopes s_k, smoothed over neighbouring sizes, and the levels
    a_k.
    """
    n, games = pairs.centred.shape[1], pairs.games.shape[1]
    size, steps = pairs.size[used], np.arange(n // 2 + 1)
    # (1) Centre within sizes: the levels a_k drop out of the least squares.
    of_size = (size == steps[:, None]).astype(np.float64)
    several = of_size.sum(axis=1)
    # at half of the players the mean is exactly 0, since d of a complement is -d
    mean = of_size * np.where(2 * steps == n, 0.0, 1 / np.maximum(several, 1))[:, None]
    columns = np.column_stack([pairs.games, pairs.centred, pairs.odd])[used]
    columns -= (mean @ columns)[size]
    # (2) Least squares for c and b by the normal equations, columns scaled to unit length.
    weighted = columns * (pairs.share[used] * np.sqrt(size * (n - size)) / several[size])[:, None]
    gram = weighted.T @ weighted
    unit = np.sqrt(np.diag(gram))
    unit[unit == 0] = 1.0
    gram /= np.outer(unit, unit)
    # hardly any ridge on the few games; on the n linear terms one that matters if pairs are few
    ridge = np.diag(np.repeat([1e-9, (n / len(size)) ** 2], [games, n]))
    solved = (
        np.linalg.lstsq(gram[:-1, :-1] + ridge, gram[:-1, -1], rcond=1e-12)[0]
        * unit[-1]
        / unit[:-1]
    )
    c, b = solved[:games], solved[games:] - solved[games:].mean()
    # (3) Slopes: how strongly the linear part acts at each size, smoothed over nearby sizes.
    linear, odd = columns[:, games:-1] @ b, columns[:, -1] - columns[:, :games] @ c
    near = np.exp(-0.5 * ((steps[:, None] - steps) / max(1.0, n / 48)) ** 2) @ of_size
    slopes = np.ones(len(steps))
    np.divide(near @ (linear * odd), near @ linear**2, out=slopes, where=near @ linear**2 > 0)
    # (4) Levels from the residuals, interpolated at sizes without pairs; then the value of the fit.
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
    """Half-widths: Student's t times the deviation of the averages of the residuals `rest`.

    Pairs are drawn without replacement from each size. The variance of a player is the larger of
    two: its own, and that of residuals which do not depend on the player. The second one is for a
    player that is seldom drawn at a size: its own variance may look too small. The degrees of
    freedom are the number of pairs that make up the variance, (sum of squares)^2 / sum of fourth
    powers. A size that was not drawn at all adds the most that it can add in a game that grows
    with its coalitions: 2/n max |d| on each side.
    """
    n = pairs.centred.shape[1]
    # the last factor is the finite population correction: 0 for a size that is taken in full
    parts = (pairs.share * rest / pairs.counts) ** 2 * (1 - pairs.counts / pairs.whole)
    common = parts * pairs.size * (n - pairs.size) / n**2
    effective = common.sum() ** 2 / max((common**2).sum(), 1e-300)
    # rounded down to an odd number, for which `student` has a closed form
    odd_degrees = 2 * int((np.clip(effective, 3, DEGREES) - 1) // 2) + 1
    deviation = np.sqrt(np.maximum(parts @ pairs.centred**2, common.sum()))
    undrawn = n - 1 - len(set(pairs.size.tolist()) | set((n - pairs.size).tolist()))
    bound = undrawn * 2 / n * max(float(np.abs(pairs.odd).max()), abs(pairs.total) / 2)
    half: Floats = student(odd_degrees, probability) * deviation + bound
    return half


def student(degrees: int, probability: float) -> float:
    """The quantile of Student's t for odd `degrees`.

    Source: Abramowitz and Stegun 26.7.3 for the distribution, inverted by bisection.
    """

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
