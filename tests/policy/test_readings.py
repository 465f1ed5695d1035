"""Five readings of one rulebook agree: on the shipped one, and on random ones, atom by atom."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from random import Random

import pytest

from heyi.model.decision import Outcome
from heyi.model.errors import RuleError
from heyi.model.fact import Value
from heyi.policy.decide import DecisionPoint
from heyi.policy.engines.build import load_build
from heyi.policy.engines.bytecode import CHAIN_LIMIT, Bytecode, BytecodeEngine, compile_contracts
from heyi.policy.engines.interpret import read
from heyi.policy.language import ir
from heyi.policy.language.check import compile_rulebook
from heyi.policy.language.schema import LEGAL_DAY, Admitted, to_ordinals
from heyi.policy.proofs.boundaries import boundaries
from heyi.sources.rulebook import read_build, read_rulebook
from oracles.readings import Readings, draw


@dataclass(frozen=True)
class Shipped:
    book: ir.Rulebook
    bytecode: Bytecode


@pytest.fixture(scope="module")
def shipped() -> Shipped:
    ready = load_build(read_build(), read_rulebook())
    assert ready is not None and ready.bytecode is not None
    return Shipped(ready.book, ready.bytecode)


def test_no_difference_in_5000_requests_to_the_shipped_rulebook(shipped: Shipped) -> None:
    """`make differential` draws a million."""
    readings, source = Readings(shipped.book, shipped.bytecode), draw(shipped.book, Random(11))
    batch = [to_ordinals(next(source)) for _ in range(5_000)]
    assert readings.difference(batch) is None
    answers = (read(shipped.book, known) for known in batch[:1_000])
    assert len({(r.outcome, r.curable) for r in answers}) == 5, "every outcome occurs"


def test_no_difference_at_the_thresholds(shipped: Shipped) -> None:
    around = [to_ordinals(r) for b in boundaries(shipped.book) for r in b.requests]
    assert len(around) > 200
    readings = Readings(shipped.book, shipped.bytecode)
    assert readings.difference(around) is None
    # the solver takes ten milliseconds a request; `make differential` gives it all of them
    assert readings.difference(around[::5], solved=True) is None


# --- rulebooks drawn at random ------------------------------------------------------------------

FACTS = """
[track.one]
opens = "p"
min_rank = "regulation"
zh = "甲"
en = "one"

[track.two]
opens = "!p || kind == \\"a\\""
min_rank = "agreement"
zh = "乙"
en = "two"
"""
DAYS = [dt.date(2020, 1, 1), dt.date(2024, 2, 29), dt.date(2026, 12, 1)]


def schema_text(rng: Random) -> str:
    """Facts of all types in shuffled slots that leave gaps; some numbers are at odd places."""
    kinds = [("legal_day", "date")] + [(n, "bool") for n in ("p", "q", "r", "s", "t")]
    kinds += [(n, "int") for n in ("m", "n", "k")] + [("day", "date"), ("other_day", "date")]
    kinds += [(n, "enum") for n in ("kind", "same_kind", "approval.board")] + [
        ("parts", "set"),
        ("more", "set"),
    ]
    rng.shuffle(kinds)
    lines, word, at = [FACTS], 0, 0
    for name, kind in kinds:
        width = {"bool": 2, "int": 33, "date": 33, "enum": 6, "set": 7}[kind]
        at += rng.choice([0, 0, 1, 2, 8])
        if at + width > 256:
            word, at = word + 1, 0
        changed = '["handler"]' if rng.random() < 0.5 and name != "legal_day" else "[]"
        lines.append(
            f'[fact."{name}"]\ntype = "{kind}"\nzh = "{name}"\nen = "{name}"\nslot = [{word}, {at}]'
        )
        lines.append(f'source = "declared"\nchanged_by = {changed}')
        at += width
        if kind == "int":
            lines.append('min = 0\nmax = 20\nunit = "things"')
        elif name == "approval.board":
            lines.append(
                'values = { none = "无|none", given = "是|given", refused = "否|refused" }\n'
                "reserve = 6"
            )
        elif kind in ("enum", "set"):
            lines.append('values = { a = "甲|a", b = "乙|b", c = "丙|c" }\nreserve = 6')
    return "\n".join(lines) + "\n"


def atom(rng: Random) -> str:
    op = rng.choice(["==", "!=", "<", "<=", ">", ">="])
    number, equality = rng.choice(["m", "n", "k"]), rng.choice(["==", "!="])
    members = ", ".join(f'"{v}"' for v in "abc" if rng.random() < 0.5)
    return rng.choice(
        [
            rng.choice("pqrst"),
            f"!{rng.choice('pqrst')}",
            f"{number} {op} {rng.choice([0, 1, 7, 20])}",
            f"{rng.choice([0, 3, 20])} {op} {number}",
            f"m {op} n",
            f"{number} in [{', '.join(str(i) for i in range(0, 21, 5) if rng.random() < 0.5)}]",
            f'day {op} date("{rng.choice(DAYS)}")',
            f"day {op} other_day",
            f"legal_day {op} day",
            f'kind {equality} "{rng.choice("abc")}"',
            f"kind {equality} same_kind",
            f"kind in [{members}]",
            f"p {equality} q",
            f"r {equality} {rng.choice(['true', 'false'])}",
            f"subset(parts, [{members}])",
            f"overlap(more, [{members}])",
            "true",
            "false",
        ]
    )


def condition(rng: Random, depth: int = 3) -> str:
    if depth == 0 or rng.random() < 0.3:
        return atom(rng)
    joined = rng.choice([" && ", " || "]).join(
        condition(rng, depth - 1) for _ in range(rng.choice([2, 2, 3]))
    )
    return f"{rng.choice(['', '!'])}({joined})"


def pack_text(rng: Random, name: str, jurisdiction: str, rules: int) -> str:
    rank = rng.choice(["law", "regulation"])
    lines = [
        "---",
        f"id: {name}",
        "instrument: {zh: 法, en: Act}",
        f"rank: {rank}",
        f"jurisdiction: {jurisdiction}",
    ]
    lines.append("---")
    for i in range(rules):
        begins = rng.choice(DAYS)
        until = f" until={dt.date(2025, 6, 30)}" if begins < DAYS[-1] and rng.random() < 0.3 else ""
        effect = rng.choice(["forbid", "require", "review", "ground", "ground", "oblige"])
        lines += [f'## 条 {{#{name}-{i} from={begins}{until} en="Article"}}', "> 文", ""]
        lines += [f"```rule {name}-{i}.1 {effect}", f"when: {condition(rng)}"]
        if rng.random() < 0.2:
            lines.append(f"except: [{name}-0] {condition(rng, 1)}")
        if effect == "require":
            lines.append(f"needs: {rng.choice(NEEDED)}")
        if effect == "review":
            lines.append(
                "authority: board" + ("\nmay: ground\ntrack: one" if rng.random() < 0.5 else "")
            )
        if effect == "ground":
            lines.append(f"track: {rng.choice(['one', 'two'])}")
        if effect in ("forbid", "require"):
            lines.append("party: handler")
        if effect == "oblige":
            lines.append(f"owes: handler before use\nbaseline: {rng.choice(['true', 'false'])}")
        lines += ["says: {zh: 说, en: says}", "```", ""]
    return "\n".join(lines)


NEEDED = ("true", "needed && also", "needed || also", "!needed")
MORE = "".join(
    f'[fact.{n}]\ntype = "bool"\nzh = "{n}"\nen = "{n}"\nslot = [3, {at}]\n'
    'source = "declared"\nchanged_by = ["handler"]\n'
    for n, at in (("needed", 7), ("also", 100))
)


@pytest.mark.parametrize("seed", range(3))
def test_no_difference_on_a_rulebook_drawn_at_random(seed: int) -> None:
    rng = Random(seed)
    texts = {"facts.toml": schema_text(rng) + MORE, "profiles.yaml": "{}\n"}
    for i, jurisdiction in enumerate(("cn", "cn", "eu")[: 1 + seed % 3]):
        texts[f"{i}.md"] = pack_text(rng, f"P{i}", jurisdiction, 10)
    book = compile_rulebook(texts)
    readings, source = Readings(book, compile_contracts(book)), draw(book, rng)
    requests = [to_ordinals(next(source)) for _ in range(600)]
    assert readings.difference(requests) is None
    assert readings.difference(requests[:40], solved=True) is None


def simple_rules(count: int) -> str:
    """A pack of so many short rules: masks of two words, a contract of several parts."""
    rng, written = Random(3), [_HEAD.format(name="B", rank="law", jurisdiction="cn")]
    for i in range(count):
        effect, needs = list(_SIMPLE.items())[i % len(_SIMPLE)]
        when = rng.choice("pqrst") if i % 8 else f"m < {rng.randint(1, 20)}"
        written.append(f"```rule B-0.{i} {effect}\nwhen: {when}\n{needs}\n{_SAYS}\n```\n")
    return "\n".join(written)


_SAYS = "says: {zh: 说, en: says}"
_SIMPLE = {
    "forbid": "party: handler",
    "require": "needs: needed\nparty: handler",
    "ground": "track: one",
    "review": "authority: board",
}
_HEAD = """---
id: {name}
instrument: {{zh: 法, en: Act}}
rank: {rank}
jurisdiction: {jurisdiction}
---

## 条 {{#B-0 from=2020-01-01 en="Article"}}
> 文
"""


def test_more_rules_than_a_word_has_bits_are_split_for_a_chain() -> None:
    texts = {"facts.toml": schema_text(Random(1)) + MORE, "b.md": simple_rules(258)}
    book = compile_rulebook({**texts, "profiles.yaml": "{}\n"})
    code = compile_contracts(book)
    assert len(code.parts) == 3
    readings, source = Readings(book, code), draw(book, Random(5))
    assert readings.difference([to_ordinals(next(source)) for _ in range(500)]) is None


def test_the_shipped_rulebook_is_split_for_a_chain(shipped: Shipped) -> None:
    code = shipped.bytecode
    assert len(code.parts) > 1
    for created in (*code.parts, code.dispatcher):
        assert len(created) // 2 < CHAIN_LIMIT
    engine = BytecodeEngine(shipped.book, code)
    assert engine.size > CHAIN_LIMIT, "in process one contract holds them all"


# --- in lockstep --------------------------------------------------------------------------------

PACK = """---
id: X
instrument: {zh: 法, en: Act}
rank: law
jurisdiction: cn
---

## 条 {#X-1 from=2020-01-01 en="Article"}
> 文

```rule X-1.1 ground
when: p
track: one
says: {zh: 说, en: says}
```

```rule X-1.2 forbid
when: p && CROSSED
party: handler
says: {zh: 说, en: says}
```
"""
DAY = dt.date(2026, 12, 1)


@pytest.fixture(scope="module")
def deceived() -> DecisionPoint:
    """A point with the contract of another rulebook: one of this book's red lines is none there."""
    texts = {"facts.toml": schema_text(Random(1)) + MORE, "profiles.yaml": "{}\n"}
    book = compile_rulebook({**texts, "x.md": PACK.replace("CROSSED", "q")})
    other = compile_rulebook({**texts, "x.md": PACK.replace("CROSSED", "!q")})
    return DecisionPoint(book, bytecode=compile_contracts(other))


@pytest.mark.parametrize("crossed", [True, False])
def test_a_contract_of_another_rulebook_raises_the_alarm(
    deceived: DecisionPoint, crossed: bool
) -> None:
    decision = deceived.decide(
        Admitted(known={LEGAL_DAY: DAY, "p": True, "q": crossed}, rejected={})
    )
    assert (decision.outcome, decision.curable) == (Outcome.DENY, False)
    assert decision.alarm == "two readings differ on X-1.2"


def test_where_they_agree_there_is_no_alarm(deceived: DecisionPoint) -> None:
    assert deceived.readings == ("bytecode", "python")
    # q is unknown, so both readings find undetermined
    known: dict[str, Value] = {LEGAL_DAY: DAY, "p": True, "kind": "b"}
    decision = deceived.decide(Admitted(known=known, rejected={}))
    assert (decision.outcome, decision.curable, decision.alarm) == (Outcome.DENY, True, None)


def test_without_a_legal_day_the_contract_refuses_and_the_answer_is_no(
    deceived: DecisionPoint,
) -> None:
    _, alarm = deceived.judge({"p": True, "q": False})
    assert alarm is not None and "refused" in alarm


def test_a_slot_that_is_no_fact_is_refused_by_the_contract(deceived: DecisionPoint) -> None:
    contract = deceived._contract
    assert contract is not None
    values = contract._packer.values({LEGAL_DAY: DAY.toordinal(), "p": True, "q": False})
    good = contract._packer.pack_values(values)
    place = (
        len(good) // 32 - 1 - (slot := deceived.book.schema.facts["q"].slot or (0, 0))[0]
    ) * 256 + slot[1]
    emptied = int.from_bytes(good, "big") & ~(3 << place)
    with pytest.raises(RuntimeError):
        contract._evm.message_call(
            "0x" + "00" * 19 + "01",
            contract._contract,
            calldata=contract._selector + emptied.to_bytes(len(good), "big"),
            is_static=True,
        )


# --- at the ends of ranges, and where somebody else answers -------------------------------------

ENDS = """
[track.other]
opens = "true"
min_rank = "agreement"
zh = "乙"
en = "other"

[fact.legal_day]
type = "date"
zh = "日"
en = "day"
slot = [0, 0]
source = "declared"

[fact.n]
type = "int"
min = 0
max = 4294967295
unit = "things"
zh = "数"
en = "n"
slot = [0, 40]
source = "declared"
"""


@pytest.mark.parametrize(
    "when", ["n <= 4294967295", "n > 4294967295", "n < 0", "n >= 0", "n == 4294967295", "n != 0"]
)
def test_the_ends_of_the_range_are_compared_alike(when: str) -> None:
    pack = PACK.replace("track: one", "track: other").replace("when: p && CROSSED", f"when: {when}")
    book = compile_rulebook({"facts.toml": ENDS, "x.md": pack.replace("when: p\n", "when: true\n")})
    requests = [{LEGAL_DAY: DAY.toordinal(), "n": n} for n in (0, 1, 4294967294, 4294967295)]
    readings = Readings(book, compile_contracts(book))
    assert readings.difference([*requests, {LEGAL_DAY: DAY.toordinal()}], solved=True) is None


def test_enums_whose_values_stand_in_another_order_are_not_compared() -> None:
    other = 'values = { b = "乙|b", a = "甲|a", c = "丙|c" }'
    facts = schema_text(Random(1)) + MORE
    name = facts.index('[fact."same_kind"]')
    begin = facts.index("values = ", name)
    facts = facts[:begin] + other + facts[facts.index("\n", begin) :]
    with pytest.raises(RuleError, match="different vocabularies"):
        compile_rulebook(
            {"facts.toml": facts, "x.md": PACK.replace("CROSSED", "kind == same_kind")}
        )


def test_no_answer_does_not_pass_for_a_permit(deceived: DecisionPoint) -> None:
    silent = replace(compile_contracts(deceived.book), merged="00")  # deploys no code at all
    point = DecisionPoint(deceived.book, bytecode=silent)
    _, alarm = point.judge({LEGAL_DAY: DAY.toordinal(), "p": True, "q": False})
    assert alarm == "the contract answered 0 bytes instead of 128"
