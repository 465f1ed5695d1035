"""A joint study from end to end: utility registered, operations run under permits, contributions valued and paid."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from heyi.crypto.canonical import Json
from heyi.exchange.apply import decide, submit, supply
from heyi.exchange.consortium import PLATFORM, Consortium
from heyi.exchange.register import register_asset
from heyi.exchange.settle import coverage_game, likelihood_game, pay, register_utility, settle
from heyi.exchange.use import Session
from heyi.federation.operation import Operation
from heyi.model.asset import Asset, Field, Identifier, Reason
from heyi.model.decision import Decision
from heyi.model.errors import InvalidInput, Refused
from heyi.model.fact import Source
from heyi.model.party import GRASSROOTS
from heyi.model.request import Request
from heyi.settlement.allocate import Policy
from heyi.settlement.statement import Statement

COVERAGE, LIKELIHOOD = "coverage", "likelihood"


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
    payment: Decision
    pot_fen: int
    paid_fen: int


NO_FLOORS = Policy()
"""The pot goes by contributions alone."""


def specify(utility: str, operation: Operation, *, pot_fen: int, policy: Policy = NO_FLOORS) -> dict[str, Json]:
    """What is registered before the run: the utility, its baseline, who the players are, the pot and its floors.

    Raises:
        InvalidInput: an unknown utility.
    """
    if utility not in (COVERAGE, LIKELIHOOD):
        raise InvalidInput(f"unknown utility `{utility}`", hint=f"{COVERAGE} or {LIKELIHOOD}")
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
        "players": "holders of the data, each its own owner",
        "value": "Shapley value, exact",
        "pot_fen": pot_fen,
        "policy": policy.to_json(),
    }


def register_study(house: Consortium, case: str, *, utility: str, pot_fen: int, policy: Policy = NO_FLOORS) -> None:
    """Register how contributions to a case will be measured, before permits are issued."""
    measured = "tokens" if utility == COVERAGE else "logistic"
    operations = {o["name"]: o["params"] for o in house.case(case).request["operations"]}
    if measured not in operations:
        raise InvalidInput(
            f"the utility `{utility}` needs the operation `{measured}`", hint="ask for it in the request"
        )
    operation = Operation(name=measured, params=operations[measured])
    register_utility(house, case, specify(utility, operation, pot_fen=pot_fen, policy=policy))


def run_study(
    house: Consortium,
    case: str,
    *,
    utility: str,
    pot_fen: int,
    policy: Policy = NO_FLOORS,
    on_round: Callable[[int], None] = lambda _: None,
) -> StudyResult:
    """Run the regression of a granted case, value what each institution contributed, state it and pay it.

    Raises:
        InvalidInput: nothing is granted, no institution takes part, or paying is not permitted.
    """
    session = Session(house, case)
    measured = session.operation("tokens" if utility == COVERAGE else "logistic")
    specification = specify(utility, measured, pot_fen=pot_fen, policy=policy)
    regressed = session.regress(coalitions=utility == LIKELIHOOD, on_round=on_round)
    if len(regressed.seats) < 2:
        why = "; ".join(f"`{holder}`: {refusal['en']}" for holder, refusal in sorted(regressed.refusals.items()))
        raise Refused(
            f"a joint study needs two institutions, and one took part ({why})", hint="see what the others ask"
        )
    if utility == COVERAGE:
        holders, patterns, _ = session.overlap()
        game = coverage_game(holders, patterns, specification)
    else:
        holders = [s.permit.holder for s in regressed.seats]
        game = likelihood_game(holders, session.likelihoods(regressed), specification)
    statements = settle(house, case, game, pot_fen=pot_fen)
    payment = ask_leave_to_pay(house, case)
    paid = pay(house, case, f"{case}-payment", payment)
    covariates = [c["kind"] for c in regressed.operation.params["covariates"]]
    return StudyResult(
        case=case,
        names=("intercept", *covariates),
        coefficients_nano=tuple(regressed.result["coefficients_nano"]),
        rounds=regressed.result["rounds"],
        answered=tuple(regressed.result["answered"]),
        refused=regressed.refusals,
        statements=tuple(statements),
        payment=payment,
        pot_fen=pot_fen,
        paid_fen=paid,
    )


def ask_leave_to_pay(house: Consortium, case: str) -> Decision:
    """Paying is an act and is judged by the rulebook: the settlement is an asset without persons, paid to members."""
    the_case = house.case(case)
    asset = _ledger(case, the_case.settlement)
    if asset.id not in house.state.assets:
        register_asset(house, asset)
    request = Request(
        id=f"{case}-payment",
        zh="按贡献支付",
        en="Pay contributions",
        requester=PLATFORM,
        recipient=sorted(the_case.settlement["shares_fen"])[0],
        assets=(asset.id,),
        kinds=("institution",),
        action="pay",
        purpose="feedback",
        delivery="aggregate",
        declared={"basis.kind": "none", "act.min_cell": 0, "pay.for_data": False, "pay.commercial": False},
    )
    submit(house, request)
    settlement = the_case.settlement
    balanced = sum(settlement["shares_fen"].values()) + settlement["escrow_fen"] == settlement["pot_fen"]
    low = [fen for party, fen in settlement["shares_fen"].items() if house.state.parties[party].tier in GRASSROOTS]
    facts = {
        "pay.registered": bool(the_case.utility),
        "pay.balanced": balanced,
        "pay.grassroots": bool(low),
        "pay.grassroots_share": 100 * sum(low) // settlement["pot_fen"] if settlement["pot_fen"] else 0,
    }
    supply(house, request.id, facts, by=PLATFORM, source=Source.REGISTRY)
    return decide(house, request.id)[asset.id]


def _ledger(case: str, settlement: dict[str, Json]) -> Asset:
    reason = Reason(zh="机构名称与金额，不涉及任何个人", en="names of institutions and amounts, no person")
    return Asset(
        id=f"{case}-ledger",
        holder=PLATFORM,
        zh="结算清单",
        en="Settlement ledger",
        fields=(Field(heading="机构", kind="institution", identifier=Identifier.NONE, level=1, reason=reason),),
        level=1,
        level_reason=reason,
        deid_grade=4,
        rows=len(settlement["shares_fen"]),
        duplicates=0,
        encoding="utf-8",
        digest=settlement["game"].removeprefix("sha256:"),
        persons=0,
        youngest=0,
        origin="operations",
        secret=False,
    )
