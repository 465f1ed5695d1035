"""Witnesses (C2SP tlog-witness, tlog-cosignature v1): they cosign only what extends what they saw before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from heyi.audit.checkpoint import Checkpoint, open_checkpoint
from heyi.audit.note import COSIGNATURE, Note, NoteSignature, key_id
from heyi.crypto.keys import Signer, verify_signature
from heyi.crypto.merkle import verify_consistency
from heyi.model.errors import VerificationError


def _message(note_text: str, timestamp: int) -> bytes:
    return f"cosignature/v1\ntime {timestamp}\n{note_text}".encode()


@dataclass(slots=True)
class Witness:
    """Remembers the last checkpoint it cosigned for one log; its memory is `seen`."""

    signer: Signer
    origin: str
    log_key: str
    seen: Checkpoint | None = None

    def cosign(self, data: bytes, proof: Sequence[bytes], *, now: int) -> NoteSignature:
        """Cosign a signed checkpoint if it extends the last one seen; `now` is Unix time in seconds.

        Raises:
            VerificationError: its signature does not hold, it shrinks, or the proof does not show that it extends.
        """
        # (1) The checkpoint is signed by the log.
        checkpoint, note = open_checkpoint(data, origin=self.origin, public_key=self.log_key)
        # (2) It extends the checkpoint that was cosigned last.
        if self.seen is not None and self.seen.size > 0:
            verify_consistency(
                self.seen.size, checkpoint.size, self.seen.root, checkpoint.root, proof
            )
        # (3) Remember it before answering.
        self.seen = checkpoint
        return NoteSignature(
            name=self.signer.name,
            key_id=key_id(self.signer.name, COSIGNATURE, self.signer.public_key),
            signature=now.to_bytes(8, "big") + self.signer.sign(_message(note.text, now)),
        )


def verify_cosignature(note: Note, *, name: str, public_key: str) -> int:
    """Check a witness's cosignature on a note and return its time (Unix seconds).

    Raises:
        VerificationError: it is absent or does not hold.
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
