"""The driver: sends operations to nodes under permits and joins what they answer.

It says who answered, who refused and why; it never waits for agreement and never sees a record.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from heyi.crypto.canonical import Json, digest
from heyi.crypto.keys import Signer
from heyi.federation.enforce import Call
from heyi.federation.node import Answer
from heyi.federation.operation import Operation
from heyi.federation.receipt import verify_receipt
from heyi.federation.regression import from_text, newton_step
from heyi.model.errors import InvalidInput, VerificationError
from heyi.model.permit import Permit

Send = Callable[[str, Call], Answer]
"""The fabric: (host, call) -> answer."""

Announce = Callable[[Operation, Json, list[tuple[str, int]]], None]
"""Told (operation, argument, [(permit, call number)]) before anything is sent, so that no use can go unlogged."""

ROUNDS = 40
CONVERGED = 10  # largest change, in 1e-12
NEARLY = 10**6  # a change below this squares at the next step; a second one is rounding noise
NOISE = 1000  # of a likelihood that is summed from rounded terms, in 1e-12


@dataclass(slots=True, kw_only=True)
class Seat:
    """One permit in use: its token, the holder's public key, and how many calls were made."""

    permit: Permit
    token: str
    public_key: str
    calls: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchanged:
    """What one operation brought: results by holder, and the signed receipt of every call."""

    results: dict[str, Json]
    refusals: dict[str, dict[str, str]]
    receipts: list[Json] = field(default_factory=list)


def _nobody(_operation: Operation, _argument: Json, _calls: list[tuple[str, int]]) -> None:
    """Announce to nobody."""


def ask(
    seats: Sequence[Seat],
    operation: Operation,
    argument: Json,
    *,
    send: Send,
    requester: Signer,
    announce: Announce = _nobody,
) -> Exchanged:
    """Send one call to each seat and check each receipt against the holder's key and the answer.

    Raises:
        VerificationError: a receipt does not hold, or is not for this call or this answer.
    """
    results: dict[str, Json] = {}
    refusals: dict[str, dict[str, str]] = {}
    receipts: list[Json] = []
    announce(operation, argument, [(seat.permit.id, seat.calls + 1) for seat in seats])
    for seat in seats:
        number = seat.calls + 1
        seat.calls = number  # whatever becomes of the answer, this number is used
        message = Call.message(seat.permit.id, operation, argument, number)
        call = Call(
            token=seat.token,
            operation=operation,
            argument=argument,
            number=number,
            signature=requester.sign(message).hex(),
        )
        answer = send(seat.permit.audience, call)
        receipt = verify_receipt(answer.receipt, public_key=seat.public_key)
        asked = (seat.permit.id, seat.permit.holder, operation.digest, digest(argument), number)
        if (receipt.permit, receipt.holder, receipt.operation, receipt.argument, receipt.number) != asked:
            raise VerificationError(f"`{seat.permit.holder}` answered another call than was asked")
        told = (seat.permit.audience, answer.refusal.code if answer.refusal else "")
        if (receipt.host, receipt.refusal) != told:
            raise VerificationError(f"`{seat.permit.holder}` says other than its receipt")
        receipts.append(answer.receipt)
        if answer.refusal is not None:
            refusals[seat.permit.holder] = answer.refusal.to_json()
            continue
        if receipt.result != digest(answer.result):
            raise VerificationError(f"the answer of `{seat.permit.holder}` is not the one on its receipt")
        results[seat.permit.holder] = answer.result
    return Exchanged(results=results, refusals=refusals, receipts=receipts)


def _sums(result: Json, points: int, parameters: int) -> list[dict[str, Json]]:
    """The sums of a result, one a coefficient vector.

    Raises:
        VerificationError: they are not that.
    """
    if not isinstance(result, dict) or not isinstance(result.get("sums"), list) or len(result["sums"]) != points:
        raise VerificationError("an institution answered sums that are none")
    return [from_text(part, parameters) for part in result["sums"]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """A fitted coalition: coefficients and penalised log-likelihood in 1e-12, and the number of Newton rounds."""

    coefficients: tuple[int, ...]
    rounds: int


def fit_coalitions(
    seats: Sequence[Seat],
    operation: Operation,
    coalitions: Sequence[int],
    *,
    send: Send,
    requester: Signer,
    announce: Announce = _nobody,
    on_round: Callable[[int], None] = lambda _: None,
) -> tuple[dict[int, Fit], Exchanged]:
    """Fit the regression for each coalition (bit mask over seats), all of them in the same rounds.

    A seat is asked for the sums of the coalitions that contain it, in one call a round. A coalition steps back half
    way when its penalised likelihood fell.

    Where a seat refuses, there are no fits and the exchange tells who refused: leave it out and fit again.

    Raises:
        InvalidInput: a coalition does not converge.
        VerificationError: a receipt does not hold, or a seat answers what are no sums.
    """
    k = 1 + len(operation.params["covariates"])
    ridge = operation.params["ridge_micro"]
    beta = dict.fromkeys(coalitions, (0,) * k)
    before: dict[int, tuple[tuple[int, ...], int]] = {}
    near: set[int] = set()
    fits: dict[int, Fit] = {}
    receipts: list[Json] = []
    for round_number in range(1, ROUNDS + 1):
        open_ = [m for m in coalitions if m not in fits]
        if not open_:
            break
        on_round(round_number)
        answers: dict[int, list[Json]] = {m: [] for m in open_}
        for i, seat in enumerate(seats):
            mine = [m for m in open_ if m >> i & 1]
            if not mine:
                continue
            argument = {"at": [list(beta[m]) for m in mine]}
            got = ask([seat], operation, argument, send=send, requester=requester, announce=announce)
            receipts += got.receipts
            if got.refusals:
                return {}, Exchanged(results={}, refusals=got.refusals, receipts=receipts)
            for m, part in zip(mine, _sums(got.results[seat.permit.holder], len(mine), k), strict=True):
                answers[m].append(part)
        for m in open_:
            moved, value, change = newton_step(beta[m], answers[m], ridge_micro=ridge)
            if m in before and value < before[m][1] - NOISE:
                beta[m] = tuple((a + b) // 2 for a, b in zip(before[m][0], beta[m], strict=True))
                continue
            before[m] = (beta[m], value)
            beta[m] = moved
            if change <= CONVERGED or (change <= NEARLY and m in near):
                fits[m] = Fit(coefficients=moved, rounds=round_number)
            elif change <= NEARLY:
                near.add(m)
            else:
                near.discard(m)
    if len(fits) < len(coalitions):
        raise InvalidInput("the regression does not converge", hint="register a larger ridge or fewer covariates")
    return fits, Exchanged(results={}, refusals={}, receipts=receipts)


def log_likelihoods(
    seats: Sequence[Seat],
    operation: Operation,
    models: Mapping[int, tuple[int, ...]],
    *,
    send: Send,
    requester: Signer,
    announce: Announce = _nobody,
) -> tuple[dict[int, int], Exchanged]:
    """Log-likelihood (1e-12) of each model over the complete cases of all seats."""
    masks = list(models)
    argument = {"at": [list(models[m]) for m in masks]}
    got = ask(seats, operation, argument, send=send, requester=requester, announce=announce)
    k = 1 + len(operation.params["covariates"])
    parts = [_sums(r, len(masks), k) for r in got.results.values()]
    totals = {m: sum(p[n]["loglik"] for p in parts) for n, m in enumerate(masks)}
    return totals, got
