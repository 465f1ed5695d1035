"""`heyi statement`: what an institution contributed, what it is paid, and how to recompute it."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Annotated

import typer

from heyi.app.verification import Verification, verify_directory
from heyi.cli.output import FAILED, Json, Lang, language, out, print_json
from heyi.model.decision import Text
from heyi.model.errors import InvalidInput, StoreError, VerificationError
from heyi.report.statement.page import Settlement, StatementPage, render_statement, statement_of


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
    json: Json = False,
) -> None:
    """Show statements from the log, after the log was verified and the settlement recomputed."""
    lang = language(lang)
    for day in (first, last):
        _check_day(day)
    if first and last and last < first:
        raise InvalidInput(
            f"the period from {first} to {last} has no day", hint="give the earlier day to --from"
        )
    v = verify_directory(directory)
    try:
        pages = _pages(v, party, first, last)
    except (LookupError, TypeError, AttributeError, ValueError):
        if v.holds:
            raise
        raise VerificationError(
            "the log does not verify, and what is left of it shows no statement",
            hint=f"heyi verify {directory}",
        ) from None
    if json:
        print_json({"verified": v.holds, "statements": _rows(v, [p.party for p in pages])})
    elif html is None:
        _print(pages, lang)
        out().print(_closing(directory, holds=v.holds, lang=lang))
    if html is not None:
        for page in pages:
            path = _write(html, f"{page.party}.html", render_statement(page))
            if not json:
                out().print(str(path))
    if not v.holds:
        raise typer.Exit(FAILED)


def _pages(v: Verification, party: str, first: str, last: str) -> list[StatementPage]:
    """The pages of one institution, or of all that have a statement.

    Raises:
        InvalidInput: nothing was settled, or the settlement was withdrawn.
    """
    parties = sorted(
        {c.event.public["party"] for c in v.centre.entries if c.event.kind == "statement.issued"}
    )
    if not parties:
        raise InvalidInput("nothing was settled here", hint="run a study first")
    root = v.centre.checkpoint.root.hex() if v.centre.checkpoint else ""
    pages = [
        statement_of(v.centre.entries, p, verified=v.holds, log_root=root, first=first, last=last)
        for p in ([party] if party else parties)
    ]
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


def _rows(v: Verification, parties: list[str]) -> list[dict[str, object]]:
    paid = {
        (c.event.case, c.event.public["party"]): c.event.public["amount_fen"]
        for c in v.centre.entries
        if c.event.kind == "settlement.paid"
    }
    return [
        {
            **c.event.public,
            "entry": c.index,
            "paid_fen": paid.get((c.event.case, c.event.public["party"]), 0),
        }
        for c in v.centre.entries
        if c.event.kind == "statement.issued" and c.event.public["party"] in parties
    ]


def _write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as e:
        raise StoreError(
            f"cannot write `{path}`: {e.strerror}", hint="name a folder that can be written"
        ) from None
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
        return (
            f"结算已由日志重新算出，{agreed}；如有异议，可自行核验：heyi settle verify {directory}"
        )
    agreed = "and agrees" if holds else "and DIFFERS"
    return (
        f"the settlement was recomputed from the log {agreed}; "
        f"check it yourself: heyi settle verify {directory}"
    )
