"""Find special diseases in the diagnoses of a table."""

from __future__ import annotations

import re
from collections.abc import Iterable

from heyi.catalogue.values import half_width

# An ICD-10 code in a text: a letter, two digits and an optional fourth digit. A letter with six or
# more digits is not a code but some other number.
_ICD = re.compile(r"(?<![A-Z0-9])([A-Z])(\d\d)(?!\d{4})(?:\.?(\d))?")

# Ranges of three-character codes, both ends included. GB/T 39725-2020 section 11.1.2.3 names the
# groups.
_CODES: dict[str, tuple[tuple[str, str], ...]] = {
    "hiv": (("B20", "B24"), ("Z21", "Z21"), ("R75", "R75")),
    "std": (("A50", "A64"),),
    "infectious": (("A15", "A19"), ("B15", "B19")),
    "psychiatric": (("F00", "F99"),),
    "tumour": (("C00", "C97"), ("D00", "D09")),
    "reproductive": (
        ("O00", "O08"),
        ("N46", "N46"),
        ("N97", "N97"),
        ("F52", "F52"),
        ("Z30", "Z31"),
    ),
    "hereditary": (("Q00", "Q99"),),
    "rare": (("D66", "D67"), ("G10", "G10"), ("G12", "G12")),
}
# Of the codes E70-E90 and G71, China's first list of rare diseases (2018) names only these.
_FOUR_CHARACTER_RARE = frozenset(
    {"E70.0", "E70.1", "E74.0", "E75.2", "E76.0", "E76.1", "E83.0", "G71.0"}
)

_WORDS: dict[str, re.Pattern[str]] = {
    "hiv": re.compile(r"HIV|艾滋|人类免疫缺陷病毒|\bAIDS\b"),
    "std": re.compile(r"梅毒|淋病|尖锐湿疣|生殖器疱疹|性病|TPPA|SYPHILIS|GONORRH"),
    "infectious": re.compile(
        r"乙型?肝炎?|丙型?肝炎?|病毒性肝炎|(?<!甲状腺)结核|HBSAG|TUBERCULOSIS|HEPATITIS [ABCDE]\b"
    ),
    "psychiatric": re.compile(
        r"精神分裂|抑郁|焦虑症|焦虑障碍|双相|躁狂|精神障碍|心境障碍|酒精依赖|药物依赖|吸毒|美沙酮"
        r"|SCHIZOPHREN|DEPRESSI|BIPOLAR"
    ),
    "tumour": re.compile(
        r"癌|恶性肿瘤|肉瘤|白血病|淋巴瘤|骨髓瘤|黑色素瘤"
        r"|CANCER|CARCINOMA|LEUK[A]?EMIA|LYMPHOMA|MALIGNAN"
    ),
    "hereditary": re.compile(
        r"遗传性|遗传病|先天性|染色体异常|唐氏综合征|地中海贫血|CONGENITAL|HEREDITARY"
    ),
    "reproductive": re.compile(
        r"流产|不孕|不育|性功能|勃起功能|人工授精|试管婴儿|避孕|异位妊娠|宫外孕|ABORTION|INFERTILITY"
    ),
    "rare": re.compile(
        r"罕见病|血友病|戈谢病|法布[里雷]病|庞贝病|脊髓性肌萎缩|肌萎缩侧索硬化|亨廷顿|苯丙酮尿症"
        r"|肝豆状核变性|杜氏肌营养不良|HAEMOPHILIA|HEMOPHILIA"
    ),
}
# A Chinese history usually says `否认肝炎、结核病史` (denies hepatitis and tuberculosis). A disease
# that is denied does not count.
_DENIED = re.compile(r"否认[^。；;\n]*|(?:无|没有)[^。；;，,\n]{1,16}(?:病史|史)")


def _of_code(category: str, fourth: str | None) -> set[str]:
    groups = {
        g for g, ranges in _CODES.items() if any(low <= category <= high for low, high in ranges)
    }
    if fourth is not None and f"{category}.{fourth}" in _FOUR_CHARACTER_RARE:
        groups.add("rare")
    return groups


def special_groups(values: Iterable[str]) -> frozenset[str]:
    """The special-disease groups in `values`, by ICD-10 codes and Chinese or English words.

    Source: GB/T 39725-2020 section 11.1.2.3; ICD-10 chapters.
    """
    found: set[str] = set()
    for value in set(values):
        text = _DENIED.sub("", half_width(value).upper())
        for letter, digits, fourth in _ICD.findall(text):
            found |= _of_code(letter + digits, fourth or None)
        found.update(
            group for group, words in _WORDS.items() if group not in found and words.search(text)
        )
    return frozenset(found)
