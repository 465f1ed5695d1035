"""`heyi run`: a joint study over real files, from the law's answer to the statements."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from heyi.app.centre import found
from heyi.app.report_file import numbers, write_report
from heyi.app.settings import fresh_seed
from heyi.app.verification import verify_directory
from heyi.cli.output import FAILED, REFUSED, Json, Store, err, out, print_json, step
from heyi.exchange.consortium import PLATFORM, legal_day
from heyi.exchange.money.pay import settled_case
from heyi.exchange.request.register import register_asset
from heyi.exchange.study.joint_study import StudyResult, run_study
from heyi.exchange.study.plan import open_plan, register_plan
from heyi.model.decision import Decision
from heyi.policy.decision_json import decision_to_json
from heyi.policy.explain import explain
from heyi.policy.language.ir import Rulebook
from heyi.report.measures import measured, unit_short
from heyi.report.study_report import study_report
from heyi.settlement.statement import yuan
from heyi.sources.csv_file import read_csv
from heyi.sources.data_folder import file_in
from heyi.sources.study_file import read_study
from heyi.store.folder import finish_run


def run(
    study_dir: Annotated[Path, typer.Argument(help="a folder with study.toml")],
    data: Annotated[Path, typer.Option(help="the folder with the institutions' files")],
    directory: Annotated[
        Path | None, typer.Option("--dir", help="where to put the run (heyi-run/STUDY)")
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(help="for demonstrations: the same seed gives the same keys and the same log"),
    ] = None,
    store: Store = "",
    json: Json = False,
) -> None:
    """Run a study: register institutions, judge the request, compute where data lie, state."""
    plan = read_study(study_dir)
    directory = directory or Path("heyi-run") / plan.id
    # Every file is read before an earlier run in the folder is replaced. Equal rows of a file
    # without header count as two persons, since nothing in the file tells whether they are one.
    tables = {
        site.id: read_csv(
            file_in(data, site.file), columns=plan.columns, keep_duplicates=plan.columns is not None
        )
        for site in plan.sites
    }
    seed = fresh_seed() if seed is None else seed
    app = found(directory, seed=seed, what=plan.id, store=store)
    register_plan(app.consortium, plan)
    for site in plan.sites:
        app.open_node(site.id, [site.id])
        asset = app.import_table(
            tables[site.id],
            host=site.id,
            asset_id=plan.asset(site.id),
            holder=site.id,
            zh=f"{site.zh}：{plan.zh}",
            en=f"{site.en}: {plan.en}",
            origin=plan.origin,
            secret=plan.secret,
        )
        register_asset(app.consortium, asset, by=site.id)
        step(site.zh, f"{site.en}: {asset.rows} 行 rows, 第 {asset.level} 级 level")
    last = open_plan(app.consortium, plan)[-1]
    app.cosign()  # whatever comes of the study, others can verify how it was judged
    if not any(d.outcome.is_permit for d in last.values()):
        app.close()
        _refused(app.consortium.point.book, last, json=json)
        raise typer.Exit(REFUSED)
    step("申请已判定并发放许可", "judged and granted")
    result = run_study(app.consortium, plan.id, by=PLATFORM)
    _, settlement = settled_case(app.consortium, plan.id)
    app.cosign()
    verification = verify_directory(directory, store=store)
    data_of_report = study_report(
        app.consortium,
        plan.id,
        result,
        zh=plan.zh,
        en=plan.en,
        verified=numbers(verification),
        witness=(app.witness.signer.name, app.witness.signer.public_key),
    )
    report = write_report(directory, data_of_report)
    finish_run(directory)
    root, size = app.consortium.log.root.hex(), app.consortium.log.size
    app.close()
    if json:
        outcomes = verification.replayed.outcomes
        print_json(
            {
                "log_root": root,
                "events": size,
                "decisions": outcomes.total(),
                "outcomes": dict(sorted(outcomes.items())),
                "coefficients": {
                    n: c / 1e9 for n, c in zip(result.names, result.coefficients_nano, strict=True)
                },
                "rounds": result.rounds,
                "answered": list(result.answered),
                "refused": result.refused,
                "contributions": {s.party: str(s.contribution) for s in result.statements},
                "unit": result.statements[0].unit,
                "shares_fen": {s.party: s.share_fen for s in result.statements},
                "pot_fen": settlement.pot_fen,
                "disputes_until": legal_day(settlement.disputes_until).isoformat(),
                "verified": verification.holds,
                "report": str(report),
            }
        )
    else:
        _tables(result, verified=verification.holds)
        day = legal_day(settlement.disputes_until)
        out().print(f"报告 report: {report}")
        out().print(f"可异议至 can be disputed until {day}，期满核准支付 then approved and paid")
        out().print("下一步 try next:")
        for line in (
            f"heyi statement {directory} --party {result.answered[0]}"
            + (f" --store {store}" if store else ""),
            f"heyi settle approve {directory} --on {day + dt.timedelta(days=1)}",
            f"heyi settle pay {directory} --csv payments.csv",
        ):
            out().print(f"  {line}")
    if not verification.holds:
        raise typer.Exit(FAILED)


def _refused(book: Rulebook, decisions: dict[str, Decision], *, json: bool) -> None:
    """The law lets no institution take part: say why, for each."""
    err().print(
        "法律不准许任何机构参加 the law permits no institution to take part", style="bold red"
    )
    if json:
        print_json({"decisions": {asset: decision_to_json(d) for asset, d in decisions.items()}})
        return
    for asset, decision in decisions.items():
        out().print(f"\n{asset}", style="bold")
        for line in explain(book, decision, "zh"):
            out().print(line)


def _tables(result: StudyResult, *, verified: bool) -> None:
    console = out()
    model = Table(title="联合模型 joint model", title_justify="left")
    model.add_column("变量 covariate")
    model.add_column("系数 coefficient", justify="right")
    for name, c in zip(result.names, result.coefficients_nano, strict=True):
        model.add_row(name, f"{c / 1e9:+.6f}")
    if result.names:
        console.print(model)
    shares = Table(title="贡献与份额 contributions and shares", title_justify="left")
    for heading in ("机构 institution", "沙普利值 Shapley value", "份额（元） share (yuan)"):
        shares.add_column(heading, justify="left" if heading.startswith("机构") else "right")
    for s in result.statements:
        shares.add_row(
            s.party,
            f"{measured(s.contribution, s.unit)} {unit_short(s.unit).en}",
            yuan(s.share_fen),
        )
    shares.add_row("合计 total", "", yuan(sum(s.share_fen for s in result.statements)))
    console.print(shares)
    for party, refusal in result.refused.items():
        console.print(f"未参加 refused: {party}: {refusal['zh']} {refusal['en']}")
    console.print(f"核验 verified: {'通过 holds' if verified else '不通过 FAILS'}")
