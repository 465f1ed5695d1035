"""Settlements on the command line: verify as a stranger, dispute, answer, approve, pay, print statements."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

from heyi.app import reopen
from heyi.exchange.consortium import legal_day
from tests.cli.conftest import Heyi

CASE = "heart-disease"


def test_the_commands_go_the_whole_way(stated_copy: Path, tmp_path: Path, heyi: Heyi) -> None:
    run = stated_copy

    def say(*words: object) -> tuple[int, str, str]:
        done = heyi(*words)
        return done.returncode, done.stdout, done.stderr

    app = reopen(run)
    until = legal_day(app.house.case(CASE).settlement["disputes_until"])
    app.close()
    certificate = tmp_path / "certificate.json"
    assert say("settle", "certificate", run, "--to", certificate)[0] == 0
    code, told, _ = say("settle", "verify", certificate, "--json")
    assert code == 0 and json.loads(told)["settlements"][0]["pot_fen"] == 10_000_000
    assert say("settle", "verify", run)[0] == 0
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
    assert say("settle", "pay", run, "--csv", tmp_path / "absent" / "payments.csv")[0] == 1, "nothing was paid"
    code, told, _ = say("settle", "pay", run, "--csv", tmp_path / "payments.csv", "--json")
    assert code == 0 and json.loads(told)["paid_fen"] == 10_000_000 and json.loads(told)["verified"] is True
    assert (tmp_path / "payments.csv").read_text(encoding="utf-8").count("paid") >= 4
    assert say("settle", "pay", run)[0] == 2

    pages = tmp_path / "pages"
    assert say("statement", run, "--html", pages)[0] == 0
    assert {p.stem for p in pages.iterdir()} == {"cleveland", "hungary", "switzerland", "va"}
    page = (pages / "va.html").read_text(encoding="utf-8")
    assert "已支付" in page and "http" not in page.split("</style>")[1].split("<script")[0]
    assert say("statement", run, "--party", "va", "--from", "2030-01-01")[0] == 2
