"""The county is the same for the same seed, as untidy as promised, and true to its model."""

from __future__ import annotations

import csv
import math
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from stdnum.cn import ric

from heyi.county import people as model
from heyi.county.draw import Draw
from heyi.county.exports import Export, write_county
from heyi.county.people import BASELINE, Person, check_character, population, stroke_risk
from heyi.county.places import PLACES, TOWNSHIPS
from heyi.county.visits import LAST_VISIT, id_missing_share, records
from heyi.model.errors import InvalidInput, StoreError
from heyi.model.party import Tier

SEED = 2026
BY_ID = {place.id: place for place in PLACES}


@pytest.fixture(scope="module")
def people() -> tuple[Person, ...]:
    return population(seed=SEED)


@pytest.fixture(scope="module")
def county(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Export]:
    return {e.place.id: e for e in write_county(tmp_path_factory.mktemp("county"), seed=SEED)}


def read(export: Export) -> list[dict[str, str]]:
    """The records of a file by kind of column, read with Python's own CSV reader."""
    kinds = {heading: kind for kind, heading in export.place.style.headings.items()}
    with export.path.open(encoding=export.place.style.encoding, newline="") as file:
        return [
            {kinds[heading]: cell for heading, cell in row.items()} for row in csv.DictReader(file)
        ]


def oracle(digits: str) -> str:
    """The check character by another implementation."""
    # It takes a number of full length and ignores the last character.
    return str(ric.calc_check_digit(f"{digits}0"))


def contents(directory: Path, seed: int) -> dict[str, bytes]:
    return {
        e.path.name: e.path.read_bytes() for e in write_county(directory, seed=seed, persons=1000)
    }


def test_same_seed_same_bytes_other_seed_other_bytes(tmp_path: Path) -> None:
    first = contents(tmp_path / "a", 1)
    assert contents(tmp_path / "b", 1) == first
    assert contents(tmp_path / "a", 1) == first  # a second run replaces the files of the first
    other = contents(tmp_path / "c", 2)
    assert all(other[name] != content for name, content in first.items())
    # No partial file is left.
    assert sorted(p.name for p in (tmp_path / "a").iterdir()) == sorted(first)


def test_draws_are_pinned() -> None:
    """Fixed values: this fails if a change of Python or of the generator alters the county."""
    draw = Draw("1:people")
    assert [draw.whole(0, 999) for _ in range(3)] == [28, 264, 10]
    assert draw.normal(0, 1) == pytest.approx(-1.9225372168329165, abs=1e-12)


def test_institutions() -> None:
    assert Counter(place.tier for place in PLACES) == {
        Tier.COUNTY: 2,
        Tier.TOWNSHIP: 12,
        Tier.VILLAGE: 20,
    }
    for place in PLACES:
        if place.tier is Tier.VILLAGE:
            assert place.hosted_by is not None
            assert BY_ID[place.hosted_by].tier is Tier.TOWNSHIP
        else:
            assert place.hosted_by is None
    assert (
        len({p.id for p in PLACES})
        == len({p.zh for p in PLACES})
        == len({p.en for p in PLACES})
        == len(PLACES)
    )


def test_houses_write_differently() -> None:
    styles = [place.style for place in PLACES]
    assert {s.encoding for s in styles} == {"gb18030", "utf-8", "utf-8-sig"}
    for kind in ("name", "id_number", "sbp", "stroke"):
        assert len({s.headings[kind] for s in styles}) >= 6, kind
    assert len({s.date_format for s in styles}) == len({s.sex_codes for s in styles}) == 4
    assert len({s.yes_no_codes for s in styles}) == 4
    assert all("glucose" not in p.style.headings for p in PLACES if p.tier is Tier.VILLAGE)


def test_files_are_in_the_encoding_of_their_house(county: dict[str, Export]) -> None:
    for export in county.values():
        content = export.path.read_bytes()
        assert content.startswith(b"\xef\xbb\xbf") == (export.place.style.encoding == "utf-8-sig")
        if export.place.style.encoding == "gb18030":
            with pytest.raises(UnicodeDecodeError):
                content.decode("utf-8")


@pytest.mark.parametrize(
    ("tier", "low", "high"),
    [(Tier.COUNTY, 2_800, 6_900), (Tier.TOWNSHIP, 600, 1_600), (Tier.VILLAGE, 120, 400)],
)
def test_sizes(county: dict[str, Export], tier: Tier, low: int, high: int) -> None:
    for export in county.values():
        if export.place.tier is tier:
            assert low <= export.rows <= high, export.place.id
            assert len(read(export)) == export.rows


def test_a_third_of_persons_are_known_in_several_institutions(people: tuple[Person, ...]) -> None:
    several = [p for p in people if len(p.places) > 1]
    assert len(several) / len(people) == pytest.approx(1 / 3, abs=0.015)
    tiers = Counter(frozenset(BY_ID[place].tier for place in p.places) for p in several)
    assert tiers[frozenset({Tier.COUNTY, Tier.TOWNSHIP})] > 1000
    assert all(p.places and len(set(p.places)) == len(p.places) for p in people)


def test_only_the_own_township_and_village_clinic_see_a_person(people: tuple[Person, ...]) -> None:
    for person in people:
        for place in (BY_ID[place_id] for place_id in person.places):
            assert place.tier is Tier.COUNTY or person.township in (place.id, place.hosted_by)
            assert place.tier is not Tier.VILLAGE or person.village in place.zh


def test_children_are_seen_in_one_township_centre_and_one_village_clinic(
    people: tuple[Person, ...],
) -> None:
    born_14_years_before = LAST_VISIT.replace(year=LAST_VISIT.year - 14)
    children = [p for p in people if p.born > born_14_years_before]  # under 14 at every visit
    assert {place for p in children for place in p.places} == {"township-11", "village-18"}
    assert BY_ID["village-18"].hosted_by == "township-11"
    assert all(18 <= p.age <= 95 for p in people if p.born <= born_14_years_before)


def test_check_character_agrees_with_stdnum() -> None:
    draw = Draw("check characters")
    for _ in range(500):
        digits = f"{draw.whole(0, 10**17 - 1):017d}"
        assert check_character(digits) == oracle(digits)


def test_id_numbers_are_well_formed_and_unassigned(people: tuple[Person, ...]) -> None:
    assert len({p.id_number for p in people}) == len(people)
    for person in people:
        number = person.id_number
        assert number.startswith("99")
        assert number[6:14] == f"{person.born:%Y%m%d}"
        assert int(number[14:17]) % 2 == person.male
        assert number[17] == oracle(number[:17])


def test_id_numbers_in_the_files(county: dict[str, Export], people: tuple[Person, ...]) -> None:
    """One check character in a hundred is wrong, and 6 to 20 % of the numbers are missing."""
    bodies = {p.id_number[:17] for p in people}
    checks: Counter[bool] = Counter()
    for export in county.values():
        numbers = [row["id_number"] for row in read(export)]
        share, expected = numbers.count("") / len(numbers), id_missing_share(export.place)
        assert 0.06 <= expected <= 0.20
        assert share == pytest.approx(
            expected, abs=4 * math.sqrt(expected * (1 - expected) / len(numbers))
        )
        present = [n for n in numbers if n]
        assert all(n[:17] in bodies and len(n) == 18 for n in present)
        checks.update(n[17] == oracle(n[:17]) for n in present)
    assert checks[False] / checks.total() == pytest.approx(0.01, abs=0.003)
    assert len({id_missing_share(place) for place in PLACES}) > 10


def test_telephone_numbers_belong_to_nobody(
    people: tuple[Person, ...], county: dict[str, Export]
) -> None:
    assert all(
        len(p.phone) == 11 and p.phone.startswith("100") and p.phone.isdigit() for p in people
    )
    written = {row["phone"].replace(" ", "") for row in read(county["tcm-hospital"])}
    assert written <= {p.phone for p in people} | {""}


def test_same_person_is_nearly_the_same_elsewhere(county: dict[str, Export]) -> None:
    here = {row["id_number"]: row for row in read(county["township-01"]) if row["id_number"]}
    there = {row["id_number"]: row for row in read(county["county-hospital"])}
    pairs = [(here[number], there[number]) for number in here.keys() & there.keys()]
    assert len(pairs) > 50
    assert sum(a["name"] == b["name"] for a, b in pairs) / len(pairs) > 0.9
    gaps = [abs(int(a["sbp"]) - int(b["sbp"])) for a, b in pairs]
    assert 1 < float(np.median(gaps)) < 10
    assert all(a["address"] == b["address"] for a, b in pairs)


def test_one_township_has_duplicated_rows_and_the_others_none(county: dict[str, Export]) -> None:
    for export in county.values():
        rows = [tuple(row.values()) for row in read(export)]
        repeated = 1 - len(set(rows)) / len(rows)
        if export.place.id == "township-05":
            assert repeated == pytest.approx(0.09, abs=0.02)
        else:
            assert repeated == 0
        distinct = {row[0] for row in rows}
        assert len(distinct) == len(set(rows)), "record numbers are unique"


def test_one_township_has_noisy_stroke_labels(people: tuple[Person, ...]) -> None:
    for township in TOWNSHIPS:
        place = BY_ID[township.id]
        column = list(place.style.headings).index("stroke")
        truth = [place.style.yes_no(p.stroke) for p in people if place.id in p.places]
        written = [row[column] for row in records(place, people, seed=SEED)]
        wrong = sum(a != b for a, b in zip(truth, written, strict=False)) / len(truth)
        assert wrong == (pytest.approx(0.25, abs=0.05) if place.id == "township-08" else 0), (
            place.id
        )


def test_typing_errors_are_there_and_rare(county: dict[str, Export]) -> None:
    for institution in ("county-hospital", "tcm-hospital"):
        rows = read(county[institution])
        impossible_day = county[institution].place.style.date_format.format(y=1900, m=2, d=30)
        slips = {
            "sbp": sum(int(row["sbp"]) > 600 for row in rows),  # `int` reads full-width digits too
            "bmi": sum(float(row["bmi"] or 24) < 5 for row in rows),
            "birth_date": sum(row["birth_date"] == impossible_day for row in rows),
            "full width": sum(not row["sbp"].isascii() for row in rows),
            "stray blank": sum(row["name"] != row["name"].replace(" ", "") for row in rows),
        }
        assert all(0 < count < 0.02 * len(rows) for count in slips.values()), (institution, slips)


def test_columns_of_single_houses(county: dict[str, Export]) -> None:
    hospital = read(county["county-hospital"])
    special = {"B20", "B24", "F20", "C34", "A15"}
    assert special <= {row["icd10"] for row in hospital}
    assert all(row["complaint"] and row["insurance"] for row in hospital)
    tcm = read(county["tcm-hospital"])
    assert special.isdisjoint(row["icd10"] for row in tcm)
    assert all(row["tcm_pattern"].endswith("证") and row["allergy"] for row in tcm)
    genes = [row["gene"] for row in read(county["township-12"])]
    assert any("rs7903146:CT" in gene for gene in genes)
    assert [p.id for p in PLACES if "gene" in p.style.headings] == ["township-12"]


def test_true_coefficients_are_recovered(people: tuple[Person, ...]) -> None:
    """Maximum likelihood by Newton's method finds each coefficient within four standard errors."""
    x = np.array(
        [[1, (p.age - 60) / 10, p.male, (p.sbp - 130) / 10, p.smoker, p.diabetes] for p in people],
        dtype=float,
    )
    y = np.array([p.stroke for p in people], dtype=float)
    true = [
        model.STROKE_INTERCEPT,
        model.STROKE_PER_TEN_YEARS,
        model.STROKE_MALE,
        model.STROKE_PER_TEN_MMHG,
        model.STROKE_SMOKER,
        model.STROKE_DIABETES,
    ]
    beta = np.zeros(6)
    for _ in range(12):
        risk = 1 / (1 + np.exp(-x @ beta))
        covariance = np.linalg.inv((x * (risk * (1 - risk))[:, None]).T @ x)
        beta += covariance @ x.T @ (y - risk)
    errors = np.sqrt(np.diag(covariance))
    assert np.all(np.abs(beta - true) < 4 * errors)
    assert np.all(np.abs(beta) > 4 * errors), "every covariate carries a signal"
    assert 0.12 < y.mean() < 0.20


def test_risk_by_hand() -> None:
    baseline = stroke_risk(age=60, male=False, sbp=130, smoker=False, diabetes=False)
    assert baseline == pytest.approx(1 / (1 + math.exp(-model.STROKE_INTERCEPT)))
    assert stroke_risk(age=75, male=True, sbp=160, smoker=True, diabetes=True) > 0.5 > baseline


def test_visits_lie_between_baseline_and_last_visit(county: dict[str, Export]) -> None:
    days = [row["visit_date"] for row in read(county["county-hospital"])]
    assert f"{BASELINE:%Y-%m}" == min(days)[:7] == "2024-01"
    assert max(days)[:7] == f"{LAST_VISIT:%Y-%m}" == "2026-10"


@pytest.mark.parametrize("persons", [0, 999, 500_001])
def test_a_county_of_another_size_is_refused(tmp_path: Path, persons: int) -> None:
    with pytest.raises(InvalidInput, match=f"county of {persons} persons"):
        write_county(tmp_path, seed=1, persons=persons)
    assert not list(tmp_path.iterdir())


def test_an_unwritable_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreError, match="cannot write"):
        write_county(tmp_path / "file", seed=1, persons=1000)
