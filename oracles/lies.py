"""Every lie that was thought of, for `make lies` and for the tests."""

from __future__ import annotations

from oracles import (
    lies_about_approvals,
    lies_about_decisions,
    lies_about_disputes,
    lies_about_erasures,
    lies_about_facts,
    lies_about_files,
    lies_about_forms,
    lies_about_history,
    lies_about_notices,
    lies_about_payments,
    lies_about_permits,
    lies_about_registers,
    lies_about_results,
    lies_about_settlements,
    lies_about_uses,
)
from oracles.lying import Lie

ROOMS = (
    lies_about_facts.ROOM,
    lies_about_decisions.ROOM,
    lies_about_erasures.ROOM,
    lies_about_approvals.ROOM,
    lies_about_registers.ROOM,
    lies_about_permits.ROOM,
    lies_about_uses.ROOM,
    lies_about_results.ROOM,
    lies_about_notices.ROOM,
    lies_about_settlements.ROOM,
    lies_about_disputes.ROOM,
    lies_about_payments.ROOM,
    lies_about_history.ROOM,
    lies_about_forms.ROOM,
    lies_about_files.ROOM,
)
LIES: tuple[Lie, ...] = tuple(lie for room in ROOMS for lie in room.lies)
