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
from heyi.policy.language.schema import Schema

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
