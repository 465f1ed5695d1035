"""Lines of a rulebook file: what a reader of the page does not see is refused, and so is what nobody could read."""

from __future__ import annotations

import re

from heyi.model.errors import RuleError

LENGTH = 1_000_000
"""Characters of one file; the longest instrument that is shipped has 16 thousand."""

# controls but tab and line feed, separators that some editors do not show as line ends, marks that turn text around
_HIDDEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")


def lines_of(text: str, *, file: str) -> tuple[str, ...]:
    """The lines of a text; they end with a line feed, or with a carriage return and a line feed.

    Raises:
        RuleError: the file is too long, or has a character that a reader does not see.
    """
    if len(text) > LENGTH:
        message = f"the file has {len(text)} characters; at most {LENGTH} are read"
        raise RuleError(message, file=file, line=1, hint="a pack holds one instrument; split the file")
    if text.startswith("\ufeff"):
        message = "the file begins with a byte order mark"
        raise RuleError(message, file=file, line=1, hint="save it as UTF-8 without BOM")
    lines = tuple(text.replace("\r\n", "\n").removesuffix("\n").split("\n"))
    if _HIDDEN.search("\n".join(lines)):
        n, m = next((n, m) for n, line in enumerate(lines) if (m := _HIDDEN.search(line)))
        raise RuleError(
            f"the character U+{ord(m[0]):04X} cannot be seen on the page",
            file=file,
            line=n + 1,
            column=m.start() + 1,
            excerpt=lines[n],
            hint="delete it; it is often copied along from a web page or a word processor",
        )
    return lines
