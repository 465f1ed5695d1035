"""Checking the worked cases of packs: their facts, sources and day.

    ```case minor-without-guardian
    like: [county-hospital]
    given: {subjects.min_age: 12, consent.guardian: false}
    expect: {outcome: deny, unmet: [PIPL-31.1]}

`policy.cases` runs them.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

from heyi.model.errors import InvalidInput
from heyi.model.fact import Source
from heyi.policy.language import ir
from heyi.policy.language.pack import RawCase
from heyi.policy.language.parse import parse_day, why_no_day
from heyi.policy.language.profiles import expand_profiles
from heyi.policy.language.schema import Schema
from heyi.policy.language.source import Span


def worked_case(
    raw: RawCase, *, jurisdiction: str, schema: Schema, texts: Mapping[str, str]
) -> ir.WorkedCase:
    """A case with every fact checked against its type; what it expects is checked when it runs.

    Raises:
        RuleError: a fact, profile, source or day is malformed or unknown.
    """
    return ir.WorkedCase(
        name=raw.name,
        file=raw.span.file,
        line=raw.span.line,
        jurisdiction=jurisdiction,
        given=_given(raw.body, raw.span, schema, texts),
        sources=_sources(raw.body, raw.span, schema),
        at=_day(raw.body, raw.span),
        expect=raw.body["expect"],
    )


def _given(
    body: Mapping[str, object], span: Span, schema: Schema, texts: Mapping[str, str]
) -> Mapping[str, object]:
    """Facts of a case: those of the profiles in `like`, overridden by its own."""
    own, like = body.get("given", {}), body.get("like", [])
    if not isinstance(own, dict) or not isinstance(like, (list, str)):
        raise span.error(
            "`given` is a mapping of facts and `like` a list of profiles",
            hint="given: {fact: value}",
        )
    name = "like"
    try:
        facts = {**expand_profiles([like] if isinstance(like, str) else like, texts), **own}
        checked: dict[str, object] = {}
        for name, value in facts.items():
            spec = schema.spec(name)
            if spec.derived:
                hint = f"state what it is made of: {spec.derived}"
                raise InvalidInput(f"`{name}` is derived", hint=hint)
            checked[name] = spec.check(value)
        return checked
    except InvalidInput as e:
        raise span.below(str(name), "like").error(e.message, hint=e.hint) from None


def _sources(body: Mapping[str, object], span: Span, schema: Schema) -> Mapping[str, str]:
    sources = body.get("sources", {})
    if not isinstance(sources, dict):
        raise span.below("sources").error(
            "`sources` maps facts to sources", hint="sources: {fact: declared}"
        )
    for name, source in sources.items():
        try:
            schema.spec(name)
        except InvalidInput as e:
            raise span.below(str(name)).error(e.message, hint=e.hint) from None
        if str(source).upper() not in Source.__members__:
            hint = f"one of {', '.join(Source.__members__).lower()}"
            raise span.below(str(source)).error(f"unknown source `{source}`", hint=hint)
    return sources


def _day(body: Mapping[str, object], span: Span) -> dt.date:
    """The legal day of a case: `at`, or else the same day for all cases."""
    text = str(body.get("at", "2026-12-01"))
    day = parse_day(text)
    if day is None:
        raise span.below("at").error(f"`{text}` is not a date", hint=why_no_day(text))
    return day
