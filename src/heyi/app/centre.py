"""The centre: a folder and a seed become a consortium with its nodes, keys, clock and stores.

What stands in the folder is told in `store/folder`.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from heyi.app.clock import StandingClock
from heyi.app.rulebooks import shelf, shipped_point
from heyi.app.settings import ORIGIN, START, WITNESS, seed_bytes
from heyi.audit.log import Log
from heyi.audit.witness import Witness, WitnessMemory
from heyi.catalogue.table import Table
from heyi.crypto.keys import Signer
from heyi.exchange.consortium import PLATFORM, Consortium, stored_rulebook
from heyi.exchange.events.typed import Logged
from heyi.exchange.request.register import grade_import, open_node
from heyi.fabric.local import LocalFabric
from heyi.federation.node.enforce import NodePolicy
from heyi.federation.node.node import Node
from heyi.model.asset import Asset
from heyi.model.errors import InvalidInput, VerificationError
from heyi.policy.decide import DecisionPoint
from heyi.sources.csv_file import read_csv
from heyi.sources.table_records import TableRecords
from heyi.store.database import Database
from heyi.store.folder import (
    Run,
    Trust,
    alone,
    prepare,
    read_run,
    write_receipt,
    write_run,
    write_trust,
)
from heyi.store.secrets import SeededEntropy, SeededKeyring
from heyi.store.witness_file import WitnessFile, witness_folder


@dataclass(slots=True, kw_only=True)
class App:
    """A consortium that runs in one process, with everything that was composed for it."""

    directory: Path
    consortium: Consortium
    clock: StandingClock
    keyring: SeededKeyring
    fabric: LocalFabric
    database: Database
    witness: Witness
    node_databases: dict[str, Database] = field(default_factory=dict)
    records: dict[str, TableRecords] = field(default_factory=dict)
    locks: ExitStack = field(default_factory=ExitStack)

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
            log=log,
            linkage_key=self.keyring.secret("linkage"),
            clock=self.clock.now,
            policy=policy,
        )
        self.node_databases[host], self.records[host] = database, records
        with self.consortium.telling:
            open_node(
                self.consortium,
                host,
                origin=log.signer.name,
                log_key=log.signer.public_key,
                by=host,
                node=node,
            )
            # only now: a node that does not know who withdrew must not answer
            self.fabric.nodes[host] = node
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
        """Move the clock; the witness cosigns what was logged up to now."""
        self.cosign()
        self.clock.forward(seconds)

    def cosign(self) -> None:
        """Have the witness cosign the newest checkpoint.

        Raises:
            VerificationError: the witness refuses, since it has seen another log.
        """
        self.consortium.log.cosign(self.witness, now=self.clock.now)

    def signer(self, party: str) -> Signer:
        return self.keyring.signer(party)

    def node(self, host: str) -> Node:
        return self.fabric.nodes[host]

    def receipts(self, entries: Sequence[int]) -> list[Path]:
        """Write a receipt for each of these entries into `receipts/`, and return the files.

        Raises:
            VerificationError: the witness refuses.
            StoreError: a file cannot be written.
        """
        self.cosign()
        return [
            write_receipt(self.directory, entry, self.consortium.log.prove(entry))
            for entry in entries
        ]

    def close(self) -> None:
        """Close every database, and let others make a run in the folder."""
        for database in (self.database, *self.node_databases.values()):
            database.close()
        self.locks.close()


def found(
    directory: Path,
    *,
    seed: int,
    what: str,
    store: str = "",
    rulebook: Path | None = None,
    on_event: Callable[[Logged], None] = lambda _: None,
) -> App:
    """Begin a consortium in a folder.

    A finished run in the folder is replaced; an interrupted one is set aside. `store` is the
    address of an empty database for the centre's log; without it, the log is a file in the folder.
    Until the consortium is closed nobody else can begin one there.

    Raises:
        Conflict: somebody else begins one there.
        InvalidInput: the folder holds something that is not a run of Heyi.
        StoreError: the folder cannot be written.
    """
    point = shipped_point(rulebook)
    secret = seed_bytes(seed)
    if store:
        _check_empty(store)
    with ExitStack() as locks:
        locks.enter_context(alone(directory))
        prepare(directory)
        app = _begin(directory, seed, secret, what, store, point, on_event)
        app.locks = locks.pop_all()
    return app


def _begin(
    directory: Path,
    seed: int,
    secret: bytes,
    what: str,
    store: str,
    point: DecisionPoint,
    on_event: Callable[[Logged], None],
) -> App:
    run = Run(what=what, seed=seed, id=secrets.token_hex(16), origin=ORIGIN, store=store)
    write_run(directory, run)
    keyring = SeededKeyring(secret)
    origin, witness = keyring.signer(ORIGIN), keyring.signer(WITNESS)
    trust = Trust(
        origin=origin.name,
        log_key=origin.public_key,
        witness=(witness.name, witness.public_key),
        issuer=(PLATFORM, keyring.signer(PLATFORM).public_key),
    )
    write_trust(directory, trust)
    return _compose(directory, run, keyring, secret, point, StandingClock(), on_event)


def _check_empty(store: str) -> None:
    """Check that a database can be used and holds no log yet, before anything is replaced."""
    database = Database(store)
    try:
        if database.size():
            raise InvalidInput("the database holds a log already", hint="make an empty one")
    finally:
        database.close()


@contextmanager
def writing(directory: Path) -> Iterator[App]:
    """A run that was begun before, without its nodes, to write into its log.

    What is written is cosigned at the end.

    Raises:
        InvalidInput: there is no run.
        VerificationError: the log is not the one that its witness knows, or is older; or its
            witness has lost its memory.
    """
    app = reopen(directory)
    try:
        if seen := app.witness.seen():
            app.consortium.log.check_extends(seen.checkpoint)
        elif read_run(directory).finished:
            # a finished run was cosigned: nobody here knows whether this is all of it
            raise VerificationError(
                "the witness of this run remembers nothing here, so an older copy would not be "
                "noticed",
                hint="set HEYI_WITNESS to where its memory is; else go on as another log: "
                "heyi restore --help",
            )
        yield app
        app.cosign()
    finally:
        app.close()


def reopen(directory: Path) -> App:
    """Open a consortium that was begun before, without its nodes: to erase, or to look.

    Raises:
        InvalidInput: there is none.
    """
    run = read_run(directory)
    secret = seed_bytes(run.seed)
    clock = StandingClock()
    app = _compose(
        directory, run, SeededKeyring(secret), secret, shipped_point(), clock, lambda _: None
    )
    if (
        adopted := app.consortium.state.rulebook
    ):  # the run's own, which may not be the one that is shipped today
        app.consortium.point = stored_rulebook(app.database, shelf(), adopted)
    if app.consortium.log.size:
        clock.forward(max(app.consortium.log.last_at - START, 0) + 3_600)
    return app


def witness_of(run: Run, keyring: SeededKeyring, memory: WitnessMemory | None = None) -> Witness:
    """The local witness of a run, which remembers outside its folder, or in `memory`."""
    origin = keyring.signer(run.origin)
    return Witness(
        signer=keyring.signer(WITNESS),
        origin=origin.name,
        log_key=origin.public_key,
        memory=memory or WitnessFile(witness_folder() / f"{run.id}.note"),
    )


def _compose(
    directory: Path,
    run: Run,
    keyring: SeededKeyring,
    secret: bytes,
    point: DecisionPoint,
    clock: StandingClock,
    on_event: Callable[[Logged], None],
) -> App:
    database = Database(run.store) if run.store else Database.at(directory / "heyi.db")
    origin, witness = keyring.signer(run.origin), witness_of(run, keyring)
    log = Log(signer=origin, store=database, entropy=SeededEntropy(secret))
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
        witness=witness,
    )
