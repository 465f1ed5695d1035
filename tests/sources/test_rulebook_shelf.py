"""The shelf: a rulebook compiles once, code beside it never runs, a damaged cache is made anew."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from heyi.crypto.canonical import digest_bytes
from heyi.model.errors import RuleError, VerificationError
from heyi.policy.cases import checked_rulebook
from heyi.policy.decide import DecisionPoint
from heyi.policy.engines import build as builds
from heyi.policy.language import ir
from heyi.sources.rulebook import read_build, read_rulebook
from heyi.sources.rulebook_shelf import MOST, RulebookShelf, cache_folder

FACTS = """
[fact.legal_day]
type = "date"
zh = "法律日"
en = "legal day"
slot = [0, 0]
source = "registry"

[fact.open]
type = "bool"
zh = "公开"
en = "open"
slot = [0, 40]
source = "declared"
changed_by = ["requester"]
"""
PACK = """---
id: X
instrument: {zh: 例法, en: Example law}
rank: law
jurisdiction: cn
---

## 条 {#X-1 from=2021-01-01 en="Article"}
> 条文。An example.

```rule X-1.1 forbid
when: open
party: handler
says: {zh: 不得公开, en: must not be open}
```
"""
posix = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no owners of files")
TEXTS = {"facts.toml": FACTS, "x.md": PACK}


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The digests that were compiled, in order."""
    seen: list[str] = []
    really = checked_rulebook

    def counted(texts: Mapping[str, str]) -> ir.Rulebook:
        book = really(texts)
        seen.append(book.digest)
        return book

    monkeypatch.setattr("heyi.policy.cases.checked_rulebook", counted)
    return seen


def test_the_shipped_rulebook_comes_from_its_build(tmp_path: Path, compiled: list[str]) -> None:
    point = RulebookShelf(tmp_path).point(read_rulebook())
    assert compiled == [] and point.readings[1] == "python"
    assert list(tmp_path.iterdir()) == []


def test_another_rulebook_is_compiled_once(tmp_path: Path, compiled: list[str]) -> None:
    first, second = RulebookShelf(tmp_path), RulebookShelf(tmp_path)
    point = first.point(TEXTS)
    assert first.point(TEXTS) is point
    again = second.point(TEXTS)
    assert compiled == [point.book.digest]
    assert again.book.rules == point.book.rules and again.book.digest == point.book.digest
    other = {**TEXTS, "x.md": PACK.replace("when: open", "when: !open")}
    assert second.point(other).book.digest == compiled[1] != compiled[0]


def test_without_a_cache_it_is_compiled_in_each_process(compiled: list[str]) -> None:
    RulebookShelf(None).point(TEXTS)
    RulebookShelf(None).point(TEXTS)
    assert len(compiled) == 2


@pytest.mark.parametrize(
    "content", [b"", b"{}", b"[1]", b"null", b"\xff", b'{"ir.json": 1}', b'{"manifest.json": "{}"}']
)
def test_a_damaged_cache_is_made_anew(tmp_path: Path, compiled: list[str], content: bytes) -> None:
    RulebookShelf(tmp_path).point(TEXTS)
    (kept,) = tmp_path.iterdir()
    whole = kept.read_bytes()
    kept.write_bytes(content)
    RulebookShelf(tmp_path).point(TEXTS)
    assert len(compiled) == 2 and kept.read_bytes() == whole


def test_files_of_somebody_else_stay(tmp_path: Path) -> None:
    own = [tmp_path / f"mine{i}.json" for i in range(MOST + 8)]
    for file in own:
        file.write_text("{}")
    RulebookShelf(tmp_path).point(TEXTS)
    assert all(file.exists() for file in own)
    assert len(list(tmp_path.iterdir())) == len(own) + 1


def forged(cache: Path, condition: object) -> None:
    """Exchange the condition of the only rule in the cache, with every digest right."""
    (kept,) = cache.iterdir()
    files = json.loads(kept.read_text())
    parsed = json.loads(files["ir.json"])
    parsed["rules"][0]["applies"] = condition
    files["ir.json"] = json.dumps(parsed)
    manifest = json.loads(files["manifest.json"])
    manifest["files"]["ir.json"] = digest_bytes(files["ir.json"].encode())
    files["manifest.json"] = json.dumps(manifest)
    kept.write_text(json.dumps(files))


DEEP: object = {"fact": "open"}
for _ in range(5_000):
    DEEP = {"not": DEEP}


@pytest.mark.parametrize(
    "condition",
    [
        {"in": []},
        {"fact": "nope"},
        {"fact": "legal_day"},
        {"==": [1, 2]},
        {">=": [{"fact": "legal_day"}, "(("]},
        {">=": [{"fact": "legal_day"}, True]},
        {"==": [{"fact": "open"}, {"fact": "legal_day"}]},
        {"in": ["legal_day", ["a"]]},
        {"overlap": ["open", ["a"]]},
        {"all": [{"fact": 5}]},
        {"constant": "yes"},
        {},
        5,
        None,
    ],
    ids=repr,
)
def test_a_condition_that_no_pack_can_have_is_not_believed(
    tmp_path: Path, compiled: list[str], condition: object
) -> None:
    honest = RulebookShelf(tmp_path).point(TEXTS)
    forged(tmp_path, condition)
    again = RulebookShelf(tmp_path).point(TEXTS)
    assert again.book.rules == honest.book.rules and len(compiled) == 2


@posix
def test_a_cache_file_that_is_not_the_readers_own_is_not_believed(
    tmp_path: Path, compiled: list[str]
) -> None:
    RulebookShelf(tmp_path).point(TEXTS)
    forged(tmp_path, {"constant": False})
    (kept,) = tmp_path.iterdir()
    kept.chmod(0o666)
    RulebookShelf(tmp_path).point(TEXTS)
    assert len(compiled) == 2
    kept.unlink()
    os.mkfifo(kept)
    assert RulebookShelf(tmp_path).point(TEXTS).book.rules and len(compiled) == 3


def test_what_lies_in_a_build_is_told_and_never_a_traceback() -> None:
    point = RulebookShelf(None).point(TEXTS)
    beside = builds.build(point.book)
    for content in (b"[" * 100_000, b"5", b"[]", b"null", b"\xff", b'{"merged": 5}'):
        for name in (builds.MANIFEST, builds.BYTECODE):
            spoilt = (
                lying(beside, content) if name == builds.BYTECODE else {**beside, name: content}
            )
            with pytest.raises(VerificationError, match="cannot be read"):
                RulebookShelf(None).point(TEXTS, spoilt)


def test_parts_without_end_are_not_deployed() -> None:
    point = RulebookShelf(None).point(TEXTS)
    beside = builds.build(point.book)
    code = {**json.loads(beside[builds.BYTECODE]), "merged": "", "parts": ["00"] * 300}
    with pytest.raises(VerificationError, match="300 parts"):
        RulebookShelf(None).point(TEXTS, lying(beside, json.dumps(code).encode()))


def test_a_build_that_says_other_than_the_packs_is_not_theirs() -> None:
    book = RulebookShelf(None).point(TEXTS).book
    files = builds.build(book)
    assert builds.is_build_of(files, book)
    parsed = files[builds.IR].replace(b'"forbid"', b'"oblige"')
    manifest = json.loads(files[builds.MANIFEST])
    manifest["files"][builds.IR] = digest_bytes(parsed)
    changed = {**files, builds.IR: parsed, builds.MANIFEST: json.dumps(manifest).encode()}
    assert not builds.is_build_of(changed, book)


def test_a_changed_parsed_form_is_not_believed(tmp_path: Path, compiled: list[str]) -> None:
    RulebookShelf(tmp_path).point(TEXTS)
    (kept,) = tmp_path.iterdir()
    files = json.loads(kept.read_text())
    files["ir.json"] = files["ir.json"].replace('"forbid"', '"oblige"')
    kept.write_text(json.dumps(files))
    book = RulebookShelf(tmp_path).point(TEXTS).book
    assert [r.effect.value for r in book.rules] == ["forbid"] and len(compiled) == 2


def test_nothing_is_kept_of_what_does_not_compile(tmp_path: Path) -> None:
    with pytest.raises(RuleError):
        RulebookShelf(tmp_path).point({**TEXTS, "x.md": PACK.replace("when: open", "when: opne")})
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert RulebookShelf(tmp_path / "file" / "cache").point(TEXTS).book.rules


def test_the_cache_stays_small(tmp_path: Path) -> None:
    for n in range(MOST + 3):
        text = PACK.replace("An example.", f"An example of {n}.")
        RulebookShelf(tmp_path).point({**TEXTS, "x.md": text})
    assert len(list(tmp_path.iterdir())) == MOST


def test_code_beside_a_rulebook_is_never_executed(tmp_path: Path) -> None:
    """Python beside a rulebook is ignored, and so is a parsed form that differs from the packs."""
    point = RulebookShelf(None).point(TEXTS)
    beside = {
        **builds.build(point.book),
        "python.txt": b"raise SystemExit('executed')",
    }
    beside[builds.IR] = beside[builds.IR].replace(b'"forbid"', b'"oblige"')
    with pytest.raises(VerificationError, match="not the one that its manifest names"):
        RulebookShelf(None).point(TEXTS, beside)
    manifest = json.loads(beside[builds.MANIFEST])
    manifest["files"][builds.IR] = digest_bytes(beside[builds.IR])
    beside[builds.MANIFEST] = json.dumps(manifest).encode()
    mixed = RulebookShelf(None).point(TEXTS, beside)
    assert mixed.readings == ("bytecode", "python")
    assert [r.effect.value for r in mixed.book.rules] == ["forbid"]


def lying(beside: dict[str, bytes], content: bytes) -> dict[str, bytes]:
    """A build whose bytecode was exchanged, every digest right."""
    manifest = json.loads(beside[builds.MANIFEST])
    manifest["files"][builds.BYTECODE] = digest_bytes(content)
    return {
        **beside,
        builds.BYTECODE: content,
        builds.MANIFEST: json.dumps(manifest).encode(),
    }


def test_bytecode_that_lies_makes_no_yes(tmp_path: Path) -> None:
    """Bytecode of another rulebook, every digest right: the readings differ, the answer is no."""
    point = RulebookShelf(None).point(TEXTS)
    lenient = {**TEXTS, "x.md": PACK.replace("when: open", "when: !open && open")}
    other: DecisionPoint = RulebookShelf(None).point(lenient)
    beside = lying(builds.build(point.book), builds.build(other.book)[builds.BYTECODE])
    deceived = RulebookShelf(None).point(TEXTS, beside)
    known = {"open": True, "legal_day": 740_000}
    assert deceived.judge(known)[1] is not None and point.judge(known)[1] is None


@pytest.mark.parametrize("merged", ["", "zz", "00", "5b600056", "fe"], ids=repr)
def test_bytecode_that_is_none_ends_in_an_error_or_a_no(merged: str) -> None:
    """Also a loop without end, which runs out of gas."""
    point = RulebookShelf(None).point(TEXTS)
    beside = builds.build(point.book)
    code = {**json.loads(beside[builds.BYTECODE]), "merged": merged}
    beside = lying(beside, json.dumps(code).encode())
    try:
        deceived = RulebookShelf(None).point(TEXTS, beside)
    except VerificationError as e:
        assert "cannot be deployed" in e.message
    else:
        reading, alarm = deceived.judge({"open": False, "legal_day": 740_000})
        assert alarm is not None or reading == point.judge({"open": False, "legal_day": 740_000})[0]


def test_the_shipped_build_holds_no_code_to_execute() -> None:
    assert set(read_build()) == {builds.MANIFEST, builds.IR, builds.LAYOUT, builds.BYTECODE}


def test_a_folder_that_others_may_write_is_no_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEYI_CACHE", str(tmp_path / "own"))
    assert cache_folder() == tmp_path / "own"
    (tmp_path / "own").chmod(0o777)
    assert cache_folder() is None
    monkeypatch.setenv("HEYI_CACHE", str(tmp_path / "file" / "x"))
    (tmp_path / "file").write_text("")
    assert cache_folder() is None
    monkeypatch.delenv("HEYI_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    assert cache_folder() is None
