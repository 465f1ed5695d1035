"""A node with a broken disk: what is not logged is not computed, and does not leave the node."""

from __future__ import annotations

import resource
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from heyi.federation.node.node import Node
from heyi.federation.wire.operation import Operation
from heyi.model.errors import StoreError
from heyi.model.permit import Permit

if TYPE_CHECKING:
    from tests.support.county import County

HOST = "clinic-a"


@pytest.fixture
def node(county: County) -> Node:
    county.serve(HOST, county.visits(80, 1))
    return county.open_node(HOST)


@pytest.fixture
def permit(county: County, node: Node, by_sex: Operation) -> Permit:
    return county.permit(by_sex, host=HOST)


@contextmanager
def full_disk(path: Path) -> Iterator[None]:
    """No file of this process can grow beyond the present size of the write-ahead log."""
    size = path.with_name(path.name + "-wal").stat().st_size
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_node_whose_database_is_read_only_computes_nothing(
    county: County, permit: Permit, by_sex: Operation
) -> None:
    node = county.open_node(HOST, query="mode=ro")
    with pytest.raises(StoreError, match="readonly"):
        node.handle(county.call(permit, by_sex))
    assert county.records[HOST].read == []
    assert node.log.size == 0


def test_a_node_whose_disk_is_full_computes_nothing_and_charges_nothing(
    county: County, node: Node, permit: Permit, by_sex: Operation
) -> None:
    node.handle(county.call(permit, by_sex))
    county.records[HOST].read.clear()
    with full_disk(county.directory / f"{HOST}.db"), pytest.raises(StoreError):
        node.handle(county.call(permit, by_sex, number=2))
    assert county.records[HOST].read == []
    assert county.charged(HOST, permit) == [1]
    assert node.handle(county.call(permit, by_sex, number=2)).refusal is None
    assert county.charged(HOST, permit) == [1, 2]


def test_what_cannot_be_logged_is_not_answered(
    county: County, node: Node, permit: Permit, by_sex: Operation
) -> None:
    """The call was charged by then, which errs on the safe side."""
    with closing(sqlite3.connect(county.directory / f"{HOST}.db")) as broken, broken:
        broken.execute(
            "CREATE TRIGGER t BEFORE INSERT ON entries WHEN NEW.idx > 0 "
            "BEGIN SELECT RAISE(ABORT, 'disk I/O error'); END"
        )
    with pytest.raises(StoreError, match="disk I/O error"):
        node.handle(county.call(permit, by_sex))
    assert county.kinds(HOST) == ["call.charged"]
    with closing(sqlite3.connect(county.directory / f"{HOST}.db")) as mended, mended:
        mended.execute("DROP TRIGGER t")
    again = county.open_node(HOST).handle(county.call(permit, by_sex))
    assert again.refusal is not None
    assert again.refusal.code == "calls"
