"""Settling: the utility is registered before the run, measured after it, valued, certified and stated."""

from __future__ import annotations

from collections.abc import Sequence

from heyi.crypto.canonical import Json, canonical, digest
from heyi.exchange.consortium import Consortium
from heyi.model.errors import InvalidInput
from heyi.settlement.certificate import Measured, certify
from heyi.settlement.coverage import Coverage, Stratum
from heyi.settlement.game import Game
from heyi.settlement.statement import Statement, state

DAY = 86_400


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


def coverage_game(holders: Sequence[str], patterns: dict[int, int], specification: dict[str, Json]) -> Coverage:
    """Distinct persons that each coalition covers."""
    everybody = Stratum(name="persons", weight=1, patterns=patterns)
    return Coverage(players=tuple(holders), strata=(everybody,), specification=specification)


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


def settle(house: Consortium, case: str, measured: Measured) -> list[Statement]:
    """Value a game, divide the registered pot, keep the certificate beside the log, and log settlement and statements.

    A settlement that was paid on intervals (interim) is trued up by a second one of the same case: nobody gets less
    than was paid.

    Raises:
        InvalidInput: the specification is not the one that was registered, or the case was settled for good.
    """
    the_case = house.case(case)
    if the_case.utility != digest(dict(measured.specification)):
        raise InvalidInput("the utility is not the one that was registered", hint="settle what was registered")
    if the_case.settlement and not the_case.trues_up:
        raise InvalidInput(f"case `{case}` was settled already", hint="a dispute that is upheld withdraws a settlement")
    certificate = certify(case, measured, the_case.paid or None)
    certified = digest(certificate)
    house.artefacts.put_artefact(certified, canonical(certificate))
    until = house.clock.now() + measured.specification["dispute_days"] * DAY
    statements = state(measured, certificate, disputes_until=until)
    house.write(
        house.draft("settlement.certified", case=case, public=settled_leaf(certified, certificate, until)),
        *(house.draft("statement.issued", case=case, public=s.to_json()) for s in statements),
    )
    return statements


def settled_leaf(certified: str, certificate: dict[str, Json], until: int) -> dict[str, Json]:
    """What of a settlement stands in the log: the digest of its certificate, the root of its utilities, its figures."""
    measured = certificate["measured"]
    return {
        "certificate": certified,
        "root": certificate["root"],
        "players": measured["players"],
        "unit": measured["unit"],
        "interim": measured["kind"] == "sample",
        "phi": certificate["phi"],
        "pot_fen": measured["specification"]["pot_fen"],
        "paid_fen": certificate["paid_fen"],
        "shares_fen": certificate["shares_fen"],
        "escrow_fen": certificate["escrow_fen"],
        "disputes_until": until,
    }
