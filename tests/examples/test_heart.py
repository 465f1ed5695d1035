"""The heart study, on the real files where they are available and on invented ones everywhere."""

from __future__ import annotations

import json
import math
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from heyi.app.verification import verify_directory
from heyi.sources.study_file import read_study
from tests.support.heart import FILES, HEART, POSITION, SCALING, SIZES, invented, run
from tests.support.machine import beside


def pooled(data: Path) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Complete cases of all files in one place, read without any code of Heyi."""
    x, y = [], []
    for name in FILES.values():
        for line in (data / name).read_text().split():
            cells = line.split(",")
            wanted = [cells[POSITION[k]] for k in SCALING] + [cells[13]]
            if "?" not in wanted:
                values = [float(v) for v in wanted]
                x.append([(v - c) / s for v, (c, s) in zip(values, SCALING.values(), strict=False)])
                y.append(values[-1] > 0)
    return np.array(x), np.array(y, dtype=float)


def reference(x: np.ndarray[Any, Any], y: np.ndarray[Any, Any]) -> list[float]:
    model = LogisticRegression(C=1.0, solver="newton-cholesky", tol=1e-13, max_iter=100).fit(x, y)
    return [float(model.intercept_[0]), *map(float, model.coef_[0])]


def check(done: subprocess.CompletedProcess[str], data: Path, directory: Path) -> dict[str, Any]:
    assert done.returncode == 0, done.stderr
    said: dict[str, Any] = json.loads(done.stdout)
    expected = reference(*pooled(data))
    for got, want in zip(said["coefficients"].values(), expected, strict=True):
        assert math.isclose(got, want, rel_tol=0, abs_tol=1e-9)
    assert list(said["coefficients"]) == ["intercept", *SCALING]
    assert sum(said["shares_fen"].values()) == said["pot_fen"] == 10_000_000
    assert said["verified"] is True
    assert verify_directory(directory).holds
    return said


def test_the_real_study(tmp_path: Path) -> None:
    data = beside("heart_disease_uci")
    said = check(run(data, tmp_path / "run"), data, tmp_path / "run")
    assert said["answered"] == ["cleveland", "hungary", "switzerland", "va"]
    assert said["refused"] == {}
    assert said["outcomes"] == {
        "needs-approval": 4,
        "permit": 4,
    }
    assert said["shares_fen"]["switzerland"] == 0
    assert said["contributions"]["switzerland"].startswith("-")


def test_invented_hospitals(tmp_path: Path) -> None:
    data = invented(tmp_path / "data", SIZES)
    said = check(run(data, tmp_path / "run"), data, tmp_path / "run")
    assert len(said["answered"]) == 4


def test_a_hospital_that_is_too_small_refuses_and_the_others_go_on(tmp_path: Path) -> None:
    data = invented(
        tmp_path / "data", {"cleveland": 200, "hungarian": 180, "switzerland": 40, "va": 150}
    )
    done = run(data, tmp_path / "run")
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["answered"] == ["cleveland", "hungary", "va"]
    assert said["refused"]["switzerland"]["code"] == "too-few-records"
    assert set(said["shares_fen"]) == {"cleveland", "hungary", "va"}
    assert sum(said["shares_fen"].values()) == said["pot_fen"]
    assert said["verified"] is True


def test_one_hospital_alone_is_no_joint_study(tmp_path: Path) -> None:
    sizes = {"cleveland": 200, "hungarian": 40, "switzerland": 40, "va": 40}
    done = run(invented(tmp_path / "data", sizes), tmp_path / "run")
    said = json.loads(done.stdout)
    assert (done.returncode, said["exit_code"]) == (3, 3)
    assert "a joint study needs two institutions" in said["error"]
    assert "`hungary`: too few complete records" in said["error"]
    assert verify_directory(tmp_path / "run").holds


def test_an_earlier_run_is_kept_when_the_files_cannot_be_read(tmp_path: Path) -> None:
    data = invented(tmp_path / "data", SIZES)
    assert run(data, tmp_path / "run").returncode == 0
    root = (tmp_path / "run" / "heyi.db").read_bytes()
    assert run(tmp_path / "nowhere", tmp_path / "run").returncode == 2
    assert (tmp_path / "run" / "heyi.db").read_bytes() == root


def test_without_approval_the_law_refuses(tmp_path: Path) -> None:
    data = invented(tmp_path / "data", dict.fromkeys(FILES, 100))
    text = (HEART / "study.toml").read_text(encoding="utf-8")
    study = tmp_path / "study"
    study.mkdir()
    refused = text.replace("given = true", "given = false", 1)
    assert refused != text
    (study / "study.toml").write_text(refused, encoding="utf-8")
    done = run(data, tmp_path / "run", study)
    assert done.returncode == 3
    assert "the law permits no institution to take part" in " ".join(done.stderr.split())
    assert verify_directory(tmp_path / "run").holds


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (
            "pot_fen = 10_000_000",
            "pot_fen = -5",
            "pot_fen must be a whole number of fen above zero",
        ),
        (
            "pot_fen = 10_000_000",
            "pot_fen = 1.5",
            "pot_fen must be a whole number of fen above zero",
        ),
        ('utility = "likelihood"', "", "utility is missing"),
        ('utility = "likelihood"', 'utility = "fame"', "unknown utility `fame`"),
        ('kind = "age", center', 'kind = "agee", center', "agee"),
        ('name = "logistic"', 'name = "cox"', "unknown operation `cox`"),
        ("[settlement]", "[settlment]", "unknown table `settlment`"),
        ('like = ["research-federated"]', 'like = ["research"]', "unknown profile `research`"),
        ('tier = "city"', 'tier = "moon"', "moon"),
        ('file = "processed.va.data"', 'file = "absent.data"', "cannot read"),
        ("given = true", 'given = "no"', "given must be true or false"),
        ("min_cell = 5", 'min_cell = "5"', "min_cell must be a whole number above zero"),
        ("min_cell = 5", "min_cel = 5", "unknown key `min_cel`"),
        ("secret = false", "secret = 0", "secret must be true or false"),
        ("scale_micro = 25_000_000", "scale_micro = 0", "scales above zero"),
        ('id = "heart-disease"', 'id = "Heart Disease"', "is not a valid study id"),
        ("[study]", "[study", "cannot read"),
        ('"exang", "oldpeak"', '"exang"', "14 cells under 13 headings"),
    ],
)
def test_a_bad_study_file_gets_a_clear_error(
    tmp_path: Path, old: str, new: str, words: str
) -> None:
    data = invented(tmp_path / "data", dict.fromkeys(FILES, 100))
    text = (HEART / "study.toml").read_text(encoding="utf-8")
    assert old in text
    study = tmp_path / "study"
    study.mkdir()
    (study / "study.toml").write_text(text.replace(old, new), encoding="utf-8")
    done = run(data, tmp_path / "run", study)
    said = " ".join(done.stderr.split())
    assert done.returncode == 2, said
    assert "Traceback" not in said
    assert words in said


def test_the_study_file_reads(tmp_path: Path) -> None:
    plan = read_study(HEART)
    assert plan.kinds == ("num", "age", "sex", "cp", "thalach", "exang")
    assert (plan.pot.fen, len(plan.sites)) == (10_000_000, 4)
    assert run(tmp_path, tmp_path / "run", tmp_path).returncode == 2


def test_real_files_run_on_keys_that_nobody_knows_and_a_seed_repeats_the_log(
    tmp_path: Path,
) -> None:
    data = invented(tmp_path / "data", SIZES)
    trusts = []
    for name in ("one", "two"):
        assert run(data, tmp_path / name).returncode == 0
        trusts.append((tmp_path / name / "trust.json").read_text())
        assert (tmp_path / name / "run.json").stat().st_mode & 0o077 == 0
        seed = str(json.loads((tmp_path / name / "run.json").read_text())["seed"])
        assert seed not in (tmp_path / name / "report.html").read_text(encoding="utf-8")
    assert trusts[0] != trusts[1]
    roots = {
        json.loads(run(data, tmp_path / f"s{n}", HEART, "--seed", "9").stdout)["log_root"]
        for n in (1, 2)
    }
    assert len(roots) == 1
