"""Inputs at the edge: what can be granted is verified, and nobody can take what a payment needs."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from heyi.app.centre import reopen
from heyi.app.verification import verify_directory
from heyi.county import scenes
from heyi.exchange.consortium import PLATFORM
from heyi.exchange.events import registered, settled
from heyi.exchange.money.pay import approve_settlement, pay
from heyi.exchange.money.settle import settle
from heyi.exchange.request.apply import approve, decide, submit, supply
from heyi.exchange.request.grant import Terms, grant
from heyi.exchange.request.leave_to_pay import ledger_of, request_to_pay
from heyi.exchange.request.register import register_asset
from heyi.model.errors import Conflict, InvalidInput
from heyi.model.fact import Source
from heyi.model.request import Request
from oracles.forge import forge
from oracles.lies_about_settlements import certified, measured
from oracles.lying import DAY, STUDY, Operator


@pytest.fixture
def op(run_copy: Path) -> Iterator[Operator]:
    op = Operator(directory=run_copy, app=reopen(run_copy))
    with closing(op.app):
        yield op


def test_a_fact_that_holds_to_the_end_of_the_calendar_limits_nothing(op: Operator) -> None:
    op.applied(scenes.TREATMENT, "for-ever")
    until, facts = dt.date.max, {"consent.withdrawn": False}
    supply(op.consortium, "for-ever", facts, by=PLATFORM, source=Source.REGISTRY, until=until)
    decide(op.consortium, "for-ever", by=PLATFORM)
    grant(op.consortium, "for-ever", Terms(days=36_500), by=PLATFORM)
    permit = op.permit("for-ever")
    assert permit.expires_at == permit.issued_at + 36_500 * DAY
    assert verify_directory(op.directory).faults == []


@pytest.mark.parametrize(
    "terms",
    [{"days": 36_501}, {"days": 0}, {"max_calls": 2**53}, {"max_calls": -1}, {"min_cell": 0}],
)
def test_terms_that_no_permit_can_have(terms: dict[str, int]) -> None:
    with pytest.raises(InvalidInput, match="allows nothing, or too much"):
        Terms(**terms)


def test_a_condition_that_leaves_nothing_is_no_grant(op: Operator) -> None:
    op.applied(scenes.TREATMENT, "never")
    approval = {"authority": "data_committee", "by": "data-committee", "given": True}
    approve(op.consortium, "never", reasons="x", conditions={"days": -3}, **approval)  # type: ignore[arg-type]
    decide(op.consortium, "never", by=PLATFORM)
    with pytest.raises(InvalidInput, match="`days` -3 allows nothing"):
        grant(op.consortium, "never", by=PLATFORM)
    assert verify_directory(op.directory).faults == []


@pytest.mark.parametrize("name", ["stroke-risk-payment-2", "anything-payment"])
def test_nobody_takes_the_name_of_a_payment(op: Operator, name: str) -> None:
    asset = op.consortium.asset("village-01-records")
    with pytest.raises(InvalidInput, match="is an id of the amounts of a payment"):
        register_asset(op.consortium, replace(asset, id=f"{name}-ledger"), by="village-01")
    request = Request(
        id=name,
        zh="x",
        en="x",
        requester="insurer",
        recipient="insurer",
        assets=(asset.id,),
        kinds=("age",),
        action="provide",
        purpose="insurance",
        delivery="aggregate",
    )
    with pytest.raises(InvalidInput, match="is an id of a request to pay"):
        submit(op.consortium, request, by="insurer")


def test_what_a_payment_says_follows_from_its_settlement(op: Operator) -> None:
    """Nobody states its facts before it is settled, nor other ones, nor pays on other ones."""
    op.rewind(settled.SettlementCertified)
    c, name = op.consortium, f"{STUDY}-payment"
    ahead = certified(op)
    with pytest.raises(InvalidInput, match="is an id of"):
        submit(c, request_to_pay(name, ahead), by=PLATFORM)
    settle(c, STUDY, measured(op), by=PLATFORM)
    op.forward(16 * DAY)
    approve_settlement(c, STUDY, by="finance-office")
    settlement = op.case(STUDY).settlement
    assert settlement is not None
    register_asset(c, ledger_of(name, settlement), by=PLATFORM)
    submit(c, request_to_pay(name, settlement), by=PLATFORM)
    with pytest.raises(InvalidInput, match=r"`pay\.grassroots_share` is stated otherwise"):
        supply(c, name, {"pay.grassroots_share": 99}, by=PLATFORM, source=Source.REGISTRY)
    pay(c, STUDY, by=PLATFORM)
    assert verify_directory(op.directory).faults == []


def test_a_name_that_was_taken_before_it_was_reserved(op: Operator) -> None:
    op.rewind(settled.SettlementCertified)
    c, name = op.consortium, f"{STUDY}-payment"
    asset = replace(c.asset("village-01-records"), id=f"{name}-ledger")
    forge(c, registered.AssetRegistered(asset=asset), by="village-01")
    settle(c, STUDY, measured(op), by=PLATFORM)
    op.forward(16 * DAY)
    approve_settlement(c, STUDY, by="finance-office")
    with pytest.raises(Conflict, match="something else than a request to pay"):
        pay(c, STUDY, by=PLATFORM)
