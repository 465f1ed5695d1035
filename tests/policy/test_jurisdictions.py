"""Jurisdictions: those that a consortium names bind it, and the strictest answer counts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random

import pytest

from heyi.model.errors import RuleError
from heyi.model.fact import Value
from heyi.policy.cases import checked_rulebook, run_cases
from heyi.policy.decide import DecisionPoint
from heyi.policy.engines.interpret import severity
from heyi.policy.language import ir
from heyi.policy.language.check import compile_rulebook
from heyi.policy.language.jurisdictions import CONSORTIUM_FILE, with_jurisdictions
from heyi.policy.language.schema import LEGAL_DAY, Admitted, attested
from heyi.sources.rulebook import read_rulebook
from tests.support.books import AFTER, article, every_request, judged, pack, rule, schema

FACTS = schema("a", "b", "c", main="a")
CN = pack(
    rule("X-1.1 ground", "b", track="main"),
    rule("X-1.2 require", "c", needs="b"),
    "```case cn-alone\ngiven:  {a: true, b: true, c: false}\n"
    "expect: {outcome: permit, fires: [X-1.1]}\n```\n",
)
EU = pack(
    rule("Y-1.1 ground", "c", track="main"),
    rule("Y-1.2 forbid", "a && b && c"),
    "```case eu-alone\ngiven:  {a: true, b: false, c: true}\n"
    "expect: {outcome: permit, fires: [Y-1.1]}\n```\n",
    name="Y",
    jurisdiction="eu",
)
BOTH = {"facts.toml": FACTS, "cn/x.md": CN, "eu/y.md": EU}


def book(*names: str, texts: Mapping[str, str] = BOTH) -> ir.Rulebook:
    return compile_rulebook(with_jurisdictions(texts, names))


def ids(of: ir.Rulebook) -> list[str]:
    return [r.id for r in of.rules]


# --- what the file says -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("names", "bind", "rules", "cases"),
    [
        (["cn"], ("cn",), ["X-1.1", "X-1.2"], ["cn-alone"]),
        (["eu"], ("eu",), ["Y-1.1", "Y-1.2"], ["eu-alone"]),
        (
            ["eu", "cn"],
            ("cn", "eu"),
            ["X-1.1", "X-1.2", "Y-1.1", "Y-1.2"],
            ["cn-alone", "eu-alone"],
        ),
        (["eu", "eu"], ("eu",), ["Y-1.1", "Y-1.2"], ["eu-alone"]),
    ],
)
def test_only_named_jurisdictions_bind(
    names: list[str], bind: tuple[str, ...], rules: list[str], cases: list[str]
) -> None:
    named = book(*names)
    assert named.jurisdictions == bind
    assert ids(named) == list(named.by_id) == rules
    assert [c.name for c in named.cases] == cases
    assert {c.jurisdiction for c in named.cases} == set(bind)
    assert set(named.articles) == {"X-1", "Y-1"}, "the articles of all packs can be read"


def test_all_bind_where_the_file_is_absent() -> None:
    everything = compile_rulebook(BOTH)
    assert everything.jurisdictions == ("cn", "eu")
    assert ids(everything) == ids(book("cn", "eu"))


def test_naming_another_law_is_a_change_of_the_rulebook() -> None:
    before = dict(BOTH)
    digests = {book(*names).digest for names in (["cn"], ["eu"], ["cn", "eu"])}
    assert len({*digests, compile_rulebook(BOTH).digest}) == 4
    assert before == BOTH, "the texts that were given are left as they are"


@pytest.mark.parametrize(
    ("text", "says", "hint"),
    [
        ('jurisdictions = ["us"]', "no pack is of the jurisdiction `us`", "packs of cn, eu"),
        ('jurisdictions = ["cn", "CN"]', "no pack is of the jurisdiction `CN`", "packs of cn, eu"),
        ("jurisdictions = [1]", "no pack is of the jurisdiction `1`", "packs of cn, eu"),
        ('jurisdictions = [["cn"]]', "no pack is of the jurisdiction", "packs of cn, eu"),
        ("jurisdictions = []", "at least one, and nothing else", 'write jurisdictions = ["cn"]'),
        ('jurisdictions = "cn"', "at least one, and nothing else", 'write jurisdictions = ["cn"]'),
        ("", "at least one, and nothing else", 'write jurisdictions = ["cn"]'),
        ('jurisdiction = ["cn"]', "at least one, and nothing else", 'write jurisdictions = ["cn"]'),
        (
            'jurisdictions = ["cn"]\nstrictest = false',
            "at least one, and nothing else",
            "write jurisdictions",
        ),
        ("jurisdictions = cn", "is not TOML", 'write jurisdictions = ["cn"]'),
    ],
)
def test_what_is_unknown_or_malformed_is_refused(text: str, says: str, hint: str) -> None:
    with pytest.raises(RuleError) as caught:
        compile_rulebook({**BOTH, CONSORTIUM_FILE: text + "\n"})
    assert (caught.value.file, caught.value.line) == (CONSORTIUM_FILE, 1)
    assert says in caught.value.message
    assert hint in caught.value.hint


# --- packs of others ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("a && b && c", "a && b && d", "unknown fact `d`"),
        ("track: main", "track: mine", "unknown track `mine`"),
        ("c: true}\nexpect", "c: 3}\nexpect", "`c` is `3`"),
        ("rank: law", "rank: lore", "unknown rank `lore`"),
        ("Y-1", "X-1", "article `X-1` is given twice"),
    ],
)
def test_a_broken_pack_is_refused_though_nobody_names_its_law(
    old: str, new: str, says: str
) -> None:
    assert old in EU
    with pytest.raises(RuleError) as caught:
        book("cn", texts={**BOTH, "eu/y.md": EU.replace(old, new)})
    assert (caught.value.file, says in caught.value.message) == ("eu/y.md", True), str(caught.value)


@pytest.mark.parametrize("names", [["cn"], ["eu"], ["cn", "eu"]], ids="+".join)
def test_an_exception_rests_on_law_of_its_own_jurisdiction(names: list[str]) -> None:
    own = pack(rule("X-1.1 forbid", "b", excepts="[X-2] a"), article("X-2"))
    assert ids(book("cn", texts={**BOTH, "cn/x.md": own})) == ["X-1.1"]
    foreign = own.replace("[X-2]", "[Y-1]")
    with pytest.raises(RuleError) as caught:
        book(*names, texts={**BOTH, "cn/x.md": foreign})
    error = caught.value
    assert error.message == "the exception rests on `Y-1`, which is law of `eu`"
    assert (error.file, error.excerpt[error.column - 1 :]) == ("cn/x.md", "Y-1] a")
    assert foreign.splitlines()[error.line - 1] == "except: [Y-1] a"
    assert "own jurisdiction" in error.hint


# --- several at once ----------------------------------------------------------------------------


def test_the_strictest_answer_counts() -> None:
    cn, eu, both = book("cn"), book("eu"), book("cn", "eu")
    stricter = {"cn": 0, "eu": 0, "neither": 0}
    for request in every_request(both):
        one, other = judged(cn, request), judged(eu, request)
        assert judged(both, request) == max(one, other), request
        stricter["cn" if one > other else "eu" if other > one else "neither"] += 1
    assert min(stricter.values()) >= 5, stricter


def test_a_ground_in_one_jurisdiction_is_none_in_another() -> None:
    admitted = Admitted(known={LEGAL_DAY: AFTER, "a": True, "b": True, "c": False}, rejected={})
    decision = DecisionPoint(book("cn", "eu")).decide(admitted)
    assert (decision.outcome.value, list(decision.ungrounded)) == ("deny", ["main"])
    assert DecisionPoint(book("cn")).decide(admitted).outcome.value == "permit"


def test_one_jurisdiction_of_a_book() -> None:
    both, alone = book("cn", "eu"), book("cn")
    assert ir.within(alone, "cn") is alone
    part = ir.within(both, "eu")
    assert (part.jurisdictions, ids(part), list(part.by_id)) == (
        ("eu",),
        ["Y-1.1", "Y-1.2"],
        ["Y-1.1", "Y-1.2"],
    )
    assert ids(both) == ["X-1.1", "X-1.2", "Y-1.1", "Y-1.2"]
    for request in every_request(both, complete=True):
        assert judged(ir.within(both, "cn"), request) == judged(alone, request)


def test_a_case_is_judged_within_its_own_jurisdiction() -> None:
    both = book("cn", "eu")
    assert [(r.case.name, r.faults) for r in run_cases(both)] == [
        ("cn-alone", ()),
        ("eu-alone", ()),
    ]
    for result in run_cases(both):
        together = DecisionPoint(both).decide_stated(
            attested(result.case.given, both.schema), day=result.case.at
        )
        assert (result.decision.outcome.value, together.outcome.value) == ("permit", "deny")


def test_a_case_knows_no_rule_of_another_jurisdiction() -> None:
    text = CN.replace("fires: [X-1.1]", "silent: [Y-1.2]")
    with pytest.raises(
        RuleError, match=r"expects `Y-1\.2` in `silent`, which does not exist"
    ) as caught:
        checked_rulebook(with_jurisdictions({**BOTH, "cn/x.md": text}, ["cn", "eu"]))
    assert caught.value.file == "cn/x.md"


@pytest.mark.parametrize(("case", "file"), [("cn-alone", "cn/x.md"), ("eu-alone", "eu/y.md")])
def test_a_case_that_fails_refuses_the_book_that_names_its_law(case: str, file: str) -> None:
    texts = {**BOTH, file: BOTH[file].replace("outcome: permit", "outcome: deny")}
    with pytest.raises(
        RuleError, match=f"case `{case}` fails: outcome is permit, not deny"
    ) as caught:
        checked_rulebook(with_jurisdictions(texts, ["cn", "eu"]))
    assert caught.value.file == file


# --- the shipped rulebook -----------------------------------------------------------------------


@pytest.fixture(scope="session")
def shipped() -> dict[str, DecisionPoint]:
    """By the jurisdictions that are named: `cn`, `eu`, `cn+eu`."""
    return {
        "+".join(names): DecisionPoint(compile_rulebook(with_jurisdictions(read_rulebook(), names)))
        for names in (["cn"], ["eu"], ["cn", "eu"])
    }


@pytest.fixture(scope="session")
def point(shipped: dict[str, DecisionPoint]) -> DecisionPoint:
    """What `near` and `anything` draw for; compiled, so that it is of these very texts."""
    return shipped["cn"]


@pytest.mark.parametrize("named", ["cn", "eu", "cn+eu"])
def test_all_worked_cases_pass_whatever_is_named(
    shipped: dict[str, DecisionPoint], named: str
) -> None:
    results = list(run_cases(shipped[named].book))
    assert [(r.case.name, r.faults) for r in results if r.faults] == []
    assert [r.case.name for r in results if r.decision.alarm] == []
    assert {r.case.jurisdiction for r in results} == set(named.split("+"))
    assert len(results) > 50


def test_the_shipped_law_of_both_is_that_of_each(shipped: dict[str, DecisionPoint]) -> None:
    of = {named: set(ids(point.book)) for named, point in shipped.items()}
    assert of["cn"] | of["eu"] == of["cn+eu"]
    assert of["cn"] and of["eu"] and not of["cn"] & of["eu"]


def test_l5_naming_the_union_beside_china_never_softens(
    shipped: dict[str, DecisionPoint],
    near: Callable[[Random], dict[str, Value]],
    anything: Callable[[Random, float], dict[str, Value]],
) -> None:
    rng = Random(5)
    count = {"permit": 0, "kept": 0, "stricter": 0}
    for n in range(10_000):
        facts = anything(rng, rng.choice([0.0, 0.1, 0.5])) if n % 5 == 0 else near(rng)
        cn, eu, both = (severity(*shipped[named].outcome(facts)) for named in ("cn", "eu", "cn+eu"))
        assert cn <= both == max(cn, eu), facts
        count["permit"] += cn <= 1
        count["kept"] += cn <= 1 and both <= 1
        count["stricter"] += both > cn
    assert min(count.values()) >= 20, count


def test_l5_the_lists_of_both_are_united(
    shipped: dict[str, DecisionPoint], near: Callable[[Random], dict[str, Value]]
) -> None:
    rng = Random(55)
    more = 0
    for _ in range(150):
        admitted = Admitted(known=near(rng), rejected={})
        before, after = shipped["cn"].decide(admitted), shipped["cn+eu"].decide(admitted)
        assert after.alarm is None
        assert set(before.cites) <= set(after.cites)
        assert {(m.fact, m.rule) for m in before.missing} <= {
            (m.fact, m.rule) for m in after.missing
        }
        assert {o.rule for o in before.obligations} <= {o.rule for o in after.obligations}
        assert set(before.approvals) <= set(after.approvals)
        more += set(before.cites) < set(after.cites)
    assert more >= 50, more
