"""`heyi rules show`, `copy`, `book`: what a rulebook says, for lawyers, machines and new packs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from heyi.app.rulebooks import shelf
from heyi.cli.output import Json, Lang, language, out, print_json
from heyi.cli.rules import Folder, all_packs
from heyi.cli.rules import app as app
from heyi.crypto.codec import to_json
from heyi.model.errors import InvalidInput
from heyi.policy.language import ir
from heyi.policy.language.check import compile_rulebook
from heyi.policy.language.jurisdictions import named_jurisdictions
from heyi.policy.render import render
from heyi.sources.rulebook import copy_rulebook, read_rulebook


@app.command()
def show(
    name: Annotated[
        str,
        typer.Argument(help="a rule, an article or an instrument, such as PIPL-31 or PIPL-31.1"),
    ] = "",
    as_: Annotated[str, typer.Option("--as", help="zh, en, python, vyper or smt")] = "",
    rulebook: Folder = None,
    lang: Lang = "",
    json: Json = False,
) -> None:
    """Show rules beside their articles, in Chinese or English, as Python, Vyper or SMT-LIB."""
    language_of = as_ if as_ in ("zh", "en") else language(lang)
    if as_ not in ("", "zh", "en", *_MACHINES):
        raise typer.BadParameter(
            f"`{as_}`; write zh, en, {', '.join(_MACHINES)}", param_hint="--as"
        )
    book, chosen = _chosen(rulebook, name, whole=as_ in _MACHINES)
    if json:
        print_json({"rules": [_to_json(book, r) for r in chosen]})
    elif as_ in _MACHINES:
        few = replace(book, rules=tuple(chosen), by_id={r.id: r for r in chosen})
        out().print(_MACHINES[as_](few), markup=False, soft_wrap=True)
    else:
        last = ""
        for rule in chosen:
            if rule.article.id != last:
                last = rule.article.id
                _article(rule.article, language_of)
            for line in render(book, rule, language_of):
                out().print(f"  {line}")


def _chosen(folder: Path | None, name: str, *, whole: bool) -> tuple[ir.Rulebook, list[ir.Rule]]:
    """The rules of that name, and the rulebook that they are taken from.

    The law that binds was built already. The packs of every jurisdiction are parsed where `whole`
    asks for them, or where the name is not in the law that binds.
    """

    def of(book: ir.Rulebook) -> list[ir.Rule]:
        return [
            r for r in book.rules if name in (r.id, r.article.id) or r.id.startswith(f"{name}-")
        ]

    if name and not whole:
        binding = shelf().book(read_rulebook(folder))
        if found := of(binding):
            return binding, found
    everything = compile_rulebook(all_packs(folder))
    found = of(everything) if name else list(everything.rules)
    if not found:
        raise InvalidInput(
            f"no rule, article or instrument `{name}`", hint="`heyi rules show` lists them all"
        )
    return everything, found


@app.command()
def copy(
    folder: Annotated[Path, typer.Argument(help="a new folder for it")],
    json: Json = False,
) -> None:
    """Copy the shipped rulebook into a folder, to make it your own; edit `local/` there."""
    files = copy_rulebook(folder)
    if json:
        print_json({"files": files, "folder": str(folder)})
    else:
        out().print(f"✓ {files} 个文件 files: {folder}")


@app.command()
def book(
    html: Annotated[Path, typer.Option(help="the folder to write the pages into")],
    rulebook: Folder = None,
    lang: Lang = "",
    json: Json = False,
) -> None:
    """Write the rulebook as a site: articles, rules in words, cases, every norm accounted for."""
    from heyi.report.lawbook import lawbook  # jinja2 takes a while to load

    lang = language(lang)
    texts = all_packs(rulebook)
    everything = compile_rulebook(texts)
    binding = named_jurisdictions(read_rulebook(rulebook), everything.jurisdictions)
    pages = lawbook(everything, binding, lang)
    try:
        html.mkdir(parents=True, exist_ok=True)
        for name, page in pages.items():
            (html / name).write_text(page, encoding="utf-8")
    except OSError as e:
        raise InvalidInput(f"cannot write `{html}`: {e.strerror}") from None
    if json:
        print_json({"pages": len(pages), "open": str(html / "index.html")})
    else:
        out().print(f"✓ {len(pages)} 页 pages: {html / 'index.html'}")


def _smt(book: ir.Rulebook) -> str:
    from heyi.policy.engines.to_smt import to_smtlib  # z3 is of the extra `rules`

    return "\n".join(f"; {r.id} applies\n{to_smtlib(book.schema, r.applies)}" for r in book.rules)


def _python(book: ir.Rulebook) -> str:
    from heyi.policy.engines.to_python import generate

    return generate(book)


def _vyper(book: ir.Rulebook) -> str:
    from heyi.policy.engines.to_vyper import merged

    return merged(book)


_MACHINES: dict[str, Callable[[ir.Rulebook], str]] = {
    "python": _python,
    "vyper": _vyper,
    "smt": _smt,
}


def _article(article: ir.Article, lang: str) -> None:
    title = article.heading.zh if lang == "zh" else article.heading.en
    instrument = article.instrument.zh if lang == "zh" else article.instrument.en
    dates = f"{article.begins}–{article.until or ''}"
    out().print(
        f"\n{article.id}  {instrument} · {title}  ({article.rank.value}, {dates})",
        markup=False,
        style="bold",
    )
    for line in article.restated.splitlines():
        out().print(f"  > {line}")


def _to_json(book: ir.Rulebook, rule: ir.Rule) -> dict[str, object]:
    return {
        "id": rule.id,
        "effect": rule.effect.value,
        "article": rule.article.id,
        "instrument": to_json(rule.article.instrument),
        "rank": rule.article.rank.value,
        "says": to_json(rule.says),
        "party": rule.party,
        "facts": list(rule.facts),
        "zh": render(book, rule, "zh"),
        "en": render(book, rule, "en"),
    }
