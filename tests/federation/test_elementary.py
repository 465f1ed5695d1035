"""exp, log(1 + e): as accurate as the library's, and the same bits at any place of an array."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest

from heyi.federation.elementary import exp, log_of_one_plus, logistic_and_softplus

Floats = npt.NDArray[np.float64]
RELATIVE = 4e-16


def logistic(x: Floats) -> Floats:
    return logistic_and_softplus(x)[0]


def softplus(x: Floats) -> Floats:
    return logistic_and_softplus(x)[1]


def bent(x: Floats) -> Floats:
    """log(1 + e) where e goes from 0 to 1."""
    return log_of_one_plus(x / 30.1)


FUNCTIONS = (exp, bent, logistic, softplus)


def worst(got: Floats, wanted: list[float]) -> float:
    return max(
        (abs(float(g) - w) / abs(w) for g, w in zip(got, wanted, strict=True) if w), default=0.0
    )


def plain_logistic(x: float) -> float:
    return 1 / (1 + math.exp(-x)) if x >= 0 else math.exp(x) / (1 + math.exp(x))


def spread(reach: float, count: int = 20_000) -> Floats:
    return np.random.default_rng(7).uniform(-reach, reach, count)


@pytest.mark.parametrize("reach", [1e-9, 0.5, 5.0, 40.0, 700.0])
def test_exp_is_as_accurate_as_the_library(reach: float) -> None:
    x = spread(reach)
    assert worst(exp(x), [math.exp(v) for v in x]) <= RELATIVE


@pytest.mark.parametrize("reach", [1e-300, 1e-9, 1e-3, 0.4142, 1.0])
def test_log_of_one_plus_is_as_accurate_as_the_library(reach: float) -> None:
    e = np.abs(spread(reach))
    assert worst(log_of_one_plus(e), [math.log1p(v) for v in e]) <= RELATIVE


@pytest.mark.parametrize("reach", [0.5, 5.0, 40.0, 700.0])
def test_logistic_is_as_accurate_as_the_library(reach: float) -> None:
    x = spread(reach)
    assert worst(logistic(x), [plain_logistic(v) for v in x]) <= RELATIVE


@pytest.mark.parametrize("reach", [0.5, 5.0, 40.0, 700.0])
def test_softplus_is_as_accurate_as_the_library(reach: float) -> None:
    x = spread(reach)
    plain = [max(v, 0.0) + math.log1p(math.exp(-abs(v))) for v in x]
    assert worst(softplus(x), plain) <= 2 * RELATIVE


def test_exact_values() -> None:
    assert exp(np.array([0.0, -0.0])).tolist() == [1.0, 1.0]
    assert log_of_one_plus(np.array([0.0, 1.0])).tolist() == [0.0, math.log(2)]
    assert logistic(np.array([0.0, 800.0])).tolist() == [0.5, 1.0]
    assert softplus(np.array([800.0])).tolist() == [800.0]


def test_extremes_are_held_and_never_overflow() -> None:
    far = np.array([-1e308, -701.0, 701.0, 1e308])
    assert exp(far).tolist() == [exp(np.array([-700.0]))[0]] * 2 + [exp(np.array([700.0]))[0]] * 2
    assert np.isfinite(logistic(far)).all() and np.isfinite(softplus(far)).all()


@pytest.mark.parametrize("function", [exp, bent, logistic])
@pytest.mark.parametrize("at", [1e-3, 0.34657359, 0.70710678, 1.0, 5.0])
def test_neighbouring_numbers_keep_their_order(
    function: Callable[[Floats], Floats], at: float
) -> None:
    x = at + np.arange(-20_000, 20_000, dtype=np.float64) * math.ulp(at)
    assert (np.diff(function(x)) >= 0).all()


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_coarse_grid_is_strictly_in_order(function: Callable[[Floats], Floats]) -> None:
    x = np.linspace(0.01, 30.0, 10_000)
    assert (np.diff(function(x)) > 0).all()


@pytest.mark.parametrize("function", FUNCTIONS)
def test_the_bits_do_not_depend_on_length_offset_or_stride(
    function: Callable[[Floats], Floats],
) -> None:
    x = np.abs(spread(30.0, 70)) + 1e-3
    one_by_one = [function(x[i : i + 1]).tobytes() for i in range(x.size)]
    for offset in range(9):
        for length in range(1, 40):
            got = function(x[offset : offset + length])
            assert got.tobytes() == b"".join(one_by_one[offset : offset + length])
    assert function(x[::3]).tobytes() == b"".join(one_by_one[::3])
    assert function(x[::-1]).tobytes() == b"".join(reversed(one_by_one))
    assert function(x.reshape(7, 10)).tobytes() == b"".join(one_by_one)
