"""Checking: packs become a rulebook, or are refused whole.

Types, vocabularies, citations, ranks, dates and changeability are judged here; worked cases in `cases`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from difflib import get_close_matches
from functools import lru_cache
from types import MappingProxyType

from heyi.crypto.canonical import digest
from heyi.model.decision import Effect
from heyi.model.errors import InvalidInput, RuleError
from heyi.policy import ir
from heyi.policy.facts import LEGAL_DAY, FactSpec, FactType, Schema, load_schema
from heyi.policy.pack import Pack, RawRule, Span, parse_pack, parse_text
from heyi.policy.parse import (
    DEPTH,
    Call,
    ConditionError,
    Junction,
    Lit,
    Name,
    Negation,
    Relation,
    Tree,
    Within,
    parse_condition,
    parse_day,
)
from heyi.policy.strict_yaml import load_yaml

FACTS_FILE = "facts.toml"
APPROVALS = ("none", "given", "refused")

Params = Mapping[str, tuple[tuple[dt.date, int], ...]]


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
        self.params_read: dict[str, int] = {}
        self.deriving: list[str] = []
        self.derived: dict[str, ir.Condition] = {}

    def rulebook(self) -> ir.Rulebook:
        self.check_profiles()
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
                self.derive(name)
        tracks = tuple(
            ir.Track(id=t.id, opens=self.in_schema(t.opens, t.id), min_rank=t.min_rank, name=t.name)
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

    def check_profiles(self) -> None:
        """Every profile holds known facts with values of their types, whether or not a case uses it."""
        for name in _profiles(self.texts.get(PROFILES_FILE, "{}")):
            try:
                for fact, value in expand_profiles([name], self.texts).items():
                    self.schema.spec(fact).check(value)
            except InvalidInput as e:
                lines = self.texts[PROFILES_FILE].splitlines()
                line = next((n for n, t in enumerate(lines, 1) if t.startswith(f"{name}:")), 1)
                message = f"profile `{name}`: {e.message}"
                raise RuleError(message, file=PROFILES_FILE, line=line, hint=e.hint) from None

    # --- conditions -------------------------------------------------------------------------------------------------

    def derive(self, name: str) -> ir.Condition:
        """The expansion of a derived fact; a circle is refused."""
        if name not in self.derived:
            if name in self.deriving:
                raise self.schema_error(name, f"derived fact `{name}` is defined by itself")
            self.deriving.append(name)
            self.derived[name] = self.in_schema(self.schema.facts[name].derived, name)
            self.deriving.pop()
            if _depth(self.derived[name]) > DEPTH:
                raise self.schema_error(name, f"derived fact `{name}` is nested too deeply when it is expanded")
        return self.derived[name]

    def in_schema(self, text: str, owner: str) -> ir.Condition:
        self.params_read.clear()
        try:
            condition = self.condition(parse_condition(text))
        except ConditionError as e:
            raise self.schema_error(owner, f"in `{owner}`: {e.message}", e.hint) from None
        if self.params_read:
            raise self.schema_error(owner, f"`{owner}` reads a parameter", "only rules, which have dates, may")
        return condition

    def schema_error(self, owner: str, message: str, hint: str = "") -> RuleError:
        lines = self.texts[FACTS_FILE].splitlines()
        heads = (f'[fact."{owner}"]', f"[fact.{owner}]", f"[track.{owner}]", f'[track."{owner}"]')
        line = next((n for n, t in enumerate(lines, 1) if t.strip() in heads), 1)
        return RuleError(message, file=FACTS_FILE, line=line, excerpt=lines[line - 1], hint=hint)

    def compile(self, span: Span) -> ir.Condition:
        try:
            return self.condition(parse_condition(span.text))
        except ConditionError as e:
            raise span.error(e.message, e.at, hint=e.hint) from None

    def condition(self, tree: Tree) -> ir.Condition:
        match tree:
            case Lit(value, at):
                if not isinstance(value, bool):
                    raise ConditionError(f"`{value}` is not a condition", at)
                return ir.Constant(value)
            case Name(text, at):
                spec = self.fact(text, at)
                if spec.type is not FactType.BOOL:
                    raise ConditionError(f"`{text}` is a {spec.type.value}", at, hint="compare it with a value")
                return self.derive(text) if spec.derived else ir.Fact(text)
            case Negation(of):
                return ir.Not(self.condition(of))
            case Junction("&&", of):
                return ir.All(tuple(self.condition(t) for t in of))
            case Junction(_, of):
                return ir.Some(tuple(self.condition(t) for t in of))
            case Within(fact, values):
                spec = self.plain(fact)
                if spec.type not in (FactType.ENUM, FactType.INT):
                    raise ConditionError(
                        f"`in` needs an enum or a number before it; `{fact.text}` is a {spec.type.value}",
                        fact.at,
                        hint="for a set use subset(…) or overlap(…)",
                    )
                return ir.Member(ir.Fact(fact.text), tuple(self.literal(spec, v) for v in values.items))
            case Call(op, fact, values, at):
                spec = self.plain(fact)
                if spec.type is not FactType.SET:
                    raise ConditionError(f"`{op}` needs a set; `{fact.text}` is a {spec.type.value}", at)
                members = [self.literal(spec, v) for v in values.items]
                return ir.SetTest(op, ir.Fact(fact.text), frozenset(str(m) for m in members))
            case Relation():
                return self.relation(tree)

    def relation(self, r: Relation) -> ir.Condition:
        names = [t for t in (r.left, r.right) if isinstance(t, Name) and not t.text.startswith("param.")]
        if not names:
            raise ConditionError("a comparison needs a fact", r.at)
        specs = [self.plain(n) for n in names]
        if len(specs) == 2 and specs[0].type is FactType.ENUM and specs[0].values != specs[1].values:
            raise ConditionError(f"`{specs[0].id}` and `{specs[1].id}` have different vocabularies", r.at)
        if len({s.type for s in specs}) > 1:
            raise ConditionError(f"cannot compare a {specs[0].type.value} with a {specs[1].type.value}", r.at)
        spec = specs[0]
        if r.op not in ("==", "!=") and spec.type not in (FactType.INT, FactType.DATE):
            raise ConditionError(f"`{r.op}` needs numbers or dates; `{spec.id}` is a {spec.type.value}", r.at)
        if spec.type is FactType.SET:
            raise ConditionError(f"`{spec.id}` is a set", r.at, hint="use subset(…) or overlap(…)")
        params = [t for t in (r.left, r.right) if isinstance(t, Name) and t.text.startswith("param.")]
        if params:
            return self.with_param(r, params[0], spec)
        return ir.Compare(r.op, self.term(r.left, spec), self.term(r.right, spec))

    def with_param(self, r: Relation, param: Name, spec: FactSpec) -> ir.Condition:
        """A dated parameter becomes one comparison for each of its periods."""
        name = param.text.removeprefix("param.")
        if name not in self.params:
            near = get_close_matches(name, self.params, 1)
            raise ConditionError(
                f"unknown parameter `{name}`", param.at, hint=f"did you mean `param.{near[0]}`?" if near else ""
            )
        if spec.type is not FactType.INT:
            raise ConditionError(f"`{spec.id}` cannot be compared with a parameter", r.at)
        self.params_read.setdefault(name, param.at)
        values = self.params[name]
        for begin, value in values:
            if not spec.minimum <= value <= spec.maximum:
                raise ConditionError(f"parameter `{name}` is {value} from {begin}, outside `{spec.id}`", param.at)
        periods: list[ir.Condition] = []
        for i, (begin, value) in enumerate(values):
            bound = ir.Literal(value)
            left = bound if r.left is param else self.term(r.left, spec)
            right = bound if r.right is param else self.term(r.right, spec)
            parts: list[ir.Condition] = [_day(">=", begin)]
            if i + 1 < len(values):
                parts.append(_day("<", values[i + 1][0]))
            periods.append(ir.All((*parts, ir.Compare(r.op, left, right))))
        return ir.Some(tuple(periods))

    def term(self, t: Name | Lit, spec: FactSpec) -> ir.Fact | ir.Literal:
        return ir.Fact(t.text) if isinstance(t, Name) else ir.Literal(self.literal(spec, t))

    def literal(self, spec: FactSpec, lit: Lit) -> ir.Scalar:
        try:
            value = spec.check([lit.value] if spec.type is FactType.SET else lit.value)
        except InvalidInput as e:
            raise ConditionError(e.message, lit.at, hint=e.hint) from None
        if isinstance(value, dt.date):
            return value.toordinal()
        return next(iter(value)) if isinstance(value, frozenset) else value

    def fact(self, text: str, at: int) -> FactSpec:
        try:
            return self.schema.spec(text)
        except InvalidInput as e:
            raise ConditionError(e.message, at, hint=e.hint) from None

    def plain(self, name: Name) -> FactSpec:
        spec = self.fact(name.text, name.at)
        if spec.derived:
            raise ConditionError(f"`{name.text}` is derived", name.at, hint=f"write `{name.text}` or `!{name.text}`")
        return spec

    # --- rules ------------------------------------------------------------------------------------------------------

    def rule(self, raw: RawRule, tracks: Mapping[str, ir.Track]) -> ir.Rule:
        article = self.articles[raw.article]
        fields = raw.fields
        parts: list[ir.Condition] = []
        begins = max(article.begins, self.day(fields["from"])) if "from" in fields else article.begins
        ends = [d for d in (article.until, self.day(fields["until"]) if "until" in fields else None) if d]
        parts.append(_day(">=", begins))
        if ends:
            if min(ends) < begins:
                raise raw.span.error(f"rule `{raw.id}` ends before it begins")
            parts.append(_day("<=", min(ends)))
        parts.append(self.dated(fields["when"], begins))
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
            days = [_day(">=", source.begins), *([_day("<=", source.until)] if source.until else [])]
            parts.append(ir.Not(ir.All((*days, self.dated(span, max(begins, source.begins))))))
        applies = ir.All(tuple(parts))
        needs = self.dated(fields["needs"], begins) if "needs" in fields else ir.TRUE
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
        names = dict.fromkeys(n for n in (*ir.facts_read(applies), *ir.facts_read(needs)) if n != LEGAL_DAY)
        return ir.Rule(
            id=raw.id,
            effect=raw.effect,
            article=article,
            applies=applies,
            says=parse_text(fields["says"]),
            party=fields["party"].text.strip() if "party" in fields else authority,
            needs=needs,
            authority=authority,
            track=track,
            due=parse_text(fields["due"]) if "due" in fields else None,
            baseline=self.flag(fields["baseline"]) if "baseline" in fields else False,
            line=raw.span.line,
            facts=tuple(names),
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

    def dated(self, span: Span, begins: dt.date) -> ir.Condition:
        """A condition whose parameters all have a value on every day from `begins` on."""
        self.params_read.clear()
        condition = self.compile(span)
        for name, at in self.params_read.items():
            if (first := self.params[name][0][0]) > begins:
                raise span.error(f"parameter `{name}` begins on {first}, after the rule does on {begins}", at)
        return condition

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


def _depth(condition: ir.Condition) -> int:
    match condition:
        case ir.Not(of):
            return 1 + _depth(of)
        case ir.All(of) | ir.Some(of):
            return 1 + max((_depth(part) for part in of), default=0)
        case _:
            return 1


def _day(op: str, day: dt.date) -> ir.Condition:
    return ir.Compare(op, ir.Fact(LEGAL_DAY), ir.Literal(day.toordinal()))


PROFILES_FILE = "profiles.yaml"


@lru_cache(maxsize=8)
def _profiles(text: str) -> Mapping[str, Mapping[str, object]]:
    """The profiles of a text; read once, since every worked case asks for them."""
    profiles = load_yaml(text, file=PROFILES_FILE) or {}
    if not isinstance(profiles, dict) or not all(isinstance(p, dict) for p in profiles.values()):
        raise RuleError("profiles are named mappings of facts", file=PROFILES_FILE, line=1)
    return profiles


def expand_profiles(names: list[str], texts: Mapping[str, str]) -> dict[str, object]:
    """Facts of named profiles (`profiles.yaml`), later ones prevailing; a profile may be `like` others.

    Raises:
        InvalidInput: there is no such profile, or profiles are like one another in a circle.
    """
    profiles = _profiles(texts.get(PROFILES_FILE, "{}"))

    def one(name: str, above: tuple[str, ...]) -> dict[str, object]:
        if not isinstance(name, str) or name not in profiles or name in above:
            near = get_close_matches(str(name), profiles, 1)
            hint = f"did you mean `{near[0]}`?" if near else f"one of {', '.join(profiles)}"
            raise InvalidInput(
                f"unknown profile `{name}`" if name not in above else f"`{name}` is like itself", hint=hint
            )
        body = dict(profiles[name])
        facts: dict[str, object] = {}
        parents = body.pop("like", [])
        if isinstance(parents, str):
            parents = [parents]
        if not isinstance(parents, list):
            raise InvalidInput(f"profile `{name}` is like something that is no list of profiles")
        for parent in parents:
            facts |= one(parent, (*above, name))
        return facts | body

    result: dict[str, object] = {}
    for name in names:
        result |= one(name, ())
    return result
