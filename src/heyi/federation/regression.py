"""Ridge logistic regression by Newton steps over sums (METHOD: each institution answers X'(y-p), X'WX, log-likelihood).

Sums are integers in units of 1e-12, rounded record by record, so that neither the order of records nor the processor
changes a bit. Coefficients travel as integers in the same unit. The intercept is not penalised; the penalty is
ridge/2 times the sum of squared slopes on the registered fixed scaling. Many coefficient vectors go through at once,
in elementwise operations of fixed order, since the contributions of institutions need one a coalition.
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
"""Coefficient vectors, one a row, in 1e-12."""
PICO = 10**12
MICRO = 10**6
ROUNDS = 40
CONVERGED = 10**5  # largest change, in 1e-12: what is left squares, and falls below the unit
NEARLY = 10**6  # a second change below this is rounding noise
NOISE = 1000  # of a likelihood that is summed from rounded terms, in 1e-12
_LIMIT = 2.0**62
_BLOCK = 1 << 15  # numbers of a temporary that stay in cache


@dataclass(frozen=True, slots=True, kw_only=True)
class Design:
    """Complete cases: `x` is (records, parameters) with a leading column of ones, `y` is 0 or 1."""

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
    """One row a coefficient vector, in 1e-12: gradient, upper triangle of the information matrix by rows, and
    log-likelihood. Totals over institutions are Python integers where int64 could not hold them."""

    gradient: npt.NDArray[np.generic]
    information: npt.NDArray[np.generic]
    loglik: npt.NDArray[np.generic]

    def rows(self, chosen: Sequence[int]) -> Sums:
        """The sums at some of the coefficient vectors."""
        return Sums(
            gradient=self.gradient[chosen],
            information=self.information[chosen],
            loglik=self.loglik[chosen],
        )


def design(
    operation: Operation, columns: Mapping[str, Floats], keep: npt.NDArray[np.bool_]
) -> Design:
    """Complete cases among the records to `keep`, on the registered scaling."""
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
        InvalidInput: coefficients are not one a parameter, or the sums could leave 62 bits.
    """
    k = data.x.shape[1]
    found = np.empty((len(points), k + k * (k + 1) // 2 + 1), dtype=np.int64)
    columns = [np.ascontiguousarray(data.x[:, i]) for i in range(k)]
    step = max(1, _BLOCK // max(data.records, 1))
    for first in range(0, len(points), step):
        block = predictors(data, points[first : first + step])
        p, soft = logistic_and_softplus(block)
        w, residual, out = p * (1.0 - p), data.y - p, found[first : first + step]
        for i, column in enumerate(columns):
            out[:, i] = _total(residual * column)
        cell = k
        for i, column in enumerate(columns):
            weighted = w * column
            for other in columns[i:]:
                out[:, cell] = _total(weighted * other)
                cell += 1
        out[:, cell] = _total(data.y * block - soft)
    return Sums(gradient=found[:, :k], information=found[:, k:-1], loglik=found[:, -1])


def predictors(data: Design, points: Points) -> Floats:
    """The linear predictor of each record at each coefficient vector, (points, records).

    Raises:
        InvalidInput: coefficients are not one a parameter, or sums over the records could leave 62 bits.
    """
    k = data.x.shape[1]
    for coefficients in points:
        if len(coefficients) != k:
            raise InvalidInput(f"expected {k} coefficients, not {len(coefficients)}")
    beta = np.array(points, dtype=np.int64) / PICO
    eta = np.zeros((len(points), data.records))
    for j in range(k):
        eta += data.x[:, j] * beta[:, j, None]
    largest = float(np.abs(data.x).max(initial=1.0))
    reach = max(largest * largest / 4, largest, float(np.abs(eta).max(initial=0.0)) + 1.0)
    if not data.records * reach * PICO <= _LIMIT:
        raise InvalidInput("the sums would be too large", hint="scale the covariates to about one")
    return eta


def _total(terms: Floats) -> Integers:
    """Sums by row, of terms that are rounded to 1e-12 one by one."""
    terms *= PICO
    np.rint(terms, out=terms)
    found: Integers = terms.astype(np.int64).sum(axis=1)
    return found


def to_text(found: Sums) -> str:
    """Sums as a packed table, a row a coefficient vector: gradient, information, log-likelihood."""
    return pack(np.column_stack([found.gradient, found.information, found.loglik]))


def from_text(text: Json, points: int, parameters: int) -> Sums:
    """The inverse of `to_text`, for as many coefficient vectors of a regression of that many parameters.

    Raises:
        VerificationError: the institution answered something that is no such sums.
    """
    try:
        found = unpack(text, parameters + parameters * (parameters + 1) // 2 + 1, points)
    except ValueError as e:
        raise VerificationError(f"an institution answered sums that are none: {e}") from None
    return Sums(
        gradient=found[:, :parameters], information=found[:, parameters:-1], loglik=found[:, -1]
    )


def joined(parts: Sequence[Sums]) -> Sums:
    """The sums of several institutions at the same coefficient vectors."""
    return Sums(
        gradient=add([p.gradient for p in parts]),
        information=add([p.information for p in parts]),
        loglik=add([p.loglik for p in parts]),
    )


def add(parts: Sequence[npt.NDArray[np.generic]]) -> npt.NDArray[np.generic]:
    """The sum of integer arrays of one shape, in Python integers where int64 could not hold it."""
    reach = sum(int(np.abs(p).max(initial=0)) for p in parts)
    total: npt.NDArray[np.generic] = np.add.reduce(
        [p if reach < 1 << 62 else p.astype(object) for p in parts]
    )
    return total


class Newton:
    """Newton's method for several penalised likelihoods side by side; `beta` is (problems, parameters) in 1e-12.

    A problem steps back half way when its penalised likelihood fell, and is done when no coefficient moves by more
    than `within`. `rounds` counts the steps of each.
    """

    def __init__(
        self, start: Sequence[Sequence[int]], *, ridge_micro: int, within: int = CONVERGED
    ) -> None:
        self.beta: Integers = np.array(start, dtype=np.int64)
        self.rounds = [0] * len(start)
        self.open = list(range(len(start)))
        self._ridge, self._within = ridge_micro / MICRO, within
        self._before: dict[int, tuple[Integers, int]] = {}
        self._near: set[int] = set()

    @property
    def points(self) -> Integers:
        """Where the sums of the open problems are wanted next."""
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
        if still and self.rounds[still[0]] >= ROUNDS:
            raise InvalidInput(
                "the regression does not converge",
                hint="register a larger ridge or fewer covariates",
            )


def newton_step(
    beta: Integers, totals: Sums, *, ridge: float
) -> tuple[Integers, list[int], list[int]]:
    """One step of each problem.

    Returns the new coefficients, the penalised log-likelihoods at the old ones, and the largest changes, all in 1e-12.

    Raises:
        InvalidInput: a step is not finite in the unit, or a matrix is singular.
    """
    at = beta / PICO
    gradient = totals.gradient.astype(np.float64) / PICO
    gradient[:, 1:] -= ridge * at[:, 1:]
    step = solve(full(totals.information, ridge), gradient)
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
    """Information matrices from their upper triangles in 1e-12, with the ridge on the slopes; (problems, k, k)."""
    cells = information.astype(np.float64) / PICO
    k = round(((8 * cells.shape[1] + 1) ** 0.5 - 1) / 2)
    matrix = np.empty((len(cells), k, k))
    for n, (row, column) in enumerate(combinations_with_replacement(range(k), 2)):
        matrix[:, row, column] = matrix[:, column, row] = cells[:, n]
    for i in range(1, k):
        matrix[:, i, i] += ridge
    return matrix


def solve(matrix: Floats, right: Floats) -> Floats:
    """Solve symmetric positive definite systems (problems, n, n) by Cholesky, in floating arithmetic of fixed order.

    Raises:
        InvalidInput: a matrix is not positive definite (too few records, or a constant covariate without ridge).
    """
    n = right.shape[1]
    lower, forward, back = np.zeros_like(matrix), np.zeros_like(right), np.zeros_like(right)
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
    for i in range(n):
        rest = right[:, i].copy()
        for m in range(i):
            rest -= lower[:, i, m] * forward[:, m]
        forward[:, i] = rest / lower[:, i, i]
    for i in reversed(range(n)):
        rest = forward[:, i].copy()
        for m in range(i + 1, n):
            rest -= lower[:, m, i] * back[:, m]
        back[:, i] = rest / lower[:, i, i]
    return back
