"""Party: an institution, body or person, with a tier."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

from heyi.model.errors import InvalidInput

_ID = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*\Z")


class Tier(Enum):
    """Administrative tier, highest first."""

    NATION = "nation"
    PROVINCE = "province"
    CITY = "city"
    COUNTY = "county"
    TOWNSHIP = "township"
    VILLAGE = "village"


GRASSROOTS = frozenset({Tier.TOWNSHIP, Tier.VILLAGE})
"""The tiers that the payment floor of a consortium protects."""


class PartyKind(Enum):
    """What the party does in the consortium."""

    INSTITUTION = "institution"  # holds data: a hospital, a health centre, a clinic
    AUTHORITY = "authority"  # approves: an ethics committee, a data security committee
    REQUESTER = "requester"  # applies: a physician, a researcher, a company
    OPERATOR = "operator"  # runs the platform: the coordinator, a witness


def check_id(value: str, what: str) -> str:
    """Return `value` if it is a valid id; `what` names the thing in the error.

    An id is made of lower-case ASCII words joined by hyphens, at most 64 characters.

    Raises:
        InvalidInput: it is not a valid id.
    """
    if len(value) > 64 or not _ID.match(value):
        raise InvalidInput(
            f"`{value}` is not a valid {what} id",
            hint="use lower-case letters, digits and single hyphens",
        )
    return value


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """An institution, body or person.

    `speaks_for` names the authorities whose decisions this party may sign; `hosted_by` names the
    party that runs the node for this party's data (a village clinic has no server); `public_key`
    is a raw Ed25519 key, 64 hexadecimal digits.
    """

    id: str
    kind: PartyKind
    tier: Tier
    zh: str
    en: str
    public_key: str
    hosted_by: str | None = None
    speaks_for: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check_id(self.id, "party")
        if not self.zh or not self.en:
            raise InvalidInput(f"party `{self.id}` needs a Chinese and an English name")
        if not re.fullmatch("[0-9a-f]{64}", self.public_key):
            raise InvalidInput(
                f"party `{self.id}` needs an Ed25519 public key of 32 bytes in hexadecimal"
            )
        if self.hosted_by == self.id:
            raise InvalidInput(
                f"party `{self.id}` cannot be hosted by itself", hint="leave `hosted_by` out"
            )

    @property
    def host(self) -> str:
        """The party that runs the node for this party's data."""
        return self.hosted_by or self.id
