"""The centre: a folder and a seed become a consortium with its nodes, keys, clock and stores.

What stands in the folder is told in `store/folder`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from heyi.app.clock import StandingClock
from heyi.app.rulebooks import shelf, shipped_point
from heyi.app.settings import ORIGIN, START, WITNESS, seed_bytes
from heyi.audit.checkpoint import open_checkpoint
from heyi.audit.event import Event, from_leaf
from heyi.audit.log import Log
from heyi.audit.witness import Witness
from heyi.catalogue.table import Table
from heyi.crypto.keys import Signer
from heyi.exchange.consortium import PLATFORM, Consortium, stored_rulebook
from heyi.exchange.request.register import grade_import, open_node
from heyi.fabric.local import LocalFabric
from heyi.federation.node.enforce import NodePolicy
from heyi.federation.node.node import Node
from heyi.model.asset import Asset
from heyi.policy.decide import DecisionPoint
from heyi.sources.csv_file import read_csv
from heyi.sources.table_records import TableRecords
from heyi.store.database import Database
from heyi.store.folder import Run, Trust, prepare, read_run, write_run, write_trust
from heyi.store.secrets import SeededEntropy, SeededKeyring


@dataclass(slots=True, kw_only=True)
class App:
    """A consortium that runs in one process, with everything that was composed for it."""

    directory: Path
    consortium: Consortium
    clock: StandingClock
    keyring: SeededKeyring
    fabric: LocalFabric
    database: Database
    node_databases: dict[str, Database] = field(default_factory=dict)
    records: dict[str, TableRecords] = field(default_factory=dict)

    def open_node(
        self, host: str, holders: Sequence[str], policy: NodePolicy | None = None
    ) -> Node:
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
        self.node_databases[host], self.records[host], self.fabric.nodes[host] = (
            database,
            records,
            node,
        )
        open_node(self.consortium, host, origin=log.signer.name, log_key=log.signer.public_key)
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
            table,
            host=host,
            asset_id=asset_id,
            holder=holder,
            zh=zh,
            en=en,
            origin=origin,
            secret=secret,
        )

    def import_table(
        self,
        table: Table,
        *,
        host: str,
        asset_id: str,
        holder: str,
        zh: str,
        en: str,
        origin: str,
        secret: bool,
    ) -> Asset:
        """Grade a table at its institution and serve it from the node of `host`.

        `origin` and `secret` are what the holder's steward states; no import can find them out.
        """
        asset = grade_import(
            table, asset_id=asset_id, holder=holder, zh=zh, en=en, origin=origin, secret=secret
        )
        self.records[host].add(table, asset)
        return asset

    def forward(self, seconds: int) -> None:
        self.clock.forward(seconds)

    def signer(self, party: str) -> Signer:
        return self.keyring.signer(party)

    def node(self, host: str) -> Node:
        return self.fabric.nodes[host]

    def close(self) -> None:
        for database in (self.database, *self.node_databases.values()):
            database.close()


def found(
    directory: Path,
    *,
    seed: int,
    what: str,
    rulebook: Path | None = None,
    on_event: Callable[[int, Event], None] = lambda _i, _e: None,
) -> App:
    """Begin a consortium in a folder.

    A finished run in the folder is replaced; an interrupted one is set aside.

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
    return _compose(directory, keyring, secret, point, StandingClock(), on_event)


def reopen(directory: Path) -> App:
    """Open a consortium that was begun before, without its nodes: to erase, or to look.

    Raises:
        InvalidInput: there is none.
    """
    secret = seed_bytes(read_run(directory).seed)
    clock = StandingClock()
    app = _compose(
        directory, SeededKeyring(secret), secret, shipped_point(), clock, lambda _i, _e: None
    )
    if (
        adopted := app.consortium.state.rulebook
    ):  # the run's own, which may not be the one that is shipped today
        app.consortium.point = stored_rulebook(app.database, shelf(), adopted)
    if app.consortium.log.size:
        last = next(app.database.entries(app.consortium.log.size - 1))
        clock.forward(max(from_leaf(last.leaf).at - START, 0) + 3_600)
    return app


def _compose(
    directory: Path,
    keyring: SeededKeyring,
    secret: bytes,
    point: DecisionPoint,
    clock: StandingClock,
    on_event: Callable[[int, Event], None],
) -> App:
    database = Database.at(directory / "heyi.db")
    origin = keyring.signer(ORIGIN)
    witness = Witness(signer=keyring.signer(WITNESS), origin=origin.name, log_key=origin.public_key)
    if kept := database.checkpoints():
        witness.seen, _ = open_checkpoint(
            kept[-1][1], origin=origin.name, public_key=origin.public_key
        )
    log = Log(signer=origin, store=database, entropy=SeededEntropy(secret), witness=witness)
    fabric = LocalFabric()
    consortium = Consortium(
        log=log,
        point=point,
        rulebooks=shelf(),
        artefacts=database,
        clock=clock,
        keyring=keyring,
        fabric=fabric,
        on_event=on_event,
    )
    return App(
        directory=directory,
        consortium=consortium,
        clock=clock,
        keyring=keyring,
        fabric=fabric,
        database=database,
    )
