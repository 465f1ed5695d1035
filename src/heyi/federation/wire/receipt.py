"""Receipts: a node's signed record of one operation, with digests of question and answer."""

from __future__ import annotations

from dataclasses import dataclass

from heyi.crypto.canonical import Json, canonical
from heyi.crypto.keys import Signer, verify_signature
from heyi.model.errors import InvalidInput, VerificationError


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """`holder` owns the data and signs; `host` ran the operation; `at` is Unix time in seconds.

    `operation`, `argument` and `result` are digests; `result` is empty after a refusal, `refusal`
    is the code of a refusal or empty.
    """

    permit: str
    holder: str
    host: str
    operation: str
    argument: str
    number: int
    refusal: str
    result: str
    at: int

    def to_json(self) -> dict[str, Json]:
        return {name: getattr(self, name) for name in Receipt.__dataclass_fields__}


def sign_receipt(receipt: Receipt, signer: Signer) -> dict[str, Json]:
    """The receipt with the holder's signature in hexadecimal."""
    return {**receipt.to_json(), "signature": signer.sign(canonical(receipt.to_json())).hex()}


def verify_receipt(signed: Json, *, public_key: str) -> Receipt:
    """Check a signed receipt.

    Raises:
        VerificationError: it is malformed or the signature does not hold.
    """
    try:
        fields = {n: signed[n] for n in Receipt.__dataclass_fields__}
        signature = bytes.fromhex(signed["signature"])
    except (KeyError, TypeError, ValueError):
        raise VerificationError("not a receipt") from None
    # one form only: no further fields, and the signature in lower case
    if set(signed) != {*fields, "signature"} or signed["signature"] != signature.hex():
        raise VerificationError("not a receipt")
    try:
        message = canonical(fields)
    except InvalidInput as e:
        raise VerificationError(f"not a receipt: {e.message}") from None
    verify_signature(public_key, message, signature, what=f"the receipt of `{fields['holder']}`")
    return Receipt(**fields)
