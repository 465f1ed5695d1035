"""`heyi statement`: what an institution contributed, what it is paid, and how to recompute it."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from heyi.app.statement_check import CheckedStatements, check_statements
from heyi.app.verification import reading
from heyi.audit.log_store import LogReader
from heyi.cli.files import write_file
from heyi.cli.output import FAILED, Address, Json, Lang, err, language, out, print_json
from heyi.crypto.codec import to_json
from heyi.exchange.events.event_kinds import read_entry
from heyi.exchange.events.settled import SettlementPaid, StatementIssued
from heyi.exchange.projections import MONEY, stream
from heyi.model.decision import Text
from heyi.model.errors import HeyiError, InvalidInput, StoreError, VerificationError
from heyi.report.statement.page import (
    Settlement,
    StatementPage,
    render_statement,
    stated_parties,
    statement_of,
)


def statement(
    directory: Annotated[Path, typer.Argument(help="the folder of a run")] = Path("heyi-demo"),
    party: Annotated[str, typer.Option(help="one institution (default: all of them)")] = "",
    html: Annotated[
        Path | None,
        typer.Option(help="a folder for one page an institution, to be read and printed"),
    ] = None,
    first: Annotated[str, typer.Option("--from", help="first day of the period, 2026-12-01")] = "",
    last: Annotated[str, typer.Option("--to", help="last day of the period")] = "",
    lang: Lang = "",
    store: Address = "",
    json: Json = False,
) -> None:
    """Show statements, after their settlements were recomputed and found under the checkpoint."""
    lang = language(lang)
    for day in (first, last):
        _check_day(day)
    if first and last and last < first:
        raise InvalidInput(
            f"the period from {first} to {last} has no day", hint="give the earlier day to --from"
        )
    with reading(directory, store) as (database, _):
        parties = [party] if party else stated_parties(database)
        if not parties:
            raise InvalidInput("nothing was settled here", hint="run a study first")
        checked = check_statements(directory, database, parties)
        try:
            pages = _pages(parties, checked, first, last)
            rows = _rows(checked.reader, [page.party for page in pages]) if json else []
        except HeyiError as e:
            _print_faults(checked)
            if checked.holds:
                raise
            raise VerificationError(
                f"the statements cannot be read: {e.message}", hint=f"heyi verify {directory}"
            ) from None
    _print_faults(checked)
    if json:
        print_json({"verified": checked.holds, "statements": rows})
    elif html is None:
        _print(pages, lang)
        out().print(_closing(directory, holds=checked.holds, lang=lang))
    if html is not None:
        for page in pages:
            path = _write(html, f"{page.party}.html", render_statement(page))
            if not json:
                out().print(str(path))
    if not checked.holds:
        raise typer.Exit(FAILED)


def _print_faults(checked: CheckedStatements) -> None:
    for fault in checked.faults:
        err().print(f"  ✗ {fault}")


def _pages(
    parties: list[str], checked: CheckedStatements, first: str, last: str
) -> list[StatementPage]:
    """The pages of these institutions.

    Raises:
        InvalidInput: the settlement was withdrawn.
    """
    pages = [
        statement_of(
            checked.reader, p, verified=True, log_root=checked.root, first=first, last=last
        )
        for p in parties
    ]
    # what is read for one page may show a fault that concerns all of them
    pages = [replace(page, verified=checked.holds) for page in pages]
    if not any(page.settlements for page in pages):
        raise InvalidInput(
            "the settlement was withdrawn, since a dispute was upheld: no statement stands",
            hint="mend what was wrong, and run the study into another folder with --dir",
        )
    return pages


def _print(pages: list[StatementPage], lang: str) -> None:
    for page in pages:
        for settlement in page.settlements:
            for line in _lines(page, settlement, lang):
                out().print(line)


def _check_day(day: str) -> None:
    try:
        if day and dt.date.fromisoformat(day).isoformat() != day:
            raise ValueError
    except ValueError:
        raise InvalidInput(f"`{day}` is no day", hint="write it like 2026-12-17") from None


def _rows(reader: LogReader, parties: list[str]) -> list[dict[str, object]]:
    """The statements as they stand in the log, with what was paid on each."""
    rows = []
    for party in parties:
        entries = [read_entry(e) for e in reader.stream(stream(MONEY, party))]
        paid = {e.case: e.what.amount_fen for e in entries if isinstance(e.what, SettlementPaid)}
        rows += [
            {**to_json(e.what), "entry": e.index, "paid_fen": paid.get(e.case, 0)}
            for e in entries
            if isinstance(e.what, StatementIssued)
        ]
    return rows


def _write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as e:
        raise StoreError(
            f"cannot write `{path}`: {e.strerror}", hint="name a folder that can be written"
        ) from None
    write_file(path, text.encode())
    return path


def _lines(page: StatementPage, s: Settlement, lang: str) -> list[str]:
    def say(text: Text) -> str:
        return text.zh if lang == "zh" else text.en

    unit, stage, payment = say(s.unit_short), say(s.stage), say(s.payment)
    if lang == "zh":
        return [
            f"\n{page.name.zh} · {s.study.zh}（{s.case}）· 日志第 {s.entry} 条",
            f"  份额 {s.share} {payment}（总额 {s.pot}），{stage}"
            + (f"；异议期至 {s.disputes_until}" if s.disputable else ""),
            f"  贡献（沙普利值）{s.contribution} {unit}，占全体 {s.part or '—'}"
            + (f"，95% 区间 {s.interval}" if s.interval else "")
            + f"，精确值 {s.exact}",
            f"  单独可得 {s.alone}，最后加入增加 {s.last} {unit}",
            *(f"  {name}: {part} {unit}" for name, part in s.strata),
            f"  {s.why.zh}",
        ]
    return [
        f"\n{page.name.en} · {s.study.en} ({s.case}) · log entry {s.entry}",
        f"  share {s.share} {payment} of {s.pot}, {stage}"
        + (f"; can be disputed until {s.disputes_until}" if s.disputable else ""),
        f"  contribution (Shapley value) {s.contribution} {unit}, {s.part or '-'} of all"
        + (f", 95 % interval {s.interval}" if s.interval else "")
        + f", exactly {s.exact}",
        f"  alone {s.alone}, when it joins last {s.last} {unit}",
        *(f"  {name}: {part} {unit}" for name, part in s.strata),
        f"  {s.why.en}",
    ]


def _closing(directory: Path, *, holds: bool, lang: str) -> str:
    if lang == "zh":
        agreed = "一致" if holds else "不一致"
        return f"结算已由证书重新算出，{agreed}；全部日志由另一条命令核验：heyi verify {directory}"
    agreed = "and agrees" if holds else "and DIFFERS"
    return (
        f"the settlement was recomputed from its certificate {agreed}; "
        f"the whole log is checked by: heyi verify {directory}"
    )
