"""The driver: sends operations to nodes under permits and joins the answers.

It says who answered, who refused and why. It does not wait for all to agree, and it never sees a
record.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NotRequired, TypedDict

from heyi.crypto.canonical import Json, digest
from heyi.crypto.codec import to_json
from heyi.crypto.keys import Signer
from heyi.federation.wire.answer import Answer
from heyi.federation.wire.call import Call
from heyi.federation.wire.operation import Operation
from heyi.federation.wire.receipt import verify_receipt
from heyi.model.errors import InvalidInput, VerificationError
from heyi.model.permit import Permit

Send = Callable[[str, Call], Answer]
"""The fabric: (host, call) -> answer."""

Announce = Callable[[Operation, list[tuple[str, int, str]]], None]
"""Called with (operation, [(permit, call number, digest of the argument)]) before anything is sent,
so that every use is logged."""


class Transport(TypedDict):
    """How the driver reaches nodes, signs calls, and announces them."""

    send: Send
    requester: Signer
    announce: NotRequired[Announce]


@dataclass(slots=True, kw_only=True)
class Seat:
    """One permit in use: its token, the holder's public key, and the number of calls made.

    `without` are linkage tokens of persons that the holder leaves out of a regression, because a
    twin already counts them.
    """

    permit: Permit
    token: str
    public_key: str
    calls: int = 0
    without: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchanged:
    """The outcome of one operation: results and refusals by holder, and all signed receipts."""

    results: dict[str, Json]
    refusals: dict[str, dict[str, str]]
    receipts: list[Json] = field(default_factory=list)


def nobody(_operation: Operation, _calls: list[tuple[str, int, str]]) -> None:
    """Announce to nobody."""


def ask(
    seats: Sequence[Seat],
    operation: Operation,
    argument: Json,
    *,
    send: Send,
    requester: Signer,
    announce: Announce = nobody,
) -> Exchanged:
    """Send the same call to each seat; see `ask_each`."""
    return ask_each(
        seats, operation, [argument] * len(seats), send=send, requester=requester, announce=announce
    )


def ask_each(
    seats: Sequence[Seat],
    operation: Operation,
    arguments: Sequence[Json],
    *,
    send: Send,
    requester: Signer,
    announce: Announce = nobody,
) -> Exchanged:
    """Send one call with its argument to each seat, and check each receipt.

    A receipt must be signed by the holder, and be for this call and this answer.

    Raises:
        InvalidInput: two seats are of one holder, whose answers could not be told apart; nothing
            was sent.
        VerificationError: a receipt does not hold, or is not for this call or this answer.
    """
    holders = [seat.permit.holder for seat in seats]
    if twice := sorted({h for h in holders if holders.count(h) > 1}):
        raise InvalidInput(
            f"`{twice[0]}` takes part with two assets",
            hint="an institution answers once: join its files, or ask in two requests",
        )
    results: dict[str, Json] = {}
    refusals: dict[str, dict[str, str]] = {}
    receipts: list[Json] = []
    # (1) All calls are made and announced before the first one is sent.
    calls = []
    for seat, argument in zip(seats, arguments, strict=True):
        if seat.without and operation.name == "logistic":
            argument = {**argument, "without": seat.without}
        call = Call(
            token=seat.token,
            operation=operation,
            argument=argument,
            number=seat.calls + 1,
            signature="",
        )
        message = Call.message(seat.permit.id, operation, call.argument_digest, call.number)
        calls.append(call.signed(requester.sign(message)))
    announce(
        operation,
        [
            (seat.permit.id, call.number, call.argument_digest)
            for seat, call in zip(seats, calls, strict=True)
        ],
    )
    # (2) Each answer is checked against its receipt, and the receipt against the call.
    for seat, call in zip(seats, calls, strict=True):
        seat.calls = call.number  # this number is used up, whatever the answer is
        answer = send(seat.permit.audience, call)
        receipt = verify_receipt(answer.receipt, public_key=seat.public_key)
        asked = (
            seat.permit.id,
            seat.permit.holder,
            operation.digest,
            call.argument_digest,
            call.number,
        )
        if (
            receipt.permit,
            receipt.holder,
            receipt.operation,
            receipt.argument,
            receipt.number,
        ) != asked:
            raise VerificationError(f"`{seat.permit.holder}` answered another call than was asked")
        told = (seat.permit.audience, answer.refusal.code if answer.refusal else "")
        if (receipt.host, receipt.refusal) != told:
            raise VerificationError(f"`{seat.permit.holder}` says other than its receipt")
        receipts.append(answer.receipt)
        if answer.refusal is not None:
            refusals[seat.permit.holder] = to_json(answer.refusal)
            continue
        if receipt.result != digest(answer.result):
            raise VerificationError(
                f"the answer of `{seat.permit.holder}` is not the one on its receipt"
            )
        results[seat.permit.holder] = answer.result
    return Exchanged(results=results, refusals=refusals, receipts=receipts)
