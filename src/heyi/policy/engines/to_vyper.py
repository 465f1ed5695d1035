"""The fourth reading: Vyper, compiled to EVM bytecode (`bytecode`). Packed words in; masks and answer out.

A rulebook becomes one contract, for a decision in process, or parts behind a dispatcher, for a chain that limits the
size of code. Both answer `decide(words) -> uint256[3 * n + 1]`, n being the words that hold a bit for each rule: fired,
undetermined, met, each with the most significant word first, then `tracks << 8 | severity` (docs/spec/bytecode.md).
Conditions are tests of zero (`zeros`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from heyi.model.decision import Effect
from heyi.policy.engines.bit_tests import Test, Writer, gathered, is_zero, ored, start_of, word_of
from heyi.policy.engines.normal_form import Guarded, Literal, guarded, normal, possible
from heyi.policy.engines.packed import unknown_code
from heyi.policy.engines.to_python import Fold, folds
from heyi.policy.language import ir
from heyi.policy.language.schema import INT_BITS, LEGAL_DAY, WORD_BITS, FactType

VERSION = "0.4.3"
EVM_VERSION = "paris"
TWICE = 150
"""Up to so many rules the merged contract holds them twice: once without branches, for complete requests."""
MERGED = 320
"""More rules than this do not fit one contract, since the compiler's jumps have two bytes."""
_ALL = (1 << WORD_BITS) - 1
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
    w, n = Writer(book.schema), words_of(len(book.rules))
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
        w = Writer(book.schema)
        _evaluate(w, book, own, lazily=False)
        for k, tests in _hope(w, book, own).items():
            w.lines.append(f"hope{k}: uint256 = 0")
            w.gather(f"hope{k}", tests)
        sources.append(HEAD + _function(w, "part", [f"{mask}0" for mask in MASKS]))
    return sources


MASKS = ("fired", "may", "met", "given", "refused", "hope")


def dispatcher(book: ir.Rulebook, size: int) -> str:
    """Source of the contract that asks the parts and folds their answers; its constructor takes their addresses."""
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
        f"{HEAD}\ninterface Part:\n    def part(words: uint256[{book.schema.words}]) -> uint256[{len(MASKS)}]: pure\n\n"
        f"{addresses}\n\n@deploy\ndef __init__(parts: address[{count}]):\n{assigned}{function}"
    )


def _function(w: Writer, name: str, outputs: Sequence[str], mutability: str = "pure") -> str:
    words = w.schema.words
    loads = [f"w{i}: uint256 = words[{i}]" for i in range(words)]
    for spec in w.schema.facts.values():
        if spec.slot is not None and spec.type is FactType.BOOL:
            w.bools[spec.slot[0]] = w.bools.get(spec.slot[0], 0) | 3 << start_of(spec)
    loads += [f"b{i}: uint256 = w{i} & {mask}" for i, mask in w.bools.items()]
    lines = [*loads, *w.lines, f"return [{', '.join(outputs)}]"]
    head = f"\n\n@external\n@{mutability}\ndef {name}(words: uint256[{words}]) -> uint256[{len(outputs)}]:\n"
    return head + "".join(f"    {line}\n" for line in lines)


def _check_canonical(w: Writer, book: ir.Rulebook) -> None:
    """On a chain anybody may call: what is read must be the packing of some facts, not merely bits."""
    for spec in (book.schema.facts[n] for n in ir.facts_of(book)):
        if spec.type is FactType.BOOL:
            continue  # two bits have no other codes than those that `_check_words` knows
        slot = w.slot(spec)
        if spec.type is FactType.ENUM:
            spare = unknown_code(spec) & ~((1 << len(spec.values)) - 1)
            one = f"({slot} & unsafe_sub({slot}, 1)) == 0 and {slot} & {spare} == 0"
            w.lines.append(f"assert {slot} == {unknown_code(spec)} or ({one})")
        else:
            known = 1 << spec.width - 1
            w.lines.append(f"assert {slot} == 0 or {slot} & {known} != 0")


def _check_words(w: Writer, book: ir.Rulebook) -> None:
    """A slot that is all zero is no fact: without this it would be true and false at once. And is all known?"""
    bools: dict[str, int] = {}
    enums: dict[str, list[int]] = {}  # by word: last bits, and all others
    unknown: dict[
        str, list[int]
    ] = {}  # by word: pairs of bools, bits set where unknown, bits clear where unknown
    for spec in (book.schema.facts[n] for n in ir.facts_of(book)):
        kinds = unknown.setdefault(word_of(spec), [0, 0, 0])
        match spec.type:
            case FactType.BOOL:
                bools[word_of(spec)] = bools.get(word_of(spec), 0) | 1 << start_of(spec)
                kinds[0] |= 1 << start_of(spec)
            case FactType.ENUM:
                last = 1 << start_of(spec) + spec.reserve - 1
                bits = enums.setdefault(word_of(spec), [0, 0])
                bits[0] |= last
                bits[1] |= (unknown_code(spec) << start_of(spec)) & ~last
                kinds[1] |= 1 << start_of(spec) + spec.reserve - 1
            case _:
                kinds[2] |= 1 << start_of(spec) + spec.width - 1
    w.lines += [f"assert (~({word} | ({word} >> 1)) & {mask}) == 0" for word, mask in bools.items()]
    day = book.schema.facts[LEGAL_DAY]
    w.lines.append(f"assert {word_of(day)} & {1 << start_of(day) + INT_BITS} != 0")
    for word, (
        last,
        others,
    ) in enums.items():  # what carries into a slot's last bit shows that a bit below is set
        carried = f"unsafe_add({word} & {others}, {others})"
        w.lines.append(f"assert ({carried} | {word}) & {last} == {last}")
    w.lines.append(
        f"unknown: uint256 = {ored([t for word, kinds in unknown.items() for t in _unknowns(word, *kinds)], '0')}"
    )
    w.unknown = "unknown"


def _unknowns(word: str, pairs: int, marks: int, known: int) -> list[str]:
    texts = [f"({word} & ({word} >> 1) & {pairs})"] if pairs else []
    texts += [f"({word} & {marks})"] if marks else []
    return texts + ([f"(~{word} & {known})"] if known else [])


def _evaluate(w: Writer, book: ir.Rulebook, own: range, *, lazily: bool) -> None:
    """Locals fired, may, maybe, met, given, refused, a word for each 256 rules; bits count from the first of `own`."""
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
    """Rules by groups where every fact is known, and what is possible is certain."""
    yield from gathered(
        f"fired{k}", [(bit, _zero_or_one(w.certain(f))) for bit, f in group.forms.items()], indent
    )
    for inner in group.groups:
        yield f"{indent}if {_holds(w.certain(inner.guard))}:"
        yield from _known(w, k, inner, f"{indent}    ")


def _branches(w: Writer, k: int, group: Guarded, indent: str, depth: int = 0) -> Iterator[str]:
    """Rules by groups: is the guard possible, is the rule, and are all of them certain? `sure` holds that of guards."""
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
    return f"{test.text} {'==' if test.zero else '!='} 0"


def _said(w: Writer, rules: Sequence[tuple[int, int, ir.Rule]], value: str) -> dict[int, list[str]]:
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


def _zero_or_one(test: Test) -> str:
    return is_zero(test.text) if test.zero else f"convert({test.text} != 0, uint256)"


def _by_word(tests: Iterable[tuple[int, int, str]]) -> dict[int, list[tuple[int, str]]]:
    found: dict[int, list[tuple[int, str]]] = {}
    for k, bit, text in tests:
        found.setdefault(k, []).append((bit, text))
    return found


def _tracks(w: Writer, book: ir.Rulebook) -> None:
    tests = []
    for t, track in enumerate(book.tracks):
        form = normal(track.opens)
        certain, may = _zero_or_one(w.certain(form)), _zero_or_one(w.possible(form))
        tests += [(2 * t, certain), (2 * t + 1, f"({may} & ~{certain})")]
    w.flush()
    w.lines.append("tracks: uint256 = 0")
    w.gather("tracks", tests)


def _hope(w: Writer, book: ir.Rulebook, own: range) -> dict[int, list[tuple[int, str]]]:
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


def _fold(w: Writer, book: ir.Rulebook, hope: dict[int, list[tuple[int, str]]] | None) -> None:
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
