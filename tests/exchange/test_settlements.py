"""From statement to payment: disputes, answers, approval, and attempts of a dishonest operator."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from msgspec import structs

from heyi.app.centre import App
from heyi.app.verification import verify_directory
from heyi.crypto.canonical import Json, canonical, digest, from_canonical
from heyi.exchange.consortium import PLATFORM, Consortium
from heyi.exchange.events import settled
from heyi.exchange.events.applied import Reasons
from heyi.exchange.money.dispute import answer_dispute, dispute, settlement_message
from heyi.exchange.money.pay import approve_settlement, pay
from heyi.exchange.money.settle import DAY, settle
from heyi.model.errors import InvalidInput, Refused
from heyi.model.party import Tier
from heyi.report.statement.payments import payments_csv
from heyi.settlement.certificate import certify, measured_from_json
from heyi.settlement.stages import Stage
from oracles import forge

CASE, BY = "heart-disease", "finance-office"
WAIT = 16 * DAY


@contextmanager
def opened(directory: Path, seconds: int = 0) -> Iterator[App]:
    with forge.opened(directory) as app:
        app.forward(seconds)
        yield app


def certified(consortium: Consortium) -> settled.SettlementCertified:
    settlement = consortium.case(CASE).settlement
    assert settlement is not None
    return settlement


def stages(consortium: Consortium) -> set[Stage]:
    return set(consortium.case(CASE).stages.values())


def test_statements_are_disputed_answered_approved_and_paid(stated_copy: Path) -> None:
    with opened(stated_copy) as app:
        consortium = app.consortium
        assert stages(consortium) == {Stage.STATED}
        entry = dispute(
            consortium, CASE, party="va", reasons="our complete cases are 150, not fewer", by="va"
        )
        assert consortium.case(CASE).stages["va"] is Stage.DISPUTED
        leaf = next(app.database.entries(entry)).leaf
        assert b"150" not in leaf, "reasons stand in a body that can be erased"
        with pytest.raises(InvalidInput, match="is disputed and cannot be disputed"):
            dispute(consortium, CASE, party="va", reasons="again", by="va")
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
        decision, paid, entries = pay(consortium, CASE, by=PLATFORM)
        assert decision.outcome.is_permit and paid == 10_000_000 == consortium.case(CASE).paid_fen
        assert stages(consortium) == {Stage.PAID}
        payments = forge.logged(consortium, settled.SettlementPaid)
        assert [e.index for e in payments] == entries
    assert verify_directory(stated_copy).faults == []


def test_a_dispute_that_is_upheld_withdraws_the_settlement_and_it_is_made_anew(
    stated_copy: Path,
) -> None:
    with opened(stated_copy) as app:
        consortium = app.consortium
        dispute(consortium, CASE, party="va", reasons="wrong file", by="va")
        measured = measured_from_json(kept(app)["measured"])
        with pytest.raises(InvalidInput, match="was settled already"):
            settle(consortium, CASE, measured, by=PLATFORM)
        answer_dispute(consortium, CASE, party="va", by=BY, upheld=True, reasons="it was")
        assert (consortium.case(CASE).settlement, consortium.case(CASE).stages) == (None, {})
        with pytest.raises(InvalidInput, match="has no settlement"):
            approve_settlement(consortium, CASE, by=BY)
        settle(consortium, CASE, measured, by=PLATFORM)
        assert stages(consortium) == {Stage.STATED}
        app.forward(WAIT)
        approve_settlement(consortium, CASE, by=BY)
        pay(consortium, CASE, by=PLATFORM)
    assert verify_directory(stated_copy).faults == []


def kept(app: App) -> Json:
    content = app.database.artefact(certified(app.consortium).certificate)
    assert content is not None
    return from_canonical(content)


def test_what_is_refused_leaves_no_trace(stated_copy: Path) -> None:
    with opened(stated_copy) as app:
        consortium, size = app.consortium, app.consortium.log.size
        tries: list[tuple[Callable[[], object], str]] = [
            (
                lambda: dispute(consortium, CASE, party="nobody", reasons="x", by="nobody"),
                "has no statement",
            ),
            (
                lambda: dispute(consortium, CASE, party="va", reasons="  ", by="va"),
                "needs its reasons",
            ),
            (
                lambda: dispute(consortium, CASE, party="va", reasons="x", by=PLATFORM),
                "`platform` cannot dispute for `va`",
            ),
            (lambda: approve_settlement(consortium, CASE, by=BY), "can still be disputed"),
            (
                lambda: approve_settlement(consortium, CASE, by="va"),
                "does not speak for settlements",
            ),
            (lambda: pay(consortium, CASE, by=PLATFORM), "is stated and cannot be paid"),
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
            dispute(consortium, CASE, party="va", reasons="late", by="va")
        assert consortium.log.size == size


def test_paying_waits_for_the_law(stated_copy: Path) -> None:
    """The grassroots rule binds if a health centre contributed; here the centre got too little."""
    with opened(stated_copy, WAIT) as app:
        consortium = app.consortium
        approve_settlement(consortium, CASE, by=BY)
        shares = certified(consortium).shares_fen
        poorest = min(shares, key=shares.__getitem__)
        parties = consortium.state.parties
        city = consortium.party(poorest)
        parties[poorest] = replace(city, tier=Tier.TOWNSHIP)
        with pytest.raises(Refused, match="paying is not permitted"):
            pay(consortium, CASE, by=PLATFORM)
        assert stages(consortium) == {Stage.APPROVED}


def test_the_list_of_payments_is_for_spreadsheets(stated_copy: Path) -> None:
    with opened(stated_copy, WAIT) as app:
        consortium = app.consortium
        before = payments_csv(consortium.state, [CASE])
        approve_settlement(consortium, CASE, by=BY)
        pay(consortium, CASE, by=PLATFORM)
        after = payments_csv(consortium.state, [CASE])
        va = replace(consortium.party("va"), en='=HYPERLINK("x")')
        consortium.state.parties["va"] = va
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


def payment(app: App, **changed: object) -> int:
    """The operator logs a payment to `va`, with some fields changed."""
    what = settled.SettlementPaid(
        party="va",
        amount_fen=certified(app.consortium).shares_fen["va"],
        payment="money",
        by_leave_of=f"{CASE}-payment",
    )
    return forge.forge(app.consortium, structs.replace(what, **changed), by=PLATFORM, case=CASE)


def pay_before_approval(app: App) -> int:
    return payment(app)


def approved(app: App) -> None:
    app.forward(WAIT)
    approve_settlement(app.consortium, CASE, by=BY)


def pay_without_leave(app: App) -> int:
    approved(app)
    return payment(app)


def pay_more(app: App) -> int:
    approved(app)
    return payment(app, amount_fen=1)


def pay_by_another_leave(app: App) -> int:
    approved(app)
    return payment(app, by_leave_of=CASE)


def pay_in_another_way(app: App) -> int:
    approved(app)
    return payment(app, payment="work_points")


def approval(app: App, *, by: str = BY, certificate: str = "", signed: bool = True) -> int:
    """The operator logs an approval; `signed` by the key of the finance office."""
    consortium = app.consortium
    what = settled.SettlementApproved(
        certificate=certificate or certified(consortium).certificate, signature="00" * 64
    )
    if signed:
        message = settlement_message(
            what, origin=consortium.log.signer.name, case=CASE, at=consortium.now, reasons=None
        )
        what = structs.replace(what, signature=app.signer(BY).sign(message).hex())
    return forge.forge(consortium, what, by=by, case=CASE)


def approve_early(app: App) -> int:
    return approval(app)


def approve_for_another(app: App) -> int:
    app.forward(WAIT)
    return approval(app, certificate="sha256:" + "0" * 64)


def approve_unsigned(app: App) -> int:
    app.forward(WAIT)
    return approval(app, signed=False)


def approve_by_a_hospital(app: App) -> int:
    app.forward(WAIT)
    return approval(app, by="va")


def dispute_for_another(app: App) -> int:
    what = settled.StatementDisputed(party="va", certificate=certified(app.consortium).certificate)
    body = Reasons(reasons="x")
    return forge.forge(app.consortium, what, by="hungary", case=CASE, body=body)


def withdraw_undisputed(app: App) -> int:
    """The authority's own signature does not help: nobody disputed."""
    consortium, body = app.consortium, Reasons(reasons="x")
    seal = forge.sealed(body)
    what = settled.SettlementWithdrawn(
        party="va", certificate=certified(consortium).certificate, signature=""
    )
    message = settlement_message(
        what, origin=consortium.log.signer.name, case=CASE, at=consortium.now, reasons=seal[0]
    )
    what = structs.replace(what, signature=app.signer(BY).sign(message).hex())
    return forge.forge(consortium, what, by=BY, case=CASE, body=body, seal=seal)


def disputed_and_withdrawn(app: App) -> None:
    dispute(app.consortium, CASE, party="va", reasons="x", by="va")
    answer_dispute(app.consortium, CASE, party="va", by=BY, upheld=True, reasons="x")


def certify_other_shares(app: App) -> int:
    """A certificate of other shares, as a second settlement."""
    certificate = kept(app)
    certificate["shares_fen"]["va"] += 1
    certificate["shares_fen"]["hungary"] -= 1
    name = digest(certificate)
    app.database.put_artefact(name, canonical(certificate))
    found = forge.first(app.consortium, settled.SettlementCertified)
    disputed_and_withdrawn(app)
    shares = certificate["shares_fen"]
    return forge.again(app.consortium, found, certificate=name, shares_fen=shares)


def certify_another_utility(app: App) -> int:
    certificate = kept(app)
    disputed_and_withdrawn(app)
    certificate["measured"]["specification"]["evaluation"] = "another evaluation set"
    other = certify(CASE, measured_from_json(certificate["measured"]))
    # changed in the operator's memory, not in the log
    app.consortium.case(CASE).utility = digest(other["measured"]["specification"])
    entry = app.consortium.log.size
    settle(app.consortium, CASE, measured_from_json(other["measured"]), by=PLATFORM)
    return entry


def state_twice(app: App) -> int:
    return forge.again(app.consortium, forge.first(app.consortium, settled.StatementIssued))


ATTACKS: list[tuple[Callable[[App], int], str]] = [
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
    stated_copy: Path, attack: Callable[[App], int], words: str
) -> None:
    """One lie is one fault, of the entry in which it stands."""
    with opened(stated_copy) as app:
        entry = attack(app)
    faults = verify_directory(stated_copy).faults
    assert [(log, fault.entry) for log, fault in faults] == [("centre", entry)], faults
    assert words in faults[0][1].message
