"""Permit (数字合约): leave to run named operations on one asset for one purpose."""

from __future__ import annotations

from dataclasses import dataclass

from heyi.model.errors import InvalidInput


@dataclass(frozen=True, slots=True, kw_only=True)
class Permit:
    """Leave to run named operations on one asset for one purpose.

    `asset` is the id of the asset and `data` the digest of its registered file. `audience` is the
    node that enforces the permit. `requester_key` is a raw Ed25519 key in hexadecimal. `operations`
    maps the name of each operation to the digest of its parameters. `min_cell` is the smallest
    count that may leave the node, `max_calls` the number of calls. `issued_at` and `expires_at` are
    Unix time in seconds; at `expires_at` the permit is no longer valid. `decision` is the log index
    of the decision behind the permit. `utility` is the digest of how contributions will be
    measured, registered before the study; it is empty if nothing will be paid.
    """

    id: str
    case: str
    asset: str
    data: str
    holder: str
    audience: str
    requester: str
    requester_key: str
    purpose: str
    delivery: str
    kinds: tuple[str, ...]
    operations: dict[str, str]
    min_cell: int
    max_calls: int
    obligations: tuple[str, ...]
    conditions: tuple[str, ...]
    issued_at: int
    expires_at: int
    decision: int
    rulebook: str
    utility: str = ""

    def __post_init__(self) -> None:
        if self.expires_at <= self.issued_at:
            raise InvalidInput(
                f"permit `{self.id}` would expire before it begins", hint="give a later expiry"
            )
        if self.min_cell < 1 or self.max_calls < 1:
            raise InvalidInput(
                f"permit `{self.id}` needs a smallest cell and a number of calls of at least 1"
            )
        if not self.operations:
            raise InvalidInput(
                f"permit `{self.id}` permits nothing", hint="name at least one operation"
            )
