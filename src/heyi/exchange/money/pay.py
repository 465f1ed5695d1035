"""Payment: approve a settlement after the days for disputes, and pay it if the law permits."""

from __future__ import annotations

from heyi.crypto.canonical import Json
from heyi.exchange.consortium import PLATFORM, Consortium
from heyi.exchange.money.dispute import settlement_message, speaks_for_settlements
from heyi.exchange.request.apply import decide, submit, supply
from heyi.exchange.request.register import register_asset
from heyi.exchange.state import Case
from heyi.model.asset import Asset, Field, Identifier, Reason
from heyi.model.decision import Decision
from heyi.model.errors import InvalidInput, Refused
from heyi.model.fact import Source
from heyi.model.party import GRASSROOTS
from heyi.model.request import Request
from heyi.settlement.stages import Stage, step


def approve_settlement(consortium: Consortium, case: str, *, by: str) -> None:
    """Log the signed approval of a settlement that nobody can dispute any more.

    Raises:
        InvalidInput: there is no settlement, disputes are open or still possible, or the party does
            not speak for the authority.
    """
    the_case = settled(consortium, case)
    speaks_for_settlements(consortium, by)
    if open_ := sorted(p for p, s in the_case.stages.items() if s is Stage.DISPUTED):
        raise InvalidInput(f"`{open_[0]}` disputes its statement", hint="answer the dispute first")
    for party, stage in the_case.stages.items():
        step(stage, "settlement.approved", party)
    if consortium.clock.now() <= the_case.settlement["disputes_until"]:
        raise InvalidInput(
            "statements can still be disputed", hint="approve when the days for disputes are over"
        )
    said = {"certificate": the_case.settlement["certificate"], "origin": consortium.log.signer.name}
    signature = (
        consortium.keyring.signer(by)
        .sign(settlement_message(case, "settlement.approved", said))
        .hex()
    )
    consortium.write(
        consortium.draft(
            "settlement.approved", actor=by, case=case, public={**said, "signature": signature}
        )
    )


def settled(consortium: Consortium, case: str) -> Case:
    """The case, if it has a settlement.

    Raises:
        InvalidInput: it has none.
    """
    the_case = consortium.case(case)
    if not the_case.settlement:
        raise InvalidInput(f"case `{case}` has no settlement", hint="settle it first")
    return the_case


def due_fen(settlement: dict[str, Json]) -> dict[str, int]:
    """What a settlement still owes to each player, in fen: its share less what was paid before."""
    return {
        p: fen - settlement["paid_fen"].get(p, 0)
        for p, fen in sorted(settlement["shares_fen"].items())
    }


def pay(consortium: Consortium, case: str) -> tuple[Decision, int]:
    """Pay an approved settlement if the law permits the payment; return decision and sum in fen.

    Raises:
        InvalidInput: there is nothing to pay, it is not approved, or it was paid.
        Refused: the law does not permit it.
    """
    the_case = settled(consortium, case)
    for party, stage in the_case.stages.items():
        step(stage, "settlement.paid", party)
    decision = _ask_leave(consortium, the_case)
    if not decision.outcome.is_permit:
        raise Refused(
            f"paying is not permitted: {decision.outcome.value}", hint="see the decision's reasons"
        )
    kind = the_case.specification["payment"]
    leave = payment_case(the_case)
    due = due_fen(the_case.settlement)
    # one write, so that all institutions are paid or none
    consortium.write(
        *(
            consortium.draft(
                "settlement.paid",
                case=case,
                public={"party": p, "amount_fen": amount, "payment": kind, "by_leave_of": leave},
            )
            for p, amount in due.items()
        )
    )
    return decision, sum(due.values())


def payment_case(case: Case) -> str:
    """The id of the request that asks for leave to pay; each settlement of a case needs its own."""
    return (
        f"{case.id}-payment" if case.settlements == 1 else f"{case.id}-payment-{case.settlements}"
    )


def _ask_leave(consortium: Consortium, case: Case) -> Decision:
    """Have the rulebook judge the payment.

    A payment is a request too: its asset is the list of amounts, which holds no persons.
    """
    name, settlement = payment_case(case), case.settlement
    if name in consortium.state.cases:  # asked before, and refused or cut off
        return decide(consortium, name)[ledger_id(name)]
    register_asset(consortium, _ledger(name, settlement))
    submit(consortium, _request(name, settlement))
    shares, pot = settlement["shares_fen"], settlement["pot_fen"]
    low = [
        fen for party, fen in shares.items() if consortium.state.parties[party].tier in GRASSROOTS
    ]
    facts = {
        "pay.registered": bool(case.utility),
        "pay.balanced": sum(shares.values()) + settlement["escrow_fen"] == pot,
        "pay.grassroots": bool(low),
        "pay.grassroots_share": 100 * sum(low) // pot,
    }
    supply(consortium, name, facts, by=PLATFORM, source=Source.REGISTRY)
    return decide(consortium, name)[ledger_id(name)]


def _request(name: str, settlement: dict[str, Json]) -> Request:
    return Request(
        id=name,
        zh="按贡献支付",
        en="Pay contributions",
        requester=PLATFORM,
        recipient=sorted(settlement["shares_fen"])[0],
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


def _ledger(name: str, settlement: dict[str, Json]) -> Asset:
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
        rows=len(settlement["shares_fen"]),
        duplicates=0,
        encoding="utf-8",
        digest=settlement["certificate"].removeprefix("sha256:"),
        persons=0,
        youngest=0,
        origin="operations",
        secret=False,
    )
