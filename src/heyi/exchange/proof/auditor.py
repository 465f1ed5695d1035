"""What an auditor remembers while a log is replayed, and what is reported at the end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from heyi.audit.succession import Succeeds
from heyi.audit.verify import Checked, Fault
from heyi.exchange.consortium import stored_rulebook
from heyi.exchange.events import applied, settled, used
from heyi.exchange.events.succeeded import LogSucceeded
from heyi.exchange.ports import Artefacts, Rulebooks
from heyi.exchange.state import State
from heyi.model.errors import VerificationError
from heyi.model.permit import Permit
from heyi.policy.decide import DecisionPoint


class Replaces(VerificationError):
    """The event would replace what stands: it is a fault, and it is not folded.

    Any other event with a fault is folded all the same, so that one cause is told once.
    """


class Meaningless(VerificationError):
    """The body says what has no meaning: it is a fault, and it is folded as if it were gone."""


@dataclass(slots=True, kw_only=True)
class Judged:
    """A rulebook of the log: at which entries who adopted it, and how many decisions it made.

    `why` says why it cannot judge here, empty if it can; `first` is its first decision.
    """

    adopted: list[tuple[int, str]] = field(default_factory=list)
    decisions: int = 0
    first: int | None = None
    why: str = ""


@dataclass(slots=True, kw_only=True)
class Replayed:
    """Counts of what was computed again and held.

    `outcomes` counts all decisions of the log by their outcome. `erased` lists the entries that
    cannot be replayed any more, or not in every part. `unanswered` counts calls that a node
    answered, while the centre was cut off before it logged the receipt. `rulebooks` are by digest,
    in the order of their adoption. `known` are the entries that were erased after this auditor had
    verified them. `successions` say which logs this one goes on from, the oldest first. A fault is
    with the log that it is in: `centre`, or the host of a node.
    """

    decisions: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    permits: int = 0
    receipts: int = 0
    settlements: int = 0
    unanswered: int = 0
    erased: list[int] = field(default_factory=list)
    known: list[int] = field(default_factory=list)
    rulebooks: dict[str, Judged] = field(default_factory=dict)
    successions: list[LogSucceeded] = field(default_factory=list)
    faults: list[tuple[str, Fault]] = field(default_factory=list)

    @property
    def succession(self) -> LogSucceeded | None:
        """How this log goes on from the one before it, if it does."""
        return self.successions[-1] if self.successions else None


@dataclass(slots=True, kw_only=True)
class Announced:
    """A call that the centre announced: at which entry and when, for what, and who answered it.

    `answered` is the signature of the receipt that the centre logged, empty until then, and
    `receipt` its entry.
    """

    entry: int
    at: int
    operation: str
    argument: str
    answered: str = ""
    receipt: int = -1


@dataclass(slots=True, kw_only=True)
class Notice:
    """A revocation or a withdrawal that nodes must have taken.

    `subject` is the permit or the token, empty where the token was erased; `hosts` are those that
    must have a revocation. Every node must have every withdrawal.
    """

    entry: int
    at: int
    subject: str
    scope: str
    hosts: frozenset[str] = frozenset()


@dataclass(slots=True, kw_only=True)
class Auditor:
    """The memory of one replay.

    `issuer` is (name, public key), `origin` that of the log: both come from whoever audits, and so
    do `witness`, (name, public key), and `succeeds`, the logs whose entries this one has taken
    over, the oldest first. `hidden` are the entries whose bodies are gone in the end, with their
    cases. `answered` are holders by case and operation; `fresh` are those that
    answered since the last release, `refused` those that refused since then, with the code of each
    refusal. `keys` are parties by public key. `late` are revocations that a node has yet to take.
    `blamed` are the signatures of receipts with a fault in the centre's log, `untold` the hosts
    that do not know of a withdrawal, by its entry.
    `said` has what surviving decisions say of facts whose own body is gone, by entry and name.
    `agreed` is the last decision on which the readings of the rulebook agreed here, and `doubted`
    are decisions with a fault.
    `spoilt` are cases whose settlement is a fault, so that what follows from it is not told again.
    Entries before `since` were verified earlier, and `old` reads one of them again. `emptied` are
    those whose body was gone when they were read again, though it was there before; `unreadable`
    are the streams that were not what was verified.
    """

    artefacts: Artefacts
    rulebooks: Rulebooks
    issuer: tuple[str, str]
    origin: str
    witness: tuple[str, str]
    succeeds: tuple[Succeeds, ...] = ()
    state: State = field(default_factory=State)
    report: Replayed = field(default_factory=Replayed)
    permits: dict[str, Permit] = field(default_factory=dict)
    calls: dict[str, dict[int, Announced]] = field(default_factory=dict)
    revoked: dict[str, Notice] = field(default_factory=dict)
    withdrawn: list[Notice] = field(default_factory=list)
    answered: dict[tuple[str, str], set[str]] = field(default_factory=dict)
    refused: dict[tuple[str, str], dict[str, str]] = field(default_factory=dict)
    fresh: dict[tuple[str, str], set[str]] = field(default_factory=dict)
    statements: dict[tuple[str, str], settled.StatementIssued] = field(default_factory=dict)
    blamed: set[str] = field(default_factory=set)
    untold: dict[int, list[str]] = field(default_factory=dict)
    said: dict[tuple[int, str], applied.SaidBy] = field(default_factory=dict)
    agreed: int = -1
    doubted: set[int] = field(default_factory=set)
    spoilt: set[str] = field(default_factory=set)
    keys: dict[str, str] = field(default_factory=dict)
    late: dict[str, Notice] = field(default_factory=dict)
    hidden: dict[int, str] = field(default_factory=dict)
    last: int = -1
    since: int = 0
    old: Callable[[int], Checked] | None = None
    emptied: set[int] = field(default_factory=set)
    unreadable: set[str] = field(default_factory=set)
    _points: dict[str, DecisionPoint] = field(default_factory=dict)

    def origin_at(self, index: int) -> str:
        """The log in which an entry was written: what parties signed names it."""
        of = (before.origin for before in self.succeeds if index < before.size)
        return next(of, self.origin)

    def fault(self, entry: int | None, message: str, *, log: str = "centre") -> None:
        self.report.faults.append((log, Fault(entry=entry, message=message)))

    def point(self, digest: str) -> DecisionPoint | None:
        """The rulebook of that digest; None if it cannot judge, which is told once, at its end."""
        judged = self.report.rulebooks.setdefault(digest, Judged())
        if digest not in self._points and not judged.why:
            try:
                self._points[digest] = stored_rulebook(self.artefacts, self.rulebooks, digest)
            except VerificationError as e:
                judged.why = e.message
        return self._points.get(digest)

    def permit(self, name: str) -> Permit | None:
        """A permit of the log; its id begins with its case."""
        # asking for the case recalls it, where it was verified before
        self.state.cases.get(name.partition(".")[0])
        return self.permits.get(name)

    def subject(self, notice: Notice) -> str:
        """Who withdrew, from an entry that was verified before; empty if it says so no more.

        Raises:
            VerificationError: it is not the entry that was verified, or it lost its body silently.
        """
        if self.old is None or notice.entry >= self.since:
            return ""
        checked = self.old(notice.entry)
        if checked.erased and notice.entry not in self.hidden:
            raise VerificationError(
                f"the body of entry {notice.entry} is gone, though no event says that it was erased"
            )
        return "" if checked.erased else str(checked.body["token"])

    def announced(self, permit: str, number: int) -> Announced | None:
        self.permit(permit)
        return self.calls.get(permit, {}).get(number)

    def unjudged(self) -> Iterator[tuple[int | None, str]]:
        """A fault for each rulebook that could not judge: its first entry, and how much it is."""
        for judged in self.report.rulebooks.values():
            if judged.why:
                first = judged.adopted[0][0] if judged.adopted else judged.first
                so = f": {judged.decisions} decisions, from entry {judged.first} on, are not judged"
                yield first, judged.why + (so if judged.decisions else "")


def held_by(receipt: used.ReceiptLogged) -> str:
    """The call that a receipt answers, in words."""
    return f"call {receipt.number} under `{receipt.permit}`"
