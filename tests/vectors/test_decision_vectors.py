"""Every vector of `vectors/decision`, through the policy decision point (docs/spec/decision.md)."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from heyi.model.decision import Decision
from heyi.model.errors import RuleError
from heyi.model.fact import Source, Stated
from heyi.policy.cases import load_rulebook
from heyi.policy.decide import DecisionPoint

FOLDER = Path(__file__).parents[2] / "vectors" / "decision"
FILES = {p.stem: json.loads(p.read_text(encoding="utf-8")) for p in sorted(FOLDER.glob("*.json"))}
EXPECTED = {"outcome", "curable", "rules", "missing", "unknown", "approvals", "obligations"}


def texts(body: dict[str, Any]) -> dict[str, str]:
    return {file: "\n".join(lines) + "\n" for file, lines in body["texts"].items()}


@cache
def point(topic: str) -> DecisionPoint:
    return load_rulebook(texts(FILES[topic]))


def vectors() -> Iterator[Any]:
    for topic, body in FILES.items():
        for vector in body.get("vectors", []):
            yield pytest.param(topic, vector, id=f"{topic}: {vector['name']}")


def refusals() -> Iterator[Any]:
    for topic, body in FILES.items():
        for case in body.get("refusals", []):
            yield pytest.param(case, id=f"{topic}: {case['about']}")


def decide(topic: str, vector: dict[str, Any]) -> Decision:
    sources, until = vector.get("sources", {}), vector.get("until", {})
    stated = {
        name: Stated(
            value=point(topic).book.schema.spec(name).check(value),
            source=Source[sources.get(name, "attested").upper()],
            until=dt.date.fromisoformat(until[name]) if name in until else None,
        )
        for name, value in vector["facts"].items()
    }
    return point(topic).decide_stated(stated, day=dt.date.fromisoformat(vector["day"]))


@pytest.mark.parametrize(("topic", "vector"), list(vectors()))
def test_vector(topic: str, vector: dict[str, Any]) -> None:
    decision = decide(topic, vector)
    assert decision.alarm is None, "the readings of the rulebook disagree"
    assert set(vector["expect"]) == EXPECTED
    assert vector["expect"] == {
        "outcome": decision.outcome.value,
        "curable": decision.curable,
        "rules": {f.rule: f.truth.value for f in decision.findings},
        "missing": [[m.fact, m.rule] for m in decision.missing],
        "unknown": sorted(decision.unknown),
        "approvals": list(decision.approvals),
        "obligations": [o.rule for o in decision.obligations],
    }


@pytest.mark.parametrize("case", list(refusals()))
def test_refusal(case: dict[str, Any]) -> None:
    with pytest.raises(RuleError) as caught:
        load_rulebook(texts(case))
    refused = case["refused"]
    assert (caught.value.file, caught.value.line) == (refused["file"], refused["line"])
    assert refused["message"] in caught.value.message


def test_there_are_vectors_of_every_outcome() -> None:
    expected = [v["expect"] for body in FILES.values() for v in body.get("vectors", [])]
    assert len(expected) >= 60
    assert {e["outcome"] for e in expected} == {
        "permit",
        "permit-with-obligations",
        "needs-approval",
        "deny",
    }
    assert {e["curable"] for e in expected if e["outcome"] == "deny"} == {True, False}
    assert not any(e["curable"] for e in expected if e["outcome"] != "deny")


def test_names_are_unique_in_each_file() -> None:
    for topic, body in FILES.items():
        names = [v["name"] for v in body.get("vectors", [])] + [
            c["about"] for c in body.get("refusals", [])
        ]
        assert names, topic
        assert len(set(names)) == len(names), topic
