"""The fourth reading: Vyper, which `bytecode` compiles for the EVM. Packed words in, answer out.

A rulebook becomes one contract for decisions in process, and parts behind a dispatcher for chains,
which limit the size of code. Both forms have one function:

    decide(words: uint256[w]) -> uint256[3 * n + 1]

`w` is the number of packed words (`packed`). `n` is the number of words that hold one bit for each
rule. The result is fired, undetermined and met, each with its most significant word first, then
`tracks << 8 | severity`. Conditions are tests of zero bits (`bit_tests`).

Source: docs/spec/bytecode.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from heyi.model.decision import Effect
from heyi.policy.engines.bit_tests import Test, Writer, gathered, is_zero, ored, start_of, word_of
from heyi.policy.engines.normal_form import Guarded, Literal, guarded, normal, possible
from heyi.policy.engines.packed import unknown_code, words_of
from heyi.policy.engines.to_python import Fold, folds
from heyi.policy.language import ir
from heyi.policy.language.schema import INT_BITS, LEGAL_DAY, WORD_BITS, FactType

VERSION = "0.4.3"
EVM_VERSION = "paris"
TWICE = 150
"""Up to this many rules the merged contract holds each rule twice, complete requests apart."""
MERGED = 320
"""More rules than this do not fit one contract, because the compiler's jumps have two bytes."""
_ALL = (1 << WORD_BITS) - 1
HEAD = f"""# pragma version {VERSION}
# pragma evm-version {EVM_VERSION}
# pragma optimize gas
"""


def _down(n: int) -> list[int]:
    return list(range(n - 1, -1, -1))


def merged(book: ir.Rulebook) -> str:
    """Source of the one contract that decides in process.

    For a rulebook whose only rule is `X-1.1 forbid` with `when: a`:

        def decide(words: uint256[1]) -> uint256[4]:
            w0: uint256 = words[0]
            b0: uint256 = w0 & 25769803776                  # the bools of word 0
            assert (~(b0 | (b0 >> 1)) & 8589934592) == 0    # every bool is true, false or unknown
            unknown: uint256 = ((~w0 & 4294967296) | (b0 & (b0 >> 1) & 8589934592))
            ...                                             # flags of comparisons (`flush`)
            if unknown == 0:                                # complete: possible is certain
                fired0 |= convert((b0 & 17179869185) == 0, uint256)
                may0 = fired0
            else:
                if (nb0 & 8589934594) == 0:
                    may0 |= 1
                    fired0 |= (convert((b0 & 17179869185) == 0, uint256)) << 0
            maybe0: uint256 = may0 & ~fired0
            ...                                             # approvals, tracks and the outcome
            return [fired0, maybe0, met0, tail]
    """
    w, n = Writer(book.schema), words_of(len(book.rules))
    _check_words(w, book)
    _evaluate(w, book, range(len(book.rules)), lazily=True)
    _tracks(w, book)
    hope = _hope(w, book, range(len(book.rules)))
    _fold(w, book, hope)
    outputs = [f"{mask}{k}" for mask in ("fired", "maybe", "met") for k in _down(n)]
    return HEAD + _function(w, "decide", [*outputs, "tail"])


def parts(book: ir.Rulebook, size: int) -> list[str]:
    """Sources of the contracts that evaluate `size` rules each: `part(words) -> uint256[6]`.

    The result is `MASKS`, one word each, in which bit 0 is the first rule of the part. A part does
    not check its words and does not fold; the dispatcher does both.

    INVARIANT: `size` divides 256, so that the masks of a part lie within one word of the whole.
    """
    sources = []
    for first in range(0, len(book.rules), size):
        own = range(first, min(first + size, len(book.rules)))
        w = Writer(book.schema)
        _evaluate(w, book, own, lazily=False)
        for k, tests in _hope(w, book, own).items():
            w.lines.append(f"hope{k}: uint256 = 0")
            w.gather(f"hope{k}", tests)
        sources.append(HEAD + _function(w, "part", [f"{mask}0" for mask in MASKS]))
    return sources


MASKS = ("fired", "may", "met", "given", "refused", "hope")
"""What a part answers of its rules: applies, may apply (fired or undetermined), its needs are met,
its approval is given, its approval is refused, and it could still come to apply."""


def dispatcher(book: ir.Rulebook, size: int) -> str:
    """Source of the contract that asks the parts and folds their answers.

    Its constructor takes the addresses of the parts. Of two parts with 128 rules each:

        answer = staticcall Part(PART1).part(words)
        fired0 |= answer[0] << 128
        may0 |= answer[1] << 128
    """
    w, n = Writer(book.schema), words_of(len(book.rules))
    count = -(-len(book.rules) // size)
    _check_words(w, book)
    _check_canonical(w, book)
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
        f"{HEAD}\ninterface Part:\n"
        f"    def part(words: uint256[{book.schema.words}]) -> uint256[{len(MASKS)}]: pure\n\n"
        f"{addresses}\n\n@deploy\ndef __init__(parts: address[{count}]):\n{assigned}{function}"
    )


def _function(w: Writer, name: str, outputs: Sequence[str], mutability: str = "pure") -> str:
    """The function: load the words, then the lines of the writer, then return the outputs."""
    words = w.schema.words
    bools: dict[int, int] = {}  # by word: both bits of every bool
    for spec in w.schema.facts.values():
        if spec.slot is not None and spec.type is FactType.BOOL:
            bools[spec.slot[0]] = bools.get(spec.slot[0], 0) | 3 << start_of(spec)
    loads = [f"w{i}: uint256 = words[{i}]" for i in range(words)]
    # bools alone, so that flags can be added between them
    loads += [f"b{i}: uint256 = w{i} & {mask}" for i, mask in bools.items()]
    lines = [*loads, *w.lines, f"return [{', '.join(outputs)}]"]
    head = (
        f"\n\n@external\n@{mutability}\n"
        f"def {name}(words: uint256[{words}]) -> uint256[{len(outputs)}]:\n"
    )
    return head + "".join(f"    {line}\n" for line in lines)


def _check_canonical(w: Writer, book: ir.Rulebook) -> None:
    """Refuse words that `pack` never makes; on a chain anybody may call.

        assert s2 == 255 or ((s2 & unsafe_sub(s2, 1)) == 0 and s2 & 252 == 0)    # an enum
        assert s0 == 0 or s0 & 4294967296 != 0                                   # a number

    An enum is unknown, or one of its members: a power of two that is not reserved. A number, a day
    or a set is all zero, or has its bit `known`.
    """
    for spec in (book.schema.facts[n] for n in ir.facts_of(book)):
        if spec.type is FactType.BOOL:
            continue  # of the four codes of two bits, `_check_words` refuses the only wrong one
        slot = w.slot(spec)
        if spec.type is FactType.ENUM:
            # bits that are reserved for members to come; all of them are set where it is unknown
            spare = unknown_code(spec) & ~((1 << len(spec.values)) - 1)
            one = f"({slot} & unsafe_sub({slot}, 1)) == 0 and {slot} & {spare} == 0"
            w.lines.append(f"assert {slot} == {unknown_code(spec)} or ({one})")
        else:
            known = 1 << spec.width - 1
            w.lines.append(f"assert {slot} == 0 or {slot} & {known} != 0")


def _check_words(w: Writer, book: ir.Rulebook) -> None:
    """Refuse slots of bools and enums that are all zero, and compute the local `unknown`.

    A slot that is all zero is no fact: every test of it would pass, so that it would be true and
    false at once. `unknown` is zero where every fact that the rulebook reads is known.
    """
    bools: dict[str, int] = {}  # by word: the first bit of every bool
    enums: dict[str, list[int]] = {}  # by word: the last bit of every enum, and all its other bits
    # by word: first bits of bools, bits that are set if unknown, bits that are clear if unknown
    unknown: dict[str, list[int]] = {}
    for spec in (book.schema.facts[n] for n in ir.facts_of(book)):
        kinds = unknown.setdefault(word_of(spec), [0, 0, 0])
        match spec.type:
            case FactType.BOOL:
                bools[word_of(spec)] = bools.get(word_of(spec), 0) | 1 << start_of(spec)
                kinds[0] |= 1 << start_of(spec)
            case FactType.ENUM:
                # no member has the last reserved bit: it is set only where the enum is unknown
                last = 1 << start_of(spec) + spec.reserve - 1
                bits = enums.setdefault(word_of(spec), [0, 0])
                bits[0] |= last
                bits[1] |= (unknown_code(spec) << start_of(spec)) & ~last
                kinds[1] |= last
            case _:
                kinds[2] |= 1 << start_of(spec) + spec.width - 1
    # one test for all bools of a word: somewhere both bits of a pair are zero
    w.lines += [f"assert (~({word} | ({word} >> 1)) & {mask}) == 0" for word, mask in bools.items()]
    day = book.schema.facts[LEGAL_DAY]
    w.lines.append(f"assert {word_of(day)} & {1 << start_of(day) + INT_BITS} != 0")
    # One test for all enums of a word. Adding ones to the lower bits of a slot carries into its
    # last bit exactly when a lower bit is set: 0b0100 + 0b0111 has bit 3, 0b0000 + 0b0111 has not.
    for word, (last, others) in enums.items():
        carried = f"unsafe_add({word} & {others}, {others})"
        w.lines.append(f"assert ({carried} | {word}) & {last} == {last}")
    tests = [t for word, kinds in unknown.items() for t in _unknowns(word, *kinds)]
    w.lines.append(f"unknown: uint256 = {ored(tests, '0')}")
    w.unknown = "unknown"


def _unknowns(word: str, pairs: int, marks: int, known: int) -> list[str]:
    """Expressions that are zero where all bools, all enums and all other facts are known."""
    texts = [f"({word} & ({word} >> 1) & {pairs})"] if pairs else []
    texts += [f"({word} & {marks})"] if marks else []
    return texts + ([f"(~{word} & {known})"] if known else [])


def _evaluate(w: Writer, book: ir.Rulebook, own: range, *, lazily: bool) -> None:
    """Write the locals fired, may, met, given and refused of the rules `own`, a word for each 256.

    Bit 0 is the first rule of `own`. With `lazily` (the merged contract) rules are tested in groups
    behind branches, and the locals maybe are written too. Without it (parts) nothing branches.
    """
    rules = [(*divmod(i - own.start, WORD_BITS), book.rules[i]) for i in own]
    forms = [(k, bit, normal(r.applies)) for k, bit, r in rules]
    fired = {} if lazily else _by_word((k, bit, _zero_or_one(w.certain(f))) for k, bit, f in forms)
    may = {} if lazily else _by_word((k, bit, _zero_or_one(w.possible(f))) for k, bit, f in forms)
    groups = {
        k: guarded({bit: f for of, bit, f in forms if of == k}, days=len(own) > TWICE)
        for k in range(words_of(len(own)) if lazily else 0)
    }
    known = {
        k: list(_known(w, k, group, "    ")) for k, group in groups.items() if len(own) <= TWICE
    }
    branches = {k: list(_branches(w, k, group, "    ")) for k, group in groups.items()}
    deepest = max(map(_depth, groups.values()), default=0)
    met = _by_word(
        (k, bit, _zero_or_one(w.certain(normal(r.needs))))
        for k, bit, r in rules
        if r.effect is Effect.REQUIRE
    )
    said = {name: _said(w, rules, name) for name in ("given", "refused")}
    # INVARIANT: all tests above have been asked for before their flags are written here, and no
    # line that reads a flag is written earlier.
    w.flush()
    w.lines += [f"sure{d}: uint256 = 0" for d in range(1, deepest + 1)]
    for k in range(words_of(len(own))):
        w.lines += [f"fired{k}: uint256 = 0", f"may{k}: uint256 = 0"]
        if lazily:
            w.lines += (
                ["if unknown == 0:", *known[k], f"    may{k} = fired{k}", "else:"]
                if known
                else ["if True:"]
            )
            w.lines += branches[k]
            w.lines.append(f"maybe{k}: uint256 = may{k} & ~fired{k}")
        else:
            w.gather(f"fired{k}", fired.get(k, []))
            w.gather(f"may{k}", may.get(k, []))
        w.lines.append(f"met{k}: uint256 = 0")
        w.gather(f"met{k}", met.get(k, []))
        w.lines += [f"{name}{k}: uint256 = {ored(said[name].get(k, []), '0')}" for name in said]


def _known(w: Writer, k: int, group: Guarded, indent: str) -> Iterator[str]:
    """Rules by groups for complete requests, where possible and certain are the same question."""
    yield from gathered(
        f"fired{k}", [(bit, _zero_or_one(w.certain(f))) for bit, f in group.forms.items()], indent
    )
    for inner in group.groups:
        yield f"{indent}if {_holds(w.certain(inner.guard))}:"
        yield from _known(w, k, inner, f"{indent}    ")


def _branches(w: Writer, k: int, group: Guarded, indent: str, depth: int = 0) -> Iterator[str]:
    """Rules by groups for requests with unknown facts; `sure1` is 1 where the guard is certain.

    if (b0 & 8589934592) != 0:                                  # the guard a is possible
        sure1 = convert((b0 & 17179869184) == 0, uint256)       # the guard is certain
        if (nb0 & 34359738370) == 0:                            # rule 3 is possible
            may0 |= 8
            fired0 |= (convert((b0 & 65) == 0, uint256) & sure1) << 3
    """
    sure = f" & sure{depth}" if depth else ""
    for bit, form in group.forms.items():
        yield f"{indent}if {_holds(w.possible(form))}:"
        yield f"{indent}    may{k} |= {1 << bit}"
        yield f"{indent}    fired{k} |= ({_zero_or_one(w.certain(form))}{sure}) << {bit}"
    for inner in group.groups:
        yield f"{indent}if {_holds(w.possible(inner.guard))}:"
        yield f"{indent}    sure{depth + 1} = {_zero_or_one(w.certain(inner.guard))}{sure}"
        yield from _branches(w, k, inner, f"{indent}    ", depth + 1)


def _depth(group: Guarded) -> int:
    return max((1 + _depth(inner) for inner in group.groups), default=0)


def _holds(test: Test) -> str:
    """The test as a condition of Vyper (a bool)."""
    return f"{test.text} {'==' if test.zero else '!='} 0"


def _said(w: Writer, rules: Sequence[tuple[int, int, ir.Rule]], value: str) -> dict[int, list[str]]:
    """By word, expressions for the reviews whose approval is known to be `value`.

        unsafe_mul(convert((w0 & 39149853742400151193684803584) == 0, uint256), 32)

    One test sets the bits of all reviews by the same authority.
    """
    masks: dict[tuple[int, str], int] = {}
    for k, bit, rule in rules:
        if rule.effect is Effect.REVIEW:
            masks[k, rule.approval] = masks.get((k, rule.approval), 0) | 1 << bit
    found: dict[int, list[str]] = {}
    for (k, approval), mask in masks.items():
        test = w.certain(Literal(ir.Member(ir.Fact(approval), (value,)), True))
        found.setdefault(k, []).append(f"unsafe_mul({_zero_or_one(test)}, {mask})")
    return found


def _zero_or_one(test: Test) -> str:
    """1 where the test passes, else 0."""
    return is_zero(test.text) if test.zero else f"convert({test.text} != 0, uint256)"


def _by_word(tests: Iterable[tuple[int, int, str]]) -> dict[int, list[tuple[int, str]]]:
    found: dict[int, list[tuple[int, str]]] = {}
    for k, bit, text in tests:
        found.setdefault(k, []).append((bit, text))
    return found


def _tracks(w: Writer, book: ir.Rulebook) -> None:
    """Write the local `tracks`: two bits for each track, known to be open and undetermined."""
    tests = []
    for t, track in enumerate(book.tracks):
        form = normal(track.opens)
        certain, may = _zero_or_one(w.certain(form)), _zero_or_one(w.possible(form))
        tests += [(2 * t, certain), (2 * t + 1, f"({may} & ~{certain})")]
    w.flush()
    w.lines.append("tracks: uint256 = 0")
    w.gather("tracks", tests)


def _hope(w: Writer, book: ir.Rulebook, own: range) -> dict[int, list[tuple[int, str]]]:
    """By word, tests of the grounds and of the reviews that may ground, with changeable facts open.

    A test passes where the rule could still come to apply, by facts that somebody may change.
    """
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


def _fold(w: Writer, book: ir.Rulebook, hope: dict[int, list[tuple[int, str]]] | None) -> None:
    """Write the local `tail` by the outcome table of docs/spec/decision.md, on masks of rules.

    `hope` are the tests of `_hope`; the contract runs them only where a ground is lacking. None
    means that the locals hope exist already: the dispatcher has them from the parts.
    """
    n = words_of(len(book.rules))

    def hit(mask: int, text: str) -> list[str]:
        """`text` masked, for each word in which the mask has bits; `#` is the word's number."""
        words = [(k, mask >> WORD_BITS * k & _ALL) for k in range(n)]
        return [f"({text.replace('#', str(k))} & {m})" for k, m in words if m]

    all_folds = folds(book)
    lacking = []
    for j, fold in enumerate(all_folds):
        for t, (grounds, reviews) in enumerate(fold.grounds):
            has = ored([*hit(grounds, "fired#"), *hit(reviews, "fired# & given#")], "0")
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
    """Lines that compute `severity` for one jurisdiction: the table first, then lacking grounds.

    if ((fired0 & 31) | (may0 & refused0 & 32)) != 0:
        severity = 4
    elif (may0 & 31) != 0:
        severity = 3
    if lacks_0_0:
        ...
    """
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
            lines += [f"{word} {ored(tests, '0')} != 0:", f"    severity = {severity}"]
            word = "elif"
    for t, (grounds, reviews) in enumerate(fold.grounds):
        hope = ored([*hit(grounds, "hope#"), *hit(reviews, "hope# & ~refused#")], "0")
        lines += [
            f"if lacks_{j}_{t}:",
            f"    if {ored(hit(reviews, 'fired# & ~refused#'), '0')} != 0:",
            "        severity = max(severity, 2)",
            f"    elif {hope} != 0:",
            "        severity = max(severity, 3)",
            "    else:",
            "        severity = 4",
        ]
    return lines
