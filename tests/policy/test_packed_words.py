"""Packed words: a round trip, one code for each fact and value, no unused bits, slots that stay."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heyi.model.errors import InvalidInput
from heyi.model.fact import Value
from heyi.policy.engines.packed import layout, pack, unpack
from heyi.policy.language.facts_file import load_schema
from heyi.policy.language.schema import WORD_BITS, FactType, Schema

Facts = dict[str, Value]


def values(schema: Schema, name: str) -> st.SearchStrategy[Value]:
    spec = schema.facts[name]
    match spec.type:
        case FactType.BOOL:
            return st.booleans()
        case FactType.INT:
            return st.integers(spec.minimum, spec.maximum)
        case FactType.ENUM:
            return st.sampled_from(sorted(spec.values))
        case FactType.SET:
            return st.frozensets(st.sampled_from(sorted(spec.values)))
        case FactType.DATE:
            return st.dates()


def test_unpack_is_the_inverse_of_pack(schema: Schema) -> None:
    slots = {n: values(schema, n) for n, s in schema.facts.items() if not s.derived}

    @settings(max_examples=200)
    @given(st.fixed_dictionaries({}, optional=slots))
    def law(facts: Facts) -> None:
        words = pack(schema, facts)
        assert all(0 <= w < 1 << WORD_BITS for w in words) and len(words) == schema.words
        assert unpack(schema, words) == facts

    law()


def test_each_value_has_a_code_of_its_own(
    schema: Schema, pool: dict[str, tuple[Value, ...]]
) -> None:
    for name, known in pool.items():
        codes = [pack(schema, {}), *(pack(schema, {name: value}) for value in known)]
        assert len(set(codes)) == len(codes), name


def test_no_bit_can_be_flipped_unseen(
    schema: Schema, complete: dict[str, Facts], anything: Callable[[Random, float], Facts]
) -> None:
    rng, refused, other = Random(10), 0, 0
    for facts in (complete["treatment"], complete["export"], anything(rng, 0.5), {}):
        words = pack(schema, facts)
        for bit in range(WORD_BITS * len(words)):
            word, place = divmod(bit, WORD_BITS)
            flipped = [w ^ (1 << place if n == word else 0) for n, w in enumerate(words)]
            try:
                assert unpack(schema, flipped) != facts, (word, place)
                other += 1
            except InvalidInput:
                refused += 1
    assert refused > 1_000 and other > 300, (refused, other)


def test_words_of_another_shape_are_refused(schema: Schema) -> None:
    words = pack(schema, {})
    for wrong in (
        words[:-1],
        (*words, 0),
        (-1, *words[1:]),
        (1 << WORD_BITS, *words[1:]),
        (0,) * len(words),
    ):
        with pytest.raises(InvalidInput):
            unpack(schema, wrong)


def test_what_has_no_slot_or_no_value_is_not_packed(schema: Schema) -> None:
    for facts in (
        {"data.sensitive": True},
        {"no.such": True},
        {"subjects.min_age": 151},
        {"act.action": "lend"},
    ):
        with pytest.raises(InvalidInput):
            pack(schema, facts)


ADDED = (
    '\n[fact."extra.fact"]\ntype = "bool"\nzh = "新"\nen = "new"\n'
    'slot = [0, 250]\nsource = "declared"\nchanged_by = []\n'
)


def test_an_added_fact_moves_no_other(
    schema: Schema, facts_toml: str, anything: Callable[[Random, float], Facts]
) -> None:
    wider, rng = load_schema(facts_toml + ADDED), Random(11)
    assert layout(wider) != layout(schema)
    own = pack(wider, {})[0] & 0b11 << 250
    assert own == 0b11 << 250, "unknown"
    for unknown in (0.0, 0.3, 0.9) * 5:
        facts = anything(rng, unknown)
        before, after = pack(schema, facts), pack(wider, facts)
        assert after == (before[0] | own, *before[1:])
        assert unpack(wider, after) == facts
        with pytest.raises(InvalidInput):
            unpack(schema, after)


def test_the_layout_tells_slots_types_and_members_and_nothing_else(
    schema: Schema, facts_toml: str
) -> None:
    assert layout(load_schema(facts_toml)) == layout(schema)
    assert layout(load_schema(facts_toml.replace('en = "delivery"', 'en = "hand-over"'))) == layout(
        schema
    )
    for old, new in (
        ("slot = [0, 2]", "slot = [0, 250]"),
        ('open = "公开|open", aggregate', 'public = "公开|open", aggregate'),
    ):
        assert facts_toml.count(old) == 1
        assert layout(load_schema(facts_toml.replace(old, new))) != layout(schema)


def test_an_enum_of_one_member_is_refused_or_tells_it_from_unknown(facts_toml: str) -> None:
    """With one member `is it` and `unknown` would have the same bit."""
    text = (
        '\n[fact."extra.fact"]\ntype = "enum"\nvalues = { only = "唯一|only" }\n'
        'zh = "新"\nen = "new"\n'
        'slot = [1, 240]\nsource = "declared"\nchanged_by = []\n'
    )
    try:
        schema = load_schema(facts_toml + text)
    except InvalidInput:
        return
    assert unpack(schema, pack(schema, {"extra.fact": "only"})) == {"extra.fact": "only"}
