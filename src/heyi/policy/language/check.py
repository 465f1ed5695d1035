"""Checking: packs become a rulebook, or are refused whole.

Types, vocabularies, citations, ranks, dates, changeability and the register are judged here; worked cases in `cases`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import replace
from pathlib import PurePosixPath
from types import MappingProxyType

from heyi.crypto.canonical import digest
from heyi.model.decision import Deadline, Effect, Rank
from heyi.model.errors import InvalidInput, RuleError
from heyi.model.fact import Source
from heyi.policy.language import ir
from heyi.policy.language.deadline import parse_owes
from heyi.policy.language.jurisdictions import named_jurisdictions
from heyi.policy.language.norms import NORMS_FILE, load_norms
from heyi.policy.language.pack import Pack, RawArticle, RawCase, RawRule, parse_pack, parse_requests
from heyi.policy.language.parse import parse_day, why_no_day
from heyi.policy.language.profiles import check_profiles, expand_profiles
from heyi.policy.language.schema import LEGAL_DAY, Schema, load_schema
from heyi.policy.language.sentences import parse_text
from heyi.policy.language.source import Span
from heyi.policy.language.typing import FACTS_FILE, Conditions, on_day

REQUESTS = "requests/"
"""The folder of a rulebook whose files hold whole requests as worked cases, and no rules: one file a jurisdiction."""
APPROVALS = ("none", "given", "refused")


def compile_rulebook(texts: Mapping[str, str]) -> ir.Rulebook:
    """Compile `facts.toml` and packs (`*.md`), given as texts by file name.

    Raises:
        RuleError: anything at all is malformed, mistyped, uncited or outranked; the whole rulebook is refused.
    """
    if FACTS_FILE not in texts:
        hint = "put it beside the packs, or name another folder"
        raise RuleError(f"the rulebook has no {FACTS_FILE}", file=FACTS_FILE, line=1, hint=hint)
    schema = load_schema(texts[FACTS_FILE])
    files = sorted(f for f in texts if f.endswith(".md"))
    packs = [parse_pack(texts[f], file=f) for f in files if not f.startswith(REQUESTS)]
    requests = [
        c for f in files if f.startswith(REQUESTS) for c in parse_requests(texts[f], file=f)
    ]
    for file in files:
        if file.startswith(REQUESTS) and PurePosixPath(file).stem not in {
            p.jurisdiction for p in packs
        }:
            hint = f"name it after the jurisdiction that judges its cases, such as {REQUESTS}cn.md"
            raise RuleError(
                f"no pack is of the jurisdiction of `{file}`", file=file, line=1, hint=hint
            )
    book = _Compiler(schema, packs, requests, texts).rulebook()
    wanted = named_jurisdictions(texts, book.jurisdictions)
    rules = tuple(r for r in book.rules if r.article.jurisdiction in wanted)
    cases = tuple(c for c in book.cases if c.jurisdiction in wanted)
    return replace(
        book,
        rules=rules,
        by_id=MappingProxyType({r.id: r for r in rules}),
        cases=cases,
        jurisdictions=wanted,
    )


class _Compiler:
    def __init__(
        self, schema: Schema, packs: list[Pack], requests: list[RawCase], texts: Mapping[str, str]
    ) -> None:
        self.schema = schema
        self.packs = packs
        self.requests = requests
        self.texts = texts
        self.norms = load_norms(texts[NORMS_FILE]) if NORMS_FILE in texts else None
        self.params: dict[str, tuple[tuple[dt.date, int], ...]] = {}
        self.articles: dict[str, ir.Article] = {}
        self.conditions = Conditions(schema, texts[FACTS_FILE], self.params)

    def rulebook(self) -> ir.Rulebook:
        check_profiles(self.schema, self.texts)
        packs: dict[str, Pack] = {}
        for pack in self.packs:
            if pack.id in packs:
                message = f"pack `{pack.id}` is given twice; the other is {packs[pack.id].file}"
                raise RuleError(message, file=pack.file, line=1, hint="give one of them another id")
            packs[pack.id] = pack
            for param in pack.params:
                if param.id in self.params:
                    hint = "give all its values in one block; it is visible in all packs"
                    raise param.span.error(f"parameter `{param.id}` is given twice", hint=hint)
                self.params[param.id] = param.values
            for a in pack.articles:
                if a.id in self.articles:
                    raise self.twice(a)
                if a.until is not None and a.until < a.begins:
                    at = max(a.span.text.find("until="), 0)
                    hint = "`until` is the last day in force"
                    raise a.span.error(f"article `{a.id}` ends before it begins", at, hint=hint)
                self.articles[a.id] = ir.Article(
                    confidence=self.registered(pack, a),
                    id=a.id,
                    heading=a.heading,
                    restated=a.restated,
                    instrument=pack.instrument,
                    rank=pack.rank,
                    jurisdiction=pack.jurisdiction,
                    begins=a.begins,
                    until=a.until,
                    file=pack.file,
                    line=a.span.line,
                )
        for name, spec in self.schema.facts.items():
            if spec.derived:
                self.conditions.derive(name)
        tracks = tuple(
            ir.Track(
                id=t.id,
                opens=self.conditions.in_schema(t.opens, t.id),
                min_rank=t.min_rank,
                name=t.name,
            )
            for t in self.schema.tracks
        )
        if not self.packs:
            hint = "a pack is a Markdown file, one for each instrument"
            raise RuleError("the rulebook has no pack", file=FACTS_FILE, line=1, hint=hint)
        rules: dict[str, ir.Rule] = {}
        for pack in self.packs:
            for raw in pack.rules:
                if raw.id in rules:
                    other = rules[raw.id]
                    message = f"rule `{raw.id}` is given twice, first at {other.article.file}:{other.line}"
                    raise raw.span.error(message, 8, hint="give it another number")
                rules[raw.id] = self.rule(raw, {t.id: t for t in tracks})
        cases = tuple(
            ir.WorkedCase(
                name=c.name,
                file=c.span.file,
                line=c.span.line,
                jurisdiction=jurisdiction,
                given=self.given(c.body, c.span),
                sources=self.sources(c.body, c.span),
                at=self.case_day(c.body, c.span),
                expect=c.body["expect"],
            )
            for jurisdiction, c in (
                *((p.jurisdiction, c) for p in self.packs for c in p.cases),
                *((PurePosixPath(c.span.file).stem, c) for c in self.requests),
            )
        )
        return ir.Rulebook(
            schema=self.schema,
            rules=tuple(rules.values()),
            articles=MappingProxyType(self.articles),
            tracks=tracks,
            cases=cases,
            jurisdictions=tuple(sorted({p.jurisdiction for p in self.packs})),
            texts=MappingProxyType(dict(self.texts)),
            digest=digest(dict(self.texts)),
            by_id=MappingProxyType(rules),
        )

    def registered(self, pack: Pack, article: RawArticle) -> str:
        """The confidence of the article's norm in the register, which must know it from the same days.

        Agreements, and rulebooks that keep no register, need none.
        """
        if self.norms is None or pack.rank is Rank.AGREEMENT:
            return ""
        norm = self.norms.get(article.id)
        if norm is None:
            hint = f"enter it in {NORMS_FILE}, with its source's confidence"
            raise article.span.error(f"`{article.id}` is not in the register of norms", hint=hint)
        if (norm.begins, norm.until) != (article.begins, article.until):
            days = f"{norm.begins} to {norm.until}" if norm.until else f"{norm.begins} on"
            message = f"`{article.id}` is in force from {days} in the register"
            raise article.span.error(
                message, max(article.span.text.find("from="), 0), hint="let both say the same"
            )
        kept = norm.instrument
        if (kept.name, kept.rank, kept.jurisdiction) != (
            pack.instrument,
            pack.rank.value,
            pack.jurisdiction,
        ):
            known = f"{kept.name.zh}, {kept.name.en}, {kept.rank}, {kept.jurisdiction}"
            message = f"the register names the instrument of `{article.id}` otherwise: {known}"
            raise article.span.error(message, hint="let both say the same")
        return norm.confidence

    def twice(self, again: RawArticle) -> RuleError:
        """The error for an id that two articles have; two versions of one article have two ids."""
        first = self.articles[again.id]
        begins = max(first.begins, again.begins)
        ends = min(d for d in (first.until, again.until, dt.date.max) if d)
        message = f"article `{again.id}` is given twice, first at {first.file}:{first.line}"
        if begins <= ends:
            last = "" if ends == dt.date.max else f" to {ends}"
            message += f", and both are in force from {begins}{last}"
        hint = f"an older version ends with until= and has an id of its own, such as {again.id}-{first.begins.year}"
        return again.span.error(message, max(again.span.text.find(again.id), 0), hint=hint)

    # --- rules ------------------------------------------------------------------------------------------------------

    def rule(self, raw: RawRule, tracks: Mapping[str, ir.Track]) -> ir.Rule:
        article = self.articles[raw.article]
        fields = raw.fields
        parts: list[ir.Condition] = []
        begins = (
            max(article.begins, self.day(fields["from"])) if "from" in fields else article.begins
        )
        ends = [
            d
            for d in (article.until, self.day(fields["until"]) if "until" in fields else None)
            if d
        ]
        parts.append(on_day(">=", begins))
        if ends:
            if min(ends) < begins:
                span = fields.get("until", fields.get("from", raw.span))
                message = (
                    f"rule `{raw.id}` ends before it begins: on {min(ends)}, and begins on {begins}"
                )
                raise span.error(
                    message,
                    hint="`until` is the last day in force; its article has days of its own",
                )
            parts.append(on_day("<=", min(ends)))
        parts.append(self.conditions.dated(fields["when"], begins))
        for citation, span in raw.excepts:
            cited = citation.text
            if cited not in self.articles:
                hint = "restate it in the pack of its instrument"
                raise citation.error(
                    f"the exception cites `{cited}`, which no pack restates", hint=hint
                )
            if self.articles[cited].jurisdiction != article.jurisdiction:
                message = f"the exception rests on `{cited}`, which is law of `{self.articles[cited].jurisdiction}`"
                raise citation.error(
                    message, hint="an exception rests on law of the rule's own jurisdiction"
                )
            if self.articles[cited].confidence == "C":
                hint = "confirm the text and raise its confidence first"
                raise citation.error(
                    f"`{cited}` is not confirmed (C): no exception may rest on it", hint=hint
                )
            if self.articles[cited].rank.order < article.rank.order:
                raise citation.error(
                    f"the exception rests on `{cited}` ({self.articles[cited].rank.value}), which ranks below "
                    f"`{article.id}` ({article.rank.value})",
                    hint="an exception needs an instrument at least as high as what it opens",
                )
            # an exception lasts as long as the article that it rests on
            source = self.articles[cited]
            days = [
                on_day(">=", source.begins),
                *([on_day("<=", source.until)] if source.until else []),
            ]
            parts.append(
                ir.Not(ir.All((*days, self.conditions.dated(span, max(begins, source.begins)))))
            )
        applies = ir.All(tuple(parts))
        needs = self.conditions.dated(fields["needs"], begins) if "needs" in fields else ir.TRUE
        for name in ir.facts_read(needs):
            if name != LEGAL_DAY and not self.schema.facts[name].changed_by:
                at = fields["needs"].text.find(name)
                hint = "make it part of `when` of a forbid"
                if at < 0:
                    hint += "; a derived fact is made of it"
                raise fields["needs"].error(
                    f"`{name}` is needed, but nobody may change it", max(at, 0), hint=hint
                )
        track = self.track(raw, tracks, article)
        authority = fields["authority"].text.strip() if "authority" in fields else ""
        if authority:
            spec = self.schema.facts.get(f"approval.{authority}")
            if spec is None or tuple(spec.values) != APPROVALS:
                raise fields["authority"].error(
                    f"there is no fact `approval.{authority}` with the values {', '.join(APPROVALS)}",
                    hint=f"declare it in {FACTS_FILE}, or name one of those there are: {', '.join(self.approvals())}",
                )
        if article.confidence == "C" and raw.effect is not Effect.REVIEW:
            hint = "confirm the text and raise its confidence, or let a person `review`"
            raise raw.span.error(
                f"`{article.id}` is not confirmed (C): no rule may {raw.effect.value} by it",
                hint=hint,
            )
        debtor, deadline = self.owes(fields["owes"]) if "owes" in fields else ("", None)
        names = dict.fromkeys(
            n for n in (*ir.facts_read(applies), *ir.facts_read(needs)) if n != LEGAL_DAY
        )
        return ir.Rule(
            id=raw.id,
            effect=raw.effect,
            article=article,
            applies=applies,
            says=parse_text(fields["says"]),
            party=fields["party"].text.strip() if "party" in fields else debtor or authority,
            needs=needs,
            authority=authority,
            track=track,
            deadline=deadline,
            baseline=self.flag(fields["baseline"]) if "baseline" in fields else False,
            line=raw.span.line,
            facts=tuple(names),
            excepts=tuple(citation.text for citation, _ in raw.excepts),
        )

    def track(self, raw: RawRule, tracks: Mapping[str, ir.Track], article: ir.Article) -> str:
        """The track that a ground, or a review with `may: ground`, can open."""
        fields = raw.fields
        if "may" in fields and fields["may"].text.strip() != "ground":
            raise fields["may"].error(
                "a review may only `ground`", hint="write `may: ground` and `track`, or neither"
            )
        if ("may" in fields) != ("track" in fields) and raw.effect is Effect.REVIEW:
            span = fields.get("track", fields.get("may", raw.span))
            raise span.error(
                "`may: ground` and `track` stand together", hint="write both or neither"
            )
        if "track" not in fields:
            return ""
        name = fields["track"].text.strip()
        if name not in tracks:
            raise fields["track"].error(
                f"unknown track `{name}`", hint=f"one of {', '.join(tracks)}"
            )
        if article.rank.order < tracks[name].min_rank.order:
            raise fields["track"].error(
                f"`{article.id}` ({article.rank.value}) ranks too low to ground `{name}`",
                hint=f"its grounds need at least a {tracks[name].min_rank.value}",
            )
        return name

    def owes(self, span: Span) -> tuple[str, Deadline]:
        try:
            return parse_owes(span.text)
        except ValueError as e:
            message, _, hint = str(e).partition("; ")
            wrong = message.split("`")[1] if message.startswith("`") else ""
            raise span.error(message, max(span.text.find(wrong), 0), hint=hint) from None

    def approvals(self) -> list[str]:
        """The authorities for whose approval there is a fact."""
        return [
            name.removeprefix("approval.")
            for name in self.schema.facts
            if name.startswith("approval.")
        ]

    def day(self, span: Span) -> dt.date:
        day = parse_day(span.text.strip())
        if day is None:
            raise span.error(
                f"`{span.text.strip()}` is not a date", hint=why_no_day(span.text.strip())
            )
        return day

    def flag(self, span: Span) -> bool:
        if span.text.strip() not in ("true", "false"):
            raise span.error("expected true or false", hint="write one of these words")
        return span.text.strip() == "true"

    # --- cases ------------------------------------------------------------------------------------------------------

    def given(self, body: Mapping[str, object], span: Span) -> Mapping[str, object]:
        """Facts of a case: those of the profiles it is `like`, then its own."""
        own, like = body.get("given", {}), body.get("like", [])
        if not isinstance(own, dict) or not isinstance(like, (list, str)):
            raise span.error(
                "`given` is a mapping of facts and `like` a list of profiles",
                hint="given: {fact: value}",
            )
        name = "like"
        try:
            facts = {
                **expand_profiles([like] if isinstance(like, str) else like, self.texts),
                **own,
            }
            checked: dict[str, object] = {}
            for name, value in facts.items():
                if self.schema.spec(name).derived:
                    derived = self.schema.spec(name).derived
                    raise InvalidInput(
                        f"`{name}` is derived", hint=f"state what it is made of: {derived}"
                    )
                checked[name] = self.schema.spec(name).check(value)
            return checked
        except InvalidInput as e:
            raise span.below(str(name), "like").error(e.message, hint=e.hint) from None

    def sources(self, body: Mapping[str, object], span: Span) -> Mapping[str, str]:
        sources = body.get("sources", {})
        if not isinstance(sources, dict):
            raise span.below("sources").error(
                "`sources` maps facts to sources", hint="sources: {fact: declared}"
            )
        for name, source in sources.items():
            try:
                self.schema.spec(name)
            except InvalidInput as e:
                raise span.below(str(name)).error(e.message, hint=e.hint) from None
            if str(source).upper() not in Source.__members__:
                hint = f"one of {', '.join(Source.__members__).lower()}"
                raise span.below(str(source)).error(f"unknown source `{source}`", hint=hint)
        return sources

    def case_day(self, body: Mapping[str, object], span: Span) -> dt.date:
        day = parse_day(str(body.get("at", "2026-12-01")))
        if day is None:
            raise span.below("at").error(
                f"`{body['at']}` is not a date", hint=why_no_day(str(body["at"]))
            )
        return day
