"""The story as a scenario: every request gets its answer for the reason that the law gives."""

from __future__ import annotations

from collections import Counter

import pytest

from heyi.county import scenes
from heyi.county.founding import UNPREPARED, WITHOUT_MINOR_RULES, records_of
from heyi.exchange.events.used import OperationAnswered
from heyi.exchange.request.grant import seat
from heyi.model.decision import Decision, Outcome
from oracles.forge import logged, said
from tests.support.story import Story


def rounds(story: Story, scene: str) -> list[dict[str, Decision]]:
    return [t.decisions for t in story.told.turns if t.scene.id == scene]


def only(decisions: dict[str, Decision]) -> Decision:
    (decision,) = decisions.values()
    return decision


def test_permitted_outright(story: Story) -> None:
    assert only(rounds(story, scenes.TREATMENT.id)[0]).outcome is Outcome.PERMIT


def test_permitted_with_obligations_that_stand_in_the_permit(story: Story) -> None:
    decision = only(rounds(story, scenes.REFERRAL.id)[0])
    assert decision.outcome is Outcome.PERMIT_WITH_OBLIGATIONS
    case = story.app.consortium.case(scenes.REFERRAL.id)
    (decided,) = case.decisions.values()
    assert set(decided.made.obligations) == {o.rule for o in decision.obligations}


def test_refused_with_a_cure_and_then_cured(story: Story) -> None:
    before, after = map(only, rounds(story, scenes.REFERRAL_WITHOUT_CONSENT.id))
    assert (before.outcome, before.curable) == (Outcome.DENY, True)
    assert {m.fact for m in before.missing} == {"consent.separate"}
    assert [s.fact for s in before.remedies[0].steps] == ["consent.separate"]
    assert after.outcome is before.remedies[0].promises is Outcome.PERMIT_WITH_OBLIGATIONS


def test_silence_of_the_registry_is_not_consent(story: Story) -> None:
    before, after = map(only, rounds(story, scenes.REFERRAL_UNANSWERED.id))
    assert (before.outcome, before.curable) == (Outcome.DENY, True)
    assert list(before.unknown) == ["consent.withdrawn"]
    assert after.outcome is Outcome.PERMIT_WITH_OBLIGATIONS


@pytest.mark.parametrize(
    "scene", [scenes.FOREIGN_GENES, scenes.FOREIGN_COURT, scenes.MARKETING], ids=lambda s: s.id
)
def test_red_lines_are_beyond_cure(story: Story, scene: scenes.Scene) -> None:
    decision = only(rounds(story, scene.id)[0])
    assert (decision.outcome, decision.curable, decision.remedies) == (Outcome.DENY, False, ())
    assert any(f.effect.value == "forbid" for f in decision.findings)


def test_a_refused_approval_denies(story: Story) -> None:
    before, after = map(only, rounds(story, scenes.TRAINING.id))
    assert before.outcome is Outcome.NEEDS_APPROVAL
    assert (after.outcome, after.curable) == (Outcome.DENY, False)


def test_one_request_is_answered_differently_at_different_institutions(story: Story) -> None:
    first, second = rounds(story, scenes.STUDY.id)
    assert Counter(d.outcome for d in first.values()) == {
        Outcome.NEEDS_APPROVAL: 12,
        Outcome.DENY: 2,
    }
    assert Counter(d.outcome for d in second.values()) == {Outcome.PERMIT: 12, Outcome.DENY: 2}
    assert "evidence.impact_assessment" in {m.fact for m in second[records_of(UNPREPARED)].missing}
    assert "handler.minor_rules" in {
        m.fact for m in second[records_of(WITHOUT_MINOR_RULES)].missing
    }


def test_the_committees_condition_stands_in_every_permit(story: Story) -> None:
    consortium = story.app.consortium
    permits = consortium.case(scenes.STUDY.id).permits
    assert len(permits) == 12
    assert {seat(consortium, scenes.STUDY.id, p).permit.min_cell for p in permits} == {10}


def test_a_withdrawal_lowers_exactly_one_cell_by_one(story: Story) -> None:
    before, after = story.told.before.figures, story.told.after.figures
    cells = zip(before["cells"], after["cells"], strict=True)
    held_back = sum(after["held_back"]) - sum(before["held_back"])
    assert ([b - a for b, a in cells if b != a], held_back) == ([1], 0)


def test_nodes_refuse_after_revocation(story: Story) -> None:
    refused = story.told.refused_after_revocation
    assert {h: r["code"] for h, r in refused.items()} == {
        "county-hospital": "revoked",
        "tcm-hospital": "revoked",
    }


def test_village_clinics_answer_through_their_hosts(story: Story) -> None:
    answers = [said(e, OperationAnswered) for e in logged(story.app.consortium, OperationAnswered)]
    villages = [a for a in answers if a.holder.startswith("village")]
    assert villages
    assert {a.host for a in villages} <= {f"township-{n:02d}" for n in range(1, 13)}


def test_the_pot_is_paid_to_the_fen(story: Story) -> None:
    study = story.told.study
    assert len(study.statements) == 12
    case = story.app.consortium.case(study.case)
    assert case.settlement is not None
    assert sum(s.share_fen for s in study.statements) == case.settlement.pot_fen == case.paid_fen
    assert case.paid == {s.party: s.share_fen for s in study.statements}
    assert story.told.payment.outcome.is_permit
    assert sum(s.contribution for s in study.statements) == study.statements[0].total
