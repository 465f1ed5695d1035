"""The fourth reading: Vyper, compiled to EVM bytecode (`bytecode`). Packed words in; masks and answer out.

A rulebook becomes one contract, for a decision in process, or parts of at most `PART` rules behind a dispatcher, for a
chain that limits the size of code. Both answer `decide(words) -> uint256[3 * n + 1]`, n being the words that hold a bit
for each rule: fired, undetermined, met, each with the most significant word first, then `tracks << 8 | severity`
(docs/spec/bytecode.md).

There are no branches: a conjunction of literals is a test that certain bits of the words are zero, so a condition is a
word that is zero when it holds (`_Zero`) or one that is not (`_Some`). Numbers, days and sets are compared once, and
stand from then on as flags of two bits like a bool: can be true, can be false.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count

from heyi.model.decision import Effect
from heyi.policy import ir
from heyi.policy.facts import INT_BITS, LEGAL_DAY, WORD_BITS, FactSpec, FactType, Schema
from heyi.policy.normal import Either, Every, Guarded, Literal, Normal, contrary, guarded, negated, normal, possible
from heyi.policy.to_python import Fold, folds
from heyi.policy.words import code, unknown_code

VERSION = "0.4.3"
EVM_VERSION = "paris"
TWICE = 150
"""Up to so many rules the merged contract holds them twice: once without branches, for complete requests."""
MERGED = 320
"""More rules than this do not fit one contract, since the compiler's jumps have two bytes."""
_ALL = (1 << WORD_BITS) - 1


@dataclass(frozen=True, slots=True)
class _Test:
    """An expression over uint256; it holds when the expression is zero, or is not zero, as `zero` says."""

    text: str
    zero: bool

    def as_zero(self) -> str:
        return self.text if self.zero else _is_zero(self.text)

    def as_some(self) -> str:
        return _is_zero(self.text) if self.zero else self.text


def _is_zero(text: str) -> str:
    return f"convert({text} == 0, uint256)"


class _Writer:
    """Statements of one contract and the flags that they have computed."""

    def __init__(self, schema: Schema) -> None:
        self.schema = schema
        self.lines: list[str] = []
        self.flags: dict[Literal, tuple[str, int]] = {}  # the place of a pair: not certain, contrary not certain
        self._slots: dict[str, str] = {}
        self._places = _free_places(schema)
        self._pending: list[Literal] = []
        self._declared: set[str] = set()
        self.bools: dict[int, int] = {}
        self._bools = sorted({_word(s) for s in schema.facts.values() if s.slot and s.type is FactType.BOOL})

    # --- literals ---------------------------------------------------------------------------------------------------

    def zeros(self, literal: Literal) -> tuple[str, int]:
        """The word, and the bits of it that are all zero exactly when the literal is known to hold."""
        atom = literal.atom
        if isinstance(atom, ir.Fact):
            spec = self.schema.facts[atom.name]
            return _word(spec), code(spec, not literal.holds) << _start(spec)
        if isinstance(atom, ir.Member) and self.schema.facts[atom.fact.name].type is FactType.ENUM:
            spec = self.schema.facts[atom.fact.name]
            members = sum(code(spec, str(v)) for v in set(atom.values))
            spare = 1 << spec.reserve - 1  # set only where the fact is unknown
            bits = unknown_code(spec) & ~members if literal.holds else members or spare
            return _word(spec), bits << _start(spec)
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
        for literal in self._pending:
            word, bit = self.flags[literal]
            tests = words.setdefault(word, [])
            tests.append((bit, self.unsure(literal)))
            if _is_bound(literal):
                paired[word] = paired.get(word, 0) | 1 << bit
                (name,) = ir.facts_read(literal.atom)
                numbers[word, name] = numbers.get((word, name), 0) | 2 << bit
            else:
                tests.append((bit + 1, self.unsure(contrary(literal))))
        for word, tests in words.items():
            if word.startswith("c") and word not in self._declared:
                self._declared.add(word)
                self.lines.append(f"{word}: uint256 = 0")
            self.gather(word, tests)
            if word in paired:
                self.lines.append(f"{word} |= ((~{word} & {paired[word]}) << 1)")
            unknown = [
                f"unsafe_mul({_is_zero(self.slot(self.schema.facts[name]))}, {mask})"
                for (of, name), mask in numbers.items()
                if of == word and name != LEGAL_DAY
            ]
            if unknown:
                self.lines.append(f"{word} |= {_ored(unknown, '0')}")
        self._pending.clear()
        bools = [word for word in self._bools if f"n{word}" not in self._declared]
        for word in dict.fromkeys([*bools, *words]):
            self.lines.append(f"n{word}{'' if f'n{word}' in self._declared else ': uint256'} = ~{word}")
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
                return _is_zero(f"({slot} & {bad})")
            case ir.Member(fact, values):
                slot = self.slot(self.schema.facts[fact.name])
                among = _ored([_is_zero(f"({slot} ^ {_number(int(v))})") for v in sorted(set(values))], "0")
                return _is_zero(among) if literal.holds else f"({_is_zero(slot)} | {among})"
            case ir.Compare(op, ir.Fact(name), ir.Literal(value)):
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
                return f"({_is_zero(slot)} | {_is_zero(f'({slot} ^ {bound})')})"
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
            self.lines.append(f"{local}: uint256 = ({_word(spec)} >> {_start(spec)}) & {(1 << spec.width) - 1}")
        return self._slots[spec.id]

    # --- conditions -------------------------------------------------------------------------------------------------

    def certain(self, form: Normal) -> _Test:
        """A test that passes when the form is known to hold."""
        match form:
            case Literal():
                word, bits = self.zeros(form)
                return _Test(f"({word} & {bits})", True)
            case Every(of):
                masks, rest = self.grouped(of, single=False)
                parts = [f"({w} & {b})" for w, b in masks.items()] + [self.certain(p).as_zero() for p in rest]
                return _Test(_ored(parts, "0"), True)
            case Either(of):
                masks, rest = self.grouped(of, single=True)
                parts = [f"({self.inverted(w)} & {b})" for w, b in masks.items()] + [
                    self.certain(p).as_some() for p in rest
                ]
                return _Test(_ored(parts, "0"), False)

    def inverted(self, word: str) -> str:
        """The local that holds the complement of a word, once the flags have been written."""
        return f"~{word}" if word.startswith("w") else f"n{word}"

    def possible(self, form: Normal) -> _Test:
        """A test that passes when the form is not known to fail."""
        test = self.certain(negated(form))
        return _Test(test.text, not test.zero)

    def grouped(self, parts: Iterable[Normal], *, single: bool) -> tuple[dict[str, int], list[Normal]]:
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
        for i in range(0, len(tests), 8):
            terms = " | ".join(f"({text} << {bit})" if bit else text for bit, text in tests[i : i + 8])
            self.lines.append(f"{indent}{name} |= {terms}")


def _at_least(literal: Literal) -> tuple[Literal, int]:
    """Comparisons of a number with a literal told by one of them, `>=`; 1 where the contrary of it is meant."""
    match literal.atom:
        case ir.Compare(">=" | "<" | ">" | "<=" as op, left, ir.Literal(value)):
            bound = int(value) + (op in (">", "<="))
            return Literal(ir.Compare(">=", left, ir.Literal(bound)), True), int(op in ("<", "<="))
        case ir.Compare("!=", left, right):
            return Literal(ir.Compare("==", left, right), True), 1
        case ir.Compare("<" | "<=" as op, left, right):  # two facts
            return contrary(literal), 1
    return Literal(literal.atom, True), int(not literal.holds)


def _is_bound(literal: Literal) -> bool:
    match literal.atom:
        case ir.Compare(">=", _, ir.Literal()):
            return True
    return False


def _free_places(schema: Schema) -> Iterator[tuple[str, int]]:
    """Places for pairs of flags: beside the bools, where tests then need one word less; then in words of their own."""
    taken: dict[str, int] = {}
    for spec in schema.facts.values():
        if spec.slot is not None and spec.type is FactType.BOOL:
            taken[_word(spec)] = taken.get(_word(spec), 0) | 3 << _start(spec)
    for word, bits in taken.items():
        for bit in range(0, WORD_BITS, 2):
            if not bits >> bit & 3:
                yield word, bit
    for number in count():
        yield from ((f"c{number}", bit) for bit in range(0, WORD_BITS, 2))


def _ored(parts: Sequence[str], none: str) -> str:
    if not parts:
        return none
    return parts[0] if len(parts) == 1 else "(" + " | ".join(parts) + ")"


def _number(value: int) -> int:
    return value | 1 << INT_BITS


def _word(spec: FactSpec) -> str:
    """The local that holds a slot: bools stand in one of their own, with room for flags."""
    assert spec.slot is not None
    return f"{'b' if spec.type is FactType.BOOL else 'w'}{spec.slot[0]}"


def _start(spec: FactSpec) -> int:
    assert spec.slot is not None
    return spec.slot[1]


# --- contracts --------------------------------------------------------------------------------------------------------

HEAD = f"""# pragma version {VERSION}
# pragma evm-version {EVM_VERSION}
# pragma optimize gas
"""


def words_of(count: int) -> int:
    """How many words hold a bit for each of `count` rules."""
    return max(1, -(-count // WORD_BITS))


def _down(n: int) -> list[int]:
    return list(range(n - 1, -1, -1))


def merged(book: ir.Rulebook) -> str:
    """Source of the one contract that decides in process."""
    w, n = _Writer(book.schema), words_of(len(book.rules))
    _check_words(w, book)
    _evaluate(w, book, range(len(book.rules)), lazily=True)
    _tracks(w, book)
    hope = _hope(w, book, range(len(book.rules)))
    _fold(w, book, hope)
    outputs = [f"{mask}{k}" for mask in ("fired", "maybe", "met") for k in _down(n)]
    return HEAD + _function(w, "decide", [*outputs, "tail"])


def parts(book: ir.Rulebook, size: int) -> list[str]:
    """Sources of the contracts that evaluate `size` rules each; their masks count from their own first rule."""
    sources = []
    for first in range(0, len(book.rules), size):
        own = range(first, min(first + size, len(book.rules)))
        w = _Writer(book.schema)
        _evaluate(w, book, own, lazily=False)
        for k, tests in _hope(w, book, own).items():
            w.lines.append(f"hope{k}: uint256 = 0")
            w.gather(f"hope{k}", tests)
        sources.append(HEAD + _function(w, "part", [f"{mask}0" for mask in MASKS]))
    return sources


MASKS = ("fired", "may", "met", "given", "refused", "hope")


def dispatcher(book: ir.Rulebook, size: int) -> str:
    """Source of the contract that asks the parts and folds their answers; its constructor takes their addresses."""
    w, n = _Writer(book.schema), words_of(len(book.rules))
    count = -(-len(book.rules) // size)
    _check_words(w, book)
    w.lines += [f"{mask}{k}: uint256 = 0" for k in range(n) for mask in MASKS]
    w.lines.append(f"answer: uint256[{len(MASKS)}] = empty(uint256[{len(MASKS)}])")
    for part in range(count):
        k, place = divmod(part * size, WORD_BITS)
        w.lines.append(f"answer = staticcall Part(PART{part}).part(words)")
        w.lines += [f"{mask}{k} |= answer[{i}] << {place}" for i, mask in enumerate(MASKS)]
    w.lines += [f"maybe{k}: uint256 = may{k} & ~fired{k}" for k in range(n)]
    _tracks(w, book)
    _fold(w, book, None)
    outputs = [f"{mask}{k}" for mask in ("fired", "maybe", "met") for k in _down(n)]
    function = _function(w, "decide", [*outputs, "tail"], mutability="view")
    addresses = "".join(f"PART{i}: immutable(address)\n" for i in range(count))
    assigned = "".join(f"    PART{i} = parts[{i}]\n" for i in range(count))
    return (
        f"{HEAD}\ninterface Part:\n    def part(words: uint256[{book.schema.words}]) -> uint256[{len(MASKS)}]: pure\n\n"
        f"{addresses}\n\n@deploy\ndef __init__(parts: address[{count}]):\n{assigned}{function}"
    )


def _function(w: _Writer, name: str, outputs: Sequence[str], mutability: str = "pure") -> str:
    words = w.schema.words
    loads = [f"w{i}: uint256 = words[{i}]" for i in range(words)]
    for spec in w.schema.facts.values():
        if spec.slot is not None and spec.type is FactType.BOOL:
            w.bools[spec.slot[0]] = w.bools.get(spec.slot[0], 0) | 3 << _start(spec)
    loads += [f"b{i}: uint256 = w{i} & {mask}" for i, mask in w.bools.items()]
    lines = [*loads, *w.lines, f"return [{', '.join(outputs)}]"]
    head = f"\n\n@external\n@{mutability}\ndef {name}(words: uint256[{words}]) -> uint256[{len(outputs)}]:\n"
    return head + "".join(f"    {line}\n" for line in lines)


def _check_words(w: _Writer, book: ir.Rulebook) -> None:
    """A slot that is all zero is no fact: without this it would be true and false at once. And is all known?"""
    bools: dict[str, int] = {}
    enums: list[str] = []
    unknown: dict[str, list[int]] = {}  # by word: pairs of bools, bits set where unknown, bits clear where unknown
    for spec in (book.schema.facts[n] for n in ir.facts_of(book)):
        kinds = unknown.setdefault(_word(spec), [0, 0, 0])
        match spec.type:
            case FactType.BOOL:
                bools[_word(spec)] = bools.get(_word(spec), 0) | 1 << _start(spec)
                kinds[0] |= 1 << _start(spec)
            case FactType.ENUM:
                enums.append(f"({_word(spec)} & {unknown_code(spec) << _start(spec)})")
                kinds[1] |= 1 << _start(spec) + spec.reserve - 1
            case _:
                kinds[2] |= 1 << _start(spec) + spec.width - 1
    w.lines += [f"assert (~({word} | ({word} >> 1)) & {mask}) == 0" for word, mask in bools.items()]
    day = book.schema.facts[LEGAL_DAY]
    w.lines.append(f"assert {_word(day)} & {1 << _start(day) + INT_BITS} != 0")
    if enums:
        w.lines.append(f"assert {_ored([_is_zero(e) for e in enums], '0')} == 0")
    w.lines.append(
        f"unknown: uint256 = {_ored([t for word, kinds in unknown.items() for t in _unknowns(word, *kinds)], '0')}"
    )


def _unknowns(word: str, pairs: int, marks: int, known: int) -> list[str]:
    texts = [f"({word} & ({word} >> 1) & {pairs})"] if pairs else []
    texts += [f"({word} & {marks})"] if marks else []
    return texts + ([f"(~{word} & {known})"] if known else [])


def _evaluate(w: _Writer, book: ir.Rulebook, own: range, *, lazily: bool) -> None:
    """Locals fired, may, maybe, met, given, refused, a word for each 256 rules; bits count from the first of `own`."""
    rules = [(*divmod(i - own.start, WORD_BITS), book.rules[i]) for i in own]
    forms = [(k, bit, normal(r.applies)) for k, bit, r in rules]
    fired = _by_word((k, bit, _zero_or_one(w.certain(f))) for k, bit, f in forms)
    may = {} if lazily else _by_word((k, bit, _zero_or_one(w.possible(f))) for k, bit, f in forms)
    branches = {
        k: list(_branches(w, k, guarded({bit: f for of, bit, f in forms if of == k}), "    "))
        for k in range(words_of(len(own)) if lazily else 0)
    }
    met = _by_word(
        (k, bit, _zero_or_one(w.certain(normal(r.needs)))) for k, bit, r in rules if r.effect is Effect.REQUIRE
    )
    said = {name: _said(w, rules, name) for name in ("given", "refused")}
    w.flush()
    for k in range(words_of(len(own))):
        w.lines += [f"fired{k}: uint256 = 0", f"may{k}: uint256 = 0"]
        if lazily:
            if len(own) <= TWICE:
                w.lines.append("if unknown == 0:")
                w.gather(f"fired{k}", fired.get(k, []), "    ")
                w.lines += [f"    may{k} = fired{k}", "else:"]
            else:
                w.lines.append("if True:")
            w.lines += branches.get(k, [])
            w.lines.append(f"maybe{k}: uint256 = may{k} & ~fired{k}")
        else:
            w.gather(f"fired{k}", fired.get(k, []))
            w.gather(f"may{k}", may.get(k, []))
        w.lines.append(f"met{k}: uint256 = 0")
        w.gather(f"met{k}", met.get(k, []))
        w.lines += [f"{name}{k}: uint256 = {_ored(said[name].get(k, []), '0')}" for name in said]


def _branches(w: _Writer, k: int, group: Guarded, indent: str, above: tuple[Normal, ...] = ()) -> Iterator[str]:
    """Rules by groups: is the guard possible, is the rule, and are all of them certain?"""
    for bit, form in group.forms.items():
        yield f"{indent}if {_holds(w.possible(form))}:"
        yield f"{indent}    may{k} |= {1 << bit}"
        yield f"{indent}    fired{k} |= {_zero_or_one(w.certain(Every((form, *above))))} << {bit}"
    for inner in group.groups:
        yield f"{indent}if {_holds(w.possible(inner.guard))}:"
        yield from _branches(w, k, inner, f"{indent}    ", (*above, inner.guard))


def _holds(test: _Test) -> str:
    return f"{test.text} {'==' if test.zero else '!='} 0"


def _said(w: _Writer, rules: Sequence[tuple[int, int, ir.Rule]], value: str) -> dict[int, list[str]]:
    """The reviews whose authority is known to have said that: by word, all bits of an authority at once."""
    masks: dict[tuple[int, str], int] = {}
    for k, bit, rule in rules:
        if rule.effect is Effect.REVIEW:
            masks[k, rule.approval] = masks.get((k, rule.approval), 0) | 1 << bit
    found: dict[int, list[str]] = {}
    for (k, approval), mask in masks.items():
        test = w.certain(Literal(ir.Member(ir.Fact(approval), (value,)), True))
        found.setdefault(k, []).append(f"unsafe_mul({_zero_or_one(test)}, {mask})")
    return found


def _zero_or_one(test: _Test) -> str:
    return _is_zero(test.text) if test.zero else f"convert({test.text} != 0, uint256)"


def _by_word(tests: Iterable[tuple[int, int, str]]) -> dict[int, list[tuple[int, str]]]:
    found: dict[int, list[tuple[int, str]]] = {}
    for k, bit, text in tests:
        found.setdefault(k, []).append((bit, text))
    return found


def _tracks(w: _Writer, book: ir.Rulebook) -> None:
    tests = []
    for t, track in enumerate(book.tracks):
        form = normal(track.opens)
        certain, may = _zero_or_one(w.certain(form)), _zero_or_one(w.possible(form))
        tests += [(2 * t, certain), (2 * t + 1, f"({may} & ~{certain})")]
    w.flush()
    w.lines.append("tracks: uint256 = 0")
    w.gather("tracks", tests)


def _hope(w: _Writer, book: ir.Rulebook, own: range) -> dict[int, list[tuple[int, str]]]:
    """For each ground, and review that may ground: could it come to apply by facts that somebody may change?"""
    changeable = {n for n, s in book.schema.facts.items() if s.changed_by}
    none: dict[int, list[tuple[int, str]]] = {k: [] for k in range(words_of(len(own)))}
    found = none | _by_word(
        (
            *divmod(i - own.start, WORD_BITS),
            _zero_or_one(w.possible(possible(normal(book.rules[i].applies), changeable))),
        )
        for i in own
        if book.rules[i].track
    )
    w.flush()
    return found


def _fold(w: _Writer, book: ir.Rulebook, hope: dict[int, list[tuple[int, str]]] | None) -> None:
    """The outcome table of docs/spec/decision.md on masks: locals `severity` and `tail`. `hope` is computed here, and
    only where a ground is lacking, unless it stands in locals already."""
    n = words_of(len(book.rules))

    def hit(mask: int, text: str) -> list[str]:
        """`text`, with # for the number of the word, on the words in which the mask has bits."""
        words = [(k, mask >> WORD_BITS * k & _ALL) for k in range(n)]
        return [f"({text.replace('#', str(k))} & {m})" for k, m in words if m]

    all_folds = folds(book)
    lacking = []
    for j, fold in enumerate(all_folds):
        for t, (grounds, reviews) in enumerate(fold.grounds):
            has = _ored([*hit(grounds, "fired#"), *hit(reviews, "fired# & given#")], "0")
            lacking.append(f"lacks_{j}_{t}")
            w.lines.append(f"{lacking[-1]}: bool = (tracks & {3 << 2 * t}) != 0 and {has} == 0")
    if hope is not None:
        w.lines += [f"hope{k}: uint256 = 0" for k in hope]
        if lacking and any(hope.values()):
            w.lines.append(f"if {' or '.join(lacking)}:")
            for k, tests in hope.items():
                w.gather(f"hope{k}", tests, "    ")
    w.lines += ["worst: uint256 = 0", "severity: uint256 = 0"]
    for j, fold in enumerate(all_folds):
        w.lines += _fold_one(j, fold, hit)
        w.lines.append("worst = max(worst, severity)" if j else "worst = severity")
    w.lines.append("tail: uint256 = (tracks << 8) | worst")


def _fold_one(j: int, fold: Fold, hit: Callable[[int, str], list[str]]) -> list[str]:
    """The lines of one jurisdiction, the most severe first; what a lacking ground adds comes last."""
    levels = [
        (4, [*hit(fold.forbid, "fired#"), *hit(fold.review, "may# & refused#")]),
        (3, [*hit(fold.require, "may# & ~met#"), *hit(fold.forbid, "may#")]),
        (2, hit(fold.review, "may# & ~given#")),
        (1, hit(fold.oblige, "may#")),
    ]
    lines = ["severity = 0"]
    word = "if"
    for severity, tests in levels:
        if tests:
            lines += [f"{word} {_ored(tests, '0')} != 0:", f"    severity = {severity}"]
            word = "elif"
    for t, (grounds, reviews) in enumerate(fold.grounds):
        hope = _ored([*hit(grounds, "hope#"), *hit(reviews, "hope# & ~refused#")], "0")
        lines += [
            f"if lacks_{j}_{t}:",
            f"    if {_ored(hit(reviews, 'fired# & ~refused#'), '0')} != 0:",
            "        severity = max(severity, 2)",
            f"    elif {hope} != 0:",
            "        severity = max(severity, 3)",
            "    else:",
            "        severity = 4",
        ]
    return lines
