"""Payment: approve a settlement after the days for disputes, and pay it if the law permits."""

from __future__ import annotations

from msgspec import structs

from heyi.exchange.case_file import Case
from heyi.exchange.consortium import PLATFORM, Consortium, command
from heyi.exchange.events import settled
from heyi.exchange.money.dispute import settlement_message, speaks_for_settlements
from heyi.exchange.request.apply import decide, submit, supply
from heyi.exchange.request.register import register_asset
from heyi.exchange.state import State
from heyi.exchange.writer import Done
from heyi.model.asset import Asset, Field, Identifier, Reason
from heyi.model.decision import Decision
from heyi.model.errors import Conflict, InvalidInput, Refused
from heyi.model.fact import Source
from heyi.model.party import GRASSROOTS
from heyi.model.request import Request
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


def payment_case(case: Case) -> str:
    """The id of the request that asks for leave to pay; each settlement of a case needs its own."""
    return (
        f"{case.id}-payment" if case.settlements == 1 else f"{case.id}-payment-{case.settlements}"
    )


def _ask_leave(
    consortium: Consortium, case: Case, settlement: settled.SettlementCertified, *, by: str
) -> Decision:
    """Have the rulebook judge the payment.

    A payment is a request too: its asset is the list of amounts, which holds no persons.
    """
    name = payment_case(case)
    # asked before, and refused or cut off: what is there already is not done again
    if ledger_id(name) not in consortium.state.assets:
        register_asset(consortium, _ledger(name, settlement), by=by)
    if name not in consortium.state.cases:
        submit(consortium, _request(name, settlement), by=by)
    facts = paid_facts(consortium.state, name)
    if not any(s.name == "pay.balanced" for s in consortium.case(name).statements.values()):
        supply(consortium, name, facts, by=by, source=Source.REGISTRY)
    return decide(consortium, name, by=by)[ledger_id(name)]


def paid_facts(state: State, payment: str) -> dict[str, bool | int]:
    """What the platform states about a payment: it follows from the settlement and the registry.

    `payment` is the case in which the leave is asked; empty if it is no payment's.
    """
    case = state.cases.get(payment.rpartition("-payment")[0])
    if case is None or case.settlement is None or payment_case(case) != payment:
        return {}
    shares, pot = case.settlement.shares_fen, case.settlement.pot_fen
    low = [fen for party, fen in shares.items() if state.parties[party].tier in GRASSROOTS]
    return {
        "pay.registered": bool(case.utility),
        "pay.balanced": sum(shares.values()) + case.settlement.escrow_fen == pot,
        "pay.grassroots": bool(low),
        "pay.grassroots_share": 100 * sum(low) // pot,
    }


def is_leave_for(state: State, leave: Case, settlement: settled.SettlementCertified) -> bool:
    """Whether a case asks for leave to pay just this settlement."""
    ledger = state.assets.get(ledger_id(leave.id))
    asked = leave.request
    return (
        ledger == _ledger(leave.id, settlement)
        and (asked.requester, asked.action, asked.assets)
        == (PLATFORM, "pay", (ledger_id(leave.id),))
        and asked.recipient == sorted(settlement.shares_fen)[0]
    )


def _request(name: str, settlement: settled.SettlementCertified) -> Request:
    return Request(
        id=name,
        zh="按贡献支付",
        en="Pay contributions",
        requester=PLATFORM,
        recipient=sorted(settlement.shares_fen)[0],
        assets=(ledger_id(name),),
        kinds=("institution",),
        action="pay",
        purpose="feedback",
        delivery="aggregate",
        declared={
            "basis.kind": "none",
            "act.min_cell": 0,
            "pay.for_data": False,
            "pay.commercial": False,
        },
    )


def ledger_id(name: str) -> str:
    """The id of the asset that represents the settlement in a payment case."""
    return f"{name}-ledger"


def _ledger(name: str, settlement: settled.SettlementCertified) -> Asset:
    reason = Reason(
        zh="机构名称与金额，不涉及任何个人", en="names of institutions and amounts, no person"
    )
    return Asset(
        id=ledger_id(name),
        holder=PLATFORM,
        zh="结算清单",
        en="Settlement ledger",
        fields=(
            Field(
                heading="机构",
                kind="institution",
                identifier=Identifier.NONE,
                level=1,
                reason=reason,
            ),
        ),
        level=1,
        level_reason=reason,
        deid_grade=4,
        rows=len(settlement.shares_fen),
        duplicates=0,
        encoding="utf-8",
        digest=settlement.certificate.removeprefix("sha256:"),
        persons=0,
        youngest=0,
        origin="operations",
        secret=False,
    )
