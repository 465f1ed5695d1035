"""A witness cosigns only an extension of what it saw before, even if the log signs other states."""

import pytest

from heyi.audit.checkpoint import Checkpoint, sign_checkpoint
from heyi.audit.note import Note, NoteSignature, parse_note
from heyi.audit.witness import Cosigned, Witness, verify_cosignature
from heyi.crypto.keys import Signer
from heyi.crypto.merkle import leaf_hash
from heyi.crypto.stored_tree import StoredTree
from heyi.model.errors import InvalidInput, StoreError, VerificationError
from tests.support.logs import (
    LOG,
    NOON,
    STRANGER,
    WITNESS,
    RememberedNote,
    clock_at,
    happened,
    new_witness,
    open_log,
)
from tests.support.memory_store import MemoryStore
from tests.support.trees import tree_over

TREE = tree_over(leaf_hash(bytes([n])) for n in range(20))
FORK = tree_over(leaf_hash(bytes([n if n != 3 else 99])) for n in range(20))


def signed(size: int, tree: StoredTree = TREE, signer: Signer = LOG) -> bytes:
    return sign_checkpoint(
        Checkpoint(origin=LOG.name, size=size, root=tree.root(size)), signer
    ).to_bytes()


class RefusingMemory(RememberedNote):
    """A disk that is full."""

    def keep(self, note: bytes) -> None:
        raise StoreError("the disk is full")


def seen_by(witness: Witness) -> int:
    seen = witness.seen()
    return seen.checkpoint.size if seen else 0


@pytest.fixture
def memory() -> RememberedNote:
    return RememberedNote()


@pytest.fixture
def witness(memory: RememberedNote) -> Witness:
    """A witness that has seen ten entries."""
    witness = new_witness(memory)
    witness.cosign(signed(10), [], now=NOON)
    return witness


def test_it_cosigns_what_extends_and_remembers(witness: Witness) -> None:
    witness.cosign(signed(13), TREE.consistency_proof(10, 13), now=NOON)
    expected = Checkpoint(origin=LOG.name, size=13, root=TREE.root(13))
    seen = witness.seen()
    assert seen == Cosigned(checkpoint=expected, at=NOON, note=seen.note if seen else b"")
    assert expected.to_text().encode() in (seen.note if seen else b"")
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
    before = witness.seen()
    with pytest.raises(VerificationError):
        witness.cosign(data, proof, now=NOON)
    assert witness.seen() == before
    witness.cosign(signed(15), TREE.consistency_proof(10, 15), now=NOON)


def test_it_starts_without_a_proof_and_is_bound_from_then_on() -> None:
    witness = new_witness()
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


def test_a_log_restored_from_an_old_copy_is_refused_by_the_witness() -> None:
    log, old, witness = open_log(MemoryStore()), open_log(MemoryStore()), new_witness()
    for each in (log, old):
        each.append([happened(n=n) for n in range(3)])
    log.append([happened(n=3), happened(n=4)])
    log.cosign(witness, now=clock_at(NOON))
    with pytest.raises(VerificationError, match="rolled back or forked"):
        old.cosign(witness, now=clock_at(NOON))
    old.append([happened(n="another"), happened(n="history"), happened(n="and more")])
    with pytest.raises(VerificationError, match="rolled back or forked"):
        old.cosign(witness, now=clock_at(NOON))
    log.append([happened(n=5)])
    log.cosign(witness, now=clock_at(NOON))


def test_the_memory_outlives_the_witness_and_is_kept_before_the_answer(
    memory: RememberedNote, witness: Witness
) -> None:
    assert seen_by(new_witness(memory)) == 10
    full = RefusingMemory()
    full.note = memory.note
    with pytest.raises(StoreError):
        new_witness(full).cosign(signed(13), TREE.consistency_proof(10, 13), now=NOON)
    assert seen_by(new_witness(full)) == 10


@pytest.mark.parametrize("kept", [b"", b"no note", signed(10), signed(10, FORK, STRANGER)])
def test_a_memory_that_this_witness_did_not_write_is_refused(
    memory: RememberedNote, kept: bytes
) -> None:
    memory.note = kept
    with pytest.raises(VerificationError, match="memory of the witness"):
        new_witness(memory).cosign(signed(10), [], now=NOON)


def test_its_clock_never_steps_back(witness: Witness) -> None:
    with pytest.raises(InvalidInput, match="stepped back"):
        witness.cosign(signed(13), TREE.consistency_proof(10, 13), now=NOON - 1)
    assert seen_by(witness) == 10
    witness.cosign(signed(13), TREE.consistency_proof(10, 13), now=NOON)


def test_cosigning_anew_remembers_the_later_time(memory: RememberedNote, witness: Witness) -> None:
    assert memory.note is not None
    witness.cosign(memory.note, [], now=NOON + 60)
    seen = new_witness(memory).seen()
    assert seen is not None and seen.at == NOON + 60
