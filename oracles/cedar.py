"""A rulebook as Cedar policies that answer one question: permit or deny.

A ground becomes a `permit`; a rule that bars becomes a `forbid`. An example:

    @id("PIPL-31.1") forbid (principal, action == Action::"use", resource)
    when { (context["subjects.min_age"] < 14) && ... } unless { context["consent.guardian"] };

An author of Cedar policies must decide what an absent attribute means. The three styles differ
only in that:

- `USUAL` reads attributes without a guard. An absent one is an error and Cedar skips the policy,
  so a `forbid` no longer forbids. A schema that requires every attribute refuses the request.
- `GUARDED` asks `has` before it reads, as the validator wants for optional attributes. An absent
  attribute counts as false.
- `CLOSED` writes Kleene's logic by hand: one expression for "known true", one for "known false".
  A `forbid` applies unless its condition is known to be false.

One ground of one open track gives a permit here. This is right only for tracks that exclude one
another.
"""

from __future__ import annotations

import importlib
import json
from enum import Enum
from typing import Any

from heyi.model.decision import Effect
from heyi.policy.language import ir
from heyi.policy.language.schema import FactType, Schema

_OPPOSITE = {"==": "!=", "!=": "==", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}
_TYPES: dict[FactType, dict[str, Any]] = {
    FactType.BOOL: {"type": "Boolean"},
    FactType.INT: {"type": "Long"},
    FactType.DATE: {"type": "Long"},
    FactType.ENUM: {"type": "String"},
    FactType.SET: {"type": "Set", "element": {"type": "String"}},
}


class Style(Enum):
    USUAL = "as usually written"
    GUARDED = "guarded by has"
    CLOSED = "whatever is not known false forbids"


def schema_of(schema: Schema, *, required: bool) -> str:
    """The Cedar schema: one action, whose context has the facts as attributes."""
    attributes = {
        n: {**_TYPES[s.type], "required": required}
        for n, s in schema.facts.items()
        if not s.derived
    }
    applies = {
        "principalTypes": ["Requester"],
        "resourceTypes": ["Asset"],
        "context": {"type": "Record", "attributes": attributes},
    }
    actions = {"use": {"appliesTo": applies}}
    return json.dumps({"": {"entityTypes": {"Requester": {}, "Asset": {}}, "actions": actions}})


def policies(book: ir.Rulebook, style: Style) -> str:
    """The policies; each names its rule by `@id`."""
    written = []
    tracks = [t.opens for t in book.tracks]
    # Two tracks that are each other's negation cover every request: one of them is always open.
    if not any(ir.Not(opens) in tracks for opens in tracks):
        closed = " && ".join(f"({_true(ir.Not(opens), style)})" for opens in tracks)
        written.append(_policy("permit", "no track is open", closed or "true"))
    for track in book.tracks:
        opens = _true(track.opens, style)
        for rule in book.rules:
            if rule.track == track.id:
                holds = [opens, _true(rule.applies, style)]
                holds += [_approved(rule, style)] if rule.effect is Effect.REVIEW else []
                written.append(_policy("permit", rule.id, " && ".join(f"({h})" for h in holds)))
    for rule in book.rules:
        applies = (
            _true(rule.applies, style)
            if style is not Style.CLOSED
            else f"!({_known(rule.applies, False)})"
        )
        match rule.effect:
            case Effect.FORBID:
                written.append(_policy("forbid", rule.id, applies))
            case Effect.REQUIRE:
                written.append(_policy("forbid", rule.id, applies, unless=_true(rule.needs, style)))
            case Effect.REVIEW:
                written.append(_policy("forbid", rule.id, applies, unless=_approved(rule, style)))
    return "\n".join(written)


def _policy(effect: str, name: str, when: str, *, unless: str = "") -> str:
    end = f" unless {{ {unless} }};" if unless else ";"
    head = f'@id("{name}") {effect} (principal, action == Action::"use", resource)'
    return f"{head} when {{ {when} }}{end}"


def _approved(rule: ir.Rule, style: Style) -> str:
    return _true(ir.Compare("==", ir.Fact(rule.approval), ir.FixedValue("given")), style)


def _true(condition: ir.Condition, style: Style) -> str:
    """Holds when the condition is true, as the style understands it."""
    return _known(condition, True) if style is Style.CLOSED else _written(condition, style)


def _written(condition: ir.Condition, style: Style) -> str:
    match condition:
        case ir.Not(of):
            return f"!({_written(of, style)})"
        case ir.All(of):
            return " && ".join(f"({_written(part, style)})" for part in of) or "true"
        case ir.Some(of):
            return " || ".join(f"({_written(part, style)})" for part in of) or "false"
        case _:
            return _atom(condition, True) if style is Style.USUAL else _known(condition, True)


def _known(condition: ir.Condition, truth: bool) -> str:
    """Holds when the condition is known to have the value `truth`; never an error."""
    match condition:
        case ir.Not(of):
            return _known(of, not truth)
        case ir.All(of) | ir.Some(of):
            # De Morgan: `a && b` is known false when one part is known false.
            every = isinstance(condition, ir.All) is truth
            parts = (" && " if every else " || ").join(f"({_known(part, truth)})" for part in of)
            return parts or json.dumps(every)
        case _:
            guards = [
                f"context has {json.dumps(name)}"
                for name in dict.fromkeys(ir.facts_read(condition))
            ]
            return " && ".join([*guards, f"({_atom(condition, truth)})"])


def _atom(condition: ir.Condition, truth: bool) -> str:
    """A condition without connectives, or its negation; an error if a fact is absent."""
    match condition:
        case ir.Compare(op, left, right):
            return f"{_term(left)} {op if truth else _OPPOSITE[op]} {_term(right)}"
        case ir.Constant(value):
            return json.dumps(value is truth)
        case ir.Fact():
            test = _term(condition)
        case ir.Member(fact, values):
            test = f"{json.dumps(list(values))}.contains({_term(fact)})" if values else "false"
        case ir.SetTest("overlap", fact, values):
            test = f"{_term(fact)}.containsAny({json.dumps(sorted(values))})" if values else "false"
        case ir.SetTest(_, fact, values):
            members = json.dumps(sorted(values))
            test = f"{members}.containsAll({_term(fact)})" if values else f"{_term(fact)}.isEmpty()"
        case _:
            raise AssertionError(condition)
    return test if truth else f"!({test})"


def _term(term: ir.Fact | ir.FixedValue) -> str:
    return (
        f"context[{json.dumps(term.name)}]" if isinstance(term, ir.Fact) else json.dumps(term.value)
    )


class Cedar:
    """Cedar through `cedarpy`; policies and schema are parsed once, before the first request.

    `required`: whether the schema requires every attribute; None for no schema.
    """

    def __init__(self, book: ir.Rulebook, style: Style, *, required: bool | None) -> None:
        self._cedar: Any = importlib.import_module("cedarpy")
        text = policies(book, style)
        self._policies = self._cedar.PolicySet.from_str(text)
        self._entities = self._cedar.Entities.from_json_str("[]")
        self._schema: Any = None
        if required is not None:
            self._schema = self._cedar.Schema.from_json_str(
                schema_of(book.schema, required=required)
            )
            self.validated = self._cedar.validate_policies(text, self._schema)

    def answer(self, known: ir.Known) -> tuple[bool, frozenset[str]]:
        """Whether Cedar allows the use, and the rules that decided."""
        request = {
            "principal": 'Requester::"r"',
            "action": 'Action::"use"',
            "resource": 'Asset::"a"',
            "context": json.dumps(known, default=list),
        }
        result = self._cedar.is_authorized(request, self._policies, self._entities, self._schema)
        return result.allowed, frozenset(result.diagnostics.id_annotations_by_reason.values())
