"""Request: who wants to use which data, for what purpose, in which form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from heyi.model.errors import InvalidInput
from heyi.model.fact import Value
from heyi.model.party import check_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """An application for the use of assets.

    `recipient` is the party that receives the data or the result; often it is the requester.
    `kinds` are the wanted kinds of fields. `operations` maps names of operations to their
    parameters; it is empty if the recipient reads or gets records and nothing is computed.
    `declared` are further facts that the requester states.
    """

    id: str
    zh: str
    en: str
    requester: str
    recipient: str
    assets: tuple[str, ...]
    kinds: tuple[str, ...]
    action: str
    purpose: str
    delivery: str
    operations: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    declared: Mapping[str, Value] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_id(self.id, "request")
        if not self.assets:
            raise InvalidInput(f"request `{self.id}` names no asset", hint="name at least one")
        if len(set(self.assets)) != len(self.assets):
            raise InvalidInput(f"request `{self.id}` names an asset twice")
