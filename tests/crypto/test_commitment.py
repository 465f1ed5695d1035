"""Commitments bind a body to a leaf and say nothing about it without the key."""

import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heyi.crypto.canonical import canonical
from heyi.crypto.commitment import Commitment, commit, verify_commitment
from heyi.model.errors import InvalidInput, VerificationError

KEY = bytes(range(32))
BODIES = st.dictionaries(
    st.sampled_from(["name", "reason", "说明"]), st.integers(0, 9) | st.none(), min_size=1
)


@given(BODIES, st.binary(min_size=32, max_size=32))
def test_a_body_opens_its_own_commitment(body: dict[str, object], key: bytes) -> None:
    verify_commitment(commit(body, key), body, key)


@given(BODIES, BODIES)
def test_no_other_body_opens_it(body: dict[str, object], other: dict[str, object]) -> None:
    if body != other:
        with pytest.raises(VerificationError, match="not what the leaf commits to"):
            verify_commitment(commit(body, KEY), other, KEY)


@pytest.mark.parametrize("position", range(32))
def test_no_other_key_opens_it(position: int) -> None:
    other = bytearray(KEY)
    other[position] ^= 1
    with pytest.raises(VerificationError):
        verify_commitment(commit({"a": 1}, KEY), {"a": 1}, bytes(other))


def test_it_is_hmac_sha256_of_the_canonical_body() -> None:
    body = {"b": [1, 2], "a": "患者"}
    assert commit(body, KEY).to_json() == {
        "alg": "hmac-sha256",
        "mac": hmac.new(KEY, canonical(body), hashlib.sha256).hexdigest(),
    }


@pytest.mark.parametrize("key", [b"", b"k" * 31, b"k" * 33])
def test_keys_have_32_bytes(key: bytes) -> None:
    with pytest.raises(InvalidInput, match="32 bytes"):
        commit({}, key)


def test_an_algorithm_that_is_not_known_is_refused_by_name() -> None:
    held = commit({"a": 1}, KEY)
    with pytest.raises(VerificationError, match="`hmac-sm3`"):
        verify_commitment(Commitment(mac=held.mac, algorithm="hmac-sm3"), {"a": 1}, KEY)


@pytest.mark.parametrize("mac", ["", "0" * 64, "é" * 64], ids=["empty", "zeros", "no hexadecimal"])
def test_a_forged_code_is_refused(mac: str) -> None:
    with pytest.raises(VerificationError):
        verify_commitment(Commitment(mac=mac), {"a": 1}, KEY)
