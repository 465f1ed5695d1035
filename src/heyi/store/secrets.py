"""Keys and randomness of demonstrations and tests, all of them from one seed."""

from __future__ import annotations

from heyi.crypto.keys import Signer, derive


class SeededKeyring:
    """Signers derived from one seed. Whoever knows the seed can sign for everybody: for demonstrations only."""

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
    """Bytes that depend on the seed and the label alone, so that the same seed gives the same log."""

    def __init__(self, seed: bytes) -> None:
        self._seed = seed

    def take(self, label: str) -> bytes:
        return derive(self._seed, "entropy", label)
