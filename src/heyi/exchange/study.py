"""A joint study from end to end: utility registered, operations run under permits, contributions valued and stated."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from heyi.crypto.canonical import Json
from heyi.exchange.consortium import Consortium
from heyi.exchange.settle import coverage_game, likelihood_game, register_utility, settle
from heyi.exchange.use import Session
from heyi.federation.operation import Operation
from heyi.model.errors import InvalidInput, Refused
from heyi.settlement.certificate import Measured
from heyi.settlement.pot import Pot
from heyi.settlement.statement import Statement

COVERAGE, LIKELIHOOD = "coverage", "likelihood"
MEASURED_BY = {COVERAGE: "tokens", LIKELIHOOD: "logistic"}
"""The operation that measures each utility."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyResult:
    """`coefficients_nano` on the registered scaling, intercept first, in 1e-9; `names` in the same order."""

    case: str
    names: tuple[str, ...]
    coefficients_nano: tuple[int, ...]
    rounds: int
    answered: tuple[str, ...]
    refused: dict[str, dict[str, str]]
    statements: tuple[Statement, ...]


def specify(utility: str, operation: Operation, pot: Pot) -> dict[str, Json]:
    """What is registered before the run: the utility, its baseline, who the players are, the pot and its terms."""
    baselines = {
        COVERAGE: "no person is covered",
        LIKELIHOOD: "all coefficients zero, probability one half: the ridge fit of no data",
    }
    return {
        "utility": utility,
        "operation": operation.digest,
        "baseline": baselines[utility],
        "evaluation": "complete cases of all institutions that take part",
        "smallest_overlap": "sets of institutions that share fewer persons than the smallest cell count as none",
        "players": "holders of the data; those of one owner divide what their owner gets",
        "value": "Shapley value, exact; of Owen and Winter where there are unions",
        "sums": "each institution's own, to the platform, since contributions cannot be told from a masked total",
        **pot.to_json(),
    }


def register_study(house: Consortium, case: str, *, utility: str, pot: Pot) -> None:
    """Register how contributions to a case will be measured, before permits are issued.

    Raises:
        InvalidInput: an unknown utility, or the request does not ask for the operation that measures it.
    """
    if utility not in MEASURED_BY:
        raise InvalidInput(f"unknown utility `{utility}`", hint=" or ".join(MEASURED_BY))
    measured = MEASURED_BY[utility]
    operations = {o["name"]: o["params"] for o in house.case(case).request["operations"]}
    if measured not in operations:
        raise InvalidInput(
            f"the utility `{utility}` needs the operation `{measured}`", hint="ask for it in the request"
        )
    operation = Operation(name=measured, params=operations[measured])
    register_utility(house, case, specify(utility, operation, pot))


def run_study(house: Consortium, case: str, *, on_round: Callable[[int], None] = lambda _: None) -> StudyResult:
    """Run the regression of a granted case, value what each institution contributed as it was registered, and state it.

    Raises:
        InvalidInput: nothing is registered or granted.
        Refused: fewer than two institutions take part.
    """
    session = Session(house, case)
    specification = house.case(case).specification
    if not specification:
        raise InvalidInput(f"case `{case}` has no registered utility", hint="register it before the grant")
    covered = specification["utility"] == COVERAGE
    regressed = session.regress(coalitions=not covered, on_round=on_round)
    if len(regressed.seats) < 2:
        why = "; ".join(f"`{holder}`: {refusal['en']}" for holder, refusal in sorted(regressed.refusals.items()))
        raise Refused(
            f"a joint study needs two institutions, and one took part ({why})", hint="see what the others ask"
        )
    measured: Measured
    if covered:
        holders, patterns, _ = session.overlap()
        measured = coverage_game(holders, patterns, specification)
    else:
        holders = [s.permit.holder for s in regressed.seats]
        measured = likelihood_game(holders, session.likelihoods(regressed), specification)
    statements = settle(house, case, measured)
    covariates = [c["kind"] for c in regressed.operation.params["covariates"]]
    return StudyResult(
        case=case,
        names=("intercept", *covariates),
        coefficients_nano=tuple(regressed.result["coefficients_nano"]),
        rounds=regressed.result["rounds"],
        answered=tuple(regressed.result["answered"]),
        refused=regressed.refusals,
        statements=tuple(statements),
    )
