"""What the use cases need from outside, declared where it is consumed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from heyi.crypto.keys import Signer
from heyi.federation.wire.answer import Answer
from heyi.federation.wire.call import Call


class Clock(Protocol):
    """Unix time in seconds."""

    def now(self) -> int: ...


class Keyring(Protocol):
    """Signers of the parties that act in this process."""

    def signer(self, party: str) -> Signer: ...


class Artefacts(Protocol):
    """Public content by digest: rulebooks, pre-registered games."""

    def put_artefact(self, digest: str, content: bytes) -> None: ...

    def artefact(self, digest: str) -> bytes | None: ...


class Fabric(Protocol):
    """How centre and nodes talk. `host` names the party whose node is meant."""

    def send(self, host: str, call: Call) -> Answer: ...

    def revoke(self, host: str, permit: str) -> None: ...

    def withdraw(self, hosts: Sequence[str], token: str, scope: str, at: int) -> None: ...
