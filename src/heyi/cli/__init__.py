"""The commands: one file per group, imported when the command is used."""

from __future__ import annotations

import sys


def main() -> None:
    """Run `heyi` with the arguments of the process.

    The command line is imported inside the function, so that an interrupt during that import ends
    with one line and not with a traceback.
    """
    try:
        from heyi.cli.commands import run
    except KeyboardInterrupt:
        sys.stderr.write("已中断 interrupted\n")
        sys.exit(1)
    run()
