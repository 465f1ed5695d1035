"""Lies about disputes and the answers to them."""

from __future__ import annotations

from msgspec import structs

from heyi.exchange.consortium import PLATFORM
from heyi.exchange.events import settled
from heyi.exchange.events.applied import Reasons
from heyi.exchange.money.dispute import dispute, settlement_message
from oracles.forge import forge, sealed
from oracles.lying import DAY, STUDY, Expected, Operator, Outcome, Room, Unseen

ROOM = Room()
lie = ROOM.lie
OFFICE = "finance-office"


# --- disputes: the log is rewound to the statements ---


def stated(op: Operator) -> None:
    """The log as it is with all statements, and no dispute."""
    op.rewind(settled.StatementDisputed)


def answered(
    op: Operator, kind: type[settled.DisputeAnswered], party: str, *, by: str = OFFICE
) -> tuple[settled.DisputeAnswered, Reasons]:
    """What the office signs now."""
    settlement = op.case(STUDY).settlement
    assert settlement is not None
    body = Reasons(reasons="looked at again")
    answer = kind(party=party, certificate=settlement.certificate, signature="0" * 128)
    message = settlement_message(
        answer,
        origin=op.consortium.log.signer.name,
        case=STUDY,
        at=op.now,
        reasons=sealed(body)[0],
    )
    return structs.replace(answer, signature=op.app.signer(by).sign(message).hex()), body


def answering(
    op: Operator, what: settled.DisputeAnswered, body: Reasons, *, by: str = OFFICE
) -> int:
    return forge(op.consortium, what, by=by, case=STUDY, body=body, seal=sealed(body))


PARTY = "township-01"


@lie("the institution disputed its statement")
def a_dispute_by_somebody_else(op: Operator) -> Outcome:
    """The platform acts in the institution's dispute."""
    stated(op)
    settlement = op.case(STUDY).settlement
    assert settlement is not None
    what = settled.StatementDisputed(party=PARTY, certificate=settlement.certificate)
    body = Reasons(reasons="x")
    entry = forge(op.consortium, what, by=PLATFORM, case=STUDY, body=body)
    return Expected(entry=entry, words="somebody else disputes")


@lie("the institution disputed its statement")
def a_dispute_in_its_name(op: Operator) -> Outcome:
    """The platform invents a dispute, and names the institution as the one who acts."""
    stated(op)
    dispute(op.consortium, STUDY, party=PARTY, reasons="x", by=PARTY)
    return Unseen(who="the institution; from signed acts on, anybody")


@lie("nobody disputed")
def a_dispute_that_is_not_logged(op: Operator) -> Outcome:
    """The platform drops what an institution sent."""
    return Unseen(who="the institution, which has no receipt of its dispute")


@lie("the institution disputed in time")
def a_dispute_after_the_days(op: Operator) -> Outcome:
    """The days were over."""
    stated(op)
    op.forward(20 * DAY)
    settlement = op.case(STUDY).settlement
    assert settlement is not None
    what = settled.StatementDisputed(party=PARTY, certificate=settlement.certificate)
    body = Reasons(reasons="x")
    entry = forge(op.consortium, what, by=PARTY, case=STUDY, body=body)
    return Expected(entry=entry, words="the days for disputes were over")


@lie("the dispute was dismissed")
def an_old_dismissal_after_a_new_dispute(op: Operator) -> Outcome:
    """A dismissal is logged again, after a second dispute of the same institution."""
    stated(op)
    dispute(op.consortium, STUDY, party=PARTY, reasons="x", by=PARTY)
    what, body = answered(op, settled.DisputeDismissed, PARTY)
    answering(op, what, body)
    dispute(op.consortium, STUDY, party=PARTY, reasons="still", by=PARTY)
    return Expected(entry=answering(op, what, body), words="is logged again")


@lie("the dispute was dismissed")
def an_old_dismissal_in_capitals(op: Operator) -> Outcome:
    """As before, within the same second, with the signature in capital letters."""
    stated(op)
    dispute(op.consortium, STUDY, party=PARTY, reasons="x", by=PARTY)
    what, body = answered(op, settled.DisputeDismissed, PARTY)
    answering(op, what, body)
    dispute(op.consortium, STUDY, party=PARTY, reasons="still", by=PARTY)
    capitals = structs.replace(what, signature=what.signature.upper())
    return Expected(entry=answering(op, capitals, body), words="signature")


@lie("the dispute was dismissed for these reasons")
def a_dismissal_with_other_reasons(op: Operator) -> Outcome:
    """The body holds other reasons than were signed."""
    stated(op)
    dispute(op.consortium, STUDY, party=PARTY, reasons="x", by=PARTY)
    what, _ = answered(op, settled.DisputeDismissed, PARTY)
    entry = answering(op, what, Reasons(reasons="none"))
    return Expected(entry=entry, words="does not hold")


@lie("the office dismissed the dispute")
def a_dismissal_by_the_platform(op: Operator) -> Outcome:
    """The platform signs in the office's name."""
    stated(op)
    dispute(op.consortium, STUDY, party=PARTY, reasons="x", by=PARTY)
    entry = answering(op, *answered(op, settled.DisputeDismissed, PARTY, by=PLATFORM))
    return Expected(entry=entry, words="does not hold")


@lie("the dispute was dismissed")
def an_upheld_dispute_logged_as_dismissed(op: Operator) -> Outcome:
    """The office upheld the dispute, and its answer is logged under the other kind."""
    stated(op)
    dispute(op.consortium, STUDY, party=PARTY, reasons="x", by=PARTY)
    what, body = answered(op, settled.SettlementWithdrawn, PARTY)
    fields = {n: getattr(what, n) for n in what.__struct_fields__}
    entry = answering(op, settled.DisputeDismissed(**fields), body)
    return Expected(entry=entry, words="does not hold")


@lie("there was a dispute to dismiss")
def a_dismissal_of_nothing(op: Operator) -> Outcome:
    """Nobody disputed."""
    stated(op)
    entry = answering(op, *answered(op, settled.DisputeDismissed, PARTY))
    return Expected(entry=entry, words="cannot have a dispute dismissed")


@lie("the dispute was upheld")
def a_withdrawal_of_a_settlement_that_nobody_disputed(op: Operator) -> Outcome:
    """The office signs, and nobody disputed."""
    stated(op)
    entry = answering(op, *answered(op, settled.SettlementWithdrawn, PARTY))
    return Expected(entry=entry, words="withdrawn that nobody disputed")
