"""The commands: one file per group, imported when the command is used."""

from __future__ import annotations

import gc
import sys


def main() -> None:
    """Run `heyi` with the arguments of the process.

    The command line is imported inside the function, so that an interrupt during that import ends
    with one line and not with a traceback.
    """
    # A command lives for a second and builds what it keeps; looking for circles of dead objects at
    # the usual pace takes a tenth of that. A long study still collects them.
    gc.set_threshold(1_000_000, 20, 20)
    try:
        from heyi.cli.commands import run
    except KeyboardInterrupt:
        sys.stderr.write("已中断 interrupted\n")
        sys.exit(1)
    run()
