"""Checking: packs become a rulebook, or the whole rulebook is refused.

This module judges types, vocabularies, citations, ranks, dates, who may change what, and the
register of norms. Worked cases are run by `policy.cases`.

    when: data.personal                 becomes, for an article in force from 2021-11-01,
    except: [PIPL-18] consent.given     All(legal_day >= 2021-11-01, data.personal,
                                            Not(All(legal_day >= 2021-11-01, consent.given)))
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import replace
from pathlib import PurePosixPath
from types import MappingProxyType

from heyi.crypto.canonical import digest
from heyi.model.decision import Deadline, Effect, Rank
from heyi.model.errors import RuleError
from heyi.policy.language import ir
from heyi.policy.language.deadline import parse_owes
from heyi.policy.language.facts_file import load_schema
from heyi.policy.language.jurisdictions import named_jurisdictions
from heyi.policy.language.norms import NORMS_FILE, load_norms
from heyi.policy.language.pack import Pack, RawArticle, RawCase, RawRule, parse_pack, parse_requests
from heyi.policy.language.parse import parse_day, why_no_day
from heyi.policy.language.profiles import check_profiles
from heyi.policy.language.schema import LEGAL_DAY, Schema
from heyi.policy.language.sentences import parse_text
from heyi.policy.language.source import Span
from heyi.policy.language.typing import FACTS_FILE, Conditions, on_day
from heyi.policy.language.worked_case import worked_case

REQUESTS = "requests/"
"""A folder of a rulebook: one file of worked cases for each jurisdiction, and no rules."""
APPROVALS = ("none", "given", "refused")
"""The values of every fact `approval.AUTHORITY`."""


def compile_rulebook(texts: Mapping[str, str]) -> ir.Rulebook:
    """Compile `facts.toml` and packs (`*.md`), given as texts by file name.

    The last few rulebooks are remembered, since parsing takes a second and nothing changes them.

    Raises:
        RuleError: anything is malformed, of a wrong type, uncited or outranked.
    """
    key = tuple(sorted(texts.items()))
    if key not in _COMPILED:
        found = _compile(texts)
        while len(_COMPILED) >= MOST:
            _COMPILED.pop(next(iter(_COMPILED)))
        _COMPILED[key] = found
    return _COMPILED[key]


MOST = 4
_COMPILED: dict[tuple[tuple[str, str], ...], ir.Rulebook] = {}
"""Rulebooks by their texts, the oldest first."""


def _compile(texts: Mapping[str, str]) -> ir.Rulebook:
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
    # packs of other jurisdictions have been checked like all others; here their rules are left out
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
        # The order matters: conditions need parameters and derived facts, rules need articles and
        # tracks, and an author is shown the first fault in this order.
        check_profiles(self.schema, self.texts)
        self.collect_packs()
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
        rules = self.rules({t.id: t for t in tracks})
        cases = [(p.jurisdiction, c) for p in self.packs for c in p.cases]
        cases += [(PurePosixPath(c.span.file).stem, c) for c in self.requests]
        return ir.Rulebook(
            schema=self.schema,
            rules=tuple(rules.values()),
            articles=MappingProxyType(self.articles),
            tracks=tracks,
            cases=tuple(
                worked_case(raw, jurisdiction=j, schema=self.schema, texts=self.texts)
                for j, raw in cases
            ),
            jurisdictions=tuple(sorted({p.jurisdiction for p in self.packs})),
            texts=MappingProxyType(dict(self.texts)),
            digest=digest(dict(self.texts)),
            by_id=MappingProxyType(rules),
        )

    def collect_packs(self) -> None:
        """Parameters and articles of all packs, each id once."""
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
            for article in pack.articles:
                self.articles[article.id] = self.article(pack, article)

    def article(self, pack: Pack, raw: RawArticle) -> ir.Article:
        if raw.id in self.articles:
            raise self.twice(raw)
        if raw.until is not None and raw.until < raw.begins:
            at = max(raw.span.text.find("until="), 0)
            hint = "`until` is the last day in force"
            raise raw.span.error(f"article `{raw.id}` ends before it begins", at, hint=hint)
        return ir.Article(
            confidence=self.registered(pack, raw),
            id=raw.id,
            heading=raw.heading,
            restated=raw.restated,
            instrument=pack.instrument,
            rank=pack.rank,
            jurisdiction=pack.jurisdiction,
            begins=raw.begins,
            until=raw.until,
            file=pack.file,
            line=raw.span.line,
        )

    def registered(self, pack: Pack, article: RawArticle) -> str:
        """The confidence of the article's norm in the register, which must agree with the pack.

        Empty for agreements, and for rulebooks without a register.
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
        """The error for two articles with one id; two versions of an article have two ids."""
        first = self.articles[again.id]
        begins = max(first.begins, again.begins)
        ends = min(d for d in (first.until, again.until, dt.date.max) if d)
        message = f"article `{again.id}` is given twice, first at {first.file}:{first.line}"
        if begins <= ends:
            last = "" if ends == dt.date.max else f" to {ends}"
            message += f", and both are in force from {begins}{last}"
        hint = (
            "an older version ends with until= and has an id of its own, "
            f"such as {again.id}-{first.begins.year}"
        )
        return again.span.error(message, max(again.span.text.find(again.id), 0), hint=hint)

    # --- rules ------------------------------------------------------------------------------------

    def rules(self, tracks: Mapping[str, ir.Track]) -> dict[str, ir.Rule]:
        """The rules of all packs by id, in order of packs and within them."""
        rules: dict[str, ir.Rule] = {}
        for pack in self.packs:
            for raw in pack.rules:
                if raw.id in rules:
                    first = rules[raw.id]
                    place = f"{first.article.file}:{first.line}"
                    raise raw.span.error(
                        f"rule `{raw.id}` is given twice, first at {place}",
                        len("```rule "),
                        hint="give it another number",
                    )
                rules[raw.id] = self.rule(raw, tracks)
        return rules

    def rule(self, raw: RawRule, tracks: Mapping[str, ir.Track]) -> ir.Rule:
        article = self.articles[raw.article]
        fields = raw.fields
        begins, days = self.in_force(raw, article)
        when = self.conditions.dated(fields["when"], begins)
        exceptions = [self.exception(*e, article, begins) for e in raw.excepts]
        applies = ir.All((*days, when, *exceptions))
        needs = self.needs(fields["needs"], begins) if "needs" in fields else ir.TRUE
        track = self.track(raw, tracks, article)
        authority = self.authority(fields["authority"]) if "authority" in fields else ""
        # a person may look at an unconfirmed norm, but it decides nothing
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

    def in_force(
        self, raw: RawRule, article: ir.Article
    ) -> tuple[dt.date, tuple[ir.Condition, ...]]:
        """The first day of a rule, and the conditions that the legal day is within its days.

        A rule is never in force on a day on which its article is not.
        """
        fields = raw.fields
        begins, ends = article.begins, [article.until] if article.until else []
        if "from" in fields:
            begins = max(begins, self.day(fields["from"]))
        if "until" in fields:
            ends.append(self.day(fields["until"]))
        if not ends:
            return begins, (on_day(">=", begins),)
        last = min(ends)
        if last < begins:
            span = fields.get("until", fields.get("from", raw.span))
            raise span.error(
                f"rule `{raw.id}` ends before it begins: on {last}, and begins on {begins}",
                hint="`until` is the last day in force; its article has days of its own",
            )
        return begins, (on_day(">=", begins), on_day("<=", last))

    def exception(
        self, citation: Span, span: Span, article: ir.Article, begins: dt.date
    ) -> ir.Condition:
        """The condition that an exception does not hold; it lasts as long as its source.

        except: [PIPL-18] consent.given    becomes
        !(legal_day >= date("2021-11-01") && consent.given)
        """
        source = self.exception_source(citation, article)
        days = [on_day(">=", source.begins)]
        if source.until:
            days.append(on_day("<=", source.until))
        return ir.Not(ir.All((*days, self.conditions.dated(span, max(begins, source.begins)))))

    def exception_source(self, citation: Span, article: ir.Article) -> ir.Article:
        """The article that an exception rests on: restated, confirmed, and of no lower rank."""
        cited = citation.text
        if cited not in self.articles:
            hint = "restate it in the pack of its instrument"
            raise citation.error(
                f"the exception cites `{cited}`, which no pack restates", hint=hint
            )
        source = self.articles[cited]
        if source.jurisdiction != article.jurisdiction:
            raise citation.error(
                f"the exception rests on `{cited}`, which is law of `{source.jurisdiction}`",
                hint="an exception rests on law of the rule's own jurisdiction",
            )
        if source.confidence == "C":
            hint = "confirm the text and raise its confidence first"
            raise citation.error(
                f"`{cited}` is not confirmed (C): no exception may rest on it", hint=hint
            )
        if source.rank.order < article.rank.order:
            raise citation.error(
                f"the exception rests on `{cited}` ({source.rank.value}), which ranks below "
                f"`{article.id}` ({article.rank.value})",
                hint="an exception needs an instrument at least as high as what it opens",
            )
        return source

    def needs(self, span: Span, begins: dt.date) -> ir.Condition:
        """What a requirement needs: facts that somebody may change, or nobody could comply."""
        needs = self.conditions.dated(span, begins)
        # derived facts have been expanded, so these are the facts that would have to change
        for name in ir.facts_read(needs):
            if name != LEGAL_DAY and not self.schema.facts[name].changed_by:
                at = span.text.find(name)
                hint = "make it part of `when` of a forbid"
                if at < 0:
                    hint += "; a derived fact is made of it"
                raise span.error(
                    f"`{name}` is needed, but nobody may change it", max(at, 0), hint=hint
                )
        return needs

    def authority(self, span: Span) -> str:
        """The authority of a review, for whose approval there is a fact."""
        authority = span.text.strip()
        if authority:
            spec = self.schema.facts.get(f"approval.{authority}")
            if spec is None or tuple(spec.values) != APPROVALS:
                values = ", ".join(APPROVALS)
                raise span.error(
                    f"there is no fact `approval.{authority}` with the values {values}",
                    hint=f"declare it in {FACTS_FILE}, or name one of those there are: "
                    f"{', '.join(self.approvals())}",
                )
        return authority

    def track(self, raw: RawRule, tracks: Mapping[str, ir.Track], article: ir.Article) -> str:
        """The track for which a rule is a ground, or a review that may ground; else empty."""
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
        # a lower instrument may not allow what a higher one forbids
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
        """The authorities that have a fact `approval.AUTHORITY`."""
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
