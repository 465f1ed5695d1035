"""The composition root: a folder and a seed become a consortium with its nodes, keys, clock and stores.

What stands in the folder is told in `store/folder`.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from heyi.audit.checkpoint import open_checkpoint
from heyi.audit.event import Event, from_leaf
from heyi.audit.log import Log
from heyi.audit.verify import Fault, LogReport, verify_log
from heyi.audit.witness import Witness
from heyi.catalogue.grade import grade
from heyi.catalogue.harmonise import decode
from heyi.catalogue.table import Table
from heyi.consent.registry import Withdrawal
from heyi.crypto.keys import Signer
from heyi.exchange.consortium import PLATFORM, Consortium, stored_rulebook
from heyi.exchange.impact import Impact, impact
from heyi.exchange.register import open_node
from heyi.exchange.replay import Replay, Replayed
from heyi.federation.enforce import Call, NodePolicy
from heyi.federation.frequency import count
from heyi.federation.node import Answer, Node
from heyi.federation.operation import Operation
from heyi.model.asset import Asset
from heyi.model.errors import InvalidInput
from heyi.policy.cases import load_rulebook
from heyi.policy.decide import DecisionPoint
from heyi.sources.csv_file import read_csv
from heyi.sources.records import TableRecords
from heyi.sources.rulebook import read_build, read_rulebook
from heyi.store.database import Database
from heyi.store.folder import Run, Trust, prepare, read_run, read_trust, write_run, write_trust
from heyi.store.secrets import SeededEntropy, SeededKeyring

START = 1_796_085_000  # 2026-12-01 08:30 in Shanghai, where every demonstration begins
ORIGIN = "heyi.example/anhe"
WITNESS = "county-witness"


class StoryClock:
    """A clock that stands still until it is moved: the same story gives the same times."""

    def __init__(self, now: int = START) -> None:
        self._now = now

    def now(self) -> int:
        return self._now

    def forward(self, seconds: int) -> None:
        self._now += seconds


@dataclass(slots=True)
class LocalFabric:
    """Nodes in the same process."""

    nodes: dict[str, Node] = field(default_factory=dict)

    def send(self, host: str, call: Call) -> Answer:
        if host not in self.nodes:
            raise InvalidInput(f"no node of `{host}` is connected", hint="start it, or leave the institution out")
        return self.nodes[host].handle(call)

    def revoke(self, host: str, permit: str) -> None:
        self.nodes[host].revoke(permit)

    def withdraw(self, hosts: Sequence[str], token: str, scope: str, at: int) -> None:
        for host in hosts:
            if host in self.nodes:
                self.nodes[host].withdraw(Withdrawal(token=token, scope=scope, at=at))


@dataclass(slots=True, kw_only=True)
class App:
    """A consortium that runs in one process, with everything that was composed for it."""

    directory: Path
    house: Consortium
    clock: StoryClock
    keyring: SeededKeyring
    fabric: LocalFabric
    database: Database
    node_databases: dict[str, Database] = field(default_factory=dict)
    records: dict[str, TableRecords] = field(default_factory=dict)

    def open_node(self, host: str, holders: Sequence[str], policy: NodePolicy | None = None) -> Node:
        """Start the node of a host, which serves the data of `holders`."""
        database = Database.at(self.directory / "nodes" / f"{host}.db")
        records = TableRecords()
        log = Log(
            signer=self.keyring.signer(f"node/{host}"),
            store=database,
            entropy=SeededEntropy(self.keyring.secret(f"entropy/{host}")),
        )
        node = Node(
            host=host,
            signers={h: self.keyring.signer(h) for h in holders},
            issuer=(PLATFORM, self.keyring.signer(PLATFORM).public_key),
            records=records,
            budget=database,
            log=log,
            linkage_key=self.keyring.secret("linkage"),
            clock=self.clock.now,
            policy=policy,
        )
        self.node_databases[host], self.records[host], self.fabric.nodes[host] = database, records, node
        open_node(self.house, host, origin=log.signer.name, log_key=log.signer.public_key)
        return node

    def import_file(
        self,
        path: Path,
        *,
        host: str,
        asset_id: str,
        holder: str,
        zh: str,
        en: str,
        origin: str,
        secret: bool,
    ) -> Asset:
        """Read a CSV file at its institution, grade it and serve it."""
        table = read_csv(path)
        return self.import_table(
            table, host=host, asset_id=asset_id, holder=holder, zh=zh, en=en, origin=origin, secret=secret
        )

    def import_table(
        self, table: Table, *, host: str, asset_id: str, holder: str, zh: str, en: str, origin: str, secret: bool
    ) -> Asset:
        """Grade a table at its institution and serve it from the node of `host`.

        `origin` and `secret` are what the holder's steward states about it; no import can find them out.
        """
        asset = grade(table, asset_id=asset_id, holder=holder, zh=zh, en=en)
        records = self.records[host]
        records.add(table, asset)
        kinds = {f.kind for f in asset.fields}
        youngest = None
        if "age" in kinds or {"birth_date", "visit_date"} <= kinds:
            ages = decode(table, asset, ["age"]).values["age"]
            known = ages[ages == ages]
            youngest = int(known.min()) if known.size else None
        ids = records.persons(asset_id)
        persons = len({i for i in ids if i is not None}) + sum(i is None for i in ids)
        return replace(asset, youngest=youngest, persons=persons, origin=origin, secret=secret)

    def forward(self, seconds: int) -> None:
        self.clock.forward(seconds)

    def signer(self, party: str) -> Signer:
        return self.keyring.signer(party)

    def node(self, host: str) -> Node:
        return self.fabric.nodes[host]

    def counted_resident(self, host: str, asset: str, operation: Operation, least: int) -> str:
        """The ID number of a resident who comes to the institution in person: the first with a valid number who is
        counted in a frequency table, in a cell of more than `least` records.

        Raises:
            InvalidInput: there is none.
        """
        columns = self.records[host].columns(asset, operation.kinds)
        persons = self.records[host].persons(asset)
        everybody = count(operation, columns, np.ones(len(persons), dtype=np.bool_))
        for i, person in enumerate(persons):
            if person is None or persons.count(person) > 1:
                continue
            alone = np.zeros(len(persons), dtype=np.bool_)
            alone[i] = True
            if any(
                own and total > least for own, total in zip(count(operation, columns, alone), everybody, strict=True)
            ):
                return person
        raise InvalidInput(f"nobody in `{asset}` is counted in a cell of more than {least}")

    def close(self) -> None:
        for database in (self.database, *self.node_databases.values()):
            database.close()


def shipped_point(folder: Path | None = None) -> DecisionPoint:
    """The decision point of the rulebook that is shipped, or of a consortium's own folder."""
    return load_rulebook(read_rulebook(folder), read_build(folder))


def seed_bytes(seed: int) -> bytes:
    if not 0 <= seed < 2**256:
        raise InvalidInput(f"seed {seed} is out of range", hint="give a whole number from 0 to 2^256 - 1")
    return b"heyi seed " + seed.to_bytes(32, "big")


def fresh_seed() -> int:
    """A seed that nobody else has, for real files: 256 bits of the operating system."""
    return secrets.randbits(256)


def found(
    directory: Path,
    *,
    seed: int,
    what: str,
    rulebook: Path | None = None,
    on_event: Callable[[int, Event], None] = lambda _i, _e: None,
) -> App:
    """Begin a consortium in a folder; an earlier run there is replaced, an interrupted one is set aside.

    Raises:
        InvalidInput: the folder holds something that is not a run of Heyi.
        StoreError: the folder cannot be written.
    """
    point = shipped_point(rulebook)
    secret = seed_bytes(seed)
    prepare(directory)
    write_run(directory, Run(what=what, seed=seed))
    keyring = SeededKeyring(secret)
    origin, witness = keyring.signer(ORIGIN), keyring.signer(WITNESS)
    trust = Trust(
        origin=origin.name,
        log_key=origin.public_key,
        witness=(witness.name, witness.public_key),
        issuer=(PLATFORM, keyring.signer(PLATFORM).public_key),
    )
    write_trust(directory, trust)
    return _compose(directory, keyring, secret, point, StoryClock(), on_event)


def reopen(directory: Path) -> App:
    """Open a consortium that was begun before, without its nodes: to erase, or to look.

    Raises:
        InvalidInput: there is none.
    """
    secret = seed_bytes(read_run(directory).seed)
    clock = StoryClock()
    app = _compose(directory, SeededKeyring(secret), secret, shipped_point(), clock, lambda _i, _e: None)
    if adopted := app.house.state.rulebook:  # the run's own, which may not be the one that is shipped today
        app.house.point = stored_rulebook(app.database, adopted)
    if app.house.log.size:
        last = next(app.database.entries(app.house.log.size - 1))
        clock.forward(max(from_leaf(last.leaf).at - START, 0) + 3_600)
    return app


def _compose(
    directory: Path,
    keyring: SeededKeyring,
    secret: bytes,
    point: DecisionPoint,
    clock: StoryClock,
    on_event: Callable[[int, Event], None],
) -> App:
    database = Database.at(directory / "heyi.db")
    origin = keyring.signer(ORIGIN)
    witness = Witness(signer=keyring.signer(WITNESS), origin=origin.name, log_key=origin.public_key)
    if kept := database.checkpoints():
        witness.seen, _ = open_checkpoint(kept[-1][1], origin=origin.name, public_key=origin.public_key)
    log = Log(signer=origin, store=database, entropy=SeededEntropy(secret), witness=witness)
    fabric = LocalFabric()
    house = Consortium(
        log=log,
        point=point,
        artefacts=database,
        clock=clock,
        keyring=keyring,
        fabric=fabric,
        on_event=on_event,
    )
    return App(directory=directory, house=house, clock=clock, keyring=keyring, fabric=fabric, database=database)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """What an outsider found: the centre's log, each node's log, and what was computed again."""

    centre: LogReport
    nodes: dict[str, LogReport]
    replayed: Replayed

    @property
    def faults(self) -> list[tuple[str, Fault]]:
        """Every fault with the log that it is in."""
        return [
            *(("centre", f) for f in self.centre.faults),
            *((host, f) for host, report in self.nodes.items() for f in report.faults),
            *(("centre", f) for f in self.replayed.faults),
        ]

    @property
    def holds(self) -> bool:
        return not self.faults


def _nodes(centre: LogReport) -> list[dict[str, str]]:
    """Host, origin and key of each node that the centre's log names; what is malformed is left to the replay."""
    opened = [c.event.public for c in centre.entries if c.event.kind == "node.opened"]
    known = {c.event.public.get("id") for c in centre.entries if c.event.kind == "party.registered"}
    fields = ("host", "origin", "log_key")
    return [n for n in opened if all(isinstance(n.get(f), str) for f in fields) and n["host"] in known]


def past_impact(directory: Path, new: DecisionPoint) -> Impact:
    """What another rulebook would have answered to the decisions of a run; nothing is written.

    Raises:
        InvalidInput: there is no log.
        StoreError: the database cannot be read.
    """
    if not (directory / "heyi.db").is_file():
        raise InvalidInput(f"`{directory}` has no log", hint="name a folder that `heyi demo` or `heyi run` made")
    database = Database.at(directory / "heyi.db", read_only=True)
    try:
        return impact(database.entries(), database, new)
    finally:
        database.close()


def verify_directory(directory: Path, trust_file: Path | None = None) -> Verification:
    """Check everything in a folder with the keys of `trust_file` (by default the folder's own) and nothing else.

    Raises:
        InvalidInput: there is no log, or no keys.
        StoreError: a database cannot be read.
    """
    trust = read_trust(trust_file or directory / "trust.json")
    if not (directory / "heyi.db").is_file():
        raise InvalidInput(f"`{directory}` has no log", hint="name a folder that `heyi demo` or `heyi run` made")
    database = Database.at(directory / "heyi.db", read_only=True)
    try:
        centre = verify_log(
            database.entries(),
            database.checkpoints(),
            origin=trust.origin,
            log_key=trust.log_key,
            witness=trust.witness,
        )
        reports: dict[str, LogReport] = {}
        absent: list[str] = []
        events: dict[str, list[Event]] = {}
        for node in _nodes(centre):
            path = directory / "nodes" / f"{node['host']}.db"
            if not path.is_file():
                absent.append(node["host"])
                continue
            own = Database.at(path, read_only=True)
            report = verify_log(
                own.entries(), own.checkpoints(), origin=node["origin"], log_key=node["log_key"], witness=None
            )
            own.close()
            if report.entries:
                reports[node["host"]] = report
            events[node["host"]] = [c.event for c in report.entries]
        replayed = Replay(database, issuer=trust.issuer).run(centre.entries, events)
        replayed.faults += [Fault(entry=None, message=f"the log of the node of `{host}` is absent") for host in absent]
    finally:
        database.close()
    return Verification(centre=centre, nodes=reports, replayed=replayed)
