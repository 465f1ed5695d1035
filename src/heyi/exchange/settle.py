"""Settling: the utility is registered before the run, measured after it, valued, stated, and paid by leave of law."""

from __future__ import annotations

from collections.abc import Sequence

from heyi.crypto.canonical import Json, canonical, digest
from heyi.exchange.consortium import Consortium
from heyi.model.decision import Decision
from heyi.model.errors import InvalidInput, Refused
from heyi.settlement.allocate import allocate, policy_from_json
from heyi.settlement.exact import shapley
from heyi.settlement.game import Game, coverage_values
from heyi.settlement.statement import Statement, state


def register_utility(house: Consortium, case: str, specification: dict[str, Json]) -> str:
    """Log what will be measured, before anything is permitted, so that every permit can quote it; return its digest.

    Raises:
        InvalidInput: a utility was registered, or permits were issued already.
    """
    the_case = house.case(case)
    if the_case.utility or the_case.permits:
        raise InvalidInput(f"case `{case}` has permits or a utility already", hint="register it once, before the grant")
    registered = digest(specification)
    public = {"specification": specification, "digest": registered}
    house.write(house.draft("utility.registered", case=case, public=public))
    return registered


def coverage_game(holders: Sequence[str], patterns: dict[int, int], specification: dict[str, Json]) -> Game:
    """Distinct persons that each coalition covers."""
    values = coverage_values(patterns, len(holders))
    return Game(players=tuple(holders), values=values, unit="persons", specification=specification)


def likelihood_game(holders: Sequence[str], totals: dict[int, int], specification: dict[str, Json]) -> Game:
    """Improvement of the log-likelihood over the registered null model, in 1e-12 nats, over all institutions."""
    n = len(holders)
    order = sorted(range(n), key=lambda i: holders[i])
    values = [0] * (1 << n)
    for mask in range(1, 1 << n):
        original = sum(1 << order[i] for i in range(n) if mask >> i & 1)
        values[mask] = totals[original] - totals[0]
    players = tuple(holders[i] for i in order)
    return Game(players=players, values=tuple(values), unit="piconats", specification=specification)


def settle(house: Consortium, case: str, game: Game, *, pot_fen: int) -> list[Statement]:
    """Value a game exactly, divide the pot, keep the game beside the log, and log certificate and statements.

    Raises:
        InvalidInput: the specification is not the one that was registered.
    """
    if house.case(case).utility != digest(dict(game.specification)):
        raise InvalidInput("the utility is not the one that was registered", hint="settle what was registered")
    if house.case(case).settlement:
        raise InvalidInput(f"case `{case}` was settled already")
    if game.specification["pot_fen"] != pot_fen:
        raise InvalidInput(f"the pot is {pot_fen} fen, but {game.specification['pot_fen']} were registered")
    phi = shapley(game)
    allocation = allocate(pot_fen, game.players, phi, policy_from_json(game.specification["policy"]))
    shares = dict(zip(game.players, allocation.shares_fen, strict=True))
    house.artefacts.put_artefact(game.digest, canonical(game.to_json()))
    certificate = {
        "game": game.digest,
        "players": list(game.players),
        "unit": game.unit,
        "phi": [str(p) for p in phi],
        "pot_fen": pot_fen,
        "shares_fen": shares,
        "escrow_fen": allocation.escrow_fen,
    }
    statements = state(game, phi, shares, pot_fen=pot_fen, study=case)
    house.write(
        house.draft("settlement.stated", case=case, public=certificate),
        *(house.draft("statement.issued", case=case, public=s.to_json()) for s in statements),
    )
    return statements


def pay(house: Consortium, case: str, payment_case: str, decision: Decision) -> int:
    """Pay a settlement out, when the act of paying is itself permitted; return the sum in fen.

    Raises:
        InvalidInput: there is nothing to pay, it was paid, or the law does not permit it.
    """
    the_case = house.case(case)
    if not the_case.settlement:
        raise InvalidInput(f"case `{case}` has no settlement", hint="settle it first")
    if the_case.paid_fen:
        raise InvalidInput(f"case `{case}` was paid already")
    if not decision.outcome.is_permit:
        raise Refused(f"paying is not permitted: {decision.outcome.value}", hint="see the decision's reasons")
    shares = the_case.settlement["shares_fen"]
    house.write(
        *(
            house.draft(
                "settlement.paid",
                case=case,
                public={"party": p, "amount_fen": amount, "by_leave_of": payment_case},
            )
            for p, amount in sorted(shares.items())
            if amount
        )
    )
    return the_case.paid_fen
