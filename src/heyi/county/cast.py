"""The parties of the story that are not institutions, with the facts that the registry checked."""

from __future__ import annotations

from dataclasses import dataclass, field

from heyi.exchange.money.dispute import AUTHORITY
from heyi.model.fact import Value
from heyi.model.party import PartyKind, Tier


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """A party of the story; `registry` holds the facts that the registry states about it."""

    id: str
    kind: PartyKind
    tier: Tier
    zh: str
    en: str
    registry: dict[str, Value] = field(default_factory=dict)
    speaks_for: tuple[str, ...] = ()


def _known(
    kind: str, *, member: bool, abroad: bool = False, share: int = 0, control: bool = False
) -> dict[str, Value]:
    """Registry facts about a party; `share` is the foreign share of its capital in per cent."""
    return {
        "recipient.kind": kind,
        "recipient.abroad": abroad,
        "recipient.foreign_share": share,
        "recipient.foreign_control": control,
        "recipient.capable": True,
        "requester.member": member,
        "requester.records_role": False,
    }


INSTITUTION: dict[str, Value] = {
    **_known("member", member=True),
    "handler.ciio": False,
    "handler.state_organ": False,
}
"""The facts that the registry states about every institution."""

PROFILE: dict[str, Value] = {
    "act.within_notice": True,
    "evidence.notice": True,
    "evidence.sensitive_notice": True,
    "evidence.impact_assessment": True,
    "evidence.contract": True,
    "evidence.export_notice": False,
    "handler.minor_rules": True,
    "handler.persons": 260_000,
}
"""Facts about its organisation that the registry entry of an institution states."""

PLATFORM = Role(
    id="platform",
    kind=PartyKind.OPERATOR,
    tier=Tier.COUNTY,
    zh="安和县健康数据协同平台",
    en="Anhe County Health Data Platform",
    registry={
        **_known("government", member=True),
        "handler.ciio": False,
        "handler.state_organ": False,
    },
)

ROLES: tuple[Role, ...] = (
    PLATFORM,
    Role(
        id="ethics-committee",
        kind=PartyKind.AUTHORITY,
        tier=Tier.COUNTY,
        zh="县域伦理审查委员会",
        en="County Ethics Committee",
        speaks_for=("ethics_committee",),
    ),
    Role(
        id="data-committee",
        kind=PartyKind.AUTHORITY,
        tier=Tier.COUNTY,
        zh="医共体数据安全委员会",
        en="Data Security Committee",
        speaks_for=("data_committee",),
    ),
    Role(
        id="finance-office",
        kind=PartyKind.AUTHORITY,
        tier=Tier.COUNTY,
        zh="医共体财务管理中心",
        en="Finance Office",
        speaks_for=(AUTHORITY,),
    ),
    Role(
        id="county-office",
        kind=PartyKind.AUTHORITY,
        tier=Tier.COUNTY,
        zh="县域数据办",
        en="County Data Office",
    ),
    Role(
        id="baiyun-physician",
        kind=PartyKind.REQUESTER,
        tier=Tier.TOWNSHIP,
        zh="白云乡卫生院全科医师",
        en="general practitioner at Baiyun",
        registry=_known("member", member=True),
        speaks_for=("county_office",),
    ),
    Role(
        id="medical-college",
        kind=PartyKind.REQUESTER,
        tier=Tier.COUNTY,
        zh="县医学研究所",
        en="County Medical Research Institute",
        registry=_known("university", member=True),
    ),
    Role(
        id="health-bureau",
        kind=PartyKind.REQUESTER,
        tier=Tier.COUNTY,
        zh="县卫生健康局",
        en="County Health Bureau",
        registry=_known("government", member=False),
    ),
    Role(
        id="insurer",
        kind=PartyKind.REQUESTER,
        tier=Tier.CITY,
        zh="安泰健康保险公司",
        en="Antai Health Insurance",
        registry=_known("insurer", member=False),
    ),
    Role(
        id="device-maker",
        kind=PartyKind.REQUESTER,
        tier=Tier.PROVINCE,
        zh="康明智能医疗公司",
        en="Kangming Smart Medical",
        registry=_known("company", member=False),
    ),
    Role(
        id="gene-lab",
        kind=PartyKind.REQUESTER,
        tier=Tier.CITY,
        zh="海源基因实验室（外资控股）",
        en="Haiyuan Gene Laboratory (foreign-controlled)",
        registry=_known("company", member=False, share=60, control=True),
    ),
    Role(
        id="foreign-court",
        kind=PartyKind.REQUESTER,
        tier=Tier.NATION,
        zh="某外国法院",
        en="a foreign court",
        registry=_known("foreign_judicial", member=False, abroad=True, share=100, control=True),
    ),
    Role(
        id="public",
        kind=PartyKind.REQUESTER,
        tier=Tier.COUNTY,
        zh="社会公众",
        en="the public",
        registry=_known("public", member=False),
    ),
)
