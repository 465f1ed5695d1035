"""A witness cosigns only an extension of what it saw before, even if the log signs other states."""

from contextlib import closing
from pathlib import Path

import pytest

from heyi.audit.checkpoint import Checkpoint, sign_checkpoint
from heyi.audit.note import Note, NoteSignature, parse_note
from heyi.audit.witness import Witness, verify_cosignature
from heyi.crypto.keys import Signer
from heyi.crypto.merkle import Tree, leaf_hash
from heyi.model.errors import VerificationError
from heyi.store.database import Database
from tests.support.logs import LOG, NOON, STRANGER, WITNESS, happened, open_log

TREE = Tree(leaf_hash(bytes([n])) for n in range(20))
FORK = Tree(leaf_hash(bytes([n if n != 3 else 99])) for n in range(20))


def signed(size: int, tree: Tree = TREE, signer: Signer = LOG) -> bytes:
    return sign_checkpoint(
        Checkpoint(origin=LOG.name, size=size, root=tree.root(size)), signer
    ).to_bytes()


@pytest.fixture
def witness() -> Witness:
    """A witness that has seen ten entries."""
    witness = Witness(signer=WITNESS, origin=LOG.name, log_key=LOG.public_key)
    witness.cosign(signed(10), [], now=NOON)
    return witness


def test_it_cosigns_what_extends_and_remembers(witness: Witness) -> None:
    witness.cosign(signed(13), TREE.consistency_proof(10, 13), now=NOON)
    assert witness.seen == Checkpoint(origin=LOG.name, size=13, root=TREE.root(13))
    # The witness has seen 13 entries now, so a proof from ten is of no use.
    with pytest.raises(VerificationError):
        witness.cosign(signed(17), TREE.consistency_proof(10, 17), now=NOON)
    witness.cosign(signed(17), TREE.consistency_proof(13, 17), now=NOON)


def test_it_cosigns_the_same_state_again(witness: Witness) -> None:
    assert witness.cosign(signed(10), [], now=NOON + 60).name == WITNESS.name


@pytest.mark.parametrize(
    ("data", "proof"),
    [
        pytest.param(signed(9), [], id="rollback"),
        pytest.param(
            signed(9), TREE.consistency_proof(9, 10), id="rollback with a proof of the contrary"
        ),
        pytest.param(signed(0), [], id="rollback to nothing"),
        pytest.param(signed(10, FORK), [], id="fork of the same size"),
        pytest.param(
            signed(15, FORK), FORK.consistency_proof(10, 15), id="fork with its own proof"
        ),
        pytest.param(
            signed(15, FORK), TREE.consistency_proof(10, 15), id="fork with the true proof"
        ),
        pytest.param(signed(15), [], id="no proof"),
        pytest.param(signed(15), TREE.consistency_proof(10, 15)[::-1], id="proof in another order"),
        pytest.param(signed(15), TREE.consistency_proof(10, 14), id="proof of another size"),
        pytest.param(signed(15), TREE.inclusion_proof(10, 15), id="proof of another kind"),
        pytest.param(signed(10), [TREE.root(10)], id="surplus proof"),
        pytest.param(signed(15, signer=STRANGER), TREE.consistency_proof(10, 15), id="another key"),
        pytest.param(b"no note", [], id="garbage"),
    ],
)
def test_it_refuses_and_keeps_its_memory(witness: Witness, data: bytes, proof: list[bytes]) -> None:
    before = witness.seen
    with pytest.raises(VerificationError):
        witness.cosign(data, proof, now=NOON)
    assert witness.seen == before
    witness.cosign(signed(15), TREE.consistency_proof(10, 15), now=NOON)


def test_it_starts_without_a_proof_and_is_bound_from_then_on() -> None:
    witness = Witness(signer=WITNESS, origin=LOG.name, log_key=LOG.public_key)
    witness.cosign(signed(0), [], now=NOON)
    witness.cosign(signed(5), [], now=NOON)
    with pytest.raises(VerificationError):
        witness.cosign(signed(5, FORK), [], now=NOON)


def test_a_cosignature_is_of_one_witness_one_text_and_one_time(witness: Witness) -> None:
    note = parse_note(signed(10))
    mark = witness.cosign(signed(10), [], now=NOON)
    key = WITNESS.public_key
    assert (
        verify_cosignature(
            Note(text=note.text, signatures=(mark,)), name=WITNESS.name, public_key=key
        )
        == NOON
    )
    later = NoteSignature(
        name=mark.name,
        key_id=mark.key_id,
        signature=(NOON + 1).to_bytes(8, "big") + mark.signature[8:],
    )
    with pytest.raises(VerificationError, match="does not hold"):
        verify_cosignature(
            Note(text=note.text, signatures=(later,)), name=WITNESS.name, public_key=key
        )
    with pytest.raises(VerificationError, match="does not hold"):
        verify_cosignature(
            Note(text=note.text + "x\n", signatures=(mark,)), name=WITNESS.name, public_key=key
        )
    with pytest.raises(VerificationError, match="lacks the cosignature"):
        verify_cosignature(Note(text=note.text, signatures=(mark,)), name="another", public_key=key)
    with pytest.raises(VerificationError, match="lacks the cosignature"):
        verify_cosignature(
            Note(text=note.text, signatures=(mark,)), name=WITNESS.name, public_key=LOG.public_key
        )


@pytest.mark.parametrize("length", [0, 7, 8, 71, 73])
def test_a_cosignature_of_another_length_is_refused(witness: Witness, length: int) -> None:
    note, mark = parse_note(signed(10)), witness.cosign(signed(10), [], now=NOON)
    cut = NoteSignature(
        name=mark.name, key_id=mark.key_id, signature=(mark.signature + b"x")[:length]
    )
    with pytest.raises(VerificationError):
        verify_cosignature(
            Note(text=note.text, signatures=(cut,)),
            name=WITNESS.name,
            public_key=WITNESS.public_key,
        )


def test_a_log_restored_from_an_old_copy_is_refused_by_the_witness(tmp_path: Path) -> None:
    with (
        closing(Database.at(tmp_path / "log.db")) as database,
        closing(Database.at(tmp_path / "old.db")) as restored,
    ):
        log, old = open_log(database), open_log(restored)
        for n in range(3):
            log.append([happened(n=n)])
            old.append([happened(n=n)])
        log.append([happened(n=3), happened(n=4)])
        old.witness = log.witness
        with pytest.raises(VerificationError):
            old.append([happened(n="another history")])
        assert log.append([happened(n=5)]) == [5]
