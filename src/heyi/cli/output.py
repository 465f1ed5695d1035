"""How commands speak: results on stdout, progress and errors on stderr, `--json` as one object.

Exit codes: 0 ok, 1 failed, 2 misuse (the input cannot be used), 3 refused by law or permit.
Names and texts of users are printed as they are: never as markup, never as terminal commands.
"""

from __future__ import annotations

import json
import sys
import unicodedata
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rich.console import Console

OK, FAILED, MISUSE, REFUSED = 0, 1, 2, 3

Json = Annotated[bool, typer.Option("--json", help="print one JSON object on stdout")]
Store = Annotated[
    str, typer.Option(help="an empty database for the log: postgresql://USER@HOST/NAME")
]
Address = Annotated[
    str,
    typer.Option("--store", help="where the log is, if it is in a database: postgresql://…"),
]
Lang = Annotated[str, typer.Option("--lang", envvar="HEYI_LANG", help="zh (default) or en")]


def out() -> Console:
    """A console on the present stdout; made when it is used, since tests replace stdout."""
    return _console(stderr=False, soft_wrap=not sys.stdout.isatty())


def err() -> Console:
    """A console on the present stderr, for progress and errors."""
    return _console(stderr=True, soft_wrap=True)


def _console(*, stderr: bool, soft_wrap: bool) -> Console:
    from rich.console import Console  # 40 ms, which a command with `--json` need not wait for
    from rich.text import Text

    class Plain(Console):
        """Every text that it is given passes through `visible`, also the cells of tables."""

        def render_str(self, text: str, **options: Any) -> Text:
            return super().render_str(visible(text), **options)

    return Plain(stderr=stderr, soft_wrap=soft_wrap, highlight=False, markup=False, emoji=False)


def step(zh: str, en: str) -> None:
    """One line of progress on stderr."""
    from rich.text import Text

    line = Text.assemble(("•", "green"), f" {visible(zh)}  ", (visible(en), "dim"))
    err().print(line)


def visible(text: str) -> str:
    """The text with control characters, text directions and lone surrogates written out.

    A name could otherwise move the cursor, hide a line, or turn the order of what is read.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(_written(c) for c in text)


def _written(character: str) -> str:
    hidden = unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp")
    if not hidden or character in "\n\t":
        return character
    return f"\\u{ord(character):04x}"


def print_json(value: Mapping[str, Any]) -> None:
    """One JSON object on stdout; outside Unicode terminals every other character is escaped."""
    ascii_only = (sys.stdout.encoding or "").lower().replace("-", "") not in ("utf8", "utf_8")
    text = json.dumps(value, ensure_ascii=ascii_only, indent=2)
    if any("\ud800" <= c <= "\udfff" for c in text):  # UTF-8 has no bytes for a lone surrogate
        text = json.dumps(value, indent=2)
    sys.stdout.write(text + "\n")


def _shows(text: str, encoding: str | None) -> bool:
    try:
        text.encode(encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def language(lang: str) -> str:
    """`zh` or `en`; where nothing was said, Chinese if the terminal can show it.

    Raises:
        BadParameter: another language was named.
    """
    if not lang:
        return "zh" if _shows("合医", sys.stdout.encoding) else "en"
    if lang not in ("zh", "en"):
        raise typer.BadParameter(
            f"`{lang}` is not a language here; write zh or en", param_hint="--lang"
        )
    return lang
