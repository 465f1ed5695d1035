"""`heyi decide`: what the law answers to stated facts; a hypothetical answer, never logged."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Annotated, Any

import typer

from heyi.app.rulebooks import shipped_point
from heyi.cli.output import REFUSED, Json, Lang, language, out, print_json
from heyi.model.errors import InvalidInput
from heyi.model.fact import Source, Stated
from heyi.policy.decide import DecisionPoint
from heyi.policy.decision_json import decision_to_json
from heyi.policy.engines.to_python import ANSWERS
from heyi.policy.explain import HEADLINE, explain
from heyi.policy.language.parse import parse_day
from heyi.policy.language.profiles import expand_profiles
from heyi.policy.language.schema import LEGAL_DAY, admit
from heyi.policy.language.strict_yaml import LARGEST, load_json, load_yaml
from heyi.policy.remedy import with_remedies


def decide(
    facts: Annotated[
        Path,
        typer.Argument(
            help="facts as YAML or JSON, `like: [profile]` takes over a named set; "
            "or many as Parquet"
        ),
    ],
    at: Annotated[
        str | None, typer.Option(help="the legal day, YYYY-MM-DD (default: today)")
    ] = None,
    rulebook: Annotated[
        Path | None, typer.Option(help="a folder with a rulebook of your own")
    ] = None,
    to: Annotated[
        Path | None, typer.Option("--out", help="of many requests, write each answer as Parquet")
    ] = None,
    lang: Lang = "",
    json: Json = False,
) -> None:
    """Judge facts: say why, what is missing or unknown, who must approve, what would cure it.

    Exit code 0 where the answer is a permit, 3 where it is not; 0 for many requests.
    """
    lang = language(lang)
    point = shipped_point(rulebook)
    if facts.suffix == ".parquet":
        _many(point, facts, at, to, lang, json=json)
        return
    if to is not None:
        raise typer.BadParameter(
            "only answers to many requests (Parquet) are written to a file", param_hint="--out"
        )
    stated, day = read_facts(facts, point, at)
    admitted = admit(point.book.schema, stated, day=day)
    decision = with_remedies(point, point.decide(admitted, hypothetical=True), admitted)
    if json:
        print_json(decision_to_json(decision))
    else:
        for line in explain(point.book, decision, lang):
            out().print(line)
    if not decision.outcome.is_permit:
        raise typer.Exit(REFUSED)


def _many(
    point: DecisionPoint, path: Path, at: str | None, to: Path | None, lang: str, *, json: bool
) -> None:
    """Judge each row of a Parquet file by the column reading, and count the answers."""
    import numpy as np

    from heyi.policy.engines.to_columns import ColumnEngine
    from heyi.sources.request_table import read_requests, write_answers

    day = None if at is None else parse_day(at)
    if at is not None and day is None:
        raise InvalidInput(f"`{at}` is not a date", hint="write YYYY-MM-DD")
    columns = read_requests(path, point.book.schema, day=day)
    severity = ColumnEngine(point.book).read(columns).severity
    counts = np.bincount(severity, minlength=len(ANSWERS))
    if to is not None:
        outcomes = [outcome.value for outcome, _ in ANSWERS]
        write_answers(
            to, outcomes, severity, np.array([curable for _, curable in ANSWERS])[severity]
        )
    if json:
        counted = [
            {"outcome": outcome.value, "curable": curable, "requests": int(n)}
            for (outcome, curable), n in zip(ANSWERS, counts, strict=True)
        ]
        print_json({"requests": columns.rows, "answers": counted})
        return
    for answer, n in zip(ANSWERS, counts, strict=True):
        out().print(f"{int(n):>12,}  {HEADLINE[answer][0 if lang == 'zh' else 1]}")


def _loaded(path: Path) -> dict[str, Any]:
    """The mapping in a file of facts.

    Raises:
        InvalidInput: the file cannot be read, is too large, or holds something else.
    """
    try:
        if path.exists() and not path.is_file():
            # a pipe would wait for ever, a device would never end
            raise InvalidInput(f"`{path}` is not a regular file", hint="write the facts to a file")
        if path.stat().st_size > LARGEST:
            raise InvalidInput(
                f"`{path}` is larger than the facts of one request can be",
                hint="give many requests as Parquet",
            )
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, ValueError) as e:  # a null character in the name, or bytes that are no UTF-8
        cause = getattr(e, "strerror", None) or "not UTF-8"
        raise InvalidInput(
            f"cannot read `{path}`: {cause.lower()}", hint="facts are a UTF-8 file, YAML or JSON"
        ) from None
    read = load_json if path.suffix == ".json" else load_yaml
    loaded = read(text, file=str(path))
    if not isinstance(loaded, dict):
        raise InvalidInput(
            f"`{path}` holds no facts", hint="write lines such as data.personal: true"
        )
    return dict(loaded)


def read_facts(
    path: Path, point: DecisionPoint, at: str | None
) -> tuple[dict[str, Stated], dt.date]:
    """Facts of a file, taken as attested unless its `sources` say otherwise, and the legal day.

    Raises:
        InvalidInput: the file cannot be read, or holds an unknown fact, value, profile or source.
    """
    values = _loaded(path)
    like, sources = values.pop("like", []), values.pop("sources", {})
    if LEGAL_DAY in values and "at" in values:
        raise InvalidInput(f"`{path}` gives the legal day twice", hint="keep `at`")
    named = values.pop(LEGAL_DAY, values.pop("at", dt.date.today().isoformat()))
    if not isinstance(like, (list, str)) or not isinstance(sources, dict):
        raise InvalidInput(
            f"in `{path}`, `like` is a list of profiles and `sources` maps facts to sources"
        )
    values = {
        **expand_profiles([like] if isinstance(like, str) else like, point.book.texts),
        **values,
    }
    stated: dict[str, Stated] = {}
    for name, value in values.items():
        spec = point.book.schema.spec(name)
        source = str(sources.get(name, "attested")).upper()
        if source not in Source.__members__:
            hint = f"one of {', '.join(s.label for s in Source)}"
            raise InvalidInput(f"`{name}` has the unknown source `{sources[name]}`", hint=hint)
        stated[name] = Stated(value=spec.check(value), source=Source[source])
    for name in sources:
        if name not in stated:
            raise InvalidInput(f"`sources` names `{name}`, which is not stated")
    day = parse_day(str(named if at is None else at))
    if day is None:
        raise InvalidInput(
            f"`{named if at is None else at}` is not a date", hint="write YYYY-MM-DD"
        )
    return stated, day
