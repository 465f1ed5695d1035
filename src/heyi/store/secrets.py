"""Keys and randomness for demonstrations and tests, all made from one seed."""

from __future__ import annotations

from heyi.crypto.keys import Signer, derive


class SeededKeyring:
    """Signers made from one seed, for demonstrations only: with the seed, anybody can sign."""

    def __init__(self, seed: bytes) -> None:
        self._seed = seed
        self._signers: dict[str, Signer] = {}

    def signer(self, party: str) -> Signer:
        if party not in self._signers:
            self._signers[party] = Signer.from_seed(party, derive(self._seed, "signer", party))
        return self._signers[party]

    def secret(self, label: str) -> bytes:
        """32 bytes for another purpose, such as the institutions' linkage key."""
        return derive(self._seed, "secret", label)


class SeededEntropy:
    """Bytes that depend on seed and label only: the same seed gives the same log."""

    def __init__(self, seed: bytes) -> None:
        self._seed = seed

    def take(self, label: str) -> bytes:
        return derive(self._seed, "entropy", label)
