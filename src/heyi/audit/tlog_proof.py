"""Proofs that a party keeps (C2SP tlog-proof): an entry is in the log, checked without the log.

    c2sp.org/tlog-proof@v1
    extra <base64 of the leaf>
    index <number of the entry>
    <base64 of a hash, from the leaf's sibling up to the root's child>

    <signed checkpoint>

Parsing is strict: a parsed proof must print to the same bytes.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass

from heyi.audit.checkpoint import Checkpoint, open_checkpoint
from heyi.audit.witness import cosigned_at
from heyi.crypto import merkle
from heyi.crypto.merkle import verify_inclusion
from heyi.model.errors import VerificationError

_HEADER = "c2sp.org/tlog-proof@v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedProof:
    """That an entry is in a log.

    `hashes` is the inclusion proof, lowest hash first, 32 bytes each; `note` is the signed
    checkpoint; `extra` is nothing that the proof itself protects, and empty if absent.
    """

    index: int
    hashes: tuple[bytes, ...]
    note: bytes
    extra: bytes = b""

    def to_bytes(self) -> bytes:
        lines = [_HEADER]
        if self.extra:
            lines.append(f"extra {base64.b64encode(self.extra).decode()}")
        lines.append(f"index {self.index}")
        lines += [base64.b64encode(hashed).decode() for hashed in self.hashes]
        return "\n".join([*lines, "", ""]).encode() + self.note

    @classmethod
    def parse(cls, data: bytes) -> LoggedProof:
        """The proof in these bytes; the signatures are checked by `check`.

        Raises:
            VerificationError: the bytes are not exactly those of a proof.
        """
        head, _, note = data.partition(b"\n\n")
        try:
            lines = head.decode("ascii").split("\n")
            # The first line is compared below, where the proof is printed again.
            extra = b""
            if len(lines) > 1 and lines[1].startswith("extra "):
                extra = base64.b64decode(lines.pop(1).removeprefix("extra "), validate=True)
            index = int(lines[1].removeprefix("index "))
            hashes = tuple(base64.b64decode(line, validate=True) for line in lines[2:])
        except (ValueError, IndexError, binascii.Error):
            raise VerificationError("not a proof of an entry") from None
        proof = cls(index=index, hashes=hashes, note=note, extra=extra)
        if index < 0 or any(len(h) != 32 for h in hashes) or proof.to_bytes() != data:
            raise VerificationError("not a proof of an entry")
        return proof

    def check(
        self,
        leaf_hash: bytes,
        *,
        origin: str,
        log_key: str,
        witness: tuple[str, str] | None = None,
    ) -> tuple[Checkpoint, int | None]:
        """Check that the entry is in the log; `witness` is (name, key).

        The answer is the checkpoint, and the time when the witness cosigned it (Unix seconds). The
        time is None if it did not yet: then the log has promised the entry, and can still break
        its word.

        Raises:
            VerificationError: a signature or the proof is wrong.
        """
        checkpoint, note = open_checkpoint(self.note, origin=origin, public_key=log_key)
        verify_inclusion(leaf_hash, self.index, checkpoint.size, self.hashes, checkpoint.root)
        if witness is None:
            return checkpoint, None
        return checkpoint, cosigned_at(note, name=witness[0], public_key=witness[1])


def open_receipt(
    data: bytes, *, origin: str, log_key: str, witness: tuple[str, str] | None
) -> tuple[int, bytes, Checkpoint, int | None]:
    """Check a receipt: a proof that carries the leaf of its entry as extra data.

    The answer is (index, leaf, checkpoint, time of the cosignature); the time is None as long as
    the entry is only promised.

    Raises:
        VerificationError: it is malformed, of another log, or its entry is not in the log.
    """
    proof = LoggedProof.parse(data)
    checkpoint, at = proof.check(
        merkle.leaf_hash(proof.extra), origin=origin, log_key=log_key, witness=witness
    )
    return proof.index, proof.extra, checkpoint, at
