"""Checking: packs become a rulebook, or are refused whole.

Types, vocabularies, citations, ranks, dates and changeability are judged here; worked cases in `cases`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from types import MappingProxyType

from heyi.crypto.canonical import digest
from heyi.model.decision import Deadline, Effect
from heyi.model.errors import InvalidInput, RuleError
from heyi.policy import ir
from heyi.policy.conditions import FACTS_FILE, Conditions, on_day
from heyi.policy.deadline import parse_owes
from heyi.policy.facts import LEGAL_DAY, Schema, load_schema
from heyi.policy.pack import Pack, RawRule, Span, parse_pack, parse_text
from heyi.policy.parse import parse_day
from heyi.policy.profiles import check_profiles, expand_profiles

APPROVALS = ("none", "given", "refused")


def compile_rulebook(texts: Mapping[str, str]) -> ir.Rulebook:
    """Compile `facts.toml` and packs (`*.md`), given as texts by file name.

    Raises:
        RuleError: anything at all is malformed, mistyped, uncited or outranked; the whole rulebook is refused.
    """
    if FACTS_FILE not in texts:
        raise RuleError(f"the rulebook has no {FACTS_FILE}", file=FACTS_FILE, line=1)
    schema = load_schema(texts[FACTS_FILE])
    packs = [parse_pack(texts[f], file=f) for f in sorted(texts) if f.endswith(".md")]
    return _Compiler(schema, packs, texts).rulebook()


class _Compiler:
    def __init__(self, schema: Schema, packs: list[Pack], texts: Mapping[str, str]) -> None:
        self.schema = schema
        self.packs = packs
        self.texts = texts
        self.params: dict[str, tuple[tuple[dt.date, int], ...]] = {}
        self.articles: dict[str, ir.Article] = {}
        self.conditions = Conditions(schema, texts[FACTS_FILE], self.params)

    def rulebook(self) -> ir.Rulebook:
        check_profiles(self.schema, self.texts)
        for pack in self.packs:
            for param in pack.params:
                if param.id in self.params:
                    raise param.span.error(f"parameter `{param.id}` is given twice")
                self.params[param.id] = param.values
            for a in pack.articles:
                if a.id in self.articles:
                    raise a.span.error(f"article `{a.id}` is given twice")
                if a.until is not None and a.until < a.begins:
                    raise a.span.error(f"article `{a.id}` ends before it begins")
                self.articles[a.id] = ir.Article(
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
            ir.Track(id=t.id, opens=self.conditions.in_schema(t.opens, t.id), min_rank=t.min_rank, name=t.name)
            for t in self.schema.tracks
        )
        rules: dict[str, ir.Rule] = {}
        for pack in self.packs:
            for raw in pack.rules:
                if raw.id in rules:
                    raise raw.span.error(f"rule `{raw.id}` is given twice")
                rules[raw.id] = self.rule(raw, {t.id: t for t in tracks})
        cases = tuple(
            ir.Case(
                name=c.name,
                file=p.file,
                line=c.span.line,
                given=self.given(c.body, c.span),
                sources=self.sources(c.body, c.span),
                at=self.case_day(c.body, c.span),
                expect=c.body["expect"],
            )
            for p in self.packs
            for c in p.cases
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

    # --- rules ------------------------------------------------------------------------------------------------------

    def rule(self, raw: RawRule, tracks: Mapping[str, ir.Track]) -> ir.Rule:
        article = self.articles[raw.article]
        fields = raw.fields
        parts: list[ir.Condition] = []
        begins = max(article.begins, self.day(fields["from"])) if "from" in fields else article.begins
        ends = [d for d in (article.until, self.day(fields["until"]) if "until" in fields else None) if d]
        parts.append(on_day(">=", begins))
        if ends:
            if min(ends) < begins:
                raise raw.span.error(f"rule `{raw.id}` ends before it begins")
            parts.append(on_day("<=", min(ends)))
        parts.append(self.conditions.dated(fields["when"], begins))
        for cited, span in raw.excepts:
            if cited not in self.articles:
                raise span.error(f"the exception cites `{cited}`, which no pack restates")
            if self.articles[cited].rank.order < article.rank.order:
                raise span.error(
                    f"the exception rests on `{cited}` ({self.articles[cited].rank.value}), which ranks below "
                    f"`{article.id}` ({article.rank.value})",
                    hint="an exception needs an instrument at least as high as what it opens",
                )
            # an exception lasts as long as the article that it rests on
            source = self.articles[cited]
            days = [on_day(">=", source.begins), *([on_day("<=", source.until)] if source.until else [])]
            parts.append(ir.Not(ir.All((*days, self.conditions.dated(span, max(begins, source.begins))))))
        applies = ir.All(tuple(parts))
        needs = self.conditions.dated(fields["needs"], begins) if "needs" in fields else ir.TRUE
        for name in ir.facts_read(needs):
            if name != LEGAL_DAY and not self.schema.facts[name].changed_by:
                raise fields["needs"].error(
                    f"`{name}` is needed, but nobody may change it", hint="make it part of `when` of a forbid"
                )
        track = self.track(raw, tracks, article)
        authority = fields["authority"].text.strip() if "authority" in fields else ""
        if authority:
            spec = self.schema.facts.get(f"approval.{authority}")
            if spec is None or tuple(spec.values) != APPROVALS:
                raise fields["authority"].error(
                    f"there is no fact `approval.{authority}` with the values {', '.join(APPROVALS)}"
                )
        debtor, deadline = self.owes(fields["owes"]) if "owes" in fields else ("", None)
        names = dict.fromkeys(n for n in (*ir.facts_read(applies), *ir.facts_read(needs)) if n != LEGAL_DAY)
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
            excepts=tuple(cited for cited, _ in raw.excepts),
        )

    def track(self, raw: RawRule, tracks: Mapping[str, ir.Track], article: ir.Article) -> str:
        """The track that a ground, or a review with `may: ground`, can open."""
        fields = raw.fields
        if "may" in fields and fields["may"].text.strip() != "ground":
            raise fields["may"].error("a review may only `ground`")
        if ("may" in fields) != ("track" in fields) and raw.effect is Effect.REVIEW:
            raise raw.span.error("`may: ground` and `track` stand together")
        if "track" not in fields:
            return ""
        name = fields["track"].text.strip()
        if name not in tracks:
            raise fields["track"].error(f"unknown track `{name}`", hint=f"one of {', '.join(tracks)}")
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
            raise span.error(message, hint=hint) from None

    def day(self, span: Span) -> dt.date:
        day = parse_day(span.text.strip())
        if day is None:
            raise span.error(f"`{span.text.strip()}` is not a date", hint="write YYYY-MM-DD")
        return day

    def flag(self, span: Span) -> bool:
        if span.text.strip() not in ("true", "false"):
            raise span.error("expected true or false")
        return span.text.strip() == "true"

    # --- cases ------------------------------------------------------------------------------------------------------

    def given(self, body: Mapping[str, object], span: Span) -> Mapping[str, object]:
        """Facts of a case: those of the profiles it is `like`, then its own."""
        own, like = body.get("given", {}), body.get("like", [])
        if not isinstance(own, dict) or not isinstance(like, (list, str)):
            raise span.error("`given` is a mapping of facts and `like` a list of profiles")
        try:
            facts = {**expand_profiles([like] if isinstance(like, str) else like, self.texts), **own}
            return {name: self.schema.spec(name).check(v) for name, v in facts.items()}
        except InvalidInput as e:
            raise span.error(e.message, hint=e.hint) from None

    def sources(self, body: Mapping[str, object], span: Span) -> Mapping[str, str]:
        sources = body.get("sources", {})
        if not isinstance(sources, dict):
            raise span.error("`sources` maps facts to sources")
        for name in sources:
            try:
                self.schema.spec(name)
            except InvalidInput as e:
                raise span.error(e.message, hint=e.hint) from None
        return sources

    def case_day(self, body: Mapping[str, object], span: Span) -> dt.date:
        day = parse_day(str(body.get("at", "2026-12-01")))
        if day is None:
            raise span.error(f"`{body['at']}` is not a date", hint="write YYYY-MM-DD")
        return day
