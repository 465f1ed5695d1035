"""Ridge logistic regression by Newton steps over sums that institutions answer.

At coefficients beta, an institution answers three sums over its records: the gradient X'(y - p),
the information X'WX, and the log-likelihood. The penalty is ridge/2 times the sum of squared
slopes, on the registered fixed scaling; the intercept is not penalised.

Sums are integers in units of 1e-12, and each term is rounded before it is added. So neither the
order of records nor the processor changes a bit. Coefficients travel as integers in the same unit.
Many coefficient vectors are computed at once, since contributions of institutions need one for each
coalition. All operations are elementwise and in a fixed order: a matrix product (BLAS) adds in
another order on another processor.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations_with_replacement

import numpy as np
import numpy.typing as npt

from heyi.crypto.canonical import Json
from heyi.federation.elementary import Floats, logistic_and_softplus
from heyi.federation.wire.operation import Operation
from heyi.federation.wire.wire_numbers import pack, unpack
from heyi.model.errors import InvalidInput, VerificationError

Integers = npt.NDArray[np.int64]
Points = Sequence[Sequence[int]] | Integers
"""Coefficient vectors in 1e-12, one for each row."""
PICO = 10**12
MICRO = 10**6
ROUNDS = 40
CONVERGED = 10**5  # largest change, 1e-7: Newton squares the error, so the next is below 1e-12
NEARLY = 10**6  # 1e-6: if two changes in a row are below it, they are rounding noise
NOISE = 1000  # of a log-likelihood, in 1e-12, since its terms are rounded
_LIMIT = 2.0**62  # of the amount of a sum, with a factor of 2 to spare in int64
_BLOCK = 1 << 15  # numbers in a temporary array, 256 KB, so that it stays in cache


@dataclass(frozen=True, slots=True, kw_only=True)
class Design:
    """Complete cases: `x` is (records, parameters), its first column is 1; `y` is 0.0 or 1.0."""

    x: Floats
    y: Floats

    @property
    def records(self) -> int:
        return int(self.y.size)

    @property
    def positives(self) -> int:
        return int(self.y.sum())


@dataclass(frozen=True, slots=True, kw_only=True)
class Sums:
    """Sums in 1e-12, one row for each coefficient vector.

    `gradient` is (vectors, k), `information` the upper triangle by rows, (vectors, k (k + 1) / 2),
    and `loglik` is (vectors,). Totals over institutions are Python integers if int64 is too small.
    """

    gradient: npt.NDArray[np.generic]
    information: npt.NDArray[np.generic]
    loglik: npt.NDArray[np.generic]


def design(
    operation: Operation, columns: Mapping[str, Floats], keep: npt.NDArray[np.bool_]
) -> Design:
    """The complete cases among the records to `keep`, on the registered scaling."""
    outcome = operation.params["outcome"]
    y = columns[outcome["kind"]]
    scaled = [np.ones_like(y)]
    for c in operation.params["covariates"]:
        scaled.append((columns[c["kind"]] - c["center_micro"] / MICRO) / (c["scale_micro"] / MICRO))
    complete = keep & ~np.isnan(y)
    for column in scaled:
        complete &= ~np.isnan(column)
    above = outcome.get("above_micro", 0) / MICRO
    return Design(
        x=np.stack([c[complete] for c in scaled], axis=1),
        y=(y[complete] > above).astype(np.float64),
    )


def sums(data: Design, points: Points) -> Sums:
    """The sums of the records at each coefficient vector.

    Raises:
        InvalidInput: a vector has not one coefficient for each parameter, or the sums could leave
            62 bits.
    """
    k = data.x.shape[1]
    found = np.empty((len(points), k + k * (k + 1) // 2 + 1), dtype=np.int64)
    columns = [np.ascontiguousarray(data.x[:, i]) for i in range(k)]
    # a block of vectors at a time: (vectors, records) arrays that fit in cache
    step = max(1, _BLOCK // max(data.records, 1))
    for first in range(0, len(points), step):
        block = predictors(data, points[first : first + step])
        p, soft = logistic_and_softplus(block)
        w, residual, out = p * (1.0 - p), data.y - p, found[first : first + step]
        for i, column in enumerate(columns):
            out[:, i] = _total(residual * column)
        cell = k  # the order of the upper triangle: (0, 0), (0, 1), ..., (1, 1), ...
        for i, column in enumerate(columns):
            weighted = w * column
            for other in columns[i:]:
                out[:, cell] = _total(weighted * other)
                cell += 1
        out[:, cell] = _total(data.y * block - soft)  # y eta - log(1 + e^eta)
    return Sums(gradient=found[:, :k], information=found[:, k:-1], loglik=found[:, -1])


def predictors(data: Design, points: Points) -> Floats:
    """The linear predictor of each record at each coefficient vector, (points, records).

    Raises:
        InvalidInput: a vector has not one coefficient for each parameter, or sums over the records
            could leave 62 bits.
    """
    k = data.x.shape[1]
    for coefficients in points:
        if len(coefficients) != k:
            raise InvalidInput(f"expected {k} coefficients, not {len(coefficients)}")
    beta = np.array(points, dtype=np.int64) / PICO
    eta = np.zeros((len(points), data.records))
    for j in range(k):
        eta += data.x[:, j] * beta[:, j, None]
    # INVARIANT: the integer sums of `sums` fit int64. A term is at most x^2 / 4 (information, since
    # p (1 - p) <= 1/4), x (gradient) or |eta| + 1 (log-likelihood). `not <=` also refuses a NaN.
    largest = float(np.abs(data.x).max(initial=1.0))
    reach = max(largest * largest / 4, largest, float(np.abs(eta).max(initial=0.0)) + 1.0)
    if not data.records * reach * PICO <= _LIMIT:
        raise InvalidInput("the sums would be too large", hint="scale the covariates to about one")
    return eta


def _total(terms: Floats) -> Integers:
    """Sums of rows in 1e-12; each term is rounded before it is added. Overwrites `terms`."""
    terms *= PICO
    np.rint(terms, out=terms)
    found: Integers = terms.astype(np.int64).sum(axis=1)
    return found


def to_text(found: Sums) -> str:
    """Sums as a packed table; a row has gradient, information and log-likelihood of one vector."""
    return pack(np.column_stack([found.gradient, found.information, found.loglik]))


def from_text(text: Json, points: int, parameters: int) -> Sums:
    """The inverse of `to_text`, for sums at `points` vectors of `parameters` coefficients.

    Raises:
        VerificationError: the institution's answer is no table of this size.
    """
    try:
        found = unpack(text, parameters + parameters * (parameters + 1) // 2 + 1, points)
    except ValueError as e:
        raise VerificationError(f"an institution answered sums that are none: {e}") from None
    return Sums(
        gradient=found[:, :parameters], information=found[:, parameters:-1], loglik=found[:, -1]
    )


class Newton:
    """Newton's method for several penalised likelihoods at once.

    `beta` is (problems, parameters) in 1e-12. `open` lists the problems that are not done, and
    `rounds` counts the steps of each. If the penalised likelihood of a problem fell, it steps back
    half of the way. A problem is done when no coefficient moves by more than `within` (1e-12).

        newton = Newton([[0, 0]], ridge_micro=1_000_000)
        while newton.open:
            newton.step(sums(data, newton.points))
    """

    def __init__(
        self, start: Sequence[Sequence[int]], *, ridge_micro: int, within: int = CONVERGED
    ) -> None:
        self.beta: Integers = np.array(start, dtype=np.int64)
        self.rounds = [0] * len(start)
        self.open = list(range(len(start)))
        self._ridge, self._within = ridge_micro / MICRO, within
        # by problem: the last accepted point with its penalised likelihood
        self._before: dict[int, tuple[Integers, int]] = {}
        # problems whose last change was below NEARLY
        self._near: set[int] = set()

    @property
    def points(self) -> Integers:
        """The coefficients at which the open problems need sums next."""
        found: Integers = self.beta[self.open]
        return found

    def step(self, totals: Sums) -> None:
        """One step of all open problems, from their sums in the order of `open`.

        Raises:
            InvalidInput: a problem does not converge, or is singular.
        """
        moved, values, changes = newton_step(self.beta[self.open], totals, ridge=self._ridge)
        still = []
        for row, m in enumerate(self.open):
            self.rounds[m] += 1
            change, value = changes[row], values[row]
            # `value` is the likelihood at the current point, so a bad step shows one round later
            if m in self._before and value < self._before[m][1] - NOISE:
                self.beta[m] = (self._before[m][0] + self.beta[m]) // 2
                still.append(m)
                continue
            self._before[m] = (self.beta[m].copy(), value)
            self.beta[m] = moved[row]
            if change <= self._within or (change <= NEARLY and m in self._near):
                continue
            still.append(m)
            (self._near.add if change <= NEARLY else self._near.discard)(m)
        self.open = still
        # all open problems have made the same number of rounds
        if still and self.rounds[still[0]] >= ROUNDS:
            raise InvalidInput(
                "the regression does not converge",
                hint="register a larger ridge or fewer covariates",
            )


def newton_step(
    beta: Integers, totals: Sums, *, ridge: float
) -> tuple[Integers, list[int], list[int]]:
    """One step of each problem.

    Returns the new coefficients, the penalised log-likelihoods at the old ones, and the largest
    change of a coefficient in each problem, all in 1e-12.

    Raises:
        InvalidInput: a step is not finite in the unit, or a matrix is singular.
    """
    at = beta / PICO
    gradient = totals.gradient.astype(np.float64) / PICO
    gradient[:, 1:] -= ridge * at[:, 1:]
    step = solve(full(totals.information, ridge), gradient)
    # 1e6 in 1e-12 is 1e18 and fits int64; `not <` also refuses a NaN
    if not (np.abs(step) < 1e6).all():
        raise InvalidInput(
            "the regression does not converge", hint="register a larger ridge or fewer covariates"
        )
    by = np.rint(step * PICO).astype(np.int64)
    penalty = np.zeros(len(beta))
    for i in range(1, beta.shape[1]):
        penalty += ridge * at[:, i] * at[:, i] / 2
    values = [
        int(v) - round(p * PICO)
        for v, p in zip(totals.loglik.tolist(), penalty.tolist(), strict=True)
    ]
    return beta + by, values, np.abs(by).max(axis=1).tolist()


def full(information: npt.NDArray[np.generic], ridge: float) -> Floats:
    """Information matrices (problems, k, k) from upper triangles in 1e-12, plus ridge on slopes."""
    cells = information.astype(np.float64) / PICO
    # the triangle has c = k (k + 1) / 2 cells; solved for k
    k = round(((8 * cells.shape[1] + 1) ** 0.5 - 1) / 2)
    matrix = np.empty((len(cells), k, k))
    for n, (row, column) in enumerate(combinations_with_replacement(range(k), 2)):
        matrix[:, row, column] = matrix[:, column, row] = cells[:, n]
    for i in range(1, k):
        matrix[:, i, i] += ridge
    return matrix


def solve(matrix: Floats, right: Floats) -> Floats:
    """Solve symmetric positive definite systems by Cholesky; (problems, n, n) and (problems, n).

    Raises:
        InvalidInput: a matrix is not positive definite (too few records, or a constant covariate
            without ridge).
    """
    # Written out, since LAPACK gives other last bits on another processor. The loops run over the
    # few parameters; each operation covers all problems.
    n = right.shape[1]
    lower, forward, back = np.zeros_like(matrix), np.zeros_like(right), np.zeros_like(right)
    # (1) matrix = lower lower'
    for i in range(n):
        for j in range(i + 1):
            rest = matrix[:, i, j].copy()
            for m in range(j):
                rest -= lower[:, i, m] * lower[:, j, m]
            if i == j:
                if not (rest > 0).all():
                    raise InvalidInput(
                        "the information matrix is singular", hint="register a ridge above zero"
                    )
                lower[:, i, i] = np.sqrt(rest)
            else:
                lower[:, i, j] = rest / lower[:, j, j]
    # (2) lower forward = right
    for i in range(n):
        rest = right[:, i].copy()
        for m in range(i):
            rest -= lower[:, i, m] * forward[:, m]
        forward[:, i] = rest / lower[:, i, i]
    # (3) lower' back = forward
    for i in reversed(range(n)):
        rest = forward[:, i].copy()
        for m in range(i + 1, n):
            rest -= lower[:, m, i] * back[:, m]
        back[:, i] = rest / lower[:, i, i]
    return back
