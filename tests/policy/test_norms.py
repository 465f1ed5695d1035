"""The register of norms: errors and their places, standings, and packs that cite norms."""

from __future__ import annotations

import datetime as dt
from typing import NamedTuple

import pytest

from heyi.model.decision import Effect, Text
from heyi.model.errors import RuleError
from heyi.policy.language.check import compile_rulebook
from heyi.policy.language.norms import NORMS_FILE, Standing, account, load_norms
from tests.support.books import OFFICE, article, pack, rule, schema

INSTRUMENT = '[instrument.x]\nzh = "X法"\nen = "X Act"\nrank = "law"\njurisdiction = "cn"\n'
FACTS = schema("a", "b", OFFICE, main="a")


def norm(name: str = "X-1", *more: str, begins: str = "2020-01-01", confidence: str = "A") -> str:
    lines = [
        'zh = "条"',
        'en = "Article"',
        'instrument = "x"',
        f"from = {begins}",
        f'confidence = "{confidence}"',
        *more,
    ]
    return "\n".join([f'\n[norm."{name}"]', *lines, ""])


REGISTER = INSTRUMENT + norm()
HEAD = 1 + REGISTER.splitlines().index('[norm."X-1"]')
WHY = 'why = "甲|one"'


def texts(register: str | None, *packs: str) -> dict[str, str]:
    given = {} if register is None else {NORMS_FILE: register}
    return {"facts.toml": FACTS, **given, **{f"{i}.md": text for i, text in enumerate(packs)}}


def line_of(text: str, words: str) -> int:
    (found,) = [n for n, line in enumerate(text.splitlines(), 1) if words in line]
    return found


# --- loading ------------------------------------------------------------------------------------


def test_a_register_is_read_in_its_order_and_cannot_be_changed() -> None:
    more = ("until = 2024-12-31", 'by = ["X-1", "X-3"]', 'settled = "按公报|by the gazette"', WHY)
    norms = load_norms(
        INSTRUMENT + norm("X-2", *more, confidence="A-") + norm("X-1", begins="2021-05-01")
    )
    assert list(norms) == ["X-2", "X-1"]
    first, second = norms.values()
    assert (first.id, first.title, first.confidence) == ("X-2", Text(zh="条", en="Article"), "A-")
    assert (first.begins, first.until) == (dt.date(2020, 1, 1), dt.date(2024, 12, 31))
    assert (first.by, first.without) == (("X-1", "X-3"), "")
    assert (first.settled, first.why) == (
        Text(zh="按公报", en="by the gazette"),
        Text(zh="甲", en="one"),
    )
    assert (first.instrument.id, first.instrument.name) == ("x", Text(zh="X法", en="X Act"))
    assert (first.instrument.rank, first.instrument.jurisdiction) == ("law", "cn")
    assert (second.begins, second.until) == (dt.date(2021, 5, 1), None)
    assert (second.by, second.settled, second.why) == ((), None, None)
    with pytest.raises(TypeError):
        norms["X-3"] = first  # type: ignore[index]


class Bad(NamedTuple):
    """`REGISTER` with `old` replaced by `new`, or with `new` appended where there is no `old`."""

    says: str
    new: str
    old: str = ""
    line: int = HEAD
    hint: str = "norms.toml"

    @property
    def text(self) -> str:
        assert not self.old or REGISTER.count(self.old) == 1
        return REGISTER.replace(self.old, self.new) if self.old else REGISTER + self.new


LAST = REGISTER.count("\n") + 1
INSTRUMENT_FIELDS = "its fields are zh, en, rank and jurisdiction"
BAD = {
    "an instrument without rank": Bad(
        "instrument `x` is not well", "", 'rank = "law"\n', 1, INSTRUMENT_FIELDS
    ),
    "an instrument with a field more": Bad(
        "instrument `y` is not well",
        INSTRUMENT.replace(".x]", ".y]") + "from = 3\n",
        "",
        LAST,
        INSTRUMENT_FIELDS,
    ),
    "an instrument that is no table": Bad(
        "instrument `x` is not well", "[instrument]\nx = 3\n", INSTRUMENT, 2, INSTRUMENT_FIELDS
    ),
    "a norm that is no table": Bad("it is no table", "[norm]\nY-1 = 3\n", norm(), 7),
    "no English": Bad("it lacks `en`", "", 'en = "Article"\n'),
    "no Chinese": Bad("it lacks `zh`", "", 'zh = "条"\n'),
    "no instrument": Bad("it lacks `instrument`", "", 'instrument = "x"\n'),
    "no day": Bad("it lacks `from`", "", "from = 2020-01-01\n"),
    "no confidence": Bad("it lacks `confidence`", "", 'confidence = "A"\n'),
    "an unknown field": Bad("unknown field `form`", "form = 2020-01-01\n"),
    "an unknown instrument": Bad("unknown instrument `y`", 'instrument = "y"', 'instrument = "x"'),
    "an unknown confidence": Bad("confidence `D` is none of A, A-, B, C", '"D"', '"A"'),
    "a confidence that is a number": Bad("confidence `1` is none of", "1", '"A"'),
    "a quoted day": Bad("`from` is no date; write it without quotes", '"2020-01-01"', "2020-01-01"),
    "a quoted last day": Bad("`until` is no date", 'until = "2021-01-01"\n'),
    "an unknown reason": Bad("`without` is `other`", f'without = "other"\n{WHY}\n'),
    "a reason that is only a standing": Bad("`without` is `rules`", f'without = "rules"\n{WHY}\n'),
    "without, and no why": Bad("`without` needs `why`", 'without = "scope"\n'),
    "without, and by": Bad("no `by` beside it", f'without = "scope"\n{WHY}\nby = ["X-2"]\n'),
    "by that is no list": Bad("`by` is a list of articles", 'by = "X-2"\n'),
    "by with a number": Bad("`by` is a list of articles", "by = [2]\n"),
    "why in one language": Bad("`why` is one sentence in each language, zh|en", 'why = "甲"\n'),
    "why with nothing in English": Bad("`why` is one sentence", 'why = "甲|"\n'),
    "why with nothing in Chinese": Bad("`why` is one sentence", 'why = "|one"\n'),
    "why in three languages": Bad("`why` is one sentence", 'why = "甲|one|un"\n'),
    "settled in one language": Bad("`settled` is one sentence", 'settled = "甲"\n'),
}


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD.keys())
def test_refused_with_place_reason_and_hint(bad: Bad) -> None:
    load_norms(REGISTER)
    for refuse in (load_norms, lambda text: compile_rulebook(texts(text, pack()))):
        with pytest.raises(RuleError) as caught:
            refuse(bad.text)
        error = caught.value
        assert (error.file, error.line) == (NORMS_FILE, bad.line), str(error)
        assert error.excerpt == bad.text.splitlines()[bad.line - 1]
        assert bad.says in error.message
        assert bad.hint in error.hint


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (REGISTER + "why = = 1\n", LAST),
        (REGISTER + 'zh = "again"\n', LAST),
        (REGISTER + norm(), LAST + 1),
        (REGISTER + "why = '''\nopen", 1),
    ],
    ids=["syntax", "a field twice", "a norm twice", "a string without end"],
)
def test_what_is_not_toml_is_refused_at_its_line(text: str, line: int) -> None:
    with pytest.raises(RuleError, match=r"norms\.toml is not TOML") as caught:
        load_norms(text)
    assert (caught.value.file, caught.value.line) == (NORMS_FILE, line)


def test_what_is_not_toml_is_refused_with_a_hint() -> None:
    with pytest.raises(RuleError) as caught:
        load_norms(REGISTER + "why = = 1\n")
    assert caught.value.hint


UNREFUSED = {
    "norms that are none": "norm = 3\n",
    "instruments that are none": "instrument = 3\n",
    "a table of another name": REGISTER.replace("[norm.", "[norms."),
    "a list of instruments": REGISTER.replace('instrument = "x"', 'instrument = ["x"]'),
    "an instrument of no rank that there is": REGISTER.replace('"law"', '"lawe"'),
    "a jurisdiction that is a list": REGISTER.replace('"cn"', '["cn"]'),
    "a title that is empty": REGISTER.replace('"条"', '""'),
    "a day with an hour": REGISTER.replace("2020-01-01", "2020-01-01T08:00:00"),
    "a norm that ends before it begins": REGISTER + "until = 2019-12-31\n",
    "why that is blank": REGISTER + 'by = ["X-2"]\nwhy = " | "\n',
}


@pytest.mark.parametrize("text", UNREFUSED.values(), ids=UNREFUSED.keys())
def test_refused_too(text: str) -> None:
    assert text != REGISTER
    with pytest.raises(RuleError) as caught:
        load_norms(text)
    assert caught.value.file == NORMS_FILE


def test_the_place_is_found_though_a_comment_stands_behind_the_head() -> None:
    with pytest.raises(RuleError) as caught:
        load_norms(REGISTER.replace('[norm."X-1"]', '[norm."X-1"]  # first').replace('"A"', '"D"'))
    assert caught.value.line == HEAD


# --- what became of a norm ----------------------------------------------------------------------

SECOND = article("X-2") + rule("X-2.1 forbid", "a") + article("X-3")
BOOK = compile_rulebook(
    texts(None, pack(rule("X-1.1 forbid", "b"), rule("X-1.2 oblige", "a"), SECOND))
)


@pytest.mark.parametrize(
    ("entry", "standing", "rules"),
    [
        (norm("X-1"), Standing.RULES, ["X-1.1", "X-1.2"]),
        (norm("X-1", 'by = ["X-2"]'), Standing.RULES, ["X-1.1", "X-1.2", "X-2.1"]),
        (norm("X-9", 'by = ["X-2"]'), Standing.ELSEWHERE, ["X-2.1"]),
        (norm("X-9", 'by = ["X-2", "X-1"]', WHY), Standing.ELSEWHERE, ["X-2.1", "X-1.1", "X-1.2"]),
        (norm("X-9", 'without = "definition"', WHY), Standing.DEFINITION, []),
        (norm("X-9", 'without = "judgement"', WHY), Standing.JUDGEMENT, []),
        (norm("X-3", 'without = "scope"', WHY), Standing.SCOPE, []),
        (norm("X-3"), Standing.OPEN, []),
        (norm("X-9", WHY), Standing.OPEN, []),
        (norm("X-9", 'by = ["X-3"]'), Standing.OPEN, []),
        (norm("X-9", 'by = ["X-2", "X-8"]'), Standing.OPEN, ["X-2.1"]),
        (norm("X-1", 'without = "scope"', WHY), Standing.OPEN, ["X-1.1", "X-1.2"]),
    ],
)
def test_what_became_of_a_norm(entry: str, standing: Standing, rules: list[str]) -> None:
    (found,) = account(load_norms(INSTRUMENT + entry), BOOK.by_id)
    assert (found.standing, [r.id for r in found.rules]) == (standing, rules)


def test_every_norm_is_accounted_for_once_in_the_order_of_the_register() -> None:
    register = load_norms(INSTRUMENT + norm("X-3") + norm("X-1") + norm("X-9", 'by = ["X-1"]'))
    found = [(a.norm.id, a.standing.value) for a in account(register, BOOK.by_id)]
    assert found == [("X-3", "open"), ("X-1", "rules"), ("X-9", "elsewhere")]
    assert {a.standing for a in account(register, {})} == {Standing.OPEN}, (
        "no rule, nothing is enforced"
    )


# --- packs and the register ---------------------------------------------------------------------


def refused(register: str, text: str) -> RuleError:
    with pytest.raises(RuleError) as caught:
        compile_rulebook(texts(register, text))
    assert caught.value.file == "0.md"
    return caught.value


def test_an_article_has_the_confidence_of_its_norm() -> None:
    for confidence in ("A", "A-", "B", "C"):
        book = compile_rulebook(texts(INSTRUMENT + norm(confidence=confidence), pack()))
        assert book.articles["X-1"].confidence == confidence


def test_an_article_that_the_register_does_not_know_is_refused() -> None:
    text = pack(article("X-2"))
    error = refused(REGISTER, text)
    assert (error.message, error.line) == (
        "`X-2` is not in the register of norms",
        line_of(text, "{#X-2"),
    )
    assert "enter it in norms.toml" in error.hint


@pytest.mark.parametrize(
    ("entry", "pack_from", "pack_until", "says"),
    [
        (norm(begins="2020-01-02"), "2020-01-01", "", "2020-01-02 on"),
        (norm("X-1", "until = 2024-12-31"), "2020-01-01", "", "2020-01-01 to 2024-12-31"),
        (norm(), "2020-01-01", "2024-12-31", "2020-01-01 on"),
        (norm("X-1", "until = 2024-12-31"), "2020-01-01", "2024-12-30", "2020-01-01 to 2024-12-31"),
    ],
)
def test_days_that_differ_are_refused(
    entry: str, pack_from: str, pack_until: str, says: str
) -> None:
    text = pack().replace(article("X-1"), article("X-1", pack_from, pack_until))
    error = refused(INSTRUMENT + entry, text)
    assert error.message == f"`X-1` is in force from {says} in the register"
    assert (error.line, error.excerpt[error.column - 1 :].startswith("from=")) == (
        line_of(text, "{#X-1"),
        True,
    )
    assert error.hint == "let both say the same"


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("X法", "Y法", "Y法, X Act, law"),
        ("X Act", "Y Act", "X法, Y Act, law"),
        ('rank = "law"', 'rank = "regulation"', "X法, X Act, regulation"),
        ('rank = "law"', 'rank = "policy"', "X法, X Act, policy"),
    ],
)
def test_an_instrument_of_another_name_or_rank_is_refused(old: str, new: str, says: str) -> None:
    assert REGISTER.count(old) == 1
    error = refused(REGISTER.replace(old, new), pack())
    assert error.message == f"the register names the instrument of `X-1` otherwise: {says}, cn"
    assert (error.line, error.hint) == (line_of(pack(), "{#X-1"), "let both say the same")


def test_an_instrument_of_another_jurisdiction_is_refused() -> None:
    refused(REGISTER.replace('"cn"', '"eu"'), pack())


def test_an_agreement_needs_no_entry() -> None:
    accord = pack(rule("Z-1.1 forbid", "b"), name="Z", rank="agreement")
    book = compile_rulebook(texts(REGISTER, pack(), accord))
    assert [(a.id, a.confidence) for a in book.articles.values()] == [("X-1", "A"), ("Z-1", "")]
    error = refused(REGISTER, accord.replace("rank: agreement", "rank: standard"))
    assert "`Z-1` is not in the register" in error.message


def test_without_a_register_nothing_is_checked() -> None:
    book = compile_rulebook(texts(None, pack(rule("X-1.1 forbid", "b"))))
    assert [(a.id, a.confidence) for a in book.articles.values()] == [("X-1", "")]


@pytest.mark.parametrize("register", ["", INSTRUMENT], ids=["empty", "instruments alone"])
def test_a_register_without_norms_is_a_register(register: str) -> None:
    refused(register, pack())


FIELDS = {
    Effect.REQUIRE: {"needs": "b"},
    Effect.REVIEW: {"authority": "office"},
    Effect.GROUND: {"track": "main"},
}


def of_effect(effect: Effect) -> str:
    return pack(rule(f"X-1.1 {effect.value}", "a", **FIELDS.get(effect, {})))


@pytest.mark.parametrize("effect", Effect)
def test_below_an_unconfirmed_norm_stand_reviews_alone(effect: Effect) -> None:
    text = of_effect(effect)
    assert (
        compile_rulebook(texts(INSTRUMENT + norm(confidence="B"), text)).rules[0].effect is effect
    )
    unconfirmed = INSTRUMENT + norm(confidence="C")
    if effect is Effect.REVIEW:
        assert [r.id for r in compile_rulebook(texts(unconfirmed, text)).rules] == ["X-1.1"]
        return
    error = refused(unconfirmed, text)
    assert error.message == f"`X-1` is not confirmed (C): no rule may {effect.value} by it"
    assert error.line == line_of(text, "```rule X-1.1")
    assert "raise its confidence" in error.hint and "`review`" in error.hint


def test_an_unconfirmed_norm_without_rules_may_be_restated() -> None:
    book = compile_rulebook(texts(INSTRUMENT + norm(confidence="C"), pack()))
    assert (book.rules, book.articles["X-1"].confidence) == ((), "C")


def test_no_exception_rests_on_an_unconfirmed_norm() -> None:
    text = pack(article("X-2"), article("X-3"), rule("X-3.1 forbid", "b", excepts="[X-2] a"))
    register = REGISTER + norm("X-2", confidence="C") + norm("X-3")
    compile_rulebook(texts(register.replace('"C"', '"B"'), text))
    refused(register, text)
