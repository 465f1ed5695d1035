"""Contributions from near fits beside those from exact retraining: difference, exchanges, seconds.

    python -m bench.contributions [--persons 20000] [--data FOLDER]        (make contributions)

The county's stroke study is valued by likelihood twice: with every coalition's model fitted
exactly, and with near fits. With --data the heart study is valued too. Both studies go through
requests, permits, nodes and settlement. Exit code 1 where near fits are too far off or take too
many exchanges.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from fractions import Fraction
from pathlib import Path

from heyi.app.centre import App, found
from heyi.app.verification import verify_directory
from heyi.county import scenes
from heyi.county.scenes import play
from heyi.county.story import tell_story
from heyi.exchange.consortium import PLATFORM
from heyi.exchange.events.event_kinds import read_entry
from heyi.exchange.events.used import OperationAsked
from heyi.exchange.projections import CASE, stream
from heyi.exchange.request.apply import approve, decide
from heyi.exchange.request.grant import Terms, grant
from heyi.exchange.request.register import register_asset
from heyi.exchange.study.joint_study import register_study, run_study
from heyi.exchange.study.plan import StudyPlan, open_plan, register_plan
from heyi.exchange.study.valuation import EXACT, FITS, NEAR, Valuation
from heyi.settlement.pot import Pot
from heyi.settlement.utility import LIKELIHOOD
from heyi.sources.csv_file import read_csv
from heyi.sources.study_file import read_study
from heyi.store.folder import finish_run

ROOT = Path(__file__).resolve().parents[1]
L1_WANTED, EXTRA_WANTED = 0.01, 4
"""At most this difference, and at most so many further exchanges, with near fits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One study, valued with both kinds of fits.

    `rounds`: exchanges for the joint model. `extra`: further exchanges, by kind of fits.
    `l1`: sum |near - exact| / sum |exact| over the contributions.
    """

    study: str
    institutions: int
    coalitions: int
    rounds: int
    extra: dict[str, int]
    seconds: dict[str, float]
    l1: float


def compare(name: str, open_study: Callable[[Path, str], App]) -> Result:
    """Run a study with each kind of fits and compare the contributions.

    `open_study` opens it in a folder, with one of `FITS`.
    """
    phi: dict[str, dict[str, Fraction]] = {}
    extra, seconds, rounds = {}, {}, 0
    for fits in FITS:
        with tempfile.TemporaryDirectory() as folder:
            directory = Path(folder)
            app = open_study(directory, fits)
            case = next(
                c.id
                for c in app.consortium.state.cases.values()
                if c.specification and not c.settlement
            )
            begun = time.perf_counter()
            result = run_study(app.consortium, case, by=PLATFORM)
            seconds[fits] = time.perf_counter() - begun
            phi[fits] = {s.party: s.contribution for s in result.statements}
            rounds = result.rounds
            of_case = (read_entry(e) for e in app.database.stream(stream(CASE, case)))
            asked = [e.what for e in of_case if isinstance(e.what, OperationAsked)]
            exchanges = max(number for what in asked for _, number, _ in what.calls)
            extra[fits] = exchanges - rounds
            app.cosign()
            app.close()
            finish_run(directory)
            if not verify_directory(directory).holds:
                raise SystemExit(f"{name}: the log does not verify")
    exact, near = phi[EXACT], phi[NEAR]
    off = sum(abs(near[p] - exact[p]) for p in exact) / sum(map(abs, exact.values()))
    n = len(exact)
    return Result(
        study=name,
        institutions=n,
        coalitions=(1 << n) - 1,
        rounds=rounds,
        extra=extra,
        seconds=seconds,
        l1=float(off),
    )


def county(persons: int) -> Callable[[Path, str], App]:
    """The county of the demonstration, with one more request for the stroke study."""

    def open_study(directory: Path, fits: str) -> App:
        app = found(directory, seed=7, what="demo")
        tell_story(app, directory, seed=7, persons=persons, tell=lambda _: None)
        scene = replace(scenes.STUDY, id="stroke-likelihood", operations=(scenes.REGRESSION,))
        play(app, scene)
        for authority, by in (
            ("ethics_committee", "ethics-committee"),
            ("data_committee", "data-committee"),
        ):
            approve(
                app.consortium,
                scene.id,
                authority=authority,
                by=by,
                given=True,
                reasons="as before",
            )
        decide(app.consortium, scene.id, by=PLATFORM)
        register_study(
            app.consortium,
            scene.id,
            Valuation(utility=LIKELIHOOD, fits=fits),
            Pot(fen=30_000_000),
            by=scene.requester,
        )
        grant(app.consortium, scene.id, Terms(), by=PLATFORM)
        return app

    return open_study


def heart(data: Path, plan: StudyPlan) -> Callable[[Path, str], App]:
    """The study of a plan over its files in the folder `data`."""

    def open_study(directory: Path, fits: str) -> App:
        study = replace(plan, valuation=Valuation(utility=LIKELIHOOD, fits=fits))
        app = found(directory, seed=7, what=study.id)
        register_plan(app.consortium, study)
        for site in study.sites:
            app.open_node(site.id, [site.id])
            asset = app.import_table(
                read_csv(data / site.file, columns=study.columns, keep_duplicates=True),
                host=site.id,
                asset_id=study.asset(site.id),
                holder=site.id,
                zh=site.zh,
                en=site.en,
                origin=study.origin,
                secret=study.secret,
            )
            register_asset(app.consortium, asset, by=site.id)
        open_plan(app.consortium, study)
        return app

    return open_study


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--persons", type=int, default=20_000)
    parser.add_argument("--data", type=Path, help="the folder with the files of the heart study")
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args(arguments)
    results = [compare("county", county(chosen.persons))]
    if chosen.data:
        results.append(
            compare("heart", heart(chosen.data, read_study(ROOT / "examples" / "heart")))
        )
    if chosen.json:
        print(json.dumps([asdict(r) for r in results]))
    else:
        for r in results:
            print(
                f"{r.study}: {r.institutions} institutions, {r.coalitions} coalitions, "
                f"joint model in {r.rounds} rounds; near fits in {r.extra[NEAR]} further "
                f"exchanges and {r.seconds[NEAR]:.1f} s, exact in {r.extra[EXACT]} further and "
                f"{r.seconds[EXACT]:.1f} s; L1 {r.l1:.2e}"
            )
    return 0 if all(r.l1 <= L1_WANTED and r.extra[NEAR] <= EXTRA_WANTED for r in results) else 1


if __name__ == "__main__":
    sys.exit(main())
