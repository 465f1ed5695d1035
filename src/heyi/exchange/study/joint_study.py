"""A joint study: register the utility, run operations under permits, value the contributions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from heyi.exchange.consortium import Consortium
from heyi.exchange.money.settle import register_utility, settle
from heyi.exchange.study.measure import measure
from heyi.exchange.study.use import Session
from heyi.exchange.study.valuation import Valuation
from heyi.federation.wire.operation import Operation
from heyi.model.errors import InvalidInput
from heyi.settlement.pot import Pot
from heyi.settlement.statement import Statement


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyResult:
    """What a study found, and the statements of its settlement.

    `coefficients_nano` are on the registered scaling, intercept first, in 1e-9; `names` are in the
    same order. Both are empty where the study asks for no model. `refused` has the refusal of each
    institution that did.
    """

    case: str
    names: tuple[str, ...]
    coefficients_nano: tuple[int, ...]
    rounds: int
    answered: tuple[str, ...]
    refused: dict[str, dict[str, str]]
    statements: tuple[Statement, ...]


def register_study(
    consortium: Consortium, case: str, valuation: Valuation, pot: Pot, *, by: str
) -> None:
    """Register how contributions to a case will be measured, before permits are issued.

    Raises:
        InvalidInput: the request does not ask for the operation that measures it, or the operation
            cannot.
    """
    measured = valuation.operation
    request = consortium.case(case).request
    operations = request.operations
    if measured not in operations:
        raise InvalidInput(
            f"the utility `{valuation.utility}` needs the operation `{measured}`",
            hint="ask for it in the request",
        )
    operation = Operation(name=measured, params=operations[measured])
    data = {asset: consortium.asset(asset).digest for asset in request.assets}
    register_utility(consortium, case, valuation.specify(operation, pot, data), by=by)


def run_study(
    consortium: Consortium,
    case: str,
    *,
    by: str,
    on_round: Callable[[int], None] = lambda _: None,
) -> StudyResult:
    """Run a granted case, value the contributions as it was registered, and log the statements.

    Raises:
        InvalidInput: nothing is registered or granted.
        Refused: fewer than two institutions take part.
    """
    session = Session(consortium, case, by=by)
    specification = consortium.case(case).specification
    if not specification:
        raise InvalidInput(
            f"case `{case}` has no registered utility", hint="register it before the grant"
        )
    regressed, measured = measure(session, specification, on_round=on_round)
    statements = settle(consortium, case, measured, by=by)
    if regressed is None:
        return StudyResult(
            case=case,
            names=(),
            coefficients_nano=(),
            rounds=0,
            answered=tuple(measured.players),
            refused=consortium.case(case).results[-1].refused,
            statements=tuple(statements),
        )
    covariates = [c["kind"] for c in regressed.operation.params["covariates"]]
    return StudyResult(
        case=case,
        names=("intercept", *covariates),
        coefficients_nano=tuple(regressed.result.figures["coefficients_nano"]),
        rounds=regressed.result.figures["rounds"],
        answered=regressed.result.answered,
        refused=regressed.refusals,
        statements=tuple(statements),
    )
