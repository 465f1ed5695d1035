"""An outsider's verification: every log of a folder read, checked and computed again."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from heyi.app.rulebooks import shelf
from heyi.audit.event import Event
from heyi.audit.verify import Fault, LogReport, verify_log
from heyi.exchange.proof.replay import Replay, Replayed
from heyi.model.errors import InvalidInput
from heyi.policy.decide import DecisionPoint
from heyi.store.database import Database
from heyi.store.folder import read_trust

if TYPE_CHECKING:
    from heyi.exchange.proof.impact import Impact


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
    """Host, origin and key of each node that the centre's log names.

    Malformed entries are left out here; the replay reports them.
    """
    opened = [c.event.public for c in centre.entries if c.event.kind == "node.opened"]
    known = {c.event.public.get("id") for c in centre.entries if c.event.kind == "party.registered"}
    fields = ("host", "origin", "log_key")
    return [
        n for n in opened if all(isinstance(n.get(f), str) for f in fields) and n["host"] in known
    ]


def past_impact(directory: Path, new: DecisionPoint) -> Impact:
    """What another rulebook would have answered to the decisions of a run; nothing is written.

    Raises:
        InvalidInput: there is no log.
        StoreError: the database cannot be read.
    """
    from heyi.exchange.proof.impact import impact

    if not (directory / "heyi.db").is_file():
        raise InvalidInput(
            f"`{directory}` has no log", hint="name a folder that `heyi demo` or `heyi run` made"
        )
    database = Database.at(directory / "heyi.db", read_only=True)
    try:
        return impact(database.entries(), database, new)
    finally:
        database.close()


def verify_directory(directory: Path, trust_file: Path | None = None) -> Verification:
    """Check everything in a folder, with the keys of `trust_file` and nothing else.

    By default these are the keys in the folder itself, which its writer could have exchanged.

    Raises:
        InvalidInput: there is no log, or no keys.
        StoreError: a database cannot be read.
    """
    trust = read_trust(trust_file or directory / "trust.json")
    if not (directory / "heyi.db").is_file():
        raise InvalidInput(
            f"`{directory}` has no log", hint="name a folder that `heyi demo` or `heyi run` made"
        )
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
                own.entries(),
                own.checkpoints(),
                origin=node["origin"],
                log_key=node["log_key"],
                witness=None,
            )
            own.close()
            if report.entries:
                reports[node["host"]] = report
            events[node["host"]] = [c.event for c in report.entries]
        replayed = Replay(database, shelf(), issuer=trust.issuer).run(centre.entries, events)
        replayed.faults += [
            Fault(entry=None, message=f"the log of the node of `{host}` is absent")
            for host in absent
        ]
    finally:
        database.close()
    return Verification(centre=centre, nodes=reports, replayed=replayed)
