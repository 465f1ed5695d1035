"""Builds: the written build is the compiled rulebook; damaged or foreign builds are never used."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import suppress
from dataclasses import fields
from pathlib import Path
from random import Random

import pytest

from heyi.crypto.canonical import digest_bytes
from heyi.model.decision import Effect
from heyi.model.errors import VerificationError
from heyi.model.fact import Value
from heyi.policy.cases import load_rulebook
from heyi.policy.decide import DecisionPoint
from heyi.policy.engines.build import BYTECODE, IR, LAYOUT, MANIFEST, build, load_build
from heyi.policy.engines.interpret import read
from heyi.policy.engines.packed import layout
from heyi.policy.engines.to_python import generate
from heyi.policy.language import ir, ir_json
from heyi.policy.language.check import compile_rulebook
from heyi.policy.language.schema import to_ordinals
from heyi.policy.proofs.analyse import findings
from heyi.sources.rulebook import read_build, read_rulebook
from tests.support.books import (
    AFTER,
    DRAWN,
    OFFICE,
    article,
    compiled,
    drawn,
    every_request,
    pack,
    rule,
    schema,
)
from tests.support.command import HANGING
from tests.support.shipped import shipped_book

FACTS = schema(
    *(
        "a",
        "b",
        "fixed!",
        "n 0..9",
        "m 0..9",
        "kind x|y|z",
        "like x|y|z",
        "parts {x|y}",
        "born date",
        "died date",
    ),
    *("wide := a || b", OFFICE),
    main="wide && !fixed; regulation",
    other="!wide; agreement",
)
ATOMS = [
    "a",
    "!a",
    "wide",
    "!wide",
    "true",
    "false",
    "a == b",
    "a != true",
    "n < 4",
    "4 <= n",
    "n == m",
    "n != m",
]
ATOMS += [
    "n in [1, 4]",
    "n in []",
    'kind == "x"',
    'kind != "y"',
    "kind == like",
    'kind in ["x", "z"]',
    "n < param.low",
]
ATOMS += [
    'subset(parts, ["x"])',
    'overlap(parts, ["y", "x"])',
    "subset(parts, [])",
    'born < date("2000-02-29")',
]
ATOMS += ["born <= died", 'legal_day >= date("2021-05-06")', "!(a && (b || !(n > 4)) && !fixed)"]
PACK = pack(
    "```param low\n2020-01-01: 3\n2022-01-01: 5\n```\n",
    article("X-2", "2020-01-01", "2030-12-31"),
    *(rule(f"X-2.{i} forbid", f"fixed && ({atom})") for i, atom in enumerate(ATOMS)),
    rule(
        "X-2.need require",
        "a",
        needs='b && (n > 3 || kind == "x")',
        excepts="[X-1] fixed",
        **{"from": "2021-01-01"},
    ),
    rule("X-2.duty oblige", "wide", owes="handler within 10 workdays after use"),
    rule("X-2.base oblige", "wide", owes="recipient every 1 year", baseline="true"),
    rule("X-2.ask review", "a", authority="office"),
    rule("X-2.may review", "b", authority="office", may="ground", track="main"),
    rule("X-2.law ground", "kind == like", track="main", party="handler"),
)
AGREEMENT = pack(
    rule("Y-1.1 ground", "true", track="other"), name="Y", rank="agreement", jurisdiction="eu"
)


LITTLE = schema("a", "b", "n 0..2", "kind x|y|z", "parts {x|y}", OFFICE, main="a; regulation")
LITTLE_PACK = pack(
    rule("X-1.1 ground", 'n < 2 || kind in ["x", "z"]', track="main"),
    rule("X-1.2 forbid", 'a && subset(parts, ["y", "x"]) && overlap(parts, ["x"])'),
    rule("X-1.3 require", "a", needs="b"),
    rule("X-1.4 review", "n == 2", authority="office"),
    rule("X-1.5 oblige", "b", owes="handler until 3 years after processing"),
)


@pytest.fixture(scope="module")
def book() -> ir.Rulebook:
    return compiled(LITTLE, LITTLE_PACK)


@pytest.fixture(scope="module")
def files(book: ir.Rulebook) -> dict[str, bytes]:
    return build(book)


# --- the parsed form ----------------------------------------------------------------------------


def there_and_back(book: ir.Rulebook) -> ir.Rulebook:
    text = json.dumps(ir_json.to_json(book), ensure_ascii=False, sort_keys=True)
    return ir_json.from_json(json.loads(text), book.schema, book.texts)


def check_round_trip(book: ir.Rulebook) -> None:
    back = there_and_back(book)
    for field in fields(ir.Rulebook):
        if field.name != "cases":
            assert getattr(back, field.name) == getattr(book, field.name), field.name
    assert back.cases == ()
    for one, other in zip(back.rules, book.rules, strict=True):
        assert one.applies == other.applies and one.needs == other.needs
        assert one.article is back.articles[other.article.id]
    assert ir_json.to_json(back) == ir_json.to_json(book)


def test_the_parsed_form_of_every_atom_and_effect() -> None:
    book = compiled(FACTS, PACK, AGREEMENT)
    check_round_trip(book)
    assert {r.effect for r in book.rules} == set(Effect)
    for r in book.rules:
        for condition in (r.applies, r.needs):
            assert ir_json.condition_from_json(ir_json.condition_to_json(condition)) == condition
    assert {type(c) for r in book.rules for c in parts(r.applies)} == {
        *(ir.Fact, ir.Compare, ir.Member, ir.SetTest, ir.Not, ir.All, ir.Some, ir.Constant)
    }


def parts(condition: ir.Condition) -> list[ir.Condition]:
    match condition:
        case ir.Not(of):
            return [condition, *parts(of)]
        case ir.All(of) | ir.Some(of):
            return [condition, *(p for part in of for p in parts(part))]
    return [condition]


@pytest.mark.parametrize("seed", range(6))
def test_the_parsed_form_of_rulebooks_drawn_at_random(seed: int) -> None:
    drawn_book = compiled(DRAWN, drawn(Random(seed)))
    check_round_trip(drawn_book)
    assert findings(there_and_back(drawn_book)) == findings(drawn_book)


def test_the_parsed_form_of_the_shipped_rulebook() -> None:
    shipped = shipped_book()
    check_round_trip(shipped)
    assert findings(there_and_back(shipped)) == findings(shipped)


@pytest.mark.parametrize(
    "parsed",
    [
        {"xor": []},
        {},
        {"fact": "a", "not": {"fact": "b"}},
        {"==": [{"fact": "a"}]},
        {"not": None},
        {"in": []},
    ],
)
def test_what_is_no_condition_is_refused(parsed: dict[str, object]) -> None:
    with pytest.raises((ValueError, TypeError, KeyError, IndexError, AttributeError)):
        ir_json.condition_from_json(parsed)


def test_another_format_is_refused(book: ir.Rulebook) -> None:
    parsed = ir_json.to_json(book)
    with pytest.raises(ValueError, match="format 3 is not 2"):
        ir_json.from_json({**parsed, "format": 3}, book.schema, book.texts)


# --- loading ------------------------------------------------------------------------------------


def test_a_build_is_loaded_and_decides_as_the_packs_do(
    book: ir.Rulebook, files: dict[str, bytes]
) -> None:
    ready = load_build(files, book.texts)
    assert ready is not None
    assert ready.book.rules == book.rules
    built, parsed = load_rulebook(book.texts, files), DecisionPoint(book)
    assert (built.readings, parsed.readings) == (("bytecode", "python"), ("interpreter", "python"))
    outcomes = set()
    for request in every_request(book):
        known = to_ordinals(request)
        reading, alarm = built.judge(known)
        assert (reading, alarm) == (read(book, known), None)
        outcomes.add((reading.outcome, reading.curable))
    assert len(outcomes) == 5, "every outcome occurs"


def test_the_files_say_what_they_were_made_from(book: ir.Rulebook, files: dict[str, bytes]) -> None:
    assert set(files) == {MANIFEST, IR, LAYOUT, BYTECODE}
    manifest = json.loads(files[MANIFEST])
    assert manifest["rulebook"] == book.digest == json.loads(files[IR])["rulebook"]
    assert manifest["layout"] == layout(book.schema) == json.loads(files[LAYOUT])["layout"]
    assert manifest["rules"] == len(book.rules)
    assert manifest["files"] == {n: digest_bytes(f) for n, f in files.items() if n != MANIFEST}
    assert manifest["compiler"] == json.loads(files[BYTECODE])["compiler"]
    slots = {row[0]: row[2:4] for row in json.loads(files[LAYOUT])["facts"]}
    assert slots == {n: list(s.slot) for n, s in book.schema.facts.items() if s.slot is not None}


@pytest.mark.parametrize("name", [IR, LAYOUT, BYTECODE])
def test_a_flipped_bit_or_a_lost_file_is_refused(
    book: ir.Rulebook, files: dict[str, bytes], name: str
) -> None:
    rng, content = Random(name), files[name]
    for at in (0, len(content) - 1, *(rng.randrange(len(content)) for _ in range(8))):
        spoilt = bytearray(content)
        spoilt[at] ^= 1 << rng.randrange(8)
        with pytest.raises(VerificationError, match=f"`{name}` of the built rulebook"):
            load_build({**files, name: bytes(spoilt)}, book.texts)
    for other in (content + b"\n", content[:-1], b""):
        with pytest.raises(VerificationError, match=f"`{name}` of the built rulebook"):
            load_build({**files, name: other}, book.texts)
    with pytest.raises(VerificationError, match=f"`{name}` of the built rulebook"):
        load_build({n: f for n, f in files.items() if n != name}, book.texts)


def test_files_of_another_build_are_refused(book: ir.Rulebook, files: dict[str, bytes]) -> None:
    other = compiled(LITTLE, LITTLE_PACK.replace("n < 2", "n < 1"))
    foreign = {IR: json.dumps(ir_json.to_json(other)).encode(), BYTECODE: build(other)[BYTECODE]}
    for name, content in foreign.items():
        with pytest.raises(VerificationError, match=f"`{name}` of the built rulebook"):
            load_build({**files, name: content}, book.texts)
    assert load_build(files, other.texts) is None


@pytest.mark.parametrize("key", ["rulebook", "format", "generators"])
def test_a_manifest_of_something_else_is_ignored(
    book: ir.Rulebook, files: dict[str, bytes], key: str
) -> None:
    manifest = json.loads(files[MANIFEST])
    manifest[key] = 99 if key == "format" else "sha256:" + "0" * 64
    changed = {**files, MANIFEST: json.dumps(manifest).encode()}
    assert load_build(changed, book.texts) is None
    assert load_rulebook(book.texts, changed).readings == ("interpreter", "python")


def test_parts_of_different_rulebooks_are_refused(
    book: ir.Rulebook, files: dict[str, bytes]
) -> None:
    """Even where every digest of the manifest is right."""
    other = compiled(LITTLE, LITTLE_PACK.replace("n < 2", "n < 1"))
    for name, content in (
        (IR, json.dumps(ir_json.to_json(other)).encode()),
        (IR, b"{}"),
        (BYTECODE, b"[]"),
    ):
        manifest = json.loads(files[MANIFEST])
        manifest["files"][name] = digest_bytes(content)
        changed = {**files, name: content, MANIFEST: json.dumps(manifest).encode()}
        with pytest.raises(VerificationError, match="the built rulebook"):
            load_build(changed, book.texts)


def test_no_manifest_no_build(book: ir.Rulebook, files: dict[str, bytes]) -> None:
    assert load_build({}, book.texts) is None
    assert load_build({n: f for n, f in files.items() if n != MANIFEST}, book.texts) is None


def test_other_texts_are_compiled_anew(book: ir.Rulebook, files: dict[str, bytes]) -> None:
    texts = dict(book.texts)
    others = [
        {**texts, "0.md": texts["0.md"].replace("n < 2", "n < 1")},
        {**texts, "0.md": texts["0.md"] + "\n"},
        {**texts, "facts.toml": texts["facts.toml"] + "# more\n"},
        {**texts, "notes.md": pack(name="N")},
        {**texts, "profiles.yaml": "{}\n"},
    ]
    for other in others:
        assert load_build(files, other) is None
        assert load_rulebook(other, files).readings == ("interpreter", "python")
    narrower = load_rulebook(others[0], files)
    request: dict[str, Value] = {
        "legal_day": AFTER,
        "a": True,
        "b": True,
        "n": 1,
        "kind": "y",
        "parts": frozenset[str](),
    }
    assert load_rulebook(texts, files).outcome(request)[0].is_permit
    assert not narrower.outcome(request)[0].is_permit


def _without(manifest: bytes, name: str) -> bytes:
    told = json.loads(manifest)
    del told["files"][name]
    return json.dumps(told).encode()


@pytest.mark.parametrize(
    "spoil",
    [
        lambda m: b"",
        lambda m: m[:-2],
        lambda m: b"\xff" + m,
        lambda m: b"null",
        lambda m: b"[]",
        lambda m: m.replace(b'"files"', b'"fines"'),
        lambda m: m.replace(b'"files":{', b'"files":null,"other":{'),
    ],
    ids=[
        "empty",
        "cut short",
        "not UTF-8",
        "null",
        "a list",
        "names no files",
        "files that are none",
    ],
)
def test_a_damaged_manifest_is_refused_or_ignored(
    book: ir.Rulebook, files: dict[str, bytes], spoil: object
) -> None:
    assert callable(spoil)
    spoilt = spoil(files[MANIFEST])
    assert spoilt != files[MANIFEST]
    with suppress(VerificationError):
        assert load_build({**files, MANIFEST: spoilt}, book.texts) is None


@pytest.mark.parametrize("name", [IR, BYTECODE])
def test_a_file_that_the_manifest_does_not_name_is_refused(
    book: ir.Rulebook, files: dict[str, bytes], name: str
) -> None:
    changed = {
        **files,
        MANIFEST: _without(files[MANIFEST], name),
        name: files[name].replace(b"0", b"1"),
    }
    with suppress(VerificationError):
        assert load_build(changed, book.texts) is None


# --- the same rulebook, the same bytes ----------------------------------------------------------


def test_the_same_bytes_from_the_same_texts(book: ir.Rulebook, files: dict[str, bytes]) -> None:
    again = compiled(LITTLE, LITTLE_PACK)
    assert again is not book
    assert build(again) == files
    assert generate(compiled(FACTS, PACK, AGREEMENT)) == generate(compiled(FACTS, PACK, AGREEMENT))


def test_the_same_bytes_in_another_process(
    book: ir.Rulebook, files: dict[str, bytes], tmp_path: Path
) -> None:
    """Sets have another order in each process; nothing of it may show."""
    for name, text in book.texts.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    command = [
        sys.executable,
        "-m",
        "heyi",
        "rules",
        "build",
        "--rulebook",
        str(tmp_path),
        "--json",
    ]
    environment = {**os.environ, "PYTHONHASHSEED": "1"}
    subprocess.run(command, env=environment, check=True, timeout=HANGING, stdout=subprocess.DEVNULL)
    assert read_build(tmp_path) == files


# --- the shipped build --------------------------------------------------------------------------


def test_the_shipped_build_is_that_of_the_packs() -> None:
    texts, built = read_rulebook(), read_build()
    ready = load_build(built, texts)
    assert ready is not None, "run `heyi rules build`"
    shipped = compile_rulebook(texts)
    assert json.loads(built[IR]) == ir_json.to_json(shipped)
    assert json.loads(built[LAYOUT])["layout"] == layout(shipped.schema)


def test_the_shipped_build_is_loaded_without_compiling_a_text(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    texts, built = read_rulebook(), read_build()

    def compiled(*_: object) -> None:
        raise AssertionError("the texts were compiled")

    for name in ("compile_rulebook", "run_case"):
        monkeypatch.setattr(f"heyi.policy.cases.{name}", compiled)
    assert load_rulebook(texts, built).readings == ("bytecode", "python")
    with pytest.raises(AssertionError, match="were compiled"):
        load_rulebook(texts)
