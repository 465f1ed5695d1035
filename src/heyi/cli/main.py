"""`heyi`: the entry point, and how errors become messages and exit codes."""

from __future__ import annotations

import sys
from typing import NoReturn

import typer
from typer.exceptions import TyperException

from heyi import __version__
from heyi.cli import audit, decide, demo, proofs, run, settle, statement
from heyi.cli.output import FAILED, MISUSE, err, print_json
from heyi.model.errors import HeyiError

app = typer.Typer(
    name="heyi",
    help="Heyi 合医: institutions share the use of health data, not the data.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command("demo")(demo.demo)
app.command("run")(run.run)
app.command("decide")(decide.decide)
app.add_typer(proofs.app, name="rules")
app.command("verify")(audit.verify)
app.command("erase")(audit.erase)
app.command("statement")(statement.statement)
app.add_typer(settle.app, name="settle")
app.command("dispute")(settle.dispute)


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


def main() -> None:
    """Run a command; an error is told with its cause and the next step, never as a traceback.

    With `--json` an error is one JSON object on stdout as well, so that a program that reads it always finds one.
    """
    try:
        code = app(standalone_mode=False)
    except HeyiError as e:
        hint, e.hint = e.hint, ""
        _tell(str(e), hint, e.exit_code)
    except TyperException as e:
        message = str(getattr(e, "format_message", e.__str__)())
        if message.startswith("Usage:"):  # a group of commands without a command shows its help
            sys.stderr.write(f"{message}\n")
            sys.exit(MISUSE)
        _tell(message, "heyi --help; heyi COMMAND --help", MISUSE)
    except (typer.Abort, KeyboardInterrupt):
        _interrupted()
    else:
        if code == INTERRUPTED:
            _interrupted()
        sys.exit(code if isinstance(code, int) else 0)


INTERRUPTED = 130  # what the command line library makes of an interrupt


def _interrupted() -> NoReturn:
    hint = "已保存的内容保持完整，再运行一次即可 what was kept is whole; run it again"
    _tell("已中断 interrupted", hint, FAILED)


def _tell(message: str, hint: str, code: int) -> NoReturn:
    err.print(f"[bold red]错误 error:[/] {_plain(message)}", soft_wrap=True)
    if hint:
        err.print(f"[bold]下一步 next:[/] {_plain(hint)}", soft_wrap=True)
    if "--json" in sys.argv:
        print_json({"error": message, "hint": hint, "exit_code": code})
    sys.exit(code)


def _plain(text: str) -> str:
    return text.replace("[", r"\[")
