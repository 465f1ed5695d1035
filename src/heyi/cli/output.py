"""How commands speak: results on stdout, progress and errors on stderr, one JSON object with `--json`.

Exit codes: 0 ok, 1 failed, 2 misuse (the input cannot be used), 3 refused by law or permit.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import Annotated, Any

import typer
from rich.console import Console

OK, FAILED, MISUSE, REFUSED = 0, 1, 2, 3

err = Console(stderr=True, highlight=False)

Json = Annotated[bool, typer.Option("--json", help="print one JSON object on stdout")]
Lang = Annotated[str, typer.Option("--lang", envvar="HEYI_LANG", help="zh (default) or en")]


def out() -> Console:
    """A console on the present stdout; made when it is used, since tests replace stdout."""
    return Console(highlight=False, soft_wrap=not sys.stdout.isatty())


def print_json(value: Mapping[str, Any]) -> None:
    """One JSON object on stdout, whatever the terminal."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2) + "\n")


def language(lang: str) -> str:
    """`zh` or `en`; anything else is misuse."""
    if lang not in ("zh", "en"):
        raise typer.BadParameter(
            f"`{lang}` is not a language here; write zh or en", param_hint="--lang"
        )
    return lang
