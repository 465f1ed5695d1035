"""Disputes: an institution doubts its statement, and the settlements' authority answers."""

from __future__ import annotations

from heyi.crypto.canonical import Json, canonical
from heyi.exchange.consortium import Consortium
from heyi.model.errors import InvalidInput
from heyi.settlement.stages import Stage, step

AUTHORITY = "settlement"


def dispute(consortium: Consortium, case: str, *, party: str, reasons: str) -> int:
    """Log an institution's dispute of its statement, with the reasons in the body.

    Returns the log index.

    Raises:
        InvalidInput: it has no statement, the days for disputes are over, or there are no reasons.
    """
    the_case = consortium.case(case)
    if party not in the_case.stages:
        raise InvalidInput(
            f"`{party}` has no statement of `{case}`", hint="heyi statement shows who has"
        )
    if not reasons.strip():
        raise InvalidInput(
            "a dispute needs its reasons", hint="say what is wrong, and how it should be"
        )
    # refuses a share that is not in the stage `stated`
    step(the_case.stages[party], "statement.disputed", party)
    if consortium.clock.now() > the_case.settlement["disputes_until"]:
        raise InvalidInput(
            "the days for disputes are over", hint="ask the authority that approves settlements"
        )
    public = {"party": party, "certificate": the_case.settlement["certificate"]}
    body = {"reasons": reasons}
    (index,) = consortium.write(
        consortium.draft("statement.disputed", actor=party, case=case, public=public, body=body)
    )
    return index


def answer_dispute(
    consortium: Consortium, case: str, *, party: str, by: str, upheld: bool, reasons: str
) -> None:
    """Log the authority's answer to a dispute: it is dismissed or upheld.

    An upheld dispute withdraws the settlement for all institutions; then it is made anew.

    Raises:
        InvalidInput: nothing is disputed, there are no reasons, or the party does not speak for the
            authority.
    """
    the_case = consortium.case(case)
    speaks_for_settlements(consortium, by)
    if the_case.stages.get(party) is not Stage.DISPUTED:
        raise InvalidInput(
            f"`{party}` disputes nothing in `{case}`", hint="heyi statement shows the stages"
        )
    if not reasons.strip():
        raise InvalidInput(
            "an answer needs its reasons", hint="say why the dispute is upheld or dismissed"
        )
    said = {
        "party": party,
        "certificate": the_case.settlement["certificate"],
        "origin": consortium.log.signer.name,
    }
    kind = "settlement.withdrawn" if upheld else "dispute.dismissed"
    public = {
        **said,
        "signature": consortium.keyring.signer(by).sign(settlement_message(case, kind, said)).hex(),
    }
    consortium.write(
        consortium.draft(kind, actor=by, case=case, public=public, body={"reasons": reasons})
    )


def settlement_message(case: str, kind: str, said: dict[str, Json]) -> bytes:
    """The bytes that the authority signs: log, case, kind of answer and certificate.

    They include the log's origin and the certificate, so a signature fits no other settlement.
    """
    return canonical(
        {"case": case, "kind": kind, **{k: v for k, v in said.items() if k != "signature"}}
    )


def speaks_for_settlements(consortium: Consortium, party: str) -> None:
    """Check that a party may answer for settlements.

    Raises:
        InvalidInput: it does not speak for their authority.
    """
    if AUTHORITY not in consortium.party(party).speaks_for:
        raise InvalidInput(
            f"`{party}` does not speak for settlements", hint="register who approves settlements"
        )
