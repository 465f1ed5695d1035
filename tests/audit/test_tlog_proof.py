"""Receipts: what a party keeps proves its entry without the log, and any change is noticed."""

from __future__ import annotations

import base64

import pytest

from heyi.audit.event import from_leaf
from heyi.audit.log import Log
from heyi.audit.tlog_proof import LoggedProof, open_receipt
from heyi.crypto.merkle import leaf_hash
from heyi.model.errors import InvalidInput, VerificationError
from tests.support.logs import (
    LOG,
    NOON,
    STRANGER,
    WITNESSED,
    clock_at,
    happened,
    new_witness,
    open_log,
)
from tests.support.memory_store import MemoryStore

SIZE = 300


@pytest.fixture(scope="module")
def log() -> Log:
    log = open_log(MemoryStore())
    log.append([happened(n=n) for n in range(SIZE)])
    log.cosign(new_witness(), now=clock_at(NOON + 5))
    return log


def opened(data: bytes) -> tuple[int, int, int | None]:
    index, leaf, checkpoint, at = open_receipt(
        data, origin=LOG.name, log_key=LOG.public_key, witness=WITNESSED
    )
    assert from_leaf(leaf).public == {"n": index}
    return index, checkpoint.size, at


@pytest.mark.parametrize("index", [0, 1, 255, 256, SIZE - 1])
def test_any_entry_can_be_proven_under_the_newest_checkpoint(log: Log, index: int) -> None:
    assert opened(log.prove(index)) == (index, SIZE, NOON + 5)


def test_a_receipt_has_the_lines_of_the_specification() -> None:
    log = open_log(MemoryStore())
    log.append([happened(n=0), happened(n=1)])
    first, second = (e.leaf for e in log.store.entries())
    assert log.prove(1) == (
        b"c2sp.org/tlog-proof@v1\n"
        b"extra " + base64.b64encode(second) + b"\n"
        b"index 1\n" + base64.b64encode(leaf_hash(first)) + b"\n\n" + log.head
    )


def test_an_entry_is_promised_until_the_witness_cosigned() -> None:
    log = open_log(MemoryStore())
    log.append([happened(n=0)])
    assert opened(log.prove(0)) == (0, 1, None)
    log.cosign(new_witness(), now=clock_at(NOON))
    assert opened(log.prove(0)) == (0, 1, NOON)


@pytest.mark.parametrize("index", [-1, SIZE])
def test_there_is_no_receipt_for_what_is_not_logged(log: Log, index: int) -> None:
    with pytest.raises(InvalidInput, match=f"entry {index} is not in a log of {SIZE}"):
        log.prove(index)


def test_every_changed_byte_is_noticed(log: Log) -> None:
    data = log.prove(77)
    last_line = data.rindex("— ".encode())
    for at in range(len(data)):
        spoilt = data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
        # With another name or key id, the last line is one of a stranger: no cosignature is left.
        try:
            assert opened(spoilt) == (77, SIZE, None)
            assert at >= last_line
        except VerificationError:
            continue


def test_a_receipt_holds_for_its_own_log_and_entry_alone(log: Log) -> None:
    proof = LoggedProof.parse(log.prove(7))
    proof.check(leaf_hash(proof.extra), origin=LOG.name, log_key=LOG.public_key)
    for hashed, origin, key in [
        (leaf_hash(b"another"), LOG.name, LOG.public_key),
        (leaf_hash(proof.extra), "log.example/other", LOG.public_key),
        (leaf_hash(proof.extra), LOG.name, STRANGER.public_key),
    ]:
        with pytest.raises(VerificationError):
            proof.check(hashed, origin=origin, log_key=key)


HASH = base64.b64encode(bytes(32)).decode()


@pytest.mark.parametrize("extra", [b"", b"\x00"])
@pytest.mark.parametrize("hashes", [(), (bytes(32), b"r" * 32)])
def test_a_proof_is_read_back(extra: bytes, hashes: tuple[bytes, ...]) -> None:
    proof = LoggedProof(index=0, hashes=hashes, note=b"note\n", extra=extra)
    assert LoggedProof.parse(proof.to_bytes()) == proof


@pytest.mark.parametrize(
    "text",
    [
        "",
        "c2sp.org/tlog-proof@v1",
        "c2sp.org/tlog-proof@v1\n\nnote",
        "c2sp.org/tlog-proof@v2\nindex 0\n\nnote",
        "c2sp.org/tlog-proof@v1\nindex 00\n\nnote",
        "c2sp.org/tlog-proof@v1\nindex -1\n\nnote",
        "c2sp.org/tlog-proof@v1\nindex  1\n\nnote",
        "c2sp.org/tlog-proof@v1\n1\n\nnote",
        "c2sp.org/tlog-proof@v1\nextra \nindex 1\n\nnote",
        "c2sp.org/tlog-proof@v1\nindex 1\nextra AA==\n\nnote",
        "c2sp.org/tlog-proof@v1\nextra AB==\nindex 1\n\nnote",
        "c2sp.org/tlog-proof@v1\nindex 1\nAA==\n\nnote",
        f"c2sp.org/tlog-proof@v1\nindex 1\n {HASH}\n\nnote",
        f"c2sp.org/tlog-proof@v1\r\nindex 1\r\n{HASH}\r\n\r\nnote",
        "c2sp.org/tlog-proof@v1\nindex １\n\nnote",
    ],
)
def test_another_spelling_is_refused(text: str) -> None:
    with pytest.raises(VerificationError, match="not a proof of an entry"):
        LoggedProof.parse(text.encode())


def test_a_receipt_that_would_not_hold_is_never_given() -> None:
    store = MemoryStore()
    log = open_log(store)
    log.append([happened(n=n) for n in range(5)])
    store.rows[3] = store.rows[2]
    with pytest.raises(VerificationError):
        log.prove(4)
