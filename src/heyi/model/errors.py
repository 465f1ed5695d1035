"""Whose fault it is, as one short tree.

HeyiError              every error that Heyi raises on purpose; `hint` is the next step a person should take
├── InvalidInput       the input is broken: a wrong header, an unknown fact, a number out of range
│   └── RuleError      a pack is broken; carries file, line and column
├── VerificationError  the evidence is broken: a signature, a proof, a digest
├── StoreError         the infrastructure is broken: a full disk, a locked database
└── Refused            nothing is broken: a use case ends here because the answers, which are values, were no
"""

from __future__ import annotations

import unicodedata


class HeyiError(Exception):
    """An error with its cause, its place and the next step.

    `message` is lower case without a full stop; `hint` says what a person should do next.
    """

    exit_code = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}; {self.hint}" if self.hint else self.message


class InvalidInput(HeyiError):
    """The input cannot be used as it stands."""

    exit_code = 2


class RuleError(InvalidInput):
    """A pack cannot be loaded; `line` and `column` count from 1, `excerpt` is the line of text it points at."""

    def __init__(
        self,
        message: str,
        *,
        file: str,
        line: int,
        column: int = 1,
        excerpt: str = "",
        hint: str = "",
    ) -> None:
        super().__init__(message, hint=hint)
        self.file = file
        self.line = line
        self.column = column
        self.excerpt = excerpt

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}: {super().__str__()}"
        if not self.excerpt:
            return _visible(place)
        excerpt, at = _around(self.excerpt, self.column - 1)
        excerpt = _visible(excerpt)
        # a Chinese character takes two columns on a terminal, so the caret moves with the text before it
        lead = "".join(
            c if c == "\t" else "　" if unicodedata.east_asian_width(c) in "WF" else " "
            for c in excerpt[:at]
        )
        return f"{_visible(place)}\n  {excerpt}\n  {lead}^"


SHOWN = 160
"""Characters of a line that an error shows; whoever reads it looks for the caret."""


def _visible(text: str) -> str:
    """Text without what would move the caret or steer a terminal; of a long one the middle is cut."""
    text = text if len(text) <= 1_000 else f"{text[:500]}…{text[-500:]}"
    return "".join(
        "�" if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp") and c != "\t" else c
        for c in text
    )


def _around(line: str, at: int) -> tuple[str, int]:
    """As much of a long line as is shown around `at`, and where `at` is in it."""
    if len(line) <= SHOWN:
        return line, at
    begin = max(0, at - SHOWN // 2)
    head = "…" if begin else ""
    tail = "…" if begin + SHOWN < len(line) else ""
    return f"{head}{line[begin : begin + SHOWN]}{tail}", at - begin + len(head)


class VerificationError(HeyiError):
    """Evidence does not hold: a signature, a proof, a digest or a replay differs from what was claimed."""


class Refused(HeyiError):
    """A use case cannot go on because law, permits or institutions said no; their answers stand in the log."""

    exit_code = 3


class StoreError(HeyiError):
    """The store could not keep or give what was asked; nothing half-done was kept."""
