"""`heyi`: the entry point, the table of commands, and how errors become messages and exit codes."""

from __future__ import annotations

import os
import re
import signal
import sys
import threading
import traceback
from importlib import import_module
from typing import Any, NoReturn, TextIO

import typer
from typer.core import TyperGroup
from typer.exceptions import TyperException

from heyi import __version__
from heyi.cli.output import FAILED, MISUSE, err, print_json, visible
from heyi.model.errors import HeyiError

COMMANDS = {
    "demo": ("heyi.cli.demo:demo", "Raise a synthetic county and play the whole story."),
    "run": ("heyi.cli.run:run", "Run a joint study over your own files."),
    "decide": (
        "heyi.cli.decide:decide",
        "Judge facts; say why, what is missing, what would cure it.",
    ),
    "rules": ("heyi.cli.proofs:app", "Check, test, build and show the rulebook."),
    "verify": ("heyi.cli.audit:verify", "Check a run as an outsider: every proof, every decision."),
    "erase": ("heyi.cli.audit:erase", "Erase bodies of log entries for good."),
    "receipt": ("heyi.cli.receipts:receipt", "Get and check proofs that an act was logged."),
    "backup": ("heyi.cli.backups:backup", "Copy a run into a new folder."),
    "restore": ("heyi.cli.backups:restore", "Put a backup into a new folder."),
    "log": ("heyi.cli.logs:log", "List the log; compare it with what is kept beside."),
    "statement": (
        "heyi.cli.statement:statement",
        "Show what an institution contributed and is paid.",
    ),
    "settle": ("heyi.cli.settle:app", "Check, answer disputes, approve and pay settlements."),
    "dispute": ("heyi.cli.settle:dispute", "Doubt a statement, with reasons."),
    "doctor": ("heyi.cli.doctor:doctor", "Name engines, versions, platform and rulebook."),
}
"""Each command: its module and function, and its line in the help."""


class Commands(TyperGroup):
    """The group of all commands, none of which is imported before its name is typed."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name][0].partition(":")
        found = getattr(import_module(module), name)
        if isinstance(found, typer.Typer):
            command: Any = typer.main.get_group(found)
        else:
            alone = typer.Typer(rich_markup_mode=None, add_completion=False)
            alone.command(cmd_name)(found)
            command = typer.main.get_command(alone)
        command.name = cmd_name
        return command

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, said) for name, (_, said) in COMMANDS.items()])


app = typer.Typer(
    name="heyi",
    cls=Commands,
    help="Heyi 合医: institutions share the use of health data, not the data.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _version(value: bool) -> None:
    if value:
        sys.stdout.write(f"heyi {__version__}\n")
        raise typer.Exit


@app.callback()
def _root(
    version: bool = typer.Option(
        False, "--version", callback=_version, is_eager=True, help="print the version"
    ),
) -> None:
    """Heyi 合医."""


def run() -> NoReturn:
    """Run a command; an error is told with its cause and the next step, never as a traceback.

    With `--json` an error is one JSON object on stdout as well, so that a program that reads it
    always finds one.
    """
    _open_streams()
    _tidy_environment()
    _stop_as_interrupted()
    try:
        code = _answer()
        sys.stdout.flush()
    except BrokenPipeError:  # whoever read the output has gone, as `head` does
        _silence(sys.stdout)
        code = FAILED
    except OSError as e:  # a full disk behind a redirected output
        _silence(sys.stdout)
        sys.stderr.write(f"错误 error: the output cannot be written: {e.strerror or e}\n")
        code = FAILED
    sys.exit(code)


def _stop_as_interrupted() -> None:
    """Whoever ends the program, as a service manager does, leaves nothing half-made behind."""
    if threading.current_thread() is not threading.main_thread():
        return
    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        # under `nohup` it is ignored, and stays so
        if number is not None and signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, signal.default_int_handler)


def _answer() -> int:
    """The exit code of the command."""
    try:
        code = app(standalone_mode=False)
    except HeyiError as e:
        hint, e.hint = e.hint, ""
        return _tell(str(e), hint, e.exit_code)
    except TyperException as e:
        message = str(getattr(e, "format_message", e.__str__)())
        if message.startswith("Usage:"):  # a group of commands without a command shows its help
            sys.stderr.write(f"{message}\n")
            return MISUSE
        return _tell(message, "heyi --help; heyi COMMAND --help", MISUSE)
    except (typer.Abort, KeyboardInterrupt):
        return _interrupted()
    except OSError as e:
        if e.filename is None:
            raise  # of the streams: `run` tells it
        return _unforeseen(e)
    except Exception as e:  # noqa: BLE001  the last resort: it is told and ends the command
        return _unforeseen(e)
    if code == INTERRUPTED:
        return _interrupted()
    return code if isinstance(code, int) else 0


INTERRUPTED = 130  # what the command line library makes of an interrupt


def _interrupted() -> int:
    hint = "已保存的内容保持完整，再运行一次即可 what was kept is whole; run it again"
    return _tell("已中断 interrupted", hint, FAILED)


def _unforeseen(error: Exception) -> int:
    """A fault of Heyi itself, told in a line; with HEYI_TRACEBACK the traceback as well."""
    cause = f"{type(error).__name__}: {_said(error)}"
    if "KeyboardInterrupt" in cause:  # how a solver written in C passes an interrupt on
        return _interrupted()
    if os.environ.get("HEYI_TRACEBACK"):
        sys.stderr.write("".join(traceback.format_exception(error)))
    hint = "set HEYI_TRACEBACK=1 to see where, and report it; send no real data along"
    return _tell(f"an error that nobody foresaw: {cause[:300]}", hint, FAILED)


def _said(error: Exception) -> str:
    try:
        return str(error)
    except Exception:  # noqa: BLE001  a foreign exception may not even print itself
        return "without a message"


def _tell(message: str, hint: str, code: int) -> int:
    from rich.text import Text

    err().print(Text.assemble(("错误 error:", "bold red"), " ", visible(message)))
    if hint:
        err().print(Text.assemble(("下一步 next:", "bold"), " ", visible(hint)))
    if "--json" in sys.argv:
        print_json({"error": message, "hint": hint, "exit_code": code})
    return code


def _open_streams() -> None:
    """Streams that are there and can write every character.

    A process may be started without a stdout. A terminal in ASCII or GBK has no bytes for some
    characters that Heyi prints; they are written as `\\\\u2713`, not as a traceback.
    """
    for name in ("stdout", "stderr"):
        stream: TextIO | None = getattr(sys, name)
        if stream is None:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            setattr(sys, name, os.fdopen(nowhere, "w", encoding="utf-8"))
        elif hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def _tidy_environment() -> None:
    """Leave out of the environment what libraries would stumble over.

    Rich takes `²` for a number of columns. Typer answers a request for shell completion, which Heyi
    does not offer, instead of the command.
    """
    for name in ("COLUMNS", "LINES"):
        if not re.fullmatch("[0-9]{1,4}", os.environ.get(name, "")):
            os.environ.pop(name, None)
    os.environ.pop("_HEYI_COMPLETE", None)


def _silence(stream: TextIO) -> None:
    """Send what is still buffered nowhere, else Python complains about it at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
