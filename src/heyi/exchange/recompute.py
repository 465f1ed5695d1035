"""Recomputing money: settlements, statements and payments of a log, from the registered game alone."""

from __future__ import annotations

from collections.abc import Iterable

from heyi.audit.event import Event
from heyi.crypto.canonical import Json, digest, from_canonical
from heyi.exchange.case import Case, State
from heyi.exchange.ports import Artefacts
from heyi.model.decision import Outcome
from heyi.model.errors import VerificationError
from heyi.model.permit import Permit
from heyi.settlement.allocate import allocate, policy_from_json
from heyi.settlement.exact import shapley
from heyi.settlement.game import game_from_json
from heyi.settlement.statement import state as statements_of


def recompute_settlement(
    event: Event, case: Case, permits: Iterable[Permit], answered: set[str], artefacts: Artefacts
) -> dict[str, Json]:
    """Check a settlement against what was registered and who answered; return each player's statement.

    `permits` are those of the case; `answered` the holders with an answered receipt for the measured operation.

    Raises:
        VerificationError: it is not what was registered, not among those who answered, or not to the fen.
    """
    public = event.public
    if case.settlement:
        raise VerificationError("the case was settled before")
    content = artefacts.artefact(public["game"])
    if content is None:
        raise VerificationError("the registered game is not kept with the log")
    game = game_from_json(from_canonical(content))
    if game.digest != public["game"]:
        raise VerificationError("the game kept with the log is another one")
    quoted = {p.utility for p in permits if p.holder in game.players}
    if quoted != {digest(dict(game.specification))}:
        raise VerificationError("the settlement measures something else than the permits had registered")
    if public["pot_fen"] != game.specification["pot_fen"]:
        raise VerificationError("the pot is not the one that was registered")
    if set(game.players) != answered:
        raise VerificationError("the players are not those who answered")
    phi = shapley(game)
    allocation = allocate(public["pot_fen"], game.players, phi, policy_from_json(game.specification["policy"]))
    shares = dict(zip(game.players, allocation.shares_fen, strict=True))
    if [str(p) for p in phi] != public["phi"] or shares != public["shares_fen"]:
        raise VerificationError("the settlement recomputes to other shares")
    if sum(shares.values()) + allocation.escrow_fen != public["pot_fen"]:
        raise VerificationError("the shares do not sum to the pot")
    return {s.party: s.to_json() for s in statements_of(game, phi, shares, pot_fen=public["pot_fen"], study=case.id)}


def check_payment(event: Event, state: State, paid: set[tuple[str, str]]) -> None:
    """Check one payment: the stated amount, once, by leave that was asked for this settlement.

    Raises:
        VerificationError: it is not.
    """
    public, case = event.public, state.cases[event.case]
    if case.settlement["shares_fen"].get(public["party"]) != public["amount_fen"]:
        raise VerificationError(f"`{public['party']}` was paid another amount than was stated")
    leave = state.cases.get(public["by_leave_of"])
    if leave is None or leave.request["action"] != "pay" or leave.id != f"{case.id}-payment":
        raise VerificationError("the leave to pay is of another case")
    ledgers = [state.assets[a].digest for a in leave.decisions]
    if ledgers != [case.settlement["game"].removeprefix("sha256:")]:
        raise VerificationError("the leave to pay is for another settlement")
    if not all(Outcome(d.outcome).is_permit for d in leave.decisions.values()):
        raise VerificationError("the payment was made without leave")
    if (case.id, public["party"]) in paid:
        raise VerificationError(f"`{public['party']}` was paid twice")
