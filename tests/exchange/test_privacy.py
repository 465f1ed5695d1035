"""Privacy: no resident ID, telephone or record number leaves the institutions' files."""

from __future__ import annotations

import csv
from pathlib import Path

from heyi.exchange.events.used import ConsentWithdrawn, Subject
from heyi.sources.csv_file import read_csv
from oracles.forge import logged, said
from tests.support.story import Story


def identifiers(directory: Path) -> set[bytes]:
    """Every ID number, telephone number and record number of the county, in UTF-8."""
    found: set[bytes] = set()
    for path in (directory / "institutions").glob("*.csv"):
        table = read_csv(path)
        for row in csv.reader([",".join(r) for r in table.rows]):
            found |= {c.encode() for c in row if len(c) >= 11 and c[:-1].isdigit()}
    return found


def test_no_identifier_in_any_log(story: Story) -> None:
    known = identifiers(story.directory)
    assert len(known) > 1_000
    for path in (story.directory / "heyi.db", *(story.directory / "nodes").glob("*.db")):
        database = (
            story.app.database if path.name == "heyi.db" else story.app.node_databases[path.stem]
        )
        for entry in database.entries():
            everything = entry.leaf + (entry.body or b"")
            assert not [i for i in known if i in everything], (
                f"an identifier stands in {path.name} entry {entry.index}"
            )


def test_withdrawals_are_logged_without_the_person(story: Story) -> None:
    withdrawals = logged(story.app.consortium, ConsentWithdrawn)
    assert withdrawals
    for entry in withdrawals:
        body = entry.content(Subject)
        assert body is not None, "the token stands in the body alone"
        (stored,) = story.app.database.entries(entry.index, entry.index + 1)
        assert body.token.encode() not in stored.leaf
        assert said(entry, ConsentWithdrawn).via in story.app.consortium.state.parties
