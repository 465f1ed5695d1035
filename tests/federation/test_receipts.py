"""Receipts: what was signed comes back, and any alteration is noticed."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heyi.crypto.keys import Signer
from heyi.federation.wire.receipt import Receipt, sign_receipt, verify_receipt
from heyi.model.errors import VerificationError

SIGNER = Signer.from_seed("clinic-a", bytes(range(32)))
RECEIPT = Receipt(
    permit="case-1.clinic-a-visits",
    holder="clinic-a",
    host="hospital",
    operation="sha256:1",
    argument="sha256:2",
    number=3,
    refusal="",
    result="sha256:4",
    at=1_796_085_000,
)
TEXTS = ("permit", "holder", "host", "operation", "argument", "refusal", "result")


@given(
    st.fixed_dictionaries(
        {
            **{t: st.text(max_size=20) for t in TEXTS},
            "number": st.integers(1, 2**53 - 1),
            "at": st.integers(0, 2**53 - 1),
        }
    )
)
def test_a_receipt_comes_back_as_it_was_signed(fields: dict[str, Any]) -> None:
    receipt = Receipt(**fields)
    assert verify_receipt(sign_receipt(receipt, SIGNER), public_key=SIGNER.public_key) == receipt


@pytest.mark.parametrize("name", [*TEXTS, "number", "at"])
def test_every_altered_field_is_noticed(name: str) -> None:
    signed = sign_receipt(RECEIPT, SIGNER)
    signed[name] = signed[name] + ("1" if name in TEXTS else 1)
    with pytest.raises(VerificationError, match="signature"):
        verify_receipt(signed, public_key=SIGNER.public_key)


@pytest.mark.parametrize("name", [*TEXTS, "number", "at", "signature"])
def test_every_missing_field_is_noticed(name: str) -> None:
    signed = sign_receipt(RECEIPT, SIGNER)
    del signed[name]
    with pytest.raises(VerificationError, match="not a receipt"):
        verify_receipt(signed, public_key=SIGNER.public_key)


def test_a_surplus_field_is_noticed() -> None:
    with pytest.raises(VerificationError, match="not a receipt"):
        verify_receipt(sign_receipt(RECEIPT, SIGNER) | {"note": ""}, public_key=SIGNER.public_key)


def test_every_altered_byte_of_the_signature_is_noticed() -> None:
    signed = sign_receipt(RECEIPT, SIGNER)
    signature = bytes.fromhex(signed["signature"])
    for i in range(64):
        altered = bytes(b ^ (i == j) for j, b in enumerate(signature)).hex()
        with pytest.raises(VerificationError):
            verify_receipt(signed | {"signature": altered}, public_key=SIGNER.public_key)


def test_the_key_of_another_does_not_fit() -> None:
    other = Signer.from_seed("clinic-a", bytes(32))
    with pytest.raises(VerificationError, match="receipt of `clinic-a`"):
        verify_receipt(sign_receipt(RECEIPT, SIGNER), public_key=other.public_key)


@pytest.mark.parametrize(
    "garbage",
    [
        None,
        [],
        {},
        "receipt",
        7,
        sign_receipt(RECEIPT, SIGNER) | {"signature": "zz"},
        sign_receipt(RECEIPT, SIGNER) | {"signature": 5},
    ],
)
def test_garbage_is_not_a_receipt(garbage: Any) -> None:
    with pytest.raises(VerificationError):
        verify_receipt(garbage, public_key=SIGNER.public_key)


@pytest.mark.parametrize("at", [1.5, 2**53, "now", None])
def test_a_number_that_cannot_be_signed_is_not_a_receipt(at: Any) -> None:
    with pytest.raises(VerificationError):
        verify_receipt(sign_receipt(RECEIPT, SIGNER) | {"at": at}, public_key=SIGNER.public_key)


def test_a_signature_has_one_spelling() -> None:
    """The log finds a receipt by its signature: a second spelling would be a second receipt."""
    signed = sign_receipt(RECEIPT, SIGNER)
    with pytest.raises(VerificationError):
        verify_receipt(
            signed | {"signature": signed["signature"].upper()}, public_key=SIGNER.public_key
        )
