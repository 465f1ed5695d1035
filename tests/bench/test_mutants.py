"""The mutation run makes the right mutants and finds their fate; the shipped cases notice them."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random

import pytest

from bench.mutants import SEED, Fate, Judge, Mutant, equivalent, main, mutants
from heyi.policy.language import ir
from heyi.policy.language.check import compile_rulebook
from tests.support.shipped import shipped_book

FACTS = """
[track.any]
opens = "false"
min_rank = "law"
zh = "任何"
en = "any"

[fact.legal_day]
type = "date"
zh = "法律日"
en = "legal day"
slot = [0, 0]
source = "registry"
changed_by = []

[fact.age]
type = "int"
min = 0
max = 150
unit = "years"
zh = "年龄"
en = "age"
slot = [0, 40]
source = "catalogue"
changed_by = []

[fact.kind]
type = "enum"
values = { record = "病历|record", image = "影像|image", sum = "汇总|sum" }
zh = "种类"
en = "kind"
slot = [0, 80]
source = "catalogue"
changed_by = []

[fact.emergency]
type = "bool"
zh = "紧急"
en = "emergency"
slot = [0, 90]
source = "declared"
changed_by = ["requester"]

[fact.guardian]
type = "bool"
zh = "监护人同意"
en = "guardian"
slot = [0, 92]
source = "registry"
changed_by = ["handler"]

[fact.notice]
type = "bool"
zh = "告知"
en = "notice"
slot = [0, 94]
source = "registry"
changed_by = ["handler"]
"""
PACK = """---
id: L
instrument: {{zh: 法, en: Law}}
rank: law
jurisdiction: cn
---

## 第一条 {{#L-1 from=2024-01-01 en="One"}}
> 未成年人。

```rule L-1.1 require
{rule}
party:  handler
says:   {{zh: 须同意, en: consent is needed}}
```
{cases}
"""
TWELVE = """
```case twelve
given:  {age: 12, kind: record, guardian: false}
expect: {unmet: [L-1.1]}
```
"""
THIRTEEN = """
```case thirteen
given:  {age: 13, kind: record, guardian: false}
expect: {unmet: [L-1.1]}
```
"""
FOURTEEN = """
```case fourteen
given:  {age: 14, kind: record, guardian: false}
expect: {silent: [L-1.1]}
```
"""


def book_of(rule: str, cases: str = "") -> ir.Rulebook:
    return compile_rulebook({"facts.toml": FACTS, "law.md": PACK.format(rule=rule, cases=cases)})


def fates(book: ir.Rulebook) -> dict[str, Fate]:
    judge = Judge(book)
    return {f"{m.before} -> {m.after}": judge.fate(m) for m in mutants(book)}


def told(mutant: Mutant) -> tuple[str, str, str]:
    return mutant.kind.value, mutant.part, f"{mutant.before} -> {mutant.after}"


def test_all_mutants_of_one_rule() -> None:
    book = book_of(
        'when: kind in ["record", "image"] && age < 14\nexcept: [L-1] emergency\n'
        "needs: guardian && notice"
    )
    days, record = 'legal_day >= date("2024-01-01")', 'kind in ["record", "image"]'
    when, without = f"({record} && age < 14)", f"!({days} && emergency)"
    rule = f"{days} && {when} && {without}"
    assert [told(m) for m in mutants(book)] == [
        ("rule negated", "applies", f"{rule} -> !({rule})"),
        ("literal negated", "days", f"{days} -> !({days})"),
        ("day moved by one", "days", f'{days} -> legal_day >= date("2024-01-02")'),
        ("day moved by one", "days", f'{days} -> legal_day >= date("2023-12-31")'),
        ("&& and || swapped", "when", f"{record} && age < 14 -> {record} || age < 14"),
        ("part or value left out", "when", f"{record} && age < 14 -> age < 14"),
        ("part or value left out", "when", f"{record} && age < 14 -> {record}"),
        ("literal negated", "when", f"{record} -> !({record})"),
        ("part or value left out", "when", f'{record} -> kind in ["image"]'),
        ("part or value left out", "when", f'{record} -> kind in ["record"]'),
        ("literal negated", "when", "age < 14 -> !(age < 14)"),
        ("number moved by one", "when", "age < 14 -> age < 15"),
        ("number moved by one", "when", "age < 14 -> age < 13"),
        ("&& and || swapped", "except L-1", f"{days} && emergency -> {days} || emergency"),
        ("part or value left out", "except L-1", f"{days} && emergency -> emergency"),
        ("part or value left out", "except L-1", f"{days} && emergency -> {days}"),
        ("literal negated", "except L-1", f"{days} -> !({days})"),
        ("day moved by one", "except L-1", f'{days} -> legal_day >= date("2024-01-02")'),
        ("day moved by one", "except L-1", f'{days} -> legal_day >= date("2023-12-31")'),
        ("literal negated", "except L-1", "emergency -> !emergency"),
        ("&& and || swapped", "applies", f"{when} && {without} -> {when} || {without}"),
        ("exception dropped", "except L-1", f"{without} -> true"),
        ("need dropped", "needs", "guardian -> true"),
        ("need dropped", "needs", "notice -> true"),
        ("&& and || swapped", "needs", "guardian && notice -> guardian || notice"),
        ("literal negated", "needs", "guardian -> !guardian"),
        ("literal negated", "needs", "notice -> !notice"),
    ]


def test_a_threshold_that_no_case_stands_beside_survives() -> None:
    rule = "when: age < 14\nneeds: guardian"
    up, down = "age < 14 -> age < 15", "age < 14 -> age < 13"
    assert [fates(book_of(rule, TWELVE))[m] for m in (up, down)] == [Fate.SURVIVED, Fate.SURVIVED]
    assert [fates(book_of(rule, THIRTEEN))[m] for m in (up, down)] == [Fate.SURVIVED, Fate.KILLED]
    assert [fates(book_of(rule, THIRTEEN + FOURTEEN))[m] for m in (up, down)] == [
        Fate.KILLED,
        Fate.KILLED,
    ]


def test_a_case_that_expects_nothing_of_the_rule_kills_by_the_outcome_alone() -> None:
    case = "\n```case fourteen\ngiven: {age: 14}\nexpect: {outcome: permit}\n```\n"
    found = fates(book_of("when: age < 14\nneeds: guardian", case))
    assert found["age < 14 -> age < 15"] is Fate.KILLED
    assert found["guardian -> !guardian"] is Fate.SURVIVED


def test_equivalent_mutants_are_recognised() -> None:
    found = fates(book_of("when: age >= 0 && (age < 14 || age < 5) && !emergency\nneeds: guardian"))
    assert found["age >= 0 -> age >= -1"] is Fate.EQUIVALENT
    assert found["age < 5 -> age < 6"] is Fate.EQUIVALENT
    assert found["age >= 0 -> age >= 1"] is Fate.SURVIVED


def test_a_value_that_matters_only_where_it_is_unknown_is_not_equivalent() -> None:
    """With the age unknown `age >= 0` is undetermined: a rule without it would apply."""
    found = fates(book_of('when: age >= 0 && kind == "record"\nneeds: guardian'))
    assert found['age >= 0 && kind == "record" -> kind == "record"'] is Fate.SURVIVED


def test_needs_count_only_where_the_rule_may_apply() -> None:
    book = book_of('when: emergency\nneeds: guardian && legal_day >= date("2024-01-01")')
    judge = Judge(book)
    assert {
        m.part: judge.fate(m) for m in mutants(book) if m.after == 'legal_day >= date("2023-12-31")'
    } == {
        "days": Fate.SURVIVED,
        "needs": Fate.EQUIVALENT,
    }


def test_no_mutant_of_the_shipped_rulebook_is_both_killed_and_equivalent() -> None:
    book = shipped_book()
    judge, killed, proved = Judge(book), 0, 0
    for mutant in Random(SEED + 1).sample(list(mutants(book)), 40):
        kills, proof = (
            bool(judge.kills(mutant)),
            equivalent(book.schema, judge.original(mutant), mutant.rule),
        )
        assert not (kills and proof), told(mutant)
        killed, proved = killed + kills, proved + proof
    assert killed > 25
    assert proved > 0


def test_a_quick_run_over_the_shipped_rulebook_passes_and_writes_its_figures(
    tmp_path: Path,
) -> None:
    out = tmp_path / "figures" / "mutants.json"
    assert main(["--quick", "--out", str(out)]) == 0
    figures = json.loads(out.read_text(encoding="utf-8"))
    *kinds, everything = figures["rows"]
    assert figures["quick"] is True
    assert everything["kind"] == "all"
    assert everything["mutants"] == sum(row["mutants"] for row in kinds) == 60
    assert everything["survived"] == len(figures["survivors"])


def test_a_rulebook_whose_cases_notice_too_little_fails_and_its_survivors_are_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "facts.toml").write_text(FACTS, encoding="utf-8")
    pack = PACK.format(rule="when: age < 14\nneeds: guardian", cases=TWELVE)
    (tmp_path / "law.md").write_text(pack, encoding="utf-8")
    out = tmp_path / "mutants.json"
    assert main(["--rulebook", str(tmp_path), "--out", str(out)]) == 1
    told = capsys.readouterr().out
    assert "law.md:11: L-1.1, when: number moved by one: age < 14  →  age < 15\n" in told
    survivors = json.loads(out.read_text(encoding="utf-8"))["survivors"]
    assert {
        "rule": "L-1.1",
        "file": "law.md",
        "line": 11,
        "part": "when",
        "kind": "number moved by one",
        "before": "age < 14",
        "after": "age < 13",
    } in survivors


def test_nothing_is_measured_while_a_case_fails(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "facts.toml").write_text(FACTS, encoding="utf-8")
    pack = PACK.format(rule="when: age < 13\nneeds: guardian", cases=THIRTEEN)
    (tmp_path / "law.md").write_text(pack, encoding="utf-8")
    out = tmp_path / "mutants.json"
    assert main(["--rulebook", str(tmp_path), "--out", str(out)]) == 1
    assert "cases fail without any mutation: thirteen" in capsys.readouterr().out
    assert not out.exists()
