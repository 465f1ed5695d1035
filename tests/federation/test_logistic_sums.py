"""Ridge logistic regression over sums: the pooled fit, to the last integer whatever the order."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression

from heyi.federation.centre.coalitions import Fit, fit_coalitions, log_likelihoods
from heyi.federation.centre.driver import Seat
from heyi.federation.elementary import Floats
from heyi.federation.regression import PICO, Design, Newton, Sums, design, solve, sums
from heyi.federation.wire.operation import Operation
from heyi.model.errors import InvalidInput

if TYPE_CHECKING:
    from tests.support.county import County

HOSTS = ("clinic-a", "clinic-b", "clinic-c")


def random_design(seed: int, records: int, parameters: int) -> Design:
    rng = np.random.default_rng(seed)
    x = np.column_stack([np.ones(records), rng.normal(size=(records, parameters - 1))])
    y = (rng.random(records) < 1 / (1 + np.exp(-x @ rng.normal(size=parameters)))).astype(
        np.float64
    )
    return Design(x=x, y=y)


def joined(parts: Sequence[Sums]) -> Sums:
    """The sums of several institutions at the same coefficient vectors."""
    return Sums(
        gradient=np.sum([p.gradient for p in parts], axis=0),
        information=np.sum([p.information for p in parts], axis=0),
        loglik=np.sum([p.loglik for p in parts], axis=0),
    )


def fit(parts: Sequence[Design], ridge_micro: int) -> tuple[int, ...]:
    """Newton from zero, as the driver does it, over the answers of several institutions."""
    newton = Newton([[0] * parts[0].x.shape[1]], ridge_micro=ridge_micro)
    while newton.open:
        newton.step(joined([sums(p, newton.points) for p in parts]))
    return tuple(newton.beta[0].tolist())


def at_one(data: Design, beta: Sequence[int]) -> tuple[list[int], list[int], int]:
    found = sums(data, [beta])
    return found.gradient[0].tolist(), found.information[0].tolist(), int(found.loglik[0])


def pooled(x: Floats, y: Floats, ridge: float) -> npt.NDArray[np.float64]:
    model = LogisticRegression(solver="newton-cholesky", C=1 / ridge, tol=1e-12, max_iter=1000)
    model.fit(x, y)
    return np.concatenate([model.intercept_, model.coef_[0]])


def assert_close(got: Sequence[int], wanted: npt.NDArray[np.float64], within: float = 1e-9) -> None:
    assert max(abs(g / PICO - w) for g, w in zip(got, wanted, strict=True)) <= within


@pytest.fixture
def seats(county: County, logistic: Operation) -> list[Seat]:
    """Three nodes with records of their own, and a permit for each."""
    for i, host in enumerate(HOSTS):
        county.serve(host, county.visits(120 + 40 * i, i, start=1000 * i))
        county.open_node(host)
    return [county.seat(county.permit(logistic, host=h)) for h in HOSTS]


def test_the_fit_over_three_nodes_is_the_pooled_fit(
    county: County, seats: list[Seat], logistic: Operation
) -> None:
    fits, _ = fit_coalitions(seats, logistic, [7], **county.ways)
    everybody = [county.visits(120 + 40 * i, i) for i in range(3)]
    x = np.array(
        [[(a - 55) / 10, s] for v in everybody for a, s in zip(v["age"], v["sex"], strict=True)]
    )
    y = np.array([d for v in everybody for d in v["diabetes"]])
    assert_close(fits[7].coefficients, pooled(x, y, 1.0))
    assert fits[7].rounds < 10


def test_coalitions_fitted_together_are_the_separate_fits(
    county: County, seats: list[Seat], logistic: Operation
) -> None:
    together, got = fit_coalitions(seats, logistic, range(1, 8), **county.ways)
    alone: dict[int, Fit] = {}
    for mask in range(1, 8):
        members = [s for i, s in enumerate(seats) if mask >> i & 1]
        fits, _ = fit_coalitions(members, logistic, [(1 << len(members)) - 1], **county.ways)
        alone[mask] = fits[(1 << len(members)) - 1]
    assert together == alone
    assert {r["holder"] for r in got.receipts} == set(HOSTS)


def test_the_order_of_sites_changes_no_integer(
    county: County, seats: list[Seat], logistic: Operation
) -> None:
    one, _ = fit_coalitions(seats, logistic, [7], **county.ways)
    other, _ = fit_coalitions(seats[::-1], logistic, [7], **county.ways)
    assert one == other


def test_the_likelihood_of_models_is_that_of_all_records(
    county: County, seats: list[Seat], logistic: Operation
) -> None:
    models = {0: (0, 0, 0), 1: (PICO // 2, -PICO, 3)}
    totals, _, _ = log_likelihoods(seats, logistic, models, **county.ways)
    everybody = [county.visits(120 + 40 * i, i) for i in range(3)]
    expected = 0.0
    for v in everybody:
        for age, sex, sick in zip(v["age"], v["sex"], v["diabetes"], strict=True):
            eta = 0.5 - (age - 55) / 10 + 3e-12 * sex
            expected += sick * eta - math.log1p(math.exp(eta))
    assert totals[1] / PICO == pytest.approx(expected, abs=1e-9)
    assert totals[0] / PICO == pytest.approx(-480 * math.log(2), abs=1e-9)


def test_a_seat_that_refuses_ends_the_fit_and_is_named(
    county: County, seats: list[Seat], logistic: Operation
) -> None:
    county.nodes["clinic-b"].revoke(seats[1].permit.id, county.now)
    fits, got = fit_coalitions(seats, logistic, [7], **county.ways)
    assert (fits, list(got.refusals), got.refusals["clinic-b"]["code"]) == (
        {},
        ["clinic-b"],
        "revoked",
    )
    assert [r["refusal"] for r in got.receipts] == ["", "revoked", ""]
    rest, _ = fit_coalitions([seats[0], seats[2]], logistic, [3], **county.ways)
    assert rest[3].rounds > 1


@settings(max_examples=25)
@given(
    seed=st.integers(0, 2**32),
    records=st.integers(40, 400),
    parameters=st.integers(2, 6),
    sites=st.integers(1, 5),
    ridge_micro=st.sampled_from([1_000, 100_000, 1_000_000, 20_000_000]),
)
def test_any_split_of_the_records_gives_the_pooled_fit(
    seed: int, records: int, parameters: int, sites: int, ridge_micro: int
) -> None:
    data = random_design(seed, records, parameters)
    if not 5 <= data.positives <= records - 5:
        return
    where = np.random.default_rng(seed).integers(0, sites, records)
    parts = [Design(x=data.x[where == s], y=data.y[where == s]) for s in range(sites)]
    got = fit(parts, ridge_micro)
    assert got == fit([data], ridge_micro)
    assert_close(got, pooled(data.x[:, 1:], data.y, ridge_micro / 1e6))


@settings(max_examples=25)
@given(
    seed=st.integers(0, 2**32),
    records=st.integers(1, 300),
    parameters=st.integers(1, 5),
    coefficient=st.integers(-5 * PICO, 5 * PICO),
)
def test_the_order_of_records_changes_no_integer(
    seed: int, records: int, parameters: int, coefficient: int
) -> None:
    data = random_design(seed, records, parameters)
    order = np.random.default_rng(seed + 1).permutation(records)
    shuffled = Design(x=data.x[order], y=data.y[order])
    beta = [coefficient // (j + 1) for j in range(parameters)]
    assert at_one(data, beta) == at_one(shuffled, beta)
    halves = [
        Design(x=data.x[s], y=data.y[s])
        for s in (slice(None, records // 2), slice(records // 2, None))
    ]
    first, second = (at_one(h, beta) for h in halves)
    assert at_one(data, beta)[0] == [a + b for a, b in zip(first[0], second[0], strict=True)]


def test_sums_against_a_plain_loop() -> None:
    data = random_design(3, 60, 3)
    beta = (300_000_000_000, -200_000_000_000, 700_000_000_000)
    gradient, information, loglik = [0.0] * 3, [0.0] * 6, 0.0
    for row, y in zip(data.x.tolist(), data.y.tolist(), strict=True):
        eta = sum(v * b / PICO for v, b in zip(row, beta, strict=True))
        p = 1 / (1 + math.exp(-eta))
        loglik += y * math.log(p) + (1 - y) * math.log(1 - p)
        gradient = [g + (y - p) * v for g, v in zip(gradient, row, strict=True)]
        pairs = [(i, j) for i in range(3) for j in range(i, 3)]
        information = [
            h + p * (1 - p) * row[i] * row[j] for h, (i, j) in zip(information, pairs, strict=True)
        ]
    g, h, v = at_one(data, beta)
    assert [x / PICO for x in g] == pytest.approx(gradient, abs=1e-10)
    assert [x / PICO for x in h] == pytest.approx(information, abs=1e-10)
    assert v / PICO == pytest.approx(loglik, abs=1e-10)


def test_separated_records_converge_with_a_ridge_and_not_without() -> None:
    x = np.column_stack(
        [np.ones(40), np.concatenate([np.linspace(-2, -1, 20), np.linspace(1, 2, 20)])]
    )
    data = Design(x=x, y=np.repeat([0.0, 1.0], 20))
    assert_close(fit([data], 100_000), pooled(x[:, 1:], data.y, 0.1))
    with pytest.raises(InvalidInput):
        fit([data], 0)


def test_separated_records_converge_over_nodes_with_a_small_ridge(
    county: County, logistic: Operation
) -> None:
    ages = [float(40 + i % 10) for i in range(30)] + [float(70 + i % 10) for i in range(30)]
    visits = {
        "age": ages,
        "sex": [float(i % 2) for i in range(60)],
        "diabetes": [0.0] * 30 + [1.0] * 30,
    }
    county.serve("clinic-a", visits)
    county.open_node("clinic-a")
    small = Operation(name="logistic", params={**logistic.params, "ridge_micro": 10_000})
    seat = county.seat(county.permit(small, host="clinic-a"))
    fits, _ = fit_coalitions([seat], small, [1], **county.ways)
    x = np.column_stack([(np.array(ages) - 55) / 10, visits["sex"]])
    assert_close(fits[1].coefficients, pooled(x, np.array(visits["diabetes"]), 0.01), within=1e-8)


def test_a_constant_covariate_is_singular_without_a_ridge() -> None:
    data = random_design(1, 50, 2)
    constant = Design(x=np.column_stack([data.x, np.full(50, 2.0)]), y=data.y)
    with pytest.raises(InvalidInput, match="singular"):
        fit([constant], 0)
    assert len(fit([constant], 1_000_000)) == 3


def test_solve_solves_and_refuses_what_is_not_positive_definite() -> None:
    assert solve(np.array([[[4.0, 2.0], [2.0, 3.0]]]), np.array([[10.0, 9.0]]))[0] == pytest.approx(
        [1.5, 2.0]
    )
    for matrix in ([[0.0]], [[-1.0]], [[1.0, 2.0], [2.0, 1.0]]):
        with pytest.raises(InvalidInput, match="singular"):
            solve(np.array([matrix]), np.ones((1, len(matrix))))


@pytest.mark.parametrize("coefficients", [[], [0], [0, 0, 0]])
def test_as_many_coefficients_as_parameters(coefficients: list[int]) -> None:
    with pytest.raises(InvalidInput, match=f"expected 2 coefficients, not {len(coefficients)}"):
        sums(random_design(1, 20, 2), [coefficients])


def test_sums_that_could_leave_62_bits_are_refused_and_smaller_ones_are_exact() -> None:
    def column(value: float, records: int) -> Design:
        x = np.column_stack([np.ones(records), np.full(records, value)])
        return Design(x=x, y=np.arange(records, dtype=np.float64) % 2)

    for value, records in ((1e4, 1), (1e2, 2_000), (1.0, 5_000_000)):
        with pytest.raises(InvalidInput, match="too large"):
            sums(column(value, records), [(0, 0)])
    with pytest.raises(InvalidInput, match="too large"):
        sums(column(1000.0, 10), [(0, 2**53 - 1)])
    _, largest, _ = at_one(column(4000.0, 1), (0, 0))
    assert largest == [PICO // 4, 1000 * PICO, 4_000_000 * PICO]
    _, many, _ = at_one(column(60.0, 5_000), (0, 0))
    assert many[2] == 5_000 * 900 * PICO


def test_the_design_takes_complete_records_on_the_registered_scaling(logistic: Operation) -> None:
    nan = float("nan")
    columns = {
        "age": np.array([65.0, 45.0, nan, 55.0, 75.0, 35.0]),
        "sex": np.array([1.0, 0.0, 1.0, nan, 1.0, 0.0]),
        "diabetes": np.array([1.0, 0.0, 1.0, 0.0, nan, 1.0]),
    }
    keep = np.array([True, True, True, True, True, False])
    data = design(logistic, columns, keep)
    assert data.x.tolist() == [[1.0, 1.0, 1.0], [1.0, -1.0, 0.0]]
    assert data.y.tolist() == [1.0, 0.0]


def test_an_outcome_above_a_threshold_is_strictly_above() -> None:
    operation = Operation(
        name="logistic",
        params={
            "outcome": {"kind": "sbp", "above_micro": 140_000_000},
            "covariates": [{"kind": "age", "center_micro": 0, "scale_micro": 1_000_000}],
            "ridge_micro": 0,
        },
    )
    columns = {"sbp": np.array([139.0, 140.0, 140.5]), "age": np.ones(3)}
    assert design(operation, columns, np.ones(3, dtype=np.bool_)).y.tolist() == [0.0, 0.0, 1.0]
