"""The questions that a regression answers at an institution; the argument of a call is a question.

    {"at": "…"}                           sums at coefficient vectors, in 1e-12
    {"at": "…", "peers": [permit, …]}     the same, masked among the institutions of these permits
    {"at": "…", "players": n}             log-likelihoods at the models of all 2^n coalitions, the
                                          empty one first, and the moments for intervals of
                                          contributions
    {"optimum": true}                     the institution's own penalised optimum, with sums there
    {"rank": "…"}                         for coefficient vectors: pairs that they rank rightly,
                                          less those that they rank wrongly

Each may have `"without": [token, …]`, persons to leave out. Vectors and sums are tables of whole
numbers, one row for each vector (see `wire_numbers`); masked sums and moments are in decimal.

A parameter of the operation, which the permit fixes, says whether sums are masked:
`"sums": "masked"` or `"per-site"`.
"""

from __future__ import annotations

from math import comb, lcm
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from heyi.crypto.canonical import Json
from heyi.federation.elementary import logistic_and_softplus
from heyi.federation.regression import (
    MICRO,
    Design,
    Integers,
    Newton,
    Points,
    Sums,
    predictors,
    sums,
    to_text,
)
from heyi.federation.wire.operation import Operation
from heyi.federation.wire.wire_numbers import pack, unpack, write
from heyi.model.errors import InvalidInput

MASKED = "masked"
_BLOCK = 1 << 20  # numbers in a temporary array, 8 MB


class Masker(Protocol):
    """Hides the sums of one institution among peers."""

    def __call__(self, sums: Sums, *, peers: Json) -> str: ...


def is_masked(operation: Operation) -> bool:
    """Whether institutions give their sums only masked."""
    return operation.params.get("sums") == MASKED


def answer_question(operation: Operation, data: Design, argument: Json, mask: Masker) -> Json:
    """The answer of an institution; `data` are its complete cases.

    Raises:
        InvalidInput: the argument is no question, or one that the operation does not allow.
    """
    asked = set(argument) if isinstance(argument, dict) else set()
    k = data.x.shape[1]
    # first of all: under masked sums, no other question may reveal the institution's own numbers
    if is_masked(operation) and asked != {"at", "peers"}:
        raise InvalidInput(
            "the permit allows masked sums only", hint="ask together with the other institutions"
        )
    records: dict[str, Json] = {"records": data.records}
    if asked == {"at"}:
        return {**records, "sums": to_text(sums(data, points(argument["at"], k)))}
    if asked == {"at", "peers"}:
        if not is_masked(operation):
            raise InvalidInput("the permit says that sums are each institution's own")
        return {"sums": mask(sums(data, points(argument["at"], k)), peers=argument["peers"])}
    if asked == {"at", "players"}:
        logliks, moments = record_moments(data, points(argument["at"], k), argument["players"])
        return {**records, "loglik": pack(logliks), "moments": write(moments)}
    if asked == {"optimum"} and argument["optimum"] is True:
        newton = Newton([[0] * k], ridge_micro=operation.params["ridge_micro"])
        while newton.open:
            newton.step(sums(data, newton.points))
        return {**records, "at": pack(newton.beta), "sums": to_text(sums(data, newton.beta))}
    if asked == {"rank"}:
        return {**records, "ahead": pack(concordance(data, points(argument["rank"], k)))}
    raise InvalidInput("the argument is no question that can be asked of a regression")


def leaving_out(argument: Json) -> tuple[Json, frozenset[str]]:
    """Split an argument into the question itself and the tokens of persons to leave out.

    Raises:
        InvalidInput: `without` is no list of tokens.
    """
    if not isinstance(argument, dict) or "without" not in argument:
        return argument, frozenset()
    without = argument["without"]
    if not isinstance(without, list) or not all(isinstance(t, str) for t in without):
        raise InvalidInput("`without` is a list of tokens")
    return {k: v for k, v in argument.items() if k != "without"}, frozenset(without)


def peers_of(argument: Json) -> Json:
    """The permits among which a question wants sums masked, or None."""
    return argument.get("peers") if isinstance(argument, dict) else None


def points(text: Json, parameters: int) -> Integers:
    """The coefficient vectors of a question, in 1e-12.

    Raises:
        InvalidInput: the text is no table with so many columns.
    """
    try:
        return unpack(text, parameters)
    except ValueError as e:
        raise InvalidInput(
            f"the argument is no table of {parameters} coefficients a row: {e}"
        ) from None


def record_moments(data: Design, models: Points, players: Any) -> tuple[list[int], list[list[int]]]:
    """Log-likelihoods of the models of all coalitions in 1e-12, and moments of contributions.

    The log-likelihood is a sum over records and the Shapley value is linear. So each record r has
    its own contribution phi_ri of player i: the Shapley value of the game of its own likelihood,
    rounded to millionths. The moments are sums over r of phi_ri phi_rj, (players, players), in
    1e-12 (millionths squared).

    Raises:
        InvalidInput: the models are not those of all coalitions of so many players.
    """
    if type(players) is not int or not 1 <= players <= 16 or len(models) != 1 << players:
        raise InvalidInput("moments need the models of all coalitions, of at most 16 players")
    # `signed @ values` is `scale` times the Shapley value, with the integer weights of
    # `settlement.exact`: plus w(s-1) for coalitions with the player, minus w(s) for the others
    scale = lcm(*range(1, players + 1))
    weights = [scale // (players * comb(players - 1, k)) for k in range(players)]
    sizes = np.array([m.bit_count() for m in range(1 << players)])
    joins = np.array([0, *weights])[sizes]
    leaves = np.array([*weights, 0])[sizes]
    signed = np.empty((players, 1 << players), dtype=np.int64)
    for i in range(players):
        signed[i] = np.where(np.arange(1 << players) >> i & 1, joins, -leaves)
    logliks, moments = (
        np.zeros(1 << players, dtype=np.int64),
        np.zeros((players, players), dtype=object),
    )
    # blocks of records bound the memory; all sums are of integers, so blocks change no bit
    step = max(1, _BLOCK >> players)
    for first in range(0, max(data.records, 1), step):
        part = Design(x=data.x[first : first + step], y=data.y[first : first + step])
        eta = predictors(part, models)
        terms = part.y * eta - logistic_and_softplus(eta)[1]
        logliks += np.rint(terms * 1e12).astype(np.int64).sum(axis=1)
        values = np.rint((terms - terms[0]) * MICRO).astype(np.int64)  # v(empty) is 0
        phi: npt.NDArray[Any] = np.rint(signed @ values / scale).astype(np.int64)
        # products of this block may not fit int64: then in Python integers
        if float(np.abs(phi).max(initial=0)) ** 2 * part.records > 2.0**62:
            phi = phi.astype(object)
        moments = moments + (phi @ phi.T).astype(object)
    return logliks.tolist(), moments.tolist()


def concordance(data: Design, models: Points) -> list[int]:
    """For each model: pairs of a case and a control whose case scores higher, less the opposite.

    This is (2 AUC - 1) times the number of pairs (Mann and Whitney 1947). Both records of a pair
    are of this institution: the concordance is stratified by institution.
    """
    cases = int(data.y.sum())
    ahead = []
    for score in predictors(data, models):
        _, position, times = np.unique(score, return_inverse=True, return_counts=True)
        last = np.cumsum(times)
        # Equal scores share the mean of their ranks; twice the mean is a whole number. The rank sum
        # of the cases less its mean under no association is half of what is asked.
        twice_rank = (2 * last - times + 1)[position]
        ahead.append(int(twice_rank[data.y == 1].sum()) - cases * (data.records + 1))
    return ahead
