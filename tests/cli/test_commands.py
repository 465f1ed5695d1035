"""Each command: what it prints, where, and its exit code.

Exit codes: 0 ok, 1 failed, 2 misuse, 3 not permitted.
"""

from __future__ import annotations

import errno
import json
import os
import sqlite3
from pathlib import Path
from typing import NoReturn

import pytest

from heyi.cli.files import write_file
from heyi.model.errors import StoreError
from tests.support.command import Heyi
from tests.support.story import Story

REFERRAL = "like: referral\n"


def write(folder: Path, text: str, name: str = "facts.yaml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_decide_permits(heyi: Heyi, tmp_path: Path) -> None:
    done = heyi("decide", write(tmp_path, REFERRAL), "--at", "2026-12-01", "--json")
    answer = json.loads(done.stdout)
    assert (done.returncode, answer["outcome"]) == (0, "permit-with-obligations")
    assert answer["hypothetical"] is True
    assert answer["legal_day"] == "2026-12-01"
    keys = {
        "outcome",
        "curable",
        "rules",
        "missing",
        "unknown",
        "approvals",
        "obligations",
        "remedies",
        "rulebook",
        "asset",
    }
    assert keys <= set(answer)


def test_decide_denies_with_articles_and_a_remedy(heyi: Heyi, tmp_path: Path) -> None:
    facts = write(tmp_path, REFERRAL + "consent.separate: false\n")
    done = heyi("decide", facts, "--at", "2026-12-01", "--json")
    answer = json.loads(done.stdout)
    assert (done.returncode, answer["outcome"], answer["curable"]) == (3, "deny", True)
    assert {m["fact"] for m in answer["missing"]} == {"consent.separate"}
    assert {"PIPL-23", "PIPL-29"} <= {r["article"] for r in answer["rules"]}
    assert answer["remedies"][0]["steps"] == [
        {"fact": "consent.separate", "to": "true", "who": ["handler", "subject"]}
    ]


@pytest.mark.parametrize(
    ("lang", "words"),
    [
        ("zh", ["不准许，可补正", "个人信息保护法", "不构成法律意见"]),
        ("en", ["denied, can be cured", "not legal advice"]),
    ],
)
def test_decide_in_both_languages(heyi: Heyi, tmp_path: Path, lang: str, words: list[str]) -> None:
    done = heyi("decide", write(tmp_path, REFERRAL + "consent.separate: false\n"), "--lang", lang)
    assert all(w in done.stdout for w in words), done.stdout


def test_approval_that_is_open_is_no_permit(heyi: Heyi, tmp_path: Path) -> None:
    done = heyi("decide", write(tmp_path, "like: research-federated\n"), "--json")
    assert (done.returncode, json.loads(done.stdout)["outcome"]) == (3, "needs-approval")


def test_decide_reads_json_and_sources(heyi: Heyi, tmp_path: Path) -> None:
    body = {"like": ["referral"], "sources": {"consent.withdrawn": "declared"}}
    done = heyi("decide", write(tmp_path, json.dumps(body), "facts.json"), "--json")
    answer = json.loads(done.stdout)
    assert (done.returncode, answer["outcome"], answer["curable"]) == (3, "deny", True)
    assert answer["unknown"] == [
        {"fact": "consent.withdrawn", "because": "declared is weaker than registry"}
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "like: referral\nconsent.seperate: true\n",
            ["unknown fact `consent.seperate`", "did you mean `consent.separate`?"],
        ),
        (
            "like: referral\nact.purpose: treatmnt\n",
            ["`treatmnt` is not a value of `act.purpose`", "`treatment`"],
        ),
        ("like: referral\ndata.level: 6\n", ["`data.level` is 6, outside 1 to 5"]),
        (
            "like: referral\ndata.level: high\n",
            ["`data.level` is `high`", "a whole number from 1 to 5"],
        ),
        ("like: referal\n", ["unknown profile `referal`", "did you mean `referral`?"]),
        ("data.level: 3\ndata.level: 4\n", ["facts.yaml:2:1: duplicate key `data.level`"]),
        ("data.level: [3\n", ["facts.yaml:2"]),
        ("data.sensitive: true\n", ["`data.sensitive` is derived"]),
        ("like: referral\nsources: {data.level: hearsay}\n", ["unknown source `hearsay`"]),
        ("- a\n", ["holds no facts"]),
    ],
)
def test_bad_facts_get_a_clear_error(
    heyi: Heyi, tmp_path: Path, text: str, words: list[str]
) -> None:
    done = heyi("decide", write(tmp_path, text))
    said = " ".join(done.stderr.split())
    assert done.returncode == 2
    assert "Traceback" not in said
    assert all(w in said for w in words), said


def test_facts_that_cannot_be_read(heyi: Heyi, tmp_path: Path) -> None:
    assert heyi("decide", tmp_path / "absent.yaml").returncode == 2
    bad = tmp_path / "bad.yaml"
    bad.write_bytes("目的: 诊疗".encode("gb18030"))
    done = heyi("decide", bad)
    assert done.returncode == 2
    assert "UTF-8" in done.stderr


def test_bad_date_and_bad_language(heyi: Heyi, tmp_path: Path) -> None:
    facts = write(tmp_path, REFERRAL)
    assert heyi("decide", facts, "--at", "2026-02-30").returncode == 2
    assert heyi("decide", facts, "--lang", "fr").returncode == 2
    assert heyi("no-such-command").returncode == 2


def test_rules_show(heyi: Heyi) -> None:
    shown = json.loads(heyi("rules", "show", "PIPL-31", "--json").stdout)
    assert {r["article"] for r in shown["rules"]} == {"PIPL-31"}
    assert "监护人" in heyi("rules", "show", "PIPL-31").stdout
    assert "guardian" in heyi("rules", "show", "PIPL-31", "--as", "en").stdout
    assert "def masks(values):" in heyi("rules", "show", "PIPL-31", "--as", "python").stdout
    assert heyi("rules", "show", "NOPE-1").returncode == 2


def rulebook(folder: Path, pack: str) -> Path:
    own = folder / "own"
    own.mkdir()
    (own / "facts.toml").write_text(
        '[track.other]\nopens = "!data.personal"\nmin_rank = "agreement"\nzh = "其他"\n'
        'en = "other"\n'
        '[fact.legal_day]\ntype = "date"\nslot = [0, 0]\nzh = "法律日"\n'
        'en = "legal day"\nsource = "registry"\n'
        '[fact."data.personal"]\ntype = "bool"\nslot = [0, 40]\nzh = "个人"\n'
        'en = "personal"\nsource = "catalogue"\n',
        encoding="utf-8",
    )
    (own / "a.md").write_text(pack, encoding="utf-8")
    return own


PACK = """---
id: a
instrument: {zh: 约定, en: agreement}
rank: agreement
jurisdiction: cn
---
## 第一条 {#A-1 from=2024-01-01 en="One"}
```rule A-1.1 forbid
when:   data.personal &&
party:  handler
says:   {zh: 不得, en: no}
```
"""


def test_a_pack_with_a_syntax_error_is_refused_whole(heyi: Heyi, tmp_path: Path) -> None:
    done = heyi("rules", "check", "--rulebook", rulebook(tmp_path, PACK))
    assert done.returncode == 2
    lines = done.stderr.splitlines()
    assert "a.md:9:25:" in done.stderr.replace("\n", " ")
    caret = next(i for i, line in enumerate(lines) if line.strip() == "^")
    assert "when:   data.personal &&" in lines[caret - 1]
    assert lines[caret].index("^") == lines[caret - 1].index("when") + 24


def test_a_pack_whose_case_fails_is_refused_by_check_and_told_by_test(
    heyi: Heyi, tmp_path: Path
) -> None:
    pack = PACK.replace("data.personal &&", "data.personal") + (
        "```case wrong\ngiven: {data.personal: true}\nexpect: {outcome: permit}\n```\n"
    )
    own = rulebook(tmp_path, pack)
    checked = heyi("rules", "check", "--rulebook", own)
    assert checked.returncode == 2
    assert "case `wrong` fails: outcome is deny, not permit" in " ".join(checked.stderr.split())
    tested = heyi("rules", "test", "--rulebook", own, "--json")
    assert (tested.returncode, json.loads(tested.stdout)["failed"][0]["case"]) == (1, "wrong")


def test_verify_and_erase(heyi: Heyi, run_copy: Path, story: Story) -> None:
    done = heyi("verify", run_copy, "--json")
    said = json.loads(done.stdout)
    assert (done.returncode, said["verified"], said["promised"]) == (0, True, 0)
    # the facts of that decision are still in the log, so it was judged again all the same
    still, lost = "erased, checked by what else is logged", "erased, not replayable"
    assert said["erased"] == [{"entry": story.told.erased, "status": still}]
    case = story.app.consortium.case("referral")
    entry = case.decisions["township-01-records"].index
    facts = next(
        e.index
        for e in story.app.database.stream("case/referral")
        if e.body is not None and e.index < entry
    )
    words = ("--reason", "subject's request", "--by", "county-hospital", "--json")
    erased = heyi("erase", run_copy, facts, entry, facts, *words)
    told = json.loads(erased.stdout)
    size = story.app.consortium.log.size
    assert (erased.returncode, told["erased"]) == (0, [facts, entry])
    assert told["logged_as"] == [size, size + 1]
    receipts = [run_copy / "receipts" / f"entry-{n}.tlog-proof" for n in told["logged_as"]]
    assert told["receipts"] == [str(r) for r in receipts] and all(r.is_file() for r in receipts)
    again = json.loads(heyi("verify", run_copy, "--json").stdout)
    assert (again["verified"], again["promised"]) == (True, 0)
    assert {e["entry"]: e["status"] for e in again["erased"]} == {
        story.told.erased: still,
        facts: lost,
        entry: lost,
    }
    assert again["decisions_replayed"] == said["decisions_replayed"] - 1
    assert heyi("erase", run_copy, entry, "--reason", "again").returncode == 2
    assert heyi("erase", run_copy, 0, "--reason", " ").returncode == 2
    assert "已删除，不可重放 erased, not replayable" in heyi("verify", run_copy).stdout


def test_verify_fails_on_a_spoilt_log_and_names_the_entry(heyi: Heyi, run_copy: Path) -> None:
    connection = sqlite3.connect(run_copy / "heyi.db")
    with connection:
        connection.execute(
            "update entries set leaf = replace(leaf, 'deny', 'dend') where idx = "
            '(select min(idx) from entries where cast(leaf as text) like \'%"outcome":"deny"%\')'
        )
    connection.close()
    done = heyi("verify", run_copy, "--json")
    said = json.loads(done.stdout)
    assert (done.returncode, said["verified"]) == (1, False)
    assert any(
        f["entry"] is not None and f["message"] == "the leaf was changed after it was logged"
        for f in said["faults"]
    )


def test_errors_are_json_too_when_json_was_asked_for(heyi: Heyi, tmp_path: Path) -> None:
    for arguments in (
        ["decide", "absent.yaml"],
        ["verify", "nowhere"],
        ["rules", "show", "NOPE-1"],
        ["demo", "--seed", "x"],
    ):
        done = heyi(*arguments, "--json")
        said = json.loads(done.stdout)
        assert said["exit_code"] == done.returncode == 2
        assert said["error"]


def test_what_an_authority_said_is_told(heyi: Heyi, tmp_path: Path) -> None:
    text = (
        "like: research-federated\napproval.ethics_committee: refused\n"
        "approval.data_committee: given\n"
    )
    said = heyi("decide", write(tmp_path, text), "--lang", "en").stdout
    assert "denied beyond cure" in said
    assert "(refused)" in said
    assert "to approve: ethics" not in said
    assert "✓ the data security committee must approve" in said


def test_another_name_for_the_purpose_is_no_remedy(heyi: Heyi, tmp_path: Path) -> None:
    text = (
        "like: research-federated\nact.action: provide\nact.delivery: deidentified\n"
        "evidence.contract: true\n"
    )
    answer = json.loads(heyi("decide", write(tmp_path, text), "--json").stdout)
    steps = {(s["fact"], s["to"]) for r in answer["remedies"] for s in r["steps"]}
    assert answer["outcome"] == "deny"
    assert not [f for f, _ in steps if f.startswith(("act.purpose", "data.", "recipient."))]
    assert {v for f, v in steps if f == "basis.kind"} <= {"consent"}


def test_a_read_only_copy_verifies(heyi: Heyi, run_copy: Path) -> None:
    before = {p: p.read_bytes() for p in run_copy.rglob("*.db")}
    for path in run_copy.rglob("*"):
        path.chmod(0o555 if path.is_dir() else 0o444)
    run_copy.chmod(0o555)
    assert heyi("verify", run_copy).returncode == 0
    assert {p: p.read_bytes() for p in run_copy.rglob("*.db")} == before
    run_copy.chmod(0o755)
    (run_copy / "nodes").chmod(0o755)
    (run_copy / "institutions").chmod(0o755)


def test_verify_of_nothing(heyi: Heyi, tmp_path: Path) -> None:
    done = heyi("verify", tmp_path / "nowhere")
    assert done.returncode == 2
    assert "heyi demo" in done.stderr


def test_statements(heyi: Heyi, run_copy: Path) -> None:
    said = json.loads(heyi("statement", run_copy, "--json").stdout)
    assert said["verified"] is True
    assert sum(s["share_fen"] for s in said["statements"]) == said["statements"][0]["pot_fen"]
    assert all(s["paid_fen"] == s["share_fen"] for s in said["statements"])
    one = heyi("statement", run_copy, "--party", "township-03")
    assert one.returncode == 0
    assert "白云乡" in one.stdout
    assert (
        "eligible patients"
        in heyi("statement", run_copy, "--party", "township-03", "--lang", "en").stdout
    )
    unknown = heyi("statement", run_copy, "--party", "township-12")
    assert unknown.returncode == 2
    assert "township-03" in unknown.stderr


def test_a_page_that_cannot_be_written_whole_leaves_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = tmp_path / "page.html"
    write_file(page, b"old")

    def full(number: int, _mode: str) -> NoReturn:
        os.write(number, b"ne")
        os.close(number)
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("heyi.cli.files.os.fdopen", full)
    with pytest.raises(StoreError, match="No space left"):
        write_file(page, b"new page")
    assert page.read_bytes() == b"old" and list(tmp_path.iterdir()) == [page]


def test_a_file_is_written_where_its_name_leads(tmp_path: Path) -> None:
    """Links and modes stay, and nothing that lies beside it is touched."""
    (tmp_path / "elsewhere").mkdir()
    target, link = tmp_path / "elsewhere" / "page", tmp_path / "link"
    link.symlink_to(target)
    (tmp_path / ".link.partial").write_text("mine")
    write_file(link, b"first")
    assert link.is_symlink() and target.read_bytes() == b"first"
    target.chmod(0o600)
    (tmp_path / "hard").hardlink_to(target)
    write_file(link, b"second")
    assert (tmp_path / "hard").read_bytes() == b"second"
    (tmp_path / "hard").unlink()
    write_file(link, b"third")
    assert target.read_bytes() == b"third" and target.stat().st_mode & 0o777 == 0o600
    assert (tmp_path / ".link.partial").read_text() == "mine"
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    for nothing in (tmp_path, Path("/"), Path(), loop, tmp_path / ("a" * 300)):
        with pytest.raises(StoreError, match="cannot write"):
            write_file(nothing, b"x")
