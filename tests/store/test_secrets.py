"""Keys and randomness from one seed are always the same, and all of them differ."""

from heyi.crypto.keys import verify_signature
from heyi.store.secrets import SeededEntropy, SeededKeyring

NAMES = ["county-hospital", "county-hospita", "l", "lab", "platform", ""]


def test_the_same_seed_gives_the_same_signers() -> None:
    one, other = SeededKeyring(b"seed"), SeededKeyring(b"seed")
    assert [one.signer(n).public_key for n in NAMES] == [
        other.signer(n).public_key for n in reversed(NAMES)
    ][::-1]
    verify_signature(
        one.signer("lab").public_key, b"deed", other.signer("lab").sign(b"deed"), what="the deed"
    )
    assert one.signer("lab").name == "lab"


def test_no_two_parties_or_seeds_share_a_key() -> None:
    keys = [
        SeededKeyring(seed).signer(n).public_key for seed in (b"seed", b"see", b"") for n in NAMES
    ]
    assert len(set(keys)) == len(keys)


def test_a_secret_is_no_signing_seed_and_no_entropy() -> None:
    keyring, entropy = SeededKeyring(b"seed"), SeededEntropy(b"seed")
    assert keyring.secret("lab") == SeededKeyring(b"seed").secret("lab")
    assert (
        len(
            {
                keyring.secret("lab"),
                keyring.secret("linkage"),
                entropy.take("lab"),
                entropy.take("linkage"),
            }
        )
        == 4
    )


def test_seeded_entropy_depends_on_seed_and_label_alone() -> None:
    entropy = SeededEntropy(b"seed")
    first = [entropy.take(f"log/{n}") for n in range(50)]
    assert first == [SeededEntropy(b"seed").take(f"log/{n}") for n in range(50)]
    assert len(set(first)) == 50
    assert {len(b) for b in first} == {32}
    assert SeededEntropy(b"other").take("log/0") != first[0]
