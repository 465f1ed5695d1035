"""`heyi demo`: the whole story on a synthetic county."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from heyi.app.centre import App, found
from heyi.app.demo_report import demo_report
from heyi.app.report_file import numbers, write_report
from heyi.app.verification import Verification, verify_directory
from heyi.cli.output import FAILED, Json, Store, err, out, print_json, step
from heyi.county.founding import Telling
from heyi.county.story import Told, tell_story
from heyi.exchange.money.pay import settled_case
from heyi.report.catalogue import held
from heyi.settlement.statement import yuan
from heyi.store.folder import finish_run


def demo(
    seed: Annotated[int, typer.Option(help="the same seed gives the same log, byte for byte")] = 1,
    directory: Annotated[
        Path, typer.Option("--dir", help="where to put the run; an earlier run there is replaced")
    ] = Path("heyi-demo"),
    persons: Annotated[
        int, typer.Option(help="size of the county", min=5_000, max=500_000)
    ] = 20_000,
    store: Store = "",
    json: Json = False,
) -> None:
    """Raise a synthetic county and play the whole story, from graded files to money paid back."""
    app = found(directory, seed=seed, what="demo", store=store)
    with err().status("") as status:

        def tell(line: Telling) -> None:
            step(line.zh, line.en)
            status.update(f"{line.zh}…")

        told = tell_story(app, directory, seed=seed, persons=persons, tell=tell)
        tell(
            Telling(
                zh="外部核验：重放全部判定，核对全部证明",
                en="verify as an outsider: replay every decision, check every proof",
            )
        )
        app.cosign()
        verification = verify_directory(directory, store=store)
    data = demo_report(
        app.consortium,
        told,
        seed=seed,
        verified=numbers(verification),
        witness=(app.witness.signer.name, app.witness.signer.public_key),
    )
    report = write_report(directory, data)
    finish_run(directory)
    summary = _summary(app, told, verification)
    app.close()
    if json:
        print_json({**summary, "report": str(report)})
    else:
        _table(summary, directory, report, store)
    if not verification.holds:
        raise typer.Exit(FAILED)


def _summary(app: App, told: Told, verification: Verification) -> dict[str, object]:
    outcomes = verification.replayed.outcomes
    study, settlement = settled_case(app.consortium, told.study.case)
    return {
        "log_root": app.consortium.log.root.hex(),
        "events": app.consortium.log.size,
        "institutions": sum(
            1 for p in app.consortium.state.parties.values() if p.kind.value == "institution"
        ),
        "assets": len(held(app.consortium)),
        "requests": len(app.consortium.state.cases),
        "decisions": sum(outcomes.values()),
        "outcomes": dict(sorted(outcomes.items())),
        "pot_fen": settlement.pot_fen,
        "paid_fen": study.paid_fen,
        "verified": verification.holds,
        "faults": [f"{log}: {f.message}" for log, f in verification.faults],
    }


def _table(summary: dict[str, object], directory: Path, report: Path, store: str) -> None:
    table = Table(title="安和县演示 Anhe County", show_header=False, title_justify="left")
    outcomes = summary["outcomes"]
    assert isinstance(outcomes, dict)
    rows = [
        ("机构 institutions", summary["institutions"]),
        ("数据资产 assets graded", summary["assets"]),
        ("申请 requests", summary["requests"]),
        (
            "判定 decisions",
            f"{summary['decisions']}  ({', '.join(f'{k} {v}' for k, v in outcomes.items())})",
        ),
        (
            "支付 paid (yuan)",
            f"{yuan(int(str(summary['paid_fen'])))} / {yuan(int(str(summary['pot_fen'])))}",
        ),
        ("日志 log entries", summary["events"]),
        ("日志根 log root", str(summary["log_root"])[:32] + "…"),
        ("核验 verified", "通过 holds" if summary["verified"] else "不通过 FAILS"),
    ]
    for label, value in rows:
        table.add_row(label, str(value))
    console = out()
    console.print(table)
    faults = summary["faults"]
    assert isinstance(faults, list)
    for fault in faults:
        console.print(f"  {fault}")
    console.print("下一步 try next:")
    where = f" --store {store}" if store else ""
    for line in (
        f"open {report}",
        f"heyi verify {directory}{where}",
        f"heyi statement {directory} --party township-03{where}",
        "heyi rules show PIPL-31",
    ):
        console.print(f"  {line}")
