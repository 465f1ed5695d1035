"""Recompute the money of a log from certificates and keys: settlements, disputes, payments."""

from __future__ import annotations

from heyi.crypto.canonical import digest, digest_bytes, from_canonical
from heyi.crypto.keys import verify_signature
from heyi.exchange.case_file import Case
from heyi.exchange.consortium import legal_day
from heyi.exchange.events import settled
from heyi.exchange.events.typed import Logged
from heyi.exchange.money.dispute import AUTHORITY, settlement_message
from heyi.exchange.money.pay import due_fen
from heyi.exchange.money.settle import DAY, settled_leaf, statement_leaf
from heyi.exchange.proof.auditor import Auditor
from heyi.exchange.proof.judged import assembled
from heyi.exchange.request.leave_to_pay import (
    is_leave_for,
    ledger_id,
    misstated,
    payment_case,
)
from heyi.exchange.study.valuation import evaluation_digest
from heyi.federation.wire.operation import Operation
from heyi.model.errors import InvalidInput, VerificationError
from heyi.policy.language.schema import admit
from heyi.settlement.certificate import verify_certificate
from heyi.settlement.stages import Stage, step
from heyi.settlement.statement import state as statements_of
from heyi.settlement.utility import check_follows


def check_settlement(what: settled.SettlementCertified, entry: Logged, a: Auditor) -> None:
    """Recompute a settlement; keep its statements, which the next events have to equal."""
    a.report.settlements += 1
    case = a.state.cases[entry.case]
    _tell_lacking(case, entry, a)
    a.spoilt.add(case.id)  # until it is found to hold
    if case.settlement and not case.trues_up:
        raise VerificationError("the case was settled before")
    due = _recomputed(what, entry, case, a)
    a.spoilt.discard(case.id)
    a.statements.update({(case.id, leaf.party): leaf for leaf in due})


def _recomputed(
    what: settled.SettlementCertified, entry: Logged, case: Case, a: Auditor
) -> list[settled.StatementIssued]:
    """Check a settlement against what was registered and who answered; return its statements.

    Raises:
        VerificationError: it is not what was registered, its players are not those who answered, or
            an amount differs.
    """
    content = a.artefacts.artefact(what.certificate)
    if content is None:
        raise VerificationError("the certificate is not kept with the log")
    if digest_bytes(content) != what.certificate:
        raise VerificationError("the certificate kept with the log is another one")
    certificate = from_canonical(content)
    measured = verify_certificate(certificate)
    if certificate["study"] != case.id or certificate["paid_fen"] != case.paid:
        raise VerificationError("the certificate is of another study, or forgets what was paid")
    permits = [a.permits[p] for p in case.permits if p in a.permits]
    quoted = {p.utility for p in permits if p.holder in measured.players}
    if quoted != {digest(dict(measured.specification))}:
        raise VerificationError(
            "the settlement measures something else than the permits had registered"
        )
    tokens = case.request.operations.get("tokens")
    linked: set[str] = set()
    if tokens is not None:
        linked = a.answered.get((case.id, Operation(name="tokens", params=tokens).digest), set())
    try:
        check_follows(measured, frozenset(linked))
    except InvalidInput as e:
        # to the one who settles it is wrong input; in a log it is wrong evidence
        raise VerificationError(e.message) from None
    # who refuses in the middle of a run is not in its result; who refuses later stays a player
    results = [r for r in case.results if r.operation == case.specification["operation"]]
    if not results or set(measured.players) != set(results[-1].answered):
        raise VerificationError("the players are not those who answered in the last result")
    until = entry.at + measured.specification["dispute_days"] * DAY
    if what != settled_leaf(what.certificate, certificate, until):
        raise VerificationError("the settlement in the log is not what its certificate says")
    return [statement_leaf(s) for s in statements_of(measured, certificate, disputes_until=until)]


def _tell_lacking(case: Case, entry: Logged, a: Auditor) -> None:
    """Tell which statements of a settlement are not there when it ends; they are not due later."""
    for of_case, party in [key for key in a.statements if key[0] == case.id]:
        del a.statements[of_case, party]
        if case.id not in a.spoilt:
            a.fault(entry.index, f"the statement of `{party}` in `{case.id}` is lacking")


def check_statement(what: settled.StatementIssued, entry: Logged, a: Auditor) -> None:
    due = a.statements.pop((entry.case, what.party), None)
    if due != what and entry.case not in a.spoilt:
        raise VerificationError("the statement is not what the settlement recomputes to")


def check_registration(what: settled.UtilityRegistered, entry: Logged, a: Auditor) -> None:
    """Check that a registered utility has its digest, and is evaluated on the registered files."""
    case = a.state.cases[entry.case]
    if digest(what.specification) != what.digest:
        raise VerificationError("the registered utility has another digest")
    data = {asset: a.state.assets[asset].digest for asset in case.request.assets}
    if what.specification.get("evaluation_digest") != evaluation_digest(data):
        raise VerificationError(
            "the utility was registered for other data than those of the request"
        )
    if case.utility or case.permits:
        raise VerificationError("a utility was registered a second time, or after permits")


def check_answer(
    what: settled.DisputeAnswered | settled.SettlementApproved, entry: Logged, a: Auditor
) -> None:
    """Check that the authority signed an approval of this settlement, or an answer to a dispute."""
    case, by = a.state.cases[entry.case], a.state.parties[entry.actor]
    if AUTHORITY not in by.speaks_for:
        raise VerificationError(f"`{by.id}` does not speak for settlements")
    if what.signature in case.signatures:
        raise VerificationError("an earlier answer of the authority is logged again")
    if case.settlement is None or what.certificate != case.settlement.certificate:
        raise VerificationError("the authority answered for another settlement")
    if isinstance(what, settled.SettlementWithdrawn):
        if case.stages.get(what.party) is not Stage.DISPUTED:
            raise VerificationError("a settlement was withdrawn that nobody disputed")
        _tell_lacking(case, entry, a)
    else:
        # an answer concerns one share, an approval concerns all of them
        whose = [what.party] if isinstance(what, settled.DisputeDismissed) else case.stages
        for party in whose:
            step(case.stages[party], what.KIND, party)
    message = settlement_message(
        what, origin=a.origin_at(entry.index), case=case.id, at=entry.at, reasons=entry.commitment
    )
    verify_signature(by.public_key, message, bytes.fromhex(what.signature), what=f"`{what.KIND}`")
    if isinstance(what, settled.SettlementApproved) and entry.at <= case.settlement.disputes_until:
        raise VerificationError("the settlement was approved while it could still be disputed")


def check_dispute(what: settled.StatementDisputed, entry: Logged, a: Auditor) -> None:
    """Check that an institution disputes its own statement, in time."""
    case = a.state.cases[entry.case]
    if case.settlement is None or what.party not in case.stages:
        raise VerificationError(f"`{what.party}` disputes a settlement that it is not in")
    step(case.stages[what.party], what.KIND, what.party)
    if entry.actor != what.party or what.certificate != case.settlement.certificate:
        raise VerificationError("somebody else disputes, or another settlement is disputed")
    if entry.at > case.settlement.disputes_until:
        raise VerificationError("the days for disputes were over")


def check_payment(what: settled.SettlementPaid, entry: Logged, a: Auditor) -> None:
    """Check one payment: the amount that the approved settlement owes, by a leave for it."""
    case, party = a.state.cases[entry.case], what.party
    if case.id in a.spoilt:
        return
    if case.stages.get(party) is Stage.PAID:
        raise VerificationError(f"`{party}` was paid twice")
    if case.settlement is None or due_fen(case.settlement).get(party) != what.amount_fen:
        raise VerificationError(f"`{party}` was paid another amount than was stated")
    if what.payment != case.specification["payment"]:
        raise VerificationError(f"`{party}` was paid in another way than was registered")
    step(case.stages[party], what.KIND, party)
    leave = a.state.cases.get(what.by_leave_of)
    if leave is None or leave.id != payment_case(case):
        raise VerificationError("the leave to pay is of another case")
    if leave.id in a.spoilt:
        return
    if not is_leave_for(a.state, leave, case.settlement):
        raise VerificationError("the leave to pay is for another settlement")
    if not leave.decisions or not all(d.made.outcome.is_permit for d in leave.decisions.values()):
        raise VerificationError("the payment was made without leave")
    stated = {s.name: s.value for s in leave.statements.values() if s.value is not None}
    wrong = misstated(a.state, leave, stated)
    if wrong:
        raise VerificationError(
            f"the leave to pay rests on `{wrong}`, which settlement and registry have otherwise"
        )
    _check_still_permitted(leave, entry, a)


def _check_still_permitted(leave: Case, entry: Logged, a: Auditor) -> None:
    """Decide the leave again on the day of the payment: facts may have changed since."""
    point, ledger = a.point(a.state.rulebook), ledger_id(leave.id)
    if point is None:
        return
    found = assembled(a, point.book.schema, leave, ledger)
    if found.hidden:
        return
    admitted = admit(point.book.schema, found.stated, day=legal_day(entry.at))
    if not point.decide(admitted, asset=ledger).outcome.is_permit:
        raise VerificationError("the payment was made when facts no longer permitted it")
