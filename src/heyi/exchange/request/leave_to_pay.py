"""The leave to pay: a request that follows from a settlement, and what the platform states for it.

Its ids belong to it alone. Nobody else can take them, and it can be nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from heyi.exchange.case_file import Case
from heyi.exchange.consortium import PLATFORM
from heyi.exchange.events import applied, settled
from heyi.exchange.state import State
from heyi.model.asset import Asset, Field, Identifier, Reason
from heyi.model.party import GRASSROOTS
from heyi.model.request import Request

_PAYMENT = re.compile(r"(.+)-payment(-[0-9]+)?")
_IN_THE_LEAF = (
    "zh",
    "en",
    "requester",
    "recipient",
    "assets",
    "kinds",
    "action",
    "purpose",
    "delivery",
)
_OF_A_PAYMENT = (
    "pay.registered",
    "pay.balanced",
    "pay.grassroots",
    "pay.grassroots_share",
)
"""Facts that follow from the settlement and the registry."""


def payment_case(case: Case) -> str:
    """The id of the request that asks for leave to pay; each settlement of a case needs its own."""
    return (
        f"{case.id}-payment" if case.settlements == 1 else f"{case.id}-payment-{case.settlements}"
    )


def paid_facts(state: State, payment: str) -> dict[str, bool | int]:
    """What the platform states about a payment: it follows from the settlement and the registry.

    `payment` is the case in which the leave is asked; empty if it is no payment's.
    """
    case = _settled(state, payment)
    if case is None or case.settlement is None:
        return {}
    shares, pot = case.settlement.shares_fen, case.settlement.pot_fen
    low = [fen for party, fen in shares.items() if state.parties[party].tier in GRASSROOTS]
    return {
        "pay.registered": bool(case.utility),
        "pay.balanced": sum(shares.values()) + case.settlement.escrow_fen == pot,
        "pay.grassroots": bool(low),
        "pay.grassroots_share": 100 * sum(low) // pot if pot else 0,
    }


def _settled(state: State, payment: str) -> Case | None:
    """The case whose settlement is to be paid by this leave, None if it is no leave to pay."""
    named = _PAYMENT.fullmatch(payment)
    case = state.cases.get(named[1]) if named else None
    if case is None or case.settlement is None or payment_case(case) != payment:
        return None
    return case


def misstated(state: State, leave: Case, facts: Mapping[str, Any]) -> str:
    """The first of these facts that settlement and registry do not give, empty if all are right.

    While there is no settlement they give none.
    """
    if leave.request.action != "pay":
        return ""
    right = paid_facts(state, leave.id)
    for name in _OF_A_PAYMENT:
        if name in facts and (name not in right or facts[name] != right[name]):
            return name
    return ""


def reserved_request(state: State, request: Request | applied.RequestSubmitted) -> str:
    """Why nobody may submit such a request, empty if it may be submitted.

    The id of a leave to pay is for the request that follows from the settlement.
    """
    if not _PAYMENT.fullmatch(request.id):
        return ""
    case = _settled(state, request.id)
    if case and case.settlement:
        right = request_to_pay(request.id, case.settlement)
        if request == right if isinstance(request, Request) else _asks(request, right):
            return ""
    return f"`{request.id}` is an id of a request to pay"


def _asks(submitted: applied.RequestSubmitted, right: Request) -> bool:
    """Whether a request was submitted just so; what it declares stands in its body."""
    return (
        all(getattr(submitted, name) == getattr(right, name) for name in _IN_THE_LEAF)
        and not submitted.operations
        and submitted.declared == tuple(sorted(right.declared))
    )


def reserved_asset(state: State, asset: Asset) -> str:
    """Why nobody may register such an asset, empty if it may be registered."""
    payment = payment_of(asset)
    if not payment:
        return ""
    case = _settled(state, payment)
    if case and case.settlement and asset == ledger_of(payment, case.settlement):
        return ""
    return f"`{asset.id}` is an id of the amounts of a payment"


def payment_of(asset: Asset) -> str:
    """The leave to pay whose list of amounts has this id, empty if it is of none."""
    payment = asset.id.removesuffix("-ledger")
    return payment if payment != asset.id and _PAYMENT.fullmatch(payment) else ""


def is_leave_for(state: State, leave: Case, settlement: settled.SettlementCertified) -> bool:
    """Whether a case asks for leave to pay just this settlement."""
    ledger = state.assets.get(ledger_id(leave.id))
    right = request_to_pay(leave.id, settlement)
    return ledger == ledger_of(leave.id, settlement) and _asks(leave.request, right)


def request_to_pay(name: str, settlement: settled.SettlementCertified) -> Request:
    """The request for leave to pay a settlement: its asset is the list of amounts."""
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


def ledger_of(name: str, settlement: settled.SettlementCertified) -> Asset:
    """The list of amounts of a settlement, which holds no persons."""
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
