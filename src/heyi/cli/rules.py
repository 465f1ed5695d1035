"""`heyi rules check`, `build`, `test`: is a rulebook well made, and do its worked cases hold?"""

from __future__ import annotations

from collections import Counter
from json import loads
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from heyi.cli.output import FAILED, Json, Lang, err, language, out, print_json
from heyi.crypto.codec import from_json, to_json
from heyi.model.errors import InvalidInput, VerificationError
from heyi.policy.cases import checked_rulebook, run_cases
from heyi.policy.engines.build import BYTECODE, is_build_of
from heyi.policy.engines.bytecode import Bytecode
from heyi.policy.engines.packed import layout
from heyi.policy.language import ir
from heyi.policy.language.check import compile_rulebook
from heyi.policy.language.counts import counts
from heyi.policy.language.jurisdictions import (
    CONSORTIUM_FILE,
    with_jurisdictions,
)
from heyi.policy.language.norms import NORMS_FILE, Accounted, Standing, account, load_norms
from heyi.policy.proofs.coverage import Tried, condition_coverage
from heyi.policy.render import condition
from heyi.sources.rulebook import (
    BUILT,
    read_build,
    read_rulebook,
    shipped_folder,
    write_build,
)

if TYPE_CHECKING:
    from heyi.policy.proofs.analyse import Finding
    from heyi.policy.proofs.prove import Law

app = typer.Typer(
    help="check, test and show the rulebook", no_args_is_help=True, rich_markup_mode=None
)
Folder = Annotated[
    Path | None, typer.Option("--rulebook", help="a folder with a rulebook of your own")
]
Jurisdictions = Annotated[
    str,
    typer.Option(
        "--jurisdictions", help="such as cn,eu: instead of those that the consortium names"
    ),
]


def _texts(folder: Path | None, jurisdictions: str) -> dict[str, str]:
    texts = read_rulebook(folder)
    return (
        with_jurisdictions(texts, [j.strip() for j in jurisdictions.split(",")])
        if jurisdictions
        else texts
    )


def all_packs(folder: Path | None) -> dict[str, str]:
    """The texts with the law of every jurisdiction that there are packs for."""
    return {name: text for name, text in read_rulebook(folder).items() if name != CONSORTIUM_FILE}


@app.command()
def check(
    rulebook: Folder = None,
    jurisdictions: Jurisdictions = "",
    lang: Lang = "",
    json: Json = False,
) -> None:
    """Check the whole rulebook: form, types, citations, ranks, cases; then prove what must hold.

    Fails on a rule that can never apply, on a law of the decision that does not hold, and on a
    norm of the register that nothing accounts for. The proofs need `heyi[rules]`.
    """
    lang = language(lang)
    book = checked_rulebook(_texts(rulebook, jurisdictions))
    summary = _summary(book, built=is_build_of(read_build(rulebook), book))
    accounted = _accounted(rulebook)
    unaccounted = [a.norm.id for a in accounted if a.standing is Standing.OPEN]
    if accounted:
        summary["norms"] = {
            s.value: n for s in Standing if (n := sum(a.standing is s for a in accounted))
        }
    analysed = _analysed(book)
    faults = [] if analysed is None else [f for f in analysed[0] if f.kind.fault]
    broken = (
        [] if analysed is None else [law for law in analysed[1] if law.counterexample is not None]
    )
    if json:
        print_json(
            summary
            if analysed is None
            else {
                **summary,
                "findings": [
                    {
                        "kind": f.kind.value,
                        "subject": f.subject,
                        "file": f.file,
                        "line": f.line,
                        **to_json(f.says),
                    }
                    for f in analysed[0]
                ],
                "laws": [
                    {"law": law.id, "says": law.says, "proved": law.counterexample is None}
                    for law in analysed[1]
                ],
            }
        )
    else:
        from rich.table import Table

        table = Table(title="规则库 rulebook", show_header=False, title_justify="left")
        for key, value in summary.items():
            text = (
                ", ".join(f"{k} {v}" for k, v in value.items())
                if isinstance(value, dict)
                else str(value)
            )
            table.add_row(key, text)
        out().print(table)
        for name, count in sorted(Counter(r.article.instrument.zh for r in book.rules).items()):
            out().print(f"  {count:3d}  {name}")
        _print_analysis(book, analysed, lang)
        for norm in unaccounted:
            out().print(
                f"✗ norm {norm}: 没有规则也没有理由 neither a rule nor a reason [{NORMS_FILE}]",
            )
    if faults or broken or unaccounted:
        raise typer.Exit(FAILED)


def _summary(book: ir.Rulebook, *, built: bool) -> dict[str, object]:
    counted = counts(book)
    return {
        "rules": counted.rules,
        "effects": dict(sorted(Counter(r.effect.value for r in book.rules).items())),
        "instruments": counted.instruments,
        "articles": counted.articles,
        "cases": counted.cases,
        "facts": len(book.schema.facts),
        "words": book.schema.words,
        "layout": layout(book.schema),
        "digest": book.digest,
        "built": built,
    }


def _accounted(folder: Path | None) -> list[Accounted]:
    """The norms of the register and what became of each; none where there is no register."""
    texts = all_packs(folder)
    return (
        account(load_norms(texts[NORMS_FILE]), compile_rulebook(texts).by_id)
        if NORMS_FILE in texts
        else []
    )


def _analysed(book: ir.Rulebook) -> tuple[list[Finding], list[Law]] | None:
    """Findings and laws; None where the solver is not installed, which is said."""
    try:
        # z3 takes a while to load, and is of the extra `rules`
        from heyi.policy.proofs.analyse import findings
        from heyi.policy.proofs.prove import laws
    except InvalidInput as e:
        err().print(f"未做证明 not proved: {e}")
        return None
    return findings(book), laws(book)


def _print_analysis(
    book: ir.Rulebook, analysed: tuple[list[Finding], list[Law]] | None, lang: str
) -> None:
    if analysed is None:
        return
    from heyi.policy.proofs.analyse import told

    for finding in analysed[0]:
        if finding.kind.fault:
            out().print(f"✗ {told(book, finding, lang)}")
            continue
        mark = "·"
        says = finding.says.zh if lang == "zh" else finding.says.en
        place = f" [{finding.file}:{finding.line}]" if finding.file else ""
        out().print(f"{mark} {finding.kind.value} {finding.subject}: {says}{place}")
    for law in analysed[1]:
        mark = "✓" if law.counterexample is None else "✗"
        out().print(f"{mark} {law.id} {law.says}")


@app.command()
def build(
    rulebook: Folder = None,
    verify: Annotated[
        bool,
        typer.Option(
            "--verify", help="write nothing; fail where the build is not that of the packs"
        ),
    ] = False,
    json: Json = False,
) -> None:
    """Compile a rulebook to its parsed form, layout and contract bytecode, beside its packs."""
    from heyi.policy.engines.build import build as build_files

    files = build_files(checked_rulebook(read_rulebook(rulebook)))
    there = read_build(rulebook)
    same = there == files
    folder = rulebook if rulebook is not None else shipped_folder()
    if verify and not same:
        raise VerificationError("the build is not that of the packs", hint="heyi rules build")
    if not verify and not same:
        write_build(folder, files)
    code = from_json(loads(files[BYTECODE]), Bytecode)
    summary = {
        "folder": str(folder / BUILT),
        "unchanged": same,
        "compiler": code.compiler,
        "evm_version": code.evm_version,
        "bytes": {name: len(content) for name, content in files.items()},
        "contract": len(code.merged) // 2,
        "parts": [len(part) // 2 for part in code.parts],
        "dispatcher": len(code.dispatcher) // 2,
    }
    if json:
        print_json(summary)
    else:
        for key, value in summary.items():
            out().print(f"{key}: {value}")


@app.command()
def test(
    rulebook: Folder = None,
    covered: Annotated[
        bool,
        typer.Option("--coverage", help="what the cases try of each rule, and what they do not"),
    ] = False,
    jurisdictions: Jurisdictions = "",
    lang: Lang = "",
    json: Json = False,
) -> None:
    """Run every worked case and say which fails and how."""
    lang = language(lang)
    book = compile_rulebook(_texts(rulebook, jurisdictions))
    results = list(run_cases(book))
    failed = [r for r in results if r.faults]
    tried = condition_coverage(book) if covered else []
    if json:
        print_json(
            {
                "cases": len(results),
                "failed": [
                    {
                        "case": r.case.name,
                        "file": r.case.file,
                        "line": r.case.line,
                        "faults": list(r.faults),
                    }
                    for r in failed
                ],
                **({"coverage": [_tried_to_json(book, t) for t in tried]} if covered else {}),
            }
        )
    else:
        for r in failed:
            out().print(f"✗ {r.case.file}:{r.case.line} {r.case.name}: {'; '.join(r.faults)}")
        out().print(f"{len(results) - len(failed)} / {len(results)} 用例通过 cases pass")
        for t in tried:
            _print_tried(book, t, lang)
        if covered:
            complete = sum(t.complete for t in tried)
            out().print(f"{complete} / {len(tried)} 条规则已充分试过 rules are tried in every way")
    if failed:
        raise typer.Exit(FAILED)


_TRUTHS = {True: "T", False: "F", None: "U"}


def _print_tried(book: ir.Rulebook, tried: Tried, lang: str) -> None:
    truths = "".join(letter for truth, letter in _TRUTHS.items() if truth in tried.truths)
    out().print(f"{'✓' if tried.complete else '·'} {tried.rule.id}  {truths}")
    for atom, truth in tried.untried:
        never = (
            ("从未为真" if truth else "从未为假")
            if lang == "zh"
            else ("never true" if truth else "never false")
        )
        out().print(f"    {condition(book, atom, lang)}: {never}")


def _tried_to_json(book: ir.Rulebook, tried: Tried) -> dict[str, object]:
    return {
        "rule": tried.rule.id,
        "truths": [letter for truth, letter in _TRUTHS.items() if truth in tried.truths],
        "complete": tried.complete,
        "untried": [
            {"atom": condition(book, atom, "en"), "never": truth} for atom, truth in tried.untried
        ],
    }
