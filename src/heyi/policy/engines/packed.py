"""Packed words: facts as 256-bit words, the one canonical form for log and contract.

Each fact has the slot that `facts.toml` gives it, so adding a fact moves no other fact:

    bool   bit 0: can be true, bit 1: can be false; unknown is both
    enum   one bit for each member; unknown is every reserved bit
    set    one bit for each member, then one bit `known` at the end of the slot; unknown is all zero
    int    32 bits, the least significant first, then one bit `known`; unknown is all zero
    date   as int, holding the ordinal day

Unknown enums fill the reserved bits too, so a member added later changes no old word. A slot of a
bool or an enum that is all zero is not a fact, and is refused.
"""

from __future__ import annotations

import datetime as dt
import struct
from collections.abc import Callable, Container, Mapping, Sequence
from itertools import accumulate
from operator import itemgetter
from typing import Any

from heyi.crypto.canonical import Json, digest
from heyi.model.errors import InvalidInput
from heyi.model.fact import Value
from heyi.policy.language.schema import INT_BITS, WORD_BITS, FactSpec, FactType, Schema


def pack(schema: Schema, known: Mapping[str, Value]) -> tuple[int, ...]:
    """The words of the known facts; the slot of any other fact says unknown.

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
        words[word] |= (
            code(spec, spec.check(known[name])) if name in known else unknown_code(spec)
        ) << start
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
        held = words[word] >> start & (1 << spec.width) - 1
        if held != unknown_code(spec):
            known[name] = _value(spec, held)
    # INVARIANT: facts have one packing, so words that `pack` would not make are refused.
    if pack(schema, known) != tuple(words):
        raise InvalidInput("the words hold bits outside every slot")
    return known


def words_of(count: int) -> int:
    """How many words hold a bit for each of `count` rules."""
    return max(1, -(-count // WORD_BITS))


def layout(schema: Schema) -> str:
    """The digest of the layout: ids, types, slots and members in order."""
    return digest(layout_table(schema))


def layout_table(schema: Schema) -> list[Json]:
    """The layout, a row a fact: id, type, word, first bit, width, members in order."""
    return [
        [f.id, f.type.value, *f.slot, f.width, *f.values]
        for f in schema.facts.values()
        if f.slot is not None
    ]


def unknown_code(spec: FactSpec) -> int:
    """What the slot of an unknown fact holds."""
    match spec.type:
        case FactType.BOOL:
            return 0b11
        case FactType.ENUM:
            return (1 << spec.reserve) - 1
        case _:
            return 0


def code(spec: FactSpec, value: Value) -> int:
    """What the slot of a fact with that value holds."""
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
    """The value that a slot of a known fact holds: the inverse of `code`.

    Raises:
        InvalidInput: the slot holds no value of the fact's type.
    """
    match spec.type:
        case FactType.BOOL if code in (0b01, 0b10):
            return code == 0b01
        case FactType.ENUM if (
            code and code & (code - 1) == 0 and code.bit_length() <= len(spec.values)
        ):
            return list(spec.values)[code.bit_length() - 1]
        case FactType.SET if code >> spec.reserve:
            members = code & (1 << spec.reserve) - 1
            if members < 1 << len(spec.values):
                return frozenset(v for i, v in enumerate(spec.values) if members >> i & 1)
        case FactType.INT if code >> INT_BITS:
            return int(spec.check(code & (1 << INT_BITS) - 1))  # type: ignore[arg-type]
        case FactType.DATE if (
            code >> INT_BITS and 0 < code & (1 << INT_BITS) - 1 <= dt.date.max.toordinal()
        ):
            return dt.date.fromordinal(code & (1 << INT_BITS) - 1)
    raise InvalidInput(f"the slot of `{spec.id}` holds no value of its type")


class Packer:
    """`pack` made fast for one rulebook: bytes, the first word first, as contracts take them.

    With `read`, only those facts are packed (and bools that lie between them). Other slots are
    zero, for contracts that do not read them. `names` is the order of values: bools, enums, sets,
    then numbers and days. Values are not checked: facts must have passed `admit`, and days are
    ordinals.
    """

    # All words are one integer. Each kind of fact adds its bits in as few operations as possible:
    # bools by runs of neighbours, enums by a table, sets by a cache, numbers by one `struct`.

    def __init__(self, schema: Schema, read: Container[str] | None = None) -> None:
        # first bit of a slot in that integer, whose least significant word is the last
        place = {
            s.id: (schema.words - 1 - s.slot[0]) * WORD_BITS + s.slot[1]
            for s in schema.facts.values()
            if s.slot
        }
        wanted = [
            s for s in schema.facts.values() if s.id in place and (read is None or s.id in read)
        ]
        runs = [run for run in _runs(schema, place) if any(read is None or n in read for n in run)]
        enums = [s for s in wanted if s.type is FactType.ENUM]
        sets = [s for s in wanted if s.type is FactType.SET]
        numbers = sorted(
            (s.id for s in wanted if s.type in _NUMBERS), key=place.__getitem__, reverse=True
        )
        self.names = (
            *(n for run in runs for n in run),
            *(s.id for s in enums),
            *(s.id for s in sets),
            *numbers,
        )
        self._get = _getter(self.names)
        self._all = len(place)
        self._unknown = [_unknown_value(schema.facts[n]) for n in self.names]
        self._width = schema.words * WORD_BITS // 8
        # for each run of bools: from where to where its values are, and the bit of its last bool
        ends = list(accumulate(len(run) for run in runs))
        self._runs = [
            (end - len(run), end, place[run[-1]]) for run, end in zip(runs, ends, strict=True)
        ]
        # for each enum: what its slot adds, by value
        self._coded = slice(bools := ends[-1] if ends else 0, bools + len(enums))
        self._codes = tuple(
            {v: code(s, v) << place[s.id] for v in s.values}
            | {None: unknown_code(s) << place[s.id]}
            for s in enums
        )
        # for each set: where its value is, and its first bit
        self._sets = [(bools + len(enums) + i, s, place[s.id]) for i, s in enumerate(sets)]
        self._set_codes: dict[tuple[str, object], int] = {}
        # numbers and days, the most significant first
        self._numbers = slice(len(self.names) - len(numbers), len(self.names))
        self._known_bits = tuple(1 << INT_BITS + place[n] for n in numbers)
        self._all_known = sum(self._known_bits)
        self._number_bytes, self._shift = _number_struct([place[n] for n in reversed(numbers)])

    def values(self, known: Mapping[str, object]) -> tuple[Any, ...]:
        """The facts in the order of `names`.

        An unknown bool is 2, an unknown number or day NaN, any other unknown fact None.
        """
        if len(known) >= self._all:  # probably complete: one call reads all
            try:
                return self._get(known)
            except KeyError:
                pass
        return tuple(map(known.get, self.names, self._unknown))

    def pack(self, known: Mapping[str, object]) -> bytes:
        """The packed words of the known facts, as `pack` gives them.

        Raises:
            KeyError, ValueError: a value has not been checked against its type.
        """
        return self.pack_values(self.values(known))

    def pack_values(self, values: tuple[Any, ...]) -> bytes:
        """The packed words of `values`, which come in the order of `names`."""
        total = sum(map(dict.__getitem__, self._codes, values[self._coded]))
        for begin, end, place in self._runs:
            # True, False and unknown are the bytes 1, 0, 2, and become the digits "1", "2", "3" of
            # base four. A digit is the two bits of one slot; `int` reads a whole run at once.
            total += int(bytes(values[begin:end]).translate(_DIGITS), 4) << place
        for i, spec, place in self._sets:
            total += self._set_code(spec, values[i], place)
        numbers = values[self._numbers]
        total += self._all_known
        if (known := sum(numbers)) != known:  # only NaN differs from itself: one is unknown
            total -= sum(bit for bit, n in zip(self._known_bits, numbers, strict=True) if n != n)
            numbers = tuple([0 if n != n else n for n in numbers])
        total += int.from_bytes(self._number_bytes(*numbers), "big") << self._shift
        return total.to_bytes(self._width, "big")

    def _set_code(self, spec: FactSpec, value: object, place: int) -> int:
        """What a set adds. At most 4,096 are remembered, since requesters choose the sets."""
        held = self._set_codes.get((spec.id, value))
        if held is None:
            held = 0 if value is None else code(spec, spec.check(value)) << place
            if len(self._set_codes) < 1 << 12:
                self._set_codes[spec.id, value] = held
        return held


_DIGITS = bytes.maketrans(b"\x00\x01\x02", b"213")
"""False, true, unknown (0, 1, 2) as digits of base four: can be false, can be true, both.

Any other byte is left alone and is no digit, so that `int` refuses it."""


_NUMBERS = (FactType.INT, FactType.DATE)


def _unknown_value(spec: FactSpec) -> object:
    if spec.type is FactType.BOOL:
        return 2
    return float("nan") if spec.type in _NUMBERS else None


def _getter(names: Sequence[str]) -> Callable[[Mapping[str, object]], tuple[Any, ...]]:
    # with one name or none, `itemgetter` gives no tuple
    return itemgetter(*names) if len(names) > 1 else lambda facts: tuple(facts[n] for n in names)


def _runs(schema: Schema, place: Mapping[str, int]) -> list[list[str]]:
    """Bools whose slots are neighbours, the most significant first in each run."""
    runs: list[list[str]] = []
    bools = [s.id for s in schema.facts.values() if s.type is FactType.BOOL and s.id in place]
    for name in sorted(bools, key=place.__getitem__, reverse=True):
        if runs and place[runs[-1][-1]] == place[name] + 2:
            runs[-1].append(name)
        else:
            runs.append([name])
    return runs


def _number_struct(places: Sequence[int]) -> tuple[Callable[..., bytes], int]:
    """A function that lays out numbers as bytes, and by how many bits its result must be shifted.

    `places` are first bits, ascending; the function takes the numbers with the most significant
    first. Places 40, 72 and 120 give the format `>I2xI0xI` and the shift 40: the number at 120, two
    bytes of zeros, then the numbers at 72 and 40.
    """
    if not places:
        return (lambda: b""), 0
    aligned, shift = {p % 8 for p in places}, places[0]
    if aligned != {shift % 8}:  # not whole bytes apart, so `struct` cannot do it

        def one_by_one(*numbers: int) -> bytes:
            total = sum(n << p - shift for n, p in zip(reversed(numbers), places, strict=True))
            return total.to_bytes((places[-1] - shift + INT_BITS + 7) // 8, "big")

        return one_by_one, shift
    form = "I"
    for above, below in zip(places[:0:-1], places[-2::-1], strict=True):
        form += f"{(above - below - INT_BITS) // 8}xI"
    return struct.Struct(f">{form}").pack, shift
