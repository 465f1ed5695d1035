"""`heyi log`: what stands in the log, and whether what is kept beside it agrees."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Annotated

import typer

from heyi.cli.output import FAILED, Address, Json, out, print_json

log = typer.Typer(
    no_args_is_help=True,
    help="List the log, and compare it with what is kept beside it.",
    rich_markup_mode=None,
)

Run = Annotated[Path, typer.Argument(help="the folder of a run")]


@log.command("list")
def list_log(
    directory: Run = Path("heyi-demo"),
    case: Annotated[str, typer.Option(help="the entries of this request alone")] = "",
    store: Address = "",
    json: Json = False,
) -> None:
    """List entries: number, time, kind, who acted, case, and whether a body can be erased."""
    from heyi.app.verification import log_of
    from heyi.exchange.consortium import ZONE
    from heyi.exchange.events.event_kinds import read_entry
    from heyi.exchange.projections import CASE, listed, stream
    from heyi.model.errors import InvalidInput

    database = log_of(directory, store)
    try:
        if case and database.summary(CASE, case) is None:
            known = ", ".join(name for name, _ in listed(database, CASE))
            raise InvalidInput(f"unknown case `{case}`", hint=f"one of {known}")
        stored = database.stream(stream(CASE, case)) if case else database.entries()
        rows = []
        for entry in stored:
            logged = read_entry(entry)
            body = "" if logged.what.BODY is None else "erased" if logged.erased else "body"
            rows.append(
                {
                    "entry": logged.index,
                    "at": dt.datetime.fromtimestamp(logged.at, ZONE).isoformat(timespec="minutes"),
                    "kind": logged.what.KIND,
                    "actor": logged.actor,
                    "case": logged.case,
                    "body": body,
                }
            )
    finally:
        database.close()
    if json:
        print_json({"entries": rows})
        return
    for row in rows:
        words = (row["entry"], row["at"], row["kind"], row["actor"], row["case"], row["body"])
        out().print("  ".join(str(word) for word in words if word != ""), soft_wrap=True)


@log.command("check")
def check_log(
    directory: Run = Path("heyi-demo"),
    rebuild: Annotated[
        bool, typer.Option("--rebuild", help="write the streams and summaries anew")
    ] = False,
    store: Address = "",
    json: Json = False,
) -> None:
    """Compare the streams and summaries, which lists and cases are read from, with the events."""
    from heyi.app.verification import log_of
    from heyi.exchange.projections import differences

    if rebuild:
        from heyi.app.centre import writing
        from heyi.exchange.projections import rebuild as write_anew

        with writing(directory) as app:
            write_anew(app.database)
    database = log_of(directory, store)
    try:
        unlike, due = list(differences(database)), database.scrub_due()
    finally:
        database.close()
    if json:
        print_json({"agrees": not unlike, "differences": unlike, "scrub_due": due})
    else:
        for name in unlike:
            out().print(f"  ✗ {name}")
        if due:
            out().print(
                "  已删除内容的残留尚待覆盖，再次运行 heyi erase 即可 "
                "erased bytes wait to be overwritten: run heyi erase again"
            )
        out().print("一致 agrees" if not unlike else "不一致 DIFFERS: heyi log check --rebuild")
    if unlike:
        raise typer.Exit(FAILED)
