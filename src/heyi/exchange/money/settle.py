"""Settlement: register a utility before the run; after it, value, certify and state the game."""

from __future__ import annotations

from heyi.crypto.canonical import Json, canonical, digest
from heyi.exchange.consortium import Consortium
from heyi.exchange.state import Case
from heyi.model.errors import InvalidInput
from heyi.settlement.certificate import Measured, certify
from heyi.settlement.statement import Statement, state
from heyi.settlement.utility import check_follows

DAY = 86_400


def register_utility(consortium: Consortium, case: str, specification: dict[str, Json]) -> str:
    """Log what will be measured, and return its digest, which every permit quotes.

    Raises:
        InvalidInput: the case has a utility or permits already.
    """
    the_case = consortium.case(case)
    if the_case.utility or the_case.permits:
        raise InvalidInput(
            f"case `{case}` has permits or a utility already",
            hint="register it once, before the grant",
        )
    registered = digest(specification)
    public = {"specification": specification, "digest": registered}
    consortium.write(consortium.draft("utility.registered", case=case, public=public))
    return registered


def settle(consortium: Consortium, case: str, measured: Measured) -> list[Statement]:
    """Value a game and divide the registered pot; log the settlement and its statements.

    The certificate is kept beside the log. A settlement that was paid on intervals (interim) may be
    followed by a second one of the same case, in which nobody gets less than was paid.

    Raises:
        InvalidInput: the specification is not the registered one, or the case was settled for good.
    """
    the_case = consortium.case(case)
    if the_case.utility != digest(dict(measured.specification)):
        raise InvalidInput(
            "the utility is not the one that was registered", hint="settle what was registered"
        )
    if the_case.settlement and not the_case.trues_up:
        raise InvalidInput(
            f"case `{case}` was settled already",
            hint="a dispute that is upheld withdraws a settlement",
        )
    check_follows(
        measured, frozenset(measured.players) if _asks_for_tokens(the_case) else frozenset()
    )
    certificate = certify(case, measured, the_case.paid or None)
    certified = digest(certificate)
    # before the event that names it: a certificate that no event names does no harm
    consortium.artefacts.put_artefact(certified, canonical(certificate))
    until = consortium.clock.now() + measured.specification["dispute_days"] * DAY
    statements = state(measured, certificate, disputes_until=until)
    consortium.write(
        consortium.draft(
            "settlement.certified", case=case, public=settled_leaf(certified, certificate, until)
        ),
        *(consortium.draft("statement.issued", case=case, public=s.to_json()) for s in statements),
    )
    return statements


def _asks_for_tokens(case: Case) -> bool:
    return any(o["name"] == "tokens" for o in case.request["operations"])


def settled_leaf(certified: str, certificate: dict[str, Json], until: int) -> dict[str, Json]:
    """The public part of a settlement: digest of the certificate, root of the utilities, figures.

    `disputes_until` is Unix time in seconds, inclusive; a replay recomputes the whole leaf.
    """
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
