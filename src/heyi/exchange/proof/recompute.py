"""Recompute the money of a log from certificates and keys: settlements, disputes, payments."""

from __future__ import annotations

from collections.abc import Iterable

from heyi.audit.event import Event
from heyi.crypto.canonical import Json, digest, from_canonical
from heyi.crypto.keys import verify_signature
from heyi.exchange.money.dispute import AUTHORITY, settlement_message
from heyi.exchange.money.pay import due_fen, ledger_id, payment_case
from heyi.exchange.money.settle import DAY, settled_leaf
from heyi.exchange.ports import Artefacts
from heyi.exchange.state import Case, State
from heyi.exchange.study.valuation import evaluation_digest
from heyi.model.decision import Outcome
from heyi.model.errors import InvalidInput, VerificationError
from heyi.model.permit import Permit
from heyi.settlement.certificate import verify_certificate
from heyi.settlement.stages import Stage, step
from heyi.settlement.statement import state as statements_of
from heyi.settlement.utility import check_follows


def recompute_settlement(
    event: Event,
    case: Case,
    permits: Iterable[Permit],
    artefacts: Artefacts,
    *,
    answered: set[str],
    refused: set[str],
    linked: frozenset[str],
) -> dict[str, Json]:
    """Check a settlement against what was registered and who answered; return the statements.

    `permits` are those of the case. `answered` and `refused` are the holders with an answered and
    with a refused receipt for the measured operation; who refuses in the middle of a run may be
    left out. `linked` are the holders that answered with tokens.

    Raises:
        VerificationError: it is not what was registered, its players are not those who answered, or
            an amount differs.
    """
    public = event.public
    if case.settlement and not case.trues_up:
        raise VerificationError("the case was settled before")
    content = artefacts.artefact(public["certificate"])
    if content is None:
        raise VerificationError("the certificate is not kept with the log")
    certificate = from_canonical(content)
    if digest(certificate) != public["certificate"]:
        raise VerificationError("the certificate kept with the log is another one")
    measured = verify_certificate(certificate)
    if certificate["study"] != case.id or certificate["paid_fen"] != case.paid:
        raise VerificationError("the certificate is of another study, or forgets what was paid")
    quoted = {p.utility for p in permits if p.holder in measured.players}
    if quoted != {digest(dict(measured.specification))}:
        raise VerificationError(
            "the settlement measures something else than the permits had registered"
        )
    try:
        check_follows(measured, linked)
    except InvalidInput as e:
        # to the one who settles it is wrong input; in a log it is wrong evidence
        raise VerificationError(e.message) from None
    # who answered and never refused is a player, and nobody is who did not answer
    if not answered - refused <= set(measured.players) <= answered:
        raise VerificationError("the players are not those who answered")
    until = event.at + measured.specification["dispute_days"] * DAY
    if public != settled_leaf(public["certificate"], certificate, until):
        raise VerificationError("the settlement in the log is not what its certificate says")
    return {
        s.party: s.to_json() for s in statements_of(measured, certificate, disputes_until=until)
    }


def check_registration(event: Event, state: State) -> None:
    """Check that a registered utility has its digest, and is evaluated on the registered files.

    Raises:
        VerificationError: it does not, or it came a second time or after permits.
    """
    specification, case = event.public["specification"], state.cases[event.case]
    if digest(specification) != event.public["digest"]:
        raise VerificationError("the registered utility has another digest")
    data = {asset: state.assets[asset].digest for asset in case.request["assets"]}
    if specification["evaluation_digest"] != evaluation_digest(data):
        raise VerificationError(
            "the utility was registered for other data than those of the request"
        )
    if case.utility or case.permits:
        raise VerificationError("a utility was registered a second time, or after permits")


def check_answer(event: Event, state: State) -> None:
    """Check that the authority signed an approval, or an answer to a dispute, of this settlement.

    Raises:
        VerificationError: it did not, or the settlement could still be disputed.
        InvalidInput: a share is in another stage.
    """
    public, case, by = event.public, state.cases[event.case], state.parties[event.actor]
    if AUTHORITY not in by.speaks_for:
        raise VerificationError(f"`{by.id}` does not speak for settlements")
    if public["certificate"] != case.settlement.get("certificate"):
        raise VerificationError("the authority answered for another settlement")
    if event.kind == "settlement.withdrawn":
        if case.stages.get(public["party"]) is not Stage.DISPUTED:
            raise VerificationError("a settlement was withdrawn that nobody disputed")
    else:
        # an answer concerns one share, an approval concerns all of them
        for party in [public["party"]] if event.kind == "dispute.dismissed" else case.stages:
            step(case.stages[party], event.kind, party)
    message = settlement_message(case.id, event.kind, public)
    verify_signature(
        by.public_key, message, bytes.fromhex(public["signature"]), what=f"`{event.kind}`"
    )
    if event.kind == "settlement.approved" and event.at <= case.settlement["disputes_until"]:
        raise VerificationError("the settlement was approved while it could still be disputed")


def check_dispute(event: Event, state: State) -> None:
    """Check that an institution disputes its own statement, in time.

    Raises:
        VerificationError: it does not.
        InvalidInput: its share is in another stage.
    """
    public, case = event.public, state.cases[event.case]
    settlement = case.settlement
    step(case.stages[public["party"]], event.kind, public["party"])
    if event.actor != public["party"] or public["certificate"] != settlement.get("certificate"):
        raise VerificationError("somebody else disputes, or another settlement is disputed")
    if event.at > settlement["disputes_until"]:
        raise VerificationError("the days for disputes were over")


def check_payment(event: Event, state: State) -> None:
    """Check one payment: the amount that the approved settlement owes, by a leave for it.

    Raises:
        VerificationError: another amount or way of payment, no leave, or a second payment.
        InvalidInput: the share is in another stage.
    """
    public, case = event.public, state.cases[event.case]
    party = public["party"]
    if case.stages.get(party) is Stage.PAID:
        raise VerificationError(f"`{party}` was paid twice")
    if due_fen(case.settlement).get(party) != public["amount_fen"]:
        raise VerificationError(f"`{party}` was paid another amount than was stated")
    if public["payment"] != case.specification["payment"]:
        raise VerificationError(f"`{party}` was paid in another way than was registered")
    step(case.stages[party], event.kind, party)
    leave = state.cases.get(public["by_leave_of"])
    if leave is None or leave.request["action"] != "pay" or leave.id != payment_case(case):
        raise VerificationError("the leave to pay is of another case")
    if state.assets[ledger_id(leave.id)].digest != case.settlement["certificate"].removeprefix(
        "sha256:"
    ):
        raise VerificationError("the leave to pay is for another settlement")
    if not leave.decisions or not all(
        Outcome(d.outcome).is_permit for d in leave.decisions.values()
    ):
        raise VerificationError("the payment was made without leave")
