"""Every utility from files to verified statements, compared with plain libraries on pooled data."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from heyi.app.centre import App, found
from heyi.app.verification import verify_directory
from heyi.crypto.canonical import Json, from_canonical
from heyi.exchange.consortium import PLATFORM
from heyi.exchange.events.used import OperationAsked
from heyi.exchange.money.settle import settle
from heyi.exchange.request.grant import revoke
from heyi.exchange.request.register import register_asset
from heyi.exchange.study.joint_study import StudyResult, run_study
from heyi.exchange.study.plan import Site, StudyPlan, open_plan, register_plan
from heyi.exchange.study.valuation import Valuation
from heyi.federation.wire.operation import Operation
from heyi.model.errors import InvalidInput, Refused
from heyi.model.party import Tier
from heyi.settlement.certificate import verify_certificate
from heyi.settlement.coverage_game import CoverageGame
from heyi.settlement.exact import shapley_of_floats
from heyi.settlement.game import Game
from heyi.settlement.sample import Sample
from heyi.sources.csv_file import read_csv
from heyi.sources.study_file import read_study
from heyi.store.folder import finish_run
from oracles import forge
from tests.support.county import County
from tests.support.heart import FILES, POSITION, SCALING, SIZES, invented
from tests.support.machine import ROOT

Floats = npt.NDArray[np.float64]
HEART = read_study(ROOT / "examples" / "heart")
PLAYERS = ("cleveland", "hungary", "switzerland", "va")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return invented(tmp_path_factory.mktemp("heart") / "data", SIZES)


@pytest.fixture(scope="module")
def sites(data: Path) -> list[tuple[Floats, Floats]]:
    """Complete cases of each hospital on the registered scaling, read without code of Heyi."""
    made = []
    for name in FILES.values():
        rows = []
        for line in (data / name).read_text().split():
            cells = line.split(",")
            wanted = [cells[POSITION[k]] for k in SCALING] + [cells[13]]
            if "?" not in wanted:
                values = [float(v) for v in wanted]
                rows.append(
                    [
                        1.0,
                        *((v - c) / s for v, (c, s) in zip(values, SCALING.values(), strict=False)),
                        values[-1],
                    ]
                )
        table = np.array(rows)
        made.append((table[:, :-1], (table[:, -1] > 0).astype(np.float64)))
    return made


def coalition(sites: list[tuple[Floats, Floats]], mask: int) -> tuple[Floats, Floats]:
    chosen = [s for i, s in enumerate(sites) if mask >> i & 1]
    return np.concatenate([x for x, _ in chosen]), np.concatenate([y for _, y in chosen])


def model(x: Floats, y: Floats) -> Floats:
    fitted = LogisticRegression(C=1.0, solver="newton-cholesky", tol=1e-13, max_iter=100).fit(
        x[:, 1:], y
    )
    return np.array([fitted.intercept_[0], *fitted.coef_[0]])


def opened(
    data: Path,
    directory: Path,
    valuation: Valuation,
    plan: StudyPlan = HEART,
    operations: tuple[Operation, ...] = (),
    **params: Json,
) -> tuple[App, StudyPlan]:
    """The heart study with another valuation, up to its permits."""
    operation = Operation(name="logistic", params={**HEART.operations[0].params, **params})
    plan = replace(plan, valuation=valuation, operations=operations or (operation,))
    app = found(directory, seed=7, what=plan.id)
    register_plan(app.consortium, plan)
    for site in plan.sites:
        app.open_node(site.id, [site.id])
        table = read_csv(
            data / site.file, columns=plan.columns, keep_duplicates=plan.columns is not None
        )
        names: dict[str, Any] = {
            "zh": site.zh,
            "en": site.en,
            "origin": plan.origin,
            "secret": plan.secret,
        }
        asset = app.import_table(
            table, host=site.id, asset_id=plan.asset(site.id), holder=site.id, **names
        )
        register_asset(app.consortium, asset, by=site.id)
    open_plan(app.consortium, plan)
    return app, plan


def run(
    data: Path,
    directory: Path,
    valuation: Valuation,
    plan: StudyPlan = HEART,
    operations: tuple[Operation, ...] = (),
    **params: Json,
) -> tuple[StudyResult, Any, int]:
    """Run it: the result, what was measured, and the number of exchanges."""
    app, plan = opened(data, directory, valuation, plan, operations, **params)
    result = run_study(app.consortium, plan.id, by=PLATFORM)
    settlement = app.consortium.case(plan.id).settlement
    assert settlement is not None
    content = app.database.artefact(settlement.certificate)
    assert content is not None
    measured = verify_certificate(from_canonical(content))
    calls = len(forge.logged(app.consortium, OperationAsked))
    app.cosign()
    app.close()
    finish_run(directory)
    verification = verify_directory(directory)
    assert verification.holds, verification.faults
    assert sum(s.share_fen for s in result.statements) <= 10_000_000
    return result, measured, calls


def test_the_likelihood_game_is_that_of_pooled_fits(data: Path, tmp_path: Path, sites: Any) -> None:
    _, game, _ = run(data, tmp_path / "run", Valuation(utility="likelihood"))
    everything = coalition(sites, 15)

    def gain(mask: int) -> float:
        x, y = everything
        eta = x @ model(*coalition(sites, mask))
        return float((y * eta - np.logaddexp(0, eta)).sum() + len(y) * np.log(2))

    for mask in range(1, 16):
        assert game.values[mask] / 1e12 == pytest.approx(gain(mask), abs=1e-6)


def test_near_fits_pay_as_exact_ones_in_four_more_exchanges(data: Path, tmp_path: Path) -> None:
    exact, _, _ = run(data, tmp_path / "exact", Valuation(utility="likelihood"))
    near, _, asked = run(data, tmp_path / "near", Valuation(utility="likelihood", fits="near"))
    wanted = np.array([float(s.contribution) for s in exact.statements])
    got = np.array([float(s.contribution) for s in near.statements])
    assert np.abs(got - wanted).sum() <= 0.001 * np.abs(wanted).sum()
    assert not (got == wanted).all()
    assert exact.coefficients_nano == near.coefficients_nano
    assert near.rounds < asked <= near.rounds + 4, (
        "own optima, two steps, one evaluation besides the joint model"
    )


def test_intervals_of_a_likelihood_are_those_of_a_bootstrap(
    data: Path, tmp_path: Path, sites: Any
) -> None:
    """Keep the models, and draw the records that they are evaluated on again, 2,000 times."""
    result, game, _ = run(data, tmp_path / "run", Valuation(utility="likelihood"))
    x, y = coalition(sites, 15)
    eta = np.array([np.zeros(len(y)), *(x @ model(*coalition(sites, m)) for m in range(1, 16))])
    terms = y * eta - np.logaddexp(0, eta)
    phi = np.array([shapley_of_floats(record) for record in (terms - terms[0]).T])
    moments = phi.T @ phi * 1e24
    assert np.array(game.moments, dtype=float) == pytest.approx(
        moments, rel=1e-3, abs=1e-3 * moments.max()
    )
    rng = np.random.default_rng(1)
    shares = []
    for _ in range(2000):
        drawn = phi[rng.integers(0, len(phi), len(phi))].sum(axis=0)
        shares.append(drawn / drawn.sum())
    spread = np.std(shares, axis=0)
    for s, sd in zip(result.statements, spread, strict=True):
        assert s.interval is not None
        half = (s.interval[1] - s.interval[0]) / 2e6
        assert half / 2.4977 == pytest.approx(sd, rel=0.15)  # the normal quantile of 1 - 0.05/8


def test_the_concordance_game_is_that_of_areas_under_the_curve(
    data: Path, tmp_path: Path, sites: Any
) -> None:
    result, game, _ = run(data, tmp_path / "run", Valuation(utility="concordance"))
    assert isinstance(game, Game)
    for mask in (1, 6, 15):
        beta, wanted = model(*coalition(sites, mask)), 0.0
        for x, y in sites:
            pairs = y.sum() * (len(y) - y.sum())
            wanted += pairs * (2 * roc_auc_score(y, np.round(x @ beta, 12)) - 1)
        assert game.values[mask] == pytest.approx(wanted, abs=3)
    assert {s.unit for s in result.statements} == {"pairs"}
    assert "ranking of cases" in result.statements[0].why.en


def test_information_is_the_precision_of_a_coefficient(
    data: Path, tmp_path: Path, sites: Any
) -> None:
    result, game, _ = run(data, tmp_path / "run", Valuation(utility="information", of="sex"))
    x, y = coalition(sites, 15)
    beta = model(x, y)
    assert result.names[2] == "sex"
    for mask in range(1, 16):
        members, _ = coalition(sites, mask)
        p = 1 / (1 + np.exp(-members @ beta))
        hessian = (members * (p * (1 - p))[:, None]).T @ members + np.diag([0.0, 1, 1, 1, 1, 1])
        assert game.values[mask] / 1e6 == pytest.approx(
            1 / np.linalg.inv(hessian)[2, 2] - 1, abs=1e-5
        )
    assert "`sex`" in result.statements[0].why.en


def table_of(players: tuple[str, ...] = PLAYERS) -> dict[str, int]:
    return {
        " ".join(members): 100 * size + 7 * len(members[0])
        for size in range(1, len(players) + 1)
        for members in combinations(players, size)
    }


def test_a_table_of_the_consortium_with_masked_sums(data: Path, tmp_path: Path, sites: Any) -> None:
    """The platform sees totals only, and the model is the same to the last digit."""
    result, game, _ = run(
        data, tmp_path / "run", Valuation(utility="table", table=table_of()), sums="masked"
    )
    assert result.coefficients_nano == pytest.approx(model(*coalition(sites, 15)) * 1e9, abs=2)
    assert game.values[15] == table_of()[" ".join(PLAYERS)]
    assert {s.unit for s in result.statements} == {"units"}


def test_another_table_is_not_settled(data: Path, tmp_path: Path) -> None:
    app, plan = opened(data, tmp_path / "run", Valuation(utility="table", table=table_of()))
    case = app.consortium.case(plan.id)
    values = [0, *range(1, 16)]
    other = Game(
        players=PLAYERS, values=tuple(values), unit="units", specification=case.specification
    )
    with pytest.raises(InvalidInput, match="not the registered table"):
        settle(app.consortium, plan.id, other, by=PLATFORM)
    app.close()


def test_a_sample_of_models_pays_what_is_certain(tmp_path: Path) -> None:
    """Nine hospitals: 510 coalitions, of which 200 are evaluated."""
    plan = nine_hospitals(tmp_path)
    sampled = Valuation(utility="likelihood", fits="near", evaluations=200, seed=3)
    result, sample, _ = run(tmp_path / "data", tmp_path / "run", sampled, plan)
    assert isinstance(sample, Sample) and len(sample.values) == 200
    exact, _, _ = run(
        tmp_path / "data", tmp_path / "exact", Valuation(utility="likelihood", fits="near"), plan
    )
    for got, wanted in zip(result.statements, exact.statements, strict=True):
        assert got.interim and not wanted.interim
        assert got.low <= wanted.contribution <= got.high
        assert got.share_fen <= wanted.share_fen


def nine_hospitals(folder: Path) -> StudyPlan:
    (folder / "data").mkdir()
    sites = []
    for n in range(9):
        name = f"hospital-{n}"
        invented(folder / name, {**SIZES, "cleveland": 90 + 10 * n}, seed=n)
        (folder / name / FILES["cleveland"]).rename(folder / "data" / name)
        sites.append(Site(id=name, zh=name, en=name, tier=Tier.COUNTY, file=name))
    return replace(HEART, sites=tuple(sites))


OUTCOME = {"kind": "diabetes", "above_micro": 0}
AGE_SEX_SBP = [
    {"kind": "age", "center_micro": 55_000_000, "scale_micro": 10_000_000},
    {"kind": "sex", "center_micro": 0, "scale_micro": 1_000_000},
    {"kind": "sbp", "center_micro": 140_000_000, "scale_micro": 20_000_000},
]
LINKED = (
    Operation(
        name="logistic",
        params={"outcome": OUTCOME, "covariates": AGE_SEX_SBP, "ridge_micro": 1_000_000},
    ),
    Operation(name="tokens", params={"complete": ["age", "sex", "sbp", "diabetes"]}),
)


def clinics(folder: Path, names: dict[str, tuple[int, int]], *, changed: float = 0.0) -> StudyPlan:
    """Clinics from (seed, persons); clinics with equal seeds hold the same persons.

    Of a second clinic with a seed, the part `changed` of its cells is drawn again.
    """
    folder.mkdir()
    held: set[int] = set()
    for name, (seed, persons) in names.items():
        visits = County.visits(persons, seed, start=1000 * seed)
        rng = np.random.default_rng(seed + 99)
        if seed in held:
            for kind, low, high in (
                ("age", 30, 85),
                ("sex", 0, 2),
                ("sbp", 100, 190),
                ("diabetes", 0, 2),
            ):
                drawn = rng.integers(low, high, persons)
                visits[kind] = [
                    float(d) if rng.random() < changed else v
                    for v, d in zip(visits[kind], drawn, strict=True)
                ]
        held.add(seed)
        words = {"sex": ("女", "男"), "diabetes": ("否", "是")}
        rows = ["身份证号,年龄,性别,收缩压,糖尿病"]
        for i in range(persons):
            cells = [
                words[k][int(visits[k][i])] if k in words else str(int(visits[k][i]))
                for k in ("age", "sex", "sbp", "diabetes")
            ]
            rows.append(",".join([visits["resident_id"][i], *cells]))
        (folder / f"{name}.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    sites = tuple(Site(id=n, zh=n, en=n, tier=Tier.TOWNSHIP, file=f"{n}.csv") for n in names)
    return replace(HEART, sites=sites, columns=None)


@pytest.mark.parametrize(
    ("utility", "changed"),
    [("likelihood", 0.0), ("likelihood", 0.05), ("concordance", 0.0)],
    ids=["an exact copy", "a copy with 5 % of its cells changed", "an exact copy, by concordance"],
)
def test_a_copy_under_a_second_name_gains_nothing(
    tmp_path: Path, changed: float, utility: str
) -> None:
    """Twins are one owner, and each of their persons counts once."""
    three = {"clinic-a": (1, 200), "clinic-b": (2, 150), "clinic-c": (3, 180)}
    paid: dict[str, int] = {}
    for name, names, twins in (
        ("honest", three, "join"),
        ("joined", {**three, "clinic-z": (3, 180)}, "join"),
        ("alone", {**three, "clinic-z": (3, 180)}, "report"),
    ):
        plan = clinics(tmp_path / f"{name}-data", names, changed=changed)
        plan = replace(plan, pot=replace(plan.pot, twins=twins))
        result, game, _ = run(
            tmp_path / f"{name}-data",
            tmp_path / name,
            Valuation(utility=utility),
            plan,
            operations=LINKED,
        )
        paid[name] = sum(
            s.share_fen for s in result.statements if s.party in ("clinic-c", "clinic-z")
        )
        assert game.overlap is not None
        said = {s.party: "holds nearly the same patients" in s.why.en for s in result.statements}
        assert {p for p, told in said.items() if told} == (
            {"clinic-c", "clinic-z"} if name == "joined" else set()
        )
    assert paid["alone"] > 1.1 * paid["honest"], "without the guard a second name pays"
    assert paid["joined"] <= (1.01 if not changed else 1.10) * paid["honest"]


def test_a_copy_that_gives_no_tokens_takes_no_part(tmp_path: Path) -> None:
    """Else an institution could avoid the guard by refusing to be linked."""
    names = {"clinic-a": (1, 200), "clinic-b": (2, 150), "clinic-c": (3, 180), "clinic-z": (3, 180)}
    plan = clinics(tmp_path / "data", names)
    copied = tmp_path / "data" / "clinic-z.csv"
    rows = [line.split(",") for line in copied.read_text(encoding="utf-8").splitlines()]
    copied.write_text(
        "\n".join(",".join([*r[:3], "" if n else r[3], r[4]]) for n, r in enumerate(rows)) + "\n"
    )
    two = {**LINKED[0].params, "covariates": AGE_SEX_SBP[:2]}
    operations = (Operation(name="logistic", params=two), LINKED[1])
    result, game, _ = run(
        tmp_path / "data",
        tmp_path / "run",
        Valuation(utility="likelihood"),
        plan,
        operations=operations,
    )
    assert game.players == ("clinic-a", "clinic-b", "clinic-c")
    assert result.refused["clinic-z"]["code"] == "too-few-records"


def test_players_stand_in_the_order_of_their_ids_whatever_their_assets_are_called(
    tmp_path: Path,
) -> None:
    """Asset ids set the order of permits, but not the order of players."""

    class Turned(StudyPlan):
        __slots__ = ()

        def asset(self, site: str) -> str:
            return f"{'zyx'['abc'.index(site[-1])]}-records"

    plan = clinics(
        tmp_path / "data", {"clinic-a": (1, 200), "clinic-b": (2, 150), "clinic-c": (3, 180)}
    )
    fields = {name: getattr(plan, name) for name in StudyPlan.__dataclass_fields__}
    for utility in ("likelihood", "information"):
        of = "age" if utility == "information" else ""
        found = []
        for kind in (StudyPlan, Turned):
            directory = tmp_path / f"{utility}-{kind.__name__}"
            _, game, _ = run(
                tmp_path / "data",
                directory,
                Valuation(utility=utility, of=of),
                kind(**fields),
                operations=LINKED[:1],
            )
            found.append((game.players, game.values, game.moments))
        assert found[0] == found[1]


def test_coverage_in_strata_needs_no_model(tmp_path: Path) -> None:
    """Three clinics, the third with a twin; a person of 65 or older counts three."""
    plan = clinics(
        tmp_path / "data", {"clinic-a": (1, 200), "clinic-b": (2, 150), "clinic-c": (3, 180)}
    )
    strata = [{"kind": "age", "cuts": [65]}]
    tokens = Operation(name="tokens", params={"complete": ["sex"], "strata": strata})
    valuation = Valuation(utility="coverage", strata=(("under 65", 1), ("65 and over", 3)))
    result, measured, _ = run(
        tmp_path / "data", tmp_path / "run", valuation, plan, operations=(tokens,)
    )
    assert (result.names, result.coefficients_nano, result.rounds) == ((), (), 0)
    assert result.answered == ("clinic-a", "clinic-b", "clinic-c")
    for s, (seed, persons) in zip(result.statements, ((1, 200), (2, 150), (3, 180)), strict=True):
        old = sum(age >= 65 for age in County.visits(persons, seed)["age"])
        assert s.contribution == persons + 2 * old
        assert dict(s.strata) == {"under 65": persons - old, "65 and over": 3 * old}
    assert isinstance(measured, CoverageGame) and measured.unit == "points"


def test_who_drops_out_in_the_middle_is_left_out_and_the_log_verifies(
    data: Path, tmp_path: Path
) -> None:
    app, plan = opened(data, tmp_path / "run", Valuation(utility="likelihood"))
    permit = next(p for p in app.consortium.case(plan.id).permits if p.endswith(plan.asset("va")))

    def revoke_in_the_second(round_number: int) -> None:
        if round_number == 2 and not app.consortium.case(plan.id).revoked:
            revoke(app.consortium, plan.id, permit, reason="it leaves", by=PLATFORM)

    result = run_study(app.consortium, plan.id, by=PLATFORM, on_round=revoke_in_the_second)
    assert set(result.refused) == {"va"} and {s.party for s in result.statements} == set(
        PLAYERS
    ) - {"va"}
    app.cosign()
    app.close()
    finish_run(tmp_path / "run")
    verification = verify_directory(tmp_path / "run")
    assert verification.holds, verification.faults


def test_a_masked_study_ends_when_somebody_drops_out(data: Path, tmp_path: Path) -> None:
    """Else the difference of the totals with and without it would be its own sums."""
    app, plan = opened(
        data, tmp_path / "run", Valuation(utility="table", table=table_of()), sums="masked"
    )
    permit = next(p for p in app.consortium.case(plan.id).permits if p.endswith(plan.asset("va")))

    def revoke_in_the_second(round_number: int) -> None:
        if round_number == 2:
            revoke(app.consortium, plan.id, permit, reason="it leaves", by=PLATFORM)

    with pytest.raises(Refused, match="masked sums need every institution: `va`"):
        run_study(app.consortium, plan.id, by=PLATFORM, on_round=revoke_in_the_second)
    app.close()


def test_a_game_that_does_not_follow_from_what_was_registered_is_not_settled(
    data: Path, tmp_path: Path
) -> None:
    app, plan = opened(data, tmp_path / "run", Valuation(utility="likelihood"))
    specification = app.consortium.case(plan.id).specification
    values = tuple(range(16))
    right: dict[str, Any] = {"players": PLAYERS, "unit": "piconats", "specification": specification}
    wrong: list[tuple[Any, str]] = [
        (Game(values=values, **{**right, "unit": "pairs"}), "not what `likelihood` measures"),
        (Game(values=values, overlap={3: 500, 4: 60}, **right), "linked who were not asked for"),
        (
            CoverageGame(players=PLAYERS, strata=(), specification=specification),
            "not what `likelihood` measures",
        ),
    ]
    for game, says in wrong:
        with pytest.raises(InvalidInput, match=says):
            settle(app.consortium, plan.id, game, by=PLATFORM)
    assert not app.consortium.case(plan.id).settlement
    app.close()


@pytest.mark.parametrize("seed", [-3, 2**53])
def test_a_seed_out_of_range_is_refused_before_anything_runs(seed: int) -> None:
    with pytest.raises(InvalidInput, match="out of range"):
        Valuation(utility="likelihood", evaluations=200, seed=seed)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"utility": "profit"}, "unknown utility `profit`"),
        ({"utility": "likelihood", "fits": "quick"}, "unknown fits `quick`"),
        ({"utility": "likelihood", "of": "age"}, "`of` names the covariate"),
        ({"utility": "information"}, "`of` names the covariate"),
        ({"utility": "coverage", "evaluations": 100}, "needs no sample"),
        ({"utility": "likelihood", "evaluations": 1.5}, "whole numbers"),
        ({"utility": "table"}, "a table goes with the utility"),
        ({"utility": "coverage", "table": {"a": 1}}, "a table goes with the utility"),
        ({"utility": "table", "table": {"a": 1, "b": 2}}, "coalition `a b` has no value"),
        (
            {"utility": "table", "table": {"a": 1, "b": float("nan"), "a b": 2}},
            "whole numbers, not nan",
        ),
        (
            {"utility": "table", "table": {"a": 1, "b": 2, "a b": 3, "b a": 3}},
            "not written in the order",
        ),
        (
            {"utility": "table", "table": {f"p{i:02d}": 1 for i in range(11)}},
            "11 players is too long",
        ),
        ({"utility": "coverage", "strata": (("young", 0),)}, "counts at least 1"),
    ],
)
def test_valuations_without_sense_are_refused(wrong: dict[str, Any], says: str) -> None:
    with pytest.raises(InvalidInput, match=says):
        Valuation(**wrong)


def test_an_operation_that_cannot_measure_it_is_refused() -> None:
    masked = Operation(name="logistic", params={**HEART.operations[0].params, "sums": "masked"})
    with pytest.raises(InvalidInput, match="cannot be told from masked sums"):
        Valuation(utility="likelihood").specify(masked, HEART.pot, {})
    with pytest.raises(InvalidInput, match="`height` is no covariate"):
        Valuation(utility="information", of="height").specify(HEART.operations[0], HEART.pot, {})
    owned = replace(HEART.pot, owners={"va": "cleveland"})
    with pytest.raises(InvalidInput, match="a sample knows neither owners nor levels"):
        Valuation(utility="likelihood", evaluations=200).specify(HEART.operations[0], owned, {})
    tokens = Operation(
        name="tokens", params={"complete": ["age"], "strata": [{"kind": "age", "cuts": [65]}]}
    )
    with pytest.raises(InvalidInput, match="has 2 strata and 1 have names"):
        Valuation(utility="coverage", strata=(("all", 1),)).specify(tokens, HEART.pot, {})
    with pytest.raises(InvalidInput, match="per-site` or `masked"):
        Operation(name="logistic", params={**HEART.operations[0].params, "sums": "secret"})
