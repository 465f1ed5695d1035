"""Rulebooks that must be refused: what is written, and the file, line and words of the refusal.

`vectors/decision/refusals.json` has more of them; here columns, excerpts and hints count too.
"""

from __future__ import annotations

import re
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heyi.model.errors import RuleError
from heyi.policy.cases import load_rulebook
from heyi.policy.language.pack import parse_pack

TOML = "facts.toml"
FACTS = """\
[track.personal]
opens = "open"
min_rank = "regulation"
zh = "个人"
en = "personal"

[fact.legal_day]
type = "date"
zh = "法律日"
en = "legal day"
slot = [0, 0]
source = "registry"

[fact.open]
type = "bool"
zh = "开放"
en = "open"
slot = [0, 40]
source = "declared"
changed_by = ["handler"]

[fact."act.kind"]
type = "enum"
zh = "行为"
en = "act"
slot = [0, 50]
values = { access = "查阅|access", provide = "提供|provide" }
source = "declared"
changed_by = ["requester"]

[fact."subject.age"]
type = "int"
min = 0
max = 150
zh = "年龄"
en = "age"
slot = [0, 60]
source = "catalogue"
changed_by = []

[fact."data.special"]
type = "set"
zh = "病种"
en = "disease"
slot = [0, 100]
values = { hiv = "艾滋病|HIV" }
source = "catalogue"
changed_by = []

[fact."approval.office"]
type = "enum"
zh = "办公室审批"
en = "decision of the office"
slot = [0, 120]
values = { none = "无|none", given = "同意|given", refused = "不同意|refused" }
source = "attested"
changed_by = ["authority"]
"""

HEAD = """\
---
id: x
instrument: {zh: 某法, en: Some Law}
rank: law
jurisdiction: cn
---

## 第一条 甲 {#X-1 from=2021-01-01 en="One"}
> 规范。

"""
RULE = (
    "```rule X-1.1 forbid\nwhen:   open\nparty:  handler\nsays:   {zh: 禁止, en: forbidden}\n```\n"
)
CASE = "```case c\ngiven:  {open: false}\nexpect: {outcome: permit}\n```\n"


def rule(when: str, *more: str, effect: str = "forbid", name: str = "X-1.1") -> str:
    body = [
        f"when:   {when}",
        *more,
        *(["party:  handler"] if effect in ("forbid", "require") else []),
    ]
    return "\n".join(
        [f"```rule {name} {effect}", *body, "says:   {zh: 禁止, en: forbidden}", "```", ""]
    )


class Bad(NamedTuple):
    """`body` follows `HEAD`, from line 11 of `x.md` on; `facts` follows `FACTS`."""

    line: int
    says: str
    body: str = RULE
    facts: str = ""
    file: str = "x.md"
    column: int = 0
    hint: str = ""
    more: tuple[tuple[str, str], ...] = ()
    head: tuple[str, str] = ("", "")
    schema: tuple[str, str] = ("", "")

    def texts(self) -> dict[str, str]:
        assert self.head[0] in HEAD and self.schema[0] in FACTS
        facts = FACTS.replace(*self.schema) if self.schema[0] else FACTS
        head = HEAD.replace(*self.head) if self.head[0] else HEAD
        return {TOML: facts + self.facts, "x.md": head + self.body, **dict(self.more)}


END = FACTS.count("\n")
LOWER = HEAD.replace("id: x", "id: y").replace("rank: law", "rank: agreement").replace("X-1", "Y-1")
EXTRA = (
    '\n[fact."extra"]\ntype = "bool"\nzh = "新"\nen = "new"\nslot = [0, 200]\nsource = "declared"\n'
)

BAD = {
    # conditions
    "syntax error": Bad(12, "found the end", rule("open &&"), column=16),
    "syntax error behind Chinese text": Bad(
        12, "`甲` (U+7532) is not ASCII", rule('act.kind == "access" && 甲'), column=33
    ),
    "syntax error in the second line": Bad(
        13, "`=` cannot stand here", rule("open\n        && subject.age = 3"), column=24
    ),
    "unknown fact": Bad(
        12,
        "unknown fact `subject.agee`",
        rule("subject.agee < 3"),
        column=9,
        hint="did you mean `subject.age`?",
    ),
    "number as a condition": Bad(
        12, "`subject.age` is an int", rule("open || subject.age"), column=17, hint="compare it"
    ),
    "bool compared with a number": Bad(
        12, "`open` is `3`", rule("open == 3"), column=17, hint="true or false"
    ),
    "text compared with a number": Bad(
        12, "`act.kind` is `3`", rule("act.kind == 3"), column=21, hint="one of access"
    ),
    "unknown member": Bad(
        12,
        "`acess` is not a value of `act.kind`",
        rule('act.kind in ["acess"]'),
        column=22,
        hint="did you mean `access`?",
    ),
    "unknown member of a set": Bad(
        12, "`flu` is not a value", rule('overlap(data.special, ["flu"])'), column=32
    ),
    "a day that is none": Bad(
        12, "is not a date", rule('legal_day > date("2021-02-29")'), column=26
    ),
    "nested too deeply": Bad(
        12, "nested too deeply", rule("(" * 100 + "open" + ")" * 100), hint="split the rule"
    ),
    # rules
    "a field is absent": Bad(
        11,
        "lacks `party`",
        RULE.replace("party:  handler\n", ""),
        hint="forbid needs the fields party",
    ),
    "a field nobody knows": Bad(
        14,
        "`because` has no meaning in a forbid rule",
        rule("open", "party:  x", "because: y").replace("party:  handler\n", ""),
    ),
    "the same rule twice": Bad(17, "rule `X-1.1` is given twice", RULE + "\n" + RULE),
    "a rule of another article": Bad(
        11, "rule `X-2.1` stands under `X-1`", rule("open", name="X-2.1"), column=9, hint="X-1.1"
    ),
    "a block without end": Bad(
        11, "this block is never closed", RULE.removesuffix("```\n"), hint="end it with ```"
    ),
    "a block of another kind": Bad(
        11, "unknown block `python`", "```python\n```\n", hint="rule, case and param"
    ),
    "an indented block": Bad(
        11, "looks like a block", " ```rule X-1.1 forbid\n```\n", hint="first column"
    ),
    "a head without effect": Bad(11, "head of this block is malformed", "```rule X-1.1\n```\n"),
    "English is absent": Bad(
        14, "both languages", RULE.replace(", en: forbidden", ""), column=9, hint="{zh: …, en: …}"
    ),
    "English is empty": Bad(14, "both languages", RULE.replace("en: forbidden", 'en: ""')),
    "a third language": Bad(
        14, "both languages", RULE.replace("en: forbidden", "en: forbidden, fr: interdit")
    ),
    "an exception of lower rank": Bad(
        13,
        "rests on `Y-1` (agreement), which ranks below `X-1` (law)",
        rule("open", "except: [Y-1] open"),
        more=(("y.md", LOWER),),
    ),
    "a ground of lower rank": Bad(
        13,
        "`Y-1` (agreement) ranks too low to ground `personal`",
        file="y.md",
        more=(("y.md", LOWER + rule("open", "track:  personal", effect="ground", name="Y-1.1")),),
        hint="at least a regulation",
    ),
    "evidence that nobody may change": Bad(
        13,
        "`subject.age` is needed, but nobody may change it",
        rule("open", "needs:  subject.age > 3", effect="require"),
    ),
    "an authority without approval": Bad(
        13, "no fact `approval.bureau`", rule("open", "authority: bureau", effect="review")
    ),
    "a rule that ends before it begins": Bad(
        13, "ends before it begins", rule("open", "until:  2020-12-31")
    ),
    "a rule from a bad day": Bad(
        13, "`2021-13-01` is not a date", rule("open", "from:   2021-13-01"), hint="YYYY-MM-DD"
    ),
    "a flag that is none": Bad(
        14,
        "expected true or false",
        rule("open", "owes:   handler before use", "baseline: yes", effect="oblige"),
    ),
    "a continuation of nothing": Bad(
        12, "a continuation needs a field", "```rule X-1.1 forbid\n   open\n```\n"
    ),
    "a line that is no field": Bad(
        12, "expected `key: value`", "```rule X-1.1 forbid\nopen is bad\n```\n"
    ),
    # articles and front matter
    "an article without day": Bad(8, "needs from=, en=", head=(" from=2021-01-01", "")),
    "an article in one language": Bad(8, "needs from=, en=", head=(' en="One"', "")),
    "an article without id": Bad(
        8, "a heading needs an id and a date", head=(' {#X-1 from=2021-01-01 en="One"}', "")
    ),
    "an article from a bad day": Bad(
        8, "`2021-00-01` is not a date", head=("2021-01-01", "2021-00-01")
    ),
    "front matter without rank": Bad(1, "the front matter lacks `rank`", head=("rank: law\n", "")),
    "front matter twice the same": Bad(
        5, "duplicate key `id`", head=("rank: law\n", "rank: law\nid: z\n"), column=1
    ),
    "front matter never closed": Bad(1, "front matter is never closed", head=("cn\n---", "cn\n")),
    # parameters and cases
    "a parameter that is no number": Bad(
        12, "from 2021-01-01 is not a whole number", "```param p\n2021-01-01: many\n```\n"
    ),
    "a parameter from a bad day": Bad(
        12, "`2021-02-30` is not a date", "```param p\n2021-02-30: 1\n```\n"
    ),
    "a parameter with a day twice": Bad(
        13, "duplicate key", "```param p\n2021-01-01: 1\n2021-01-01: 2\n```\n"
    ),
    "a parameter out of range": Bad(
        15,
        "parameter `p` is 151",
        "```param p\n2021-01-01: 151\n```\n" + rule("subject.age > param.p"),
        column=23,
    ),
    "a case that fails": Bad(
        13,
        "outcome is deny, not permit",
        CASE.replace("false", "true") + RULE,
        hint="refused whole",
    ),
    "a case with a key twice": Bad(
        12,
        "duplicate key `open`",
        CASE.replace("open: false", "open: false, open: true") + RULE,
        column=23,
    ),
    "a case with an unknown field": Bad(
        12, "has an unknown field `when`", CASE.replace("given", "when") + RULE
    ),
    "a case like nobody": Bad(
        12,
        "unknown profile `plane`",
        CASE.replace("given:  {open: false}", "like: plane"),
        more=(("profiles.yaml", "plain: {open: false}\n"),),
        hint="did you mean `plain`?",
    ),
    "a case of a wrong type": Bad(
        12, "`open` is `no`", CASE.replace("false", "no") + RULE, hint="true or false"
    ),
    "a case on a bad day": Bad(
        13, "is not a date", CASE.replace("expect", "at: tomorrow\nexpect") + RULE
    ),
    "a case that expects the unheard of": Bad(
        13, "expects an unknown `result`", CASE.replace("outcome", "result") + RULE
    ),
    "a case with an unknown source": Bad(
        13, "unknown source", CASE.replace("expect", "sources: {open: rumour}\nexpect") + RULE
    ),
    "a case that states what is derived": Bad(
        12,
        "`wide` is derived",
        CASE.replace("open", "wide") + RULE,
        facts='\n[fact.wide]\ntype = "bool"\nzh = "宽"\nen = "wide"\nderived = "open"\n',
    ),
    "profiles in a circle": Bad(
        1,
        "is like itself",
        CASE.replace("given:  {open: false}", "like: a"),
        file="profiles.yaml",
        more=(("profiles.yaml", "a: {like: [b]}\nb: {like: a}\n"),),
    ),
    # schema
    "slots that overlap": Bad(
        END + 2, "overlaps that of `open`", file=TOML, facts=EXTRA.replace("[0, 200]", "[0, 41]")
    ),
    "a slot across words": Bad(
        END + 2, "crosses the end of word 0", file=TOML, facts=EXTRA.replace("200", "255")
    ),
    "a derived fact of itself": Bad(
        END + 2,
        "`extra` is defined by itself",
        file=TOML,
        facts='\n[fact."extra"]\ntype = "bool"\nzh = "新"\nen = "new"\nderived = "open || extra"\n',
    ),
    "a derived fact of what is not declared": Bad(
        END + 6,
        "unknown fact `opn`",
        file=TOML,
        hint="did you mean `open`?",
        facts='\n[fact."extra"]\ntype = "bool"\nzh = "新"\nen = "new"\nderived = "!opn"\n',
    ),
    "a derived number": Bad(
        END + 2,
        "a derived fact is a bool",
        file=TOML,
        facts='\n[fact."extra"]\ntype = "int"\nmax = 3\nzh = "新"\nen = "new"\nderived = "open"\n',
    ),
    "an unknown type": Bad(
        END + 2,
        "fact `extra` is not well declared",
        file=TOML,
        facts=EXTRA.replace('"bool"', '"text"'),
    ),
    "an unknown source": Bad(
        END + 2,
        "fact `extra` is not well declared",
        file=TOML,
        facts=EXTRA.replace("declared", "rumour"),
    ),
    "an unknown changer": Bad(
        END + 2, "changed_by must be among", file=TOML, facts=EXTRA + 'changed_by = ["anybody"]\n'
    ),
    "a fact in one language": Bad(
        END + 2,
        "fact `extra` is not well declared: it lacks `en`",
        file=TOML,
        facts=EXTRA.replace('en = "new"\n', ""),
    ),
    "a number without range": Bad(
        END + 2, "min < max", file=TOML, facts=EXTRA.replace('"bool"', '"int"')
    ),
    "more members than bits": Bad(
        END + 2,
        "do not fit",
        file=TOML,
        facts=EXTRA.replace('"bool"', '"enum"')
        + 'values = { a = "甲|a", b = "乙|b" }\nreserve = 1\n',
    ),
    "a track of unknown rank": Bad(
        1, "a track is not well declared", file=TOML, schema=("regulation", "decree")
    ),
    "a track on what is not declared": Bad(
        2, "unknown fact `opne`", file=TOML, schema=('opens = "open"', 'opens = "opne"')
    ),
}

# accepted, or answered with an error of Python: each is a defect until it is refused by a RuleError
UNREFUSED = {
    "an article with an empty heading": Bad(8, "", head=('en="One"', 'en=""')),
    "an article from two days": Bad(
        8, "", head=("from=2021-01-01", "from=2021-01-01 from=2022-01-01")
    ),
    "an article from a day that is spelt otherwise": Bad(
        8, "is not a date", head=("2021-01-01", "20210101")
    ),
    "a case expects silence of a rule that is none": Bad(
        11, "X-9.9", CASE.replace("outcome: permit", "silent: [X-9.9]") + RULE
    ),
    "a profile states an unknown fact": Bad(
        1, "unknown fact", file="profiles.yaml", more=(("profiles.yaml", "p: {no.such: true}\n"),)
    ),
    "profiles do not parse": Bad(1, "", file="profiles.yaml", more=(("profiles.yaml", "p: [\n"),)),
    "a member in one language": Bad(
        END + 2,
        "",
        file=TOML,
        facts=EXTRA.replace('"bool"', '"enum"') + 'values = { a = "甲|a", b = "乙" }\n',
    ),
    "a fact with a field nobody knows": Bad(
        END + 2, "", file=TOML, facts=EXTRA + 'change_by = ["handler"]\n'
    ),
    "a case given a number": Bad(
        11, "unknown fact `1`", CASE.replace("open: false", "1: true") + RULE
    ),
    "a case with a source of a number": Bad(
        11, "unknown fact `1`", CASE.replace("expect", "sources: {1: declared}\nexpect") + RULE
    ),
    "a case like a list of lists": Bad(
        11, "", CASE.replace("given:  {open: false}", "like: [[x]]") + RULE
    ),
    "a case with a list in a set": Bad(
        11, "", CASE.replace("open: false", "data.special: [[hiv]]") + RULE
    ),
    "facts that are none": Bad(1, "", file=TOML, schema=(FACTS, "fact = 1\n")),
    "an unfinished date": Bad(12, "", rule("legal_day > date(")),
    "derived facts nested beyond measure": Bad(
        END + 2,
        "nested too deeply",
        rule("d11"),
        file=TOML,
        facts="".join(
            f'\n[fact.d{n}]\ntype = "bool"\nzh = "深"\nen = "deep"\n'
            f'derived = "{"(open || (open && " * 14}{f"d{n - 1}" if n else "open"}{"))" * 14}"\n'
            for n in range(12)
        ),
    ),
}


def test_the_good_rulebook_that_the_bad_ones_come_from_is_accepted() -> None:
    book = load_rulebook({TOML: FACTS, "x.md": HEAD + RULE}).book
    assert [r.id for r in book.rules] == ["X-1.1"]
    lower = LOWER + rule("open", "authority: office", effect="review", name="Y-1.1")
    accepted = {
        TOML: FACTS + EXTRA,
        "x.md": HEAD
        + RULE
        + CASE.replace("open: false", "act.kind: access").replace(
            "outcome: permit", "outcome: deny"
        ),
        "y.md": lower,
    }
    assert len(load_rulebook(accepted).book.rules) == 2


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD.keys())
def test_refused_with_place_and_reason(bad: Bad) -> None:
    with pytest.raises(RuleError) as caught:
        load_rulebook(bad.texts())
    error = caught.value
    assert (error.file, error.line) == (bad.file, bad.line), str(error)
    assert bad.says in error.message
    assert bad.hint in error.hint
    if bad.column:
        assert error.column == bad.column, str(error)
        assert error.excerpt == bad.texts()[error.file].splitlines()[error.line - 1]


@pytest.mark.parametrize("bad", UNREFUSED.values(), ids=UNREFUSED.keys())
def test_refused_too(bad: Bad) -> None:
    with pytest.raises(RuleError) as caught:
        load_rulebook(bad.texts())
    assert caught.value.file == bad.file


def test_the_table_is_large_and_nothing_stands_twice() -> None:
    assert len(BAD) >= 60
    assert len({tuple(bad.texts().items()) for bad in BAD.values()}) == len(BAD)


def test_the_caret_stands_below_the_fault() -> None:
    with pytest.raises(RuleError) as caught:
        load_rulebook(Bad(0, "", rule("open && consent")).texts())
    assert str(caught.value).splitlines()[1:] == [
        "  when:   open && consent",
        "                  ^",
    ]


def test_the_caret_moves_with_chinese_characters() -> None:
    with pytest.raises(RuleError) as caught:
        load_rulebook(Bad(0, "", rule('act.kind == "查阅" || open')).texts())
    place, excerpt, caret = str(caught.value).splitlines()
    assert place.startswith("x.md:12:21: `查阅` is not a value of `act.kind`")
    with pytest.raises(RuleError) as caught:
        load_rulebook(Bad(0, "", rule('act.kind == "查阅" = open')).texts())
    place, excerpt, caret = str(caught.value).splitlines()
    assert place.startswith("x.md:12:26: `=` cannot stand here")
    assert caret == " " * 23 + "　　" + "  ^", "two wide spaces below the two Chinese characters"
    assert excerpt.endswith('"查阅" = open')


def test_no_error_of_a_sentence_points_beside_it() -> None:
    text = RULE.replace("en: forbidden", "zh: 又")
    with pytest.raises(RuleError, match="duplicate key `zh`") as caught:
        load_rulebook({TOML: FACTS, "x.md": HEAD + text})
    assert (caught.value.line, caught.value.column) == (14, 18)


def test_one_bad_pack_refuses_the_whole_book() -> None:
    good, bad = HEAD + RULE, LOWER + rule("opne", name="Y-1.1")
    with pytest.raises(RuleError) as caught:
        load_rulebook({TOML: FACTS, "x.md": good, "y.md": bad})
    assert caught.value.file == "y.md"
    with pytest.raises(RuleError, match=re.escape("has no facts.toml")):
        load_rulebook({"x.md": good})


LINES = [
    "---",
    "```",
    "```rule X-1.1 forbid",
    "```case c",
    "```param p",
    "when: open",
    "expect: {outcome: permit}",
    "says: {zh: 一, en: one}",
    "party: x",
    '## 第二条 {#X-2 from=2021-01-01 en="Two"}',
    "## ",
    "2021-01-01: 1",
    "",
    "> text",
    " && open",
]


@given(st.lists(st.sampled_from(LINES) | st.text(alphabet='ab:# >`-=."', max_size=12), max_size=20))
def test_garbage_is_a_rule_error_with_a_line_of_the_text(lines: list[str]) -> None:
    text = HEAD + "\n".join(lines)
    try:
        parse_pack(text, file="x.md")
    except RuleError as e:
        assert 1 <= e.line <= len(text.splitlines()) and e.column >= 1
