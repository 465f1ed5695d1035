"""Typing of conditions: trees of the parser become conditions of the IR, or errors with a place.

Derived facts and dated parameters are expanded on the way. If `limit` is 10 from 2024-03-22 on and
20 from 2026-01-01 on, `n > param.limit` becomes

    Some((
        All((legal_day >= 2024-03-22, legal_day < 2026-01-01, n > 10)),
        All((legal_day >= 2026-01-01, n > 20)),
    ))
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from difflib import get_close_matches

from heyi.model.errors import InvalidInput, RuleError
from heyi.policy.language import ir
from heyi.policy.language.parse import (
    DEPTH,
    ConditionError,
    FunctionCall,
    Junction,
    Lit,
    Name,
    Negation,
    Relation,
    Tree,
    Within,
    parse_condition,
)
from heyi.policy.language.schema import LEGAL_DAY, FactSpec, FactType, Schema
from heyi.policy.language.source import Span

FACTS_FILE = "facts.toml"
SIZE = 2_000
"""Parts of an expanded condition at most; the largest in the shipped rulebook has 37."""
Params = Mapping[str, tuple[tuple[dt.date, int], ...]]


class Conditions:
    """Types the conditions of one rulebook.

    `text` is that of `facts.toml`. `params` are the parameters of all packs, by name.
    """

    def __init__(self, schema: Schema, text: str, params: Params) -> None:
        self.schema = schema
        self.lines = text.splitlines()
        self.params = params
        # parameters of the condition that is being typed, each with the offset of its first use
        self.params_read: dict[str, int] = {}
        # derived facts that are being expanded, the outermost first
        self.deriving: list[str] = []
        self.derived: dict[str, ir.Condition] = {}

    def derive(self, name: str) -> ir.Condition:
        """The condition of a derived fact; a circle is refused."""
        if name not in self.derived:
            if name in self.deriving:
                circle = " → ".join([*self.deriving[self.deriving.index(name) :], name])
                message = f"derived fact `{name}` is defined by itself"
                raise self.schema_error(name, message, f"break the circle {circle}")
            if len(self.deriving) > DEPTH:
                raise self.schema_error(
                    name, f"derived fact `{name}` is nested too deeply when it is expanded"
                )
            self.deriving.append(name)
            self.derived[name] = self.in_schema(self.schema.facts[name].derived, name)
            self.deriving.pop()
            # facts derived from derived facts double at each step, however short each text is
            if _is_large(self.derived[name]):
                raise self.schema_error(
                    name, f"derived fact `{name}` is too large when it is expanded"
                )
            if _depth(self.derived[name]) > DEPTH:
                raise self.schema_error(
                    name, f"derived fact `{name}` is nested too deeply when it is expanded"
                )
        return self.derived[name]

    def in_schema(self, text: str, owner: str) -> ir.Condition:
        """A condition of `facts.toml`: what a fact is derived from, or what opens a track."""
        self.params_read.clear()
        try:
            condition = self.condition(parse_condition(text))
        except ConditionError as e:
            error = self.schema_error(owner, f"in `{owner}`: {e.message}", self.hint(e))
            # point at the expression, which is in a line below the head
            for n in range(error.line, len(self.lines)):
                key, _, value = self.lines[n].partition("=")
                if key.strip() in ("derived", "opens"):
                    error.line, error.excerpt = n + 1, self.lines[n]
                    error.column = self.lines[n].find(text) + 1 + e.at if text in value else 1
                    break
            raise error from None
        # a derived fact holds on every day, but a parameter has no value before its first day
        if self.params_read:
            raise self.schema_error(
                owner, f"`{owner}` reads a parameter", "only rules, which have dates, may"
            )
        return condition

    def schema_error(self, owner: str, message: str, hint: str = "") -> RuleError:
        heads = (f'[fact."{owner}"]', f"[fact.{owner}]", f"[track.{owner}]", f'[track."{owner}"]')
        line = next((n for n, t in enumerate(self.lines, 1) if t.strip() in heads), 1)
        return RuleError(
            message, file=FACTS_FILE, line=line, excerpt=self.lines[line - 1], hint=hint
        )

    def hint(self, error: ConditionError) -> str:
        """The hint of an error; for a label written in place of a name, that name."""
        return self.schema.labelled(error.label) or error.hint if error.label else error.hint

    def compile(self, span: Span) -> ir.Condition:
        """A condition of a pack."""
        try:
            condition = self.condition(parse_condition(span.text))
        except ConditionError as e:
            raise span.error(e.message, e.at, hint=self.hint(e)) from None
        if _is_large(condition):
            raise span.error(
                "the condition is too large when it is expanded", hint="split the rule in two"
            )
        return condition

    def condition(self, tree: Tree) -> ir.Condition:
        match tree:
            case Lit(value, at):
                if not isinstance(value, bool):
                    raise ConditionError(
                        f"`{value}` is not a condition", at, hint="compare a fact with it"
                    )
                return ir.Constant(value)
            case Name(text, at):
                if text.startswith("param."):
                    raise ConditionError(f"`{text}` is a number", at, hint="compare a fact with it")
                spec = self.fact(text, at)
                if spec.type is not FactType.BOOL:
                    raise ConditionError(
                        f"`{text}` is {_a(spec.type)}", at, hint="compare it with a value"
                    )
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
                    kind = _a(spec.type)
                    raise ConditionError(
                        f"`in` needs an enum or a number before it; `{fact.text}` is {kind}",
                        fact.at,
                        hint="for a set use subset(…) or overlap(…)",
                    )
                return ir.Member(
                    ir.Fact(fact.text), tuple(self.literal(spec, v) for v in values.items)
                )
            case FunctionCall(op, fact, values, at):
                spec = self.plain(fact)
                if spec.type is not FactType.SET:
                    hint = "compare it with == or in"
                    raise ConditionError(
                        f"`{op}` needs a set; `{fact.text}` is {_a(spec.type)}", at, hint=hint
                    )
                members = [self.literal(spec, v) for v in values.items]
                return ir.SetTest(op, ir.Fact(fact.text), frozenset(str(m) for m in members))
            case Relation():
                return self.relation(tree)

    def relation(self, r: Relation) -> ir.Condition:
        names = [
            t for t in (r.left, r.right) if isinstance(t, Name) and not t.text.startswith("param.")
        ]
        if not names:
            raise ConditionError("a comparison needs a fact", r.at)
        self.refuse_bare_value(r)
        specs = [self.plain(n) for n in names]
        self.refuse_unlike(r, specs)
        spec = specs[0]
        params = [
            t for t in (r.left, r.right) if isinstance(t, Name) and t.text.startswith("param.")
        ]
        if params:
            return self.with_param(r, params[0], spec)
        return ir.Compare(r.op, self.term(r.left, spec), self.term(r.right, spec))

    def refuse_bare_value(self, r: Relation) -> None:
        """A value of an enum without quotes reads as the name of a fact: `act.kind == share`."""
        for name, other in ((r.left, r.right), (r.right, r.left)):
            if (
                isinstance(name, Name)
                and isinstance(other, Name)
                and name.text not in self.schema.facts
            ):
                spec = self.schema.facts.get(other.text)
                if spec is not None and name.text in spec.values:
                    hint = f'write "{name.text}", in double quotes'
                    raise ConditionError(
                        f"`{name.text}` is a value of `{spec.id}` and no fact", name.at, hint=hint
                    )

    def refuse_unlike(self, r: Relation, specs: list[FactSpec]) -> None:
        """Facts that cannot be compared with one another, or not by this operator."""
        spec = specs[0]
        if (
            len(specs) == 2
            and spec.type is FactType.ENUM
            and list(spec.values) != list(specs[1].values)
        ):
            raise ConditionError(
                f"`{spec.id}` and `{specs[1].id}` have different vocabularies",
                r.at,
                hint="compare each with a value",
            )
        if len({s.type for s in specs}) > 1:
            message = f"cannot compare {_a(spec.type)} with {_a(specs[1].type)}"
            raise ConditionError(message, r.at, hint="compare each with a value of its own type")
        set_test = "use subset(…) or overlap(…)"
        if r.op not in ("==", "!=") and spec.type not in (FactType.INT, FactType.DATE):
            message = f"`{r.op}` needs numbers or dates; `{spec.id}` is {_a(spec.type)}"
            hint = set_test if spec.type is FactType.SET else "use == or !="
            raise ConditionError(message, r.at, hint=hint)
        if spec.type is FactType.SET:
            raise ConditionError(f"`{spec.id}` is a set", r.at, hint=set_test)

    def with_param(self, r: Relation, param: Name, spec: FactSpec) -> ir.Condition:
        """A comparison with a dated parameter: one comparison for each of its periods."""
        name = param.text.removeprefix("param.")
        if name not in self.params:
            near = get_close_matches(name, self.params, 1)
            hint = (
                f"did you mean `param.{near[0]}`?"
                if near
                else f"give its values in a block ```param {name}"
            )
            raise ConditionError(f"unknown parameter `{name}`", param.at, hint=hint)
        if spec.type is not FactType.INT:
            raise ConditionError(
                f"`{spec.id}` cannot be compared with a parameter",
                r.at,
                hint="parameters are numbers",
            )
        # `dated` checks that the first value holds when the rule begins
        self.params_read.setdefault(name, param.at)
        values = self.params[name]
        for begin, value in values:
            if not spec.minimum <= value <= spec.maximum:
                raise ConditionError(
                    f"parameter `{name}` is {value} from {begin}, outside `{spec.id}`",
                    param.at,
                    hint=f"give it a whole number from {spec.minimum} to {spec.maximum}",
                )
        periods: list[ir.Condition] = []
        for i, (begin, value) in enumerate(values):
            bound = ir.FixedValue(value)
            left = bound if r.left is param else self.term(r.left, spec)
            right = bound if r.right is param else self.term(r.right, spec)
            parts: list[ir.Condition] = [on_day(">=", begin)]
            # the last period has no end
            if i + 1 < len(values):
                parts.append(on_day("<", values[i + 1][0]))
            periods.append(ir.All((*parts, ir.Compare(r.op, left, right))))
        return ir.Some(tuple(periods))

    def term(self, t: Name | Lit, spec: FactSpec) -> ir.Fact | ir.FixedValue:
        return ir.Fact(t.text) if isinstance(t, Name) else ir.FixedValue(self.literal(spec, t))

    def literal(self, spec: FactSpec, lit: Lit) -> ir.Scalar:
        """A literal as a value of the fact; of a set it is one member."""
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
        """A fact with a slot; engines compare nothing else."""
        spec = self.fact(name.text, name.at)
        if spec.derived:
            raise ConditionError(
                f"`{name.text}` is derived", name.at, hint=f"write `{name.text}` or `!{name.text}`"
            )
        return spec

    def dated(self, span: Span, begins: dt.date) -> ir.Condition:
        """A condition of a rule; its parameters must have values on every day from `begins` on."""
        self.params_read.clear()
        condition = self.compile(span)
        for name, at in self.params_read.items():
            if (first := self.params[name][0][0]) > begins:
                raise span.error(
                    f"parameter `{name}` begins on {first}, after the rule does on {begins}",
                    at,
                    hint=f"give its value of {begins} as well, "
                    "or let the rule begin later with `from`",
                )
        return condition


def _a(kind: FactType) -> str:
    return f"an {kind.value}" if kind in (FactType.INT, FactType.ENUM) else f"a {kind.value}"


def _is_large(condition: ir.Condition) -> bool:
    """Whether it has more than SIZE parts; the count stops there, since it may be exponential."""
    left, parts = [condition], 0
    while left and parts <= SIZE:
        parts += 1
        match left.pop():
            case ir.Not(of):
                left.append(of)
            case ir.All(of) | ir.Some(of):
                left.extend(of)
    return parts > SIZE


def _depth(condition: ir.Condition) -> int:
    match condition:
        case ir.Not(of):
            return 1 + _depth(of)
        case ir.All(of) | ir.Some(of):
            return 1 + max((_depth(part) for part in of), default=0)
        case _:
            return 1


def on_day(op: str, day: dt.date) -> ir.Condition:
    """The condition `legal_day op day`."""
    return ir.Compare(op, ir.Fact(LEGAL_DAY), ir.FixedValue(day.toordinal()))
