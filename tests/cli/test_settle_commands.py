"""Settlements on the command line: verify, dispute, answer, approve, pay, print statements."""

from __future__ import annotations

import datetime as dt
import json
import shutil
from pathlib import Path

from heyi.app.centre import reopen
from heyi.exchange.consortium import legal_day
from tests.support.command import Heyi
from tests.support.machine import ROOT

CASE = "heart-disease"


def test_the_commands_go_the_whole_way(stated_copy: Path, tmp_path: Path, heyi: Heyi) -> None:
    run = stated_copy

    def say(*words: object) -> tuple[int, str, str]:
        done = heyi(*words)
        return done.returncode, done.stdout, done.stderr

    app = reopen(run)
    settlement = app.consortium.case(CASE).settlement
    assert settlement is not None
    until = legal_day(settlement.disputes_until)
    app.close()
    certificate = tmp_path / "certificate.json"
    assert say("settle", "certificate", run, "--to", certificate)[0] == 0
    code, told, _ = say("settle", "verify", certificate, "--json")
    assert code == 0 and json.loads(told)["settlements"][0]["pot_fen"] == 10_000_000
    code, told, _ = say("settle", "verify", run)
    assert code == 0 and f"the log itself is checked by: heyi verify {run}" in told
    assert "heyi verify" not in say("settle", "verify", certificate)[1]
    assert json.loads(say("settle", "verify", run, "--json")[1]).keys() == {
        "verified",
        "settlements",
    }
    certificate.write_bytes(certificate.read_bytes().replace(b'"escrow_fen":0', b'"escrow_fen":1'))
    code, _, told = say("settle", "verify", certificate)
    assert code == 1 and "escrow_fen" in told
    certificate.write_bytes(b"{")
    assert say("settle", "verify", certificate)[0] == 1
    assert say("settle", "verify", tmp_path / "absent")[0] == 2

    assert say("dispute", run, "--party", "va", "--reasons", "x")[0] == 0
    code, _, told = say("settle", "approve", run, "--on", until + dt.timedelta(days=1))
    assert code == 2 and "disputes its statement" in told
    assert say("settle", "answer", run, "--party", "va", "--reasons", "y")[0] == 0
    assert say("settle", "approve", run, "--on", "tomorrow")[0] == 2
    assert say("settle", "approve", run, "--on", "2020-01-01")[0] == 2
    assert say("settle", "approve", run, "--study", "another")[0] == 2
    assert say("settle", "approve", run)[0] == 2
    assert say("settle", "approve", run, "--on", until + dt.timedelta(days=1))[0] == 0
    assert say("settle", "pay", run, "--csv", tmp_path / "absent" / "payments.csv")[0] == 1, (
        "nothing was paid"
    )
    code, told, _ = say("settle", "pay", run, "--csv", tmp_path / "payments.csv", "--json")
    assert (
        code == 0
        and json.loads(told)["paid_fen"] == 10_000_000
        and json.loads(told)["verified"] is True
    )
    assert (tmp_path / "payments.csv").read_text(encoding="utf-8").count("paid") >= 4
    kept = (tmp_path / "payments.csv").read_bytes()
    assert say("settle", "pay", run, "--csv", tmp_path / "payments.csv")[0] == 2
    assert (tmp_path / "payments.csv").read_bytes() == kept, "a refusal leaves the list as it is"
    assert say("settle", "pay", run, "--csv", tmp_path / "other.csv")[0] == 2
    assert not (tmp_path / "other.csv").exists()

    pages = tmp_path / "pages"
    assert say("statement", run, "--html", pages)[0] == 0
    assert {p.stem for p in pages.iterdir()} == {"cleveland", "hungary", "switzerland", "va"}
    page = (pages / "va.html").read_text(encoding="utf-8")
    assert "已支付" in page and "http" not in page.split("</style>")[1].split("<script")[0]
    assert say("statement", run, "--party", "va", "--from", "2030-01-01")[0] == 2
    for words in (
        ("--from", "1/12/2026"),
        ("--to", "2026-1-1"),
        ("--from", "2026-12-02", "--to", "2026-12-01"),
    ):
        code, _, told = say("statement", run, *words)
        assert code == 2 and "day" in told


def test_a_withdrawn_settlement_is_told_as_one(stated_copy: Path, heyi: Heyi) -> None:
    assert (
        heyi(
            "dispute", stated_copy, "--party", "va", "--reasons", "three rows were lost"
        ).returncode
        == 0
    )
    answered = heyi(
        "settle", "answer", stated_copy, "--party", "va", "--upheld", "--reasons", "they were"
    )
    assert answered.returncode == 0 and "into another folder" in answered.stdout
    for words in (
        ("statement", stated_copy),
        ("settle", "verify", stated_copy),
        ("settle", "approve", stated_copy),
    ):
        done = heyi(*words)
        assert done.returncode == 2 and "was withdrawn" in done.stderr, words


def test_a_program_of_ones_own_is_measured_certified_and_guarded(
    tmp_path: Path, heyi: Heyi
) -> None:
    shutil.copytree(ROOT / "examples" / "value", tmp_path / "value")
    file, certificate = tmp_path / "value" / "valuation.toml", tmp_path / "certificate.json"
    done = heyi("settle", "measure", file, "--to", certificate, "--workers", "2", "--json")
    assert done.returncode == 0, done.stderr
    shares = json.loads(done.stdout)["shares_fen"]
    assert sum(shares.values()) == 1_000_000
    assert sum(v for p, v in shares.items() if p.startswith("clinic")) == 300_000
    assert heyi("settle", "verify", certificate).returncode == 0
    told = heyi("settle", "measure", file, "--to", certificate)
    assert "hospital" in told.stdout and "53.2972" in told.stdout
    guards = json.loads(heyi("settle", "guards", certificate, "--json").stdout)["settlements"][0]
    assert (
        guards["dual_core"]["holds"]
        and guards["unit"] == "visits"
        and guards["overlaps"] == []
        and len(guards["baseline"]) == 5
    )
    assert heyi("settle", "measure", tmp_path / "absent.toml").returncode == 2
    assert heyi("settle", "measure", file, "--to", tmp_path / "absent" / "c.json").returncode == 1
    assert heyi("settle", "measure", file, "--store", tmp_path / "absent" / "u").returncode == 1
    (tmp_path / "value" / "visits.py").write_text(
        "def utility(members):\n    return float('nan')\n"
    )
    refused = heyi("settle", "measure", file, "--to", tmp_path / "nan.json")
    assert (
        refused.returncode == 2
        and "is nan" in refused.stderr
        and not (tmp_path / "nan.json").exists()
    )


def test_utilities_beyond_floating_numbers_are_shown(tmp_path: Path, heyi: Heyi) -> None:
    shutil.copytree(ROOT / "examples" / "value", tmp_path / "value")
    file, certificate = tmp_path / "value" / "valuation.toml", tmp_path / "certificate.json"
    (tmp_path / "value" / "visits.py").write_text("def utility(members):\n    return 10**900\n")
    told = heyi("settle", "measure", file, "--to", certificate)
    assert told.returncode == 0 and "2e+899" in told.stdout
    assert heyi("settle", "verify", certificate).returncode == 0
    refused = heyi("settle", "guards", certificate)
    assert refused.returncode == 2 and "too large for this evidence" in refused.stderr


def test_a_program_that_closes_the_output_is_told_and_the_output_stays(
    tmp_path: Path, heyi: Heyi
) -> None:
    shutil.copytree(ROOT / "examples" / "value", tmp_path / "value")
    (tmp_path / "value" / "visits.py").write_text(
        "import sys\n\ndef utility(members):\n    sys.stdout.close()\n    return 1\n"
    )
    to = tmp_path / "certificate.json"
    told = heyi("settle", "measure", tmp_path / "value" / "valuation.toml", "--to", to, "--json")
    assert told.returncode == 2 and json.loads(told.stdout)["exit_code"] == 2
    assert "failed on clinic-a: it closed sys.stdout" in told.stderr and not to.exists()


def test_guards_of_a_sample_tell_what_another_seed_might_do(tmp_path: Path, heyi: Heyi) -> None:
    shutil.copytree(ROOT / "examples" / "value", tmp_path / "value")
    file, certificate = tmp_path / "value" / "valuation.toml", tmp_path / "certificate.json"
    players = [f"clinic-{i:02}" for i in range(12)]
    (tmp_path / "value" / "visits.py").write_text(
        "import hashlib\n\ndef utility(members):\n"
        "    noise = hashlib.sha256(' '.join(members).encode()).digest()[0]\n"
        "    return len(members) + noise / 64\n"
    )
    file.write_text(
        f'study = "noisy"\nplayers = {json.dumps(players)}\nutility = "visits:utility"\n'
        "decimals = 6\n"
        "evaluations = 200\nseed = 3\n[settlement]\npot_fen = 1_000_000\n"
    )
    assert heyi("settle", "measure", file, "--to", certificate).returncode == 0
    told = heyi("settle", "guards", certificate)
    assert (
        told.returncode == 0
        and "as another seed might" in told.stdout
        and "a sample, or too many" in told.stdout
    )
    found = json.loads(heyi("settle", "guards", certificate, "--json").stdout)["settlements"][0]
    assert set(found["seed"]) == set(players) and found["dual_core"] is None


def test_guards_tell_of_a_run(stated: Path, heyi: Heyi) -> None:
    told = heyi("settle", "guards", stated)
    assert told.returncode == 0 and "heart-disease" in told.stdout
    found = json.loads(heyi("settle", "guards", stated, "--json").stdout)["settlements"][0]
    assert set(found["lowers"]) == {"cleveland", "hungary", "switzerland", "va"}
    assert heyi("settle", "guards", stated / "absent").returncode == 2
