"""The errors of Heyi as one short tree; the class says what is broken.

HeyiError              every error that Heyi raises on purpose; `hint` is the next step to take
├── InvalidInput       the input is broken: a wrong header, an unknown fact, a number out of range
│   └── RuleError      a pack is broken; the error has file, line and column
├── VerificationError  the evidence is broken: a signature, a proof, a digest
├── StoreError         the infrastructure is broken: a full disk, a locked database
│   └── Conflict       another writer holds the log, or has overtaken this one; nothing was kept
└── Refused            nothing is broken: the answers were no, and the use case ends
"""

from __future__ import annotations

import unicodedata


class HeyiError(Exception):
    """An error with its cause and the next step.

    `message` is lower case without a full stop; `hint` says what a person should do next.
    `exit_code` is the exit code of the command line.
    """

    exit_code = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}; {self.hint}" if self.hint else self.message


class InvalidInput(HeyiError):
    """The input cannot be used; the person who gave it must change it."""

    exit_code = 2


class RuleError(InvalidInput):
    """A pack cannot be loaded.

    `line` and `column` count from 1; `excerpt` is the line of text with the error.
    """

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
        # A Chinese character is two columns wide on a terminal. An ideographic space under each of
        # them keeps the caret below its character.
        lead = "".join(
            c if c == "\t" else "　" if unicodedata.east_asian_width(c) in "WF" else " "
            for c in excerpt[:at]
        )
        return f"{_visible(place)}\n  {excerpt}\n  {lead}^"


SHOWN = 160
"""Characters that an error shows of a long line, around the caret."""


def _visible(text: str) -> str:
    """The text without control characters; the middle of a long text is left out."""
    # Control characters could move the caret or send commands to the terminal.
    text = text if len(text) <= 1_000 else f"{text[:500]}…{text[-500:]}"
    return "".join(
        "�" if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp") and c != "\t" else c
        for c in text
    )


def _around(line: str, at: int) -> tuple[str, int]:
    """The part of a long line around index `at`, and the index of the same character in it."""
    if len(line) <= SHOWN:
        return line, at
    begin = max(0, at - SHOWN // 2)
    head = "…" if begin else ""
    tail = "…" if begin + SHOWN < len(line) else ""
    return f"{head}{line[begin : begin + SHOWN]}{tail}", at - begin + len(head)


class VerificationError(HeyiError):
    """Evidence is not valid: a signature, a proof, a digest or a replay contradicts the claim."""


class Refused(HeyiError):
    """A use case ends because law, permits or institutions said no; the log has their answers."""

    exit_code = 3


class StoreError(HeyiError):
    """The store could not write or read; it keeps nothing of a failed write."""


class Conflict(StoreError):
    """Another writer holds the log, or has overtaken this one; nothing was kept."""
