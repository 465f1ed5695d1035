"""How the systems of invented vendors write their files: encoding, headings, dates, codes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from heyi.model.errors import InvalidInput

ENCODINGS = ("gb18030", "utf-8", "utf-8-sig")
COMMON = (
    "record name id_number sex birth_date phone address visit_date "
    "sbp dbp bmi smoker diabetes glucose stroke"
)
"""The columns of a usual export, in the order of the file; a village clinic has no `glucose`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportStyle:
    """How one system writes its file.

    `headings` maps each kind of column to its heading, in the order of the file; `date_format` has
    places for `y`, `m` and `d`; `sex_codes` are (male, female), `yes_no_codes` are (yes, no).
    """

    encoding: str
    headings: Mapping[str, str] = field(hash=False)
    date_format: str
    sex_codes: tuple[str, str]
    yes_no_codes: tuple[str, str]

    def __post_init__(self) -> None:
        if self.encoding not in ENCODINGS:
            raise InvalidInput(
                f"`{self.encoding}` is not an export encoding",
                hint=f"one of {', '.join(ENCODINGS)}",
            )
        if len(set(self.headings.values())) != len(self.headings):
            raise InvalidInput("an export style has one heading for two kinds of column")

    def date(self, day: dt.date) -> str:
        """A date in the format of this system."""
        return self.date_format.format(y=day.year, m=day.month, d=day.day)

    def sex(self, male: bool) -> str:
        """The code of this system for a person's sex."""
        return self.sex_codes[0] if male else self.sex_codes[1]

    def yes_no(self, value: bool) -> str:
        """The code of this system for yes or no."""
        return self.yes_no_codes[0] if value else self.yes_no_codes[1]


def _headings(kinds: str, headings: str) -> dict[str, str]:
    """Kinds to headings; both are texts with spaces between the words."""
    return dict(zip(kinds.split(), headings.split(), strict=True))


HYPHENS = "{y:04d}-{m:02d}-{d:02d}"
SLASHES = "{y:04d}/{m:02d}/{d:02d}"
DIGITS = "{y:04d}{m:02d}{d:02d}"
CHINESE = "{y}年{m}月{d}日"

COUNTY_HOSPITAL = ExportStyle(
    encoding="gb18030",
    headings=_headings(
        f"{COMMON} icd10 complaint ldl insurance",
        "住院号 患者姓名 身份证号 性别 出生日期 联系电话 家庭住址 入院日期 收缩压 舒张压 "
        "BMI 吸烟史 糖尿病史 空腹血糖 脑卒中 诊断编码(ICD-10) 主诉 低密度脂蛋白胆固醇 医保卡号",
    ),
    date_format=HYPHENS,
    sex_codes=("1", "2"),
    yes_no_codes=("1", "0"),
)
TCM_HOSPITAL = ExportStyle(
    encoding="utf-8-sig",
    headings=_headings(
        f"{COMMON} tcm_pattern icd10 allergy",
        "门诊号 病人姓名 证件号码 患者性别 出生年月日 手机号码 现住址 就诊日期 "
        "收缩压(mmHg) 舒张压(mmHg) 体质指数(kg/m2) 是否吸烟 是否糖尿病 空腹血糖(mmol/L) "
        "是否中风 中医证型 西医诊断编码 过敏史",
    ),
    date_format=CHINESE,
    sex_codes=("男", "女"),
    yes_no_codes=("是", "否"),
)
RESIDENT_FILE = ExportStyle(
    encoding="utf-8",
    headings=_headings(
        COMMON,
        "居民健康档案编号 居民姓名 身份证件号码 性别 出生日期 本人电话 居住地址 随访日期 "
        "收缩压 舒张压 体质指数 吸烟 糖尿病 空腹血糖值 脑卒中",
    ),
    date_format=HYPHENS,
    sex_codes=("男性", "女性"),
    yes_no_codes=("是", "否"),
)
PINYIN = ExportStyle(
    encoding="gb18030",
    headings=_headings(COMMON, "DABH XM SFZH XB CSRQ LXDH DZ JZRQ SSY SZY BMI XY TNB FPG NZZ"),
    date_format=DIGITS,
    sex_codes=("M", "F"),
    yes_no_codes=("Y", "N"),
)
CLINIC_DESK = ExportStyle(
    encoding="gb18030",
    headings=_headings(
        COMMON,
        "档案号 姓名 身份证号 性别 生日 电话 地址 体检日期 血压高压 血压低压 体重指数 "
        "抽烟 有无糖尿病 血糖 有无中风",
    ),
    date_format=SLASHES,
    sex_codes=("男", "女"),
    yes_no_codes=("有", "无"),
)
CHRONIC_CARE = ExportStyle(
    encoding="utf-8-sig",
    headings=_headings(
        COMMON,
        "管理卡号 姓名 公民身份号码 性别代码 出生日期 联系电话 户籍地址 就诊日期 "
        "收缩压(mmHg) 舒张压(mmHg) BMI(kg/m²) 吸烟状态 糖尿病诊断 FPG(mmol/L) 卒中结局",
    ),
    date_format=SLASHES,
    sex_codes=("1", "2"),
    yes_no_codes=("1", "0"),
)
GENE_SCREENING = replace(CHRONIC_CARE, headings={**CHRONIC_CARE.headings, "gene": "基因检测"})
VILLAGE_LEDGER = ExportStyle(
    encoding="gb18030",
    headings=_headings(
        COMMON.replace(" glucose", ""),
        "编号 村民姓名 证件号 性别 出生年月 电话 住址 日期 高压 低压 体重指数 吸烟 糖尿病 中风",
    ),
    date_format=CHINESE,
    sex_codes=("男", "女"),
    yes_no_codes=("有", "无"),
)
VILLAGE_TABLET = ExportStyle(
    encoding="utf-8",
    headings=_headings(
        COMMON.replace(" phone", "").replace(" glucose", ""),
        "记录编号 姓名 身份证号码 性别 出生日期 住址 测量日期 SBP DBP BMI "
        "是否吸烟 是否患糖尿病 是否脑卒中",
    ),
    date_format=DIGITS,
    sex_codes=("M", "F"),
    yes_no_codes=("Y", "N"),
)
