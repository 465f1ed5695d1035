"""Conditions as tests of zero bits, in Vyper: the expressions in the contracts of a rulebook.

A literal on a bool or an enum is certain when some bits of a packed word are all zero. Therefore a
conjunction of them is one mask for each word, however many literals it has:

    a && !b && n >= 3    becomes    (b0 & 34359738385) == 0

Numbers, days and sets are compared once, before all rules. Each comparison leaves a pair of flags,
laid out like a bool: it can fail, its contrary can fail. After that a comparison is one bit too.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count

from heyi.policy.engines.normal_form import Either, Every, Literal, Normal, contrary, negated
from heyi.policy.engines.packed import code, unknown_code
from heyi.policy.language import ir
from heyi.policy.language.schema import INT_BITS, LEGAL_DAY, WORD_BITS, FactSpec, FactType, Schema


@dataclass(frozen=True, slots=True)
class Test:
    """An expression of type uint256. The test passes at zero if `zero`, at all else if not."""

    text: str
    zero: bool

    def as_zero(self) -> str:
        """An expression that is zero exactly when the test passes."""
        return self.text if self.zero else is_zero(self.text)

    def as_some(self) -> str:
        """An expression that is not zero exactly when the test passes."""
        return is_zero(self.text) if self.zero else self.text


def is_zero(text: str) -> str:
    """1 where the expression is zero, else 0, without a branch."""
    return f"convert({text} == 0, uint256)"


@dataclass(slots=True)
class _Flags:
    """The flags that are still to be written into one word. Places are bit numbers in the word."""

    tests: list[tuple[int, str]] = field(default_factory=list)
    """A place, and an expression that is 0 or 1."""
    days: list[tuple[int, int]] = field(default_factory=list)
    """An ordinal day, and the place of "the legal day is not known to be at least that day"."""
    paired: int = 0
    """The first places of the pairs of which only the first flag is computed."""
    numbers: dict[str, int] = field(default_factory=dict)
    """By number: the second places of its pairs, which are set where the number is unknown."""


class Writer:
    """Statements of one contract, and the flags that they have computed.

    Locals of the contract: `w0`, `w1`, ... are the packed words; `b0`, ... hold the bools of a word
    and flags beside them; `c0`, ... hold flags alone; `nb0` is `~b0`; `s0`, ... are single slots.
    """

    def __init__(self, schema: Schema) -> None:
        self.schema = schema
        # a local that is zero where every fact is known; empty when the contract has none
        self.unknown = ""
        self.lines: list[str] = []
        # word and first bit of a pair of flags: literal not certain, contrary not certain
        self.flags: dict[Literal, tuple[str, int]] = {}
        self._slots: dict[str, str] = {}
        self._places = _free_places(schema)
        self._pending: list[Literal] = []
        self._declared: set[str] = set()
        self._bools = sorted(
            {word_of(s) for s in schema.facts.values() if s.slot and s.type is FactType.BOOL}
        )

    # --- literals ---------------------------------------------------------------------------------

    def zeros(self, literal: Literal) -> tuple[str, int]:
        """A word, and those bits of it that are all zero exactly when the literal is certain.

        A bool has the bits "can be true" and "can be false", so `a` is certain when its second bit
        is zero. An enum has one bit for each member that is possible, so `kind in ["x"]` is certain
        when all other bits of its slot are zero. Any other literal gets a pair of flags.
        """
        atom = literal.atom
        if isinstance(atom, ir.Fact):
            spec = self.schema.facts[atom.name]
            return word_of(spec), code(spec, not literal.holds) << start_of(spec)
        if isinstance(atom, ir.Member) and self.schema.facts[atom.fact.name].type is FactType.ENUM:
            spec = self.schema.facts[atom.fact.name]
            members = sum(code(spec, str(v)) for v in set(atom.values))
            # The last reserved bit has no member: it is set only where the fact is unknown.
            # `!(kind in [])` has no member to test, and is certain as soon as the fact is known.
            spare = 1 << spec.reserve - 1
            bits = unknown_code(spec) & ~members if literal.holds else members or spare
            return word_of(spec), bits << start_of(spec)
        literal, turned = _at_least(literal)
        if literal not in self.flags:
            self.flags[literal] = next(self._places)
            self._pending.append(literal)
        word, bit = self.flags[literal]
        return word, 1 << bit + turned

    def flush(self) -> None:
        """Write the flags that `zeros` has promised. Tests that read them must come after this.

            s0: uint256 = (w0 >> 37) & 8589934591             # the slot of n
            b0 |= (convert(s0 < 4294967299, uint256) << 2)    # bit 2: n >= 3 is not certain
            b0 |= ((~b0 & 4) << 1)                            # bit 3: n < 3 is not certain
            b0 |= unsafe_mul(convert(s0 == 0, uint256), 8)    # n is unknown: neither is certain
            nb0: uint256 = ~b0

        For `n >= 3` only the first flag is computed: the second is its complement while n is known.
        """
        words = self._due()
        for word, flags in words.items():
            self._write(word, flags)
        self._pending.clear()
        bools = [word for word in self._bools if f"n{word}" not in self._declared]
        for word in dict.fromkeys([*bools, *words]):
            declared = "" if f"n{word}" in self._declared else ": uint256"
            self.lines.append(f"n{word}{declared} = ~{word}")
            self._declared.add(f"n{word}")

    def _due(self) -> dict[str, _Flags]:
        """The pending flags by word. Slots that they read are declared on the way."""
        words: dict[str, _Flags] = {}
        for literal in self._pending:
            word, bit = self.flags[literal]
            flags = words.setdefault(word, _Flags())
            match _bound(literal):
                case None:
                    flags.tests.append((bit, self.unsure(literal)))
                    flags.tests.append((bit + 1, self.unsure(contrary(literal))))
                case (name, day) if name == LEGAL_DAY:
                    flags.paired |= 1 << bit
                    flags.days.append((day, bit))
                case (name, _):
                    flags.paired |= 1 << bit
                    flags.numbers[name] = flags.numbers.get(name, 0) | 2 << bit
                    flags.tests.append((bit, self.unsure(literal)))
        return words

    def _write(self, word: str, flags: _Flags) -> None:
        """The lines of one word. The order matters: second flags are made of first flags."""
        if word.startswith("c") and word not in self._declared:
            self._declared.add(word)
            self.lines.append(f"{word}: uint256 = 0")
        self.gather(word, flags.tests)
        if flags.days:
            day = self.slot(self.schema.facts[LEGAL_DAY])
            self.lines += _by_day(word, day, sorted(flags.days))
        if flags.paired:
            self.lines.append(f"{word} |= ((~{word} & {flags.paired}) << 1)")
        # The legal day is always known. Of an unknown number the slot is 0: the first flag is set
        # already, since 0 is below every bound, and the second is added here.
        unknown = [
            f"unsafe_mul({is_zero(self.slot(self.schema.facts[name]))}, {mask})"
            for name, mask in flags.numbers.items()
        ]
        if not unknown:
            return
        if self.unknown:
            self.lines.append(f"if {self.unknown} != 0:")
        self.lines.append(f"{'    ' if self.unknown else ''}{word} |= {ored(unknown, '0')}")

    def unsure(self, literal: Literal) -> str:
        """A literal on numbers, days, sets or two facts: 0 where it is certain, else 1."""
        match literal.atom:
            case ir.SetTest(op, fact, values):
                spec = self.schema.facts[fact.name]
                known, slot = 1 << spec.reserve, self.slot(spec)
                listed = sum(code(spec, frozenset({v})) & ~known for v in values)
                # `subset` fails on a member that is not listed, `overlap` holds on one that is.
                decisive = (known - 1) & ~listed if op == "subset" else listed
                if literal.holds is (op == "subset"):  # certain: known, and no decisive member
                    return f"convert({slot} & {decisive | known} != {known}, uint256)"
                return is_zero(f"({slot} & {decisive})")  # certain: some decisive member
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
        """0 where a number is known and `number op value`, else 1.

        A slot holds its bit `known` on top and is 0 where the number is unknown. `value` gets the
        same bit, so an unknown number is below every value and equal to none.
        """
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
        """A condition of Vyper (a bool) that the fact is known."""
        slot = self.slot(spec)
        match spec.type:
            case FactType.BOOL:
                return f"{slot} != {unknown_code(spec)}"
            case FactType.ENUM:
                return f"{slot} < {1 << spec.reserve - 1}"
            case _:
                return f"{slot} != 0"

    def slot(self, spec: FactSpec) -> str:
        """A local that holds the slot of one fact; it is declared where it is first asked for."""
        if spec.id not in self._slots:
            local = f"s{len(self._slots)}"
            self._slots[spec.id] = local
            mask = (1 << spec.width) - 1
            self.lines.append(f"{local}: uint256 = ({word_of(spec)} >> {start_of(spec)}) & {mask}")
        return self._slots[spec.id]

    # --- conditions -------------------------------------------------------------------------------

    def certain(self, form: Normal) -> Test:
        """A test that passes when the form is known to hold.

            a && !b         becomes    (b0 & 34359738384) == 0
            a || n >= 3     becomes    ((nb0 & ...)) != 0, over the complements of the words

        A disjunction is certain when one of its literals is, which is a zero among the masked bits:
        a one in the complement. This works only for literals that one bit decides.
        """
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
        """The complement of a word: for words with flags a local, which `flush` has computed."""
        return f"~{word}" if word.startswith("w") else f"n{word}"

    def possible(self, form: Normal) -> Test:
        """A test that passes when the form is not known to fail."""
        test = self.certain(negated(form))
        return Test(test.text, not test.zero)

    def grouped(
        self, parts: Iterable[Normal], *, single: bool
    ) -> tuple[dict[str, int], list[Normal]]:
        """Masks by word for the literals among the parts, and the other parts.

        With `single`, a literal that more than one bit decides counts as another part.
        """
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
        """Write the lines of `gathered`."""
        self.lines += gathered(name, tests, indent)


def gathered(name: str, tests: Sequence[tuple[int, str]], indent: str) -> Iterator[str]:
    """Lines that set bits of the local `name`; a test is a place and an expression that is 0 or 1.

        fired0 |= convert((b0 & 5) == 0, uint256) | (convert((b0 & 9) == 0, uint256) << 1)

    Eight a line: the EVM reaches only sixteen values deep into its stack.
    """
    for i in range(0, len(tests), 8):
        terms = " | ".join(f"({text} << {bit})" if bit else text for bit, text in tests[i : i + 8])
        yield f"{indent}{name} |= {terms}"


def _at_least(literal: Literal) -> tuple[Literal, int]:
    """A comparison by way of `>=` or `==`, and 1 where its contrary is meant.

        n < 3     becomes    n >= 3, 1            n > 3    becomes    n >= 4, 0
        n != 3    becomes    n == 3, 1            n < m    becomes    n >= m, 1

    Thus the four orders of a number and a bound share one pair of flags.
    """
    match literal.atom:
        case ir.Compare(">=" | "<" | ">" | "<=" as op, left, ir.FixedValue(value)):
            bound = int(value) + (op in (">", "<="))
            literal = Literal(ir.Compare(">=", left, ir.FixedValue(bound)), True)
            return literal, int(op in ("<", "<="))
        case ir.Compare("!=", left, right):
            return Literal(ir.Compare("==", left, right), True), 1
        case ir.Compare("<" | "<="):  # two facts
            return contrary(literal), 1
    return Literal(literal.atom, True), int(not literal.holds)


def _bound(literal: Literal) -> tuple[str, int] | None:
    """Fact and bound of a literal `fact >= bound`; None for any other."""
    match literal.atom:
        case ir.Compare(">=", ir.Fact(name), ir.FixedValue(value)):
            return name, int(value)
    return None


def _by_day(
    word: str, slot: str, flags: Sequence[tuple[int, int]], above: int = 0, indent: str = ""
) -> Iterator[str]:
    """Lines that set the flags of those days that the legal day (`slot`) has not reached.

    `flags` are pairs of an ordinal day and a bit, in order of days. `above` are the bits that are
    set in any case. It is a binary search: twelve days cost four comparisons of one request.

        if s2 < 4295704721:
            b0 |= 1
        else:
            pass
    """
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
    """Places for pairs of flags: first beside the bools of a word, then in words `c0`, `c1`, ...

    A test that reads bools and flags of one word is one mask.
    """
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
    """The parts joined by `|`; `none` when there are none."""
    if not parts:
        return none
    return parts[0] if len(parts) == 1 else "(" + " | ".join(parts) + ")"


def _number(value: int) -> int:
    """The slot of a known number with that value."""
    # an addition, not `|`: a bound may be 2**32, one above the range, and then exceeds every slot
    return value + (1 << INT_BITS)


def word_of(spec: FactSpec) -> str:
    """The local that holds the slot: `b0` for a bool of word 0, for any other fact `w0`."""
    assert spec.slot is not None
    return f"{'b' if spec.type is FactType.BOOL else 'w'}{spec.slot[0]}"


def start_of(spec: FactSpec) -> int:
    """The first bit of the slot."""
    assert spec.slot is not None
    return spec.slot[1]
