"""Rules and decisions in words: both languages, every cited article, labels and no identifiers."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace

import pytest

from heyi.model.decision import Decision, Outcome, Step
from heyi.model.fact import Value
from heyi.policy.cases import run_case
from heyi.policy.decide import DecisionPoint
from heyi.policy.explain import HEADLINE, explain, step
from heyi.policy.language.schema import LEGAL_DAY, Admitted
from heyi.policy.remedy import with_remedies
from heyi.policy.render import render

CHINESE = re.compile(r"[\u4e00-\u9fff]")


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_every_rule_is_rendered_with_labels_alone(point: DecisionPoint, lang: str) -> None:
    names = re.compile("|".join(re.escape(n) for n in point.book.schema.facts))
    for rule in point.book.rules:
        lines = render(point.book, rule, lang)
        text = "\n".join(lines)
        assert (
            lines[0].startswith(rule.id)
            and (rule.says.zh if lang == "zh" else rule.says.en) in lines[0]
        )
        assert not names.search(text), text
        assert not re.search(r"\bNone\b|\bTrue\b|\bFalse\b|frozenset|[a-z]_[a-z]", text), text
        assert re.search(r"(自|from )\d{4}-\d\d-\d\d", lines[1]), "the day from which it binds"
        if lang == "en":
            assert not CHINESE.search(text), text
        for fact in {f for f in rule.facts if f != LEGAL_DAY}:
            folded = [
                s.name
                for s in point.book.schema.facts.values()
                if re.search(rf"\b{re.escape(fact)}\b", s.derived)
            ]
            labels = [point.book.schema.facts[fact].name, *folded]
            assert any((label.zh if lang == "zh" else label.en) in text for label in labels), (
                rule.id,
                fact,
            )


def test_no_two_rules_read_alike(point: DecisionPoint) -> None:
    for lang in ("zh", "en"):
        texts = [
            "\n".join(render(point.book, r, lang)[1:]) + r.effect.value + r.says.en
            for r in point.book.rules
        ]
        assert len(set(texts)) == len(texts)


def test_the_chinese_rendering_is_chinese_to_the_end(point: DecisionPoint) -> None:
    for rule in point.book.rules:
        for line in render(point.book, rule, "zh"):
            assert CHINESE.search(line), line
            assert not re.search(r"[a-z]{4,} [a-z]{3,}", line), line


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_answer_on_each_profile_cites_its_articles(
    point: DecisionPoint,
    complete: dict[str, dict[str, Value]],
    decide: Callable[[Mapping[str, Value]], Decision],
    lang: str,
) -> None:
    for profile, facts in complete.items():
        decision = decide(facts)
        lines = explain(point.book, decision, lang)
        text = "\n".join(lines)
        assert HEADLINE[decision.outcome, decision.curable][lang == "en"] in lines[0]
        assert decision.cites, profile
        for finding in decision.findings:
            instrument = finding.instrument.zh if lang == "zh" else finding.instrument.en
            assert any(finding.article in line and instrument in line for line in lines), (
                profile,
                finding.article,
            )
        assert "None" not in text
        assert "法律意见" in lines[-1] if lang == "zh" else "not legal advice" in lines[-1]


@pytest.fixture(scope="module")
def answered(point: DecisionPoint) -> list[tuple[dict[str, Value], Decision]]:
    """Every worked case with its answer and its remedies, which are searched once."""
    found = []
    for case in point.book.cases:
        decision = run_case(point, case).decision
        facts: dict[str, Value] = {LEGAL_DAY: case.at}
        for name, value in case.given.items():
            facts[name] = point.book.schema.spec(name).check(value)
        if not case.sources:
            decision = with_remedies(point, decision, Admitted(known=facts, rejected={}))
        found.append((facts, decision))
    return found


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_answers_to_all_worked_cases_speak_of_all_their_lists(
    point: DecisionPoint, answered: list[tuple[dict[str, Value], Decision]], lang: str
) -> None:
    book, i = point.book, 0 if lang == "zh" else 1
    for facts, decision in answered:
        lines = explain(book, decision, lang)
        assert "None" not in "\n".join(lines)
        assert all(line.strip() for line in lines)
        for m in decision.missing:
            label = book.schema.facts[m.fact].name
            assert any(
                ("缺少", "missing")[i] in line and (label.zh, label.en)[i] in line for line in lines
            )
        for name in decision.unknown:
            assert any(
                line.startswith(("未知", "unknown")[i]) and f"[{name}]" in line for line in lines
            )
        refused = {a for a in decision.approvals if facts.get(f"approval.{a}") == "refused"}
        assert sum(line.startswith(("待批准", "to approve")[i]) for line in lines) == len(
            decision.approvals
        ) - len(refused)
        assert any(("已被拒绝", "(refused)")[i] in line for line in lines) is bool(refused)
        assert sum(line.startswith(("办法", "remedy")[i]) for line in lines) == len(
            decision.remedies
        )
        binding = [o for o in decision.obligations if not o.baseline]
        assert sum(line.startswith(("义务", "duty")[i]) for line in lines) == len(binding)


def test_the_chinese_answer_is_chinese_to_the_end(
    point: DecisionPoint,
    complete: dict[str, dict[str, Value]],
    decide: Callable[[Mapping[str, Value]], Decision],
) -> None:
    for facts in complete.values():
        for line in explain(point.book, decide(facts), "zh"):
            assert not re.search(r"[a-z]{4,} [a-z]{3,}", line), line


@pytest.mark.parametrize(
    ("change", "zh", "en"),
    [
        (("consent.given", "true"), "已取得同意 → 是", "consent → yes"),
        (("act.delivery", "aggregate"), "交付方式 → 汇总统计", "delivery → aggregate"),
        (("act.min_cell", "5"), "输出最小格 → 5", "smallest cell of the output → 5"),
        (("data.special", ""), "特殊病种 → 无", "special disease groups → none"),
        (("data.special", "hiv"), "特殊病种 → 艾滋病", "special disease groups → HIV/AIDS"),
    ],
)
def test_a_step_is_told_in_labels(
    point: DecisionPoint, change: tuple[str, str], zh: str, en: str
) -> None:
    one = Step(fact=change[0], value=change[1], who=("handler",))
    assert step(point.book, one, "zh") == f"{zh}（处理者）"
    assert step(point.book, one, "en") == f"{en} (the handler)"


@pytest.mark.parametrize(("lang", "word"), [("zh", "警报"), ("en", "alarm")])
def test_an_alarm_stands_below_the_answer(
    point: DecisionPoint,
    complete: dict[str, dict[str, Value]],
    decide: Callable[[Mapping[str, Value]], Decision],
    lang: str,
    word: str,
) -> None:
    decision = replace(
        decide(complete["treatment"]), outcome=Outcome.DENY, alarm="two readings differ on X-1.1"
    )
    assert explain(point.book, decision, lang)[1] == f"{word}: two readings differ on X-1.1"
    assert HEADLINE[Outcome.DENY, False][lang == "en"] in explain(point.book, decision, lang)[0]
