"""Lies about released results: who answered, who refused, and why."""

from __future__ import annotations

from heyi.crypto.canonical import digest
from heyi.crypto.codec import to_json
from heyi.exchange.consortium import PLATFORM
from heyi.exchange.events import used
from heyi.federation.node.node_events import receipt_event
from heyi.federation.wire.receipt import Receipt, sign_receipt
from heyi.model.permit import Permit
from oracles.forge import again, forge, forge_node, last, opened_node
from oracles.lies_about_uses import counted, ran
from oracles.lying import COUNTS, NOWHERE, Expected, Operator, Outcome, Room, Unseen

ROOM = Room()
lie = ROOM.lie


def refused(op: Operator, permit: Permit, *, operation: str = "", code: str = "closed") -> None:
    """Announce a call that the node refuses; both log the refusal."""
    number, argument = op.next_call(permit), digest({})
    operation = operation or next(iter(permit.operations.values()))
    op.announced(permit, number, operation, argument)
    said = Receipt(
        permit=permit.id,
        holder=permit.holder,
        host=permit.audience,
        operation=operation,
        argument=argument,
        number=number,
        refusal=code,
        result="",
        at=op.now,
    )
    signed = receipt_event(sign_receipt(said, op.app.signer(permit.holder)))
    with opened_node(op.app, permit.audience) as log:
        forge_node(log, signed, actor=permit.holder, at=op.now, case=permit.case)
    what = used.OperationRefused(**to_json(signed))
    forge(op.consortium, what, by=permit.holder, case=permit.case)


def without_it(op: Operator, permit: Permit, code: str) -> int:
    """Release a result of nobody, since the one institution is said to have refused."""
    why = {"code": code, "zh": "x", "en": "x"}
    what = used.ResultReleased(
        operation=next(iter(permit.operations.values())),
        answered=(),
        refused={permit.holder: why},
        figures={"name": "frequency"},
    )
    return forge(op.consortium, what, by=PLATFORM, case=permit.case)


@lie("this institution refused, for this reason")
def a_refusal_with_an_invented_reason(op: Operator) -> Outcome:
    """The node refused a call, and the result gives another reason."""
    permit = counted(op)
    ran(op, permit)
    refused(op, permit, code="caller")
    return Expected(entry=without_it(op, permit, "closed"), words="refusals that no node signed")


@lie("this institution refused")
def a_refusal_of_an_earlier_round(op: Operator) -> Outcome:
    """The refusal was told in an earlier result; since then the institution has answered."""
    permit = counted(op)
    refused(op, permit)
    without_it(op, permit, "closed")
    ran(op, permit)
    return Expected(entry=without_it(op, permit, "closed"), words="refusals that no node signed")


@lie("these institutions answered")
def a_result_with_one_more(op: Operator) -> Outcome:
    """The result names an institution that did not answer."""
    permit = counted(op)
    ran(op, permit)
    found = last(op.consortium, used.ResultReleased, case=COUNTS)
    answered = tuple(sorted({permit.holder, "county-hospital"}))
    entry = again(op.consortium, found, answered=answered, refused={})
    return Expected(entry=entry, words="institutions that did not answer")


@lie("these institutions answered")
def a_result_with_one_less(op: Operator) -> Outcome:
    """The result leaves out an institution that answered."""
    ran(op, counted(op))
    found = last(op.consortium, used.ResultReleased, case=COUNTS)
    figures = {"name": "frequency", "cells": []}
    entry = again(op.consortium, found, answered=(), refused={}, figures=figures)
    return Expected(entry=entry, words="leaves out an institution that answered")


@lie("this institution refused")
def a_refusal_that_no_node_signed(op: Operator) -> Outcome:
    """The result says that somebody refused who was never asked."""
    permit = counted(op)
    ran(op, permit)
    found = last(op.consortium, used.ResultReleased, case=COUNTS)
    why = {"code": "policy", "zh": "", "en": ""}
    entry = again(op.consortium, found, answered=(permit.holder,), refused={"county-hospital": why})
    return Expected(entry=entry, words="refusals that no node signed")


@lie("the result is of the same answers")
def a_result_again(op: Operator) -> Outcome:
    """The last result is released again, with other figures."""
    found = last(op.consortium, used.ResultReleased, case=COUNTS)
    entry = again(op.consortium, found, figures={"name": "frequency", "cells": []})
    return Expected(entry=entry, words="institutions that did not answer")


@lie("this was found")
def a_result_of_nobody(op: Operator) -> Outcome:
    """Figures are released that rest on no answer."""
    what = used.ResultReleased(
        operation=next(iter(counted(op).operations.values())),
        answered=(),
        refused={},
        figures={"name": "frequency", "cells": [[0, 0, 0, 99]]},
    )
    entry = forge(op.consortium, what, by=PLATFORM, case=COUNTS)
    return Expected(entry=entry, words="rests on no answer")


@lie("this was found")
def a_result_of_another_operation(op: Operator) -> Outcome:
    """Nothing was found by an operation that the request does not name."""
    what = used.ResultReleased(operation=NOWHERE, answered=(), refused={}, figures={})
    entry = forge(op.consortium, what, by=PLATFORM, case=COUNTS)
    return Expected(entry=entry, words="does not ask for")


@lie("these are the figures that the answers give")
def other_figures(op: Operator) -> Outcome:
    """The right institutions, and figures of the platform's own making."""
    permit = counted(op)
    ran(op, permit)
    found = last(op.consortium, used.ResultReleased, case=COUNTS)
    figures = {"name": "frequency", "cells": []}
    again(op.consortium, found, answered=(permit.holder,), refused={}, figures=figures)
    return Unseen(
        who="the requester and the institutions together: each has its answer, whose digest is "
        "on its receipt"
    )


@lie("this was found by this operation")
def a_result_under_another_name(op: Operator) -> Outcome:
    """Figures are smuggled into the name of the operation."""
    permit = counted(op)
    ran(op, permit)
    found = last(op.consortium, used.ResultReleased, case=COUNTS)
    figures = {"name": {"cells": [[0, 0, 0, 99]]}}
    entry = again(op.consortium, found, answered=(permit.holder,), refused={}, figures=figures)
    return Expected(entry=entry, words="another name than its operation")
