"""Commitments bind a body to a leaf and say nothing about it without the key."""

import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heyi.crypto.canonical import canonical
from heyi.crypto.commitment import Commitment, commit_bytes, verify_commitment
from heyi.model.errors import InvalidInput, VerificationError

KEY = bytes(range(32))
BODIES = st.binary(max_size=80)
BODY = b'{"a":1}'


@given(BODIES, st.binary(min_size=32, max_size=32))
def test_a_body_opens_its_own_commitment(body: bytes, key: bytes) -> None:
    verify_commitment(commit_bytes(body, key), body, key)


@given(BODIES, BODIES)
def test_no_other_body_opens_it(body: bytes, other: bytes) -> None:
    if body != other:
        with pytest.raises(VerificationError, match="not what the leaf commits to"):
            verify_commitment(commit_bytes(body, KEY), other, KEY)


@pytest.mark.parametrize("position", range(32))
def test_no_other_key_opens_it(position: int) -> None:
    other = bytearray(KEY)
    other[position] ^= 1
    with pytest.raises(VerificationError):
        verify_commitment(commit_bytes(BODY, KEY), BODY, bytes(other))


def test_it_is_hmac_sha256_of_the_body() -> None:
    body = canonical({"b": [1, 2], "a": "患者"})
    assert commit_bytes(body, KEY).to_json() == {
        "alg": "hmac-sha256",
        "mac": hmac.new(KEY, body, hashlib.sha256).hexdigest(),
    }


@pytest.mark.parametrize("key", [b"", b"k" * 31, b"k" * 33])
def test_keys_have_32_bytes(key: bytes) -> None:
    with pytest.raises(InvalidInput, match="32 bytes"):
        commit_bytes(BODY, key)
    with pytest.raises(VerificationError, match="key of the body was changed"):
        verify_commitment(commit_bytes(BODY, KEY), BODY, key)


def test_an_algorithm_that_is_not_known_is_refused_by_name() -> None:
    held = commit_bytes(BODY, KEY)
    with pytest.raises(VerificationError, match="`hmac-sm3`"):
        verify_commitment(Commitment(mac=held.mac, algorithm="hmac-sm3"), BODY, KEY)


@pytest.mark.parametrize("mac", ["", "0" * 64, "é" * 64], ids=["empty", "zeros", "no hexadecimal"])
def test_a_forged_code_is_refused(mac: str) -> None:
    with pytest.raises(VerificationError):
        verify_commitment(Commitment(mac=mac), BODY, KEY)
