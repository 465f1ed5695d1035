"""Permit: leave to run named operations on one asset for one purpose (数字合约)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from heyi.model.errors import InvalidInput, VerificationError


@dataclass(frozen=True, slots=True, kw_only=True)
class Permit:
    """Leave to run named operations on one asset for one purpose.

    `data` is the digest of the file that was registered as the asset; `audience` is the node that enforces it;
    `operations` maps names to digests of their parameters; `min_cell` is the smallest count that may leave; `max_calls`
    the number of calls; `issued_at` and `expires_at` are Unix time in seconds, the latter exclusive; `requester_key` a
    raw Ed25519 key in hexadecimal; `decision` the log index of the decision that it rests on; `utility` the digest of
    how contributions will be measured, registered beforehand (empty where nothing is to be settled).
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

    def to_json(self) -> dict[str, Any]:
        return {
            name: list(value) if isinstance(value := getattr(self, name), tuple) else value
            for name in Permit.__dataclass_fields__
        }


def permit_from_json(value: Any) -> Permit:
    """The permit of its JSON form.

    Raises:
        VerificationError: fields are absent, unknown or of another type.
    """
    fields = Permit.__dataclass_fields__
    if not isinstance(value, dict) or set(value) != set(fields):
        raise VerificationError("not a permit")
    tuples = ("kinds", "obligations", "conditions")
    numbers = ("min_cell", "max_calls", "issued_at", "expires_at", "decision")
    for name, v in value.items():
        wanted = (
            list
            if name in tuples
            else int
            if name in numbers
            else dict
            if name == "operations"
            else str
        )
        inner = v if isinstance(v, list) else [*v, *v.values()] if isinstance(v, dict) else []
        if (
            not isinstance(v, wanted)
            or isinstance(v, bool)
            or not all(isinstance(i, str) for i in inner)
        ):
            raise VerificationError(f"not a permit: `{name}` is malformed")
    arguments: dict[str, Any] = {n: tuple(v) if n in tuples else v for n, v in value.items()}
    try:
        return Permit(**arguments)
    except InvalidInput as e:
        raise VerificationError(f"not a permit: {e.message}") from None
