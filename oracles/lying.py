"""What lies have in common: who tells them, with which keys, and how they are looked for.

The liar is the operator of the platform. It has the key of the log, of the witness and of the
platform, and may rewrite any file of the folder. Other keys sign only what an operator could make
their owners sign, or where the owner takes part in the lie; then the lie says so.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeAlias

from heyi.app.centre import App, reopen
from heyi.app.verification import Verification, verify_directory
from heyi.audit.event import from_leaf
from heyi.audit.log_store import Entry
from heyi.county.scenes import Scene, present_scene
from heyi.crypto.canonical import digest, from_canonical
from heyi.crypto.codec import to_json
from heyi.crypto.keys import Signer
from heyi.exchange.case_file import Case
from heyi.exchange.consortium import PLATFORM, Consortium
from heyi.exchange.events import applied, used
from heyi.exchange.events.erased import BodyErased
from heyi.exchange.events.typed import TypedEvent
from heyi.exchange.projections import rebuild
from heyi.exchange.request.apply import decide
from heyi.exchange.request.grant import seat
from heyi.federation.node.node_events import CallCharged, NodeReceipt, receipt_event
from heyi.federation.wire.receipt import Receipt, sign_receipt
from heyi.model.permit import Permit
from heyi.permits.issue import issue
from heyi.store.database import Database
from oracles.forge import forge, forge_node, forge_raw, opened_node

NOWHERE = "sha256:" + "0" * 64
"""A digest of nothing."""
DAY = 86_400
CLAIM, COUNTS, REFERRAL, STUDY = (
    "insurance-claim",
    "village-blood-pressure",
    "referral",
    "stroke-risk",
)
TRAINING, WATCH = "ai-training", "hospital-surveillance"
"""Cases of the story."""
HOSPITAL = "county-hospital-records"
"""The data set that most cases ask for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """The one fault that a lie must give: in which log, at which entry, with these words."""

    words: str
    entry: int | None
    log: str = "centre"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """No fault, but a report must show it: this rulebook judged so many decisions."""

    rulebook: str
    decisions: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Unseen:
    """Nothing in the folder shows it; `who` could find it, and from what."""

    who: str


Outcome = Expected | Shown | Unseen
Tell: TypeAlias = "Callable[[Operator], Outcome]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lie:
    """`claims` is what a reader is to believe, `how` is how it is done."""

    name: str
    claims: str
    how: str
    tell: Tell


class Room:
    """The lies about one subject, in the order of the file; the docstring of each says how."""

    def __init__(self) -> None:
        self.lies: list[Lie] = []

    def lie(self, claims: str) -> Callable[[Tell], Tell]:
        """List a lie that claims this."""

        def listed(tell: Tell) -> Tell:
            how = " ".join((tell.__doc__ or "").split())
            self.lies.append(Lie(name=tell.__name__, claims=claims, how=how, tell=tell))
            return tell

        return listed


@dataclass(slots=True, kw_only=True)
class Operator:
    """A run and everything that its operator can do with it.

    `seen` are files that somebody else kept, and gives to `heyi verify --seen`. `cut` are the
    entries that `rewind` took away.
    """

    directory: Path
    app: App
    seen: list[Path] = field(default_factory=list)
    cut: list[Entry] = field(default_factory=list)

    @property
    def consortium(self) -> Consortium:
        return self.app.consortium

    @property
    def now(self) -> int:
        return self.consortium.now

    def case(self, name: str) -> Case:
        return self.consortium.case(name)

    def forward(self, seconds: int) -> None:
        """Move the clock; no witness is asked."""
        self.app.clock.forward(seconds)

    # --- honest steps that lies begin with ---

    def applied(self, scene: Scene, name: str, **changed: object) -> Case:
        """A request like a scene of the story, submitted and decided under another name."""
        scene = replace(scene, id=name, **changed)  # type: ignore[arg-type]
        present_scene(self.consortium, scene)
        self.forward(300)
        decide(self.consortium, name, by=PLATFORM)
        return self.case(name)

    def permit(self, case: str, asset: str = "") -> Permit:
        """A permit of a case as it was issued, by default the first one."""
        permits = sorted(self.case(case).permits)
        return seat(self.consortium, case, f"{case}.{asset}" if asset else permits[0]).permit

    def reading(self, case: str) -> Permit:
        """A permit to read `HOSPITAL` for what a case asks, on its latest decision, for a day."""
        request, decided = self.case(case).request, self.case(case).decisions[HOSPITAL]
        return replace(
            self.permit(WATCH, HOSPITAL),
            id=f"{case}.{HOSPITAL}",
            case=case,
            requester=request.requester,
            requester_key=self.consortium.party(request.requester).public_key,
            purpose=request.purpose,
            delivery=request.delivery,
            kinds=request.kinds,
            operations={"read": "read"},
            obligations=decided.made.obligations,
            issued_at=self.now,
            expires_at=self.now + DAY,
            decision=decided.index,
            rulebook=decided.made.rulebook,
        )

    def issued(
        self,
        permit: Permit,
        *,
        case: str = "",
        holder: Signer | None = None,
        requester: Signer | None = None,
    ) -> int:
        """Issue a permit; holder and requester sign what the platform shows them.

        `holder` and `requester` are keys that sign in their place.
        """
        token = issue(
            permit,
            issuer=self.app.signer(PLATFORM),
            holder=holder or self.app.signer(permit.holder),
            requester=requester or self.app.signer(permit.requester),
        )
        what = applied.PermitIssued(permit=permit.id, asset=permit.asset, token=token)
        return forge(self.consortium, what, by=PLATFORM, case=case or permit.case)

    def posing_as(self, party: str) -> Signer:
        """The platform's key under the name of somebody else."""
        return replace(self.app.signer(PLATFORM), name=party)

    def announced(self, permit: Permit, number: int, operation: str, argument: str) -> int:
        what = used.OperationAsked(operation=operation, calls=((permit.id, number, argument),))
        return forge(self.consortium, what, by=permit.requester, case=permit.case)

    def receipt(
        self,
        permit: Permit,
        number: int,
        *,
        operation: str = "",
        argument: str = "",
        at: int | None = None,
        result: str = NOWHERE,
    ) -> NodeReceipt:
        """A receipt that the holder signs: so the node takes part in the lie."""
        (usual,) = permit.operations.values()
        receipt = Receipt(
            permit=permit.id,
            holder=permit.holder,
            host=permit.audience,
            operation=operation or usual,
            argument=argument or digest({}),
            number=number,
            refusal="",
            result=result,
            at=self.now if at is None else at,
        )
        return receipt_event(sign_receipt(receipt, self.app.signer(permit.holder)))

    def at_centre(self, receipt: NodeReceipt, *, case: str, by: str = "") -> int:
        what = used.OperationAnswered(**to_json(receipt))
        return forge(self.consortium, what, by=by or receipt.holder, case=case)

    def at_node(
        self, permit: Permit, *receipts: NodeReceipt, charge: Sequence[int] | None = None
    ) -> int:
        """Log charges and receipts at the node; returns the entry of the last."""
        entry = -1
        with opened_node(self.app, permit.audience) as log:
            for number in [r.number for r in receipts] if charge is None else charge:
                what = CallCharged(permit=permit.id, number=number)
                at = receipts[0].at if receipts else self.now
                entry = forge_node(log, what, actor=permit.audience, at=at, case=permit.case)
            for receipt in receipts:
                entry = forge_node(
                    log, receipt, actor=receipt.holder, at=receipt.at, case=permit.case
                )
        return entry

    def next_call(self, permit: Permit) -> int:
        return self.case(permit.case).asked.get(permit.id, 0) + 1

    # --- history that is rewritten ---

    def database(self, name: str = "heyi.db") -> closing[sqlite3.Connection]:
        """A database of the folder, to be changed by hand."""
        return closing(sqlite3.connect(self.directory / name, isolation_level=None))

    def rewind(self, kind: type[TypedEvent]) -> None:
        """Cut the log before the first event of a kind, as if nothing had followed."""
        entries = self.consortium.log.store.entries()
        self.rewind_to(next(e.index for e in entries if from_leaf(e.leaf).kind == kind.KIND))

    def rewind_to(self, size: int) -> None:
        """Leave the first `size` entries.

        The erasure at the end of the story is told again, since its body stays away.
        """
        self.cut = list(self.consortium.log.store.entries(size))
        erasure = next(e for e in self.cut if from_leaf(e.leaf).kind == BodyErased.KIND)
        self._cut_to(size)
        self.relog(erasure, at=self.consortium.log.last_at)

    def undo(self) -> None:
        """Cut the last group away."""
        *_, before, _ = self.consortium.log.store.checkpoints()
        self._cut_to(before[0])

    def _cut_to(self, size: int) -> None:
        self.app.close()
        cut_log(self.directory / "heyi.db", size)
        with closing(Database.at(self.directory / "heyi.db")) as database:
            rebuild(database)
        self.app = reopen(self.directory)

    def relog(self, entry: Entry, *, at: int | None = None, **changed: object) -> int:
        """Log an entry that was cut again, with its own time, body and key."""
        event = from_leaf(entry.leaf)
        event = replace(
            event,
            at=event.at if at is None else at,
            public={**event.public, **changed},
        )
        body = None if entry.body is None else from_canonical(entry.body)
        return forge_raw(self.consortium, event, body, key=entry.key)

    def was(self, kind: type[TypedEvent]) -> list[Entry]:
        """The entries of a kind among those that were cut."""
        return [e for e in self.cut if from_leaf(e.leaf).kind == kind.KIND]


def cut_log(path: Path, size: int) -> None:
    """Leave the first `size` entries of a log, as its checkpoint of that size had them."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for statement in (
            "delete from entries where idx >= ?",
            "delete from bodies where idx >= ?",
            "delete from checkpoints where size > ?",
            "delete from subtrees where (idx + 1) << level > ?",
            "delete from streams where idx >= ?",
            "update head set size = ?",
        ):
            connection.execute(statement, (size,))


# --- how a lie is looked for ---


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """`right` says whether the lie was found as it was expected, `found` what was reported."""

    lie: Lie
    expected: Outcome
    found: list[str]
    right: bool


def copy_run(source: Path, directory: Path) -> None:
    """A copy of what verification reads of a run."""
    directory.mkdir()
    for name in ("heyi.db", "run.json", "trust.json"):
        shutil.copy(source / name, directory / name)
    shutil.copytree(source / "nodes", directory / "nodes")


def try_lie(lie: Lie, directory: Path) -> Verdict:
    """Tell a lie in a folder that is a copy of a run, and look for it as an auditor."""
    operator = Operator(directory=directory, app=reopen(directory))
    try:
        expected = lie.tell(operator)
    finally:
        operator.app.close()
    verification = verify_directory(directory, seen=operator.seen)
    found = [f"{log} {fault.entry}: {fault.message}" for log, fault in verification.faults]
    return Verdict(lie=lie, expected=expected, found=found, right=_is_right(expected, verification))


def _is_right(expected: Outcome, verification: Verification) -> bool:
    faults = verification.faults
    if isinstance(expected, Unseen):
        return not faults
    if isinstance(expected, Shown):
        judged = verification.replayed.rulebooks.get(expected.rulebook)
        return (
            not faults
            and judged is not None
            and judged.decisions == expected.decisions
            and [who for _, who in judged.adopted] == [PLATFORM]
        )
    return [(log, f.entry) for log, f in faults] == [(expected.log, expected.entry)] and (
        expected.words in faults[0][1].message
    )
