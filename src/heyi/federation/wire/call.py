"""A call: what the centre sends to a node, signed by whoever holds the permit."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

from heyi.crypto.canonical import Json, canonical, digest
from heyi.federation.wire.operation import Operation


@dataclass(frozen=True, kw_only=True)
class Call:
    """A request to run one operation under a permit, signed with the key that the permit is bound to.

    `token` is the permit as issued; `argument` varies from call to call (coefficients); `number` counts the calls
    under the permit from 1; `signature` is hexadecimal.
    """

    token: str
    operation: Operation
    argument: Json
    number: int
    signature: str

    @cached_property
    def argument_digest(self) -> str:
        """Of the argument, computed where the call is held."""
        return digest(self.argument)

    def signed(self, signature: bytes) -> Call:
        """This call with its signature; what was digested is not digested again."""
        call = replace(self, signature=signature.hex())
        call.__dict__["argument_digest"] = self.argument_digest
        return call

    @staticmethod
    def message(permit: str, operation: Operation, argument_digest: str, number: int) -> bytes:
        """What the requester signs."""
        return canonical(
            {
                "permit": permit,
                "operation": operation.digest,
                "argument": argument_digest,
                "number": number,
            }
        )
