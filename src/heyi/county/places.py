"""The institutions of Anhe County (安和县), a county that does not exist."""

from __future__ import annotations

from dataclasses import dataclass

from heyi.county import styles
from heyi.county.styles import ExportStyle
from heyi.model.party import Tier, check_id

COUNTY_ZH, COUNTY_EN = "安和县", "Anhe County"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """An institution that exports one file.

    `hosted_by` is the health centre that runs the node for a village clinic; else None.
    """

    id: str
    zh: str
    en: str
    tier: Tier
    hosted_by: str | None
    style: ExportStyle

    def __post_init__(self) -> None:
        check_id(self.id, "place")


@dataclass(frozen=True, slots=True, kw_only=True)
class Township:
    """A township (乡镇).

    `number` counts from 1; `villages` holds the (Chinese, English) names of all its villages, and
    the first `clinics` of them have a clinic.
    """

    number: int
    zh: str
    en: str
    villages: tuple[tuple[str, str], ...]
    clinics: int
    style: ExportStyle

    @property
    def id(self) -> str:
        """The id of its health centre."""
        return f"township-{self.number:02d}"


def _township(
    number: int, zh: str, en: str, clinics: int, style: ExportStyle, villages: str
) -> Township:
    """A township whose `villages` are written `东岭村/Dongling 石桥村/Shiqiao`."""
    pairs = (village.partition("/") for village in villages.split())
    names = tuple((chinese, english) for chinese, _, english in pairs)
    return Township(number=number, zh=zh, en=en, villages=names, clinics=clinics, style=style)


TOWNSHIPS: tuple[Township, ...] = (
    _township(
        1,
        "青石镇",
        "Qingshi",
        2,
        styles.RESIDENT_FILE,
        "王家湾村/Wangjiawan 石桥村/Shiqiao 东岭村/Dongling",
    ),
    _township(
        2,
        "柳河镇",
        "Liuhe",
        2,
        styles.RESIDENT_FILE,
        "柳树屯村/Liushutun 河口村/Hekou 南坝村/Nanba",
    ),
    _township(3, "白云乡", "Baiyun", 1, styles.CLINIC_DESK, "云顶村/Yunding 竹坪村/Zhuping"),
    _township(
        4,
        "双桥镇",
        "Shuangqiao",
        2,
        styles.PINYIN,
        "双桥村/Shuangqiao 赵家庄村/Zhaojiazhuang 新塘村/Xintang",
    ),
    _township(
        5,
        "梅林镇",
        "Meilin",
        2,
        styles.CLINIC_DESK,
        "梅花村/Meihua 杨树林村/Yangshulin 西洼村/Xiwa",
    ),
    _township(6, "龙泉乡", "Longquan", 1, styles.PINYIN, "龙泉村/Longquan 井沟村/Jinggou"),
    _township(
        7,
        "大同镇",
        "Datong",
        2,
        styles.CHRONIC_CARE,
        "同心村/Tongxin 李家营村/Lijiaying 高坡村/Gaopo",
    ),
    _township(8, "松岗乡", "Songgang", 1, styles.CLINIC_DESK, "松岗村/Songgang 核桃沟村/Hetaogou"),
    _township(
        9,
        "清溪镇",
        "Qingxi",
        2,
        styles.RESIDENT_FILE,
        "清溪村/Qingxi 马家渡村/Majiadu 上水村/Shangshui",
    ),
    _township(
        10,
        "永丰镇",
        "Yongfeng",
        2,
        styles.PINYIN,
        "永丰村/Yongfeng 陈家集村/Chenjiaji 红旗村/Hongqi",
    ),
    _township(11, "凤山乡", "Fengshan", 1, styles.RESIDENT_FILE, "凤山村/Fengshan 桃园村/Taoyuan"),
    _township(
        12,
        "金湖镇",
        "Jinhu",
        2,
        styles.GENE_SCREENING,
        "金湖村/Jinhu 孙家埠村/Sunjiabu 北滩村/Beitan",
    ),
)


def _hospitals() -> tuple[Place, Place]:
    return (
        Place(
            id="county-hospital",
            zh=f"{COUNTY_ZH}人民医院",
            en=f"{COUNTY_EN} People's Hospital",
            tier=Tier.COUNTY,
            hosted_by=None,
            style=styles.COUNTY_HOSPITAL,
        ),
        Place(
            id="tcm-hospital",
            zh=f"{COUNTY_ZH}中医医院",
            en=f"{COUNTY_EN} Hospital of Traditional Chinese Medicine",
            tier=Tier.COUNTY,
            hosted_by=None,
            style=styles.TCM_HOSPITAL,
        ),
    )


def _health_centre(township: Township) -> Place:
    return Place(
        id=township.id,
        zh=f"{COUNTY_ZH}{township.zh}卫生院",
        en=f"{township.en} Township Health Centre",
        tier=Tier.TOWNSHIP,
        hosted_by=None,
        style=township.style,
    )


def _clinics() -> tuple[Place, ...]:
    sites = [(t, zh, en) for t in TOWNSHIPS for zh, en in t.villages[: t.clinics]]
    return tuple(
        Place(
            id=f"village-{number:02d}",
            zh=f"{COUNTY_ZH}{township.zh}{zh}卫生室",
            en=f"{en} Village Clinic",
            tier=Tier.VILLAGE,
            hosted_by=township.id,
            style=styles.VILLAGE_TABLET if number % 3 == 0 else styles.VILLAGE_LEDGER,
        )
        for number, (township, zh, en) in enumerate(sites, start=1)
    )


PLACES: tuple[Place, ...] = (*_hospitals(), *(_health_centre(t) for t in TOWNSHIPS), *_clinics())
"""Every institution: two hospitals, 12 township health centres, 20 village clinics."""
