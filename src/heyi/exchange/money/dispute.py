"""Disputes: an institution doubts its statement, and the settlements' authority answers."""

from __future__ import annotations

from msgspec import structs

from heyi.crypto.canonical import canonical
from heyi.crypto.codec import to_json
from heyi.crypto.commitment import Commitment
from heyi.exchange.consortium import Consortium, command
from heyi.exchange.events import settled
from heyi.exchange.events.applied import Reasons
from heyi.exchange.writer import Done
from heyi.model.errors import InvalidInput
from heyi.settlement.stages import Stage, step

AUTHORITY = "settlement"


@command
def dispute(consortium: Consortium, case: str, *, party: str, reasons: str, by: str) -> Done[int]:
    """Log an institution's dispute of its statement, with the reasons in the body.

    Returns the log index.

    Raises:
        InvalidInput: it has no statement, the days for disputes are over, there are no reasons, or
            somebody else acts.
    """
    the_case = consortium.case(case)
    if party not in the_case.stages or the_case.settlement is None:
        raise InvalidInput(
            f"`{party}` has no statement of `{case}`", hint="heyi statement shows who has"
        )
    if by != party:
        raise InvalidInput(f"`{by}` cannot dispute for `{party}`", hint="let it dispute itself")
    if not reasons.strip():
        raise InvalidInput(
            "a dispute needs its reasons", hint="say what is wrong, and how it should be"
        )
    # refuses a share that is not in the stage `stated`
    step(the_case.stages[party], "statement.disputed", party)
    if consortium.now > the_case.settlement.disputes_until:
        raise InvalidInput(
            "the days for disputes are over", hint="ask the authority that approves settlements"
        )
    what = settled.StatementDisputed(party=party, certificate=the_case.settlement.certificate)
    event = consortium.draft(what, by=by, case=case, body=Reasons(reasons=reasons))
    return Done([event], consortium.writer.next_entry)


@command
def answer_dispute(
    consortium: Consortium, case: str, *, party: str, by: str, upheld: bool, reasons: str
) -> Done[int]:
    """Log the authority's answer to a dispute: it is dismissed or upheld; return the log index.

    An upheld dispute withdraws the settlement for all institutions; then it is made anew.

    Raises:
        InvalidInput: nothing is disputed, there are no reasons, or the party does not speak for the
            authority.
    """
    the_case = consortium.case(case)
    speaks_for_settlements(consortium, by)
    if the_case.stages.get(party) is not Stage.DISPUTED or the_case.settlement is None:
        raise InvalidInput(
            f"`{party}` disputes nothing in `{case}`", hint="heyi statement shows the stages"
        )
    if not reasons.strip():
        raise InvalidInput(
            "an answer needs its reasons", hint="say why the dispute is upheld or dismissed"
        )
    kind = settled.SettlementWithdrawn if upheld else settled.DisputeDismissed
    answer = kind(party=party, certificate=the_case.settlement.certificate, signature="")
    body = Reasons(reasons=reasons)
    seal = consortium.seal(body)
    message = settlement_message(
        answer, origin=consortium.log.signer.name, case=case, at=consortium.now, reasons=seal[0]
    )
    signed = structs.replace(answer, signature=consortium.keyring.signer(by).sign(message).hex())
    event = consortium.draft(signed, by=by, case=case, body=body, seal=seal)
    return Done([event], consortium.writer.next_entry)


def settlement_message(
    answer: settled.DisputeAnswered | settled.SettlementApproved,
    *,
    origin: str,
    case: str,
    at: int,
    reasons: Commitment | None,
) -> bytes:
    """The bytes that the authority signs: log, case, time, kind of answer, certificate, reasons.

    They include the origin, the certificate and the time, so a signature fits no other settlement
    and no later dispute.
    """
    said = {k: v for k, v in to_json(answer).items() if k != "signature"}
    return canonical(
        {
            "kind": answer.KIND,
            "origin": origin,
            "case": case,
            "at": at,
            "reasons": None if reasons is None else reasons.to_json(),
            **said,
        }
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
