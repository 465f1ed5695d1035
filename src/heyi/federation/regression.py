"""Ridge logistic regression by Newton steps over sums (METHOD: each institution answers X'(y-p), X'WX, log-likelihood).

Sums are integers in units of 1e-12, rounded record by record, so that neither the order of records nor the processor
changes a bit. Coefficients travel as integers in the same unit. The intercept is not penalised; the penalty is
ridge/2 times the sum of squared slopes on the registered fixed scaling.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from heyi.crypto.canonical import Json
from heyi.federation.elementary import Floats, logistic, softplus
from heyi.federation.operation import Operation
from heyi.model.errors import InvalidInput, VerificationError

PICO = 10**12
MICRO = 10**6
_LIMIT = 2.0**62


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


def design(
    operation: Operation, columns: Mapping[str, Floats], keep: np.ndarray[tuple[int], np.dtype[np.bool_]]
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
    return Design(x=np.stack([c[complete] for c in scaled], axis=1), y=(y[complete] > above).astype(np.float64))


def sums(data: Design, coefficients: Sequence[int]) -> dict[str, Json]:
    """Gradient, upper triangle of the information matrix by rows, and log-likelihood, in units of 1e-12.

    Raises:
        InvalidInput: the coefficients are not one a parameter, or the sums could leave 62 bits.
    """
    k = data.x.shape[1]
    if len(coefficients) != k:
        raise InvalidInput(f"expected {k} coefficients, not {len(coefficients)}")
    largest = float(np.abs(data.x).max(initial=1.0))
    eta = np.zeros_like(data.y)
    for j, b in enumerate(coefficients):
        eta = eta + data.x[:, j] * (b / PICO)
    reach = max(largest * largest / 4, largest, float(np.abs(eta).max(initial=0.0)) + 1.0)
    if data.records * reach * PICO > _LIMIT:
        raise InvalidInput("the sums would be too large", hint="scale the covariates to about one")
    p = logistic(eta)
    w = p * (1.0 - p)
    residual = data.y - p
    return {
        "gradient": [_total(residual * data.x[:, i]) for i in range(k)],
        "information": [_total(w * data.x[:, i] * data.x[:, j]) for i in range(k) for j in range(i, k)],
        "loglik": _total(data.y * eta - softplus(eta)),
    }


def _total(terms: Floats) -> int:
    return int(np.rint(terms * PICO).astype(np.int64).sum())


def points(argument: Json) -> list[list[int]]:
    """The coefficient vectors of a call's argument, `{"at": [[…], …]}`.

    Raises:
        InvalidInput: it is anything else.
    """
    at = argument.get("at") if isinstance(argument, dict) and set(argument) == {"at"} else None
    if not isinstance(at, list) or not at or not all(isinstance(b, list) for b in at):
        raise InvalidInput("the argument is no list of coefficient vectors")
    if not all(isinstance(c, int) and not isinstance(c, bool) for b in at for c in b):
        raise InvalidInput("coefficients are whole numbers in units of 1e-12")
    return at


def to_text(part: Mapping[str, Json]) -> dict[str, Json]:
    """Sums as decimal text, since JSON numbers end at 2^53 and the sums of a large institution do not."""
    return {k: [str(n) for n in v] if isinstance(v, list) else str(v) for k, v in part.items()}


def from_text(part: Json, parameters: int) -> dict[str, Json]:
    """The inverse of `to_text`, for a regression of that many parameters.

    Raises:
        VerificationError: the institution answered something that is no such sums.
    """
    try:
        gradient, information = ([int(n) for n in part[k]] for k in ("gradient", "information"))
        loglik = int(part["loglik"])
    except (KeyError, TypeError, ValueError):
        raise VerificationError("an institution answered sums that are none") from None
    if (len(gradient), len(information)) == (parameters, parameters * (parameters + 1) // 2):
        return {"gradient": gradient, "information": information, "loglik": loglik}
    raise VerificationError("an institution answered sums that are none")


def newton_step(
    beta: Sequence[int], answers: Sequence[Mapping[str, Json]], *, ridge_micro: int
) -> tuple[tuple[int, ...], int, int]:
    """One step from the answers of all institutions.

    Returns the new coefficients, the penalised log-likelihood at the old ones, and the largest change, all in 1e-12.
    """
    k = len(beta)
    ridge = ridge_micro / MICRO
    gradient = [sum(a["gradient"][i] for a in answers) / PICO for i in range(k)]
    information = [[0.0] * k for _ in range(k)]
    cells = [(i, j) for i in range(k) for j in range(i, k)]
    for n, (i, j) in enumerate(cells):
        information[i][j] = information[j][i] = sum(a["information"][n] for a in answers) / PICO
    penalty = 0.0
    for i in range(1, k):
        b = beta[i] / PICO
        gradient[i] -= ridge * b
        information[i][i] += ridge
        penalty += ridge * b * b / 2
    step = solve(information, gradient)
    moved = tuple(b + round(s * PICO) for b, s in zip(beta, step, strict=True))
    value = sum(a["loglik"] for a in answers) - round(penalty * PICO)
    return moved, value, max(abs(round(s * PICO)) for s in step)


def solve(matrix: Sequence[Sequence[float]], right: Sequence[float]) -> list[float]:
    """Solve a symmetric positive definite system by Cholesky, in plain floating arithmetic of fixed order.

    Raises:
        InvalidInput: the matrix is not positive definite (too few records, or a constant covariate without ridge).
    """
    n = len(right)
    lower = [[0.0] * n for _ in range(n)]
    for i in range(n):
        for j in range(i + 1):
            rest = matrix[i][j] - sum(lower[i][m] * lower[j][m] for m in range(j))
            if i == j:
                if rest <= 0:
                    raise InvalidInput("the information matrix is singular", hint="register a ridge above zero")
                lower[i][i] = math.sqrt(rest)
            else:
                lower[i][j] = rest / lower[j][j]
    forward: list[float] = []
    for i in range(n):
        forward.append((right[i] - sum(lower[i][m] * forward[m] for m in range(i))) / lower[i][i])
    back = [0.0] * n
    for i in reversed(range(n)):
        back[i] = (forward[i] - sum(lower[m][i] * back[m] for m in range(i + 1, n))) / lower[i][i]
    return back
