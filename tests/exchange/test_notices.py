"""Nodes are told who withdrew: in the order of the log, and also those that open later."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Sequence
from contextlib import closing

import pytest

from heyi.app.verification import verify_directory
from heyi.consent.registry import EVERYTHING
from heyi.exchange.consortium import PLATFORM
from heyi.exchange.request.register import register_party
from heyi.exchange.study.use import withdraw
from heyi.fabric.local import LocalFabric
from heyi.federation.node.node import Node
from heyi.federation.node.node_events import NodeWithdrew
from heyi.model.errors import InvalidInput, StoreError, VerificationError
from heyi.model.party import Party, PartyKind, Tier
from oracles.city import HOSPITAL, City
from oracles.forge import node_events

LATE = "late-clinic"
ONE, TWO, THREE = "11" * 16, "22" * 16, "33" * 16


def join(city: City, name: str) -> None:
    key = city.app.signer(name).public_key
    party = Party(
        id=name,
        kind=PartyKind.INSTITUTION,
        tier=Tier.TOWNSHIP,
        zh=name,
        en=name,
        public_key=key,
    )
    register_party(city.consortium, party, {}, by=PLATFORM)


def leave(city: City, token: str, scope: str = EVERYTHING) -> int:
    city.app.clock.forward(60)
    return withdraw(city.consortium, token=token, via=HOSPITAL, by=HOSPITAL, scope=scope)


def knows(node: Node) -> list[str]:
    """The tokens in a node's own log, in its order."""
    bodies = [e.body for e in node.log.store.entries() if e.body is not None]
    assert len(bodies) == len(node_events(node.log, NodeWithdrew))
    return [b.decode().split('"')[3] for b in bodies]


def test_a_node_is_told_all_that_came_before_it_and_all_that_comes_after(city: City) -> None:
    first = city.app.open_node(HOSPITAL, [HOSPITAL])
    city.ask("a-case")
    leave(city, ONE)
    leave(city, TWO, scope="a-case")
    join(city, LATE)
    late = city.app.open_node(LATE, [LATE])  # it has no data yet
    leave(city, THREE)
    assert knows(first) == knows(late) == [ONE, TWO, THREE]
    city.app.cosign()
    assert verify_directory(city.app.directory).faults == []


def test_a_node_that_could_not_be_opened_is_not_connected_and_not_told_twice(
    city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    leave(city, ONE)
    join(city, LATE)

    def fail(*_: object) -> None:
        raise StoreError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(city.consortium.writer, "run", fail)
        with pytest.raises(StoreError):
            city.app.open_node(LATE, [LATE])
    assert LATE not in city.app.fabric.nodes
    assert knows(city.app.open_node(LATE, [LATE])) == [ONE]
    city.app.cosign()
    assert verify_directory(city.app.directory).faults == []


def test_no_node_opens_that_cannot_be_told(city: City) -> None:
    gone = leave(city, ONE)
    join(city, LATE)
    with closing(sqlite3.connect(city.app.directory / "heyi.db")) as connection:
        connection.execute("delete from bodies where idx = ?", (gone,))
        connection.commit()
    with pytest.raises(VerificationError, match=f"cannot be told who withdrew in entry {gone}"):
        city.app.open_node(LATE, [LATE])
    assert LATE not in city.app.fabric.nodes
    with pytest.raises(InvalidInput, match="no node of"):
        city.app.fabric.revoke(LATE, "x", 0)


def test_withdrawals_of_two_threads_are_told_in_the_order_of_the_log(
    city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first is held up before it is told; the second must not overtake it."""
    node = city.app.open_node(HOSPITAL, [HOSPITAL])
    logged, overtaken = threading.Event(), threading.Event()
    tell = LocalFabric.withdraw

    def slow(fabric: LocalFabric, hosts: Sequence[str], token: str, scope: str, at: int) -> None:
        if token == ONE:
            logged.set()
            overtaken.wait(0.5)
        tell(fabric, hosts, token, scope, at)
        overtaken.set()

    monkeypatch.setattr(LocalFabric, "withdraw", slow)
    first = threading.Thread(target=leave, args=(city, ONE))
    first.start()
    assert logged.wait(60)
    leave(city, TWO)
    first.join()
    assert knows(node) == [ONE, TWO]
    city.app.cosign()
    assert verify_directory(city.app.directory).faults == []
