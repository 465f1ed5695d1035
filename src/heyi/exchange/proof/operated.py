"""Replay of uses: announced calls, the nodes' receipts, released results, withdrawals."""

from __future__ import annotations

from bisect import bisect_left

from heyi.audit.witness import CLOCK_TOLERANCE
from heyi.consent.registry import EVERYTHING
from heyi.crypto.codec import to_json
from heyi.exchange.case_file import Case
from heyi.exchange.events import used
from heyi.exchange.events.typed import Logged
from heyi.exchange.proof.auditor import Announced, Auditor, Notice
from heyi.exchange.request.grant import permitted_operations
from heyi.federation.wire.receipt import verify_receipt
from heyi.model.errors import VerificationError
from heyi.model.permit import Permit


def check_asked(what: used.OperationAsked, entry: Logged, a: Auditor) -> None:
    case = a.state.cases[entry.case]
    for permit, number, argument in what.calls:
        known = a.calls.setdefault(permit, {})
        if number in known:
            raise VerificationError(f"call {number} under `{permit}` is announced a second time")
        known[number] = Announced(
            entry=entry.index, at=entry.at, operation=what.operation, argument=argument
        )
    if wrong := [number for _, number, _ in what.calls if number < 1]:
        raise VerificationError(f"call {wrong[0]} is announced, and calls are counted from 1")
    if stray := [permit for permit, _, _ in what.calls if permit not in case.permits]:
        raise VerificationError(f"a call is announced under `{stray[0]}`, no permit of this case")
    if entry.actor != case.request.requester:
        raise VerificationError(f"`{entry.actor}` uses the permits of `{case.request.requester}`")


def check_receipt(what: used.ReceiptLogged, entry: Logged, a: Auditor) -> None:
    """Check a receipt: of an announced call, by the permit's node, within what the permit says."""
    a.report.receipts += 1
    try:
        _check_receipt(what, entry, a)
    except VerificationError:
        # the node's log has the same receipt, and the same fault is not told twice
        a.blamed.add(what.signature)
        raise


def _check_receipt(what: used.ReceiptLogged, entry: Logged, a: Auditor) -> None:
    permit = a.permit(what.permit)
    if permit is None or permit.case != entry.case or what.host not in a.state.nodes:
        raise VerificationError(
            "the receipt is for no permit of this case, or from no node that was opened"
        )
    if (what.holder, what.host) != (permit.holder, permit.audience):
        raise VerificationError("the receipt is from another institution than the permit is for")
    key = a.state.parties[what.holder].public_key
    receipt = verify_receipt(to_json(what), public_key=key)
    if isinstance(what, used.OperationRefused) != bool(receipt.refusal):
        raise VerificationError("the receipt says other than the event")
    if entry.actor != what.holder:
        raise VerificationError(f"`{entry.actor}` logs a receipt of `{what.holder}`")
    call = a.announced(what.permit, what.number)
    if call is None:
        raise VerificationError("the receipt is for a call that nobody announced")
    if call.answered:
        raise VerificationError("the receipt is for a call that was answered before")
    call.answered, call.receipt = what.signature, entry.index
    if (call.operation, call.argument) != (what.operation, what.argument):
        raise VerificationError(
            "the receipt is for another operation or argument than was announced"
        )
    if what.at > entry.at + CLOCK_TOLERANCE:
        raise VerificationError("the receipt is dated after it was logged")
    if early(what.at, call):
        raise VerificationError("the node answered before the call was announced")
    place = (entry.case, what.operation)
    refused = a.refused.setdefault(place, {})
    if what.refusal:
        refused[what.holder] = what.refusal
        return
    refused.pop(what.holder, None)  # a refusal that was overcome is none
    a.answered.setdefault(place, set()).add(what.holder)
    a.fresh.setdefault(place, set()).add(what.holder)
    if why := beyond(what, permit, call, a):
        raise VerificationError(why)


def early(at: int, call: Announced) -> bool:
    """Whether a receipt is older than its call, beyond what two clocks may differ."""
    return at < call.at - CLOCK_TOLERANCE


def beyond(what: used.ReceiptLogged, permit: Permit, call: Announced, a: Auditor) -> str:
    """Why an answered receipt is beyond its permit; empty if it is not.

    Two clocks may differ, and a call that was on its way when its permit was revoked is answered a
    little later. The order of the log does not lie: what was announced after the permit had ended
    was answered after it.
    """
    if what.operation not in permit.operations.values():
        return "the receipt is for an operation that the permit does not hold"
    if what.number > permit.max_calls:
        return f"the node answered call {what.number}, and the permit has {permit.max_calls}"
    if not permit.issued_at <= what.at < permit.expires_at or call.at >= permit.expires_at:
        return "the node answered outside the time of the permit"
    notice = a.revoked.get(permit.id)
    if notice is not None and (what.at > notice.at + CLOCK_TOLERANCE or call.entry > notice.entry):
        return "the node answered after the permit was revoked"
    return ""


def check_result(what: used.ResultReleased, entry: Logged, a: Auditor) -> None:
    """Check who is named in a released result against the receipts since the last one."""
    place, case = (entry.case, what.operation), a.state.cases[entry.case]
    names = {digest: name for name, digest in permitted_operations(case.request).items()}
    if what.operation not in names:
        raise VerificationError("the result is of an operation that the case does not ask for")
    if what.figures.get("name") != names[what.operation]:
        raise VerificationError("the result has another name than its operation")
    answered, refused = set(what.answered), set(what.refused)
    fresh, said_no = a.fresh.pop(place, set()), a.refused.pop(place, {})
    if not answered <= fresh or answered & refused or len(answered) != len(what.answered):
        raise VerificationError("the result names institutions that did not answer")
    # who told no tokens was left out, and not asked for anything else
    left_out = {h: code for h, code in _unlinked(case).items() if h not in fresh}
    codes = {h: why.get("code", "") for h, why in what.refused.items()}
    if not codes.items() <= said_no.items() | left_out.items():
        raise VerificationError("the result names refusals that no node signed")
    # a study that ends with too few institutions releases no figures, so it leaves nobody out
    joined = bool(answered) or set(what.figures) != {"name"}
    if joined and not fresh <= answered | refused:
        raise VerificationError("the result leaves out an institution that answered")
    if not answered | refused and set(what.figures) - {"name"}:
        raise VerificationError("the result rests on no answer, and has figures")


def _unlinked(case: Case) -> dict[str, str]:
    """Who refused in the last result of linkage tokens, with the code of each refusal."""
    tokens = permitted_operations(case.request).get("tokens")
    results = [r for r in case.results if r.operation == tokens]
    return {h: why.get("code", "") for h, why in results[-1].refused.items()} if results else {}


def check_withdrawal(what: used.ConsentWithdrawn, entry: Logged, a: Auditor) -> None:
    if what.via not in a.state.parties:
        raise VerificationError(f"a subject came to `{what.via}`, which is not registered")
    body = entry.content(used.Subject)
    notice = Notice(
        entry=entry.index,
        at=entry.at,
        subject="" if body is None else body.token,
        scope=what.scope,
    )
    a.withdrawn.append(notice)
    if what.scope != EVERYTHING and what.scope not in a.state.cases:
        raise VerificationError(f"a consent is withdrawn for `{what.scope}`, which is no case")


def check_kept(entry: int, a: Auditor) -> None:
    """Check that what is erased is not the token of a withdrawal: later nodes must be told it.

    Raises:
        VerificationError: it is.
    """
    place = bisect_left(a.withdrawn, entry, key=lambda notice: notice.entry)
    if place < len(a.withdrawn) and a.withdrawn[place].entry == entry:
        raise VerificationError(
            f"the token of the withdrawal in entry {entry} is erased: no node that opens later can "
            "respect it"
        )
