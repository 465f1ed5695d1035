"""The shipped rulebook: it loads, every rule is true and silent somewhere, the examples hold."""

from __future__ import annotations

import datetime as dt
import importlib.resources
import re
from collections.abc import Iterator
from importlib.resources.abc import Traversable

import pytest

from heyi.model.decision import Decision, Effect, Rank
from heyi.model.kleene import Truth
from heyi.policy.cases import load_rulebook, run_case
from heyi.policy.decide import DecisionPoint
from heyi.policy.language.profiles import PROFILES_FILE, expand_profiles
from heyi.policy.language.schema import LEGAL_DAY, attested

DAY = dt.date(2026, 12, 1)
COMPLETE = re.compile(r"^([\w-]+):\s+# complete", re.MULTILINE)


def files(folder: Traversable, path: str = "") -> Iterator[tuple[str, str]]:
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from files(entry, f"{path}{entry.name}/")
        elif entry.name.endswith((".md", ".toml", ".yaml")):
            yield path + entry.name, entry.read_text(encoding="utf-8")


TEXTS = dict(files(importlib.resources.files("heyi") / "rulebook"))
PROFILES = COMPLETE.findall(TEXTS[PROFILES_FILE])


@pytest.fixture(scope="module")
def point() -> DecisionPoint:
    return load_rulebook(TEXTS)


@pytest.fixture(scope="module")
def decisions(point: DecisionPoint) -> list[Decision]:
    return [run_case(point, case).decision for case in point.book.cases]


def decide(point: DecisionPoint, profile: str, given: dict[str, object] | None = None) -> Decision:
    facts = {**expand_profiles([profile], TEXTS), **(given or {})}
    return point.decide_stated(attested(facts, point.book.schema), day=DAY, hypothetical=True)


def stated_facts(point: DecisionPoint) -> set[str]:
    return {
        name
        for name, spec in point.book.schema.facts.items()
        if not spec.derived and name != LEGAL_DAY
    }


def test_there_are_enough_rules_from_enough_instruments(point: DecisionPoint) -> None:
    assert len(point.book.rules) >= 40
    assert len({rule.article.instrument.zh for rule in point.book.rules}) >= 8
    assert {rule.article.rank for rule in point.book.rules} == set(Rank)


def test_case_names_are_unique(point: DecisionPoint) -> None:
    names = [case.name for case in point.book.cases]
    assert sorted(names) == sorted(set(names))


def test_both_engines_agree_on_every_case(decisions: list[Decision]) -> None:
    assert [d.alarm for d in decisions if d.alarm] == []


def test_every_rule_fires_in_some_case_and_is_silent_in_another(
    point: DecisionPoint, decisions: list[Decision]
) -> None:
    rules = {rule.id for rule in point.book.rules}
    fired = {f.rule for d in decisions for f in d.findings if f.truth is Truth.TRUE}
    silent = {rule for d in decisions for rule in rules - {f.rule for f in d.findings}}
    assert rules - fired == set()
    assert rules - silent == set()


def test_every_requirement_is_met_in_some_case_and_unmet_in_another(
    point: DecisionPoint, decisions: list[Decision]
) -> None:
    required = {rule.id for rule in point.book.rules if rule.effect is Effect.REQUIRE}
    for met in (True, False):
        seen = {
            f.rule for d in decisions for f in d.findings if f.truth is Truth.TRUE and f.met is met
        }
        assert required - seen == set(), f"never {'met' if met else 'unmet'}"


def test_every_article_is_restated(point: DecisionPoint) -> None:
    assert [a.id for a in point.book.articles.values() if len(a.restated) < 10] == []


def test_only_laws_and_regulations_ground_personal_information(point: DecisionPoint) -> None:
    grounds = [r for r in point.book.rules if r.track == "personal"]
    assert grounds
    assert {r.article.rank for r in grounds} <= {Rank.LAW, Rank.REGULATION}


@pytest.mark.parametrize("profile", PROFILES)
def test_a_complete_profile_knows_every_stated_fact(point: DecisionPoint, profile: str) -> None:
    assert stated_facts(point) - set(expand_profiles([profile], TEXTS)) == set()
    assert decide(point, profile).unknown == {}


@pytest.mark.parametrize(
    ("profile", "outcome"),
    [
        ("treatment", "permit"),
        ("referral", "permit-with-obligations"),
        ("research-federated", "needs-approval"),
        ("statistics-aggregate", "permit"),
        ("operations-open", "permit"),
        ("payback", "permit-with-obligations"),
        ("export", "permit-with-obligations"),
        ("genetic", "permit"),
        ("patient-copy", "permit-with-obligations"),
        ("infectious-report", "permit-with-obligations"),
        ("insurance-claim", "permit-with-obligations"),
        ("marketing", "permit"),
    ],
)
def test_outcome_of_each_complete_profile(point: DecisionPoint, profile: str, outcome: str) -> None:
    assert profile in PROFILES
    assert decide(point, profile).outcome.value == outcome


def test_the_promised_profiles_are_there() -> None:
    promised = {
        "treatment",
        "referral",
        "research-federated",
        "statistics-aggregate",
        "operations-open",
        "payback",
    }
    assert {*promised, "export", "genetic"} <= set(PROFILES)


@pytest.mark.parametrize("profile", PROFILES)
def test_an_unknown_fact_never_opens(point: DecisionPoint, profile: str) -> None:
    facts = expand_profiles([profile], TEXTS)
    whole = decide(point, profile)
    for name in facts:
        rest = {k: v for k, v in facts.items() if k != name}
        answer = point.decide_stated(attested(rest, point.book.schema), day=DAY, hypothetical=True)
        if answer.outcome.is_permit:
            assert whole.outcome.is_permit, name
            assert {o.rule for o in whole.obligations} <= {o.rule for o in answer.obligations}, name


@pytest.mark.parametrize("profile", ["treatment", "referral", "statistics-aggregate"])
def test_an_ordinary_request_is_not_asked_what_does_not_matter(
    point: DecisionPoint, profile: str
) -> None:
    """No genetic resources, settled payments or insurance papers; of borders the recipient's."""
    idle = {
        name
        for name in stated_facts(point)
        if name.startswith(("genetic.", "border.", "approval."))
        or name in ("pay.registered", "pay.balanced")
    }
    facts = {k: v for k, v in expand_profiles([profile], TEXTS).items() if k not in idle}
    answer = point.decide_stated(attested(facts, point.book.schema), day=DAY, hypothetical=True)
    assert answer.outcome is decide(point, profile).outcome
    assert answer.unknown == {}


def test_example_1_the_treating_physician_reads_the_record_of_the_own_patient(
    point: DecisionPoint,
) -> None:
    d = decide(point, "treatment")
    assert d.outcome.value == "permit"
    assert "PIPL-13.2" in {f.rule for f in d.findings}
    assert all(o.baseline for o in d.obligations) and d.obligations


def test_example_2_referral_with_separate_consent_contract_and_assessment(
    point: DecisionPoint,
) -> None:
    d = decide(point, "referral")
    assert d.outcome.value == "permit-with-obligations"
    assert {o.rule for o in d.obligations if not o.baseline} == {"NDSR-12.2", "PIPL-23.2"}
    assert {o.rule: o.due.en for o in d.obligations}[
        "NDSR-12.2"
    ] == "until 3 years after processing"


def test_example_3_referral_without_separate_consent(point: DecisionPoint) -> None:
    d = decide(point, "referral", {"consent.separate": False})
    assert (d.outcome.value, d.curable) == ("deny", True)
    assert {(m.rule, m.fact) for m in d.missing} == {
        ("PIPL-23.1", "consent.separate"),
        ("PIPL-29.1", "consent.separate"),
    }
    assert {m.party for m in d.missing} == {"provider", "handler"}


def test_example_4_referral_with_nothing_said_about_withdrawal(point: DecisionPoint) -> None:
    d = decide(point, "referral-unanswered")
    assert (d.outcome.value, d.curable) == ("deny", True)
    assert list(d.unknown) == ["consent.withdrawn"]


def test_example_5_research_on_deidentified_records_without_consent_or_law(
    point: DecisionPoint,
) -> None:
    d = decide(point, "research-federated")
    assert d.outcome.value == "needs-approval"
    assert set(d.approvals) == {"ethics_committee", "data_committee"}
    assert "PIPL-13" in d.cites


def test_example_6_marketing_to_minors_without_guardian(point: DecisionPoint) -> None:
    d = decide(point, "marketing", {"subjects.min_age": 13})
    assert (d.outcome.value, d.curable) == ("deny", True)
    assert {(m.rule, m.fact) for m in d.missing} == {("PIPL-31.1", "consent.guardian")}


def test_example_7_genetic_data_to_a_recipient_controlled_from_abroad(point: DecisionPoint) -> None:
    d = decide(point, "genetic", {"recipient.foreign_control": True})
    assert (d.outcome.value, d.curable) == ("deny", False)
    forbidden = [f for f in d.findings if f.effect is Effect.FORBID]
    assert [(f.rule, f.rank) for f in forbidden] == [("HGR-21.1", Rank.REGULATION)]
