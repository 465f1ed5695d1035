"""Whatever the streams are, and whatever names contain: a line of error, never a traceback."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from heyi.cli.output import visible
from tests.support.command import Heyi

ROOT = Path(__file__).resolve().parents[2]
REFERRAL = ROOT / "examples" / "decide" / "referral.yaml"
COMMAND = [sys.executable, "-m", "heyi"]
ENVIRONMENT = {**os.environ, "COLUMNS": "120"}


def shell(script: str, folder: Path, **more: str) -> subprocess.CompletedProcess[bytes]:
    """Run a line of shell in which `heyi` is the command."""
    command = " ".join(COMMAND)
    return subprocess.run(
        ["bash", "-c", script.replace("heyi", command)],
        capture_output=True,
        cwd=folder,
        env={**ENVIRONMENT, **more},
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
        env=ENVIRONMENT,
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
