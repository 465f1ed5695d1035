"""`heyi`: the entry point, and how errors become messages and exit codes."""

from __future__ import annotations

import sys

import typer

from heyi import __version__
from heyi.cli import audit, decide, demo, rules, run, statement
from heyi.cli.output import FAILED, err
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
app.add_typer(rules.app, name="rules")
app.command("verify")(audit.verify)
app.command("erase")(audit.erase)
app.command("statement")(statement.statement)


def _version(value: bool) -> None:
    if value:
        sys.stdout.write(f"heyi {__version__}\n")
        raise typer.Exit


@app.callback()
def _root(
    version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="print the version"),
) -> None:
    """Heyi 合医."""


def main() -> None:
    """Run a command; an error is told with its cause and the next step, never as a traceback."""
    try:
        app()
    except HeyiError as e:
        hint, e.hint = e.hint, ""
        err.print(f"[bold red]错误 error:[/] {_plain(str(e))}", soft_wrap=True)
        if hint:
            err.print(f"[bold]下一步 next:[/] {_plain(hint)}", soft_wrap=True)
        sys.exit(e.exit_code)
    except KeyboardInterrupt:
        err.print("已中断；已记入日志的内容保持完整 interrupted; what was logged is whole")
        sys.exit(FAILED)


def _plain(text: str) -> str:
    return text.replace("[", r"\[")
