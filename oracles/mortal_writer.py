"""A writer that may die at any moment, and what its log must hold afterwards.

For `bench.kill`, `bench.faults` and their small versions in the tests. The writer tells what was
acknowledged as it goes; `Promises` takes that in, and looks for it after each death.
"""

from __future__ import annotations

import json
import os
import random
import sys
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from heyi.audit.checkpoint import open_checkpoint
from heyi.audit.event import Event
from heyi.audit.log import Draft, Log
from heyi.audit.verified import Verified
from heyi.audit.verify import Checked, LogCheck
from heyi.audit.witness import Witness, cosigned_at
from heyi.crypto.canonical import Json
from heyi.crypto.keys import Signer
from heyi.model.errors import HeyiError
from heyi.store.database import Database
from heyi.store.secrets import SeededEntropy
from heyi.store.witness_file import WitnessFile

LOG = Signer.from_seed("log.example/mortal", b"m" * 32)
WITNESS = Signer.from_seed("witness.example", b"w" * 32)
AT = 1_796_097_600
MOST_EVENTS = 8
"""Events of a group, beside the reports of erasures."""

Told = list[Json]
Tell = Callable[[Told], None]


PATIENCE = 0.5
"""Seconds to wait for a lock; where each call for a lock fails, SQLite waits as for another one."""


def log_at(path: Path) -> Log:
    store = Database.at(path, patience=PATIENCE)
    return Log(signer=LOG, store=store, entropy=SeededEntropy(b"mortal"))


def witness_at(path: Path) -> Witness:
    memory = WitnessFile(path.with_name("witness.note"))
    return Witness(signer=WITNESS, origin=LOG.name, log_key=LOG.public_key, memory=memory)


def _event(kind: str, public: dict[str, Json]) -> Event:
    return Event(kind=kind, at=AT, actor="city-hospital", public=public)


class Writer:
    """Appends groups of events, some with erasures, and has the log scrubbed and cosigned."""

    def __init__(self, path: Path, *, life: int, tell: Tell) -> None:
        self._life = life
        self._tell = tell
        self._witness = witness_at(path)
        self._rng = random.Random(life)
        self.log = log_at(path)
        newest = range(max(0, self.log.size - 50), self.log.size)
        stored = self.log.store.entries(newest.start, newest.stop)
        self._held = [e.index for e in stored if e.body is not None]

    def work(self) -> None:
        """Whatever the writer does next, by chance."""
        chance = self._rng.random()
        if chance < 0.05:
            self.cosign()
        elif chance < 0.06:
            self.scrub()
        else:
            erasures = 1 if len(self._held) > 3 and self._rng.random() < 0.2 else 0
            self.append(self._rng.randint(1, MOST_EVENTS), erasures=erasures)

    def append(self, number: int, *, erasures: int = 0) -> None:
        """Keep one group: `number` events with bodies, and so many erasures."""
        held = list(self._held)
        erasures = min(erasures, len(held))
        gone = [held.pop(self._rng.randrange(len(held))) for _ in range(erasures)]
        with self.log.group() as group:
            first = group.size
            kept = range(first, first + number)
            public: dict[str, Json] = {
                "group": first,
                "of": number + erasures,
                "life": self._life,
            }
            drafts = [Draft(event=_event("request.made", public), body={"n": n}) for n in kept]
            reports = [_event("body.erased", {"entry": n, "reason": "asked for"}) for n in gone]
            group.add([*drafts, *(Draft(event=e) for e in reports)], erase=gone)
        self._held = [*held, *kept]
        self._tell(["kept", self._life, first, number + erasures, list(gone)])

    def cosign(self) -> None:
        self.log.cosign(self._witness, now=lambda last: last)
        newest = self.log.store.newest_checkpoint()
        self._tell(["cosigned", newest[0] if newest else 0])

    def scrub(self) -> None:
        self.log.store.scrub()
        self._tell(["scrubbed", self.log.size])


@dataclass(slots=True)
class Promises:
    """What was acknowledged of the log at `path`, and how far it was checked.

    `kept` are the groups (life, first, number) since the last check, `gone` the entries erased
    since then, and `cosigned` is the largest size whose cosignature was acknowledged.
    """

    path: Path
    events: int = 0
    kept: list[tuple[int, int, int]] = field(default_factory=list)
    gone: list[int] = field(default_factory=list)
    cosigned: int = 0
    since: Verified | None = None

    def take(self, told: Told) -> None:
        what, *rest = told
        if what == "kept":
            life, first, number, gone = rest
            assert isinstance(life, int) and isinstance(first, int) and isinstance(number, int)
            assert isinstance(gone, list)
            self.kept.append((life, first, number))
            self.gone += [n for n in gone if isinstance(n, int)]
            self.events += number
        elif what == "cosigned":
            assert isinstance(rest[0], int)
            self.cosigned = max(self.cosigned, rest[0])

    def broken(self, *, whole: bool = False) -> list[str]:
        """Open the log as the next program does, and say which promises it breaks.

        What was verified before is not read again, unless the `whole` log shall be.
        """
        since = None if whole else self.since
        wrong = list[str]()
        try:
            log = log_at(self.path)
        except HeyiError as e:
            return [f"the log does not open: {e}"]
        database = log.store
        assert isinstance(database, Database)
        with closing(database):
            if log.size == 0 and not self.kept:  # it was killed before its first group
                return []
            wrong += self._witnessed(log)
            check = LogCheck(
                database,
                origin=LOG.name,
                log_key=LOG.public_key,
                witness=(WITNESS.name, WITNESS.public_key) if self.cosigned else None,
                since=since,
            )
            entries = list(check)
            report = check.report()
            wrong += [f"entry {f.entry}: {f.message}" for f in report.faults]
            if report.verified is None:
                return wrong
            start = since.size if since else 0
            wrong += self._lost({e.index: e for e in entries}, database)
            wrong += _in_part(entries, start, {n for n, _ in database.checkpoints(start)})
        if not wrong:
            self.since, self.kept, self.gone = report.verified, [], []
        return wrong

    def _witnessed(self, log: Log) -> list[str]:
        try:
            seen = witness_at(self.path).seen()
            if seen is not None:
                log.check_extends(seen.checkpoint)
        except HeyiError as e:
            return [f"the witness contradicts the log: {e}"]
        if (seen.checkpoint.size if seen else 0) < self.cosigned:
            return [f"the witness forgot that it has seen {self.cosigned} entries"]
        noted = next(log.store.checkpoints(self.cosigned), (0, b""))
        if self.cosigned and (noted[0] != self.cosigned or not _is_cosigned(noted[1])):
            return [f"the cosignature over {self.cosigned} entries was lost"]
        return []

    def _lost(self, entries: dict[int, Checked], database: Database) -> list[str]:
        wrong = []
        for life, first, number in self.kept:
            for n in range(first, first + number):
                event = entries[n].event if n in entries else None
                mine = event is not None and (
                    event.public.get("life") == life or event.kind == "body.erased"
                )
                if not mine:
                    wrong.append(f"entry {n} was acknowledged in life {life}, and is not there")
        for n in self.gone:
            if any(e.body is not None or e.key is not None for e in database.entries(n, n + 1)):
                wrong.append(f"entry {n} was erased, and its body is there again")
        return wrong


def _is_cosigned(data: bytes) -> bool:
    _, note = open_checkpoint(data, origin=LOG.name, public_key=LOG.public_key)
    return cosigned_at(note, name=WITNESS.name, public_key=WITNESS.public_key) is not None


def _in_part(entries: Sequence[Checked], start: int, checkpoints: set[int]) -> list[str]:
    """Which groups are not there as a whole, under one checkpoint at their end."""
    at, end = start, start + len(entries)
    while at < end:
        public = entries[at - start].event.public
        number = public.get("of")
        if public.get("group") != at or not isinstance(number, int):
            return [f"entry {at} begins no group"]
        inside = [n for n in checkpoints if at < n < at + number]
        if at + number > end or at + number not in checkpoints or inside:
            return [f"the group from {at} to {at + number - 1} is there in part"]
        group = entries[at - start : at - start + number]
        if any(e.body != {"n": e.index} for e in group if e.body is not None):
            return [f"the group at {at} has other bodies"]
        at += number
    return []


def main() -> None:
    """Do one of each thing, and tell every error: for `bench.faults`, on a disk that fails.

    python -m oracles.mortal_writer PATH LIFE close|crash
    """
    path, life, end = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]

    def tell(told: Told) -> None:
        sys.stdout.write(json.dumps(told) + "\n")
        sys.stdout.flush()

    writer: Writer | None = None
    for _ in range(2):
        try:
            writer = writer or Writer(path, life=life, tell=tell)
            break
        except HeyiError as e:
            tell(["error", type(e).__name__, e.message, e.hint])
    for step in _STEPS if writer is not None else ():
        try:
            step(writer)  # type: ignore[arg-type]
        except HeyiError as e:
            tell(["error", type(e).__name__, e.message, e.hint])
    if end == "crash":
        os._exit(0)  # nothing is tidied up
    if writer is not None:
        assert isinstance(writer.log.store, Database)
        writer.log.store.close()


_STEPS: tuple[Callable[[Writer], None], ...] = (
    lambda w: w.append(3),
    lambda w: w.append(8),
    lambda w: w.cosign(),
    lambda w: w.append(2, erasures=2),
    lambda w: w.scrub(),
    lambda w: w.append(1),
    lambda w: w.cosign(),
    lambda w: w.append(4),
)

if __name__ == "__main__":
    main()
