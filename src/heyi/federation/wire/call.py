"""A call: the centre's message to a node, signed by the requester."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

from heyi.crypto.canonical import Json, canonical, digest
from heyi.federation.wire.operation import Operation


@dataclass(frozen=True, kw_only=True)
class Call:
    """A request to run one operation under a permit, signed with the key that the permit names.

    `token` is the permit as issued. `argument` varies from call to call (for example coefficients).
    `number` counts the calls under the permit from 1. `signature` is hexadecimal.
    """

    token: str
    operation: Operation
    argument: Json
    number: int
    signature: str

    @cached_property
    def argument_digest(self) -> str:
        """The digest of the argument; each side computes it from the argument that it has."""
        return digest(self.argument)

    def signed(self, signature: bytes) -> Call:
        """This call with its signature."""
        # `replace` makes a new object without cached values; the argument can be megabytes, so its
        # digest is carried over
        call = replace(self, signature=signature.hex())
        call.__dict__["argument_digest"] = self.argument_digest
        return call

    @staticmethod
    def message(permit: str, operation: Operation, argument_digest: str, number: int) -> bytes:
        """The bytes that the requester signs."""
        return canonical(
            {
                "permit": permit,
                "operation": operation.digest,
                "argument": argument_digest,
                "number": number,
            }
        )
