"""The whole demonstration: one seed gives one log, and a killed or starved run loses nothing."""

from __future__ import annotations

import json
import os
import resource
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from heyi.app.verification import Verification, verify_directory
from heyi.audit.verify import Fault
from heyi.model.errors import InvalidInput
from tests.support.command import HANGING
from tests.support.machine import ROOT, kernel_environment

PERSONS = "5000"


def demo(
    directory: Path, *more: str, env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [
            *(sys.executable, "-m", "heyi", "demo", "--dir", str(directory)),
            *("--persons", PERSONS, "--json", *more),
        ],
        capture_output=True,
        text=True,
        env={**os.environ, **(env or {})},
        timeout=HANGING,
        check=False,
    )


VECTOR = json.loads((ROOT / "vectors" / "demo.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, object]]:
    directory = tmp_path_factory.mktemp("demo") / "run"
    done = demo(directory, "--seed", "3")
    assert done.returncode == 0, done.stderr
    return directory, json.loads(done.stdout)


def test_one_json_object_tells_what_happened(first: tuple[Path, dict[str, object]]) -> None:
    directory, said = first
    assert said["verified"] is True
    assert said["pot_fen"] == said["paid_fen"]
    assert isinstance(said["outcomes"], dict)
    assert sum(said["outcomes"].values()) == said["decisions"]
    assert set(said["outcomes"]) == {"permit", "permit-with-obligations", "needs-approval", "deny"}
    assert verify_directory(directory).holds
    assert (directory / "report.html").stat().st_size > 100_000


def test_on_postgresql_it_is_the_same_log(
    first: tuple[Path, dict[str, object]], tmp_path: Path, postgres_url: str
) -> None:
    done = demo(tmp_path / "run", "--seed", "3", "--store", postgres_url)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert {**said, "report": ""} == {**first[1], "report": ""}
    assert not (tmp_path / "run" / "heyi.db").exists()
    assert verify_directory(tmp_path / "run", store=postgres_url).holds
    with pytest.raises(InvalidInput, match="has no log"):
        verify_directory(tmp_path / "run")
    again = demo(tmp_path / "run", "--seed", "3", "--store", postgres_url)
    assert again.returncode == 2 and "holds a log already" in again.stdout


def test_decisions_values_and_payments_are_those_of_the_vector(
    first: tuple[Path, dict[str, object]],
) -> None:
    """The root changes only where a format of the log does: renew the vector then, and say so."""
    assert (VECTOR["seed"], str(VECTOR["persons"])) == (3, PERSONS)
    named = set(VECTOR) - {"about", "seed", "persons"}
    assert {name: first[1][name] for name in named} == {name: VECTOR[name] for name in named}


def test_the_same_seed_gives_the_same_log_whatever_the_kernel(
    first: tuple[Path, dict[str, object]], tmp_path: Path
) -> None:
    env = kernel_environment("Nehalem")
    said = json.loads(demo(tmp_path / "run", "--seed", "3", env=env).stdout)
    assert said["log_root"] == first[1]["log_root"]


def test_another_seed_gives_another_log(
    first: tuple[Path, dict[str, object]], tmp_path: Path
) -> None:
    said = json.loads(demo(tmp_path / "run", "--seed", "4").stdout)
    assert said["log_root"] != first[1]["log_root"]
    assert said["verified"] is True


def test_a_run_in_place_of_a_finished_one(first: tuple[Path, dict[str, object]]) -> None:
    directory, said = first
    again = demo(directory, "--seed", "3")
    assert json.loads(again.stdout)["log_root"] == said["log_root"]
    assert not list(directory.glob("interrupted-*"))


@pytest.mark.parametrize("after", [60, 400])
def test_a_killed_run_verifies_and_can_be_run_again(
    first: tuple[Path, dict[str, object]], tmp_path: Path, after: int
) -> None:
    # a loaded machine may wake this process after the run has ended; then the next run is killed
    runs = (tmp_path / f"run-{attempt}" for attempt in range(10))
    directory = next(d for d in runs if killed(d, after))
    kept = entries(directory)
    assert kept >= after
    v = verify_directory(directory)
    assert v.faults == faults_of_a_cut(v)
    assert after == 60 or v.centre.promised < kept
    assert v.centre.size == kept
    said = json.loads(demo(directory, "--seed", "3").stdout)
    assert said["log_root"] == first[1]["log_root"]
    aside = directory / "interrupted-1"
    assert verify_directory(aside).centre.size == kept


def faults_of_a_cut(v: Verification) -> list[tuple[str, Fault]]:
    """The one fault of a run that ended before the witness was asked for the first time."""
    never = Fault(entry=None, message="no checkpoint was cosigned by `county-witness`")
    return [("centre", never)] if v.centre.promised == v.centre.size else []


def killed(directory: Path, after: int) -> bool:
    """Run the demo and kill it when its log has `after` entries; whether it was still running."""
    command = [sys.executable, "-m", "heyi", "demo", "--dir", str(directory)]
    process = subprocess.Popen(
        [*command, "--persons", PERSONS, "--seed", "3"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    while entries(directory) < after and process.poll() is None:
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    return process.wait() == -signal.SIGKILL


def entries(directory: Path) -> int:
    try:
        connection = sqlite3.connect(f"file:{directory / 'heyi.db'}?mode=ro", uri=True)
        try:
            return int(connection.execute("select count(*) from entries").fetchone()[0])
        finally:
            connection.close()
    except sqlite3.OperationalError:
        return 0


def limit_files() -> None:
    """Let no file grow beyond 2 MB, which looks to the process like a full disk."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (2_000_000, 2_000_000))


def test_a_full_disk_is_a_clear_error_and_the_log_still_verifies(tmp_path: Path) -> None:
    directory = tmp_path / "run"
    done = subprocess.run(
        [sys.executable, "-m", "heyi", "demo", "--dir", str(directory), "--persons", PERSONS],
        capture_output=True,
        text=True,
        preexec_fn=limit_files,
        timeout=HANGING,
        check=False,
    )
    said = " ".join(done.stderr.split())
    assert done.returncode == 1, said
    assert "Traceback" not in said
    assert "free the disk" in said
    v = verify_directory(directory)
    assert v.faults == faults_of_a_cut(v)
    assert v.centre.size > 0
    assert not (directory / "report.html").exists()


def test_a_folder_with_other_things_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    done = demo(tmp_path)
    assert done.returncode == 2
    assert "holds other things" in done.stderr
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_seed_out_of_range_is_misuse(tmp_path: Path) -> None:
    assert demo(tmp_path / "run", "--seed", "-1").returncode == 2
    assert demo(tmp_path / "run", "--persons", "12").returncode == 2
