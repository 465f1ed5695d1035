"""Who takes part and what is there: the rulebook, parties, nodes, profiles, assets."""

from __future__ import annotations

from typing import ClassVar

from heyi.crypto.canonical import Json
from heyi.exchange.events.typed import PublicKey, TypedEvent
from heyi.model.asset import Asset
from heyi.model.party import Party


class RulebookAdopted(TypedEvent, frozen=True, kw_only=True):
    """From here on this rulebook judges; `layout` is the digest of how it packs facts."""

    KIND: ClassVar[str] = "rulebook.adopted"
    OF_CASE: ClassVar[bool] = False
    digest: str
    layout: str
    rules: int


class PartyRegistered(TypedEvent, frozen=True, kw_only=True):
    """A party takes part; `registry` holds the facts that the registry has checked about it."""

    KIND: ClassVar[str] = "party.registered"
    OF_CASE: ClassVar[bool] = False
    party: Party
    registry: dict[str, Json]


class NodeOpened(TypedEvent, frozen=True, kw_only=True):
    """A host runs a node, whose own log has this origin and public key (hexadecimal)."""

    KIND: ClassVar[str] = "node.opened"
    OF_CASE: ClassVar[bool] = False
    host: str
    origin: str
    log_key: PublicKey


class ProfileVouched(TypedEvent, frozen=True, kw_only=True):
    """What is vouched for an institution's organisation."""

    KIND: ClassVar[str] = "profile.vouched"
    OF_CASE: ClassVar[bool] = False
    party: str
    facts: dict[str, Json]


class AssetRegistered(TypedEvent, frozen=True, kw_only=True):
    """A graded data set of its holder."""

    KIND: ClassVar[str] = "asset.registered"
    OF_CASE: ClassVar[bool] = False
    asset: Asset
