"""Ed25519 keys against RFC 8032, and derived secrets that do not run into one another."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heyi.crypto.keys import Signer, derive, load_public_key, verify_signature
from heyi.model.errors import InvalidInput, VerificationError

# RFC 8032 section 7.1, tests 1, 2, 3 and SHA(abc): seed, public key, message, signature
VECTORS = [
    (
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        (
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
            "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
        ),
    ),
    (
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        (
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
            "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
        ),
    ),
    (
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        (
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
            "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"
        ),
    ),
    (
        "833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42",
        "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
        (
            "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
            "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"
        ),
        (
            "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b589"
            "09351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad9bef1177331a704"
        ),
    ),
]


@pytest.mark.parametrize(
    ("seed", "public", "message", "signature"), VECTORS, ids=["1", "2", "3", "SHA(abc)"]
)
def test_signatures_are_those_of_rfc_8032(
    seed: str, public: str, message: str, signature: str
) -> None:
    signer = Signer.from_seed("party", bytes.fromhex(seed))
    assert signer.public_key == public
    assert signer.sign(bytes.fromhex(message)).hex() == signature
    verify_signature(public, bytes.fromhex(message), bytes.fromhex(signature), what="the vector")


@pytest.mark.parametrize("bit", range(0, 512, 7))
def test_a_flipped_bit_of_a_signature_is_noticed(bit: int) -> None:
    _, public, message, signature = VECTORS[2]
    spoilt = bytearray.fromhex(signature)
    spoilt[bit // 8] ^= 1 << bit % 8
    with pytest.raises(VerificationError, match="the signature on the deed does not hold"):
        verify_signature(public, bytes.fromhex(message), bytes(spoilt), what="the deed")


def test_a_signature_plus_the_group_order_is_no_second_signature() -> None:
    _, public, message, signature = VECTORS[1]
    r, s = bytes.fromhex(signature)[:32], int.from_bytes(bytes.fromhex(signature)[32:], "little")
    order = 2**252 + 27742317777372353535851937790883648493
    with pytest.raises(VerificationError):
        verify_signature(
            public, bytes.fromhex(message), r + (s + order).to_bytes(32, "little"), what="x"
        )


@pytest.mark.parametrize("signature", [b"", b"s", b"s" * 63, b"s" * 65])
def test_a_signature_of_another_length_is_refused(signature: bytes) -> None:
    with pytest.raises(VerificationError):
        verify_signature(VECTORS[0][1], b"", signature, what="x")


def test_another_message_or_key_is_refused() -> None:
    _, public, message, signature = VECTORS[2]
    with pytest.raises(VerificationError):
        verify_signature(public, bytes.fromhex(message) + b"\0", bytes.fromhex(signature), what="x")
    with pytest.raises(VerificationError):
        verify_signature(VECTORS[0][1], bytes.fromhex(message), bytes.fromhex(signature), what="x")


@pytest.mark.parametrize("key", ["", "zz" * 32, "d7" * 31, "d7" * 33, "密钥"])
def test_what_is_no_key_is_refused(key: str) -> None:
    with pytest.raises(InvalidInput, match="not an Ed25519 public key"):
        load_public_key(key)


@pytest.mark.parametrize(
    "spell", [str.upper, lambda key: f"{key[:2]} {key[2:]}"], ids=["upper case", "with a blank"]
)
def test_a_key_has_one_spelling(spell: Callable[[str], str]) -> None:
    with pytest.raises(InvalidInput):
        load_public_key(spell(VECTORS[0][1]))


PRIME = 2**255 - 19
ORDER_8 = int.from_bytes(
    bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"), "little"
)


@pytest.mark.parametrize("y", [0, 1, PRIME - 1, ORDER_8, PRIME - ORDER_8, PRIME, PRIME + 1])
@pytest.mark.parametrize("sign", [0, 1])
def test_a_key_of_small_order_is_nobodys(y: int, sign: int) -> None:
    """Anybody signs under it: with the neutral point and S = 0, or after a few tries."""
    key = (y | sign << 255).to_bytes(32, "little").hex()
    with pytest.raises(InvalidInput, match="need no secret"):
        load_public_key(key)


def test_nothing_is_signed_without_a_secret() -> None:
    neutral = "01" + "00" * 31
    with pytest.raises(InvalidInput, match="need no secret"):
        verify_signature(neutral, b"approved", bytes.fromhex(neutral) + bytes(32), what="x")


@pytest.mark.parametrize("seed", [b"", b"s" * 31, b"s" * 33])
def test_a_seed_has_32_bytes(seed: bytes) -> None:
    with pytest.raises(InvalidInput, match="32 bytes"):
        Signer.from_seed("party", seed)


def test_a_signer_does_not_print_its_key() -> None:
    seed = VECTORS[0][0]
    assert seed not in repr(Signer.from_seed("party", bytes.fromhex(seed)))


LABELS = st.lists(st.text(max_size=3), max_size=3)


@given(st.tuples(st.binary(max_size=4), LABELS), st.tuples(st.binary(max_size=4), LABELS))
def test_derived_secrets_differ_unless_everything_is_equal(
    one: tuple[bytes, list[str]], other: tuple[bytes, list[str]]
) -> None:
    assert (derive(one[0], *one[1]) == derive(other[0], *other[1])) is (one == other)


def test_labels_do_not_run_into_one_another() -> None:
    derived = [
        derive(b"secret", *labels)
        for labels in [("ab", "c"), ("a", "bc"), ("abc",), ("abc", ""), ("", "abc")]
    ]
    assert len(set(derived)) == len(derived)
    assert {len(secret) for secret in derived} == {32}
