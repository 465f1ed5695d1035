"""The life of a share: its stages, and the events that lead from one stage to the next."""

from __future__ import annotations

from enum import Enum

from heyi.model.errors import InvalidInput


class Stage(Enum):
    """The stage of one institution's share in one settlement."""

    ACCRUED = "accrued"  # computed and certified
    STATED = "stated"  # sent to the institution, which may dispute it until the registered day
    # waits for an answer; meanwhile no share of this settlement can be approved
    DISPUTED = "disputed"
    APPROVED = "approved"  # by the authority that answers for the money
    PAID = "paid"


_STEPS = {
    "statement.issued": (Stage.ACCRUED, Stage.STATED),
    "statement.disputed": (Stage.STATED, Stage.DISPUTED),
    "dispute.dismissed": (Stage.DISPUTED, Stage.STATED),
    "settlement.approved": (Stage.STATED, Stage.APPROVED),
    "settlement.paid": (Stage.APPROVED, Stage.PAID),
}
_WORDS = {
    "statement.issued": "be stated",
    "statement.disputed": "be disputed",
    "dispute.dismissed": "have a dispute dismissed",
    "settlement.approved": "be approved",
    "settlement.paid": "be paid",
}


AFTER = {event: after for event, (_, after) in _STEPS.items()}
"""The stage after each event, for code that folds a log and does not judge it."""


def step(stage: Stage, event: str, party: str) -> Stage:
    """The stage after an event.

    Raises:
        InvalidInput: the event does not follow from this stage.
    """
    before, after = _STEPS[event]
    if stage is not before:
        raise InvalidInput(
            f"the share of `{party}` is {stage.value} and cannot {_WORDS[event]}",
            hint=f"only a share that is {before.value} can",
        )
    return after
