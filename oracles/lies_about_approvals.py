"""Lies about what authorities approved."""

from __future__ import annotations

import datetime as dt

from msgspec import structs

from heyi.exchange.consortium import PLATFORM
from heyi.exchange.events import applied
from heyi.exchange.request.apply import approval_message, decide
from oracles.forge import forge, sealed
from oracles.lying import DAY, HOSPITAL, TRAINING, Expected, Operator, Outcome, Room, Unseen

ROOM = Room()
lie = ROOM.lie
COMMITTEE, AUTHORITY = "data-committee", "data_committee"


def signed(
    op: Operator,
    *,
    given: bool = True,
    asset: str = HOSPITAL,
    by: str = COMMITTEE,
    origin: str = "",
    **fields: object,
) -> tuple[applied.ApprovalAnswered, applied.Reasons]:
    """What the authority signs now about the latest decision of the case."""
    decided = op.case(TRAINING).decisions[HOSPITAL].index
    body = applied.Reasons(reasons="within these conditions only")
    kind = applied.ApprovalGiven if given else applied.ApprovalRefused
    usual = {"conditions": {"days": 30}, "until": dt.date(2026, 12, 31), "decision": decided}
    answer = kind(authority=AUTHORITY, asset=asset, signature="", **{**usual, **fields})  # type: ignore[arg-type]
    message = approval_message(
        answer,
        origin=origin or op.consortium.log.signer.name,
        case=TRAINING,
        at=op.now,
        reasons=sealed(body)[0],
    )
    return structs.replace(answer, signature=op.app.signer(by).sign(message).hex()), body


def log(
    op: Operator, what: applied.ApprovalAnswered, body: applied.Reasons, *, by: str = COMMITTEE
) -> int:
    return forge(op.consortium, what, by=by, case=TRAINING, body=body, seal=sealed(body))


NOT_SIGNED = "the approval does not hold"


@lie("the committee approved, whatever it refused later")
def an_old_approval_after_a_refusal(op: Operator) -> Outcome:
    """The committee approves, then refuses; its approval is logged again, signature and all."""
    what, body = signed(op)
    log(op, what, body)
    log(op, *signed(op, given=False))
    return Expected(entry=log(op, what, body), words="is logged again")


@lie("the committee approved, whatever it refused later")
def an_old_approval_in_capitals(op: Operator) -> Outcome:
    """As before, within the same second, with the signature in capital letters."""
    what, body = signed(op)
    log(op, what, body)
    log(op, *signed(op, given=False))
    capitals = structs.replace(what, signature=what.signature.upper())
    return Expected(entry=log(op, capitals, body), words="signature")


@lie("the committee approved this decision")
def an_approval_of_an_earlier_decision(op: Operator) -> Outcome:
    """The signed approval is kept back until the case was decided anew."""
    what, body = signed(op)
    decide(op.consortium, TRAINING, by=PLATFORM)
    return Expected(entry=log(op, what, body), words="of an earlier decision")


@lie("the committee approved")
def a_refusal_logged_as_an_approval(op: Operator) -> Outcome:
    """A signed refusal is logged under the other kind."""
    what, body = signed(op, given=False)
    fields = {n: getattr(what, n) for n in what.__struct_fields__}
    return Expected(entry=log(op, applied.ApprovalGiven(**fields), body), words=NOT_SIGNED)


@lie("the committee gave these reasons")
def other_reasons(op: Operator) -> Outcome:
    """The body holds other reasons than were signed."""
    what, _ = signed(op)
    return Expected(entry=log(op, what, applied.Reasons(reasons="none")), words=NOT_SIGNED)


@lie("the committee set no conditions")
def other_conditions(op: Operator) -> Outcome:
    """The conditions are left out."""
    what, body = signed(op)
    entry = log(op, structs.replace(what, conditions={}), body)
    return Expected(entry=entry, words=NOT_SIGNED)


@lie("the committee approved for ever")
def another_last_day(op: Operator) -> Outcome:
    """The last day is left out."""
    what, body = signed(op)
    return Expected(entry=log(op, structs.replace(what, until=None), body), words=NOT_SIGNED)


@lie("the committee approved today")
def an_approval_of_another_day(op: Operator) -> Outcome:
    """The approval is kept back for a week."""
    what, body = signed(op)
    op.forward(7 * DAY)
    return Expected(entry=log(op, what, body), words=NOT_SIGNED)


@lie("the committee approved")
def an_approval_by_the_platform(op: Operator) -> Outcome:
    """The platform signs with its own key, in the committee's name."""
    return Expected(entry=log(op, *signed(op, by=PLATFORM)), words=NOT_SIGNED)


@lie("the committee approved")
def an_approval_of_another_committee(op: Operator) -> Outcome:
    """Another committee signs for this one."""
    entry = log(op, *signed(op, by="ethics-committee"), by="ethics-committee")
    return Expected(entry=entry, words="does not speak for `data_committee`")


@lie("the committee approved in this log")
def an_approval_for_another_log(op: Operator) -> Outcome:
    """The signature was given for another consortium."""
    return Expected(entry=log(op, *signed(op, origin="example.org/log")), words=NOT_SIGNED)


@lie("the committee approved for these data")
def an_approval_for_other_data(op: Operator) -> Outcome:
    """The asset is one that the case does not ask for."""
    entry = log(op, *signed(op, asset="tcm-hospital-records", decision=None))
    return Expected(entry=entry, words="which the case does not ask for")


@lie("the committee never answered")
def a_refusal_that_is_not_logged(op: Operator) -> Outcome:
    """The committee signs a refusal, and the platform does not log it."""
    signed(op, given=False)
    return Unseen(who="the committee, which has no receipt of its answer and reads the case")
