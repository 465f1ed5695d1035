"""Lies about the history of a log and the dates in it."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace

from heyi.audit.note import parse_note
from heyi.audit.witness import Witness
from heyi.exchange.consortium import PLATFORM
from heyi.exchange.events import applied, registered
from heyi.exchange.request.apply import decide
from oracles.forge import first, forge
from oracles.lying import CLAIM, DAY, Expected, Operator, Outcome, Room

ROOM = Room()
lie = ROOM.lie


# --- history: somebody has a checkpoint or a receipt ---


def keep(op: Operator, name: str, data: bytes) -> None:
    path = op.directory / name
    path.write_bytes(data)
    op.seen.append(path)


@lie("this never happened")
def rolled_back_behind_a_checkpoint(op: Operator) -> Outcome:
    """The last decision is cut away; somebody kept the checkpoint over it."""
    decide(op.consortium, CLAIM, by=PLATFORM)
    keep(op, "seen.checkpoint", op.consortium.log.head)
    op.undo()
    return Expected(entry=None, words="the log was rolled back: `seen.checkpoint` has seen")


@lie("this never happened")
def rolled_back_behind_a_receipt(op: Operator) -> Outcome:
    """The last decision is cut away; the insurer kept its receipt."""
    decide(op.consortium, CLAIM, by=PLATFORM)
    keep(op, "seen.receipt", _cosigned_receipt(op))
    op.undo()
    return Expected(entry=None, words="the log was rolled back: `seen.receipt` has seen")


@lie("this happened, and nothing else")
def rewritten_behind_a_checkpoint(op: Operator) -> Outcome:
    """The last decision is cut away, and something else logged in its place."""
    decide(op.consortium, CLAIM, by=PLATFORM)
    keep(op, "seen.checkpoint", op.consortium.log.head)
    op.undo()
    decide(op.consortium, "ai-training", by=PLATFORM)
    decide(op.consortium, "ai-training", by=PLATFORM)
    return Expected(entry=None, words="rewritten behind what was seen in `seen.checkpoint`")


@lie("this happened, and nothing else")
def rewritten_behind_a_receipt(op: Operator) -> Outcome:
    """As before; the insurer kept its receipt."""
    decide(op.consortium, CLAIM, by=PLATFORM)
    keep(op, "seen.receipt", _cosigned_receipt(op))
    op.undo()
    decide(op.consortium, "ai-training", by=PLATFORM)
    decide(op.consortium, "ai-training", by=PLATFORM)
    return Expected(entry=None, words="rewritten behind what was seen in `seen.receipt`")


class Forgetful:
    """A witness that forgets, since the liar has its key."""

    def load(self) -> bytes | None:
        return None

    def keep(self, note: bytes) -> None:
        pass

    def alone(self) -> AbstractContextManager[None]:
        return nullcontext()


def cosign(op: Operator, at: int) -> None:
    """Cosign the newest checkpoint with the witness's key, at any time."""
    witness = Witness(
        signer=op.app.witness.signer,
        origin=op.app.witness.origin,
        log_key=op.app.witness.log_key,
        memory=Forgetful(),
    )
    op.consortium.log.cosign(witness, now=lambda _last_at: at)


def _cosigned_receipt(op: Operator) -> bytes:
    cosign(op, op.now)
    return op.consortium.log.prove(op.consortium.log.size - 1)


@lie("all that was logged is there")
def a_tail_cut_without_its_checkpoint(op: Operator) -> Outcome:
    """The last entry is deleted, and the checkpoint over it is not."""
    with op.database() as database:
        database.execute("delete from entries where idx = (select max(idx) from entries)")
    return Expected(entry=None, words="a checkpoint promises")


@lie("all that was logged is there")
def a_hole_in_the_log(op: Operator) -> Outcome:
    """An entry in the middle is deleted."""
    found = first(op.consortium, applied.DecisionMade, case=CLAIM)
    with op.database() as database:
        database.execute("delete from entries where idx = ?", (found.index,))
        database.execute("delete from bodies where idx = ?", (found.index,))
    return Expected(entry=found.index, words=f"entry {found.index} is missing")


@lie("the log signed this")
def checkpoints_of_another_log(op: Operator) -> Outcome:
    """The last checkpoint is replaced by an earlier one."""
    with op.database() as database:
        database.execute(
            "update checkpoints set note = (select note from checkpoints order by size limit 1) "
            "where size = (select max(size) from checkpoints)"
        )
    words = "under no checkpoint: a checkpoint of 1 entries is stored as one of"
    (*_, (before, _), _) = op.consortium.log.store.checkpoints()
    return Expected(entry=before, words=words)


# --- dates ---


@lie("this happened yesterday")
def dated_before_the_clock_of_the_witness(op: Operator) -> Outcome:
    """An event after a cosignature is dated an hour before it."""
    what = registered.ProfileVouched(party="township-02", facts={})
    forge(op.consortium, what, by=PLATFORM)
    cosign(op, op.now + DAY)
    op.forward(DAY - 3_600)
    entry = forge(op.consortium, what, by=PLATFORM)
    return Expected(entry=entry, words="outside the witness's clock")


@lie("this happened tomorrow")
def dated_after_the_clock_of_the_witness(op: Operator) -> Outcome:
    """An event under a cosignature is dated an hour after it."""
    what = registered.ProfileVouched(party="township-02", facts={})
    now = op.now
    op.forward(DAY)
    entry = forge(op.consortium, what, by=PLATFORM)
    store = op.consortium.log.store
    newest = store.newest_checkpoint()
    assert newest is not None
    witness = op.app.witness
    # as `cosign` does, which refuses this
    mark = Witness(
        signer=witness.signer, origin=witness.origin, log_key=witness.log_key, memory=Forgetful()
    ).cosign(newest[1], (), now=now)
    note = parse_note(newest[1])
    store.cosigned(newest[0], replace(note, signatures=(*note.signatures, mark)).to_bytes())
    return Expected(entry=entry, words="outside the witness's clock")


@lie("this happened earlier")
def dated_out_of_order(op: Operator) -> Outcome:
    """An event is dated before the one above it."""
    what = registered.ProfileVouched(party="township-02", facts={})
    at = op.consortium.log.last_at - DAY // 2
    entry = forge(op.consortium, what, by=PLATFORM, at=at)
    return Expected(entry=entry, words="dated before the one above it")


@lie("a witness has seen the log")
def without_any_cosignature(op: Operator) -> Outcome:
    """The cosignatures are taken off."""
    with op.database() as database:
        for size, note in database.execute("select size, note from checkpoints").fetchall():
            text, _, signatures = note.partition(b"\n\n")
            own = signatures.splitlines(keepends=True)[0]
            database.execute(
                "update checkpoints set note = ? where size = ?", (text + b"\n\n" + own, size)
            )
    return Expected(entry=None, words="no checkpoint was cosigned")
