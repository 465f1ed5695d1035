"""The operator holds the log's key and signs events at will; the replay notices and names them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import pytest

from heyi.app.centre import App, reopen
from heyi.app.verification import verify_directory
from heyi.audit.event import Event, from_leaf
from heyi.audit.log import Draft
from heyi.crypto.canonical import Json, digest, from_canonical
from heyi.exchange.consortium import Consortium
from heyi.exchange.proof.erase import erase
from heyi.exchange.request.apply import decide, supply
from heyi.exchange.request.facts import assemble
from heyi.exchange.request.grant import grant
from heyi.model.decision import Outcome
from heyi.model.errors import InvalidInput
from heyi.model.fact import Source, Stated, Value
from heyi.policy.language.schema import admit
from tests.support.story import Story


@contextmanager
def opened(directory: Path) -> Iterator[App]:
    app = reopen(directory)
    try:
        yield app
    finally:
        app.close()


def events(consortium: Consortium, kind: str) -> list[tuple[int, Event, Json]]:
    found = []
    for entry in consortium.log.store.entries():
        event = from_leaf(entry.leaf)
        if event.kind == kind:
            found.append(
                (entry.index, event, None if entry.body is None else from_canonical(entry.body))
            )
    return found


def again(consortium: Consortium, event: Event, body: Json = None, **changed: Json) -> None:
    """Log an event like an earlier one, with some public fields changed."""
    public = {**event.public, **changed}
    consortium.write(
        consortium.draft(event.kind, actor=event.actor, case=event.case, public=public, body=body)
    )


def backdated(consortium: Consortium, event: Event, body: Json) -> None:
    """Log an event like an earlier one, with its date."""
    consortium.write(Draft(event=replace(event, commitment=None), body=body))


def forge_decision(consortium: Consortium) -> None:
    """A decision whose facts nobody stated."""
    _, event, body = next(
        e for e in events(consortium, "decision.made") if e[1].case == "insurance-claim"
    )
    stated = {
        **body["stated"],
        "evidence.authority_document": {"value": True, "source": "attested", "until": None},
    }
    backdated(consortium, event, {**body, "stated": stated})


def second_statement_of_everything(consortium: Consortium) -> None:
    again(consortium, events(consortium, "settlement.certified")[0][1])


def pay_twice(consortium: Consortium) -> None:
    again(consortium, events(consortium, "settlement.paid")[0][1])


def forge_statement(consortium: Consortium) -> None:
    again(consortium, events(consortium, "statement.issued")[0][1], share_fen=1)


def new_key_for_an_authority(consortium: Consortium) -> None:
    event = next(
        e
        for _, e, _ in events(consortium, "party.registered")
        if e.public["id"] == "data-committee"
    )
    again(consortium, event, public_key=consortium.keyring.signer("somebody-else").public_key)


def new_grade_for_an_asset(consortium: Consortium) -> None:
    again(consortium, events(consortium, "asset.registered")[0][1], level=1)


def state_for_an_authority(consortium: Consortium) -> None:
    public = {"asset": "*", "source": "attested", "names": ["approval.data_committee"]}
    said = {"value": "given", "source": "attested", "until": None}
    body = {"facts": {"approval.data_committee": said}}
    consortium.write(
        consortium.draft(
            "fact.stated", actor="device-maker", case="ai-training", public=public, body=body
        )
    )


def log_an_old_approval_again(consortium: Consortium) -> None:
    again(consortium, events(consortium, "approval.given")[0][1], {"reasons": "again"})


def log_a_receipt_again(consortium: Consortium) -> None:
    again(consortium, events(consortium, "operation.answered")[0][1])


def another_rulebook(consortium: Consortium) -> None:
    consortium.write(
        consortium.draft(
            "rulebook.adopted", public={"digest": "sha256:" + "0" * 64, "layout": "", "rules": 0}
        )
    )
    again(consortium, *next((e, b) for _, e, b in events(consortium, "decision.made") if b))


def malformed_node(consortium: Consortium) -> None:
    consortium.write(
        consortium.draft(
            "node.opened", public={"host": "county-hospital", "origin": "x", "log_key": "y"}
        )
    )


def permit_without_a_permitting_decision(consortium: Consortium) -> None:
    event = events(consortium, "permit.issued")[0][1]
    consortium.write(
        consortium.draft("permit.issued", case="foreign-court", public=dict(event.public))
    )


def register_for_other_data(consortium: Consortium) -> None:
    event = events(consortium, "utility.registered")[0][1]
    specification = {**event.public["specification"], "evaluation_digest": "sha256:" + "0" * 64}
    again(consortium, event, specification=specification, digest=digest(specification))


def register_again_after_permits(consortium: Consortium) -> None:
    event = events(consortium, "utility.registered")[0][1]
    specification = {**event.public["specification"], "payment": "work_points"}
    again(consortium, event, specification=specification, digest=digest(specification))


def register_under_another_digest(consortium: Consortium) -> None:
    event = events(consortium, "utility.registered")[0][1]
    again(consortium, event, specification={**event.public["specification"], "pot_fen": 1})


def answer_another_question_than_was_announced(consortium: Consortium) -> None:
    event = events(consortium, "operation.asked")[-1][1]
    calls = [[permit, number, "sha256:" + "0" * 64] for permit, number, _ in event.public["calls"]]
    answered = next(
        e
        for _, e, _ in events(consortium, "operation.answered")
        if [e.public["permit"], e.public["number"]] in [c[:2] for c in calls]
    )
    again(consortium, event, calls=calls)
    again(consortium, answered)


def release_for_a_case_that_nobody_submitted(consortium: Consortium) -> None:
    result = consortium.draft("result.released", case="nobodys", public={"operation": "frequency"})
    with suppress(KeyError):  # the operator's own fold fails too, when the event is in the log
        consortium.write(result)


ATTACKS: list[tuple[Callable[[Consortium], None], str]] = [
    (forge_decision, "the facts are not those that the log states"),
    (second_statement_of_everything, "the case was settled before"),
    (register_for_other_data, "registered for other data than those of the request"),
    (register_again_after_permits, "registered a second time, or after permits"),
    (register_under_another_digest, "the registered utility has another digest"),
    (
        answer_another_question_than_was_announced,
        "another operation or argument than was announced",
    ),
    (pay_twice, "was paid twice"),
    (forge_statement, "the statement is not what the settlement recomputes to"),
    (new_key_for_an_authority, "is registered a second time"),
    (new_grade_for_an_asset, "is registered a second time"),
    (state_for_an_authority, "is an approval, which its authority signs"),
    (log_an_old_approval_again, "the approval is of an earlier decision"),
    (log_a_receipt_again, "lacks a receipt"),
    (another_rulebook, "another rulebook"),
    (malformed_node, "is opened a second time"),
    (release_for_a_case_that_nobody_submitted, "the event is malformed: KeyError('nobodys')"),
]


@pytest.mark.parametrize(
    ("attack", "words"), ATTACKS, ids=lambda a: a.__name__ if callable(a) else ""
)
def test_what_the_operator_writes_is_replayed(
    run_copy: Path, attack: Callable[[Consortium], None], words: str
) -> None:
    with opened(run_copy) as app:
        before = app.consortium.log.size
        attack(app.consortium)
    v = verify_directory(run_copy)
    # the log itself is in order: every hash, signature and cosignature holds; at most a date is
    # out of order
    assert {f.message for f in v.centre.faults} <= {"the entry is dated before the one above it"}
    assert any(
        words in f.message and (f.entry is None or f.entry >= before) for f in v.replayed.faults
    )


def test_a_permit_token_is_for_its_own_case(run_copy: Path) -> None:
    with opened(run_copy) as app:
        before = app.consortium.log.size
        permit_without_a_permitting_decision(app.consortium)
    assert any(f.entry == before for f in verify_directory(run_copy).replayed.faults)


def test_nobody_states_what_is_not_theirs(story: Story) -> None:
    consortium = story.app.consortium
    size = consortium.log.size
    tries: list[tuple[str, dict[str, Value], str, Source]] = [
        ("ai-training", {"approval.data_committee": "given"}, "device-maker", Source.ATTESTED),
        ("insurance-claim", {"evidence.authority_document": True}, "insurer", Source.ATTESTED),
        ("insurance-claim", {"consent.separate": True}, "insurer", Source.REGISTRY),
        ("referral", {"consent.separate": True}, "county-hospital", Source.REGISTRY),
        ("referral", {"evidence.notice": True}, "platform", Source.PROFILE),
        ("referral", {"data.level": 1}, "platform", Source.CATALOGUE),
        ("referral", {"act.min_cell": 9}, "insurer", Source.DECLARED),
    ]
    for case, facts, by, source in tries:
        with pytest.raises(InvalidInput, match=r"may not state|is an approval"):
            supply(consortium, case, facts, by=by, source=source)
    assert consortium.log.size == size


def facts_of(app: App, case: str) -> dict[str, Stated]:
    consortium = app.consortium
    (asset,) = consortium.case(case).request["assets"]
    return assemble(
        consortium.state,
        consortium.point.book.schema,
        consortium.case(case),
        consortium.asset(asset),
    ).stated


def test_a_weaker_statement_never_replaces_a_stronger_one(run_copy: Path) -> None:
    with opened(run_copy) as app:
        case = "referral-without-consent"
        supply(app.consortium, case, {"basis.kind": "none"}, by="platform", source=Source.REGISTRY)
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
        case, asset = "referral", "township-01-records"
        supply(
            app.consortium,
            case,
            {"consent.withdrawn": False},
            by="platform",
            source=Source.REGISTRY,
            asset=asset,
        )
        supply(
            app.consortium, case, {"consent.withdrawn": True}, by="platform", source=Source.REGISTRY
        )
        assert facts_of(app, case)["consent.withdrawn"].value is True


def test_an_erased_statement_is_unknown_at_once_and_after_reopening(run_copy: Path) -> None:
    with opened(run_copy) as app:
        supply(
            app.consortium,
            "referral",
            {"consent.withdrawn": True},
            by="platform",
            source=Source.REGISTRY,
        )
        entry = app.consortium.log.size - 1
        erase(app.consortium, entry, reason="test")
        assert "consent.withdrawn" not in facts_of(app, "referral")
    with opened(run_copy) as app:
        assert "consent.withdrawn" not in facts_of(app, "referral")
        (decision,) = decide(app.consortium, "referral").values()
        assert decision.outcome is Outcome.DENY
        assert "consent.withdrawn" in decision.unknown
    assert verify_directory(run_copy).faults == []


def test_a_decision_that_was_overtaken_grants_nothing(run_copy: Path) -> None:
    with opened(run_copy) as app:
        supply(
            app.consortium,
            "referral",
            {"consent.withdrawn": True},
            by="platform",
            source=Source.REGISTRY,
        )
        size = app.consortium.log.size
        with pytest.raises(InvalidInput, match="was overtaken"):
            grant(app.consortium, "referral")
        assert app.consortium.log.size == size


def test_the_assembled_facts_are_those_that_were_decided_on(story: Story) -> None:
    consortium = story.app.consortium
    for case in consortium.state.cases.values():
        for asset, decided in case.decisions.items():
            facts = assemble(
                consortium.state, consortium.point.book.schema, case, consortium.asset(asset)
            ).stated
            decision = consortium.point.decide(
                admit(consortium.point.book.schema, facts, day=consortium.today), asset=asset
            )
            if case.id != "own-patient":  # one of its statements may have been erased
                assert decision.outcome.value == decided.outcome
