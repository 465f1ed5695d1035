"""Conditions as tests of zero, in Vyper: what the contracts of a rulebook are made of.

A literal on a bool or an enum is known to hold when certain bits of a word are zero, so that a conjunction of literals
is one test for each word. Numbers, days and sets are compared once, and stand from then on as flags of two bits like a
bool: can be true, can be false. Nothing here branches.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count

from heyi.policy.engines.normal_form import Either, Every, Literal, Normal, contrary, negated
from heyi.policy.engines.packed import code, unknown_code
from heyi.policy.language import ir
from heyi.policy.language.schema import INT_BITS, LEGAL_DAY, WORD_BITS, FactSpec, FactType, Schema


@dataclass(frozen=True, slots=True)
class Test:
    """An expression over uint256; it holds when the expression is zero, or is not zero, as `zero` says."""

    text: str
    zero: bool

    def as_zero(self) -> str:
        return self.text if self.zero else is_zero(self.text)

    def as_some(self) -> str:
        return is_zero(self.text) if self.zero else self.text


def is_zero(text: str) -> str:
    return f"convert({text} == 0, uint256)"


class Writer:
    """Statements of one contract and the flags that they have computed."""

    def __init__(self, schema: Schema) -> None:
        self.schema = schema
        self.unknown = ""  # a local that is zero where every fact is known, once there is one
        self.lines: list[str] = []
        self.flags: dict[
            Literal, tuple[str, int]
        ] = {}  # the place of a pair: not certain, contrary not certain
        self._slots: dict[str, str] = {}
        self._places = _free_places(schema)
        self._pending: list[Literal] = []
        self._declared: set[str] = set()
        self.bools: dict[int, int] = {}
        self._bools = sorted(
            {word_of(s) for s in schema.facts.values() if s.slot and s.type is FactType.BOOL}
        )

    # --- literals ---------------------------------------------------------------------------------------------------

    def zeros(self, literal: Literal) -> tuple[str, int]:
        """The word, and the bits of it that are all zero exactly when the literal is known to hold."""
        atom = literal.atom
        if isinstance(atom, ir.Fact):
            spec = self.schema.facts[atom.name]
            return word_of(spec), code(spec, not literal.holds) << start_of(spec)
        if isinstance(atom, ir.Member) and self.schema.facts[atom.fact.name].type is FactType.ENUM:
            spec = self.schema.facts[atom.fact.name]
            members = sum(code(spec, str(v)) for v in set(atom.values))
            spare = 1 << spec.reserve - 1  # set only where the fact is unknown
            bits = unknown_code(spec) & ~members if literal.holds else members or spare
            return word_of(spec), bits << start_of(spec)
        literal, turned = _at_least(literal)
        if literal not in self.flags:
            self.flags[literal] = next(self._places)
            self._pending.append(literal)
        word, bit = self.flags[literal]
        return word, 1 << bit + turned

    def flush(self) -> None:
        """Write the flags that have been asked for; their words hold them from here on.

        Of a comparison with a literal one flag is computed; its contrary is what remains, and both are set where the
        number is unknown.
        """
        words: dict[str, list[tuple[int, str]]] = {}
        paired: dict[str, int] = {}
        numbers: dict[tuple[str, str], int] = {}
        days: dict[str, list[tuple[int, int]]] = {}
        for literal in self._pending:
            word, bit = self.flags[literal]
            tests = words.setdefault(word, [])
            bound = _bound(literal)
            if bound is not None:
                paired[word] = paired.get(word, 0) | 1 << bit
            match bound:
                case (name, day) if name == LEGAL_DAY:
                    days.setdefault(word, []).append((day, bit))
                    continue
                case (name, _):
                    numbers[word, name] = numbers.get((word, name), 0) | 2 << bit
            tests.append((bit, self.unsure(literal)))
            if bound is None:
                tests.append((bit + 1, self.unsure(contrary(literal))))
        for word, tests in words.items():
            if word.startswith("c") and word not in self._declared:
                self._declared.add(word)
                self.lines.append(f"{word}: uint256 = 0")
            self.gather(word, tests)
            if word in days:
                self.lines += _by_day(
                    word, self.slot(self.schema.facts[LEGAL_DAY]), sorted(days[word])
                )
            if word in paired:
                self.lines.append(f"{word} |= ((~{word} & {paired[word]}) << 1)")
            unknown = [
                f"unsafe_mul({is_zero(self.slot(self.schema.facts[name]))}, {mask})"
                for (of, name), mask in numbers.items()
                if of == word
            ]
            if unknown and self.unknown:
                self.lines.append(f"if {self.unknown} != 0:")
            if unknown:
                self.lines.append(f"{'    ' if self.unknown else ''}{word} |= {ored(unknown, '0')}")
        self._pending.clear()
        bools = [word for word in self._bools if f"n{word}" not in self._declared]
        for word in dict.fromkeys([*bools, *words]):
            self.lines.append(
                f"n{word}{'' if f'n{word}' in self._declared else ': uint256'} = ~{word}"
            )
            self._declared.add(f"n{word}")

    def unsure(self, literal: Literal) -> str:
        """0 where a literal on numbers, days, sets or two facts is known to hold, else 1."""
        match literal.atom:
            case ir.SetTest(op, fact, values):
                spec = self.schema.facts[fact.name]
                known, slot = 1 << spec.reserve, self.slot(spec)
                listed = sum(code(spec, frozenset({v})) & ~known for v in values)
                bad = (known - 1) & ~listed if op == "subset" else listed  # the members that decide
                if literal.holds is (op == "subset"):  # known, and none of them is there
                    return f"convert({slot} & {bad | known} != {known}, uint256)"
                return is_zero(f"({slot} & {bad})")
            case ir.Member(fact, values):
                slot = self.slot(self.schema.facts[fact.name])
                among = ored(
                    [is_zero(f"({slot} ^ {_number(int(v))})") for v in sorted(set(values))], "0"
                )
                return is_zero(among) if literal.holds else f"({is_zero(slot)} | {among})"
            case ir.Compare(op, ir.Fact(name), ir.FixedValue(value)):
                return self.against(op, self.schema.facts[name], int(value))
            case ir.Compare(op, ir.Fact(left), ir.Fact(right)):
                a, b = self.schema.facts[left], self.schema.facts[right]
                both = f"{self.known(a)} and {self.known(b)} and {self.slot(a)} {op} {self.slot(b)}"
                return f"convert(not ({both}), uint256)"
        raise AssertionError(literal)

    def against(self, op: str, spec: FactSpec, value: int) -> str:
        """A number compared with a literal. The slot has its bit `known` on top, and is 0 where unknown."""
        slot, bound = self.slot(spec), _number(value)
        match op:
            case ">=":
                return f"convert({slot} < {bound}, uint256)"
            case "==":
                return f"convert({slot} != {bound}, uint256)"
            case "!=":
                return f"({is_zero(slot)} | {is_zero(f'({slot} ^ {bound})')})"
        raise AssertionError(op)

    def known(self, spec: FactSpec) -> str:
        slot = self.slot(spec)
        match spec.type:
            case FactType.BOOL:
                return f"{slot} != {unknown_code(spec)}"
            case FactType.ENUM:
                return f"{slot} < {1 << spec.reserve - 1}"
            case _:
                return f"{slot} != 0"

    def slot(self, spec: FactSpec) -> str:
        """A local that holds the code of one fact."""
        if spec.id not in self._slots:
            local = f"s{len(self._slots)}"
            self._slots[spec.id] = local
            self.lines.append(
                f"{local}: uint256 = ({word_of(spec)} >> {start_of(spec)}) & {(1 << spec.width) - 1}"
            )
        return self._slots[spec.id]

    # --- conditions -------------------------------------------------------------------------------------------------

    def certain(self, form: Normal) -> Test:
        """A test that passes when the form is known to hold."""
        match form:
            case Literal():
                word, bits = self.zeros(form)
                return Test(f"({word} & {bits})", True)
            case Every(of):
                masks, rest = self.grouped(of, single=False)
                parts = [f"({w} & {b})" for w, b in masks.items()] + [
                    self.certain(p).as_zero() for p in rest
                ]
                return Test(ored(parts, "0"), True)
            case Either(of):
                masks, rest = self.grouped(of, single=True)
                parts = [f"({self.inverted(w)} & {b})" for w, b in masks.items()] + [
                    self.certain(p).as_some() for p in rest
                ]
                return Test(ored(parts, "0"), False)

    def inverted(self, word: str) -> str:
        """The local that holds the complement of a word, once the flags have been written."""
        return f"~{word}" if word.startswith("w") else f"n{word}"

    def possible(self, form: Normal) -> Test:
        """A test that passes when the form is not known to fail."""
        test = self.certain(negated(form))
        return Test(test.text, not test.zero)

    def grouped(
        self, parts: Iterable[Normal], *, single: bool
    ) -> tuple[dict[str, int], list[Normal]]:
        """Literals as masks by word, and what is left; with `single` only the literals that one bit decides."""
        masks: dict[str, int] = {}
        rest: list[Normal] = []
        for part in parts:
            if isinstance(part, Literal):
                word, bits = self.zeros(part)
                if not single or bits.bit_count() == 1:
                    masks[word] = masks.get(word, 0) | bits
                    continue
            rest.append(part)
        return masks, rest

    def gather(self, name: str, tests: Sequence[tuple[int, str]], indent: str = "") -> None:
        """Add bits to the local `name`: pairs of a place and an expression that is 0 or 1."""
        self.lines += gathered(name, tests, indent)


def gathered(name: str, tests: Sequence[tuple[int, str]], indent: str) -> Iterator[str]:
    """The lines that add bits to the local `name`, a few at a time, since the stack is not deep."""
    for i in range(0, len(tests), 8):
        terms = " | ".join(f"({text} << {bit})" if bit else text for bit, text in tests[i : i + 8])
        yield f"{indent}{name} |= {terms}"


def _at_least(literal: Literal) -> tuple[Literal, int]:
    """Comparisons of a number with a literal told by one of them, `>=`; 1 where the contrary of it is meant."""
    match literal.atom:
        case ir.Compare(">=" | "<" | ">" | "<=" as op, left, ir.FixedValue(value)):
            bound = int(value) + (op in (">", "<="))
            return Literal(ir.Compare(">=", left, ir.FixedValue(bound)), True), int(
                op in ("<", "<=")
            )
        case ir.Compare("!=", left, right):
            return Literal(ir.Compare("==", left, right), True), 1
        case ir.Compare("<" | "<=" as op, left, right):  # two facts
            return contrary(literal), 1
    return Literal(literal.atom, True), int(not literal.holds)


def _bound(literal: Literal) -> tuple[str, int] | None:
    """The fact that the literal asks to be at least so much."""
    match literal.atom:
        case ir.Compare(">=", ir.Fact(name), ir.FixedValue(value)):
            return name, int(value)
    return None


def _by_day(
    word: str, slot: str, flags: Sequence[tuple[int, int]], above: int = 0, indent: str = ""
) -> Iterator[str]:
    """Sets the bits of those days, in order, that are still to come: few questions, since the days halve."""
    if not flags:
        yield f"{indent}{word} |= {above}" if above else f"{indent}pass"
        return
    middle = len(flags) // 2
    day = flags[middle][0]
    yield f"{indent}if {slot} < {_number(day)}:"
    first = next(i for i, (d, _) in enumerate(flags) if d == day)
    coming = above | sum(1 << bit for d, bit in flags if d >= day)
    yield from _by_day(word, slot, flags[:first], coming, f"{indent}    ")
    yield f"{indent}else:"
    yield from _by_day(word, slot, [f for f in flags if f[0] > day], above, f"{indent}    ")


def _free_places(schema: Schema) -> Iterator[tuple[str, int]]:
    """Places for pairs of flags: beside the bools, where tests then need one word less; then in words of their own."""
    taken: dict[str, int] = {}
    for spec in schema.facts.values():
        if spec.slot is not None and spec.type is FactType.BOOL:
            taken[word_of(spec)] = taken.get(word_of(spec), 0) | 3 << start_of(spec)
    for word, bits in taken.items():
        for bit in range(0, WORD_BITS, 2):
            if not bits >> bit & 3:
                yield word, bit
    for number in count():
        yield from ((f"c{number}", bit) for bit in range(0, WORD_BITS, 2))


def ored(parts: Sequence[str], none: str) -> str:
    if not parts:
        return none
    return parts[0] if len(parts) == 1 else "(" + " | ".join(parts) + ")"


def _number(value: int) -> int:
    return value + (1 << INT_BITS)  # one beyond the range is beyond every slot


def word_of(spec: FactSpec) -> str:
    """The local that holds a slot: bools stand in one of their own, with room for flags."""
    assert spec.slot is not None
    return f"{'b' if spec.type is FactType.BOOL else 'w'}{spec.slot[0]}"


def start_of(spec: FactSpec) -> int:
    assert spec.slot is not None
    return spec.slot[1]
