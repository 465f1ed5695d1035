"""Invented inhabitants of Anhe County, with their true risk of a stroke."""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass

from heyi.county.draw import Draw
from heyi.county.places import PLACES, TOWNSHIPS, Township
from heyi.model.errors import InvalidInput
from heyi.model.party import Tier

BASELINE = dt.date(2024, 1, 1)
"""The day of ages and covariates; the follow-up for the outcome starts on this day."""

# The true model: the log odds of a stroke during follow-up. A regression must find these values.
STROKE_INTERCEPT = -2.35  # a woman of 60 with 130 mmHg who neither smokes nor has diabetes
STROKE_PER_TEN_YEARS = 0.55  # of age, from 60
STROKE_MALE = 0.30
STROKE_PER_TEN_MMHG = 0.28  # of systolic pressure, from 130
STROKE_SMOKER = 0.45
STROKE_DIABETES = 0.60

CHILDREN_TOWNSHIP = 11
"""The number of the only township where children (3 to 10 years) are seen."""
CHILDREN_SHARE = 0.15

_TOWNSHIP_WEIGHTS = (1.30, 1.20, 0.70, 1.10, 1.15, 0.75, 1.05, 0.90, 1.00, 1.15, 0.65, 1.00)
# Which institutions see a person: C county hospital, M TCM hospital, T township, V village clinic.
# Several institutions see one third of the persons.
_SEEN = ("T", "C", "V", "M", "TC", "TV", "TM", "TVC", "CM", "VC", "TCM", "TVM")
_SEEN_ADULT = (0.390, 0.150, 0.077, 0.050, 0.085, 0.085, 0.045, 0.040, 0.020, 0.020, 0.020, 0.018)
_SEEN_CHILD = (0.6, 0, 0.1, 0, 0, 0.3, 0, 0, 0, 0, 0, 0)
_CLINICS = {
    t.id: tuple(p.id for p in PLACES if p.tier is Tier.VILLAGE and p.hosted_by == t.id)
    for t in TOWNSHIPS
}
_SURNAMES = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕"
_GIVEN_MALE = "伟强军勇杰涛明超平刚辉建国志文华海波斌龙德福春林永贵成东荣光"
_GIVEN_FEMALE = "芳娜秀英敏静丽艳娟霞玉兰桂珍凤红梅燕玲萍淑慧春花翠莲巧云素琴"
# The weights of the first 17 digits in the check sum of an ID number (GB 11643-1999).
_ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """An invented inhabitant with true values; the records of institutions differ from them.

    `places` are the ids of the institutions that know the person. `sbp` and `dbp` are in mmHg,
    `bmi` is in kg/m2, `glucose` (fasting plasma) in mmol/L; `stroke` is the outcome of follow-up.
    """

    index: int
    name: str
    male: bool
    born: dt.date
    id_number: str
    phone: str
    township: str
    village: str
    places: tuple[str, ...]
    sbp: int
    dbp: int
    bmi: float
    smoker: bool
    diabetes: bool
    glucose: float
    stroke: bool

    @property
    def age(self) -> float:
        """Age at `BASELINE` in years, with a fraction."""
        return _years(self.born)


def check_character(digits: str) -> str:
    """The check character, 0 to 9 or X, for the first 17 digits of an ID number.

    Source: GB 11643-1999.
    """
    total = sum(weight * int(digit) for weight, digit in zip(_ID_WEIGHTS, digits, strict=True))
    return "10X98765432"[total % 11]


def stroke_risk(*, age: float, male: bool, sbp: float, smoker: bool, diabetes: bool) -> float:
    """The true probability of a stroke; `age` is in years at `BASELINE`, `sbp` in mmHg."""
    return _logistic(
        STROKE_INTERCEPT
        + STROKE_PER_TEN_YEARS * (age - 60) / 10
        + STROKE_MALE * male
        + STROKE_PER_TEN_MMHG * (sbp - 130) / 10
        + STROKE_SMOKER * smoker
        + STROKE_DIABETES * diabetes
    )


def population(*, seed: int, persons: int = 20_000) -> tuple[Person, ...]:
    """The inhabitants; the same seed gives the same persons.

    `persons` is 1,000 to 500,000. With fewer, a village clinic may have nobody; with more, there
    are not enough ID numbers.

    Raises:
        InvalidInput: `persons` is out of range.
    """
    if not 1_000 <= persons <= 500_000:
        raise InvalidInput(
            f"a county of {persons} persons cannot be made", hint="ask for 1000 to 500000 persons"
        )
    draw = Draw(f"{seed}:people")
    taken: set[str] = set()
    return tuple(_person(draw, index, taken) for index in range(persons))


def _person(draw: Draw, index: int, taken: set[str]) -> Person:
    # INVARIANT: the order of the draws never changes, or the same seed would give another county.
    township = draw.weighted(TOWNSHIPS, _TOWNSHIP_WEIGHTS)
    child = township.number == CHILDREN_TOWNSHIP and draw.chance(CHILDREN_SHARE)
    seen = draw.weighted(_SEEN, _SEEN_CHILD if child else _SEEN_ADULT)
    village, places = _where(draw, township, seen)
    male = draw.chance(0.5)
    born = BASELINE - dt.timedelta(
        days=draw.whole(3 * 366, 11 * 365) if child else _adult_days(draw)
    )
    years = _years(born)
    smoker = not child and draw.chance(0.45 if male else 0.04)
    if child:
        sbp, bmi = draw.normal(90 + 1.5 * years, 7), draw.normal(16, 1.3)
    else:
        sbp, bmi = (
            draw.normal(104.5 + 0.42 * years + 2 * male, 15),
            max(draw.normal(24.2, 3.2), 16.0),
        )
    diabetes = not child and draw.chance(_logistic(-2.2 + 0.035 * (years - 56) + 0.1 * (bmi - 24)))
    risk = stroke_risk(age=years, male=male, sbp=round(sbp), smoker=smoker, diabetes=diabetes)
    return Person(
        index=index,
        name=_name(draw, male),
        male=male,
        born=born,
        id_number=_id_number(draw, township, born, male, taken),
        # No mobile number begins with 100, so these numbers belong to nobody.
        phone=f"100{draw.whole(0, 99_999_999):08d}",
        township=township.id,
        village=village,
        places=places,
        sbp=round(sbp),
        dbp=round(draw.normal(20 + 0.45 * sbp, 6)),
        bmi=round(bmi, 1),
        smoker=smoker,
        diabetes=diabetes,
        glucose=round(max(draw.normal(8.2, 1.6), 4.5) if diabetes else draw.normal(5.3, 0.45), 1),
        stroke=draw.chance(risk),
    )


def _where(draw: Draw, township: Township, seen: str) -> tuple[str, tuple[str, ...]]:
    """The village of a person, and the ids of the institutions of `seen` (see `_SEEN`)."""
    clinics = _CLINICS[township.id]
    if "V" in seen:  # a person goes to the clinic of their village; the first village is larger
        turn = 0 if len(clinics) == 1 or draw.chance(0.58) else 1
        village, clinic = township.villages[turn][0], clinics[turn]
    else:
        village, clinic = draw.pick(township.villages)[0], ""
    ids = {"C": "county-hospital", "M": "tcm-hospital", "T": township.id, "V": clinic}
    return village, tuple(ids[tier] for tier in "CMTV" if tier in seen)


def _adult_days(draw: Draw) -> int:
    """The age in days of an adult of 18 to 95 years; the mean is 56 years."""
    years = 0.0
    while not 18 <= years <= 95:
        years = draw.normal(56, 16)
    return math.ceil(years * 365.2425)


def _name(draw: Draw, male: bool) -> str:
    given = _GIVEN_MALE if male else _GIVEN_FEMALE
    return draw.pick(_SURNAMES) + draw.pick(given) + (draw.pick(given) if draw.chance(0.75) else "")


def _id_number(draw: Draw, township: Township, born: dt.date, male: bool, taken: set[str]) -> str:
    """An ID number that belongs to nobody: area code 99 is not assigned (GB/T 2260).

    Everything else follows GB 11643. INVARIANT: no two persons have the same number.
    """
    sequence = 2 * draw.whole(0, 498) + (1 if male else 2)  # odd for a man
    while True:
        digits = f"9903{township.number:02d}{born:%Y%m%d}{sequence:03d}"
        if digits not in taken:
            break
        sequence = (sequence + 1) % 998 + 1  # the next number with the same parity
    taken.add(digits)
    return digits + check_character(digits)


def _years(born: dt.date) -> float:
    return (BASELINE - born).days / 365.2425


def _logistic(log_odds: float) -> float:
    return 1 / (1 + math.exp(-log_odds))
