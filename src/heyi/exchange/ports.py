"""What the use cases need from outside, as protocols."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from heyi.consent.registry import Withdrawal
from heyi.crypto.keys import Signer
from heyi.federation.wire.answer import Answer
from heyi.federation.wire.call import Call
from heyi.model.errors import StoreError
from heyi.policy.decide import DecisionPoint


class Clock(Protocol):
    """Unix time in seconds."""

    def now(self, last: int = 0) -> int:
        """The time, which is never before `last`, that of the newest event.

        Raises:
            InvalidInput: the clock has stepped back before it.
        """


class Keyring(Protocol):
    """Signers of the parties that act in this process."""

    def signer(self, party: str) -> Signer: ...


class Artefacts(Protocol):
    """Public content by digest: rulebooks, pre-registered games."""

    def put_artefact(self, digest: str, content: bytes) -> None: ...

    def artefact(self, digest: str) -> bytes | None: ...


class Remembered(Protocol):
    """What an auditor keeps of a log that was verified, by (kind, name); never beside the log."""

    def get(self, kind: str, name: str) -> bytes | None: ...

    def names(self, kind: str) -> list[str]: ...

    def count(self, kind: str) -> int: ...

    def keep(self, rows: Iterable[tuple[str, str, bytes]]) -> None: ...

    def spoilt(self, why: str) -> StoreError:
        """The error that what is remembered is of no use, with what to do."""


class Rulebooks(Protocol):
    """Decision points by the texts of a rulebook, each compiled once."""

    def point(self, texts: Mapping[str, str]) -> DecisionPoint: ...


class ToldNode(Protocol):
    """A node, as one who is told what the centre has logged."""

    @property
    def withdrawals(self) -> int:
        """How many withdrawals it was told so far."""

    def withdraw(self, withdrawal: Withdrawal) -> None: ...

    def revoke(self, permit: str, at: int) -> None:
        """As in `Fabric`; a permit that it knows to be revoked is not logged again."""


class Fabric(Protocol):
    """How centre and nodes talk. `host` is the party that runs the node; `at` is Unix seconds."""

    def send(self, host: str, call: Call) -> Answer: ...

    def revoke(self, host: str, permit: str, at: int) -> None: ...

    def withdraw(self, hosts: Sequence[str], token: str, scope: str, at: int) -> None: ...
