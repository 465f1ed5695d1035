"""Lines of a rulebook file, and places in them that errors point at.

Characters that a reader does not see are refused: the page must show all that is loaded.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from heyi.model.errors import RuleError

LENGTH = 1_000_000
"""Characters of one file at most; the longest that is shipped has 16 thousand."""

# controls except tab and line feed; line separators that some editors do not show; marks that
# change the direction of text; the byte order mark; surrogates
_HIDDEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Text with its place in a file. `line` and `column` count from 1; `lines` is all the file."""

    text: str
    file: str
    line: int
    column: int
    lines: tuple[str, ...]

    def error(self, message: str, at: int = 0, *, hint: str = "") -> RuleError:
        """A RuleError that points at offset `at` of this text."""
        before = self.text[:at]
        down = before.count("\n")
        # in the first line of the text its own column counts, in later ones the start of the line
        column = self.column + at if down == 0 else at - before.rindex("\n")
        line = self.line + down
        excerpt = self.lines[line - 1] if line <= len(self.lines) else ""
        return RuleError(
            message, file=self.file, line=line, column=column, excerpt=excerpt, hint=hint
        )

    def below(self, *words: str) -> Span:
        """The first of `words` found in the block that this head begins, or else the head."""
        end = next(
            (n for n in range(self.line, len(self.lines)) if self.lines[n].startswith("```")),
            self.line,
        )
        for word in words:
            found = re.compile(rf"(?<![\w.-]){re.escape(word)}(?![\w.-])")
            for n in range(self.line, end):
                if m := found.search(self.lines[n]):
                    return Span(
                        text=word,
                        file=self.file,
                        line=n + 1,
                        column=m.start() + 1,
                        lines=self.lines,
                    )
        return self


def lines_of(text: str, *, file: str) -> tuple[str, ...]:
    r"""The lines of a text; line ends are \n or \r\n.

    Raises:
        RuleError: the file is too long, or has a character that a reader does not see.
    """
    if len(text) > LENGTH:
        message = f"the file has {len(text)} characters; at most {LENGTH} are read"
        raise RuleError(
            message, file=file, line=1, hint="a pack holds one instrument; split the file"
        )
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


def at_line(
    lines: tuple[str, ...], n: int, *, file: str, column: int = 1, text: str | None = None
) -> Span:
    """`text`, or else the line at index `n` (from 0), from `column` (from 1) on."""
    return Span(
        text=lines[n][column - 1 :] if text is None else text,
        file=file,
        line=n + 1,
        column=column,
        lines=lines,
    )
