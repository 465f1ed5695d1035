"""An answer: what a node sends back, a result or a refusal, never without a receipt."""

from __future__ import annotations

from dataclasses import dataclass

from heyi.crypto.canonical import Json
from heyi.federation.wire.operation import Refusal


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a node says: a result or a refusal, and the signed receipt for it."""

    result: Json
    refusal: Refusal | None
    receipt: Json
