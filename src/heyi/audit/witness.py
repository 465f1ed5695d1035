"""Witnesses cosign a checkpoint only if it extends the last one that they saw.

Source: C2SP tlog-witness, tlog-cosignature v1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from heyi.audit.checkpoint import Checkpoint, open_checkpoint
from heyi.audit.note import COSIGNATURE, Note, NoteSignature, key_id
from heyi.crypto.keys import Signer, verify_signature
from heyi.crypto.merkle import verify_consistency
from heyi.model.errors import VerificationError


def _message(note_text: str, timestamp: int) -> bytes:
    """The bytes that a witness signs; `timestamp` is Unix time in seconds."""
    return f"cosignature/v1\ntime {timestamp}\n{note_text}".encode()


@dataclass(slots=True)
class Witness:
    """The witness of one log; `seen` is the last checkpoint that it cosigned."""

    signer: Signer
    origin: str
    log_key: str
    seen: Checkpoint | None = None

    def cosign(self, data: bytes, proof: Sequence[bytes], *, now: int) -> NoteSignature:
        """Cosign a signed checkpoint if it extends the last one seen.

        `proof` is the consistency proof from the last one seen; `now` is Unix time in seconds.

        Raises:
            VerificationError: the signature is wrong, or the proof shows no extension.
        """
        # (1) The checkpoint is signed by the log.
        checkpoint, note = open_checkpoint(data, origin=self.origin, public_key=self.log_key)
        # (2) It extends the checkpoint that this witness cosigned last.
        if self.seen is not None and self.seen.size > 0:
            verify_consistency(
                self.seen.size, checkpoint.size, self.seen.root, checkpoint.root, proof
            )
        # (3) Remember it before the answer: two answers must never contradict each other.
        self.seen = checkpoint
        return NoteSignature(
            name=self.signer.name,
            key_id=key_id(self.signer.name, COSIGNATURE, self.signer.public_key),
            signature=now.to_bytes(8, "big") + self.signer.sign(_message(note.text, now)),
        )


def verify_cosignature(note: Note, *, name: str, public_key: str) -> int:
    """Check a witness's cosignature on a note and return its time (Unix seconds).

    Raises:
        VerificationError: it is absent or wrong.
    """
    wanted = key_id(name, COSIGNATURE, public_key)
    for s in note.signatures:
        if s.name == name and s.key_id == wanted:
            timestamp = int.from_bytes(s.signature[:8], "big")
            verify_signature(
                public_key,
                _message(note.text, timestamp),
                s.signature[8:],
                what=f"the cosignature of `{name}`",
            )
            return timestamp
    raise VerificationError(
        f"the checkpoint lacks the cosignature of `{name}`", hint="it is a promise, not yet a proof"
    )
