"""Measure a game from the answers of institutions, as it was registered before the run."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from heyi.crypto.canonical import Json
from heyi.exchange.study.use import Regressed, Session
from heyi.exchange.study.valuation import MOST_MODELS, NEAR
from heyi.federation.frequency import size_of
from heyi.federation.regression import MICRO, solve
from heyi.model.errors import InvalidInput
from heyi.settlement.certificate import Measured
from heyi.settlement.coverage_game import CoverageGame, Stratum
from heyi.settlement.game import Game
from heyi.settlement.guards import JOIN, twins
from heyi.settlement.sample import Sample
from heyi.settlement.sampled import plan
from heyi.settlement.utility import (
    CONCORDANCE,
    COVERAGE,
    LIKELIHOOD,
    TABLE,
    UNITS,
    is_sample,
    table_game,
)

Specification = Mapping[str, Json]
Overlap = tuple[list[str], dict[int, int]]
"""Holders, and how many persons each set of them holds; a set is a bit mask in their order."""


def measure(
    session: Session,
    specification: Specification,
    *,
    on_round: Callable[[int], None] = lambda _: None,
) -> tuple[Regressed | None, Measured]:
    """Run the regression of a case, if it asks for one, and measure what was registered.

    Raises:
        InvalidInput: too many institutions for models of all coalitions.
        Refused: fewer than two institutions take part, or one refuses in the middle.
    """
    utility = specification["utility"]
    linked = _linked(session, specification)
    if utility == COVERAGE:
        joint = session.regress(on_round=on_round) if "logistic" in session.operations else None
        return joint, _covered(session, specification)
    if utility in (LIKELIHOOD, CONCORDANCE):
        return _modelled(session, specification, linked, on_round)
    regressed = session.regress(on_round=on_round)
    holders = [seat.permit.holder for seat in regressed.seats]
    if utility == TABLE:
        return regressed, table_game(holders, specification)
    # what is left is the information utility
    matrices = session.informations(regressed)
    game = information_game(holders, matrices, regressed, specification)
    return regressed, replace(game, overlap=_overlap(game.players, linked))


def _modelled(
    session: Session,
    specification: Specification,
    linked: Overlap | None,
    on_round: Callable[[int], None],
) -> tuple[Regressed, Measured]:
    """Fit models of coalitions, and judge them by their likelihood or their concordance."""
    if specification["fits"] == NEAR:
        regressed = session.regress(on_round=on_round)
        session.fit_near(regressed, _masks(len(regressed.seats), specification))
    else:
        regressed = session.regress(
            coalitions=lambda n: _masks(n, specification), on_round=on_round
        )
    holders = [seat.permit.holder for seat in regressed.seats]
    moments = None
    if specification["utility"] == LIKELIHOOD:
        values, moments = session.likelihoods(regressed)
    else:
        values = session.concordances(regressed)
    values = {m: v - values[0] for m, v in values.items()}  # above the null model
    if is_sample(len(holders), specification):
        return regressed, _sampled(holders, values, specification)
    game = model_game(holders, values, moments, specification)
    return regressed, replace(game, overlap=_overlap(game.players, linked))


def _linked(session: Session, specification: Specification) -> Overlap | None:
    """Who holds the same persons, if a regression is judged and the request asks for tokens too.

    Where twins are joined, each person whom both hold then counts once in the regression.
    """
    if specification["utility"] in (COVERAGE, TABLE) or "tokens" not in session.operations:
        return None
    classes = size_of(session.operation("tokens").params.get("strata", ()))
    holders, strata = session.overlap([1] * classes)
    patterns: dict[int, int] = {}
    for stratum in strata:
        for mask, persons in stratum.items():
            patterns[mask] = patterns.get(mask, 0) + persons
    if specification["twins"] == JOIN:
        session.count_once(twins(holders, patterns))
    return holders, patterns


def _overlap(players: Sequence[str], linked: Overlap | None) -> dict[int, int] | None:
    """The overlap by bit masks over the players, who may be fewer than the linked holders."""
    if linked is None:
        return None
    holders, patterns = linked
    found: dict[int, int] = {}
    for mask, persons in patterns.items():
        seen = sum(
            1 << players.index(h) for i, h in enumerate(holders) if mask >> i & 1 and h in players
        )
        if seen:
            found[seen] = found.get(seen, 0) + persons
    return found


def _masks(players: int, specification: Specification) -> list[int]:
    """The coalitions whose models are fitted, everybody last."""
    if is_sample(players, specification):
        sample = specification["sample"]
        return [*plan(players, sample["evaluations"], sample["seed"]).masks(), (1 << players) - 1]
    if players > MOST_MODELS:
        raise InvalidInput(
            f"models of all coalitions of {players} institutions are too many",
            hint=f"at most {MOST_MODELS}; register a sample, evaluations = {30 * players}",
        )
    return list(range(1, 1 << players))


def _covered(session: Session, specification: Specification) -> CoverageGame:
    named = specification["strata"] or [{"name": "persons", "weight": 1}]
    holders, patterns = session.overlap([s["weight"] for s in named])
    strata = tuple(
        Stratum(name=s["name"], weight=s["weight"], patterns=p)
        for s, p in zip(named, patterns, strict=True)
    )
    return CoverageGame(players=tuple(holders), strata=strata, specification=specification)


def model_game(
    players: Sequence[str],
    values: Mapping[int, int],
    moments: Sequence[Sequence[int]] | None,
    specification: Specification,
) -> Game:
    """The game of the models of all coalitions.

    `values` are by bit mask over the players; `moments` are in 1e-12.
    """
    rows = None
    if moments is not None:
        # a game keeps moments in 1e-24, the square of the unit of its values
        rows = tuple(tuple(x * 10**12 for x in row) for row in moments)
    return Game(
        players=tuple(players),
        values=tuple(values[mask] for mask in range(1 << len(players))),
        unit=UNITS[specification["utility"]],
        specification=specification,
        moments=rows,
    )


def _sampled(
    players: Sequence[str], values: Mapping[int, int], specification: Specification
) -> Sample:
    sample = specification["sample"]
    masks = plan(len(players), sample["evaluations"], sample["seed"]).masks()
    return Sample(
        players=tuple(players),
        seed=sample["seed"],
        evaluations=sample["evaluations"],
        values=tuple(values[m] for m in masks),
        total=values[(1 << len(players)) - 1],
        unit=UNITS[specification["utility"]],
        specification=specification,
    )


def information_game(
    holders: Sequence[str],
    matrices: Sequence[npt.NDArray[np.float64]],
    regressed: Regressed,
    specification: Specification,
) -> Game:
    """The game whose value is the precision of one coefficient, in millionths.

    The precision is 1 over the coefficient's cell of the inverse of a coalition's information
    matrix, less the ridge. Contributions sum to the precision of the joint estimate.
    """
    params = regressed.operation.params
    at = 1 + [c["kind"] for c in params["covariates"]].index(specification["of"])
    n, k, ridge = len(holders), len(matrices[0]), params["ridge_micro"] / MICRO
    # the information of a coalition is the sum of its members'; the ridge spares the intercept
    whole = np.zeros((1 << n, k, k))
    for i, own in enumerate(matrices):
        whole[[m for m in range(1 << n) if m >> i & 1]] += own
    for j in range(1, k):
        whole[:, j, j] += ridge
    # one column of each inverse is enough: solve for a unit vector; mask 0 has the value 0
    unit = np.zeros((1 << n, k))
    unit[:, at] = 1.0
    precision = 1 / solve(whole[1:], unit[1:])[:, at] - ridge
    values = {0: 0, **{m: round(x * MICRO) for m, x in enumerate(precision.tolist(), 1)}}
    return model_game(holders, values, None, specification)
