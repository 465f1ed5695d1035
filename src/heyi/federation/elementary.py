"""exp and log(1 + e) from additions and multiplications alone, so that every processor gives the same bits.

Library versions differ in the last bit between processors and vector units; sums of their results could then round
to other integers, and two runs of one study would have different log roots. Both are accurate to about 2e-16
relative; arrays are float64 of any shape.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_LN2_HIGH = 6.93147180369123816490e-01
_LN2_LOW = 1.90821492927058770002e-10
_TAYLOR = (
    1.0,
    1.0,
    1 / 2,
    1 / 6,
    1 / 24,
    1 / 120,
    1 / 720,
    1 / 5040,
    1 / 40320,
    1 / 362880,
    1 / 3628800,
    1 / 39916800,
    1 / 479001600,
    1 / 6227020800,
)


def exp(x: Floats) -> Floats:
    """e to the x; arguments are held within -700 to 700."""
    x = np.clip(x, -700.0, 700.0)
    k = np.rint(x * (1 / 0.6931471805599453))
    r = (x - k * _LN2_HIGH) - k * _LN2_LOW
    series = np.full_like(r, _TAYLOR[-1])
    for c in _TAYLOR[-2::-1]:
        series *= r
        series += c
    return np.ldexp(series, k.astype(np.int64))


def log_of_one_plus(e: Floats) -> Floats:
    """log(1 + e) for e from 0 to 1."""
    k = (e > 0.41421356237309503).astype(np.float64)  # then it is log 2 + log((1 + e) / 2)
    f = np.where(k == 1.0, (e - 1.0) * 0.5, e)
    s = f / (2.0 + f)
    square = s * s
    tail = np.full_like(s, 1 / 21)
    for n in range(19, 2, -2):
        tail *= square
        tail += 1 / n
    half = (
        0.5 * f * f
    )  # log(1 + f) = f - f^2/2 + s (f^2/2 + 2 s^2 tail), arranged so that what is large stays exact
    return k * _LN2_HIGH - ((half - (s * (half + 2.0 * square * tail) + k * _LN2_LOW)) - f)


def logistic_and_softplus(x: Floats) -> tuple[Floats, Floats]:
    """1 / (1 + e^-x), and log(1 + e^x) without overflow."""
    e = exp(-np.abs(x))
    return np.where(x >= 0, 1.0, e) / (1.0 + e), np.maximum(x, 0.0) + log_of_one_plus(e)
