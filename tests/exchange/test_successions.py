"""A log that goes on from another one: what it says of the former is checked, however often."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from msgspec import structs

from heyi.app.backup import backup, restore
from heyi.app.centre import reopen, writing
from heyi.app.verification import verify_directory
from heyi.audit.checkpoint import Checkpoint, sign_checkpoint
from heyi.audit.note import parse_note
from heyi.audit.witness import Witness
from heyi.crypto.keys import Signer
from heyi.exchange.consortium import PLATFORM
from heyi.exchange.events.succeeded import LogSucceeded
from heyi.exchange.request.apply import decide
from oracles.forge import first, forge
from oracles.lies_about_history import Forgetful
from oracles.lying import CLAIM, Operator, cut_log


def lose(directory: Path, copy: Path, to: Path, origin: str, entries: int = 2) -> None:
    """Back a run up, let it go on, and restore the backup under a new name."""
    backup(directory, copy)
    with writing(directory) as app:
        for _ in range(entries):
            decide(app.consortium, CLAIM, by=PLATFORM)
    assert restore(copy, to, new_origin=origin).lost == entries


def test_a_log_may_go_on_twice(run_copy: Path, tmp_path: Path) -> None:
    lose(run_copy, tmp_path / "b1", tmp_path / "d2", "heyi.example/two")
    lose(tmp_path / "d2", tmp_path / "b2", tmp_path / "d3", "heyi.example/three", 1)
    found = verify_directory(tmp_path / "d3")
    assert found.faults == []
    assert [s.lost for s in found.replayed.successions] == [2, 1]
    assert found.replayed.succession is not None
    assert found.replayed.succession.origin == "heyi.example/two"
    with closing(reopen(tmp_path / "d3")) as app:
        decide(app.consortium, CLAIM, by=PLATFORM)
        app.cosign()
    assert verify_directory(tmp_path / "d3").faults == []


Change = Callable[[Operator, LogSucceeded, int], LogSucceeded]


def cosigned(op: Operator, signer: Signer, size: int, root: bytes) -> str:
    """A checkpoint of any content with the mark of the witness, whose key the liar has."""
    checkpoint = Checkpoint(origin=signer.name, size=size, root=root)
    note = sign_checkpoint(checkpoint, signer).to_bytes()
    witness = Witness(
        signer=op.app.witness.signer,
        origin=signer.name,
        log_key=signer.public_key,
        memory=Forgetful(),
    )
    mark = witness.cosign(note, (), now=op.now)
    parsed = parse_note(note)
    return replace(parsed, signatures=(*parsed.signatures, mark)).to_bytes().decode()


def nothing_lost(op: Operator, what: LogSucceeded, size: int) -> LogSucceeded:
    note = cosigned(op, op.app.keyring.signer(what.origin), size, b"\7" * 32)
    return structs.replace(what, checkpoint=note, lost=0)


def fewer_lost(_op: Operator, what: LogSucceeded, _size: int) -> LogSucceeded:
    return structs.replace(what, lost=(what.lost or 0) - 1)


def members_agreed(_op: Operator, what: LogSucceeded, _size: int) -> LogSucceeded:
    return structs.replace(what, adopted=True)


def unseen_by_the_witness(op: Operator, what: LogSucceeded, size: int) -> LogSucceeded:
    signer = op.app.keyring.signer(what.origin)
    note = sign_checkpoint(Checkpoint(origin=what.origin, size=size + 1, root=b"\7" * 32), signer)
    return structs.replace(what, checkpoint=note.to_bytes().decode(), lost=1)


def signed_by_another(op: Operator, what: LogSucceeded, size: int) -> LogSucceeded:
    other = replace(op.app.signer("insurer"), name=what.origin)
    note = cosigned(op, other, size + 1, b"\7" * 32)
    return structs.replace(what, checkpoint=note, lost=1, log_key=other.public_key)


@pytest.mark.parametrize(
    ("lie", "words"),
    [
        (nothing_lost, "goes on from other entries than its witness has seen"),
        (fewer_lost, "has lost another number of entries"),
        (members_agreed, "says that the members agreed"),
        (unseen_by_the_witness, "lacks the cosignature"),
        (signed_by_another, "had another key than you know"),
    ],
)
def test_a_lie_about_the_former_log_is_found(
    run_copy: Path, tmp_path: Path, lie: Change, words: str
) -> None:
    run = tmp_path / "d2"
    lose(run_copy, tmp_path / "b1", run, "heyi.example/two")
    op = Operator(directory=run, app=reopen(run))
    told = first(op.consortium, LogSucceeded)
    assert isinstance(told.what, LogSucceeded)
    op.app.close()
    cut_log(run / "heyi.db", told.index)
    op.app = reopen(run)
    with closing(op.app):
        forge(op.consortium, lie(op, told.what, told.index), by=PLATFORM)
    ((_, fault),) = verify_directory(run).replayed.faults
    assert fault.entry == told.index and words in fault.message
