"""What worked cases try of each rule: truths and atoms counted by hand on small packs."""

from __future__ import annotations

import pytest

from heyi.policy.language import ir
from heyi.policy.language.schema import LEGAL_DAY
from heyi.policy.proofs.coverage import Tried, condition_coverage
from tests.support.books import article, compiled, pack, rule, schema
from tests.support.shipped import shipped_book

FACTS = schema("a", "b", "fixed!", "n 0..9", "kind x|y")
RED = rule("X-1.1 forbid", "a && n < 4")
A, LOW = ir.Fact("a"), ir.Compare("<", ir.Fact("n"), ir.FixedValue(4))


def case(name: str, given: str, **fields: str) -> str:
    more = "".join(f"{key}: {text}\n" for key, text in fields.items())
    return f"```case {name}\ngiven: {{{given}}}\n{more}expect: {{cites: []}}\n```\n"


def tried(*blocks: str, facts: str = FACTS) -> dict[str, Tried]:
    return {t.rule.id: t for t in condition_coverage(compiled(facts, pack(*blocks)))}


WHOLE = (
    case("both", "a: true, n: 3"),
    case("high", "a: true, n: 4"),
    case("not-a", "a: false"),
    case("n-alone", "n: 3"),
)


def test_a_rule_that_is_tried_in_every_way() -> None:
    record = tried(RED, *WHOLE)["X-1.1"]
    assert record.truths == {True, False, None}
    assert (record.atoms[A], record.atoms[LOW]) == ({True, False, None}, {True, False, None})
    assert record.needs == {True}, "a rule without evidence needs nothing"
    assert (record.complete, record.untried) == (True, [])


@pytest.mark.parametrize(
    ("left", "truths", "untried"),
    [
        ((0,), {False, None}, []),
        ((1,), {True, False, None}, [(LOW, False)]),
        ((2,), {True, False, None}, [(A, False)]),
        ((3,), {True, False}, []),
        ((2, 3), {True, False}, [(A, False)]),
        ((1, 2, 3), {True}, [(A, False), (LOW, False)]),
        ((0, 1, 3), {False}, [(A, True), (LOW, True), (LOW, False)]),
    ],
)
def test_without_a_case_it_is_not(
    left: tuple[int, ...], truths: set[bool | None], untried: list[tuple[ir.Condition, bool]]
) -> None:
    record = tried(RED, *(c for i, c in enumerate(WHOLE) if i not in left))["X-1.1"]
    assert record.truths == truths
    assert record.untried == untried
    assert not record.complete


def test_cases_of_all_packs_count_for_all_rules() -> None:
    other = pack(*WHOLE, name="Y")
    (record,) = condition_coverage(compiled(FACTS, pack(RED), other))
    assert record.complete


def test_each_rule_has_a_record_of_its_own_in_their_order() -> None:
    records = tried(
        RED, rule("X-1.2 forbid", "a || b"), rule("X-1.0 require", "b", needs="n >= 4"), *WHOLE
    )
    assert list(records) == ["X-1.1", "X-1.2", "X-1.0"]
    assert records["X-1.1"].complete
    assert records["X-1.2"].untried == [(ir.Fact("b"), True), (ir.Fact("b"), False)]
    assert records["X-1.0"].needs == {True, False, None}
    assert records["X-1.0"].truths == {None}


def test_atoms_of_needs_and_exceptions_count_too() -> None:
    need = rule("X-1.1 require", "a", needs='kind == "x"', excepts="[X-1] !fixed")
    record = tried(need, case("one", "a: true, kind: x, fixed: true"))["X-1.1"]
    kind = ir.Compare("==", ir.Fact("kind"), ir.FixedValue("x"))
    assert record.truths == {True}
    assert record.needs == {True}
    assert set(record.untried) == {(A, False), (kind, False), (ir.Fact("fixed"), False)}


def test_the_legal_day_need_not_be_tried_on_both_sides() -> None:
    """That a law begins and ends is no matter of its cases."""
    dated = article("X-2", "2021-01-01", "2030-12-31") + rule("X-2.1 forbid", "a")
    record = tried(dated, case("yes", "a: true"), case("no", "a: false"), case("nothing", ""))[
        "X-2.1"
    ]
    assert record.complete
    days = [seen for atom, seen in record.atoms.items() if LEGAL_DAY in ir.facts_read(atom)]
    assert days == [{True}, {True}]
    before = tried(dated, case("yes", "a: true", at="2020-12-31"))["X-2.1"]
    assert before.truths == {False}
    assert (A, True) not in before.untried, "the atom was true, though the rule was not in force"


def test_a_fact_from_too_weak_a_source_is_unknown() -> None:
    facts = FACTS.replace('source = "declared"', 'source = "registry"')
    blocks = (RED, case("weak", "a: true, n: 3", sources="{n: profile}"))
    assert tried(*blocks, facts=facts)["X-1.1"].truths == {None}
    assert tried(*blocks)["X-1.1"].truths == {True}


def test_without_any_case_everything_is_untried() -> None:
    record = tried(RED)["X-1.1"]
    assert not record.complete
    assert record.untried == [(A, True), (A, False), (LOW, True), (LOW, False)]


def test_the_shipped_cases_try_every_rule_both_ways() -> None:
    for record in condition_coverage(shipped_book()):
        assert {True, False} <= record.truths, record.rule.id
        for atom, truth in record.untried:
            assert truth not in record.atoms[atom]
            assert set(ir.facts_read(atom)) <= set(record.rule.facts)
