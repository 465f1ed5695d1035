"""The parsed form of a rulebook as JSON (docs/spec/rulebook.schema.json), for the build.

A condition is a mapping with one key: `{"fact": id}`, `{"constant": bool}`, `{"not": c}`,
`{"all": [c]}`, `{"some": [c]}`, `{">=": [term, term]}` and the other comparisons,
`{"in": [id, [value]]}`, `{"subset": [id, [member]]}` or `{"overlap": …}`. A term is `{"fact": id}`
or a value; days are ordinals.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from heyi.crypto.codec import from_json as value_from_json
from heyi.crypto.codec import to_json as value_to_json
from heyi.model.decision import Deadline, Effect, Rank, Text
from heyi.policy.language import ir
from heyi.policy.language.schema import FactType, Schema

FORMAT = 2
_COMPARISONS = ("==", "!=", "<", "<=", ">", ">=")
_OPTIONAL: Mapping[str, Any] = {"authority": "", "track": "", "baseline": False}


def to_json(book: ir.Rulebook) -> dict[str, Any]:
    """Everything of a rulebook but its facts (`facts.toml`), its texts and its worked cases."""
    return {
        "format": FORMAT,
        "rulebook": book.digest,
        "jurisdictions": list(book.jurisdictions),
        "articles": [value_to_json(a) for a in book.articles.values()],
        "tracks": [
            {
                "id": t.id,
                "opens": condition_to_json(t.opens),
                "min_rank": t.min_rank.value,
                "name": value_to_json(t.name),
            }
            for t in book.tracks
        ],
        "rules": [_rule(r) for r in book.rules],
    }


def from_json(parsed: Mapping[str, Any], schema: Schema, texts: Mapping[str, str]) -> ir.Rulebook:
    """The rulebook that was built; its worked cases passed then and are left out.

    Raises:
        KeyError, TypeError, ValueError: this is no parsed form of that format.
    """
    if parsed["format"] != FORMAT:
        raise ValueError(f"format {parsed['format']} is not {FORMAT}")
    articles = {a["id"]: value_from_json(a, ir.Article) for a in parsed["articles"]}
    rules = {r["id"]: _to_rule(r, articles) for r in parsed["rules"]}
    tracks = tuple(
        ir.Track(
            id=t["id"],
            opens=condition_from_json(t["opens"]),
            min_rank=Rank(t["min_rank"]),
            name=Text(**t["name"]),
        )
        for t in parsed["tracks"]
    )
    for rule in rules.values():
        _check(rule.applies, schema)
        _check(rule.needs, schema)
    for track in tracks:
        _check(track.opens, schema)
    return ir.Rulebook(
        schema=schema,
        rules=tuple(rules.values()),
        articles=MappingProxyType(articles),
        tracks=tracks,
        cases=(),
        jurisdictions=tuple(parsed["jurisdictions"]),
        texts=MappingProxyType(dict(texts)),
        digest=parsed["rulebook"],
        by_id=MappingProxyType(rules),
    )


def condition_to_json(condition: ir.Condition) -> dict[str, Any]:
    match condition:
        case ir.Constant(value):
            return {"constant": value}
        case ir.Fact(name):
            return {"fact": name}
        case ir.Not(of):
            return {"not": condition_to_json(of)}
        case ir.All(of) | ir.Some(of):
            return {
                "all" if isinstance(condition, ir.All) else "some": [
                    condition_to_json(p) for p in of
                ]
            }
        case ir.Compare(op, left, right):
            return {
                op: [
                    t.value if isinstance(t, ir.FixedValue) else {"fact": t.name}
                    for t in (left, right)
                ]
            }
        case ir.Member(fact, values):
            return {"in": [fact.name, list(values)]}
        case ir.SetTest(op, fact, values):
            return {op: [fact.name, sorted(values)]}


def condition_from_json(parsed: Mapping[str, Any]) -> ir.Condition:
    ((key, of),) = parsed.items()
    match key:
        case "constant":
            return ir.Constant(of)
        case "fact":
            return ir.Fact(of)
        case "not":
            return ir.Not(condition_from_json(of))
        case "all":
            return ir.All(tuple([condition_from_json(p) for p in of]))
        case "some":
            return ir.Some(tuple([condition_from_json(p) for p in of]))
        case "in":
            return ir.Member(ir.Fact(of[0]), tuple(of[1]))
        case "subset" | "overlap":
            return ir.SetTest(key, ir.Fact(of[0]), frozenset(of[1]))
        case _ if key in _COMPARISONS:
            left, right = (
                ir.Fact(t["fact"]) if isinstance(t, dict) else ir.FixedValue(t) for t in of
            )
            return ir.Compare(key, left, right)
    raise ValueError(f"`{key}` is no condition")


def _check(condition: ir.Condition, schema: Schema) -> None:
    """Refuse a condition that no compiler of packs can have made.

    INVARIANT: engines are generated from conditions of known facts with values of their types.

    Raises:
        ValueError: a fact does not exist, or a value is not of its type.
    """
    match condition:
        case ir.Constant(bool()):
            return None
        case ir.Fact(name) if _type(name, schema) is FactType.BOOL:
            return None
        case ir.Not(of):
            return _check(of, schema)
        case ir.All(of) | ir.Some(of):
            for part in of:
                _check(part, schema)
            return None
        case ir.Compare(_, ir.Fact(a), ir.Fact(b)) if _type(a, schema) is _type(b, schema):
            return None
        case ir.Compare(_, ir.Fact(name), ir.FixedValue(value)) | ir.Compare(
            _, ir.FixedValue(value), ir.Fact(name)
        ) if _fits(value, name, schema):
            return None
        case ir.Member(ir.Fact(name), values) if all(_fits(v, name, schema) for v in values):
            return None
        case ir.SetTest(_, ir.Fact(name), members) if _type(name, schema) is FactType.SET:
            if members <= set(schema.facts[name].values):
                return None
    raise ValueError(f"`{condition}` is no condition of this schema")


def _type(name: object, schema: Schema) -> FactType:
    if not isinstance(name, str) or name not in schema.facts or schema.facts[name].derived:
        raise ValueError(f"`{name}` is no fact")
    return schema.facts[name].type


def _fits(value: object, name: object, schema: Schema) -> bool:
    """Whether a value is one that conditions compare this fact with; days are ordinals."""
    kind = _type(name, schema)
    if kind in (FactType.INT, FactType.DATE):
        return isinstance(value, int) and not isinstance(value, bool)
    if kind is FactType.BOOL:
        return isinstance(value, bool)
    return kind is FactType.ENUM and value in schema.facts[str(name)].values


def deadline_to_json(deadline: Deadline) -> dict[str, Any]:
    """The parts that a deadline of its kind has."""
    return {name: part for name, part in value_to_json(deadline).items() if part}


def _rule(r: ir.Rule) -> dict[str, Any]:
    found: dict[str, Any] = {
        "id": r.id,
        "effect": r.effect.value,
        "article": r.article.id,
        "applies": condition_to_json(r.applies),
        "says": value_to_json(r.says),
        "party": r.party,
        "line": r.line,
        "facts": list(r.facts),
        "excepts": list(r.excepts),
    }
    if r.effect is Effect.REQUIRE:
        found["needs"] = condition_to_json(r.needs)
    if r.deadline is not None:
        found["deadline"] = deadline_to_json(r.deadline)
    return found | {
        key: getattr(r, key) for key, usual in _OPTIONAL.items() if getattr(r, key) != usual
    }


def _to_rule(r: Mapping[str, Any], articles: Mapping[str, ir.Article]) -> ir.Rule:
    return ir.Rule(
        id=r["id"],
        effect=Effect(r["effect"]),
        article=articles[r["article"]],
        applies=condition_from_json(r["applies"]),
        says=Text(**r["says"]),
        party=r["party"],
        line=r["line"],
        facts=tuple(r["facts"]),
        excepts=tuple(r["excepts"]),
        needs=condition_from_json(r["needs"]) if "needs" in r else ir.TRUE,
        deadline=Deadline(**r["deadline"]) if "deadline" in r else None,
        **{key: r[key] for key in _OPTIONAL if key in r},
    )
