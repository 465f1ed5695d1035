"""A sample of coalitions: fixed by its seed, exact if it is complete, with intervals that hold."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest

from heyi.model.errors import InvalidInput
from heyi.settlement.coverage_game import coverage_by_levels
from heyi.settlement.exact import shapley_of_floats
from heyi.settlement.sampled import Floats, Plan, estimate, halves, plan, student

Utility = Callable[[npt.NDArray[np.bool_]], Floats]


def error(phi: Floats, exact: Floats) -> float:
    """Normalised squared error."""
    return float(((phi - exact) ** 2).sum() / (exact**2).sum())


def log_information(own: Floats) -> Floats:
    """The value of log(1 + I(S)), as log(1 + I) = integral over t > 0 of (1 - e^(-tI)) e^(-t) / t.

    phi_i = integral over q in [0, 1] and t of (1 - e^(-t I_i)) e^(-t) / t times the product over
    j != i of (1 - q + q e^(-t I_j)): the multilinear extension (Owen 1972) under the integral.
    """
    x, weight_q = np.polynomial.legendre.leggauss(64)
    y, weight_t = np.polynomial.legendre.leggauss(800)
    low, high = np.log(1e-18 / (1 + own.sum())), np.log(60)  # the integral runs over log t
    phi = np.zeros(len(own))
    for log_t, weight in zip((high - low) / 2 * y + (high + low) / 2, weight_t, strict=True):
        gone = -np.expm1(-np.exp(log_t) * own)
        logs = np.log1p(-np.outer((x + 1) / 2, gone))
        others = weight_q / 2 @ np.exp(logs.sum(axis=1, keepdims=True) - logs)
        phi += weight * (high - low) / 2 * np.exp(-np.exp(log_t)) * gone * others
    return phi


def permutations(utility: Utility, n: int, evaluations: int, seed: int) -> Floats:
    """The usual estimate: marginal contributions along random orders."""
    generator, phi, orders = np.random.default_rng(seed), np.zeros(n), evaluations // n
    for _ in range(orders):
        order = generator.permutation(n)
        grown = np.zeros((n, n), dtype=np.bool_)
        grown[:, order] = np.tril(np.ones((n, n), dtype=np.bool_))
        phi[order] += np.diff(np.concatenate([[0.0], utility(grown)]))
    return phi / orders


def test_a_plan_is_fixed_by_its_seed_and_pairs_coalitions_with_their_complements() -> None:
    drawn, again, other = plan(20, 600, 7), plan(20, 600, 7), plan(20, 600, 8)
    assert (drawn.coalitions == again.coalitions).all() and not (
        drawn.coalitions == other.coalitions
    ).all()
    rows = {row.tobytes() for row in drawn.coalitions}
    assert len(rows) == len(drawn.coalitions) <= 600, "none twice"
    assert {(~row).tobytes() for row in drawn.coalitions} == rows
    sizes = drawn.coalitions.sum(axis=1)
    assert sizes.min() == 1 and sizes.max() == 19
    assert (sizes == 1).sum() == (sizes == 19).sum() == 20, "the border in full"
    assert set(drawn.block[sizes == 1]) == {-1} and set(drawn.block) == {-1, *range(8)}


@pytest.mark.parametrize("n", [2, 3, 4, 5, 8])
def test_with_every_coalition_the_estimate_is_exact(n: int) -> None:
    values = np.random.default_rng(n).random(1 << n)
    values[0] = 0
    drawn = plan(n, 1 << n, 1)
    masks = drawn.coalitions @ (1 << np.arange(n))
    assert len(set(masks.tolist())) == (1 << n) - 2
    found = estimate(drawn, values[masks], float(values[-1]))
    assert found.phi == pytest.approx(shapley_of_floats(values), abs=1e-10)


def test_the_oracle_of_saturation_is_the_value_by_enumeration() -> None:
    own = np.random.default_rng(2).lognormal(0, 1.5, 8)
    members = np.arange(1 << 8)[:, None] >> np.arange(8) & 1
    assert log_information(own) == pytest.approx(shapley_of_floats(np.log1p(members @ own)))


@pytest.mark.parametrize("n", [20, 60])
def test_coverage_and_saturation_are_five_times_nearer_than_by_permutations(n: int) -> None:
    generator = np.random.default_rng(5)
    seen = generator.random((300, n)) < generator.uniform(0.02, 0.3, n)
    patterns: dict[int, int] = {}
    for row in seen:
        if row.any():
            mask = sum(1 << int(i) for i in np.flatnonzero(row))
            patterns[mask] = patterns.get(mask, 0) + 1
    own = generator.lognormal(0, 1.5, n)
    games: list[tuple[Utility, Floats]] = [
        (
            lambda x: ((x.astype(float) @ seen.T) > 0).sum(axis=1) * 1.0,
            np.array(list(map(float, coverage_by_levels(patterns, [()] * n)))),
        ),
        (lambda x: np.log1p(x @ own), log_information(own)),
    ]
    for utility, exact in games:
        ours, usual = [], []
        for seed in range(5):
            drawn = plan(n, 30 * n, seed)
            total = float(utility(np.ones((1, n), dtype=np.bool_))[0])
            ours.append(error(estimate(drawn, utility(drawn.coalitions), total).phi, exact))
            usual.append(error(permutations(utility, n, 30 * n, seed), exact))
        assert 5 * np.mean(ours) < np.mean(usual)


def test_intervals_hold_together_most_of_the_time() -> None:
    own = np.random.default_rng(2).lognormal(0, 1.5, 20)
    exact, held = log_information(own), 0
    for seed in range(40):
        drawn = plan(20, 600, seed)
        found = estimate(drawn, np.log1p(drawn.coalitions @ own), float(np.log1p(own.sum())))
        assert found.phi.sum() == pytest.approx(np.log1p(own.sum()))
        held += bool(((found.low <= exact) & (exact <= found.high)).all())
    assert held >= 37


def test_halves_of_a_plan_differ_as_two_seeds_may() -> None:
    own = np.random.default_rng(2).lognormal(0, 1.5, 20)
    exact, total = log_information(own), float(np.log1p(own.sum()))
    drawn = plan(20, 600, 3)
    values = np.log1p(drawn.coalitions @ own)
    first, second = halves(drawn, values, total)
    assert not (first == second).all() and first.sum() == pytest.approx(total) == pytest.approx(
        second.sum()
    )
    assert 1e-9 < error(first, exact) < 1e-3 and 1e-9 < error(second, exact) < 1e-3
    whole = plan(5, 32, 3)
    parts = halves(whole, np.log1p(whole.coalitions @ own[:5]), float(np.log1p(own[:5].sum())))
    assert parts[0].tolist() == parts[1].tolist(), "what is taken in full depends on no seed"


def test_what_cannot_be_estimated_is_refused() -> None:
    with pytest.raises(InvalidInput, match="at least 40"):
        plan(20, 39, 1)
    drawn = plan(6, 30, 1)
    with pytest.raises(InvalidInput, match="a finite value each"):
        estimate(drawn, np.full(len(drawn.block), np.nan), 1.0)
    with pytest.raises(InvalidInput, match="a finite value each"):
        estimate(drawn, np.zeros(3), 1.0)
    assert isinstance(drawn, Plan)


def test_quantiles_of_student() -> None:
    assert student(7, 0.975) == pytest.approx(2.364624, abs=1e-6)
    assert student(7, 0.995) == pytest.approx(3.499483, abs=1e-6)
    assert student(1, 0.975) == pytest.approx(12.7062, abs=1e-4)
