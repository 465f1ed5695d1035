"""From statement to payment: disputes, answers, approval, and attempts of a dishonest operator."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from heyi.app.centre import App, reopen
from heyi.app.verification import verify_directory
from heyi.audit.event import Event, from_leaf
from heyi.crypto.canonical import Json, canonical, digest, from_canonical
from heyi.exchange.consortium import Consortium
from heyi.exchange.money.dispute import answer_dispute, dispute
from heyi.exchange.money.pay import approve_settlement, pay
from heyi.exchange.money.settle import DAY, settle
from heyi.model.errors import InvalidInput, Refused
from heyi.report.statement.payments import payments_csv
from heyi.settlement.certificate import certify, measured_from_json
from heyi.settlement.stages import Stage

CASE, BY = "heart-disease", "finance-office"
WAIT = 16 * DAY


@contextmanager
def opened(directory: Path, seconds: int = 0) -> Iterator[App]:
    app = reopen(directory)
    app.forward(seconds)
    try:
        yield app
    finally:
        app.close()


def stages(consortium: Consortium) -> set[Stage]:
    return set(consortium.case(CASE).stages.values())


def test_statements_are_disputed_answered_approved_and_paid(stated_copy: Path) -> None:
    with opened(stated_copy) as app:
        consortium = app.consortium
        assert stages(consortium) == {Stage.STATED}
        entry = dispute(
            consortium, CASE, party="va", reasons="our complete cases are 150, not fewer"
        )
        assert consortium.case(CASE).stages["va"] is Stage.DISPUTED
        leaf = next(app.database.entries(entry)).leaf
        assert b"150" not in leaf, "reasons stand in a body that can be erased"
        with pytest.raises(InvalidInput, match="is disputed and cannot be disputed"):
            dispute(consortium, CASE, party="va", reasons="again")
        app.forward(WAIT)
        with pytest.raises(InvalidInput, match="`va` disputes its statement"):
            approve_settlement(consortium, CASE, by=BY)
        answer_dispute(
            consortium,
            CASE,
            party="va",
            by=BY,
            upheld=False,
            reasons="records without a pulse are left out",
        )
        approve_settlement(consortium, CASE, by=BY)
        assert stages(consortium) == {Stage.APPROVED}
        decision, paid = pay(consortium, CASE)
        assert decision.outcome.is_permit and paid == 10_000_000 == consortium.case(CASE).paid_fen
        assert stages(consortium) == {Stage.PAID}
    assert verify_directory(stated_copy).holds


def test_a_dispute_that_is_upheld_withdraws_the_settlement_and_it_is_made_anew(
    stated_copy: Path,
) -> None:
    with opened(stated_copy) as app:
        consortium = app.consortium
        dispute(consortium, CASE, party="va", reasons="wrong file")
        measured = measured_from_json(kept(app)["measured"])
        with pytest.raises(InvalidInput, match="was settled already"):
            settle(consortium, CASE, measured)
        answer_dispute(consortium, CASE, party="va", by=BY, upheld=True, reasons="it was")
        assert (consortium.case(CASE).settlement, consortium.case(CASE).stages) == ({}, {})
        with pytest.raises(InvalidInput, match="has no settlement"):
            approve_settlement(consortium, CASE, by=BY)
        settle(consortium, CASE, measured)
        assert stages(consortium) == {Stage.STATED}
        app.forward(WAIT)
        approve_settlement(consortium, CASE, by=BY)
        pay(consortium, CASE)
    assert verify_directory(stated_copy).holds


def kept(app: App) -> Json:
    content = app.database.artefact(app.consortium.case(CASE).settlement["certificate"])
    assert content is not None
    return from_canonical(content)


def test_what_is_refused_leaves_no_trace(stated_copy: Path) -> None:
    with opened(stated_copy) as app:
        consortium, size = app.consortium, app.consortium.log.size
        tries: list[tuple[Callable[[], object], str]] = [
            (lambda: dispute(consortium, CASE, party="nobody", reasons="x"), "has no statement"),
            (lambda: dispute(consortium, CASE, party="va", reasons="  "), "needs its reasons"),
            (lambda: approve_settlement(consortium, CASE, by=BY), "can still be disputed"),
            (
                lambda: approve_settlement(consortium, CASE, by="va"),
                "does not speak for settlements",
            ),
            (lambda: pay(consortium, CASE), "is stated and cannot be paid"),
            (
                lambda: answer_dispute(
                    consortium, CASE, party="va", by=BY, upheld=True, reasons="x"
                ),
                "`va` disputes nothing",
            ),
        ]
        for attempt, says in tries:
            with pytest.raises(InvalidInput, match=says):
                attempt()
        app.forward(WAIT)
        with pytest.raises(InvalidInput, match="the days for disputes are over"):
            dispute(consortium, CASE, party="va", reasons="late")
        assert consortium.log.size == size


def test_paying_waits_for_the_law(stated_copy: Path) -> None:
    """The grassroots rule binds if a health centre contributed; here the centre got too little."""
    with opened(stated_copy, WAIT) as app:
        consortium = app.consortium
        approve_settlement(consortium, CASE, by=BY)
        poorest = min(consortium.case(CASE).settlement["shares_fen"].items(), key=lambda s: s[1])[0]
        party = consortium.state.parties[poorest]
        object.__setattr__(party, "tier", type(party.tier)("township"))
        with pytest.raises(Refused, match="paying is not permitted"):
            pay(consortium, CASE)
        assert stages(consortium) == {Stage.APPROVED}
        object.__setattr__(party, "tier", type(party.tier)("city"))


def test_the_list_of_payments_is_for_spreadsheets(stated_copy: Path) -> None:
    with opened(stated_copy, WAIT) as app:
        consortium = app.consortium
        before = payments_csv(consortium.state, [CASE])
        approve_settlement(consortium, CASE, by=BY)
        pay(consortium, CASE)
        after = payments_csv(consortium.state, [CASE])
        object.__setattr__(consortium.state.parties["va"], "en", '=HYPERLINK("x")')
        assert "'=HYPERLINK" in payments_csv(consortium.state, [CASE])
    assert before.startswith("\ufeffstudy,institution,")
    rows = list(csv.DictReader(io.StringIO(before.removeprefix("\ufeff"))))
    assert sum(int(r["amount_fen"]) for r in rows) == 10_000_000 and {r["stage"] for r in rows} == {
        "stated"
    }
    later = list(csv.DictReader(io.StringIO(after.removeprefix("\ufeff"))))
    assert {r["stage"] for r in later} == {"paid"}
    assert [r["amount_fen"] for r in later] == [r["share_fen"] for r in rows], (
        "what it pays, also when it is paid"
    )
    assert {r["paid_before_fen"] for r in later} == {"0"}


# --- what a dishonest operator may try ----------------------------------------------------------


def first(consortium: Consortium, kind: str) -> Event:
    return next(
        e for e in (from_leaf(x.leaf) for x in consortium.log.store.entries()) if e.kind == kind
    )


def write(
    consortium: Consortium,
    kind: str,
    public: dict[str, Json],
    *,
    actor: str = "platform",
    body: Json = None,
) -> None:
    consortium.write(consortium.draft(kind, actor=actor, case=CASE, public=public, body=body))


def payment(consortium: Consortium, **changed: Json) -> dict[str, Json]:
    fen = consortium.case(CASE).settlement["shares_fen"]["va"]
    return {
        "party": "va",
        "amount_fen": fen,
        "payment": "money",
        "by_leave_of": f"{CASE}-payment",
        **changed,
    }


def pay_before_approval(app: App) -> None:
    write(app.consortium, "settlement.paid", payment(app.consortium))


def approved(app: App) -> None:
    app.forward(WAIT)
    approve_settlement(app.consortium, CASE, by=BY)


def pay_without_leave(app: App) -> None:
    approved(app)
    write(app.consortium, "settlement.paid", payment(app.consortium))


def pay_more(app: App) -> None:
    approved(app)
    write(app.consortium, "settlement.paid", payment(app.consortium, amount_fen=1))


def pay_by_another_leave(app: App) -> None:
    approved(app)
    write(app.consortium, "settlement.paid", payment(app.consortium, by_leave_of=CASE))


def pay_in_another_way(app: App) -> None:
    approved(app)
    write(app.consortium, "settlement.paid", payment(app.consortium, payment="work_points"))


def approve_early(app: App) -> None:
    # changed in the operator's memory, not in the log
    app.consortium.case(CASE).settlement["disputes_until"] = 0
    approve_settlement(app.consortium, CASE, by=BY)


def approve_for_another(app: App) -> None:
    approved_ = {
        "certificate": "sha256:" + "0" * 64,
        "origin": app.consortium.log.signer.name,
        "signature": "00" * 64,
    }
    write(app.consortium, "settlement.approved", approved_, actor=BY)


def approve_unsigned(app: App) -> None:
    app.forward(WAIT)
    said = {
        "certificate": app.consortium.case(CASE).settlement["certificate"],
        "origin": app.consortium.log.signer.name,
    }
    write(app.consortium, "settlement.approved", {**said, "signature": "00" * 64}, actor=BY)


def approve_by_a_hospital(app: App) -> None:
    app.forward(WAIT)
    said = {
        "certificate": app.consortium.case(CASE).settlement["certificate"],
        "origin": app.consortium.log.signer.name,
    }
    write(app.consortium, "settlement.approved", {**said, "signature": "00" * 64}, actor="va")


def dispute_for_another(app: App) -> None:
    public = {"party": "va", "certificate": app.consortium.case(CASE).settlement["certificate"]}
    write(app.consortium, "statement.disputed", public, actor="hungary", body={"reasons": "x"})


def withdraw_undisputed(app: App) -> None:
    said = {
        "party": "va",
        "certificate": app.consortium.case(CASE).settlement["certificate"],
        "origin": app.consortium.log.signer.name,
    }
    write(
        app.consortium,
        "settlement.withdrawn",
        {**said, "signature": "00" * 64},
        actor=BY,
        body={"reasons": "x"},
    )


def certify_other_shares(app: App) -> None:
    """A certificate of another pot, as a second settlement."""
    certificate = kept(app)
    certificate["shares_fen"]["va"] += 1
    certificate["shares_fen"]["hungary"] -= 1
    certified = digest(certificate)
    app.database.put_artefact(certified, canonical(certificate))
    answer = first(app.consortium, "settlement.certified")
    public = {**answer.public, "certificate": certified, "shares_fen": certificate["shares_fen"]}
    dispute(app.consortium, CASE, party="va", reasons="x")
    answer_dispute(app.consortium, CASE, party="va", by=BY, upheld=True, reasons="x")
    write(app.consortium, "settlement.certified", public)


def certify_another_utility(app: App) -> None:
    dispute(app.consortium, CASE, party="va", reasons="x")
    certificate = kept(app)
    answer_dispute(app.consortium, CASE, party="va", by=BY, upheld=True, reasons="x")
    certificate["measured"]["specification"]["evaluation"] = "another evaluation set"
    other = certify(CASE, measured_from_json(certificate["measured"]))
    app.consortium.case(CASE).utility = digest(other["measured"]["specification"])
    settle(app.consortium, CASE, measured_from_json(other["measured"]))


def state_twice(app: App) -> None:
    write(app.consortium, "statement.issued", first(app.consortium, "statement.issued").public)


ATTACKS: list[tuple[Callable[[App], None], str]] = [
    (pay_before_approval, "is stated and cannot be paid"),
    (pay_without_leave, "the leave to pay is of another case"),
    (pay_more, "was paid another amount"),
    (pay_by_another_leave, "the leave to pay is of another case"),
    (pay_in_another_way, "in another way than was registered"),
    (approve_early, "approved while it could still be disputed"),
    (approve_for_another, "answered for another settlement"),
    (approve_unsigned, "signature"),
    (approve_by_a_hospital, "does not speak for settlements"),
    (dispute_for_another, "somebody else disputes"),
    (withdraw_undisputed, "that nobody disputed"),
    (certify_other_shares, "recomputes to another `shares_fen`"),
    (certify_another_utility, "something else than the permits had registered"),
    (state_twice, "not what the settlement recomputes to"),
]


@pytest.mark.parametrize(
    ("attack", "words"), ATTACKS, ids=lambda a: a.__name__ if callable(a) else ""
)
def test_what_the_operator_writes_about_money_is_replayed(
    stated_copy: Path, attack: Callable[[App], None], words: str
) -> None:
    with opened(stated_copy) as app:
        before = app.consortium.log.size
        attack(app)
    faults = verify_directory(stated_copy).replayed.faults
    assert any(words in f.message and f.entry is not None and f.entry >= before for f in faults), (
        faults
    )
