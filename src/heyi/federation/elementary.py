"""exp and log(1 + e) that give the same bits on every processor.

They use only operations that IEEE 754 rounds in one way: +, -, *, / and scaling by powers of two.
Library functions differ in the last bit between processors and vector units. Sums of their results
could round to other integers, and two runs of one study would have different log roots. Both
functions are accurate to about 2e-16 relative. Arrays are float64 of any shape.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

# ln 2 in two parts (fdlibm). The high part ends in 21 zero bits, so k * _LN2_HIGH is exact for the
# small integers k below; the low part adds the digits that are missing.
_LN2_HIGH = 6.93147180369123816490e-01
_LN2_LOW = 1.90821492927058770002e-10
# 1/0!, 1/1!, ..., 1/13!: for |r| <= ln(2)/2 the next term is below 5e-18
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
    """e to the x; arguments are clipped to -700..700, where the result is a normal number."""
    x = np.clip(x, -700.0, 700.0)
    # x = k ln 2 + r with |r| <= ln(2)/2, so e^x = 2^k e^r; the series of e^r converges fast
    k = np.rint(x * (1 / 0.6931471805599453))
    r = (x - k * _LN2_HIGH) - k * _LN2_LOW
    series = np.full_like(r, _TAYLOR[-1])
    # Horner's scheme, from the smallest term; in place, since a temporary costs more than the sum
    for c in _TAYLOR[-2::-1]:
        series *= r
        series += c
    return np.ldexp(series, k.astype(np.int64))


def log_of_one_plus(e: Floats) -> Floats:
    """log(1 + e) for e from 0 to 1."""
    # above sqrt(2) - 1, log(1 + e) = log 2 + log((1 + e) / 2): so |f| stays below 0.42
    k = (e > 0.41421356237309503).astype(np.float64)
    f = np.where(k == 1.0, (e - 1.0) * 0.5, e)
    # log(1 + f) = 2 (s + s^3/3 + s^5/5 + ...) with s = f / (2 + f), |s| < 0.18; the term s^23 is
    # below rounding
    s = f / (2.0 + f)
    square = s * s
    tail = np.full_like(s, 1 / 21)
    for n in range(19, 2, -2):
        tail *= square
        tail += 1 / n
    # The same number as f - f^2/2 + s (f^2/2 + 2 s^2 tail). Added in this order (as fdlibm does),
    # the large parts f and k ln 2 come last and lose no digits to rounding of the small ones.
    half = 0.5 * f * f
    return k * _LN2_HIGH - ((half - (s * (half + 2.0 * square * tail) + k * _LN2_LOW)) - f)


def logistic_and_softplus(x: Floats) -> tuple[Floats, Floats]:
    """1 / (1 + e^-x), and log(1 + e^x)."""
    # e^-|x| never overflows: for x < 0 multiply numerator and denominator by e^x, and for x > 0
    # log(1 + e^x) = x + log(1 + e^-x)
    e = exp(-np.abs(x))
    return np.where(x >= 0, 1.0, e) / (1.0 + e), np.maximum(x, 0.0) + log_of_one_plus(e)
