"""Table: the content of a file as text, before anything is interpreted."""

from __future__ import annotations

from dataclasses import dataclass

from heyi.model.errors import InvalidInput


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Rows of texts under headings.

    A cell is the written text without spaces around it; a missing value is an empty string.
    `digest` is the SHA-256 of the file in hexadecimal; `duplicates` counts the exact duplicate rows
    that were left out.
    """

    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    encoding: str
    digest: str
    duplicates: int = 0

    def __post_init__(self) -> None:
        if not self.headings or not all(self.headings):
            raise InvalidInput("a table needs a heading over every column")
        if len(set(self.headings)) != len(self.headings):
            raise InvalidInput(
                "a table has two columns with one heading", hint="rename one of them"
            )
        width = len(self.headings)
        for number, row in enumerate(self.rows, 1):
            if len(row) != width:
                raise InvalidInput(
                    f"row {number} of a table has {len(row)} cells under {width} headings"
                )

    def column(self, index: int) -> tuple[str, ...]:
        return tuple(row[index] for row in self.rows)
