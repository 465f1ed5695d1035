"""The vectors at thresholds belong to the shipped rulebook and hold; its parsed form is valid."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from heyi.policy.engines.build import IR, Build, load_build
from heyi.policy.engines.bytecode import BytecodeEngine
from heyi.policy.engines.interpret import read
from heyi.policy.engines.packed import layout, unpack
from heyi.policy.language.schema import to_ordinals
from heyi.sources.rulebook import read_build, read_rulebook

ROOT = Path(__file__).resolve().parents[2]
VECTORS = json.loads((ROOT / "vectors" / "boundaries.json").read_text(encoding="utf-8"))
SCHEMA = json.loads((ROOT / "docs" / "spec" / "rulebook.schema.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def shipped() -> Build:
    ready = load_build(read_build(), read_rulebook())
    hint = "the shipped build is not that of the packs: run `make rules`"
    assert ready is not None and ready.bytecode is not None, hint
    return ready


def test_the_vectors_at_the_thresholds_are_answered(shipped: Build) -> None:
    assert (VECTORS["rulebook"], VECTORS["layout"]) == (
        shipped.book.digest,
        layout(shipped.book.schema),
    )
    assert shipped.bytecode is not None
    engine, asked = BytecodeEngine(shipped.book, shipped.bytecode), 0
    for threshold in VECTORS["thresholds"]:
        for vector in threshold["requests"]:
            known = to_ordinals(unpack(shipped.book.schema, [int(w, 16) for w in vector["words"]]))
            for reading in (read(shipped.book, known), engine.read(known)):
                assert f"{reading.fired:x}" == vector["fired"]
                assert (f"{reading.met:x}", f"{reading.tracks:x}") == (
                    vector["met"],
                    vector["tracks"],
                )
                assert (reading.outcome.value, reading.curable) == (
                    vector["outcome"],
                    vector["curable"],
                )
            asked += 1
    assert asked > 200


@pytest.fixture(scope="module")
def parsed() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(read_build()[IR])
    return found


def test_the_parsed_form_keeps_its_schema(parsed: dict[str, Any]) -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    jsonschema.validate(parsed, SCHEMA)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (["rules", 0, "effect"], "allow"),
        (["rules", 0, "applies"], {"all": [], "some": []}),
        (["rules", 0, "applies"], {"fact": "年龄"}),
        (["rules", 0, "applies"], {">=": ["only one"]}),
        (["articles", 0, "rank"], "decree"),
        (["tracks", 0, "surplus"], 1),
        (["format"], 3),
    ],
)
def test_the_schema_refuses_what_is_none(
    parsed: dict[str, Any], path: list[str | int], value: object
) -> None:
    wrong: Any = copy.deepcopy(parsed)
    at = wrong
    for step in path[:-1]:
        at = at[step]
    at[path[-1]] = value
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(wrong, SCHEMA)
