"""Kleene's three-valued logic: its laws, and new facts never change a known answer."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heyi.model.kleene import Truth

T, F, U = Truth.TRUE, Truth.FALSE, Truth.UNKNOWN
TRUTHS = st.sampled_from(Truth)


def completions(truth: Truth) -> list[Truth]:
    """The truths that it may have once it is known."""
    return [T, F] if truth is U else [truth]


@given(TRUTHS, TRUTHS)
def test_de_morgan(a: Truth, b: Truth) -> None:
    assert ~(a & b) == ~a | ~b
    assert ~(a | b) == ~a & ~b


@given(TRUTHS, TRUTHS, TRUTHS)
def test_lattice_laws(a: Truth, b: Truth, c: Truth) -> None:
    assert a & b == b & a and a | b == b | a
    assert (a & b) & c == a & (b & c) and (a | b) | c == a | (b | c)
    assert a & (a | b) == a and a | (a & b) == a
    assert a & (b | c) == (a & b) | (a & c)
    assert ~~a == a
    assert (a & T, a | F, a & F, a | T) == (a, a, F, T)


@given(TRUTHS, TRUTHS)
def test_what_is_known_stays_when_more_is_known(a: Truth, b: Truth) -> None:
    for a2, b2 in product(completions(a), completions(b)):
        for now, later in ((a & b, a2 & b2), (a | b, a2 | b2), (~a, ~a2)):
            assert now is U or now is later


@given(TRUTHS, TRUTHS)
def test_what_every_completion_agrees_on_is_known(a: Truth, b: Truth) -> None:
    for conjunction in (True, False):
        outcomes = {
            x & y if conjunction else x | y for x, y in product(completions(a), completions(b))
        }
        result = a & b if conjunction else a | b
        assert result is (outcomes.pop() if len(outcomes) == 1 else U)


@pytest.mark.parametrize(("a", "b"), list(product([True, False], repeat=2)))
def test_without_unknowns_it_is_ordinary_logic(a: bool, b: bool) -> None:
    assert Truth.of(a) & Truth.of(b) is Truth.of(a and b)
    assert Truth.of(a) | Truth.of(b) is Truth.of(a or b)
    assert ~Truth.of(a) is Truth.of(not a)


def test_a_contradiction_of_an_unknown_is_unknown() -> None:
    assert (U & ~U, U | ~U, Truth.of(None)) == (U, U, U)
