"""The operator holds the log's key and signs events at will; the replay notices and names them."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from heyi.app.centre import App, writing
from heyi.app.rulebooks import shelf
from heyi.app.verification import verify_directory
from heyi.crypto.canonical import digest
from heyi.crypto.codec import to_json
from heyi.exchange.consortium import PLATFORM
from heyi.exchange.events import applied, registered, settled, used
from heyi.exchange.projections import differences
from heyi.exchange.proof.erase import erase
from heyi.exchange.request.apply import decide, decision_leaf, supply
from heyi.exchange.request.facts import assemble, said_by
from heyi.exchange.request.grant import grant, seat
from heyi.exchange.request.register import adopt_rulebook, vouch_profile
from heyi.federation.node.node_events import CallCharged, receipt_event
from heyi.federation.wire.receipt import Receipt, sign_receipt
from heyi.model.decision import Outcome
from heyi.model.errors import InvalidInput
from heyi.model.fact import Source, Stated, Value
from heyi.permits.issue import issue
from heyi.policy.engines.packed import pack
from heyi.policy.language.schema import admit
from heyi.sources.rulebook import read_rulebook
from oracles.forge import (
    again,
    first,
    forge,
    forge_node,
    last,
    logged,
    opened,
    opened_node,
    said,
)
from oracles.lies_about_decisions import PERMIT_ALL
from oracles.lying import HOSPITAL
from tests.support.story import Story

NOWHERE = "sha256:" + "0" * 64
TRAINING, CLAIM, REFERRAL = "ai-training", "insurance-claim", "referral"
FOREIGN = "foreign-court"


def decide_on_facts_that_nobody_stated(app: App) -> int:
    """A decision that contradicts nothing but the facts of its case."""
    consortium = app.consortium
    case, schema = consortium.case(CLAIM), consortium.point.book.schema
    (asset,) = case.request.assets
    stated = assemble(consortium.state, schema, case, consortium.asset(asset)).stated
    stated["evidence.authority_document"] = Stated(value=True, source=Source.ATTESTED)
    admitted = admit(schema, stated, day=consortium.today)
    decision = decision_leaf(consortium.point.decide(admitted, asset=asset))
    body = applied.Grounds(
        words=tuple(f"{w:064x}" for w in pack(schema, admitted.known)),
        rejected=dict(admitted.rejected),
        stated=said_by(stated),
    )
    return forge(consortium, decision, by=PLATFORM, case=CLAIM, body=body)


def settle_again(app: App) -> int:
    return again(app.consortium, first(app.consortium, settled.SettlementCertified))


def pay_twice(app: App) -> int:
    return again(app.consortium, first(app.consortium, settled.SettlementPaid))


def issue_another_statement(app: App) -> int:
    return again(app.consortium, first(app.consortium, settled.StatementIssued), share_fen=1)


def new_key_for_an_authority(app: App) -> int:
    found = next(
        e
        for e in logged(app.consortium, registered.PartyRegistered)
        if said(e, registered.PartyRegistered).party.id == "data-committee"
    )
    party = said(found, registered.PartyRegistered).party
    key = app.keyring.signer("somebody-else").public_key
    return again(app.consortium, found, party=replace(party, public_key=key))


def new_grade_for_an_asset(app: App) -> int:
    found = first(app.consortium, registered.AssetRegistered)
    asset = said(found, registered.AssetRegistered).asset
    return again(app.consortium, found, asset=replace(asset, level=1))


def state_for_an_authority(app: App) -> int:
    name = "approval.data_committee"
    what = applied.FactStated(asset="*", source="attested", names=(name,))
    body = applied.SaidFacts(facts={name: applied.Said(value="given", until=None)})
    return forge(app.consortium, what, by="device-maker", case=TRAINING, body=body)


def log_an_old_approval_again(app: App) -> int:
    found = first(app.consortium, applied.ApprovalGiven)
    return again(app.consortium, found, body=applied.Reasons(reasons="again"))


def log_a_receipt_again(app: App) -> int:
    return again(app.consortium, first(app.consortium, used.OperationAnswered))


def judge_by_a_rulebook_that_was_not_adopted(app: App) -> int:
    found = last(app.consortium, applied.DecisionMade)
    return again(app.consortium, found, rulebook=NOWHERE)


def adopt_a_rulebook_that_nobody_can_read(app: App) -> int:
    what = registered.RulebookAdopted(digest=NOWHERE, layout="", rules=0)
    return forge(app.consortium, what, by=PLATFORM)


def open_a_second_node(app: App) -> int:
    what = registered.NodeOpened(host="county-hospital", origin="x", log_key="0b" * 32)
    return forge(app.consortium, what, by="county-hospital")


def use_a_permit_token_for_another_case(app: App) -> int:
    consortium, other = app.consortium, "referral-without-consent"
    (asset,) = consortium.case(other).request.assets
    found = next(
        e
        for e in logged(consortium, applied.PermitIssued)
        if said(e, applied.PermitIssued).asset == asset and e.case != other
    )
    return again(consortium, found, case=other, permit=f"{other}.another")


def issue_a_permit_against_the_decision(app: App) -> int:
    """The operator holds the keys of holder and requester too, so all three sign."""
    consortium, case = app.consortium, app.consortium.case(FOREIGN)
    (asset,) = case.request.assets
    holder = consortium.party(consortium.asset(asset).holder)
    permit = replace(
        seat(consortium, REFERRAL, "referral.township-01-records").permit,
        id=f"{FOREIGN}.{asset}",
        case=FOREIGN,
        asset=asset,
        holder=holder.id,
        audience=holder.host,
        requester=case.request.requester,
        requester_key=consortium.party(case.request.requester).public_key,
        issued_at=consortium.now,
        decision=case.decisions[asset].index,
    )
    token = issue(
        permit,
        issuer=app.signer(PLATFORM),
        holder=app.signer(holder.id),
        requester=app.signer(permit.requester),
    )
    what = applied.PermitIssued(permit=permit.id, asset=asset, token=token)
    return forge(consortium, what, by=PLATFORM, case=FOREIGN)


def register_for_other_data(app: App) -> int:
    found = first(app.consortium, settled.UtilityRegistered)
    specification = {
        **said(found, settled.UtilityRegistered).specification,
        "evaluation_digest": NOWHERE,
    }
    return again(app.consortium, found, specification=specification, digest=digest(specification))


def register_again_after_permits(app: App) -> int:
    found = first(app.consortium, settled.UtilityRegistered)
    specification = {
        **said(found, settled.UtilityRegistered).specification,
        "payment": "work_points",
    }
    return again(app.consortium, found, specification=specification, digest=digest(specification))


def register_under_another_digest(app: App) -> int:
    found = first(app.consortium, settled.UtilityRegistered)
    specification = {**said(found, settled.UtilityRegistered).specification, "pot_fen": 1}
    return again(app.consortium, found, specification=specification)


def announce_a_call_again(app: App) -> int:
    found = last(app.consortium, used.OperationAsked)
    calls = said(found, used.OperationAsked).calls
    return again(
        app.consortium, found, calls=tuple((permit, number, NOWHERE) for permit, number, _ in calls)
    )


def answer_another_question_than_was_announced(app: App) -> int:
    """Operator and node agree on the lie: the node's own log has the receipt too."""
    consortium = app.consortium
    found = first(consortium, used.OperationAsked)
    asked = said(found, used.OperationAsked)
    permit = seat(consortium, found.case, asked.calls[0][0]).permit
    number = consortium.case(found.case).asked[permit.id] + 1
    again(consortium, found, calls=((permit.id, number, NOWHERE),))
    receipt = Receipt(
        permit=permit.id,
        holder=permit.holder,
        host=permit.audience,
        operation=asked.operation,
        argument=digest({}),
        number=number,
        refusal="",
        result=NOWHERE,
        at=consortium.now,
    )
    answered = receipt_event(sign_receipt(receipt, app.signer(permit.holder)))
    with opened_node(app, permit.audience) as log:
        charged = CallCharged(permit=permit.id, number=number)
        forge_node(log, charged, actor=permit.holder, at=receipt.at)
        forge_node(log, answered, actor=permit.holder, at=receipt.at)
    what = used.OperationAnswered(**to_json(answered))
    return forge(consortium, what, by=permit.holder, case=found.case)


def release_for_a_case_that_nobody_submitted(app: App) -> int:
    what = used.ResultReleased(operation="frequency", answered=(), refused={}, figures={})
    return forge(app.consortium, what, by=PLATFORM, case="nobodys")


def date_an_event_back(app: App) -> int:
    found = first(app.consortium, applied.PermitRevoked)
    what = registered.ProfileVouched(party="township-02", facts={})
    return forge(app.consortium, what, by="township-02", at=found.at)


ATTACKS: list[tuple[Callable[[App], int], str]] = [
    (decide_on_facts_that_nobody_stated, "the facts are not those that the log states"),
    (settle_again, "the case was settled before"),
    (register_for_other_data, "registered for other data than those of the request"),
    (register_again_after_permits, "registered a second time, or after permits"),
    (register_under_another_digest, "the registered utility has another digest"),
    (announce_a_call_again, "is announced a second time"),
    (
        answer_another_question_than_was_announced,
        "another operation or argument than was announced",
    ),
    (pay_twice, "was paid twice"),
    (issue_another_statement, "the statement is not what the settlement recomputes to"),
    (new_key_for_an_authority, "`data-committee` is registered a second time"),
    (new_grade_for_an_asset, "is registered a second time"),
    (state_for_an_authority, "is an approval, which its authority signs"),
    (log_an_old_approval_again, "an earlier answer of the authority is logged again"),
    (log_a_receipt_again, "the receipt is for a call that was answered before"),
    (adopt_a_rulebook_that_nobody_can_read, "is not kept with the log"),
    (judge_by_a_rulebook_that_was_not_adopted, "the decision was made by another rulebook"),
    (open_a_second_node, "the node of `county-hospital` is opened a second time"),
    (use_a_permit_token_for_another_case, "the permit is of another case, asset or time"),
    (issue_a_permit_against_the_decision, "which does not permit it"),
    (release_for_a_case_that_nobody_submitted, "nobody submitted the case `nobodys`"),
    (date_an_event_back, "the entry is dated before the one above it"),
]


@pytest.mark.parametrize(
    ("attack", "words"), ATTACKS, ids=lambda a: a.__name__ if callable(a) else ""
)
def test_what_the_operator_writes_is_replayed(
    run_copy: Path, attack: Callable[[App], int], words: str
) -> None:
    """One lie is one fault, of the entry in which it stands."""
    with opened(run_copy) as app:
        entry = attack(app)
    faults = verify_directory(run_copy).faults
    assert [(log, fault.entry) for log, fault in faults] == [("centre", entry)], faults
    assert words in faults[0][1].message


def test_a_forger_keeps_streams_and_summaries_right(run_copy: Path) -> None:
    """Else an attack would be found by what surrounds it, and not by what it says."""
    with opened(run_copy) as app:
        for attack in (
            pay_twice,
            new_grade_for_an_asset,
            state_for_an_authority,
            open_a_second_node,
        ):
            attack(app)
        assert list(differences(app.database)) == []


@pytest.mark.parametrize(
    ("case", "facts", "by", "source"),
    [
        (TRAINING, {"approval.data_committee": "given"}, "device-maker", Source.ATTESTED),
        (CLAIM, {"evidence.authority_document": True}, "insurer", Source.ATTESTED),
        (CLAIM, {"consent.separate": True}, "insurer", Source.REGISTRY),
        (REFERRAL, {"consent.separate": True}, "county-hospital", Source.REGISTRY),
        (REFERRAL, {"evidence.notice": True}, PLATFORM, Source.PROFILE),
        (REFERRAL, {"evidence.notice": True}, "county-office", Source.ATTESTED),
        (REFERRAL, {"data.level": 1}, PLATFORM, Source.CATALOGUE),
        (REFERRAL, {"data.level": 1}, PLATFORM, Source.REGISTRY),
        (REFERRAL, {"recipient.kind": "self"}, PLATFORM, Source.REGISTRY),
        (REFERRAL, {"act.min_cell": 9}, "insurer", Source.DECLARED),
    ],
)
def test_nobody_states_what_is_not_theirs(
    story: Story, case: str, facts: dict[str, Value], by: str, source: Source
) -> None:
    consortium = story.app.consortium
    size = consortium.log.size
    with pytest.raises(InvalidInput, match=r"may not state|is an approval|is registered with"):
        supply(consortium, case, facts, by=by, source=source)
    assert consortium.log.size == size


def facts_of(app: App, case: str) -> dict[str, Stated]:
    consortium = app.consortium
    (asset,) = consortium.case(case).request.assets
    return assemble(
        consortium.state,
        consortium.point.book.schema,
        consortium.case(case),
        consortium.asset(asset),
    ).stated


def test_a_weaker_statement_never_replaces_a_stronger_one(run_copy: Path) -> None:
    with opened(run_copy) as app:
        case = "referral-without-consent"
        supply(app.consortium, case, {"basis.kind": "none"}, by=PLATFORM, source=Source.REGISTRY)
        supply(
            app.consortium,
            case,
            {"basis.kind": "contract"},
            by="township-02",
            source=Source.DECLARED,
        )
        assert facts_of(app, case)["basis.kind"] == Stated(value="none", source=Source.REGISTRY)


def test_the_later_of_two_equal_statements_counts_whatever_its_scope(run_copy: Path) -> None:
    with opened(run_copy) as app:
        supply(
            app.consortium,
            REFERRAL,
            {"consent.withdrawn": False},
            by=PLATFORM,
            source=Source.REGISTRY,
            asset="township-01-records",
        )
        supply(
            app.consortium,
            REFERRAL,
            {"consent.withdrawn": True},
            by=PLATFORM,
            source=Source.REGISTRY,
        )
        assert facts_of(app, REFERRAL)["consent.withdrawn"].value is True


def state_a_withdrawal(app: App) -> int:
    """The registry says that consent was withdrawn; returns the entry."""
    facts: dict[str, Value] = {"consent.withdrawn": True}
    supply(app.consortium, REFERRAL, facts, by=PLATFORM, source=Source.REGISTRY)
    return app.consortium.log.size - 1


def test_an_erased_statement_is_unknown_at_once_and_after_reopening(run_copy: Path) -> None:
    with opened(run_copy) as app:
        entry = state_a_withdrawal(app)
        erase(app.consortium, [entry], reason="test", by=PLATFORM)
        assert "consent.withdrawn" not in facts_of(app, REFERRAL)
    with opened(run_copy) as app:
        assert "consent.withdrawn" not in facts_of(app, REFERRAL)
        (decision,) = decide(app.consortium, REFERRAL, by=PLATFORM).values()
        assert decision.outcome is Outcome.DENY
        assert "consent.withdrawn" in decision.unknown
    assert verify_directory(run_copy).faults == []


def test_a_decision_that_was_overtaken_grants_nothing(run_copy: Path) -> None:
    with opened(run_copy) as app:
        state_a_withdrawal(app)
        size = app.consortium.log.size
        with pytest.raises(InvalidInput, match="was overtaken"):
            grant(app.consortium, REFERRAL, by=PLATFORM)
        assert app.consortium.log.size == size


def test_the_assembled_facts_are_those_that_were_decided_on(story: Story) -> None:
    consortium = story.app.consortium
    schema, compared = consortium.point.book.schema, 0
    for case in consortium.state.cases.values():
        for asset, decided in case.decisions.items():
            facts = assemble(consortium.state, schema, case, consortium.asset(asset)).stated
            admitted = admit(schema, facts, day=consortium.today)
            decision = consortium.point.decide(admitted, asset=asset)
            if case.id != "own-patient":  # one of its statements may have been erased
                assert decision.outcome is decided.made.outcome
                compared += 1
    assert compared > 20


def test_what_another_rulebook_let_be_said_counts_for_nothing(run_copy: Path) -> None:
    """For a moment, a rulebook reads the purpose from a profile and the catalogue's facts from all.

    Only honest use cases are called. The request stays what it asks, and is denied as before.
    """
    facts = read_rulebook()["facts.toml"]
    names = ("act.action", "act.purpose", "act.delivery")
    for name in names:
        head = f'[fact."{name}"]'
        above, below = facts.split(head, 1)
        facts = above + head + re.sub(r"(?m)^source.*$", 'source = "profile"', below, count=1)
    with writing(run_copy) as app:
        c = app.consortium
        right, texts = c.point, {"facts.toml": facts, "all.md": PERMIT_ALL}
        c.point = shelf().point(texts)
        adopt_rulebook(c, by=PLATFORM)
        stated = dict(zip(names, ("compute", "public_health", "aggregate"), strict=True))
        vouch_profile(c, "county-hospital", stated, by=PLATFORM)
        c.point = right
        adopt_rulebook(c, by=PLATFORM)
        before = c.case(CLAIM).decisions[HOSPITAL].made
        after = decide(c, CLAIM, by=PLATFORM)[HOSPITAL]
        assert before.outcome is after.outcome is Outcome.DENY
    assert verify_directory(run_copy).faults == []
