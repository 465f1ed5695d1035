"""Certificates: a stranger recomputes them, and whatever is changed in them is noticed."""

from __future__ import annotations

import copy
import os
import subprocess
import sys
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from heyi.crypto.canonical import canonical, from_canonical
from heyi.crypto.codec import to_json
from heyi.crypto.merkle import leaf_hash, verify_inclusion
from heyi.model.errors import InvalidInput, VerificationError
from heyi.settlement.allocate import Policy
from heyi.settlement.certificate import (
    Measured,
    certify,
    integers,
    settle_game,
    utility_leaf,
    verify_certificate,
)
from heyi.settlement.coverage_game import CoverageGame, Stratum
from heyi.settlement.exact import shapley_of_integers
from heyi.settlement.game import Game
from heyi.settlement.pot import Payment, Pot
from heyi.settlement.sample import Sample
from heyi.settlement.sampled import plan
from tests.support.command import HANGING
from tests.support.machine import KERNELS, kernel_environment
from tests.support.operations import operations
from tests.support.trees import tree_over

POT = Pot(fen=1_000_003, policy=Policy(group=frozenset({"c"}), group_floor=Fraction(1, 10)))


def game(pot: Pot = POT, n: int = 4, seed: int = 1) -> Game:
    values = np.random.default_rng(seed).integers(-50, 10**9, 1 << n)
    values[0] = 0
    players = tuple("abcdefghijklmnopqrst"[:n])
    return Game(
        players=players,
        values=tuple(map(int, values)),
        unit="piconats",
        specification=pot.to_json(),
    )


def covered(pot: Pot = POT) -> CoverageGame:
    strata = (
        Stratum(name="adults", weight=1, patterns={1: 500, 2: 300, 4: 20, 3: 80, 7: 6}),
        Stratum(name="rare", weight=25, patterns={4: 7, 5: 5}),
    )
    return CoverageGame(players=("a", "b", "c"), strata=strata, specification=pot.to_json())


def sampled(pot: Pot = POT) -> Sample:
    drawn = plan(8, 60, 9)
    size = drawn.coalitions.sum(axis=1)
    values = tuple(int(v) for v in 10_000 * np.sqrt(size) + 500 * drawn.coalitions[:, 2])
    return Sample(
        players=tuple("abcdefgh"),
        seed=9,
        evaluations=60,
        values=values,
        total=28_784,
        unit="points",
        specification=pot.to_json(),
    )


MEASURED = [game(), covered(), sampled()]


@pytest.mark.parametrize("measured", MEASURED, ids=["game", "coverage", "sample"])
def test_a_certificate_is_recomputed_from_its_bytes_alone(measured: Measured) -> None:
    certificate = certify("study", measured)
    written = canonical(certificate)
    assert canonical(certify("study", measured)) == written, "the same bytes every time"
    again = verify_certificate(from_canonical(written))
    assert again == measured
    assert sum(certificate["shares_fen"].values()) + certificate["escrow_fen"] == 1_000_003


CHANGES: list[tuple[str, Any]] = [
    ("root", "0" * 64),
    ("escrow_fen", 1),
    ("phi", ["1/2"] * 4),
    ("shares_fen", {"a": 1_000_003, "b": 0, "c": 0, "d": 0}),
    ("paid_fen", {"a": 1_000_003}),
    ("intervals", [[0, 1]] * 4),
    ("study", 7),
    ("format", "heyi-settlement/2"),
]


@pytest.mark.parametrize(("field", "value"), CHANGES)
def test_a_changed_field_is_noticed(field: str, value: object) -> None:
    certificate = certify("study", game())
    if field == "study":
        # under another name it is another valid certificate; the log has the digest of the first
        verify_certificate({**certificate, field: "other"})
        return
    with pytest.raises(VerificationError):
        verify_certificate({**certificate, field: value})


@pytest.mark.parametrize("measured", MEASURED, ids=["game", "coverage", "sample"])
def test_a_changed_utility_is_noticed(measured: Measured) -> None:
    certificate = from_canonical(canonical(certify("study", measured)))
    if isinstance(measured, CoverageGame):
        certificate["measured"]["strata"][0]["patterns"]["1"] += 1
    else:
        certificate["measured"]["values"][1] = str(int(certificate["measured"]["values"][1]) + 1)
    with pytest.raises(VerificationError, match="another `root`"):
        verify_certificate(certificate)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda c: c.pop("root"),
        lambda c: c.update(more=1),
        lambda c: c["measured"].pop("values"),
        lambda c: c["measured"].update(kind="rumour"),
        lambda c: c["measured"]["values"].pop(),
        lambda c: c["measured"]["values"].__setitem__(1, "many"),
        lambda c: c["measured"]["values"].__setitem__(0, "1"),
        lambda c: c["measured"]["players"].reverse(),
        lambda c: c["measured"]["specification"].update(pot_fen=0),
        lambda c: c["measured"]["specification"].update(policy={}),
        lambda c: c["measured"]["specification"].update(owners={"a": "b", "b": "a"}),
        lambda c: c.update(paid_fen={"nobody": 5}),
        lambda c: c.update(paid_fen=[5]),
        lambda c: c.update(measured=None),
    ],
)
def test_a_malformed_certificate_is_refused_without_a_traceback(spoil: Any) -> None:
    certificate = copy.deepcopy(from_canonical(canonical(certify("study", game()))))
    spoil(certificate)
    with pytest.raises(VerificationError):
        verify_certificate(certificate)


@pytest.mark.parametrize(
    "share",
    [
        *("1e-99999999", "1e99999999", "1/0", "١", "1_0", " 1"),
        *("9" * 41, "1/" + "9" * 41, "0." + "1" * 41),
        *(3, None, ["1"]),
    ],
)
@pytest.mark.parametrize("field", ["floors", "floors_at_most", "group_floor"])
def test_a_share_that_is_no_short_fraction_is_refused_at_once(field: str, share: object) -> None:
    """`Fraction("1e-99999999")` computes for ever, and a certificate comes from a stranger."""
    certificate = from_canonical(canonical(certify("study", game())))
    policy = certificate["measured"]["specification"]["policy"]
    policy[field] = {"a": share} if field == "floors" else share
    with pytest.raises(VerificationError, match="no policy"):
        verify_certificate(certificate)


def test_floors_without_a_short_common_denominator_are_refused() -> None:
    certificate = from_canonical(canonical(certify("study", game())))
    floors = {f"p{i}": f"1/{10**39 + i}" for i in range(50)}
    certificate["measured"]["specification"]["policy"]["floors"] = floors
    with pytest.raises(VerificationError, match="no common denominator"):
        verify_certificate(certificate)


@pytest.mark.parametrize("text", ["1e-99999999", "1/0", "9" * 4_001, 3])
def test_a_value_of_a_sample_that_is_no_fraction_is_refused_at_once(text: object) -> None:
    certificate = from_canonical(canonical(certify("study", sampled())))
    certificate["phi"][0] = text
    with pytest.raises(VerificationError):
        verify_certificate(certificate)


def test_utilities_beyond_floating_numbers_are_no_sample() -> None:
    huge = replace(sampled(), values=tuple(10**400 for _ in sampled().values))
    with pytest.raises(InvalidInput, match="too large for a sample") as refused:
        certify("study", huge)
    assert refused.value.hint


@pytest.mark.parametrize("what", [None, [], "certificate", 3, {}])
def test_what_is_no_certificate(what: object) -> None:
    with pytest.raises(VerificationError, match="no certificate of the format"):
        verify_certificate(what)


def test_one_utility_is_shown_without_the_others() -> None:
    measured = game()
    root = bytes.fromhex(certify("study", measured)["root"])
    tree = tree_over(leaf_hash(utility_leaf(m, v)) for m, v in measured.coalitions())
    leaf = leaf_hash(utility_leaf(5, measured.values[5]))
    verify_inclusion(leaf, 5, 16, tree.inclusion_proof(5), root)
    with pytest.raises(VerificationError):
        verify_inclusion(
            leaf_hash(utility_leaf(5, measured.values[5] + 1)), 5, 16, tree.inclusion_proof(5), root
        )


def test_a_sample_of_another_processor_may_differ_by_rounding_and_no_more() -> None:
    certificate = from_canonical(canonical(certify("study", sampled())))
    nudged = copy.deepcopy(certificate)
    nudged["phi"][0] = str(Fraction(nudged["phi"][0]) + Fraction(1, 10**4))
    verify_certificate(nudged)
    for field in ("phi", "low", "high"):
        value = Fraction(certificate[field][0])
        for changed in (str(value + Fraction(1, 1000)), f"{float(value):.5f}0"):
            wrong = copy.deepcopy(certificate)
            wrong[field][0] = changed
            with pytest.raises(VerificationError):
                verify_certificate(wrong)


def test_a_small_unit_leaves_no_room_for_money() -> None:
    """Worth 0 or 1: a thousandth of a unit is a thousandth of the pot."""
    drawn = plan(8, 60, 9)
    values = tuple(int(row[0] and row[1]) for row in drawn.coalitions)
    small = Sample(
        players=tuple("abcdefgh"),
        seed=9,
        evaluations=60,
        values=values,
        total=1,
        unit="units",
        specification=POT.to_json(),
    )
    certificate = from_canonical(canonical(certify("study", small)))
    verify_certificate(certificate)
    for field in ("phi", "low", "high"):
        certificate[field][0] = str(Fraction(certificate[field][0]) + Fraction(1, 10**6))
    with pytest.raises(VerificationError):
        verify_certificate(certificate)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"seed": 8, "evaluations": 60}, "another plan than was registered"),
        ({"seed": 9, "evaluations": 61}, "another plan than was registered"),
    ],
)
def test_a_sample_of_another_plan_than_was_registered(change: dict[str, int], says: str) -> None:
    value = sampled()
    other = replace(value, specification={**value.specification, "sample": change})
    with pytest.raises(InvalidInput, match=says):
        certify("study", other)


def test_a_sample_with_fewer_values_than_its_plan_is_refused_before_a_plan_is_drawn() -> None:
    certificate = from_canonical(canonical(certify("study", sampled())))
    certificate["measured"]["evaluations"] = 10**9

    def verify() -> None:
        with pytest.raises(VerificationError, match="1000000000 evaluations are not 60 values"):
            verify_certificate(certificate)

    assert operations(verify) < 10_000


def test_strata_of_other_weights_than_were_registered() -> None:
    value = covered()
    named = [{"name": "adults", "weight": 1}, {"name": "rare", "weight": 25}]
    right = replace(value, specification={**value.specification, "strata": named})
    verify_certificate(certify("study", right))
    named = [{"name": "adults", "weight": 1}, {"name": "rare", "weight": 5}]
    wrong = replace(value, specification={**value.specification, "strata": named})
    with pytest.raises(InvalidInput, match="strata are others than were registered"):
        certify("study", wrong)


@pytest.mark.parametrize("change", [{"escrow_fen": False}, {"study": None}, {"study": 3}])
def test_bytes_that_mean_the_same_are_not_the_same(change: dict[str, Any]) -> None:
    certificate = certify("study", game(Pot(fen=1000)))
    assert certificate["escrow_fen"] == 0
    with pytest.raises(VerificationError):
        verify_certificate({**certificate, **change})


def test_unions_without_end_are_malformed() -> None:
    certificate = from_canonical(canonical(certify("study", game())))
    certificate["measured"]["specification"]["levels"] = {p: ["x"] * 3000 for p in "abcd"}
    with pytest.raises(VerificationError):
        verify_certificate(certificate)


@pytest.mark.parametrize(
    "fields",
    [
        {"levels": {"a": "county-1"}},
        {"levels": {"a": [1]}},
        {"owners": {"a": 1}},
        {"owners": ["a"]},
        {"levels": 3},
    ],
)
def test_owners_and_levels_that_are_none(fields: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput, match="levels"):
        Pot(fen=5, **fields)


def test_owners_divide_what_the_game_of_owners_gives_them() -> None:
    measured = game(Pot(fen=1000, owners={"b": "a"}))
    phi = settle_game(measured).phi
    values = integers(measured)
    # players a and b are bits 0 and 1: in the game of owners both are bit 0
    between = shapley_of_integers(values[[(m & 1) * 0b11 | m >> 1 << 2 for m in range(8)]])
    assert (phi[0] + phi[1], *phi[2:]) == between
    itself = settle_game(game(Pot(fen=1000, owners={"b": "b"}))).phi
    assert itself == shapley_of_integers(values), "its own owner changes nothing"


def test_a_sample_neither_trues_up_nor_knows_unions() -> None:
    with pytest.raises(InvalidInput, match="neither trues up"):
        certify("study", sampled(), {"a": 1})
    with pytest.raises(InvalidInput, match="neither trues up"):
        certify("study", sampled(Pot(fen=5, owners={"a": "b"})))


def test_a_true_up_stands_in_the_certificate_with_what_was_paid() -> None:
    certificate = certify("study", game(), {"a": 900_000})
    assert certificate["paid_fen"] == {"a": 900_000}
    assert certificate["shares_fen"]["a"] >= 900_000
    verify_certificate(certificate)
    with pytest.raises(VerificationError):
        verify_certificate({**certificate, "paid_fen": {}})


def test_a_stranger_verifies_in_steps_in_proportion_to_the_coalitions() -> None:
    """Eight times as many coalitions take at most eight times as many steps."""
    steps = []
    for n in (10, 13):
        written = canonical(certify("study", game(Pot(fen=10**8), n=n)))
        steps.append(operations(lambda w=written: verify_certificate(from_canonical(w))))  # type: ignore[misc]
    assert steps[1] <= 8 * steps[0]
    verify_certificate(from_canonical(canonical(certify("study", game(Pot(fen=10**8), n=16)))))


def test_a_certificate_that_would_take_too_long_is_refused() -> None:
    """Five hundred sets of nearly four hundred institutions, whose moments would take minutes."""
    players = [f"p{i:03}" for i in range(400)]
    patterns = {f"{(1 << 400) - 1 - i:x}": 50 for i in range(500)}
    made = certify("heart", covered())
    measured = {
        **made["measured"],
        "players": players,
        "strata": [{"name": "persons", "weight": 1, "patterns": patterns}],
    }
    with pytest.raises(VerificationError, match="take too long to value"):
        verify_certificate({**made, "measured": measured})


def test_intervals_of_coverage_hold_for_other_patients() -> None:
    """With patients drawn anew, the intervals of one draw hold all true shares at once."""
    truth = {1: 0.3, 2: 0.25, 4: 0.05, 3: 0.2, 5: 0.1, 7: 0.1}
    shares = [sum(p / m.bit_count() for m, p in truth.items() if m >> i & 1) for i in range(3)]
    generator, held = np.random.default_rng(4), 0
    for _ in range(400):
        counts = generator.multinomial(600, list(truth.values()))
        patterns = {m: int(c) for m, c in zip(truth, counts, strict=True)}
        measured = CoverageGame(
            players=("a", "b", "c"),
            strata=(Stratum(name="persons", weight=1, patterns=patterns),),
            specification=Pot(fen=100).to_json(),
        )
        ends = settle_game(measured).intervals
        assert ends is not None
        held += all(low <= 1e6 * s <= high for (low, high), s in zip(ends, shares, strict=True))
    assert held >= 375, f"{held} of 400"


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"fen": 0}, "a pot of 0 fen"),
        ({"fen": -5}, "a pot of -5 fen"),
        ({"fen": True}, "a pot of True fen"),
        ({"fen": 1.5}, "a pot of 1.5 fen"),
        ({"fen": 5, "dispute_days": -1}, "days for disputes"),
        ({"fen": 5, "dispute_days": 400}, "days for disputes"),
        ({"fen": 5, "owners": {"a": "b", "b": "a"}}, "owned in a circle"),
        ({"fen": 5, "twins": "forgive"}, "twins are not `forgive`"),
    ],
)
def test_pots_that_are_none(fields: dict[str, Any], says: str) -> None:
    with pytest.raises(InvalidInput, match=says):
        Pot(**fields)


def test_the_terms_of_a_pot_stand_in_the_specification() -> None:
    pot = Pot(
        fen=5,
        levels={"a": ["north"]},
        owners={"b": "a"},
        dispute_days=30,
        payment=Payment.WORK_POINTS,
    )
    assert pot.to_json() == {
        "pot_fen": 5,
        "policy": to_json(Policy()),
        "owners": {"b": "a"},
        "levels": {"a": ["north"]},
        "twins": "join",
        "dispute_days": 30,
        "payment": "work_points",
    }


@pytest.mark.parametrize(
    "fields",
    [
        {"policy": Policy(floors={"z": Fraction(1, 9)})},
        {"policy": Policy(group=frozenset("z"))},
        {"owners": {"z": "a"}},
        {"levels": {"z": ["county"]}},
    ],
)
def test_a_misspelt_name_is_refused(fields: dict[str, Any]) -> None:
    pot = Pot(fen=5, **fields)
    with pytest.raises(InvalidInput, match="names `z`, which is no player"):
        pot.check_names("abc")
    pot.check_names("abz")


PROCESSOR = """
import sys
import numpy as np
from pathlib import Path
from heyi.crypto.canonical import canonical, from_canonical
from heyi.settlement.certificate import certify, verify_certificate
from heyi.settlement.pot import Pot
from heyi.settlement.sample import Sample
from heyi.settlement.sampled import plan

path = Path(sys.argv[1])
if path.exists():
    verify_certificate(from_canonical(path.read_bytes()))
else:
    drawn, own = plan(20, 600, 5), np.random.default_rng(2).lognormal(0, 1.5, 20)
    values = tuple(int(v) for v in 1e14 * np.log1p(drawn.coalitions @ own))
    sample = Sample(
        players=tuple(f"p{i:02d}" for i in range(20)),
        seed=5,
        evaluations=600,
        values=values,
        total=int(1e14 * np.log1p(own.sum())),
        unit="piconats",
        specification=Pot(fen=10**8).to_json(),
    )
    path.write_bytes(canonical(certify("study", sample)))
"""


@pytest.fixture(scope="module")
def of_this_processor(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate that was made with the default kernel of OpenBLAS."""
    path = tmp_path_factory.mktemp("processor") / "certificate.json"
    made_or_verified(path)
    return path


def made_or_verified(path: Path, environment: dict[str, str] | None = None) -> None:
    """Verify the certificate in another process; where there is none, make it."""
    done = subprocess.run(
        [sys.executable, "-c", PROCESSOR, str(path)],
        env={**os.environ, **(environment or {})},
        capture_output=True,
        text=True,
        timeout=HANGING,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("kernel", ["", *KERNELS])
def test_a_sample_in_a_small_unit_verifies_with_another_kernel(
    of_this_processor: Path, kernel: str
) -> None:
    made_or_verified(of_this_processor, kernel_environment(kernel))
