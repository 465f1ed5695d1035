"""Keyed tokens: the same person coincides between institutions of one case, and nowhere else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heyi.crypto.canonical import Json
from heyi.federation.linkage import TOKEN_BYTES, Stratum, from_answer, patterns, token
from heyi.federation.wire.operation import Operation
from heyi.model.errors import VerificationError

if TYPE_CHECKING:
    from tests.support.county import County

KEY, OTHER_KEY = b"k" * 32, b"l" * 32
PERSON = "11010519491231002X"


def test_a_token_depends_on_key_scope_and_person() -> None:
    made = {
        token(key, scope, person)
        for key in (KEY, OTHER_KEY)
        for scope in ("case-1", "case-2", "withdrawal")
        for person in (PERSON, "110105194912310039")
    }
    assert len(made) == 12
    assert all(len(t) == 2 * TOKEN_BYTES and set(t) <= set("0123456789abcdef") for t in made)


def test_a_small_x_is_the_same_person() -> None:
    assert token(KEY, "case-1", PERSON) == token(KEY, "case-1", PERSON.lower())


def test_scope_and_person_cannot_be_shifted_into_each_other() -> None:
    assert token(KEY, "case-1", "23") != token(KEY, "case-12", "3")


def test_tokens_of_institutions_coincide_in_a_case_and_never_between_cases(
    county: County, tokens: Operation
) -> None:
    made: dict[tuple[str, str], set[str]] = {}
    for host, start in (("clinic-a", 0), ("clinic-b", 20)):
        county.serve(host, county.visits(30, 1, start=start))
        node = county.open_node(host)
        for case in ("case-1", "case-2"):
            permit = county.permit(tokens, host=host, case=case, id=f"{case}.{host}")
            made[host, case] = set(node.handle(county.call(permit, tokens)).result["tokens"])
    assert len(made["clinic-a", "case-1"] & made["clinic-b", "case-1"]) == 10
    assert len(made["clinic-a", "case-2"] & made["clinic-b", "case-2"]) == 10
    assert not (made["clinic-a", "case-1"] | made["clinic-b", "case-1"]) & (
        made["clinic-a", "case-2"] | made["clinic-b", "case-2"]
    )


def test_tokens_come_sorted_so_that_they_do_not_tell_the_order_of_records(
    county: County, tokens: Operation
) -> None:
    visits = county.visits(40, 1)
    county.serve("clinic-a", visits)
    county.serve("clinic-b", {k: v[::-1] for k, v in visits.items()})
    results = [
        county.open_node(h).handle(county.call(county.permit(tokens, host=h), tokens)).result
        for h in ("clinic-a", "clinic-b")
    ]
    assert results[0] == results[1]
    assert results[0]["tokens"] == sorted(results[0]["tokens"])


def test_a_case_cannot_be_named_so_that_its_tokens_are_those_of_withdrawal(
    county: County, tokens: Operation
) -> None:
    """Otherwise the platform, which sees withdrawal tokens, could tell who withdrew elsewhere."""
    visits = county.visits(40, 1)
    county.serve("clinic-a", visits)
    node = county.open_node("clinic-a")
    answer = node.handle(
        county.call(county.permit(tokens, host="clinic-a", case="withdrawal"), tokens)
    )
    withdrawals = {node.withdrawal_token(i) for i in visits["resident_id"]}
    assert not withdrawals & set((answer.result or {"tokens": []})["tokens"])


@given(st.lists(st.sets(st.sampled_from("abcdefghij")), max_size=5))
def test_patterns_count_what_sets_count(sites: list[set[str]]) -> None:
    (got,) = patterns([[(sorted(s), 0)] for s in sites])
    expected = {}
    for mask in range(1, 1 << len(sites)):
        inside = set("abcdefghij").intersection(*(s for i, s in enumerate(sites) if mask >> i & 1))
        outside: set[str] = set().union(*(s for i, s in enumerate(sites) if not mask >> i & 1))
        if persons := len(inside - outside):
            expected[mask] = persons
    assert got == expected
    assert list(got) == sorted(got)


def test_persons_without_a_token_count_where_they_were_seen() -> None:
    assert patterns([[(["a"], 2)], [(["a", "b"], 0)]]) == [{1: 2, 2: 1, 3: 1}]


def test_a_person_that_is_placed_twice_counts_in_the_lightest_stratum_at_all_its_sites() -> None:
    hospital: list[Stratum] = [(["a", "b"], 0), ([], 0), (["c"], 0)]
    clinic: list[Stratum] = [([], 0), (["a"], 1), (["b", "c"], 0)]
    assert patterns([hospital, clinic], (1, 2, 5)) == [{3: 2}, {2: 1}, {3: 1}]
    assert patterns([hospital, clinic], (5, 2, 1)) == [{}, {2: 1, 3: 1}, {3: 2}]


TOKENS = ["0" * 32, "f" * 32]


@pytest.mark.parametrize(
    "wrong",
    [
        [],
        {},
        None,
        {"tokens": TOKENS},
        {"tokens": TOKENS, "unlinked": "3"},
        {"tokens": TOKENS, "unlinked": -1},
        {"tokens": TOKENS, "unlinked": True},
        {"tokens": ["x"], "unlinked": 0},
        {"tokens": [3], "unlinked": 0},
        {"tokens": [TOKENS[0], TOKENS[0]], "unlinked": 0},
        {"strata": 5},
        {"strata": [{"tokens": TOKENS, "unlinked": 0}] * 2},
        {"strata": []},
    ],
)
def test_tokens_that_are_none_are_broken_evidence(wrong: Json) -> None:
    with pytest.raises(VerificationError, match="an institution answered"):
        from_answer(wrong, 1)
    assert from_answer({"tokens": TOKENS, "unlinked": 4}, 1) == [(TOKENS, 4)]
