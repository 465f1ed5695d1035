"""Packed words: facts as 256-bit words, the one canonical form for log and contract.

Each fact sits in the slot that `facts.toml` gives it, unknown included, so that adding a fact moves no other:

    bool   bit 0 can be true, bit 1 can be false; unknown is both
    enum   one bit a member, unknown is every bit that is reserved, so that a new member changes no old word
    set    one bit a member, then one bit `known` in the last place of the slot; unknown is all zero
    int    32 bits, least significant first, then one bit `known`; unknown is all zero
    date   as int, holding the ordinal day

A slot that is all zero for a bool or an enum is no fact at all and is refused.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence

from heyi.crypto.canonical import digest
from heyi.model.errors import InvalidInput
from heyi.model.fact import Value
from heyi.policy.facts import INT_BITS, WORD_BITS, FactSpec, FactType, Schema


def pack(schema: Schema, known: Mapping[str, Value]) -> tuple[int, ...]:
    """The words of the known facts; every other fact is packed as unknown.

    Raises:
        InvalidInput: an unknown fact, a derived fact, or a value outside its type.
    """
    words = [0] * schema.words
    for name in known:
        if schema.spec(name).slot is None:
            raise InvalidInput(f"`{name}` is derived and has no slot")
    for name, spec in schema.facts.items():
        if spec.slot is None:
            continue
        word, start = spec.slot
        words[word] |= (_code(spec, spec.check(known[name])) if name in known else _unknown(spec)) << start
    return tuple(words)


def unpack(schema: Schema, words: Sequence[int]) -> dict[str, Value]:
    """The known facts of packed words: the inverse of `pack`.

    Raises:
        InvalidInput: the words are not those of any facts.
    """
    if len(words) != schema.words or any(not 0 <= w < 1 << WORD_BITS for w in words):
        raise InvalidInput(f"expected {schema.words} words of {WORD_BITS} bits")
    known: dict[str, Value] = {}
    for name, spec in schema.facts.items():
        if spec.slot is None:
            continue
        word, start = spec.slot
        code = words[word] >> start & (1 << spec.width) - 1
        if code != _unknown(spec):
            known[name] = _value(spec, code)
    if pack(schema, known) != tuple(words):
        raise InvalidInput("the words hold bits outside every slot")
    return known


def layout(schema: Schema) -> str:
    """The digest of the layout: names, types, slots and members in order."""
    return digest(
        [
            [f.id, f.type.value, *f.slot, f.width if f.slot else 0, *f.values]
            for f in schema.facts.values()
            if f.slot is not None
        ]
    )


def _unknown(spec: FactSpec) -> int:
    match spec.type:
        case FactType.BOOL:
            return 0b11
        case FactType.ENUM:
            return (1 << spec.reserve) - 1
        case _:
            return 0


def _code(spec: FactSpec, value: Value) -> int:
    match spec.type:
        case FactType.BOOL:
            return 0b01 if value else 0b10
        case FactType.ENUM:
            return 1 << list(spec.values).index(str(value))
        case FactType.SET:
            assert isinstance(value, frozenset)
            return sum(1 << i for i, v in enumerate(spec.values) if v in value) | 1 << spec.reserve
        case FactType.INT | FactType.DATE:
            number = value.toordinal() if isinstance(value, dt.date) else value
            assert isinstance(number, int)
            return number | 1 << INT_BITS


def _value(spec: FactSpec, code: int) -> Value:
    match spec.type:
        case FactType.BOOL if code in (0b01, 0b10):
            return code == 0b01
        case FactType.ENUM if code and code & (code - 1) == 0 and code.bit_length() <= len(spec.values):
            return list(spec.values)[code.bit_length() - 1]
        case FactType.SET if code >> spec.reserve:
            members = code & (1 << spec.reserve) - 1
            if members < 1 << len(spec.values):
                return frozenset(v for i, v in enumerate(spec.values) if members >> i & 1)
        case FactType.INT if code >> INT_BITS:
            return int(spec.check(code & (1 << INT_BITS) - 1))  # type: ignore[arg-type]
        case FactType.DATE if code >> INT_BITS and 0 < code & (1 << INT_BITS) - 1 <= dt.date.max.toordinal():
            return dt.date.fromordinal(code & (1 << INT_BITS) - 1)
    raise InvalidInput(f"the slot of `{spec.id}` holds no value of its type")
