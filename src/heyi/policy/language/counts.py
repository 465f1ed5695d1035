"""How large a rulebook is: the one source of every such number that Heyi shows."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from heyi.policy.language import ir


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Rules, the instruments and articles that they stand for, and worked cases."""

    rules: int
    instruments: int
    articles: int
    cases: int


def counts(book: ir.Rulebook, jurisdictions: Collection[str] | None = None) -> Counts:
    """The counts of a compiled rulebook, or of its packs of some jurisdictions alone.

    A rulebook that comes from a build has no worked cases: compile it to count them.
    """
    among = book.jurisdictions if jurisdictions is None else jurisdictions
    rules = [r for r in book.rules if r.article.jurisdiction in among]
    return Counts(
        rules=len(rules),
        instruments=len({r.article.instrument.zh for r in rules}),
        articles=sum(a.jurisdiction in among for a in book.articles.values()),
        cases=sum(c.jurisdiction in among for c in book.cases),
    )
