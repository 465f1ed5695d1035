"""Models of coalitions: what each set of institutions could have learnt without the others.

A coalition is a bit mask over seats. All coalitions share the exchanges: in each one, a seat
answers in one call for all coalitions that contain it. Started from zero, the fits take as many
rounds as the joint model. Started from the institutions' own optima (one more exchange), they begin
where a meta-analysis ends, and two or three rounds are enough.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Unpack

import numpy as np
import numpy.typing as npt

from heyi.crypto.canonical import Json
from heyi.federation.aggregation import unmask
from heyi.federation.centre.driver import Exchanged, Seat, Transport, ask, ask_each
from heyi.federation.questions import is_masked
from heyi.federation.regression import (
    CONVERGED,
    MICRO,
    PICO,
    Integers,
    Newton,
    Sums,
    from_text,
    full,
    solve,
)
from heyi.federation.wire.operation import Operation
from heyi.federation.wire.wire_numbers import pack, read, unpack
from heyi.model.errors import InvalidInput, VerificationError

Models = Mapping[int, Sequence[int]]
"""Coefficients in 1e-12 by coalition."""

NEAR = 10**11
"""0.1 in 1e-12: near fits end with the step that moves no coefficient by more, on the registered
scaling. What is then left of the coefficients is about the square of that step, and what is left of
the likelihood the square again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """A fitted model of a coalition: coefficients in 1e-12, and the number of Newton rounds."""

    coefficients: tuple[int, ...]
    rounds: int


class _Refused(Exception):
    """A seat refused in the middle of a fit."""


def parameters(operation: Operation) -> int:
    """The number of coefficients of a regression, with its intercept."""
    return 1 + len(operation.params["covariates"])


def fit_coalitions(
    seats: Sequence[Seat],
    operation: Operation,
    coalitions: Sequence[int],
    *,
    start: Models | None = None,
    within: int = CONVERGED,
    on_round: Callable[[int], None] = lambda _: None,
    **transport: Unpack[Transport],
) -> tuple[dict[int, Fit], Exchanged]:
    """Fit the regression of each coalition, all in the same rounds, from `start` or from zero.

    If a seat refuses, there are no fits, and the exchange says who refused: leave it out and fit
    again.

    Raises:
        InvalidInput: a coalition does not converge, or sums are masked and a coalition is not that
            of all seats.
        VerificationError: a receipt does not hold, or a seat answers something else than sums.
    """
    masks = list(coalitions)
    zero = (0,) * parameters(operation)
    newton = Newton(
        [start[m] if start else zero for m in masks],
        ridge_micro=operation.params["ridge_micro"],
        within=within,
    )
    receipts: list[Json] = []
    rounds = 0
    while newton.open:
        rounds += 1
        on_round(rounds)
        try:
            totals = _totals(
                seats,
                operation,
                [masks[n] for n in newton.open],
                newton.points,
                receipts,
                transport,
            )
        except _Refused as e:
            return {}, Exchanged(results={}, refusals=e.args[0], receipts=receipts)
        newton.step(totals)
    fits = {
        m: Fit(coefficients=tuple(beta), rounds=newton.rounds[n])
        for n, (m, beta) in enumerate(zip(masks, newton.beta.tolist(), strict=True))
    }
    return fits, Exchanged(results={}, refusals={}, receipts=receipts)


def _totals(
    seats: Sequence[Seat],
    operation: Operation,
    masks: Sequence[int],
    at: Integers,
    receipts: list[Json],
    transport: Transport,
) -> Sums:
    """The sums of each coalition at its coefficient vector; receipts are added to `receipts`."""
    k = parameters(operation)
    if is_masked(operation):
        return _masked_totals(seats, operation, masks, at, receipts, transport)
    # by seat: the rows of the coalitions that contain it; a seat of none is not asked in this round
    members = [[n for n, m in enumerate(masks) if m >> i & 1] for i in range(len(seats))]
    asked = [i for i, mine in enumerate(members) if mine]
    arguments = [{"at": pack(at[members[i]])} for i in asked]
    got = ask_each([seats[i] for i in asked], operation, arguments, **transport)
    receipts += got.receipts
    if got.refusals:
        raise _Refused(got.refusals)
    parts = []
    for i in asked:
        sums = _given(got.results[seats[i].permit.holder], "sums")
        parts.append((members[i], from_text(sums, len(members[i]), k)))
    return Sums(
        gradient=_scattered(len(masks), [(mine, s.gradient) for mine, s in parts]),
        information=_scattered(len(masks), [(mine, s.information) for mine, s in parts]),
        loglik=_scattered(len(masks), [(mine, s.loglik) for mine, s in parts]),
    )


def _given(result: Json, name: str) -> Any:
    if not isinstance(result, dict) or name not in result:
        raise VerificationError(f"an institution answered no `{name}`")
    return result[name]


def _scattered(rows: int, parts: Sequence[tuple[list[int], npt.NDArray[Any]]]) -> npt.NDArray[Any]:
    """Add up parts that cover some of the rows each; in Python integers if int64 is too small."""
    # a bound of every sum: the largest amounts of all parts together
    reach = sum(int(np.abs(part).max(initial=0)) for _, part in parts)
    total = np.zeros((rows, *parts[0][1].shape[1:]), dtype=np.int64 if reach < 1 << 62 else object)
    for mine, part in parts:
        total[mine] += part
    return total


def _masked_totals(
    seats: Sequence[Seat],
    operation: Operation,
    masks: Sequence[int],
    at: Integers,
    receipts: list[Json],
    transport: Transport,
) -> Sums:
    if set(masks) != {(1 << len(seats)) - 1}:
        raise InvalidInput(
            "masked sums tell of all institutions together only", hint="register per-site sums"
        )
    # masks depend on the call number and cancel only if all seats use the same one; numbers may be
    # skipped, but never used twice
    number = max(seat.calls for seat in seats)
    for seat in seats:
        seat.calls = number
    peers = sorted(seat.permit.id for seat in seats)
    got = ask(seats, operation, {"at": pack(at), "peers": peers}, **transport)
    receipts += got.receipts
    if got.refusals:
        raise _Refused(got.refusals)
    return unmask([_given(r, "sums") for r in got.results.values()], len(at), parameters(operation))


def own_optima(
    seats: Sequence[Seat],
    operation: Operation,
    coalitions: Sequence[int],
    **transport: Unpack[Transport],
) -> tuple[dict[int, tuple[int, ...]], Exchanged]:
    """Start vectors near each coalition's fit, in 1e-12, from one exchange.

    Each seat answers its own penalised optimum theta_i, with gradient g_i and information H_i at
    this point, where its likelihood is nearly a parabola. A coalition starts at the maximum of the
    sum of its parabolas and the penalty: (sum of H_i + ridge) theta = sum of (H_i theta_i + g_i).
    The gradients are not zero, since the optimum is that of likelihood and penalty together.
    """
    k, ridge = parameters(operation), operation.params["ridge_micro"] / MICRO
    got = ask(seats, operation, {"optimum": True}, **transport)
    if got.refusals:
        return {}, got
    matrices, rights = np.empty((len(seats), k, k)), np.empty((len(seats), k))
    for i, seat in enumerate(seats):
        result = got.results[seat.permit.holder]
        found = from_text(_given(result, "sums"), 1, k)
        at = _unpacked(_given(result, "at"), k)
        matrices[i] = full(found.information, 0.0)[0]
        rights[i] = found.gradient[0].astype(np.float64) / PICO
        # column by column: a matrix product could add in another order on another processor
        for j in range(k):
            rights[i] += matrices[i, :, j] * (at[j] / PICO)
    start: dict[int, tuple[int, ...]] = {}
    whole = np.zeros((len(coalitions), k, k))
    right = np.zeros((len(coalitions), k))
    for i in range(len(seats)):
        mine = [n for n, m in enumerate(coalitions) if m >> i & 1]
        whole[mine] += matrices[i]
        right[mine] += rights[i]
    for j in range(1, k):  # the intercept is not penalised
        whole[:, j, j] += ridge
    for m, theta in zip(coalitions, solve(whole, right).tolist(), strict=True):
        start[m] = tuple(round(x * PICO) for x in theta)
    return start, got


def log_likelihoods(
    seats: Sequence[Seat], operation: Operation, models: Models, **transport: Unpack[Transport]
) -> tuple[dict[int, int], list[list[int]] | None, Exchanged]:
    """The log-likelihood of each model over the complete cases of all seats, in 1e-12.

    If the models are those of all coalitions, in the order of their masks, and there are at most 16
    seats, also the moments of the records' contributions in 1e-12 (see `record_moments`).
    """
    masks = list(models)
    argument: dict[str, Json] = {"at": pack(list(models.values()))}
    whole = masks == list(range(1 << len(seats))) and len(seats) <= 16
    if whole:
        argument["players"] = len(seats)
    got = ask(seats, operation, argument, **transport)
    totals, moments = dict.fromkeys(masks, 0), [[0] * len(seats) for _ in seats]
    for result in got.results.values():
        if whole:
            logliks = _unpacked(_given(result, "loglik"), len(masks))
            for total, row in zip(
                moments, _decimal(_given(result, "moments"), len(seats)), strict=True
            ):
                for j, x in enumerate(row):
                    total[j] += x
        else:
            logliks = from_text(
                _given(result, "sums"), len(masks), parameters(operation)
            ).loglik.tolist()
        for m, v in zip(masks, logliks, strict=True):
            totals[m] += v
    return totals, moments if whole else None, got


def concordances(
    seats: Sequence[Seat], operation: Operation, models: Models, **transport: Unpack[Transport]
) -> tuple[dict[int, int], Exchanged]:
    """For each model: pairs of a case and a control ranked rightly, less those ranked wrongly.

    Both records of a pair are of the same seat.
    """
    masks = list(models)
    got = ask(seats, operation, {"rank": pack(list(models.values()))}, **transport)
    totals = dict.fromkeys(masks, 0)
    for result in got.results.values():
        ahead = _unpacked(_given(result, "ahead"), len(masks))
        for m, x in zip(masks, ahead, strict=True):
            totals[m] += x
    return totals, got


def informations(
    seats: Sequence[Seat],
    operation: Operation,
    model: Sequence[int],
    **transport: Unpack[Transport],
) -> tuple[list[npt.NDArray[np.float64]], Exchanged]:
    """Each seat's information matrix at one model, in the order of the seats."""
    got = ask(seats, operation, {"at": pack([model])}, **transport)
    if got.refusals:
        return [], got
    parts = [
        from_text(_given(got.results[s.permit.holder], "sums"), 1, parameters(operation))
        for s in seats
    ]
    return [full(p.information, 0.0)[0] for p in parts], got


def _unpacked(text: Any, columns: int) -> list[int]:
    try:
        found: list[int] = unpack(text, columns, 1)[0].tolist()
    except ValueError as e:
        raise VerificationError(
            f"an institution answered other numbers than were asked: {e}"
        ) from None
    return found


def _decimal(text: Any, size: int) -> list[list[int]]:
    try:
        return read(text, size, size)
    except ValueError as e:
        raise VerificationError(f"an institution answered moments that are none: {e}") from None
