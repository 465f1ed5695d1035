"""A small county with real nodes: each has tables, signed permits, a log and a database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from sqlalchemy import make_url

from heyi.audit.event import Event, from_leaf
from heyi.audit.log import Log
from heyi.catalogue.grade import grade
from heyi.catalogue.table import Table
from heyi.crypto.canonical import Json, digest
from heyi.crypto.keys import Signer
from heyi.federation.centre.driver import Seat, Transport
from heyi.federation.node.enforce import NodePolicy
from heyi.federation.node.node import Node
from heyi.federation.wire.answer import Answer
from heyi.federation.wire.call import Call
from heyi.federation.wire.operation import Operation
from heyi.model.permit import Permit
from heyi.permits.issue import issue
from heyi.sources.table_records import TableRecords
from heyi.store.database import Database
from heyi.store.secrets import SeededEntropy, SeededKeyring

START = 1_796_085_000
PLATFORM = "county-platform"
REQUESTER = "county-hospital"
HEADINGS = {
    "resident_id": "身份证号",
    "age": "年龄",
    "sex": "性别",
    "sbp": "收缩压",
    "diabetes": "糖尿病",
}
WORDS: dict[str, dict[float, str]] = {
    "sex": {1.0: "男", 0.0: "女"},
    "diabetes": {1.0: "是", 0.0: "否"},
}
WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)

Visits = Mapping[str, Sequence[Any]]


class WatchedRecords(TableRecords):
    """The tables of a host; `read` lists the assets that were read, in order."""

    def __init__(self) -> None:
        super().__init__()
        self.read: list[str] = []

    def columns(self, asset: str, kinds: Sequence[str]) -> Mapping[str, npt.NDArray[np.float64]]:
        self.read.append(asset)
        return super().columns(asset, kinds)

    def persons(self, asset: str) -> tuple[str | None, ...]:
        self.read.append(asset)
        return super().persons(asset)


class County:
    """Makes nodes, permits and calls; `now` is the time that every node sees."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.now = START
        self.keyring = SeededKeyring(b"a county for tests of federation")
        self.records: dict[str, WatchedRecords] = {}
        self.digests: dict[str, str] = {}
        self.nodes: dict[str, Node] = {}
        self.databases: dict[str, Database] = {}
        self._opened: list[Database] = []

    def signer(self, party: str) -> Signer:
        return self.keyring.signer(party)

    @property
    def ways(self) -> Transport:
        return {"send": self.send, "requester": self.signer(REQUESTER)}

    @staticmethod
    def resident_ids(count: int, start: int = 0) -> list[str]:
        """Identity numbers with right check digits, of an area that does not exist.

        About one in eleven ends in X. Source: GB 11643-1999.
        """
        made = []
        for i in range(start, start + count):
            body = f"99010119{50 + i % 50:02d}0{1 + i % 9}{10 + i % 18}{i % 1000:03d}"
            total = sum(int(d) * w for d, w in zip(body, WEIGHTS, strict=True))
            made.append(body + "10X98765432"[total % 11])
        return made

    @staticmethod
    def visits(count: int, seed: int, *, start: int = 0) -> dict[str, list[Any]]:
        """Visits by column; diabetes is more frequent with age and blood pressure.

        Persons number `start` and following, one visit each.
        """
        rng = np.random.default_rng(seed)
        age, sex = rng.integers(30, 85, count), rng.integers(0, 2, count)
        sbp = rng.integers(100, 190, count)
        eta = -0.5 + 0.05 * (age - 55) + 0.02 * (sbp - 140) + 0.4 * sex
        sick = rng.random(count) < 1 / (1 + np.exp(-eta))
        return {
            "resident_id": County.resident_ids(count, start),
            "age": [float(v) for v in age],
            "sex": [float(v) for v in sex],
            "sbp": [float(v) for v in sbp],
            "diabetes": [float(v) for v in sick],
        }

    def serve(self, host: str, visits: Visits, *, holder: str = "") -> str:
        """Give the host visits as an asset of `holder` (by default the host); returns its id."""
        holder = holder or host
        columns = [
            ["" if v is None else WORDS.get(k, {}).get(v, str(v)) for v in visits[k]]
            for k in visits
        ]
        table = Table(
            headings=tuple(HEADINGS[k] for k in visits),
            rows=tuple(zip(*columns, strict=True)),
            encoding="utf-8",
            digest=f"{holder} {id(visits)}",
        )
        asset = grade(table, asset_id=f"{holder}-visits", holder=holder, zh="就诊记录", en="visits")
        self.records.setdefault(host, WatchedRecords()).add(table, asset)
        self.digests[asset.id] = table.digest
        return asset.id

    def open_node(
        self,
        host: str,
        *,
        holders: Sequence[str] = (),
        policy: NodePolicy | None = None,
        query: str = "",
    ) -> Node:
        """Start the node of a host; started again, it has its former database.

        `query`: parameters of the SQLite URI, for example `mode=ro`.
        """
        path = self.directory / f"{host}.db"
        database = (
            Database(make_url(f"sqlite:///file:{path}?{query}&uri=true"))
            if query
            else Database.at(path)
        )
        self._opened.append(database)
        node = Node(
            host=host,
            signers={h: self.signer(h) for h in holders or (host,)},
            issuer=(PLATFORM, self.signer(PLATFORM).public_key),
            records=self.records.setdefault(host, WatchedRecords()),
            log=Log(
                signer=self.signer(f"node/{host}"),
                store=database,
                entropy=SeededEntropy(host.encode()),
            ),
            linkage_key=self.keyring.secret("linkage"),
            clock=lambda: self.now,
            policy=policy,
        )
        self.nodes[host], self.databases[host] = node, database
        return node

    def logged(self, host: str) -> list[Event]:
        """The events of a node's log as they are stored, not as the node remembers them."""
        return [from_leaf(entry.leaf) for entry in self.databases[host].entries()]

    def kinds(self, host: str) -> list[str]:
        return [event.kind for event in self.logged(host)]

    def charged(self, host: str, permit: Permit) -> list[int]:
        """The call numbers that a node's log charges under a permit, in the order of the log."""
        charges = [e.public for e in self.logged(host) if e.kind == "call.charged"]
        return [c["number"] for c in charges if c["permit"] == permit.id]

    def permit(self, *operations: Operation, host: str, **changed: Any) -> Permit:
        """A permit with `host` as holder and node; `changed` replaces fields."""
        fields: dict[str, Any] = {
            "id": f"case-1.{host}-visits",
            "case": "case-1",
            "asset": f"{host}-visits",
            "data": self.digests.get(changed.get("asset", f"{host}-visits"), ""),
            "holder": host,
            "audience": host,
            "requester": REQUESTER,
            "requester_key": self.signer(REQUESTER).public_key,
            "purpose": "research",
            "delivery": "aggregate",
            "kinds": ("age", "sex", "sbp", "diabetes"),
            "operations": {o.name: o.digest for o in operations},
            "min_cell": 5,
            "max_calls": 100,
            "obligations": (),
            "conditions": (),
            "issued_at": START,
            "expires_at": START + 86_400,
            "decision": 0,
            "rulebook": "sha256:0",
        }
        return Permit(**fields | changed)

    def token(self, permit: Permit) -> str:
        signers = {n: self.signer(p) for n, p in (("issuer", PLATFORM), ("holder", permit.holder))}
        return issue(permit, **signers, requester=self.signer(permit.requester))

    def seat(self, permit: Permit) -> Seat:
        return Seat(
            permit=permit,
            token=self.token(permit),
            public_key=self.signer(permit.holder).public_key,
        )

    def call(
        self,
        permit: Permit,
        operation: Operation,
        argument: Json = None,
        *,
        number: int = 1,
        by: str = REQUESTER,
    ) -> Call:
        argument = {} if argument is None else argument
        message = Call.message(permit.id, operation, digest(argument), number)
        signature = self.signer(by).sign(message).hex()
        return Call(
            token=self.token(permit),
            operation=operation,
            argument=argument,
            number=number,
            signature=signature,
        )

    def send(self, host: str, call: Call) -> Answer:
        return self.nodes[host].handle(call)

    def close(self) -> None:
        for database in self._opened:
            database.close()
