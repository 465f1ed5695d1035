"""`heyi rules`: check a rulebook, run its worked cases, show a rule as lawyers or machines read it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from heyi.app import shipped_point
from heyi.cli.output import FAILED, Json, Lang, language, out, print_json
from heyi.model.errors import InvalidInput
from heyi.policy import ir
from heyi.policy.cases import run_case
from heyi.policy.check import compile_rulebook
from heyi.policy.decide import DecisionPoint
from heyi.policy.render import render
from heyi.policy.to_python import generate
from heyi.policy.words import layout
from heyi.sources.rulebook import read_rulebook

app = typer.Typer(help="check, test and show the rulebook", no_args_is_help=True, rich_markup_mode=None)
Folder = Annotated[Path | None, typer.Option("--rulebook", help="a folder with a rulebook of your own")]


@app.command()
def check(rulebook: Folder = None, json: Json = False) -> None:
    """Load the whole rulebook: form, types, citations, ranks and cases. A pack that fails refuses the whole."""
    book = shipped_point(rulebook).book
    effects = Counter(r.effect.value for r in book.rules)
    instruments = Counter(r.article.instrument.zh for r in book.rules)
    summary = {
        "rules": len(book.rules),
        "effects": dict(sorted(effects.items())),
        "instruments": len(instruments),
        "articles": len(book.articles),
        "cases": len(book.cases),
        "facts": len(book.schema.facts),
        "words": book.schema.words,
        "layout": layout(book.schema),
        "digest": book.digest,
    }
    if json:
        print_json(summary)
        return
    table = Table(title="规则库 rulebook", show_header=False, title_justify="left")
    for key, value in summary.items():
        table.add_row(key, ", ".join(f"{k} {v}" for k, v in value.items()) if isinstance(value, dict) else str(value))
    out().print(table)
    for name, count in sorted(instruments.items()):
        out().print(f"  {count:3d}  {name}")


@app.command()
def test(rulebook: Folder = None, json: Json = False) -> None:
    """Run every worked case and say which fails and how."""
    point = DecisionPoint(compile_rulebook(read_rulebook(rulebook)))
    results = [run_case(point, case) for case in point.book.cases]
    failed = [r for r in results if r.faults]
    if json:
        print_json(
            {
                "cases": len(results),
                "failed": [
                    {"case": r.case.name, "file": r.case.file, "line": r.case.line, "faults": list(r.faults)}
                    for r in failed
                ],
            }
        )
    else:
        for r in failed:
            out().print(f"✗ {r.case.file}:{r.case.line} {r.case.name}: {'; '.join(r.faults)}", markup=False)
        out().print(f"{len(results) - len(failed)} / {len(results)} 用例通过 cases pass")
    if failed:
        raise typer.Exit(FAILED)


@app.command()
def show(
    name: Annotated[str, typer.Argument(help="a rule, an article or an instrument, such as PIPL-31 or PIPL-31.1")] = "",
    as_: Annotated[str, typer.Option("--as", help="zh, en or python")] = "",
    rulebook: Folder = None,
    lang: Lang = "zh",
    json: Json = False,
) -> None:
    """Show rules beside their articles, in Chinese, in English, or as the Python generated from them."""
    language_of = as_ if as_ in ("zh", "en") else language(lang)
    if as_ not in ("", "zh", "en", "python"):
        raise typer.BadParameter(f"`{as_}`; write zh, en or python", param_hint="--as")
    book = compile_rulebook(read_rulebook(rulebook))
    chosen = [r for r in book.rules if not name or name in (r.id, r.article.id) or r.id.startswith(f"{name}-")]
    if not chosen:
        raise InvalidInput(f"no rule, article or instrument `{name}`", hint="`heyi rules show` lists them all")
    if json:
        print_json({"rules": [_to_json(book, r) for r in chosen]})
    elif as_ == "python":
        out().print(generate(book), markup=False, soft_wrap=True)
    else:
        last = ""
        for rule in chosen:
            if rule.article.id != last:
                last = rule.article.id
                _article(rule.article, language_of)
            for line in render(book, rule, language_of):
                out().print(f"  {line}", markup=False)


def _article(article: ir.Article, lang: str) -> None:
    title = article.heading.zh if lang == "zh" else article.heading.en
    instrument = article.instrument.zh if lang == "zh" else article.instrument.en
    dates = f"{article.begins}–{article.until or ''}"
    out().print(f"\n{article.id}  {instrument} · {title}  ({article.rank.value}, {dates})", markup=False, style="bold")
    for line in article.restated.splitlines():
        out().print(f"  > {line}", markup=False)


def _to_json(book: ir.Rulebook, rule: ir.Rule) -> dict[str, object]:
    return {
        "id": rule.id,
        "effect": rule.effect.value,
        "article": rule.article.id,
        "instrument": rule.article.instrument.to_json(),
        "rank": rule.article.rank.value,
        "says": rule.says.to_json(),
        "party": rule.party,
        "facts": list(rule.facts),
        "zh": render(book, rule, "zh"),
        "en": render(book, rule, "en"),
    }
