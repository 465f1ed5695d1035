"""What can be asked of a regression at an institution; the argument of a call says which.

    {"at": "…"}                           sums at coefficient vectors, in 1e-12
    {"at": "…", "peers": [permit, …]}     the same, masked among the institutions of these permits
    {"at": "…", "players": n}             log-likelihoods at the models of all 2^n coalitions, the empty one first, and
                                          the moments that intervals of contributions are made of
    {"optimum": true}                     the institution's own penalised optimum, with the sums there
    {"rank": "…"}                         for coefficient vectors, pairs ranked rightly less those ranked wrongly

Each may have `"without": [token, …]`, persons to leave out. Vectors and sums are tables of whole numbers, a row a
vector (see `numbers`); masked sums and moments are in decimal.

Whether sums are masked is a parameter of the operation, which the permit fixes: `"sums": "masked"` or `"per-site"`.
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
_BLOCK = 1 << 20  # numbers of a temporary


class Masker(Protocol):
    """Hides the sums of one institution among peers."""

    def __call__(self, sums: Sums, *, peers: Json) -> str: ...


def is_masked(operation: Operation) -> bool:
    """Whether an institution may give its sums masked only."""
    return operation.params.get("sums") == MASKED


def answer_question(operation: Operation, data: Design, argument: Json, mask: Masker) -> Json:
    """The answer of an institution whose complete cases are `data`.

    Raises:
        InvalidInput: the argument is none of the questions, or not one that the operation allows.
    """
    asked = set(argument) if isinstance(argument, dict) else set()
    k = data.x.shape[1]
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
    """A question without its list of persons to leave out, and that list: tokens of the case.

    Raises:
        InvalidInput: the list is none.
    """
    if not isinstance(argument, dict) or "without" not in argument:
        return argument, frozenset()
    without = argument["without"]
    if not isinstance(without, list) or not all(isinstance(t, str) for t in without):
        raise InvalidInput("`without` is a list of tokens")
    return {k: v for k, v in argument.items() if k != "without"}, frozenset(without)


def peers_of(argument: Json) -> Json:
    """Whom a question wants sums masked among."""
    return argument.get("peers") if isinstance(argument, dict) else None


def points(text: Json, parameters: int) -> Integers:
    """Coefficient vectors.

    Raises:
        InvalidInput: the text is anything else.
    """
    try:
        return unpack(text, parameters)
    except ValueError as e:
        raise InvalidInput(
            f"the argument is no table of {parameters} coefficients a row: {e}"
        ) from None


def record_moments(data: Design, models: Points, players: Any) -> tuple[list[int], list[list[int]]]:
    """Log-likelihoods of the models of all coalitions over the records, in 1e-12, and sums over records of products of
    two players' contributions to the log-likelihood of one record, in 1e-12 (millionths squared).

    A record's own contributions are the Shapley value of its own likelihood, since the value is linear. They are
    rounded to millionths.

    Raises:
        InvalidInput: the models are not those of all coalitions of so many players.
    """
    if type(players) is not int or not 1 <= players <= 16 or len(models) != 1 << players:
        raise InvalidInput("moments need the models of all coalitions, of at most 16 players")
    scale = lcm(*range(1, players + 1))
    weights = [scale // (players * comb(players - 1, k)) for k in range(players)]
    sizes = np.array([m.bit_count() for m in range(1 << players)])
    joins = np.array([0, *weights])[sizes]  # of a coalition to its members
    leaves = np.array([*weights, 0])[sizes]  # to the others
    signed = np.empty((players, 1 << players), dtype=np.int64)
    for i in range(players):
        signed[i] = np.where(np.arange(1 << players) >> i & 1, joins, -leaves)
    logliks, moments = (
        np.zeros(1 << players, dtype=np.int64),
        np.zeros((players, players), dtype=object),
    )
    step = max(1, _BLOCK >> players)
    for first in range(0, max(data.records, 1), step):
        part = Design(x=data.x[first : first + step], y=data.y[first : first + step])
        eta = predictors(part, models)
        terms = part.y * eta - logistic_and_softplus(eta)[1]
        logliks += np.rint(terms * 1e12).astype(np.int64).sum(axis=1)
        values = np.rint((terms - terms[0]) * MICRO).astype(np.int64)
        phi: npt.NDArray[Any] = np.rint(signed @ values / scale).astype(np.int64)
        if float(np.abs(phi).max(initial=0)) ** 2 * part.records > 2.0**62:
            phi = phi.astype(object)
        moments = moments + (phi @ phi.T).astype(object)
    return logliks.tolist(), moments.tolist()


def concordance(data: Design, models: Points) -> list[int]:
    """Pairs of a case and a control whose case has the higher score, less those whose control has, for each model:
    twice the area under the curve less one, times the pairs (Mann and Whitney 1947).

    Pairs are within the institution, as in a concordance that is stratified by institution.
    """
    cases = int(data.y.sum())
    ahead = []
    for score in predictors(data, models):
        _, position, times = np.unique(score, return_inverse=True, return_counts=True)
        last = np.cumsum(times)
        twice_rank = (2 * last - times + 1)[position]  # ties share their ranks
        ahead.append(int(twice_rank[data.y == 1].sum()) - cases * (data.records + 1))
    return ahead
