"""Deadlines of duties: what is read, what is refused, and the words in both languages."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from heyi.model.decision import Deadline, Effect
from heyi.model.errors import RuleError
from heyi.policy.decide import DecisionPoint
from heyi.policy.language.deadline import EVENTS, PARTIES, UNITS, in_words, parse_owes
from heyi.policy.language.ir_json import deadline_to_json
from heyi.policy.language.schema import Admitted, attested
from tests.support.books import AFTER, compiled, pack, rule, schema
from tests.support.shipped import shipped_book

WRITTEN = [
    # what is written, the party, the deadline, and its words in Chinese and in English
    (
        "handler before provision",
        "handler",
        Deadline(kind="before", event="provision"),
        "提供前",
        "before the provision",
    ),
    (
        "recipient during use",
        "recipient",
        Deadline(kind="during", event="use"),
        "使用期间",
        "during the use",
    ),
    (
        "handler at request",
        "handler",
        Deadline(kind="at", event="request"),
        "申请时",
        "at the request",
    ),
    (
        "provider at export",
        "provider",
        Deadline(kind="at", event="export"),
        "出境时",
        "at the export",
    ),
    (
        "handler until 3 years after processing",
        "handler",
        Deadline(kind="until", amount=3, unit="year", event="processing"),
        "至处理后3年",
        "until 3 years after processing",
    ),
    (
        "handler until 1 year after processing",
        "handler",
        Deadline(kind="until", amount=1, unit="year", event="processing"),
        "至处理后1年",
        "until 1 year after processing",
    ),
    (
        "requester within 10 workdays after settlement",
        "requester",
        Deadline(kind="within", amount=10, unit="workday", event="settlement"),
        "结算后10个工作日内",
        "within 10 working days after the settlement",
    ),
    (
        "authority within 24 hours after discovery",
        "authority",
        Deadline(kind="within", amount=24, unit="hour", event="discovery"),
        "发现后24小时内",
        "within 24 hours after its discovery",
    ),
    (
        "handler within 1 day after withdrawal",
        "handler",
        Deadline(kind="within", amount=1, unit="day", event="withdrawal"),
        "撤回同意后1日内",
        "within 1 day after the withdrawal of consent",
    ),
    (
        "handler every 1 year",
        "handler",
        Deadline(kind="every", amount=1, unit="year"),
        "每年",
        "every year",
    ),
    (
        "handler every 6 months",
        "handler",
        Deadline(kind="every", amount=6, unit="month"),
        "每6个月",
        "every 6 months",
    ),
    (
        "handler every 1 month",
        "handler",
        Deadline(kind="every", amount=1, unit="month"),
        "每个月",
        "every month",
    ),
    (
        "handler every 1 workday",
        "handler",
        Deadline(kind="every", amount=1, unit="workday"),
        "每个工作日",
        "every working day",
    ),
]


@pytest.mark.parametrize(
    ("text", "party", "deadline", "zh", "en"), WRITTEN, ids=[w[0] for w in WRITTEN]
)
def test_what_is_written_is_what_is_read(
    text: str, party: str, deadline: Deadline, zh: str, en: str
) -> None:
    assert parse_owes(text) == (party, deadline)
    words = in_words(deadline)
    assert (words.zh, words.en) == (zh, en)
    spaced = "\n   ".join(text.split(" "))
    assert parse_owes(f"  {spaced}\t") == (party, deadline), "a line may be continued"


def test_singular_and_plural_are_read_alike() -> None:
    for unit in UNITS:
        for amount in (1, 2):
            for form in (
                f"handler within {amount} {unit}{{}} after use",
                f"handler every {amount} {unit}{{}}",
            ):
                assert parse_owes(form.format("")) == parse_owes(form.format("s"))


deadlines = st.one_of(
    st.builds(
        lambda k, e: Deadline(kind=k, event=e),
        st.sampled_from(["before", "during", "at"]),
        st.sampled_from([*EVENTS]),
    ),
    st.builds(
        lambda k, n, u, e: Deadline(kind=k, amount=n, unit=u, event=e),
        st.sampled_from(["within", "until"]),
        st.integers(1, 9_999),
        st.sampled_from([*UNITS]),
        st.sampled_from([*EVENTS]),
    ),
    st.builds(
        lambda n, u: Deadline(kind="every", amount=n, unit=u),
        st.integers(1, 9_999),
        st.sampled_from([*UNITS]),
    ),
)


@given(st.sampled_from(PARTIES), deadlines)
def test_every_deadline_can_be_written_and_is_told_in_full(party: str, deadline: Deadline) -> None:
    span = (
        f"{deadline.amount} {deadline.unit}{'s' if deadline.amount > 1 else ''}"
        if deadline.amount
        else ""
    )
    after = "after" if deadline.kind in ("within", "until") else ""
    text = " ".join(part for part in (party, deadline.kind, span, after, deadline.event) if part)
    assert parse_owes(text) == (party, deadline)
    assert Deadline(**deadline_to_json(deadline)) == deadline
    words = in_words(deadline)
    assert re.search(r"[一-鿿]", words.zh) and not re.search(r"[a-z]", words.zh)
    assert words.en.startswith(deadline.kind) and not re.search(r"[一-鿿]", words.en)
    if deadline.amount > 1:
        assert str(deadline.amount) in words.zh and f" {deadline.amount} " in words.en
    if deadline.amount:
        plural = deadline.amount > 1
        assert (re.search(rf"{UNITS[deadline.unit][1]}s\b", words.en) is not None) is plural
    if deadline.event:
        assert EVENTS[deadline.event][0] in words.zh and words.en.endswith(
            EVENTS[deadline.event][1]
        )


def test_no_two_events_or_units_read_the_same() -> None:
    for table in (EVENTS, UNITS):
        for i in (0, 1):
            words = [pair[i] for pair in table.values()]
            assert len(set(words)) == len(words)


# --- what is refused ----------------------------------------------------------------------------

REFUSED = {
    "": "`` cannot owe a duty",
    "nobody before use": "`nobody` cannot owe a duty; one of handler",
    "before use": "`before` cannot owe a duty",
    "handler": "; write `",
    "handler soon": "`soon` is no deadline",
    "handler use": "`use` is no deadline",
    "handler before": "`before` is no deadline",
    "handler before the use": "`before the use` is no deadline",
    "handler before lunch": "`lunch` is no event; one of request",
    "handler within 3 years": "`within 3 years` is no deadline",
    "handler within 3 years after": "is no deadline",
    "handler within years after use": "is no deadline",
    "handler within 0 years after use": "is no deadline",
    "handler within 03 years after use": "is no deadline",
    "handler within -3 years after use": "is no deadline",
    "handler within 10000 years after use": "is no deadline",
    "handler within 3.5 years after use": "is no deadline",
    "handler within ３ years after use": "is no deadline",
    "handler within 3 yearss after use": "`years` is no unit of time; one of hour",
    "handler within 3 weeks after use": "`week` is no unit of time",
    "handler within 3 years after lunch": "`lunch` is no event",
    "handler every year": "`every year` is no deadline",
    "handler every 1 year after use": "is no deadline",
    "handler every 1 decade": "`decade` is no unit of time",
    "handler at use, before export": "is no deadline",
    "Handler at use": "`Handler` cannot owe a duty",
    "handler At use": "is no deadline",
}


@pytest.mark.parametrize(("text", "says"), REFUSED.items())
def test_refused_with_the_way_to_write_it(text: str, says: str) -> None:
    with pytest.raises(ValueError, match=re.escape(says)):
        parse_owes(text)


@given(st.text(alphabet="handler wtiuynob0123456789sf\n甲", max_size=40))
@example("handler within 9999 workdays after use")
def test_anything_is_read_or_refused(text: str) -> None:
    try:
        party, deadline = parse_owes(text)
    except ValueError as e:
        assert "; " in str(e), "what is wrong, and how it is written"
    else:
        assert party in PARTIES and in_words(deadline).en


def test_a_pack_is_refused_at_the_line_of_the_deadline() -> None:
    with pytest.raises(RuleError) as caught:
        compiled(
            schema("a"), pack(rule("X-1.1 oblige", "a", owes="handler within 3 weeks after use"))
        )
    error = caught.value
    text = pack(rule("X-1.1 oblige", "a", owes="handler within 3 weeks after use"))
    assert text.splitlines()[error.line - 1].startswith("owes: ")
    assert (error.message, error.hint) == (
        "`week` is no unit of time",
        "one of hour, day, workday, month, year",
    )


# --- in an answer -------------------------------------------------------------------------------


def test_an_obligation_says_who_and_by_when() -> None:
    owes = "recipient until 3 years after processing"
    book = compiled(schema("a"), pack(rule("X-1.1 oblige", "a", owes=owes)))
    facts = attested({"a": True}, book.schema)
    (duty,) = DecisionPoint(book).decide_stated(facts, day=AFTER).obligations
    assert (duty.party, duty.due.en) == ("recipient", "until 3 years after processing")
    assert deadline_to_json(duty.deadline) == {
        "kind": "until",
        "amount": 3,
        "unit": "year",
        "event": "processing",
    }
    nothing = DecisionPoint(book).decide(
        Admitted(known={"legal_day": AFTER, "a": False}, rejected={})
    )
    assert nothing.obligations == ()


def test_every_duty_of_the_shipped_rulebook_has_a_deadline() -> None:
    book = shipped_book()
    duties = [r for r in book.rules if r.effect is Effect.OBLIGE]
    assert duties
    for r in duties:
        assert r.deadline is not None
        assert r.party in PARTIES
    assert {r.id for r in book.rules if r.deadline is not None} == {r.id for r in duties}
    # article 56: the report is kept at least three years
    (kept,) = [r.deadline for r in duties if r.id == "PIPL-56.1"]
    assert kept == Deadline(kind="until", amount=3, unit="year", event="processing")
