"""`heyi rules prove`, `diff`, `boundaries`: what z3 says about all requests on all days."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from heyi.app.rulebooks import shipped_point
from heyi.cli.output import FAILED, Address, Json, Lang, language, out, print_json
from heyi.cli.rules import Folder
from heyi.cli.show import app as app
from heyi.model.decision import Outcome
from heyi.model.errors import InvalidInput
from heyi.model.fact import Value
from heyi.policy.explain import HEADLINE
from heyi.policy.language import ir
from heyi.policy.language.check import compile_rulebook
from heyi.policy.language.schema import FactType
from heyi.sources.rulebook import read_rulebook

if TYPE_CHECKING:
    from heyi.exchange.proof.impact import Impact
    from heyi.policy.proofs.compare import Comparison, DifferingRequest


@app.command()
def prove(
    claim: Annotated[
        str, typer.Argument(help='such as "no request with CONDITION is ever permitted"')
    ],
    rulebook: Folder = None,
    lang: Lang = "",
    json: Json = False,
) -> None:
    """Prove a claim about all requests and all days, or show a request that refutes it.

    Exit code 1 where it is refuted.
    """
    # z3 takes a while to load, and is of the extra `rules`
    from heyi.policy.proofs.prove import Prover

    lang = language(lang)
    book = compile_rulebook(read_rulebook(rulebook))
    answer = Prover(book).prove(claim, on=dt.date.today())
    if json:
        shown: dict[str, Any] = {"claim": claim, "proved": answer.proved, "vacuous": answer.vacuous}
        if answer.counterexample is not None and answer.outcome is not None:
            shown["counterexample"] = _plain(answer.counterexample)
            shown["outcome"], shown["curable"] = answer.outcome.value, answer.curable
        print_json(shown)
    elif answer.counterexample is None or answer.outcome is None:
        out().print("✓ 已证明 proved")
        if answer.vacuous:
            out().print("  没有申请会满足该条件 no request meets the condition")
    else:
        out().print(f"✗ 不成立 refuted: {_headline((answer.outcome, answer.curable), lang)}")
        _print_request(book, answer.counterexample, lang)
    if not answer.proved:
        raise typer.Exit(FAILED)


@app.command()
def diff(
    old: Annotated[
        Path,
        typer.Argument(
            help="a folder with the rulebook as it was; `shipped` for the one of this Heyi"
        ),
    ],
    new: Annotated[
        Path, typer.Argument(help="a folder with the rulebook as it would be; or `shipped`")
    ],
    replay: Annotated[
        Path | None, typer.Option(help="a run whose past decisions the new rulebook judges again")
    ] = None,
    store: Address = "",
    lang: Lang = "",
    json: Json = False,
) -> None:
    """Compare two rulebooks: stricter or looser, with requests that show it, and what changed."""
    from heyi.policy.proofs.compare import compare

    lang = language(lang)
    if store and replay is None:
        raise InvalidInput("`--store` belongs to the run of `--replay`", hint="name the run")
    before, after = (compile_rulebook(read_rulebook(_folder(f))) for f in (old, new))
    compared = compare(before, after)
    past = None
    if replay is not None:
        from heyi.app.verification import past_impact

        past = past_impact(replay, shipped_point(_folder(new)), store)
    if json:
        print_json(
            _compared_to_json(compared)
            | ({} if past is None else {"replay": _impact_to_json(past)})
        )
        return
    verdict = {"same": "没有变化", "stricter": "更严", "looser": "更宽", "both": "有严有宽"}[
        compared.verdict
    ]
    out().print(f"{verdict} {compared.verdict}")
    for label, names in (
        ("新增 added", compared.added),
        ("删除 removed", compared.removed),
        ("变更 changed", compared.changed),
        ("措辞 reworded", compared.reworded),
        ("来源放宽 weaker source", compared.weaker),
        ("来源收紧 stronger source", compared.stronger),
    ):
        if names:
            out().print(f"{label}: {', '.join(names)}")
    for label, witness in (("更严 stricter", compared.stricter), ("更宽 looser", compared.looser)):
        if witness is not None:
            steps = f"{_headline(witness.before, lang)} → {_headline(witness.after, lang)}"
            out().print(f"{label}: {steps}")
            _print_request(after, witness.request, lang)
    if past is not None:
        out().print(
            f"重放 replayed: {past.decided}，变化 changed: {len(past.changed)}，"
            f"已删除 erased: {past.erased}"
        )
        for c in past.changed:
            steps = f"{_headline(c.before, lang)} → {_headline(c.after, lang)}"
            out().print(f"  {c.entry} {c.case} {c.asset}: {steps}")


@app.command()
def boundaries(
    rulebook: Folder = None,
    to: Annotated[
        Path | None, typer.Option("--out", help="write the requests as test vectors into this file")
    ] = None,
    json: Json = False,
) -> None:
    """Make requests at both sides of each threshold; name thresholds that decide nothing."""
    from heyi.policy.proofs.boundaries import boundaries as around
    from heyi.policy.proofs.boundaries import to_vectors

    book = compile_rulebook(read_rulebook(rulebook))
    found = around(book)
    idle = [b.threshold for b in found if not b.requests]
    if to is not None:
        try:
            to.write_text(to_vectors(book, found), encoding="utf-8")
        except OSError as e:
            raise InvalidInput(f"cannot write `{to}`: {e.strerror}") from None
    summary = {
        "thresholds": len(found),
        "requests": sum(len(b.requests) for b in found),
        "idle": [{"rule": t.rule, "part": t.part, "fact": t.fact, "value": t.value} for t in idle],
    }
    if json:
        print_json(summary)
        return
    out().print(f"{summary['thresholds']} 个阈值 thresholds，{summary['requests']} 个申请 requests")
    for t in idle:
        value = (
            dt.date.fromordinal(t.value)
            if book.schema.facts[t.fact].type is FactType.DATE
            else t.value
        )
        out().print(f"  · {t.rule} {t.part}: {t.fact} {value} 无关紧要 nothing depends on it")


def _folder(named: Path) -> Path | None:
    return None if str(named) == "shipped" else named


def _headline(answer: tuple[Outcome, bool], lang: str) -> str:
    return HEADLINE[answer][0 if lang == "zh" else 1]


def _print_request(book: ir.Rulebook, request: Mapping[str, Value], lang: str) -> None:
    for name, value in request.items():
        spec = book.schema.facts.get(name)
        label = (
            name if spec is None else f"{spec.name.zh if lang == 'zh' else spec.name.en} [{name}]"
        )
        shown = str(value) if spec is None else spec.label(value, lang)
        out().print(f"    {label}: {shown}")


def _plain(request: Mapping[str, Value]) -> dict[str, Any]:
    """As JSON, in the form that `heyi decide` reads."""
    return {
        name: sorted(v)
        if isinstance(v, frozenset)
        else v
        if isinstance(v, bool | int | str)
        else v.isoformat()
        for name, v in request.items()
    }


def _compared_to_json(c: Comparison) -> dict[str, Any]:
    return {
        "verdict": c.verdict,
        "added": list(c.added),
        "removed": list(c.removed),
        "changed": list(c.changed),
        "reworded": list(c.reworded),
        "weaker_source": list(c.weaker),
        "stronger_source": list(c.stronger),
        **{
            key: _witness_to_json(w)
            for key, w in (("stricter", c.stricter), ("looser", c.looser))
            if w is not None
        },
    }


def _witness_to_json(w: DifferingRequest) -> dict[str, Any]:
    return {"request": _plain(w.request), "before": _answer(w.before), "after": _answer(w.after)}


def _answer(answer: tuple[Outcome, bool]) -> dict[str, Any]:
    return {"outcome": answer[0].value, "curable": answer[1]}


def _impact_to_json(past: Impact) -> dict[str, Any]:
    return {
        "decided": past.decided,
        "erased": past.erased,
        "changed": [
            {
                "entry": c.entry,
                "case": c.case,
                "asset": c.asset,
                "before": _answer(c.before),
                "after": _answer(c.after),
            }
            for c in past.changed
        ],
    }
