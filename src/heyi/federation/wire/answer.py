"""An answer: a node's result or refusal, always with a signed receipt."""

from __future__ import annotations

from dataclasses import dataclass

from heyi.crypto.canonical import Json
from heyi.federation.wire.operation import Refusal


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A result or a refusal, and the signed receipt for it; `result` is None after a refusal."""

    result: Json
    refusal: Refusal | None
    receipt: Json
