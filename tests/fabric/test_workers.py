"""The certificate is the same with one, two or eight workers, and after a kill in the middle."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from heyi.crypto.canonical import canonical, from_canonical
from heyi.fabric.workers import Workers
from heyi.model.errors import InvalidInput, StoreError
from heyi.settlement.certificate import certify, verify_certificate
from heyi.settlement.evaluate import InTurn, evaluate, key_of, sampled_game, whole_game
from heyi.sources.utility_program import read_utility_program
from heyi.store.utilities import UtilityDatabase

PLAYERS = [f"clinic-{i}" for i in range(10)]
PROGRAM = """
import os, time
from pathlib import Path

CALLS = Path(__file__).with_name("calls")

def evaluated():
    return CALLS.read_text().count(chr(10))

def utility(members):
    with CALLS.open("a") as calls:
        calls.write(" ".join(members) + chr(10))
    while evaluated() >= int(os.environ.get("HANG_AT", "9999")):
        time.sleep(0.01)
    return sum(10 * (int(m[-1]) + 1) for m in members) ** 0.5
"""


def files(
    folder: Path, *, players: list[str] = PLAYERS, body: str = PROGRAM, **keys: object
) -> Path:
    names = {"decimals": 6, **keys}
    (folder / "cohort.py").write_text(body)
    lines = [f"{k} = {v!r}".replace("'", '"') for k, v in names.items()]
    head = f'study = "cohort"\nplayers = {players!r}\nutility = "cohort:utility"\n'.replace(
        "'", '"'
    )
    (folder / "cohort.toml").write_text(
        "\n".join([head, *lines, "[settlement]", "pot_fen = 1_000_000"]) + "\n"
    )
    return folder / "cohort.toml"


def calls(folder: Path) -> list[str]:
    path = folder / "calls"
    return path.read_text().splitlines() if path.exists() else []


def run(file: Path, *more: str, **environment: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "heyi", "settle", "measure", str(file), *more],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, **environment},
    )


@pytest.mark.parametrize("keys", [{}, {"evaluations": 200, "seed": 5}], ids=["all", "sample"])
def test_one_two_and_eight_workers_certify_the_same_bytes(
    tmp_path: Path, keys: dict[str, Any]
) -> None:
    file = files(tmp_path, **keys)
    program = read_utility_program(file)
    found = []
    for executor in (InTurn(), Workers(1), Workers(2), Workers(8)):
        if program.evaluations:
            measured = sampled_game(program, program.evaluations, program.seed, executor=executor)
            found.append(canonical(certify("cohort", measured)))
        else:
            found.append(canonical(certify("cohort", whole_game(program, executor=executor))))
    assert len(set(found)) == 1
    verify_certificate(from_canonical(found[0]))


def test_a_killed_run_goes_on_where_it_stopped(tmp_path: Path) -> None:
    file = files(tmp_path)
    store, whole, resumed = tmp_path / "kept", tmp_path / "whole.json", tmp_path / "resumed.json"
    process = run(file, "--store", str(store), "--to", str(resumed), HANG_AT="200")
    while len(calls(tmp_path)) < 200 and process.poll() is None:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not resumed.exists(), "nothing half-done stands as done"
    before = len(calls(tmp_path))
    again = run(file, "--store", str(store), "--to", str(resumed))
    assert again.wait() == 0
    twice = len(calls(tmp_path)) - 1023
    assert 0 <= twice <= 32, f"{before} evaluated before the end, {twice} of them for nothing"
    assert (
        run(file, "--store", str(tmp_path / "other"), "--to", str(whole), "--workers", "2").wait()
        == 0
    )
    assert whole.read_bytes() == resumed.read_bytes()


def test_what_is_known_is_not_evaluated_again_and_never_changed(tmp_path: Path) -> None:
    file = files(tmp_path, players=PLAYERS[:4])
    program, kept = read_utility_program(file), UtilityDatabase(tmp_path / "kept")
    first = whole_game(program, store=kept)
    assert len(calls(tmp_path)) == 15
    assert whole_game(program, store=kept) == first
    assert len(calls(tmp_path)) == 15
    evaluate(program, [3], seed=1, store=kept)
    assert len(calls(tmp_path)) == 16, "another seed, another value"
    with pytest.raises(StoreError, match="evaluated before as"):
        kept.add(key_of(program, 0), {3: 1})
    kept.close()


def test_a_changed_program_is_another_utility(tmp_path: Path) -> None:
    first = read_utility_program(files(tmp_path))
    second = read_utility_program(files(tmp_path, body=PROGRAM.replace("0.5", "0.6")))
    assert key_of(first, 0) != key_of(second, 0)


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize(
    ("returned", "says"),
    [
        ("float('nan')", "is nan"),
        ("float('inf')", "is inf"),
        ("None", "is None"),
        ("'3'", "is '3'"),
        ("True", "is True"),
    ],
)
def test_utilities_that_are_no_numbers_are_refused(
    tmp_path: Path, returned: str, says: str, workers: int
) -> None:
    body = f"def utility(members):\n    return {returned} if len(members) == 3 else 1\n"
    program = read_utility_program(files(tmp_path, players=PLAYERS[:4], body=body))
    with pytest.raises(InvalidInput, match=says):
        whole_game(program, executor=Workers(workers) if workers else InTurn())


CLASS = """
import sys
class Foreign({base}):
    def fail(self, *_): raise SystemExit
    __abs__ = __ne__ = __eq__ = __lt__ = __round__ = __mul__ = __repr__ = __str__ = fail
    __format__ = as_integer_ratio = fail
def utility(members):
    {body}
"""


@pytest.mark.parametrize("workers", [0, 1])
@pytest.mark.parametrize(
    ("base", "body", "says"),
    [
        ("BaseException", "raise Foreign", "failed on clinic-0: Foreign: an unprintable Foreign"),
        ("Exception", "raise Foreign", "failed on clinic-0: Foreign: an unprintable Foreign"),
        ("str", "raise ValueError(Foreign('x'))", "failed on clinic-0: ValueError"),
        ("object", "raise GeneratorExit", "failed on clinic-0: GeneratorExit"),
        ("object", "return Foreign()", "utility of clinic-0 is an unprintable Foreign"),
        ("object", "return 10**5000", "utility of clinic-0 has more than 1,000 digits"),
        ("object", "return -(10**5000)", "utility of clinic-0 has more than 1,000 digits"),
        ("float", "return Foreign('nan')", "utility of clinic-0 is an unprintable Foreign"),
        ("object", "sys.stdout.close(); return 1", "clinic-0: it closed sys.stdout"),
        ("object", "sys.__stderr__.close(); return 1", "clinic-0: it closed sys.__stderr__"),
        ("object", "sys.stdout.buffer.close(); return 1", "clinic-0: it closed sys.stdout"),
        ("object", "sys.stdout.detach(); return 1", "clinic-0: it closed sys.stdout"),
    ],
)
def test_foreign_objects_cannot_break_the_error_about_them(
    tmp_path: Path, base: str, body: str, says: str, workers: int
) -> None:
    text = CLASS.format(base=base, body=body)
    program = read_utility_program(files(tmp_path, players=PLAYERS[:3], body=text))
    with pytest.raises(InvalidInput, match=says) as refused:
        whole_game(program, executor=Workers(workers) if workers else InTurn())
    assert refused.value.hint and not sys.stdout.closed and not sys.stderr.closed


@pytest.mark.parametrize("base", ["int", "float"])
def test_a_number_of_a_foreign_class_is_its_plain_number(tmp_path: Path, base: str) -> None:
    text = CLASS.format(base=base, body="return Foreign(len(members))")
    program = read_utility_program(files(tmp_path, players=PLAYERS[:3], body=text))
    assert whole_game(program).values[7] == 3_000_000


def test_what_a_program_prints_comes_out_and_what_it_replaces_stays(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    body = (
        "import sys\nfrom sys import stdout\ndef utility(members):\n"
        "    print('合医'); print('kept', file=stdout); sys.stdout.buffer.write('字'.encode())\n"
        "    sys.stdout = sys.stderr = None\n    return 1\n"
    )
    before = sys.stdout, sys.stderr
    whole_game(read_utility_program(files(tmp_path, players=["a"], body=body)))
    assert (sys.stdout, sys.stderr) == before
    assert capsys.readouterr().out.split() == ["合医", "kept", "字"]


@pytest.mark.parametrize(
    "body", ["raise KeyboardInterrupt", "def utility(m): raise KeyboardInterrupt"]
)
def test_an_interrupt_stays_an_interrupt(tmp_path: Path, body: str) -> None:
    program = read_utility_program(files(tmp_path, players=["a"], body=body + "\n"))
    with pytest.raises(KeyboardInterrupt):
        whole_game(program)


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("raise GeneratorExit\n", "cannot be loaded: GeneratorExit"),
        ("import sys\nsys.stdout.close()\n", "cannot be loaded: it closed sys.stdout"),
        ("def __getattr__(name): raise GeneratorExit\n", "has no function `utility`"),
        (
            "def utility(members):\n    return 1 / (len(members) - 2)\n",
            "failed on clinic-0, clinic-1: ZeroDivisionError",
        ),
        ("def utility():\n    return 1\n", "failed on clinic-0: TypeError"),
        ("def utility(members)\n", "cannot be loaded: SyntaxError"),
        ("import nothing_of_this_name\n", "cannot be loaded: ModuleNotFoundError"),
        ("raise SystemExit(3)\n", "cannot be loaded: SystemExit"),
        ("def utility(members):\n    raise SystemExit(3)\n", "failed on clinic-0: SystemExit"),
    ],
)
def test_a_program_that_fails_says_where_and_why(
    tmp_path: Path, body: str, says: str, workers: int
) -> None:
    program = read_utility_program(files(tmp_path, players=PLAYERS[:4], body=body))
    with pytest.raises(InvalidInput, match=says):
        whole_game(program, executor=Workers(workers) if workers else InTurn())


def test_a_worker_that_dies_is_told(tmp_path: Path) -> None:
    body = (
        "import os\ndef utility(members):\n"
        "    os._exit(1) if len(members) == 3 else None\n    return 1\n"
    )
    program = read_utility_program(files(tmp_path, players=PLAYERS[:8], body=body))
    with pytest.raises(InvalidInput, match="a worker ended"):
        whole_game(program, executor=Workers(2))


def test_large_numbers_and_dataclasses_are_no_trouble(tmp_path: Path) -> None:
    body = """
from __future__ import annotations
from dataclasses import dataclass

@dataclass
class Known:
    much: float

def utility(members):
    return 10**400 if len(members) == 2 else Known(1e305).much
"""
    game = whole_game(read_utility_program(files(tmp_path, players=PLAYERS[:3], body=body)))
    assert game.values[3] == 10**406 and game.values[7] > 10**310


def test_data_beside_the_program_are_part_of_the_utility(tmp_path: Path) -> None:
    (tmp_path / "data.txt").write_text("5")
    keys: list[str] = []
    for content in ("5", "500"):
        (tmp_path / "data.txt").write_text(content)
        keys.append(key_of(read_utility_program(files(tmp_path, data=["data.txt"])), 0))
    assert keys[0] != keys[1]
    with pytest.raises(InvalidInput, match="there is no file `absent`"):
        read_utility_program(files(tmp_path, data=["absent"]))


@pytest.mark.parametrize(
    "name", ["../outside", "/dev/zero", "link", "endless", ".", "pipe", "a\0b"]
)
def test_data_are_regular_files_beside_the_program(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "program"
    folder.mkdir()
    (tmp_path / "outside").write_text("5")
    (folder / "link").symlink_to(tmp_path / "outside")
    (folder / "endless").symlink_to("/dev/zero")
    os.mkfifo(folder / "pipe")
    file = files(folder)
    file.write_text(f"data = [{json.dumps(name)}]\n" + file.read_text())
    with pytest.raises(InvalidInput, match=r"lies outside|not a regular file|no name of a file"):
        read_utility_program(file)


def test_a_program_lies_beside_its_file(tmp_path: Path) -> None:
    (tmp_path / "program").mkdir()
    (tmp_path / "outside.py").write_text(PROGRAM)
    file = files(tmp_path / "program")
    os.mkfifo(tmp_path / "program" / "pipe.py")
    for module, says in (("../outside", "lies outside"), ("pipe", "not a regular file")):
        text = file.read_text().replace("cohort:utility", f"{module}:utility")
        (tmp_path / "program" / "other.toml").write_text(text)
        with pytest.raises(InvalidInput, match=says):
            read_utility_program(tmp_path / "program" / "other.toml")


@pytest.mark.parametrize(
    "line",
    ["x = " + "[" * 5_000, "x = " + "{a=" * 5_000, "x = " + "1" * 5_000],
    ids=["lists", "tables", "number"],
)
def test_toml_that_cannot_be_read_is_one_line(tmp_path: Path, line: str) -> None:
    file = files(tmp_path)
    file.write_text(line + "\n" + file.read_text())
    with pytest.raises(InvalidInput, match=r"cannot read .*it is not TOML") as refused:
        read_utility_program(file)
    assert "\n" not in str(refused.value)


def test_a_file_of_a_utility_that_is_no_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.toml")
    for path in (tmp_path / "pipe.toml", tmp_path, Path("/dev/zero")):
        with pytest.raises(InvalidInput, match="is not a regular file"):
            read_utility_program(path)


def test_parts_without_decimals_are_refused(tmp_path: Path) -> None:
    program = read_utility_program(files(tmp_path, players=PLAYERS[:3], decimals=0))
    with pytest.raises(InvalidInput, match="no whole number"):
        whole_game(program)


def test_forty_players_are_told_what_to_do_instead(tmp_path: Path) -> None:
    players = sorted(f"village-{i:02d}" for i in range(40))
    file = files(tmp_path, players=players)
    with pytest.raises(InvalidInput, match="40 players cannot be valued exactly") as refused:
        whole_game(read_utility_program(file))
    assert "a sample of 1200 coalitions" in (refused.value.hint or "")
    program = read_utility_program(files(tmp_path, players=players, evaluations=1200))
    assert len(sampled_game(program, 1200, 0).values) == 1200


@pytest.mark.parametrize(
    ("keys", "says"),
    [
        ({"utility": "absent:utility"}, "there is no program `absent`"),
        ({"decimals": -1}, "not negative"),
        ({"seed": 1.5}, "not negative"),
        ({"colour": 1}, "unknown key `colour`"),
        ({"decimals": 400}, "decimals"),
        ({"seed": 2**53}, "not negative"),
        ({"data": "x"}, "data is a list"),
        ({"unit": 3}, "unit must be a text"),
        ({"study": 3}, "study must be a text"),
        ({"utility": 3}, "utility must be a text"),
        ({"evaluations": 10**10}, "evaluations at most"),
        ({"players": ["b", "a"]}, "in the order of their ids"),
        ({"players": ["a", "a"]}, "stand once each"),
    ],
)
def test_files_without_sense_are_refused(
    tmp_path: Path, keys: dict[str, object], says: str
) -> None:
    file = files(tmp_path)
    lines = [line for line in file.read_text().splitlines() if line.partition(" ")[0] not in keys]
    extra = [f"{k} = {v!r}".replace("'", '"') for k, v in keys.items()]
    file.write_text("\n".join([*extra, *lines]) + "\n")
    with pytest.raises(InvalidInput, match=says):
        read_utility_program(file)


@pytest.mark.parametrize(
    ("terms", "says"),
    [
        ("floors = 3", "floors is written"),
        ('floors = { clinic-0 = "1/0" }', "floors: a share is a text"),
        ("floors = { clinic-0 = 1 }", "floors: a share is a text"),
        ('group_floor = "1e-99999999"', "group_floor: a share is a text"),
        ('floors = { clinic-x = "1/5" }', "names `clinic-x`"),
        ('owners = "clinic-0"', "owners is written"),
        ("owners = { clinic-0 = 3 }", "owners are ids by player"),
        ('levels = { clinic-0 = "north" }', "levels lists of names"),
        ('group = "clinic-0"', "group is written"),
        ('negatives = "keep"', "negatives is `keep`, none of zero, escrow"),
        ('payment = "gold"', "payment is `gold`, none of money"),
        ("twinz = 1", "unknown key `twinz`"),
        ("pot_fen = -5", "above zero"),
    ],
)
def test_terms_without_sense_are_refused_by_their_names(
    tmp_path: Path, terms: str, says: str
) -> None:
    file = files(tmp_path, players=PLAYERS[:3])
    text = file.read_text()
    file.write_text(
        (text.replace("pot_fen = 1_000_000", "") if terms.startswith("pot_fen") else text)
        + terms
        + "\n"
    )
    with pytest.raises(InvalidInput, match=says) as refused:
        read_utility_program(file)
    assert str(file) in refused.value.message and refused.value.hint


def test_a_sample_of_owners_is_refused_before_anything_is_evaluated(tmp_path: Path) -> None:
    file = files(tmp_path, evaluations=200)
    file.write_text(file.read_text() + 'owners = { clinic-0 = "clinic-1" }\n')
    with pytest.raises(InvalidInput, match="a sample knows neither owners nor levels"):
        read_utility_program(file)
    assert calls(tmp_path) == []


def test_a_function_that_is_not_there_is_refused(tmp_path: Path) -> None:
    file = files(tmp_path, players=PLAYERS[:3], body="x = 1\n")
    with pytest.raises(InvalidInput, match="has no function `utility`"):
        whole_game(read_utility_program(file))


def test_no_workers_cannot_work() -> None:
    with pytest.raises(InvalidInput, match="0 workers"):
        Workers(0)
