"""`heyi statement`: what an institution contributed, what it is paid, and how to recompute it."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Annotated, Any

import typer

from heyi.app import verify_directory
from heyi.cli.output import FAILED, Json, Lang, language, out, print_json
from heyi.model.errors import InvalidInput
from heyi.settlement.statement import yuan


def statement(
    directory: Annotated[Path, typer.Argument(help="the folder of a run")] = Path("heyi-demo"),
    party: Annotated[str, typer.Option(help="one institution (default: all of them)")] = "",
    lang: Lang = "zh",
    json: Json = False,
) -> None:
    """Show statements from the log, after the log was verified and the settlement recomputed."""
    lang = language(lang)
    v = verify_directory(directory)
    names = {c.event.public["id"]: c.event.public for c in v.centre.entries if c.event.kind == "party.registered"}
    found: list[dict[str, Any]] = [
        {**c.event.public, "entry": c.index}
        for c in v.centre.entries
        if c.event.kind == "statement.issued" and party in ("", c.event.public["party"])
    ]
    if not found:
        settled = sorted({c.event.public["party"] for c in v.centre.entries if c.event.kind == "statement.issued"})
        raise InvalidInput(
            f"no statement for `{party}`" if party else "nothing was settled here",
            hint=f"one of {', '.join(settled)}" if settled else "run a study first",
        )
    paid = {
        (c.event.case, c.event.public["party"]): c.event.public["amount_fen"]
        for c in v.centre.entries
        if c.event.kind == "settlement.paid"
    }
    if json:
        rows = [{**s, "paid_fen": paid.get((s["study"], s["party"]), 0)} for s in found]
        print_json({"verified": v.holds, "statements": rows})
    else:
        for s in found:
            for line in _lines(s, names[s["party"]], paid.get((s["study"], s["party"]), 0), lang):
                out().print(line, markup=False)
        out().print(_closing(directory, holds=v.holds, lang=lang))
    if not v.holds:
        raise typer.Exit(FAILED)


def _lines(s: dict[str, Any], name: dict[str, str], paid_fen: int, lang: str) -> list[str]:
    phi, total = Fraction(s["contribution"]), int(s["total"])
    scale, unit = (10**12, "nats") if s["unit"] == "piconats" else (1, {"zh": "人", "en": "persons"}[lang])
    share = phi / total if total else Fraction(0)
    if lang == "zh":
        return [
            f"\n{name['zh']} · 研究 {s['study']} · 日志第 {s['entry']} 条",
            f"  份额 {yuan(s['share_fen'])} 元（总额 {yuan(s['pot_fen'])} 元），已支付 {yuan(paid_fen)} 元",
            f"  贡献（沙普利值）{float(phi) / scale:,.4f} {unit}，占全体 {float(share):.2%}，精确值 {phi}",
            f"  单独可得 {int(s['alone']) / scale:,.4f}，最后加入增加 {int(s['last']) / scale:,.4f} {unit}",
            f"  {s['why']['zh']}",
        ]
    return [
        f"\n{name['en']} · study {s['study']} · log entry {s['entry']}",
        f"  share {yuan(s['share_fen'])} yuan of {yuan(s['pot_fen'])}, paid {yuan(paid_fen)}",
        f"  contribution (Shapley value) {float(phi) / scale:,.4f} {unit}, {float(share):.2%} of all, exactly {phi}",
        f"  alone {int(s['alone']) / scale:,.4f}, when it joins last {int(s['last']) / scale:,.4f} {unit}",
        f"  {s['why']['en']}",
    ]


def _closing(directory: Path, *, holds: bool, lang: str) -> str:
    if lang == "zh":
        return f"结算已由日志重新算出，{'一致' if holds else '不一致'}；如有异议，可自行核验：heyi verify {directory}"
    agreed = "and agrees" if holds else "and DIFFERS"
    return f"the settlement was recomputed from the log {agreed}; check it yourself: heyi verify {directory}"
