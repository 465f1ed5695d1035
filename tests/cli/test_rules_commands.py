"""`heyi rules`: check, build, prove, diff, boundaries, test, show; for persons and programs."""

from __future__ import annotations

import datetime as dt
import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from heyi.app.rulebooks import shelf, shipped_point
from heyi.cli import main
from heyi.crypto.canonical import digest_bytes
from heyi.policy.engines.packed import unpack
from heyi.sources.rulebook import read_rulebook
from tests.support.books import OFFICE, article, pack, rule, schema
from tests.support.story import Story

FACTS = schema(
    *("personal", "consent", "guardian", "withdrawn!", "n 0..9", "parts {x|y}", OFFICE),
    main="personal; regulation",
)
CASES = """```case consented
given:  {personal: true, consent: true, withdrawn: false, n: 5}
expect: {outcome: permit-with-obligations, fires: [X-1.1]}
```
```case of-few
given:  {personal: true, consent: true, withdrawn: false, n: 4, guardian: false}
expect: {outcome: deny, curable: true, missing: [guardian]}
```
"""
PACK = pack(
    rule("X-1.1 ground", "consent", track="main"),
    rule("X-1.2 forbid", "personal && withdrawn", says="{zh: 已撤回, en: it was withdrawn}"),
    rule("X-1.3 require", "personal && n < 5", needs="guardian"),
    rule("X-1.4 oblige", "personal", owes="handler until 3 years after processing"),
)
HOPELESS = "no request with personal && withdrawn is ever permitted"
"""A claim that holds."""
REFUTED = "no request with personal is ever permitted"


class Done(NamedTuple):
    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        """The one JSON object on stdout."""
        value = json.loads(self.out)
        assert isinstance(value, dict)
        return value


Heyi = Callable[..., Done]


@pytest.fixture
def heyi(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Heyi:
    """Run a command in this process, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.delenv("HEYI_LANG", raising=False)

    def run(*arguments: str | Path) -> Done:
        monkeypatch.setattr(sys, "argv", ["heyi", *map(str, arguments)])
        capsys.readouterr()
        shelf.cache_clear()  # each command is a process of its own, and starts with an empty shelf
        with pytest.raises(SystemExit) as stopped:
            main()
        assert isinstance(stopped.value.code, int)
        return Done(stopped.value.code, *capsys.readouterr())

    return run


def folder(where: Path, *packs: str, facts: str = FACTS, name: str = "own") -> Path:
    own = where / name
    own.mkdir()
    (own / "facts.toml").write_text(facts, encoding="utf-8")
    for i, text in enumerate(packs):
        (own / f"{i}.md").write_text(text, encoding="utf-8")
    return own


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A rulebook of four rules."""
    return folder(tmp_path, PACK)


def written(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


# --- check ----------------------------------------------------------------------------------------


def test_check_says_what_the_rulebook_holds_and_that_the_laws_hold(heyi: Heyi, own: Path) -> None:
    done = heyi("rules", "check", "--rulebook", own, "--json")
    assert (done.code, done.err) == (0, "")
    said = done.json
    assert (said["rules"], said["cases"], said["built"], said["articles"]) == (4, 0, False, 1)
    assert said["effects"] == {"forbid": 1, "ground": 1, "oblige": 1, "require": 1}
    assert [law["law"] for law in said["laws"]] == ["L1", "L2", "L3"]
    assert all(law["proved"] for law in said["laws"])
    for lang in ("zh", "en"):
        told = heyi("rules", "check", "--rulebook", own, "--lang", lang)
        assert told.code == 0
        assert (
            "规则库 rulebook" in told.out
            and said["digest"] in told.out
            and "✓ L3 no ground, no permit" in told.out
        )


@pytest.mark.parametrize(
    ("lang", "words"),
    [("zh", "任何申请在任何日期都不会适用"), ("en", "no request on any day")],
)
def test_check_fails_on_a_rule_that_can_never_apply(
    heyi: Heyi, tmp_path: Path, lang: str, words: str
) -> None:
    own = folder(tmp_path, PACK + rule("X-1.5 forbid", "n > 3 && n < 3"))
    told = heyi("rules", "check", "--rulebook", own, "--lang", lang)
    assert told.code == 1
    line = next(li for li in told.out.splitlines() if li.startswith("✗"))
    head = 1 + (own / "0.md").read_text(encoding="utf-8").splitlines().index("```rule X-1.5 forbid")
    assert f"0.md:{head}" in line or f"0.md:{head + 1}" in line, "the rule or its condition"
    assert all(w in line for w in ("dead", "X-1.5", words))
    said = heyi("rules", "check", "--rulebook", own, "--json")
    assert said.code == 1
    assert [(f["kind"], f["subject"]) for f in said.json["findings"]] == [("dead", "X-1.5")]


def test_what_is_for_a_person_to_look_at_is_no_failure(heyi: Heyi, tmp_path: Path) -> None:
    own = folder(
        tmp_path,
        PACK + article("X-2") + article("X-3") + rule("X-3.1 forbid", "personal && withdrawn"),
    )
    done = heyi("rules", "check", "--rulebook", own, "--json")
    assert done.code == 0
    found = {(f["kind"], f["subject"]) for f in done.json["findings"]}
    assert found == {("bare", "X-2"), ("redundant", "X-1.2"), ("redundant", "X-3.1")}


def test_check_of_the_shipped_rulebook(heyi: Heyi) -> None:
    done = heyi("rules", "check", "--json")
    assert (done.code, done.json["built"]) == (0, True)
    assert {law["law"] for law in done.json["laws"]} == {"L1", "L2", "L3", "L4"}
    assert not [f for f in done.json["findings"] if f["kind"] == "dead"]


# --- build ----------------------------------------------------------------------------------------


def test_build_writes_what_decide_then_uses(heyi: Heyi, own: Path, tmp_path: Path) -> None:
    assert heyi("rules", "build", "--rulebook", own, "--verify").code == 1
    assert not (own / "built").exists(), "verifying writes nothing"
    done = heyi("rules", "build", "--rulebook", own, "--json")
    assert (done.code, done.json["unchanged"], done.json["folder"]) == (
        0,
        False,
        str(own / "built"),
    )
    sizes = {p.name: p.stat().st_size for p in (own / "built").iterdir()}
    assert done.json["bytes"] == sizes
    assert done.json["contract"] > 0 and len(done.json["parts"]) == 1
    assert shipped_point(own).readings == ("bytecode", "python")
    again = heyi("rules", "build", "--rulebook", own, "--json")
    assert (again.code, again.json["unchanged"]) == (0, True)
    assert heyi("rules", "build", "--rulebook", own, "--verify").code == 0
    assert heyi("rules", "check", "--rulebook", own, "--json").json["built"] is True

    facts = written(
        tmp_path / "facts.yaml", "personal: true\nconsent: true\nwithdrawn: false\nn: 5\n"
    )
    asked = ("decide", facts, "--rulebook", own, "--at", "2026-12-01", "--json")
    assert heyi(*asked).json["outcome"] == "permit-with-obligations"

    # The bytecode of the build is one of the two readings. Here it is that of another rulebook,
    # with a manifest that fits, so the readings differ: the answer is no and says where.
    different = folder(tmp_path, PACK.replace("personal && n < 5", "personal && n < 6"), name="not")
    assert heyi("rules", "build", "--rulebook", different).code == 0
    other = (different / "built" / "bytecode.json").read_bytes()
    manifest = json.loads((own / "built" / "manifest.json").read_bytes())
    manifest["files"]["bytecode.json"] = digest_bytes(other)
    (own / "built" / "bytecode.json").write_bytes(other)
    (own / "built" / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    spoilt = heyi(*asked)
    assert (spoilt.code, spoilt.json["outcome"]) == (3, "deny")
    assert "X-1.3" in spoilt.json["alarm"]
    assert heyi("rules", "build", "--rulebook", own, "--verify").code == 1

    # other texts: the build is not theirs, and the packs are compiled
    written(own / "0.md", PACK.replace("personal && n < 5", "personal && n < 3"))
    anew = heyi(*asked)
    assert (anew.code, anew.json["outcome"]) == (0, "permit-with-obligations")
    assert "alarm" not in anew.json


def test_a_damaged_build_is_told_and_mended(heyi: Heyi, own: Path, tmp_path: Path) -> None:
    facts = written(tmp_path / "facts.yaml", "personal: false\n")
    assert heyi("rules", "build", "--rulebook", own).code == 0
    with (own / "built" / "ir.json").open("ab") as file:
        file.write(b" ")
    done = heyi("decide", facts, "--rulebook", own, "--json")
    assert (done.code, done.json["exit_code"]) == (1, 1)
    assert "`ir.json`" in done.json["error"]
    told = heyi("rules", "build", "--rulebook", own)
    assert told.code == 0
    assert all(
        f"{key}: " in told.out
        for key in ("folder", "compiler", "evm_version", "contract", "dispatcher")
    )
    assert heyi("decide", facts, "--rulebook", own).code == 0


def test_verify_says_what_to_do(heyi: Heyi, own: Path) -> None:
    done = heyi("rules", "build", "--rulebook", own, "--verify")
    assert done.code == 1
    assert "the build is not that of the packs" in done.err and "heyi rules build" in done.err


def test_a_folder_that_cannot_be_written(heyi: Heyi, own: Path) -> None:
    (own / "built").write_text("a file where the folder should be", encoding="utf-8")
    done = heyi("rules", "build", "--rulebook", own, "--json")
    assert (done.code, done.json["exit_code"]) == (2, 2)
    assert "cannot write" in done.json["error"]


def test_a_pack_whose_case_fails_is_not_built(heyi: Heyi, tmp_path: Path) -> None:
    own = folder(tmp_path, PACK + CASES.replace("fires: [X-1.1]", "fires: [X-1.2]"))
    done = heyi("rules", "build", "--rulebook", own)
    assert done.code == 2
    assert "case `consented` fails" in done.err
    assert not (own / "built").exists()


def test_verify_prints_one_object_where_the_build_is_not_that_of_the_packs(
    heyi: Heyi, own: Path
) -> None:
    done = heyi("rules", "build", "--rulebook", own, "--verify", "--json")
    assert (done.code, done.json["exit_code"]) == (1, 1)


def test_a_file_of_somebody_else_does_not_spoil_the_build(heyi: Heyi, own: Path) -> None:
    assert heyi("rules", "build", "--rulebook", own).code == 0
    written(own / "built" / ".DS_Store", "of the desktop")
    assert heyi("rules", "build", "--rulebook", own).code == 0
    assert heyi("rules", "build", "--rulebook", own, "--verify").code == 0


def test_a_damaged_manifest_is_told(heyi: Heyi, own: Path) -> None:
    assert heyi("rules", "build", "--rulebook", own).code == 0
    written(own / "built" / "manifest.json", "{")
    assert heyi("rules", "check", "--rulebook", own).code in (0, 1)


def test_a_rulebook_without_rules_is_built_or_refused(heyi: Heyi, tmp_path: Path) -> None:
    assert heyi("rules", "build", "--rulebook", folder(tmp_path, pack())).code in (0, 2)


def test_a_rulebook_without_packs_is_refused(heyi: Heyi, tmp_path: Path) -> None:
    facts = written(tmp_path / "facts.yaml", "personal: false\n")
    assert heyi("decide", facts, "--rulebook", folder(tmp_path)).code == 2


# --- prove ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_a_claim_that_holds(heyi: Heyi, own: Path, lang: str) -> None:
    for claim in (HOPELESS, "凡 personal && withdrawn 的申请，一律予以拒绝且不可补正"):
        told = heyi("rules", "prove", claim, "--rulebook", own, "--lang", lang)
        assert (told.code, told.out, told.err) == (0, "✓ 已证明 proved\n", "")
        said = heyi("rules", "prove", claim, "--rulebook", own, "--lang", lang, "--json")
        assert (said.code, said.json) == (0, {"claim": claim, "proved": True, "vacuous": False})


def test_a_counterexample_is_told_in_both_languages(heyi: Heyi, own: Path) -> None:
    zh = heyi("rules", "prove", REFUTED, "--rulebook", own)
    en = heyi("rules", "prove", REFUTED, "--rulebook", own, "--lang", "en")
    assert (zh.code, en.code) == (1, 1)
    assert (
        "✗ 不成立 refuted: 准许" in zh.out
        and "法律日 [legal_day]: " in zh.out
        and "[personal]: 是" in zh.out
    )
    assert "✗ 不成立 refuted: permitted" in en.out and "legal day [legal_day]: " in en.out
    assert "[personal]: yes" in en.out
    assert f": {dt.date.today()}" in en.out, "of today, where today will do"


@pytest.mark.parametrize(
    "claim",
    [
        REFUTED,
        'every request with personal && overlap(parts, ["y"]) is denied',
        "every request with personal && consent is permitted",
        'no request with personal && legal_day < date("2020-01-01") is ever denied',
        'no request with !personal && subset(parts, ["x"]) is ever permitted',
    ],
)
def test_decide_answers_a_counterexample_as_it_was_told(
    heyi: Heyi, own: Path, tmp_path: Path, claim: str
) -> None:
    """The JSON of a counterexample has the form that `heyi decide` reads."""
    done = heyi("rules", "prove", claim, "--rulebook", own, "--json")
    assert (done.code, done.json["proved"]) == (1, False)
    facts = written(tmp_path / "facts.json", json.dumps(done.json["counterexample"]))
    answer = heyi("decide", facts, "--rulebook", own, "--json").json
    assert (answer["outcome"], answer["curable"]) == (done.json["outcome"], done.json["curable"])
    assert answer["legal_day"] == done.json["counterexample"]["legal_day"]


def test_prove_against_the_shipped_rulebook(heyi: Heyi, tmp_path: Path) -> None:
    withdrawn = (
        'data.personal && basis.kind == "consent" && consent.withdrawn && act.action != "delete"'
    )
    claim = f"no request with {withdrawn} is ever permitted"
    assert heyi("rules", "prove", claim).code == 0
    refuted = heyi("rules", "prove", "凡 consent.withdrawn 的申请，一律不予准许", "--json")
    assert refuted.code == 1
    facts = written(tmp_path / "facts.json", json.dumps(refuted.json["counterexample"]))
    assert heyi("decide", facts).code == 0, "a permit"


@pytest.mark.parametrize(
    ("claim", "words"),
    [
        (
            "all is well",
            ["this is no claim that can be proved", "no request with CONDITION is ever permitted"],
        ),
        (
            "no request with personl is ever permitted",
            ["unknown fact `personl`", "did you mean `personal`?"],
        ),
        ("凡 n < 10 的申请，一律不予准许", ["`n` is 10, outside 0 to 9"]),
    ],
)
def test_what_is_no_claim_is_misuse(heyi: Heyi, own: Path, claim: str, words: list[str]) -> None:
    told = heyi("rules", "prove", claim, "--rulebook", own)
    assert (told.code, told.out) == (2, "")
    assert all(w in told.err for w in words)
    said = heyi("rules", "prove", claim, "--rulebook", own, "--json")
    assert (said.code, said.json["exit_code"]) == (2, 2)
    assert all(w in said.json["error"] + said.json["hint"] for w in words)


def test_the_caret_stands_below_the_fault(heyi: Heyi, own: Path) -> None:
    told = heyi(
        "rules", "prove", "every request with personal && consnet is denied", "--rulebook", own
    )
    lines = told.err.splitlines()
    caret = next(i for i, line in enumerate(lines) if line.strip() == "^")
    assert lines[caret].index("^") == lines[caret - 1].index("consnet")


# --- diff -----------------------------------------------------------------------------------------


def test_a_stricter_version(heyi: Heyi, own: Path, tmp_path: Path) -> None:
    new = folder(tmp_path, PACK.replace("personal && n < 5", "personal && n < 7"), name="new")
    done = heyi("rules", "diff", own, new, "--json")
    assert done.code == 0
    said = done.json
    assert (said["verdict"], said["changed"], said["added"], said["removed"]) == (
        "stricter",
        ["X-1.3"],
        [],
        [],
    )
    assert "looser" not in said and "replay" not in said
    facts = written(tmp_path / "facts.json", json.dumps(said["stricter"]["request"]))
    for book, key in ((own, "before"), (new, "after")):
        answer = heyi("decide", facts, "--rulebook", book, "--json").json
        assert {"outcome": answer["outcome"], "curable": answer["curable"]} == said["stricter"][key]
    zh, en = (heyi("rules", "diff", own, new, "--lang", lang).out for lang in ("zh", "en"))
    assert zh.startswith("更严 stricter\n") and en.startswith("更严 stricter\n")
    assert "变更 changed: X-1.3" in zh and "更严 stricter: " in zh and " → 不准许，可补正" in zh
    assert " → denied, can be cured" in en


def test_other_verdicts(heyi: Heyi, own: Path, tmp_path: Path) -> None:
    looser = folder(tmp_path, PACK.replace("n < 5", "n < 4"), name="looser")
    both = folder(
        tmp_path, PACK.replace("personal && n < 5", "personal && n < 4 || n == 8"), name="both"
    )
    assert heyi("rules", "diff", own, own).out == "没有变化 same\n"
    assert heyi("rules", "diff", own, looser).out.startswith("更宽 looser\n")
    told = heyi("rules", "diff", own, both).out
    assert (
        told.startswith("有严有宽 both\n") and "更严 stricter: " in told and "更宽 looser: " in told
    )
    more = folder(tmp_path, PACK + rule("X-1.5 forbid", "false"), name="more")
    assert "新增 added: X-1.5" in heyi("rules", "diff", own, more).out
    assert "删除 removed: X-1.5" in heyi("rules", "diff", more, own).out
    words = folder(tmp_path, PACK.replace("it was withdrawn", "withdrawn"), name="words")
    assert "措辞 reworded: X-1.2" in heyi("rules", "diff", own, words).out


def shipped_copy(where: Path) -> Path:
    """The shipped rulebook without its worked cases, which would fail under stricter rules."""
    copy = where / "copy"
    for file, text in read_rulebook().items():
        (copy / file).parent.mkdir(parents=True, exist_ok=True)
        written(copy / file, re.sub(r"^```case .*?^```$", "", text, flags=re.DOTALL | re.MULTILINE))
    return copy


def test_replay_over_the_story(heyi: Heyi, story: Story, tmp_path: Path) -> None:
    same = heyi("rules", "diff", "shipped", "shipped", "--replay", story.directory, "--json")
    assert same.code == 0
    assert (same.json["verdict"], same.json["replay"]["changed"]) == ("same", [])
    assert (same.json["replay"]["erased"], same.json["replay"]["decided"] > 20) == (1, True)

    copy = shipped_copy(tmp_path)
    harder = pack(rule("H-1.1 forbid", 'act.action == "provide"'), name="H", rank="agreement")
    written(copy / "local" / "harder.md", harder)
    done = heyi("rules", "diff", "shipped", copy, "--replay", story.directory, "--json")
    assert (done.code, done.json["verdict"], done.json["added"]) == (0, "stricter", ["H-1.1"])
    assert done.json["replay"]["decided"] == same.json["replay"]["decided"]
    changed = done.json["replay"]["changed"]
    assert {c["case"] for c in changed} >= {"referral"}
    assert all(c["after"] == {"outcome": "deny", "curable": False} != c["before"] for c in changed)
    told = heyi("rules", "diff", "shipped", copy, "--replay", story.directory, "--lang", "en")
    assert f"变化 changed: {len(changed)}" in told.out and "已删除 erased: 1" in told.out
    referral = next(c for c in changed if c["case"] == "referral")
    assert (
        f"{referral['entry']} referral {referral['asset']}: permitted, with obligations → denied"
        in told.out
    )


def test_a_fact_that_means_something_else_is_misuse(heyi: Heyi, own: Path, tmp_path: Path) -> None:
    other = folder(tmp_path, PACK, facts=FACTS.replace("max = 9", "max = 99"), name="other")
    done = heyi("rules", "diff", own, other, "--json")
    assert (done.code, "`n` is another fact" in done.json["error"]) == (2, True)


@pytest.mark.parametrize("content", [None, b"", b"no database at all"])
def test_a_run_that_cannot_be_read(
    heyi: Heyi, own: Path, tmp_path: Path, content: bytes | None
) -> None:
    run = tmp_path / "run"
    if content is not None:
        run.mkdir()
        (run / "heyi.db").write_bytes(content)
    done = heyi("rules", "diff", own, own, "--replay", run, "--json")
    assert done.code in (1, 2)
    assert done.json["exit_code"] == done.code
    assert done.json["error"]


# --- boundaries -----------------------------------------------------------------------------------


def test_boundaries_as_a_program_and_as_a_person_see_them(
    heyi: Heyi, own: Path, tmp_path: Path
) -> None:
    idle = folder(
        tmp_path, PACK + rule("X-1.5 forbid", "personal && n >= 0 && withdrawn"), name="idle"
    )
    done = heyi("rules", "boundaries", "--rulebook", idle, "--json")
    assert done.code == 0
    assert done.json["idle"] == [{"rule": "X-1.5", "part": "applies", "fact": "n", "value": 0}]
    told = heyi("rules", "boundaries", "--rulebook", idle)
    first, *rest = told.out.splitlines()
    assert (
        first
        == f"{done.json['thresholds']} 个阈值 thresholds，{done.json['requests']} 个申请 requests"
    )
    assert rest == ["  · X-1.5 applies: n 0 无关紧要 nothing depends on it"]
    assert heyi("rules", "boundaries", "--rulebook", own, "--json").json["idle"] == []


def test_boundaries_are_written_as_vectors(heyi: Heyi, own: Path, tmp_path: Path) -> None:
    to = tmp_path / "vectors.json"
    done = heyi("rules", "boundaries", "--rulebook", own, "--out", to, "--json")
    assert done.code == 0
    vectors = json.loads(to.read_text(encoding="utf-8"))
    assert len(vectors["thresholds"]) == done.json["thresholds"]
    point = shipped_point(own)
    requests = [r for t in vectors["thresholds"] for r in t["requests"]]
    assert len(requests) == done.json["requests"] > 10
    for request in requests:
        known = unpack(point.book.schema, [int(w, 16) for w in request["words"]])
        outcome, curable = point.outcome(known)
        assert (outcome.value, curable) == (request["outcome"], request["curable"])


def test_vectors_that_cannot_be_written(heyi: Heyi, own: Path, tmp_path: Path) -> None:
    done = heyi(
        "rules",
        "boundaries",
        "--rulebook",
        own,
        "--out",
        tmp_path / "nowhere" / "vectors.json",
        "--json",
    )
    assert (done.code, done.json["exit_code"]) == (2, 2)


# --- test -----------------------------------------------------------------------------------------


def test_cases_and_what_they_try(heyi: Heyi, tmp_path: Path) -> None:
    own = folder(tmp_path, PACK + CASES)
    done = heyi("rules", "test", "--rulebook", own, "--coverage", "--json")
    assert (done.code, done.json["cases"], done.json["failed"]) == (0, 2, [])
    by_rule = {t["rule"]: t for t in done.json["coverage"]}
    assert by_rule["X-1.3"]["truths"] == ["T", "F"]
    assert by_rule["X-1.2"]["untried"] == [
        {"atom": "“personal”", "never": False},
        {"atom": "“withdrawn”", "never": True},
    ]
    assert heyi("rules", "test", "--rulebook", own).out == "2 / 2 用例通过 cases pass\n"
    zh, en = (
        heyi("rules", "test", "--rulebook", own, "--coverage", "--lang", lang).out
        for lang in ("zh", "en")
    )
    assert "· X-1.2  F" in zh and "“withdrawn”: 从未为真" in zh and "“personal”: never false" in en
    assert zh.splitlines()[-1].startswith("0 / 4 条规则已充分试过")


def test_a_case_that_fails(heyi: Heyi, tmp_path: Path) -> None:
    own = folder(tmp_path, PACK + CASES.replace("missing: [guardian]", "missing: [consent]"))
    done = heyi("rules", "test", "--rulebook", own, "--json")
    assert done.code == 1
    (failed,) = done.json["failed"]
    text = (own / "0.md").read_text(encoding="utf-8").splitlines()
    assert (failed["case"], failed["faults"]) == ("of-few", ["missing lacks consent"])
    assert text[failed["line"] - 1] == "```case of-few"
    told = heyi("rules", "test", "--rulebook", own)
    assert told.code == 1
    assert f"✗ 0.md:{failed['line']} of-few: missing lacks consent" in told.out
    assert "1 / 2 用例通过 cases pass" in told.out


def test_the_shipped_cases_pass(heyi: Heyi) -> None:
    done = heyi("rules", "test", "--coverage", "--json")
    assert (done.code, done.json["failed"]) == (0, [])
    rules = [t["rule"] for t in done.json["coverage"]]
    shown = [r["id"] for r in heyi("rules", "show", "--json").json["rules"]]
    assert rules == [r for r in shown if not r.startswith(("GDPR", "EHDS"))] != shown, (
        "law that nobody named is shown"
    )


# --- show -----------------------------------------------------------------------------------------


def test_show_in_words(heyi: Heyi, own: Path) -> None:
    zh = heyi("rules", "show", "X-1.2", "--rulebook", own).out
    en = heyi("rules", "show", "X-1.2", "--rulebook", own, "--as", "en").out
    assert "禁止: 已撤回" in zh and "“personal”，且“withdrawn”" in zh and "X-1  X法 · 条" in zh
    assert (
        "forbidden: it was withdrawn" in en
        and "“personal”, and “withdrawn”" in en
        and "X-1  X Act · Article" in en
    )
    assert "X-1.1" not in zh
    shown = heyi("rules", "show", "X-1", "--rulebook", own, "--json").json["rules"]
    assert [r["id"] for r in shown] == ["X-1.1", "X-1.2", "X-1.3", "X-1.4"]
    assert shown[3]["en"][-1] == "due: until 3 years after processing"
    assert shown[3]["zh"][-1] == "期限: 至处理后3年"


def test_show_as_python(heyi: Heyi, own: Path) -> None:
    source = heyi("rules", "show", "X-1.3", "--rulebook", own, "--as", "python").out
    space: dict[str, Any] = {}
    exec(compile(source, "shown", "exec"), space)
    assert callable(space["masks"]) and callable(space["could"])
    assert " 5" in source


def test_show_as_vyper(heyi: Heyi, own: Path) -> None:
    from vyper.compiler import compile_code

    source = heyi("rules", "show", "X-1.3", "--rulebook", own, "--as", "vyper").out
    compiled = compile_code(source, output_formats=["method_identifiers"])
    assert [m.partition("(")[0] for m in compiled["method_identifiers"]] == ["decide"]


def test_show_as_smt(heyi: Heyi, own: Path) -> None:
    """The text is one that z3 reads: the rule can apply, but on no day before its article."""
    import z3

    source = heyi("rules", "show", "X-1.3", "--rulebook", own, "--as", "smt").out
    assert source.startswith("; X-1.3 applies\n")
    solver = z3.Solver()
    solver.from_string(source)
    assert solver.check() == z3.sat
    solver.add(z3.Int("legal_day") < dt.date(2020, 1, 1).toordinal())
    assert solver.check() == z3.unsat
    several = heyi("rules", "show", "X-1", "--rulebook", own, "--as", "smt").out
    assert several.count("(check-sat)") == 4


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["show", "X-9"], "no rule, article or instrument `X-9`"),
        (["show", "X-1", "--as", "cobol"], "`cobol`; write zh, en, python, vyper, smt"),
        (["show", "--lang", "fr"], "`fr` is not a language here"),
        (["check", "--lang", "fr"], "`fr` is not a language here"),
        (["prove", REFUTED, "--lang", "fr"], "`fr` is not a language here"),
        (["prove"], "Missing argument"),
        (["nonsense"], "No such command"),
    ],
)
def test_misuse(heyi: Heyi, own: Path, arguments: list[str], words: str) -> None:
    book = ["--rulebook", own] if arguments != ["nonsense"] else []
    told = heyi("rules", *arguments, *book)
    assert (told.code, told.out) == (2, "")
    assert words in told.err


# --- a rulebook that cannot be read ---------------------------------------------------------------

COMMANDS: list[list[str]] = [
    ["check"],
    ["build"],
    ["build", "--verify"],
    ["prove", REFUTED],
    ["boundaries"],
    ["test"],
]
COMMANDS += [["test", "--coverage"], ["show"], ["show", "--as", "smt"]]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_rulebook_that_is_none(heyi: Heyi, tmp_path: Path, command: list[str]) -> None:
    absent, empty, broken = (
        tmp_path / "absent",
        tmp_path / "empty",
        folder(tmp_path, PACK.replace("n < 5", "m < 5")),
    )
    empty.mkdir()
    for book, words in (
        (absent, "cannot read the rulebook"),
        (empty, "has no facts.toml"),
        (broken, "unknown fact `m`"),
    ):
        done = heyi("rules", *command, "--rulebook", book, "--json")
        assert (done.code, done.json["exit_code"]) == (2, 2)
        assert words in done.json["error"]
        told = heyi("rules", *command, "--rulebook", book)
        assert (told.code, told.out) == (2, "")
        assert "错误 error:" in told.err and words in told.err
    assert not (broken / "built").exists()


def test_diff_of_a_rulebook_that_is_none(heyi: Heyi, own: Path, tmp_path: Path) -> None:
    for pair in ((own, tmp_path / "absent"), (tmp_path / "absent", own)):
        done = heyi("rules", "diff", *pair, "--json")
        assert (done.code, "cannot read the rulebook" in done.json["error"]) == (2, True)
