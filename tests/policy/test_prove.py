"""Claims and laws: the solver agrees with a search over all requests, counterexamples are real."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import NamedTuple

import pytest
import z3

from heyi.model.decision import Effect, Outcome, Rank
from heyi.model.errors import InvalidInput
from heyi.model.fact import Value
from heyi.policy.engines.interpret import Reading, evaluate, read
from heyi.policy.engines.to_python import PythonEngine
from heyi.policy.engines.to_smt import Bool, Question, SymbolicFacts, learning
from heyi.policy.engines.to_smt import SymbolicReading as Formulas
from heyi.policy.language import ir
from heyi.policy.language.schema import LEGAL_DAY, to_ordinals
from heyi.policy.proofs import prove
from heyi.policy.proofs.prove import Law, ProofResult, Prover, laws, parse_claim, reduced
from tests.support.books import (
    AFTER,
    DRAWN,
    OFFICE,
    Request,
    compiled,
    condition,
    drawn,
    every_request,
    judged,
    less_one,
    pack,
    rule,
    schema,
    without,
)
from tests.support.shipped import shipped_book

FACTS = schema(
    "personal", "consent", "withdrawn!", "study", "n 0..3", OFFICE, main="personal; regulation"
)
GROUND = rule("X-1.1 ground", "consent", track="main")
RED = rule("X-1.2 forbid", "personal && withdrawn")
MINOR = rule("X-1.3 require", "personal && n < 2", needs="consent")
STUDY = rule("X-1.4 review", "personal && study", authority="office")
DUTY = rule("X-1.5 oblige", "personal && n == 3")
PACK = pack(GROUND, RED, MINOR, STUDY, DUTY)

PERMITTED = [
    "no request with {} is ever permitted",
    "no request with {} is permitted",
    "凡 {} 的申请，一律不予准许",
]
PERMITTED += ["凡 {} 的申请，不予准许", "凡{}的申请，一律不予准许。", "凡 {}，一律不予准许"]
DENIED = [
    "no request with {} is ever denied",
    "no request with {} is denied.",
    "凡 {} 的申请，一律不予拒绝",
]
APPROVED = [
    "no request with {} ever needs approval",
    "no request with {} needs approval",
    "凡 {} 的申请，一律不须批准",
]
ALL_PERMITTED = [
    "every request with {} is permitted",
    "凡 {} 的申请，一律准许",
    "凡 {} 的申请，一律予以准许",
]
ALL_DENIED = [
    "every request with {} is denied",
    " every request with {}\n is denied. ",
    "凡 {} 的申请，一律予以拒绝",
]
ALL_LOST = ["every request with {} is denied beyond cure", "凡 {} 的申请，一律予以拒绝且不可补正"]

Refutes = Callable[[Reading], bool]
REFUTED: dict[str, Refutes] = {
    **dict.fromkeys(PERMITTED, lambda r: r.outcome.is_permit),
    **dict.fromkeys(DENIED, lambda r: r.outcome is Outcome.DENY),
    **dict.fromkeys(APPROVED, lambda r: r.outcome is Outcome.NEEDS_APPROVAL),
    **dict.fromkeys(ALL_PERMITTED, lambda r: not r.outcome.is_permit),
    **dict.fromkeys(ALL_DENIED, lambda r: r.outcome is not Outcome.DENY),
    **dict.fromkeys(ALL_LOST, lambda r: r.outcome is not Outcome.DENY or r.curable),
}
"""Every way in which a claim may be written, and which answers refute it."""


class Asked(NamedTuple):
    book: ir.Rulebook
    prover: Prover
    judged: list[tuple[ir.Known, Reading]]


def asked(facts: str, text: str) -> Asked:
    book = compiled(facts, text)
    known = [to_ordinals(r) for r in every_request(book)]
    return Asked(book, Prover(book), [(k, read(book, k)) for k in known])


@pytest.fixture(scope="module")
def small() -> Asked:
    return asked(FACTS, PACK)


def is_real(book: ir.Rulebook, answer: ProofResult, holds: ir.Condition, refutes: Refutes) -> bool:
    """Whether a counterexample refutes the claim by the interpreter and by the generated Python."""
    assert answer.counterexample is not None
    known = to_ordinals(answer.counterexample)
    one, other = read(book, known), PythonEngine(book).read(known)
    assert one == other
    assert (answer.outcome, answer.curable) == (one.outcome, one.curable)
    return evaluate(holds, known) is True and refutes(one)


def agrees(small: Asked, form: str, when: str) -> bool:
    """The prover says of a claim what every request says; returns whether it holds."""
    answer = small.prover.prove(form.format(when))
    holds, refutes = parse_claim(small.book, form.format(when)).condition, REFUTED[form]
    refuted = any(
        evaluate(holds, known) is True and refutes(reading) for known, reading in small.judged
    )
    assert answer.proved is not refuted, form.format(when)
    if not answer.proved:
        assert is_real(small.book, answer, holds, refutes), answer
    return answer.proved


# --- claims -------------------------------------------------------------------------------------

CURABLE = 'personal && !consent && !withdrawn && !study && legal_day >= date("2020-01-01")'
"""What is denied until there is consent, and never beyond cure."""
BY_HAND = [
    # form, condition, and whether the claim holds: worked out on paper from `PACK`
    (PERMITTED[0], "personal && withdrawn", True),
    (PERMITTED[0], "withdrawn", False),  # whoever withdrew, what is not personal needs no consent
    (PERMITTED[0], "personal && !consent", True),
    (PERMITTED[0], "personal && study", False),
    (PERMITTED[0], 'personal && study && approval.office == "none"', True),
    (PERMITTED[0], "false", True),
    (PERMITTED[0], "true", False),
    (PERMITTED[0], "personal || !personal", False),
    (DENIED[0], "!personal", True),  # every rule of the pack is then known not to apply
    (DENIED[0], "!withdrawn", False),
    *((form, CURABLE, False) for form in DENIED),
    (APPROVED[0], "!study", True),
    (APPROVED[0], "study", False),
    (ALL_PERMITTED[0], "!personal", True),
    (ALL_PERMITTED[0], "personal && consent", False),
    (ALL_DENIED[0], "personal && !consent", True),
    (ALL_DENIED[0], "personal", False),
    (ALL_LOST[0], "personal && withdrawn", True),
    (ALL_LOST[0], "personal && !consent", False),  # consent may still be given
]
OVER_TIME = [
    (PERMITTED[0], 'personal && legal_day < date("2020-01-01")', True),  # there is no ground yet
    (PERMITTED[0], 'personal && legal_day <= date("2020-01-01")', False),
    (
        ALL_LOST[0],
        'personal && legal_day < date("2020-01-01")',
        True,
    ),  # nor will one come on that day
    (ALL_LOST[0], 'personal && legal_day != date("2020-01-01")', False),
    (ALL_DENIED[2], 'personal && date("2020-01-01") > legal_day', True),
    (ALL_PERMITTED[1], 'legal_day < date("2020-01-01")', False),
    (ALL_PERMITTED[1], '!personal && legal_day > date("9999-12-30")', True),
]


@pytest.mark.parametrize(("form", "when", "holds"), BY_HAND + OVER_TIME)
def test_claims_worked_out_by_hand(small: Asked, form: str, when: str, holds: bool) -> None:
    assert agrees(small, form, when) is holds


@pytest.mark.parametrize("form", REFUTED)
def test_every_form_means_what_it_says(small: Asked, form: str) -> None:
    """Each form is true of one condition and false of another, as in a search over all requests."""
    conditions = [
        "personal && withdrawn",
        "personal && !consent",
        "!personal",
        "personal && study",
        "n >= 2",
        "true",
    ]
    assert {agrees(small, form, when) for when in conditions} == {True, False}


def test_english_and_chinese_forms_are_the_same_claims(small: Asked) -> None:
    for forms in (PERMITTED, DENIED, APPROVED, ALL_PERMITTED, ALL_DENIED, ALL_LOST):
        for when in ("personal && withdrawn", "personal && study", "!personal"):
            answers = {small.prover.prove(form.format(when)).proved for form in forms}
            assert len(answers) == 1, (forms[0], when)


@pytest.mark.parametrize("seed", range(4))
def test_claims_about_rulebooks_drawn_at_random(seed: int) -> None:
    rng = Random(seed)
    small = asked(DRAWN, drawn(rng))
    held = [agrees(small, form, condition(rng)) for form in REFUTED for _ in range(3)]
    assert 0 < sum(held) < len(held)


def test_a_day_in_a_claim_may_be_any_day(small: Asked) -> None:
    """The counterexample lies on a day that the claim speaks of, however narrow."""
    claim = (
        'no request with personal && legal_day > date("2031-05-06")'
        ' && legal_day < date("2031-05-08") is permitted'
    )
    answer = small.prover.prove(claim)
    assert answer.counterexample is not None
    assert answer.counterexample[LEGAL_DAY] == dt.date(2031, 5, 7)


@pytest.mark.parametrize("day", [dt.date(2020, 1, 1), dt.date(2031, 5, 6), dt.date(9999, 12, 31)])
def test_a_counterexample_of_a_given_day_is_preferred(small: Asked, day: dt.date) -> None:
    today = small.prover.prove("no request with personal is ever permitted", on=day)
    assert today.counterexample is not None
    assert today.counterexample[LEGAL_DAY] == day
    past = small.prover.prove(
        'no request with personal && legal_day < date("2020-01-02") is ever permitted', on=day
    )
    assert past.counterexample is not None, "refuted on another day all the same"
    assert past.counterexample[LEGAL_DAY] == dt.date(2020, 1, 1)
    assert small.prover.prove(
        "no request with personal && withdrawn is ever permitted", on=day
    ).proved


def test_unknown_does_not_count_as_held(small: Asked) -> None:
    """`with CONDITION` means that it is known to hold: an unknown withdrawal is no withdrawal."""
    told = small.prover.prove("every request with personal && withdrawn is denied beyond cure")
    silent = small.prover.prove("every request with personal && consent is denied")
    assert told.proved
    assert silent.counterexample is not None
    assert silent.counterexample["withdrawn"] is False, (
        "with withdrawal unknown the answer would be a denial"
    )


def test_a_proof_about_no_request_at_all_says_so(small: Asked) -> None:
    nothing = ["false", "n < 1 && n > 2", 'legal_day > date("9999-12-31")', "consent && !consent"]
    for form in (PERMITTED[0], ALL_DENIED[0], ALL_LOST[1]):
        for when in nothing:
            answer = small.prover.prove(form.format(when))
            assert (answer.proved, answer.vacuous) == (True, True), when
    for form, when, holds in BY_HAND:
        if when != "false":
            answer = small.prover.prove(form.format(when))
            assert (answer.proved, answer.vacuous) == (holds, False), when


# --- counterexamples ----------------------------------------------------------------------------


def test_a_counterexample_holds_nothing_that_does_not_matter(small: Asked) -> None:
    answer = small.prover.prove("no request with !personal is ever permitted")
    assert answer.counterexample is not None
    assert dict(answer.counterexample) == {
        LEGAL_DAY: answer.counterexample[LEGAL_DAY],
        "personal": False,
    }
    assert (answer.outcome, answer.curable, answer.proved) == (Outcome.PERMIT, False, False)


@pytest.mark.parametrize("form", PERMITTED + ALL_PERMITTED)
def test_every_fact_of_a_counterexample_is_needed(small: Asked, form: str) -> None:
    seen = 0
    for when in (
        "personal",
        "personal && study",
        "n >= 2",
        "withdrawn",
        "consent && n == 1",
        "true",
    ):
        answer = small.prover.prove(form.format(when))
        if answer.counterexample is not None:
            claim = parse_claim(small.book, form.format(when))
            for name, less in less_one(answer.counterexample):
                known = to_ordinals(less)
                still = evaluate(claim.condition, known) is True and REFUTED[form](
                    read(small.book, known)
                )
                assert not still, f"`{name}` could go from {answer.counterexample}"
                seen += 1
    assert seen


def test_reduced_leaves_the_legal_day_and_what_is_needed() -> None:
    request: dict[str, Value] = {LEGAL_DAY: AFTER, "a": True, "b": False, "c": 3}
    assert reduced(request, lambda r: r.get("b") is False) == {LEGAL_DAY: AFTER, "b": False}
    assert reduced(request, lambda r: "a" in r and "c" in r) == {
        LEGAL_DAY: AFTER,
        "a": True,
        "c": 3,
    }
    assert reduced(request, lambda r: len(r) == 4) == request
    assert request == {LEGAL_DAY: AFTER, "a": True, "b": False, "c": 3}, (
        "what was given is left as it was"
    )


@pytest.mark.parametrize("outcome", [Outcome.DENY, Outcome.NEEDS_APPROVAL])
def test_reduced_tries_again_what_another_fact_kept(outcome: Outcome) -> None:
    """A refusal denies only where all else is in order; a board without a say is no obstacle."""
    board = "approval.board none|given|refused"
    book = compiled(
        schema(
            "adult",
            "personal",
            "consent",
            "withdrawn!",
            "study",
            "n 0..3",
            OFFICE,
            board,
            main="personal; law",
        ),
        PACK + rule("X-1.6 review", "!adult", authority="board"),
    )
    request: dict[str, Value] = {
        LEGAL_DAY: AFTER,
        "personal": True,
        "consent": True,
        "withdrawn": False,
        "n": 3,
    }
    request |= {"study": True, "adult": True, "approval.board": "refused"}
    if outcome is Outcome.DENY:
        request["approval.office"] = "refused"

    def counts(facts: Request) -> bool:
        return read(book, to_ordinals(facts)).outcome is outcome

    assert counts(request)
    left = reduced(request, counts)
    assert counts(left)
    assert [name for name, less in less_one(left) if counts(less)] == []


# --- what is no claim ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "sentence",
    [
        "",
        "personal",
        "every",
        "凡",
        "no request is ever permitted",
        "no request with personal",
        "no request with personal is",
        "no request with personal is ever sometimes permitted",
        "no request with personal is ever permitted, or denied",
        "every request with personal is ever denied",
        "every request with personal is not permitted",
        "every request with personal needs approval",
        "some request with personal is permitted",
        "凡 personal 的申请，或许不予准许",
        "凡 personal 的申请，予以拒绝",
        "有 personal 的申请，一律不予准许",
    ],
)
def test_what_is_no_claim_is_refused_with_the_ways_to_write_one(
    small: Asked, sentence: str
) -> None:
    with pytest.raises(InvalidInput, match="this is no claim that can be proved") as caught:
        small.prover.prove(sentence)
    for form in (PERMITTED[0], ALL_DENIED[0], PERMITTED[2]):
        shown = form.format("CONDITION")
        assert shown in caught.value.hint
        parse_claim(small.book, shown.replace("CONDITION", "personal"))


@pytest.mark.parametrize(
    ("when", "says", "at", "hint"),
    [
        ("personal && consnet", "unknown fact `consnet`", 12, "did you mean `consent`?"),
        ("personal &&", "found the end", 11, ""),
        ("personal & consent", "`&` cannot stand here", 9, "&&"),
        ("n", "`n` is a", 0, "compare it"),
        ("personal && n < 4", "`n` is 4, outside 0 to 3", 16, "things"),
        ('approval.office == "givn"', "`givn` is not a value", 19, "did you mean `given`?"),
        ('legal_day < date("2021-02-30")', "is not a date", 17, ""),
        ("n < param.low", "unknown parameter `low`", 4, ""),
        ("(personal", "expected `)`", 9, ""),
    ],
)
@pytest.mark.parametrize("form", [PERMITTED[0], ALL_LOST[1]])
def test_a_condition_that_is_none_is_pointed_at(
    small: Asked, form: str, when: str, says: str, at: int, hint: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        small.prover.prove(form.format(when))
    message, excerpt, caret = caught.value.message.splitlines()
    assert says in message
    assert (excerpt, caret) == (f"  {when}", " " * (2 + at) + "^")
    assert hint in caught.value.hint
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("form", [PERMITTED[0], ALL_DENIED[0], PERMITTED[2]])
@pytest.mark.parametrize("name", ["diagnosis", "this", "needs"])
def test_a_fact_may_end_like_a_word_of_the_claim(form: str, name: str) -> None:
    book = compiled(schema(name), pack(rule("X-1.1 forbid", name)))
    assert parse_claim(book, form.format(f"!{name}")).condition == ir.Not(ir.Fact(name))


# --- the shipped rulebook -----------------------------------------------------------------------

KEPT = 'act.action != "delete"'

SHIPPED: list[tuple[str, bool]] = [
    # a claim, and whether it holds by the law of the packs
    ('no request with data.personal && legal_day < date("2021-11-01") is ever permitted', True),
    (
        (
            'no request with data.personal && basis.kind == "consent" && consent.withdrawn'
            f" && {KEPT} is ever permitted"
        ),
        True,
    ),
    ("no request with consent.withdrawn is ever permitted", False),
    (
        (
            "every request with consent.based && data.personal && consent.withdrawn"
            f" && {KEPT} is denied beyond cure"
        ),
        True,
    ),
    (
        (
            '凡 recipient.kind == "foreign_judicial" && legal_day >= date("2021-09-01") 的申请，'
            "一律予以拒绝且不可补正"
        ),
        True,
    ),
    (
        (
            'no request with data.personal && basis.kind == "none" && act.purpose == "marketing"'
            f" && {KEPT} is permitted"
        ),
        True,
    ),
    (
        (
            'no request with data.personal && basis.kind == "none" && act.purpose == "research"'
            " is ever permitted"
        ),
        False,
    ),
    (
        (
            "no request with data.personal && subjects.min_age < 14 && !handler.minor_rules"
            f" && {KEPT} is ever permitted"
        ),
        True,
    ),
    (
        (
            "no request with data.personal && consent.based && subjects.min_age < 14"
            f" && !consent.guardian && {KEPT} is permitted"
        ),
        True,
    ),
    ("no request with data.personal && subjects.min_age < 14 is ever permitted", False),
    # false, since a treatment is permitted
    (
        '凡 data.genetic == "material" && recipient.abroad && !genetic.licence 的申请，不予准许',
        False,
    ),
    ('凡 data.personal && data.genetic == "material" && pay.for_data 的申请，一律不予准许', True),
    ("凡 data.personal 的申请，一律不予准许", False),
    ("凡 !data.personal 的申请，一律予以准许", False),
    (
        (
            "no request with data.personal && consent.based && !evidence.notice"
            f" && {KEPT} ever needs approval"
        ),
        True,
    ),
    ("no request with data.personal ever needs approval", False),
    ("no request with true is ever denied", False),
    (
        (
            'no request with act.action == "pay" && !pay.registered'
            ' && legal_day >= date("2024-01-01") is permitted'
        ),
        True,
    ),
    ("no request with data.prescriber_totals && pay.commercial is ever permitted", True),
]


@pytest.fixture(scope="module")
def shipped() -> ir.Rulebook:
    return shipped_book()


def test_claims_about_the_shipped_rulebook_are_answered(shipped: ir.Rulebook) -> None:
    prover, engine = Prover(shipped), PythonEngine(shipped)
    for sentence, holds in SHIPPED:
        answer = prover.prove(sentence)
        assert answer.proved is holds, sentence
        if answer.counterexample is not None:
            known = to_ordinals(answer.counterexample)
            reading = read(shipped, known)
            assert reading == engine.read(known)
            assert (reading.outcome, reading.curable) == (answer.outcome, answer.curable)
            assert evaluate(parse_claim(shipped, sentence).condition, known) is True
    assert len(SHIPPED) >= 15


def test_the_laws_hold_for_the_shipped_rulebook(shipped: ir.Rulebook) -> None:
    found = laws(shipped)
    assert [law.says for law in found if law.counterexample is not None] == []
    assert {law.id for law in found if law.id != "L4"} == {"L1", "L2", "L3"}, (
        "it has one jurisdiction, so no L5"
    )
    low = {
        r.article.instrument.zh
        for r in shipped.rules
        if r.article.rank not in (Rank.LAW, Rank.REGULATION)
    }
    assert {law.says for law in found if law.id == "L4"} == {
        f"{name} only tightens" for name in low
    }
    assert len(low) >= 5


# --- laws: each is refuted where it is broken ---------------------------------------------------

TWO_TRACKS = schema("p", "open", "own", main="p; regulation", other="!p; agreement")
LAW = pack(rule("X-1.1 ground", "own", track="main"))
AGREEMENT = pack(rule("Y-1.1 ground", "open", track="other"), name="Y", rank="agreement")


def broken(found: list[Law]) -> dict[str, Request]:
    return {law.id: law.counterexample for law in found if law.counterexample is not None}


def of(name: str) -> Callable[[ir.Rule], bool]:
    return lambda r: r.article.instrument.zh == name


def test_l4_does_not_speak_of_tracks_that_the_agreement_may_ground() -> None:
    book = compiled(TWO_TRACKS, LAW, AGREEMENT)
    before = without(book, of("Y法"))
    opened = [r for r in every_request(book) if judged(book, r) < 2 <= judged(before, r)]
    assert opened, "the agreement does turn refusals into permits"
    assert True not in {r.get("p") for r in opened}, "all of them open the track that it may ground"
    found = laws(book)
    assert broken(found) == {}
    assert "Y法 only tightens" in {law.says for law in found}


def test_l4_is_refuted_where_an_agreement_grounds_what_it_must_not() -> None:
    """The check of ranks refuses this pack, so the rule is moved to the other track afterwards."""
    book = compiled(TWO_TRACKS, LAW, AGREEMENT)
    moved = replace(
        book, rules=tuple(replace(r, track="main") if r.id == "Y-1.1" else r for r in book.rules)
    )
    found = broken(laws(moved))
    assert list(found) == ["L4"]
    assert judged(moved, found["L4"]) < 2 <= judged(without(moved, of("Y法")), found["L4"])
    assert found["L4"]["p"] is True


def test_l4_tells_packs_of_one_name_apart() -> None:
    agreement = pack(rule("Y-1.1 forbid", "open"), name="Y", rank="agreement").replace(
        "zh: Y法", "zh: X法"
    )
    book = compiled(TWO_TRACKS, LAW, agreement)
    only_law = without(book, lambda r: r.id == "Y-1.1")
    assert all(judged(only_law, r) < 2 for r in every_request(book) if judged(book, r) < 2), (
        "it only tightens"
    )
    assert broken(laws(book)) == {}


def test_l2_is_refuted_where_a_red_line_belongs_to_no_jurisdiction() -> None:
    abroad = pack(rule("Y-1.1 forbid", "open"), name="Y", jurisdiction="eu")
    book = compiled(TWO_TRACKS, LAW, abroad)
    forgotten = replace(book, jurisdictions=("cn",))
    assert broken(laws(book)) == {}
    found = broken(laws(forgotten))
    assert list(found) == ["L2"]
    assert evaluate(book.by_id["Y-1.1"].applies, to_ordinals(found["L2"])) is True
    assert judged(forgotten, found["L2"]) < 4 == judged(book, found["L2"])


class Trusting(Formulas):
    """Takes a request whose consent is unknown for permitted."""

    def permit(self) -> Bool:
        return z3.Or(super().permit(), z3.Not(self.facts.known("consent")))


class Forgetful(Formulas):
    """Leaves out duties that are not certain."""

    def __init__(self, book: ir.Rulebook, facts: SymbolicFacts) -> None:
        super().__init__(book, facts)
        self.may |= {r.id: self.fired[r.id] for r in book.rules if r.effect is Effect.OBLIGE}


class Generous(Formulas):
    """Permits what is denied, if it can be cured."""

    def permit(self) -> Bool:
        return z3.Not(self.at_least(4))


class Hardened(Formulas):
    """Denies no red line beyond cure."""

    def at_least(self, severity: int) -> Bool:
        return super().at_least(severity) if severity < 4 else z3.BoolVal(False)


class Mildest(Formulas):
    """Takes the mildest of the jurisdictions' answers."""

    def permit(self) -> Bool:
        return z3.Or(
            [Formulas(only(self.book, j), self.facts).permit() for j in self.book.jurisdictions]
        )


def only(book: ir.Rulebook, jurisdiction: str) -> ir.Rulebook:
    return replace(
        without(book, lambda r: r.article.jurisdiction != jurisdiction),
        jurisdictions=(jurisdiction,),
    )


ABROAD = pack(rule("E-1.1 ground", "consent && study", track="main"), name="E", jurisdiction="eu")


@pytest.mark.parametrize(
    ("law", "reading"),
    [("L1", Trusting), ("L1", Forgetful), ("L2", Hardened), ("L3", Generous), ("L5", Mildest)],
    ids=lambda v: v if isinstance(v, str) else v.__name__,
)
def test_a_law_is_refuted_for_a_reading_that_breaks_it(
    monkeypatch: pytest.MonkeyPatch, law: str, reading: type[Formulas]
) -> None:
    book = compiled(FACTS, PACK, ABROAD)
    sound = laws(book)
    assert broken(sound) == {}
    assert [x.id for x in sound] == ["L1", "L2", "L3", "L5", "L5"]
    monkeypatch.setattr(prove, "SymbolicReading", reading)
    found = broken(laws(book))
    assert law in found
    request = found[law]
    if reading is Trusting:
        assert "consent" not in request
    if reading is Forgetful:
        assert evaluate(book.by_id["X-1.5"].applies, to_ordinals(request)) is None
    if reading is Hardened:
        assert evaluate(book.by_id["X-1.2"].applies, to_ordinals(request)) is True
    if reading in (Generous, Mildest):
        assert judged(book, request) >= 2, "by right it is no permit"


def test_learning_more_leaves_the_values_as_they_are() -> None:
    """The requests of L1: two with the same values, of which the second knows at least as much."""
    book = compiled(FACTS, PACK)
    before, after, more = learning(book.schema)
    question = Question(before, after)
    one, other = (f.true(book.by_id["X-1.1"].applies) for f in (before, after))
    model = question.can(more, z3.Not(one), other)
    assert model is not None, "a ground that was unknown can be learned"
    less, learned = before.request(model), after.request(model)
    assert less.items() <= learned.items() and less != learned
    assert question.can(more, one, z3.Not(other)) is None, "nothing known is forgotten"
