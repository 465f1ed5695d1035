"""Lies about settlements and statements, and what was registered for them."""

from __future__ import annotations

from dataclasses import replace

from msgspec import structs

from heyi.audit.event import from_leaf
from heyi.crypto.canonical import Json, canonical, digest, from_canonical
from heyi.crypto.codec import from_json
from heyi.exchange.consortium import PLATFORM
from heyi.exchange.events import settled
from heyi.exchange.money.dispute import answer_dispute, dispute
from heyi.exchange.money.settle import settled_leaf, statement_leaf
from heyi.settlement.certificate import Measured, certify, measured_from_json
from heyi.settlement.coverage_game import CoverageGame
from heyi.settlement.statement import state
from oracles.forge import again, first, forge, said
from oracles.lies_about_results import refused
from oracles.lying import DAY, NOWHERE, STUDY, Expected, Operator, Outcome, Room, Unseen

ROOM = Room()
lie = ROOM.lie


# --- settlements: the log is rewound to the end of the study ---


def measured(op: Operator) -> Measured:
    content = op.consortium.artefacts.artefact(certified(op).certificate)
    assert content is not None
    return measured_from_json(from_canonical(content)["measured"])


def certified(op: Operator) -> settled.SettlementCertified:
    (entry,) = op.was(settled.SettlementCertified)
    return from_json(from_leaf(entry.leaf).public, settled.SettlementCertified)


def settling(
    op: Operator, game: Measured, *, study: str = STUDY, days: int = 15, **changed: object
) -> int:
    """Settle by a certificate of a game, with the statements that follow from it."""
    certificate = certify(study, game)
    op.consortium.artefacts.put_artefact(digest(certificate), canonical(certificate))
    until = op.now + days * DAY
    leaf = structs.replace(settled_leaf(digest(certificate), certificate, until), **changed)
    entry = forge(op.consortium, leaf, by=PLATFORM, case=STUDY)
    for statement in state(game, certificate, disputes_until=until):
        forge(op.consortium, statement_leaf(statement), by=PLATFORM, case=STUDY)
    return entry


@lie("these institutions took part")
def a_settlement_without_one_player(op: Operator) -> Outcome:
    """One institution that answered gets nothing."""
    op.rewind(settled.SettlementCertified)
    game = measured(op)
    assert isinstance(game, CoverageGame)
    fewer = without_the_last(game)
    return Expected(entry=settling(op, fewer), words="the players are not those who answered")


def without_the_last(game: CoverageGame) -> CoverageGame:
    """The same persons, as if the last institution had none."""
    rest = (1 << len(game.players) - 1) - 1
    strata = []
    for stratum in game.strata:
        patterns: dict[int, int] = {}
        for mask, persons in stratum.patterns.items():
            if mask & rest:
                patterns[mask & rest] = patterns.get(mask & rest, 0) + persons
        strata.append(replace(stratum, patterns=patterns))
    return replace(game, players=game.players[:-1], strata=tuple(strata))


@lie("this institution refused")
def a_player_left_out_by_a_late_refusal(op: Operator) -> Outcome:
    """After the result, one more call makes the node refuse; then its institution gets nothing."""
    op.rewind(settled.SettlementCertified)
    game = measured(op)
    assert isinstance(game, CoverageGame)
    permits = [op.permit(STUDY, p.partition(".")[2]) for p in sorted(op.case(STUDY).permits)]
    permit = next(p for p in permits if p.holder == game.players[-1])
    refused(op, permit, operation=permit.operations["tokens"])
    fewer = without_the_last(game)
    return Expected(entry=settling(op, fewer), words="the players are not those who answered")


@lie("these institutions took part")
def a_settlement_with_one_more_player(op: Operator) -> Outcome:
    """One institution that did not answer gets a share."""
    op.rewind(settled.SettlementCertified)
    game = measured(op)
    assert isinstance(game, CoverageGame)
    strata = tuple(
        replace(s, patterns={**s.patterns, 1 << len(game.players): 50}) for s in game.strata
    )
    more = replace(game, players=(*game.players, "village-20"), strata=strata)
    return Expected(entry=settling(op, more), words="the players are not those who answered")


@lie("this was measured as registered")
def a_settlement_of_another_pot(op: Operator) -> Outcome:
    """The pot is twice what was registered."""
    op.rewind(settled.SettlementCertified)
    game = measured(op)
    pot = {**game.specification, "pot_fen": 2 * game.specification["pot_fen"]}
    entry = settling(op, replace(game, specification=pot))
    return Expected(entry=entry, words="measures something else than the permits had registered")


@lie("the certificate is of this study")
def a_settlement_by_another_certificate(op: Operator) -> Outcome:
    """The certificate names another study."""
    op.rewind(settled.SettlementCertified)
    entry = settling(op, measured(op), study="another-study")
    return Expected(entry=entry, words="of another study")


@lie("a certificate proves the settlement")
def a_settlement_without_a_certificate(op: Operator) -> Outcome:
    """The certificate is nowhere."""
    op.rewind(settled.SettlementCertified)
    entry = settling(op, measured(op), certificate=NOWHERE)
    return Expected(entry=entry, words="the certificate is not kept with the log")


@lie("the shares follow from the certificate")
def a_settlement_with_other_shares(op: Operator) -> Outcome:
    """One institution gets a fen of another."""
    op.rewind(settled.SettlementCertified)
    shares = dict(certified(op).shares_fen)
    one, other, *_ = shares
    shares[one] -= 1
    shares[other] += 1
    entry = settling(op, measured(op), shares_fen=shares)
    return Expected(entry=entry, words="not what its certificate says")


@lie("the values follow from the certificate")
def a_settlement_with_another_root(op: Operator) -> Outcome:
    """The root over the utilities is another one."""
    op.rewind(settled.SettlementCertified)
    entry = settling(op, measured(op), root="00" * 32)
    return Expected(entry=entry, words="not what its certificate says")


@lie("the days for disputes were over")
def a_settlement_with_fewer_days_for_disputes(op: Operator) -> Outcome:
    """The last day is five days earlier than was registered."""
    op.rewind(settled.SettlementCertified)
    entry = settling(op, measured(op), days=10)
    return Expected(entry=entry, words="not what its certificate says")


@lie("so many persons were seen by these institutions")
def other_persons_in_a_settlement(op: Operator) -> Outcome:
    """The counts of persons are invented, and everything else follows from them."""
    op.rewind(settled.SettlementCertified)
    game = measured(op)
    assert isinstance(game, CoverageGame)
    strata = tuple(
        replace(s, patterns={m: n + (1000 if m == 1 else 0) for m, n in s.patterns.items()})
        for s in game.strata
    )
    settling(op, replace(game, strata=strata))
    return Unseen(
        who="the institutions together, from the answers whose digests are on their receipts; "
        "each from its own statement, since it knows how many persons it has"
    )


@lie("the case is settled")
def a_second_settlement(op: Operator) -> Outcome:
    """The settlement is logged again."""
    entry = again(op.consortium, first(op.consortium, settled.SettlementCertified))
    return Expected(entry=entry, words="the case was settled before")


@lie("this is the statement of the institution")
def an_altered_statement(op: Operator) -> Outcome:
    """A statement says a fen less than the settlement gives."""
    op.rewind(settled.SettlementCertified)
    op.relog(op.cut[0])
    statements = op.was(settled.StatementIssued)
    share = from_leaf(statements[0].leaf).public["share_fen"]
    entry = op.relog(statements[0], share_fen=share - 1)
    for statement in statements[1:]:
        op.relog(statement)
    return Expected(entry=entry, words="not what the settlement recomputes to")


@lie("every institution has its statement")
def a_missing_statement(op: Operator) -> Outcome:
    """One statement is not logged."""
    op.rewind(settled.SettlementCertified)
    op.relog(op.cut[0])
    for statement in op.was(settled.StatementIssued)[1:]:
        op.relog(statement)
    return Expected(entry=None, words="is lacking")


@lie("every institution had its statement")
def a_statement_withheld_until_the_end(op: Operator) -> Outcome:
    """One statement is not logged; then another institution's dispute ends the settlement."""
    op.rewind(settled.SettlementCertified)
    op.relog(op.cut[0])
    first_, *others = op.was(settled.StatementIssued)
    for statement in others:
        op.relog(statement)
    party = from_leaf(others[0].leaf).public["party"]
    dispute(op.consortium, STUDY, party=party, reasons="x", by=party)
    office = {"by": "finance-office", "upheld": True, "reasons": "y"}
    entry = answer_dispute(op.consortium, STUDY, party=party, **office)  # type: ignore[arg-type]
    settling(op, measured(op))
    lacking = from_leaf(first_.leaf).public["party"]
    return Expected(entry=entry, words=f"the statement of `{lacking}` in `{STUDY}` is lacking")


@lie("this is the statement of the institution")
def a_statement_twice(op: Operator) -> Outcome:
    """A statement is logged again."""
    entry = again(op.consortium, first(op.consortium, settled.StatementIssued))
    return Expected(entry=entry, words="not what the settlement recomputes to")


# --- what was registered ---


def registering(op: Operator, **changed: object) -> tuple[dict[str, Json], int]:
    found = first(op.consortium, settled.UtilityRegistered)
    specification = {**said(found, settled.UtilityRegistered).specification, **changed}
    return specification, again(
        op.consortium, found, specification=specification, digest=digest(specification)
    )


@lie("the payment was registered so")
def a_second_registration(op: Operator) -> Outcome:
    """The utility is registered again, after permits."""
    _, entry = registering(op, payment="work_points")
    return Expected(entry=entry, words="registered a second time, or after permits")


@lie("the utility is measured on these data")
def a_registration_for_other_data(op: Operator) -> Outcome:
    """The utility is registered for other files."""
    _, entry = registering(op, evaluation_digest=NOWHERE)
    return Expected(entry=entry, words="registered for other data")


@lie("the permits quote this utility")
def a_registration_under_another_digest(op: Operator) -> Outcome:
    """The specification is not that of the digest."""
    found = first(op.consortium, settled.UtilityRegistered)
    specification = {**said(found, settled.UtilityRegistered).specification, "pot_fen": 1}
    entry = again(op.consortium, found, specification=specification)
    return Expected(entry=entry, words="has another digest")
