"""Payment: approve a settlement after the days for disputes, and pay it if the law permits."""

from __future__ import annotations

from msgspec import structs

from heyi.exchange.case_file import Case
from heyi.exchange.consortium import Consortium, command
from heyi.exchange.events import settled
from heyi.exchange.money.dispute import settlement_message, speaks_for_settlements
from heyi.exchange.request.apply import decide, submit, supply
from heyi.exchange.request.grant import still_permitted
from heyi.exchange.request.leave_to_pay import (
    is_leave_for,
    ledger_id,
    ledger_of,
    paid_facts,
    payment_case,
    request_to_pay,
)
from heyi.exchange.request.register import register_asset
from heyi.exchange.writer import Done
from heyi.model.decision import Decision
from heyi.model.errors import Conflict, InvalidInput, Refused
from heyi.model.fact import Source
from heyi.settlement.stages import Stage, step


@command
def approve_settlement(consortium: Consortium, case: str, *, by: str) -> Done[int]:
    """Log the signed approval of a settlement that nobody can dispute any more; return its index.

    Raises:
        InvalidInput: there is no settlement, disputes are open or still possible, or the party does
            not speak for the authority.
    """
    the_case, settlement = settled_case(consortium, case)
    speaks_for_settlements(consortium, by)
    if open_ := sorted(p for p, s in the_case.stages.items() if s is Stage.DISPUTED):
        raise InvalidInput(f"`{open_[0]}` disputes its statement", hint="answer the dispute first")
    for party, stage in the_case.stages.items():
        step(stage, "settlement.approved", party)
    if consortium.now <= settlement.disputes_until:
        raise InvalidInput(
            "statements can still be disputed", hint="approve when the days for disputes are over"
        )
    approved = settled.SettlementApproved(certificate=settlement.certificate, signature="")
    message = settlement_message(
        approved, origin=consortium.log.signer.name, case=case, at=consortium.now, reasons=None
    )
    signed = structs.replace(approved, signature=consortium.keyring.signer(by).sign(message).hex())
    return Done([consortium.draft(signed, by=by, case=case)], consortium.writer.next_entry)


def settled_case(consortium: Consortium, case: str) -> tuple[Case, settled.SettlementCertified]:
    """The case with its settlement.

    Raises:
        InvalidInput: it has none.
    """
    the_case = consortium.case(case)
    if the_case.settlement is None:
        raise InvalidInput(f"case `{case}` has no settlement", hint="settle it first")
    return the_case, the_case.settlement


def due_fen(settlement: settled.SettlementCertified) -> dict[str, int]:
    """What a settlement still owes to each player, in fen: its share less what was paid before."""
    return {
        p: fen - settlement.paid_fen.get(p, 0) for p, fen in sorted(settlement.shares_fen.items())
    }


def pay(consortium: Consortium, case: str, *, by: str) -> tuple[Decision, int, list[int]]:
    """Pay an approved settlement if the law permits the payment.

    Returns the decision, the sum in fen, and the entries of the payments. The leave is asked in
    commands of its own, and stays in the log when it is refused.

    Raises:
        InvalidInput: there is nothing to pay, it is not approved, or it was paid.
        Refused: the law does not permit it.
    """
    the_case, settlement = settled_case(consortium, case)
    _check_payable(the_case)
    decision = _ask_leave(consortium, the_case, settlement, by=by)
    if not decision.outcome.is_permit:
        raise Refused(
            f"paying is not permitted: {decision.outcome.value}", hint="see the decision's reasons"
        )
    paid, entries = _log_payment(consortium, case, settlement.certificate, by=by)
    return decision, paid, entries


@command
def _log_payment(
    consortium: Consortium, case: str, certificate: str, *, by: str
) -> Done[tuple[int, list[int]]]:
    the_case, settlement = settled_case(consortium, case)
    _check_payable(the_case)
    if settlement.certificate != certificate:
        raise Conflict(f"case `{case}` was settled anew in the meantime", hint="look at it again")
    due, leave = due_fen(settlement), payment_case(the_case)
    # somebody may have stated other facts since the leave was given
    still_permitted(consortium, consortium.case(leave), ledger_id(leave))
    # one command, so that all institutions are paid or none
    events = [
        consortium.draft(
            settled.SettlementPaid(
                party=party,
                amount_fen=amount,
                payment=the_case.specification["payment"],
                by_leave_of=leave,
            ),
            by=by,
            case=case,
        )
        for party, amount in due.items()
    ]
    first = consortium.writer.next_entry
    return Done(events, (sum(due.values()), list(range(first, first + len(events)))))


def _check_payable(case: Case) -> None:
    for party, stage in case.stages.items():
        step(stage, "settlement.paid", party)


def _ask_leave(
    consortium: Consortium, case: Case, settlement: settled.SettlementCertified, *, by: str
) -> Decision:
    """Have the rulebook judge the payment.

    A payment is a request too: its asset is the list of amounts, which holds no persons.
    """
    name = payment_case(case)
    # asked before, and refused or cut off: what is there already is not done again
    if ledger_id(name) not in consortium.state.assets:
        register_asset(consortium, ledger_of(name, settlement), by=by)
    if name not in consortium.state.cases:
        submit(consortium, request_to_pay(name, settlement), by=by)
    if not is_leave_for(consortium.state, consortium.case(name), settlement):
        raise Conflict(
            f"`{name}` or its list of amounts is something else than a request to pay `{case.id}`",
            hint="the log is of an earlier version, which let others take these ids",
        )
    facts = paid_facts(consortium.state, name)
    if not any(s.name == "pay.balanced" for s in consortium.case(name).statements.values()):
        supply(consortium, name, facts, by=by, source=Source.REGISTRY)
    return decide(consortium, name, by=by)[ledger_id(name)]
