"""The records of an institution about its persons, with errors of measurement and typing."""

from __future__ import annotations

import datetime as dt

from heyi.county.draw import Draw
from heyi.county.people import BASELINE, Person
from heyi.county.places import COUNTY_ZH, PLACES, TOWNSHIPS, Place
from heyi.model.party import Tier

LAST_VISIT = dt.date(2026, 10, 31)
DUPLICATED = "township-05"
DUPLICATED_SHARE = 0.099  # of the records; 9 % of all rows are then duplicates
NOISY = "township-08"
FLIPPED_SHARE = 0.25  # of the stroke labels
WRONG_CHECK_SHARE = 0.01  # of the ID numbers
SPECIAL_DISEASES = "county-hospital"
SPECIAL_SHARE = 0.025  # of the diagnoses

# HIV disease (twice), schizophrenia, lung cancer, tuberculosis
_SPECIAL_ICD10 = ("B20", "B24", "F20", "C34", "A15")
_ICD10 = ("J18.9", "J44.1", "K29.5", "M54.5", "N39.0", "I25.1", "E78.5", "H81.1", "K80.2", "R51")
_COMPLAINTS = {
    "I63.9": ("突发左侧肢体无力{n}小时", "言语不清伴口角歪斜{n}小时"),
    "E11.9": ("口干多饮{n}月", "发现血糖升高{n}月"),
    "I10": ("反复头晕{n}月", "头痛、头胀{n}天"),
}
_OTHER_COMPLAINTS = (
    "咳嗽咳痰{n}天",
    "上腹部不适{n}天",
    "腰痛{n}天",
    "胸闷{n}天",
    "乏力、消瘦{n}月",
)
_STROKE_PATTERNS = ("气虚血瘀证", "风痰阻络证", "阴虚风动证")
_PATTERNS = ("肝阳上亢证", "痰湿壅盛证", "肝肾阴虚证", "脾气虚证", "气阴两虚证")
_ALLERGIES = ("青霉素过敏", "头孢类过敏", "磺胺类过敏", "海鲜过敏", "花粉过敏")
_GENOTYPES = (
    ("rs7903146", ("CC", "CC", "CC", "CT", "TT")),
    ("rs1801133", ("CC", "CT", "CT", "TT")),
    ("rs671", ("GG", "GG", "GA", "AA")),
)
_HOMOPHONES = str.maketrans("丽伟芳军英华玉明红平娜艳", "莉玮方均瑛桦钰铭虹萍那燕")
_FULL_WIDTH = str.maketrans("0123456789", "０１２３４５６７８９")
_TOWNSHIP_ZH = {t.id: t.zh for t in TOWNSHIPS}


def records(place: Place, people: tuple[Person, ...], *, seed: int) -> list[list[str]]:
    """The rows of an institution's file, without the headings but in their order."""
    draw = Draw(f"{seed}:export:{place.id}")
    kinds = tuple(place.style.headings)
    missing = id_missing_share(place)
    rows: list[list[str]] = []
    number = 0
    for person in people:
        if place.id in person.places:
            # With gaps, the number does not show how many records came before.
            number += draw.whole(1, 3)
            cells = _common(draw, place, person, number, missing) | _extra(draw, place, person)
            _mistype(draw, place, cells)
            rows.append([cells[kind] for kind in kinds])
    if place.id == DUPLICATED:  # part of the records was sent twice
        rows += [row for row in rows if draw.chance(DUPLICATED_SHARE)]
    return rows


def id_missing_share(place: Place) -> float:
    """The share of records without an ID number at an institution, 0.06 to 0.20."""
    return (6 + PLACES.index(place) * 7 % 15) / 100


def _common(
    draw: Draw, place: Place, person: Person, number: int, missing: float
) -> dict[str, str]:
    """The cells that most institutions have; a few measurements are empty."""
    style = place.style
    visit = BASELINE + dt.timedelta(days=draw.whole(0, (LAST_VISIT - BASELINE).days))
    # `!=` on two bools is "exclusive or": at the noisy institution, some outcomes are flipped.
    stroke = person.stroke != (place.id == NOISY and draw.chance(FLIPPED_SHARE))
    return {
        "record": _record_number(place, visit, number),
        "name": person.name.translate(_HOMOPHONES) if draw.chance(0.02) else person.name,
        "id_number": "" if draw.chance(missing) else _id_as_typed(draw, person.id_number),
        "sex": style.sex(person.male),
        "birth_date": style.date(person.born),
        "phone": "" if draw.chance(0.05) else person.phone,
        "address": f"{COUNTY_ZH}{_TOWNSHIP_ZH[person.township]}"
        f"{person.village}{1 + person.index % 9}组",
        "visit_date": style.date(visit),
        "sbp": str(round(draw.normal(person.sbp, 3))),
        "dbp": str(round(draw.normal(person.dbp, 3))),
        "bmi": "" if draw.chance(0.03) else f"{draw.normal(person.bmi, 0.2):.1f}",
        "smoker": style.yes_no(person.smoker),
        "diabetes": style.yes_no(person.diabetes),
        "glucose": "" if draw.chance(0.04) else f"{draw.normal(person.glucose, 0.2):.1f}",
        "stroke": style.yes_no(stroke),
    }


def _extra(draw: Draw, place: Place, person: Person) -> dict[str, str]:
    """The cells that only some institutions have."""
    kinds = place.style.headings
    cells: dict[str, str] = {}
    if "icd10" in kinds:
        special = place.id == SPECIAL_DISEASES and draw.chance(SPECIAL_SHARE)
        cells["icd10"] = draw.pick(_SPECIAL_ICD10) if special else _diagnosis(draw, person)
    if "complaint" in kinds:
        complaint = draw.pick(_COMPLAINTS.get(cells["icd10"], _OTHER_COMPLAINTS))
        cells["complaint"] = complaint.format(n=draw.whole(2, 9))
        cells["ldl"] = "" if draw.chance(0.1) else f"{draw.normal(2.9, 0.7):.2f}"
        cells["insurance"] = f"AH{draw.whole(0, 999_999_999):09d}"
    if "tcm_pattern" in kinds:
        cells["tcm_pattern"] = draw.pick(_STROKE_PATTERNS if person.stroke else _PATTERNS)
        cells["allergy"] = draw.pick(_ALLERGIES) if draw.chance(0.09) else "无"
    if "gene" in kinds:
        tested = draw.chance(0.4)
        cells["gene"] = (
            ";".join(f"{rs}:{draw.pick(types)}" for rs, types in _GENOTYPES) if tested else ""
        )
    return cells


def _diagnosis(draw: Draw, person: Person) -> str:
    """The ICD-10 code of a main diagnosis that fits the person."""
    if person.stroke and draw.chance(0.7):
        return "I63.9"
    if person.diabetes and draw.chance(0.6):
        return "E11.9"
    return "I10" if person.sbp >= 140 and draw.chance(0.7) else draw.pick(_ICD10)


def _record_number(place: Place, visit: dt.date, number: int) -> str:
    """A number in the form that the institution uses for its records."""
    if place.id == "county-hospital":
        return f"ZY{number:07d}"
    if place.id == "tcm-hospital":
        return f"MZ{visit:%y}{number:06d}"
    institution = int(place.id[-2:])
    if place.tier is Tier.TOWNSHIP:
        # A residential file number: area (6 digits), township (3), village (3), sequence (5).
        return f"9903{institution:02d}{100 + institution}200{number:05d}"
    return f"C{institution:02d}-{number:04d}"


def _id_as_typed(draw: Draw, id_number: str) -> str:
    """The ID number as it was typed; one check character in a hundred is wrong."""
    if not draw.chance(WRONG_CHECK_SHARE):
        return id_number
    return id_number[:-1] + draw.pick("0123456789X".replace(id_number[-1], ""))


def _mistype(draw: Draw, place: Place, cells: dict[str, str]) -> None:
    """Put typing errors into a small share of the records."""
    if draw.chance(0.004):
        cells["sbp"] += "0"  # 130 becomes 1300
    if draw.chance(0.004) and cells["bmi"]:
        cells["bmi"] = f"{float(cells['bmi']) / 10:.1f}"  # 24.3 becomes 2.4
    if draw.chance(0.003):
        # There was no such day.
        cells["birth_date"] = place.style.date_format.format(y=1900, m=2, d=30)
    if draw.chance(0.005):
        cells["sbp"] = cells["sbp"].translate(_FULL_WIDTH)
    if draw.chance(0.01):
        cells["name"] = f"{cells['name'][0]} {cells['name'][1:]} "
    if draw.chance(0.01) and cells["phone"]:
        cells["phone"] = f" {cells['phone'][:3]} {cells['phone'][3:]}"
