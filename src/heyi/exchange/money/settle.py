"""Settlement: register a utility before the run; after it, value, certify and state the game."""

from __future__ import annotations

from heyi.crypto.canonical import Json, canonical, digest
from heyi.crypto.codec import from_json
from heyi.exchange.case_file import Case
from heyi.exchange.consortium import Consortium, command
from heyi.exchange.events import settled
from heyi.exchange.writer import Done
from heyi.model.errors import Conflict, InvalidInput
from heyi.settlement.certificate import Measured, certify
from heyi.settlement.statement import Statement, state
from heyi.settlement.utility import check_follows

DAY = 86_400


@command
def register_utility(
    consortium: Consortium, case: str, specification: dict[str, Json], *, by: str
) -> Done[str]:
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
    what = settled.UtilityRegistered(specification=specification, digest=registered)
    return Done([consortium.draft(what, by=by, case=case)], registered)


def settle(consortium: Consortium, case: str, measured: Measured, *, by: str) -> list[Statement]:
    """Value a game and divide the registered pot; log the settlement and its statements.

    The certificate is kept beside the log. A settlement that was paid on intervals (interim) may be
    followed by a second one of the same case, in which nobody gets less than was paid.

    Raises:
        InvalidInput: the specification is not the registered one, or the case was settled for good.
    """
    _check_open(consortium.case(case), measured)
    # valued before the command, since it may take long and no other command should wait for it
    paid = dict(consortium.case(case).paid)
    certificate = certify(case, measured, paid or None)
    # before the event that names it: a certificate that no event names does no harm
    consortium.artefacts.put_artefact(digest(certificate), canonical(certificate))
    return _log_settlement(consortium, case, measured, certificate, paid, by=by)


@command
def _log_settlement(
    consortium: Consortium,
    case: str,
    measured: Measured,
    certificate: dict[str, Json],
    paid: dict[str, int],
    *,
    by: str,
) -> Done[list[Statement]]:
    the_case = consortium.case(case)
    _check_open(the_case, measured)
    if the_case.paid != paid:
        raise Conflict(f"case `{case}` was paid in the meantime", hint="settle it again")
    certified = digest(certificate)
    until = consortium.now + measured.specification["dispute_days"] * DAY
    statements = state(measured, certificate, disputes_until=until)
    leaves = [
        settled_leaf(certified, certificate, until),
        *(statement_leaf(s) for s in statements),
    ]
    return Done([consortium.draft(leaf, by=by, case=case) for leaf in leaves], statements)


def _check_open(case: Case, measured: Measured) -> None:
    if case.utility != digest(dict(measured.specification)):
        raise InvalidInput(
            "the utility is not the one that was registered", hint="settle what was registered"
        )
    if case.settlement and not case.trues_up:
        raise InvalidInput(
            f"case `{case.id}` was settled already",
            hint="a dispute that is upheld withdraws a settlement",
        )
    linked = frozenset(measured.players) if "tokens" in case.request.operations else frozenset()
    check_follows(measured, linked)


def statement_leaf(statement: Statement) -> settled.StatementIssued:
    """A statement as it stands in the log."""
    return from_json(statement.to_json(), settled.StatementIssued)


def settled_leaf(
    certified: str, certificate: dict[str, Json], until: int
) -> settled.SettlementCertified:
    """The public part of a settlement: digest of the certificate, root of the utilities, figures.

    `until` is the last second for disputes, Unix time; a replay recomputes the whole leaf.
    """
    measured = certificate["measured"]
    return settled.SettlementCertified(
        certificate=certified,
        root=certificate["root"],
        players=tuple(measured["players"]),
        unit=measured["unit"],
        interim=measured["kind"] == "sample",
        phi=tuple(certificate["phi"]),
        pot_fen=measured["specification"]["pot_fen"],
        paid_fen=certificate["paid_fen"],
        shares_fen=certificate["shares_fen"],
        escrow_fen=certificate["escrow_fen"],
        disputes_until=until,
    )
