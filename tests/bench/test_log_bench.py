"""The log under load, in small: everything is kept and verified; the rates decide nothing here."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench import log


def test_rates_are_taken_beside_plain_transactions(tmp_path: Path) -> None:
    found = log.ratios(tmp_path, number=10)
    assert found["plain_per_second"] > 0 and found["batches_times_as_fast"] > 0
    mixed = log.mix(tmp_path, cases=16)
    assert mixed["events_per_second"] > 0


def test_many_writers_lose_nothing(tmp_path: Path) -> None:
    found = log.many_writers(tmp_path, threads=8, each=40, processes=3, commands=8)
    assert found["by_threads"] == 320 and found["by_processes"] == 24
    assert (found["failed"], found["lost"], found["acknowledged_twice"]) == ([], 0, 0)
    assert found["complete"] and found["verified"]


def test_a_long_log_is_opened_checked_and_gone_on_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Its auditor remembers nothing of other runs with the same keys, which the guide verifies.
    (tmp_path / "cache").mkdir(mode=0o700)
    monkeypatch.setenv("HEYI_CACHE", str(tmp_path / "cache"))
    found = log.long_log(tmp_path, 3_000)
    assert (found["verify_faults"], found["since_faults"]) == ([], [])
    assert found["check_holds"] and found["verify_holds"] and found["since_holds"]
    assert found["open_seconds"] >= 0 and found["opening_peak_mb"] > 0
