"""Whatever the streams are, and whatever names contain: a line of error, never a traceback."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from heyi.cli.output import visible
from tests.support.command import Heyi
from tests.support.story import Story

ROOT = Path(__file__).resolve().parents[2]
REFERRAL = ROOT / "examples" / "decide" / "referral.yaml"
COMMAND = [sys.executable, "-m", "heyi"]


def environment() -> dict[str, str]:
    """That of now: fixtures name folders in it."""
    return {**os.environ, "COLUMNS": "120"}


def shell(script: str, folder: Path, **more: str) -> subprocess.CompletedProcess[bytes]:
    """Run a line of shell in which `heyi` is the command."""
    command = shlex.join(COMMAND)  # the checkout itself may lie in a folder that is called heyi
    return subprocess.run(
        ["bash", "-c", re.sub(r"(?<![/\w])heyi(?= )", command, script)],
        capture_output=True,
        cwd=folder,
        env={**environment(), **more},
        timeout=600,
        check=False,
    )


posix = pytest.mark.skipif(sys.platform == "win32", reason="these are POSIX redirections")


@posix
@pytest.mark.parametrize("more", ["", " --json"])
def test_a_closed_stdout_is_no_traceback(tmp_path: Path, more: str) -> None:
    done = shell(f"heyi decide {REFERRAL}{more} >&-", tmp_path)
    assert done.returncode == 0 and done.stderr == b""


@posix
def test_a_closed_stderr_keeps_the_exit_code(tmp_path: Path) -> None:
    assert shell("heyi decide absent.yaml 2>&-", tmp_path).returncode == 2


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
@pytest.mark.parametrize("words", ["decide REFERRAL", "decide REFERRAL --json", "--help"])
def test_a_full_disk_behind_stdout_is_told(tmp_path: Path, words: str) -> None:
    done = shell(f"heyi {words.replace('REFERRAL', str(REFERRAL))} > /dev/full", tmp_path)
    assert done.returncode == 1
    assert done.stderr.decode().splitlines() == [
        "错误 error: the output cannot be written: No space left on device"
    ]


@posix
def test_a_reader_who_leaves_is_no_error_text(tmp_path: Path) -> None:
    done = shell("heyi rules show | head -1; exit ${PIPESTATUS[0]}", tmp_path)
    assert done.stderr == b"" and done.returncode in (0, 1)


def test_a_terminal_in_ascii_is_answered_in_english(heyi_process: Heyi) -> None:
    done = heyi_process("decide", REFERRAL, env={"PYTHONIOENCODING": "ascii"})
    assert done.returncode == 0 and done.stdout.startswith("answer: ")
    assert "\\u2713" in done.stdout, "a tick is written out, since ASCII has none"
    asked = heyi_process("decide", REFERRAL, "--lang", "zh", env={"PYTHONIOENCODING": "ascii"})
    assert asked.returncode == 0 and asked.stdout.startswith("\\u7ed3\\u8bba")


def test_a_terminal_in_gbk_is_answered_in_chinese(tmp_path: Path) -> None:
    done = shell(f"heyi decide {REFERRAL}", tmp_path, PYTHONIOENCODING="gbk")
    assert done.returncode == 0 and done.stdout.decode("gbk").startswith("结论")


@pytest.mark.parametrize("encoding", ["ascii", "gbk", "utf-8", "latin-1"])
def test_json_is_json_whatever_the_terminal(tmp_path: Path, encoding: str) -> None:
    done = shell(f"heyi decide {REFERRAL} --json", tmp_path, PYTHONIOENCODING=encoding)
    assert json.loads(done.stdout.decode(encoding))["outcome"] == "permit-with-obligations"


@posix
def test_a_name_that_is_no_unicode(tmp_path: Path) -> None:
    done = shell("heyi decide $'bad\\xff.yaml' --json", tmp_path, PYTHONIOENCODING="utf-8")
    assert done.returncode == 2 and b"Traceback" not in done.stderr
    assert "\\udcff" in done.stdout.decode()
    assert "bad\udcff.yaml" in json.loads(done.stdout)["error"]


@pytest.mark.parametrize("name", ["[/bold].yaml", "[red]x[/].yaml", "a[link=x]b.yaml"])
def test_markup_in_a_name_is_printed_as_it_is(heyi_process: Heyi, name: str) -> None:
    done = heyi_process("decide", name)
    assert done.returncode == 2 and f"`{name}`" in done.stderr


def test_markup_and_escape_sequences_in_a_statement(heyi_process: Heyi, tmp_path: Path) -> None:
    (tmp_path / "facts.json").write_text('{"[/bold]\\u001b[2J\\u202e": true}')
    done = heyi_process("decide", "facts.json")
    assert done.returncode == 2 and "Traceback" not in done.stderr
    assert "[/bold]" in done.stderr and "\x1b" not in done.stderr and "\u202e" not in done.stderr


def test_what_could_command_a_terminal_is_written_out() -> None:
    assert visible("甲 a\tb\n") == "甲 a\tb\n"
    assert visible("\x1b[2J") == "\\u001b[2J"
    assert visible("a\u202eb\u200bc\x9bd\rx") == "a\\u202eb\\u200bc\\u009bd\\u000dx"
    assert visible("\udcff") == "\\udcff"


@posix
@pytest.mark.parametrize("after", [0.05, 0.15, 0.3])
def test_an_interrupt_at_the_start_is_told_in_a_line(tmp_path: Path, after: float) -> None:
    """The moment differs from run to run; no moment may end in a traceback."""
    running = subprocess.Popen(
        [*COMMAND, "rules", "test"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        cwd=tmp_path,
        env=environment(),
    )
    try:
        running.wait(timeout=after)
    except subprocess.TimeoutExpired:
        running.send_signal(signal.SIGINT)
    _, told = running.communicate(timeout=600)
    # before the first line of Heyi, Python itself answers
    assert b"Traceback" not in told or b"/heyi/cli/" not in told


def test_a_large_file_of_facts_is_refused_before_it_is_parsed(
    heyi_process: Heyi, tmp_path: Path
) -> None:
    (tmp_path / "big.yaml").write_text("".join(f"a{i}: true\n" for i in range(900_000)))
    done = heyi_process("decide", "big.yaml")
    assert done.returncode == 2 and "larger than the facts of one request" in done.stderr


@pytest.mark.parametrize("written", ["3_", "_3", "3__0", "0x3", "03", "1:30"])
def test_what_is_no_plain_number_is_not_read_as_one(
    heyi_process: Heyi, tmp_path: Path, written: str
) -> None:
    (tmp_path / "facts.yaml").write_text(f"data.level: {written}\n")
    done = heyi_process("decide", "facts.yaml")
    assert done.returncode == 2 and "give a whole number from 1 to 5" in done.stderr


def study_with(file: str, folder: Path) -> Path:
    text = (ROOT / "examples" / "heart" / "study.toml").read_text(encoding="utf-8")
    folder.mkdir()
    (folder / "study.toml").write_text(text.replace("processed.va.data", file), encoding="utf-8")
    return folder


@pytest.mark.parametrize("file", ["../outside.csv", "/etc/hostname", "link.csv", "sub/../../x"])
def test_a_study_reads_no_file_outside_its_data(
    heyi_process: Heyi, tmp_path: Path, file: str
) -> None:
    (tmp_path / "outside.csv").write_text("a,b\n1,2\n")
    data = tmp_path / "data"
    data.mkdir()
    (data / "link.csv").symlink_to(tmp_path / "outside.csv")
    for name in ("cleveland", "hungarian", "switzerland"):
        (data / f"processed.{name}.data").write_text("63,1,1,145,233,1,2,150,0,2.3,3,0,6,0\n")
    done = heyi_process("run", study_with(file, tmp_path / "study"), "--data", data)
    assert done.returncode == 2 and "lies outside the folder" in done.stderr
    assert not (tmp_path / "heyi-run").exists()


@pytest.mark.parametrize("columns", ["²", "0", "9" * 5_000])
def test_any_width_of_the_terminal(heyi_process: Heyi, columns: str) -> None:
    size = {"COLUMNS": columns, "LINES": columns}
    assert heyi_process("decide", REFERRAL, env=size).returncode == 0
    assert heyi_process("decide", "absent.yaml", env=size).returncode == 2


@posix
@pytest.mark.parametrize("name", ["facts.yaml", "facts.json"])
def test_facts_that_are_no_file(heyi: Heyi, tmp_path: Path, name: str) -> None:
    os.mkfifo(tmp_path / name)
    (tmp_path / "zero.yaml").symlink_to("/dev/zero")
    (tmp_path / "folder.yaml").mkdir()
    for given in (name, "zero.yaml", "folder.yaml"):
        done = heyi("decide", given)
        assert done.returncode == 2 and "is not a regular file" in done.stderr


@posix
def test_a_run_folder_with_a_pipe_for_its_keys(heyi: Heyi, run_copy: Path) -> None:
    (run_copy / "trust.json").unlink()
    os.mkfifo(run_copy / "trust.json")
    done = heyi("verify", run_copy)
    assert done.returncode == 2 and "is not a regular file" in done.stderr


@posix
def test_a_rulebook_with_a_pipe_or_a_circle(heyi: Heyi, tmp_path: Path) -> None:
    assert heyi("rules", "copy", "own").returncode == 0
    os.mkfifo(tmp_path / "own" / "cn" / "pipe.md")
    done = heyi("decide", REFERRAL, "--rulebook", "own")
    assert done.returncode == 2 and "is not a regular file" in done.stderr
    (tmp_path / "own" / "cn" / "pipe.md").unlink()
    (tmp_path / "own" / "cn" / "up").symlink_to("..")
    done = heyi("decide", REFERRAL, "--rulebook", "own")
    assert done.returncode == 2 and "a link to a folder" in done.stderr


@pytest.mark.parametrize("text", ["x = " + "[" * 5_000, "x = " + "9" * 5_000, "x = {a={"])
def test_toml_that_cannot_be_read(heyi: Heyi, tmp_path: Path, text: str) -> None:
    assert heyi("rules", "copy", "own").returncode == 0
    (tmp_path / "own" / "consortium.toml").write_text(text)
    done = heyi("decide", REFERRAL, "--rulebook", "own")
    assert done.returncode == 2 and "is not TOML" in done.stderr


@pytest.mark.parametrize("value", ['"\\UFFFFFFFF"', '"\\uD800"'])
def test_yaml_with_a_character_that_there_is_none_of(
    heyi: Heyi, tmp_path: Path, value: str
) -> None:
    (tmp_path / "facts.yaml").write_text(f"data.level: {value}\n")
    done = heyi("decide", "facts.yaml")
    assert done.returncode == 2 and "Traceback" not in done.stderr


@posix
def test_a_folder_whose_name_is_not_unicode(story: Story, tmp_path: Path) -> None:
    shutil.copytree(story.directory, tmp_path / os.fsdecode(b"u\xff"))
    assert shell("heyi verify $'u\\xff' --json", tmp_path).returncode == 0
    done = shell("heyi demo --persons 5000 --dir $'v\\xff'", tmp_path)
    assert done.returncode == 1 and "is not UTF-8" in done.stderr.decode()


@pytest.mark.parametrize("spoilt", ["leaf='x'", "leaf='{}'", "leaf=3"])
def test_a_statement_of_a_spoilt_log(heyi: Heyi, run_copy: Path, spoilt: str) -> None:
    with closing(sqlite3.connect(run_copy / "heyi.db")) as database, database:
        database.execute(f"update entries set {spoilt} where idx > 20")
    done = heyi("statement", run_copy)
    assert done.returncode in (1, 2) and "nobody foresaw" not in done.stderr


def test_what_nobody_foresaw_is_told_in_a_line(heyi: Heyi, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError("[/bold] \x1b[2J")

    monkeypatch.setattr("heyi.cli.decide.shipped_point", fail)
    done = heyi("decide", REFERRAL, "--json")
    assert done.returncode == 1 and "\x1b" not in done.stderr
    assert "ZeroDivisionError: [/bold]" in done.stderr and "HEYI_TRACEBACK" in done.stderr
    assert json.loads(done.stdout)["exit_code"] == 1
    assert "Traceback" in heyi("decide", REFERRAL, env={"HEYI_TRACEBACK": "1"}).stderr
