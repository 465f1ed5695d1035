"""Requests that are refused before anything is logged."""

from __future__ import annotations

from dataclasses import replace

import pytest

from heyi.county.scenes import STUDY_KINDS
from heyi.exchange.consortium import PLATFORM
from heyi.exchange.money.pay import approve_settlement, pay
from heyi.exchange.money.settle import register_utility
from heyi.exchange.request.apply import approve, submit, supply
from heyi.exchange.request.grant import grant, revoke
from heyi.exchange.request.register import register_asset, register_party
from heyi.exchange.study.use import Session
from heyi.model.errors import InvalidInput
from heyi.model.fact import Source
from heyi.model.party import Party, PartyKind, Tier
from heyi.model.request import Request
from tests.support.story import Story

REQUEST = Request(
    id="new-request",
    zh="新申请",
    en="a new request",
    requester="medical-college",
    recipient="medical-college",
    assets=("township-01-records",),
    kinds=STUDY_KINDS,
    action="compute",
    purpose="research",
    delivery="federated",
)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"requester": "nobody"}, "unknown party `nobody`"),
        ({"recipient": "nobody"}, "unknown party `nobody`"),
        ({"assets": ("township-99-records",)}, "unknown asset `township-99-records`"),
        ({"purpose": "curiosity"}, "`curiosity` is not a value of `act.purpose`"),
        ({"delivery": "by-post"}, "`by-post` is not a value of `act.delivery`"),
        ({"declared": {"act.min_sell": 5}}, "unknown fact `act.min_sell`"),
        ({"declared": {"act.min_cell": -1}}, "`act.min_cell` is -1"),
        ({"operations": {"tokens": {"complete": ["resident_id"]}}}, "reads `resident_id`"),
        ({"operations": {"everything": {}}}, "unknown operation `everything`"),
        ({"id": "referral"}, "case `referral` exists already"),
    ],
)
def test_a_request_that_cannot_be_submitted(
    story: Story, changed: dict[str, object], words: str
) -> None:
    consortium = story.app.consortium
    size = consortium.log.size
    with pytest.raises(InvalidInput, match=words):
        request = replace(REQUEST, **changed)  # type: ignore[arg-type]
        submit(consortium, request, by=request.requester)
    assert consortium.log.size == size


def test_nobody_submits_for_somebody_else(story: Story) -> None:
    consortium = story.app.consortium
    size = consortium.log.size
    for by in (PLATFORM, "county-hospital", "nobody"):
        with pytest.raises(InvalidInput, match=f"`{by}` cannot submit for `medical-college`"):
            submit(consortium, REQUEST, by=by)
    assert consortium.log.size == size


def test_who_does_not_speak_for_an_authority_cannot_approve(story: Story) -> None:
    consortium = story.app.consortium
    size = consortium.log.size
    for by in ("medical-college", "data-committee", "county-hospital"):
        with pytest.raises(InvalidInput, match="does not speak for `ethics_committee`"):
            approve(
                consortium,
                "stroke-risk",
                authority="ethics_committee",
                by=by,
                given=True,
                reasons="",
            )
    with pytest.raises(InvalidInput, match="unknown condition `smile`"):
        approve(
            consortium,
            "stroke-risk",
            authority="ethics_committee",
            by="ethics-committee",
            given=True,
            reasons="",
            conditions={"smile": 1},
        )
    with pytest.raises(InvalidInput, match="unknown case `nothing`"):
        approve(
            consortium,
            "nothing",
            authority="ethics_committee",
            by="ethics-committee",
            given=True,
            reasons="",
        )
    assert consortium.log.size == size


def test_what_has_no_case_no_permit_or_no_leave(story: Story) -> None:
    consortium = story.app.consortium
    size = consortium.log.size
    with pytest.raises(InvalidInput, match="nothing in case `foreign-court` is permitted"):
        grant(consortium, "foreign-court", by=PLATFORM)
    with pytest.raises(InvalidInput, match="has no permit"):
        revoke(consortium, "referral", "referral.nothing", reason="", by=PLATFORM)
    with pytest.raises(InvalidInput, match="asks for no operation `logistic`"):
        Session(consortium, "village-blood-pressure", by=PLATFORM).operation("logistic")
    with pytest.raises(InvalidInput, match="has permits or a utility already"):
        register_utility(consortium, "stroke-risk", {"utility": "coverage"}, by="medical-college")
    with pytest.raises(InvalidInput, match="is paid and cannot be paid"):
        pay(consortium, "stroke-risk", by=PLATFORM)
    with pytest.raises(InvalidInput, match="is paid and cannot be approved"):
        approve_settlement(consortium, "stroke-risk", by="finance-office")
    for act in (pay, approve_settlement):
        with pytest.raises(InvalidInput, match="has no settlement"):
            act(consortium, "referral", by="finance-office")
    assert consortium.log.size == size


def test_parties_and_assets_are_registered_once(story: Story) -> None:
    consortium = story.app.consortium
    with pytest.raises(InvalidInput, match="registered already"):
        register_asset(consortium, consortium.asset("township-01-records"), by="township-01")
    key = story.app.keyring.signer("insurer").public_key
    again = Party(
        id="insurer",
        kind=PartyKind.REQUESTER,
        tier=Tier.CITY,
        zh="保险",
        en="insurer",
        public_key=key,
    )
    with pytest.raises(InvalidInput, match="registered already"):
        register_party(consortium, again, by=PLATFORM)
    new = replace(again, id="insurer-two")
    with pytest.raises(InvalidInput, match="the key of `insurer-two` is that of `insurer`"):
        register_party(consortium, new, by=PLATFORM)
    new = replace(new, public_key=story.app.keyring.signer("insurer-two").public_key)
    with pytest.raises(InvalidInput, match=r"`data\.anonymised` needs a attested source"):
        register_party(consortium, new, {"data.anonymised": True}, by=PLATFORM)


def test_a_fact_is_stated_by_somebody_who_is_known(story: Story) -> None:
    with pytest.raises(InvalidInput, match="unknown party `nobody`"):
        supply(
            story.app.consortium,
            "referral",
            {"consent.given": True},
            by="nobody",
            source=Source.REGISTRY,
        )
