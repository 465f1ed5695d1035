"""Lies about the approval of settlements, and about payments."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import structs

from heyi.audit.event import from_leaf
from heyi.audit.log_store import Entry
from heyi.crypto.canonical import from_canonical
from heyi.crypto.codec import from_json
from heyi.exchange.consortium import PLATFORM
from heyi.exchange.events import applied, registered, settled
from heyi.exchange.events.typed import TypedEvent
from heyi.exchange.money.dispute import dispute, settlement_message
from heyi.exchange.proof.erase import erase
from heyi.exchange.request.apply import decide, supply
from heyi.exchange.request.leave_to_pay import ledger_of
from heyi.model.fact import Source
from oracles.forge import again, first, forge
from oracles.lies_about_disputes import PARTY, stated
from oracles.lies_about_settlements import certified, measured, settling
from oracles.lying import DAY, NOWHERE, STUDY, Expected, Operator, Outcome, Room

ROOM = Room()
lie = ROOM.lie
PAYMENT = "stroke-risk-payment"
OFFICE = "finance-office"


# --- approvals and payments ---


def approving(op: Operator, *, by: str = OFFICE, certificate: str = "") -> int:
    settlement = op.case(STUDY).settlement
    assert settlement is not None
    what = settled.SettlementApproved(
        certificate=certificate or settlement.certificate, signature="0" * 128
    )
    message = settlement_message(
        what, origin=op.consortium.log.signer.name, case=STUDY, at=op.now, reasons=None
    )
    signature = op.app.signer(by).sign(message).hex()
    return forge(op.consortium, structs.replace(what, signature=signature), by=OFFICE, case=STUDY)


@lie("the days for disputes were over")
def an_approval_before_the_days_are_over(op: Operator) -> Outcome:
    """The office approves the day after the statements."""
    stated(op)
    return Expected(entry=approving(op), words="while it could still be disputed")


@lie("the office approved the settlement")
def a_settlement_approved_by_the_platform(op: Operator) -> Outcome:
    """The platform signs in the office's name."""
    op.rewind(settled.SettlementApproved)
    return Expected(entry=approving(op, by=PLATFORM), words="does not hold")


@lie("the office approved this settlement")
def an_approval_of_another_settlement(op: Operator) -> Outcome:
    """The office approved another certificate."""
    op.rewind(settled.SettlementApproved)
    entry = approving(op, certificate=NOWHERE)
    return Expected(entry=entry, words="answered for another settlement")


@lie("no dispute was open")
def an_approval_while_somebody_disputes(op: Operator) -> Outcome:
    """A dispute waits for its answer."""
    stated(op)
    dispute(op.consortium, STUDY, party=PARTY, reasons="x", by=PARTY)
    op.forward(20 * DAY)
    return Expected(entry=approving(op), words="is disputed and cannot")


def payments(op: Operator) -> list[Entry]:
    """The log is rewound to the leave; these are the payments that followed."""
    op.rewind(settled.SettlementPaid)
    return op.was(settled.SettlementPaid)


@lie("the institution was paid its share")
def a_payment_of_another_amount(op: Operator) -> Outcome:
    """A fen less than was stated."""
    payment = payments(op)[0]
    amount = from_leaf(payment.leaf).public["amount_fen"]
    entry = op.relog(payment, at=op.now, amount_fen=amount - 1)
    return Expected(entry=entry, words="was paid another amount than was stated")


@lie("the institution was paid as registered")
def a_payment_of_another_kind(op: Operator) -> Outcome:
    """Work points in place of money."""
    entry = op.relog(payments(op)[0], at=op.now, payment="work_points")
    return Expected(entry=entry, words="was paid in another way than was registered")


@lie("the law permitted the payment")
def a_payment_by_a_leave_of_another_case(op: Operator) -> Outcome:
    """The leave was given in another case."""
    entry = op.relog(payments(op)[0], at=op.now, by_leave_of="free-beds")
    return Expected(entry=entry, words="the leave to pay is of another case")


@lie("somebody was paid who had earned it")
def a_payment_to_somebody_else(op: Operator) -> Outcome:
    """The institution has no share."""
    entry = op.relog(payments(op)[0], at=op.now, party="insurer")
    return Expected(entry=entry, words="`insurer`")


@lie("the institution was paid once")
def a_payment_twice(op: Operator) -> Outcome:
    """A payment is logged again."""
    entry = again(op.consortium, first(op.consortium, settled.SettlementPaid))
    return Expected(entry=entry, words="was paid twice")


@lie("the office had approved")
def a_payment_before_the_approval(op: Operator) -> Outcome:
    """The statements are out, and nobody approved them."""
    stated(op)
    entry = op.relog(op.was(settled.SettlementPaid)[0], at=op.now)
    return Expected(entry=entry, words="cannot be paid")


@lie("the law permitted the payment")
def a_payment_without_leave(op: Operator) -> Outcome:
    """The settlement is approved, and nobody asked for leave."""
    op.rewind(settled.SettlementApproved)
    op.relog(op.was(settled.SettlementApproved)[0])
    entry = op.relog(op.was(settled.SettlementPaid)[0], at=op.now)
    return Expected(entry=entry, words="leave")


def leave(op: Operator) -> list[Entry]:
    """The log is rewound to the approval; these are the entries that ask for leave."""
    op.rewind(settled.SettlementApproved)
    op.relog(op.cut[0])
    paid = op.was(settled.SettlementPaid)[0].index
    return [e for e in op.cut[1:] if e.index < paid]


def paid_by_leave(
    op: Operator, kind: type[TypedEvent], tell: Callable[[Operator, Entry], int]
) -> tuple[int, int]:
    """Ask for leave again with the entry of one kind told otherwise, and pay by it.

    Returns the entry that was told, and that of the decision.
    """
    told = decided = -1
    for entry in leave(op):
        event = from_leaf(entry.leaf)
        if event.kind == kind.KIND:
            told = tell(op, entry)
        elif event.kind == applied.DecisionMade.KIND:
            op.forward(max(event.at - op.now, 0))
            decided = op.consortium.log.size
            decide(op.consortium, PAYMENT, by=PLATFORM)
        else:
            op.relog(entry)
    op.relog(op.was(settled.SettlementPaid)[0], at=op.now)
    return told, decided


def false_share(op: Operator, entry: Entry) -> int:
    """State what the entry states, and that everything goes to township and village."""
    event = from_leaf(entry.leaf)
    body = from_json(from_canonical(entry.body or b""), applied.SaidFacts)
    share = {"pay.grassroots_share": applied.Said(value=100, until=None)}
    return forge(
        op.consortium,
        from_json(event.public, applied.FactStated),
        by=PLATFORM,
        case=event.case,
        body=applied.SaidFacts(facts={**body.facts, **share}),
        at=event.at,
    )


@lie("township and village institutions get their part")
def another_share_of_the_grassroots(op: Operator) -> Outcome:
    """The platform states a share that settlement and registry do not give."""
    told = -1
    for entry in leave(op):
        kind = from_leaf(entry.leaf).kind
        if kind == applied.FactStated.KIND:
            told = false_share(op, entry)
        elif kind != applied.DecisionMade.KIND:
            op.relog(entry)
    return Expected(entry=told, words="otherwise than settlement and registry have it")


@lie("the leave is for this settlement")
def a_leave_for_another_settlement(op: Operator) -> Outcome:
    """The list of amounts that was judged is of another certificate."""

    def other_certificate(op: Operator, entry: Entry) -> int:
        asset = from_leaf(entry.leaf).public["asset"]
        return op.relog(entry, asset={**asset, "digest": "0" * 64})

    entry, _ = paid_by_leave(op, registered.AssetRegistered, other_certificate)
    return Expected(entry=entry, words="is an id of the amounts of a payment")


def leave_before_its_settlement(op: Operator) -> int:
    """The certificate is known in advance: the leave is asked before the settlement is logged."""
    op.rewind(settled.SettlementCertified)
    settlement = certified(op)
    listed = registered.AssetRegistered(asset=ledger_of(PAYMENT, settlement))
    entry = forge(op.consortium, listed, by=PLATFORM)
    asked = next(e for e in op.was(applied.RequestSubmitted) if from_leaf(e.leaf).case == PAYMENT)
    op.relog(asked, at=op.now)
    facts = {
        "pay.registered": True,
        "pay.balanced": True,
        "pay.grassroots": False,
        "pay.grassroots_share": 100,
    }
    said = {name: applied.Said(value=value, until=None) for name, value in facts.items()}
    what = applied.FactStated(asset="*", source="registry", names=tuple(sorted(facts)))
    body = applied.SaidFacts(facts=said)
    forge(op.consortium, what, by=PLATFORM, case=PAYMENT, body=body)
    return entry


@lie("township and village institutions get their part")
def facts_stated_before_the_settlement(op: Operator) -> Outcome:
    """The invented facts are stated while there is nothing to compare them with, and then paid."""
    entry = leave_before_its_settlement(op)
    settling(op, measured(op))
    return Expected(entry=entry, words="is an id of the amounts of a payment")


@lie("the law permitted the payment")
def a_payment_under_an_overtaken_leave(op: Operator) -> Outcome:
    """After the leave it is stated that the payment is for data, which the law forbids."""
    paid = payments(op)[0]
    facts = {"pay.for_data": True}
    supply(op.consortium, PAYMENT, facts, by=PLATFORM, source=Source.DECLARED)
    entry = op.relog(paid, at=op.now)
    return Expected(entry=entry, words="when facts no longer permitted it")


@lie("there was nothing to pay")
def a_settlement_of_no_pot(op: Operator) -> Outcome:
    """The leaf says that the pot is empty, and the leave is asked all the same."""
    op.rewind(settled.SettlementCertified)
    (cut,) = op.was(settled.SettlementCertified)
    entry = op.relog(cut, at=op.now, pot_fen=0)
    settlement = op.case(STUDY).settlement
    assert settlement is not None
    asset = ledger_of(PAYMENT, settlement)
    forge(op.consortium, registered.AssetRegistered(asset=asset), by=PLATFORM)
    asked = next(e for e in op.was(applied.RequestSubmitted) if from_leaf(e.leaf).case == PAYMENT)
    op.relog(asked, at=op.now)
    body = applied.SaidFacts(facts={"pay.balanced": applied.Said(value=False, until=None)})
    what = applied.FactStated(asset="*", source="registry", names=("pay.balanced",))
    forge(op.consortium, what, by=PLATFORM, case=PAYMENT, body=body)
    return Expected(entry=entry, words="not what its certificate says")


@lie("township and village institutions get their part")
def a_share_that_was_erased(op: Operator) -> Outcome:
    """An invented share is stated, decided on, paid, and erased; the decision still says it."""
    told, decided = paid_by_leave(op, applied.FactStated, false_share)
    erase(op.consortium, [told], reason="asked", by=PLATFORM)
    return Expected(entry=decided, words="the facts are not those that the log states")


@lie("the leave is for a payment")
def a_leave_for_another_purpose(op: Operator) -> Outcome:
    """The request for leave to pay says that it is for treatment."""

    def for_treatment(op: Operator, entry: Entry) -> int:
        return op.relog(entry, purpose="treatment")

    entry, _ = paid_by_leave(op, applied.RequestSubmitted, for_treatment)
    return Expected(entry=entry, words="is an id of a request to pay")
