"""Witnesses cosign a checkpoint only if it extends the last one that they saw.

A witness keeps its own memory: a log that was rolled back, with its folder or without, is refused.

Source: C2SP tlog-witness, tlog-cosignature v1.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from heyi.audit.checkpoint import Checkpoint, open_checkpoint
from heyi.audit.note import COSIGNATURE, Note, NoteSignature, key_id
from heyi.crypto.keys import Signer, verify_signature
from heyi.crypto.merkle import verify_consistency
from heyi.model.errors import InvalidInput, VerificationError

CLOCK_TOLERANCE = 300
"""Seconds by which the clocks of a log and of its witness may differ."""


class WitnessMemory(Protocol):
    """Where a witness keeps the last checkpoint that it cosigned, apart from the log's store."""

    def load(self) -> bytes | None:
        """The note that was kept last, or None at the first start."""

    def keep(self, note: bytes) -> None:
        """Replace the note. When this returns, the new one survives a crash of the machine."""

    def alone(self) -> AbstractContextManager[None]:
        """Nobody else, in this process or another, loads or keeps within it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cosigned:
    """A checkpoint that a witness cosigned, and the note.

    `at` is the witness's clock, Unix time in seconds.
    """

    checkpoint: Checkpoint
    at: int
    note: bytes


def _message(note_text: str, timestamp: int) -> bytes:
    """The bytes that a witness signs; `timestamp` is Unix time in seconds."""
    return f"cosignature/v1\ntime {timestamp}\n{note_text}".encode()


class Witness:
    """The witness of one log."""

    def __init__(self, *, signer: Signer, origin: str, log_key: str, memory: WitnessMemory) -> None:
        self.signer = signer
        self.origin = origin
        self.log_key = log_key
        self._memory = memory
        self._key_id = key_id(signer.name, COSIGNATURE, signer.public_key)

    def asking(self) -> AbstractContextManager[None]:
        """Within it nobody else is answered, so that a proof fits what this witness saw last."""
        return self._memory.alone()

    def seen(self) -> Cosigned | None:
        """What this witness cosigned last.

        Raises:
            VerificationError: its memory holds something else than it cosigned.
        """
        kept = self._memory.load()
        if kept is None:
            return None
        try:
            checkpoint, note = open_checkpoint(kept, origin=self.origin, public_key=self.log_key)
            at = verify_cosignature(note, name=self.signer.name, public_key=self.signer.public_key)
        except VerificationError as e:
            raise VerificationError(
                f"the memory of the witness `{self.signer.name}` was changed: {e.message}",
                hint="restore it; a witness without its memory must not go on under this key",
            ) from None
        return Cosigned(checkpoint=checkpoint, at=at, note=kept)

    def cosign(self, data: bytes, proof: Sequence[bytes], *, now: int) -> NoteSignature:
        """Cosign a signed checkpoint if it extends the last one seen.

        `proof` is the consistency proof from the last one seen; `now` is Unix time in seconds.

        Raises:
            VerificationError: the signature is wrong, or the proof shows no extension.
            InvalidInput: the clock of the witness stepped back.
        """
        # (1) The checkpoint is signed by the log.
        checkpoint, note = open_checkpoint(data, origin=self.origin, public_key=self.log_key)
        # (2) It extends the checkpoint that this witness cosigned last, and is not dated before it.
        seen = self.seen()
        if seen is not None:
            self._extends(seen.checkpoint, checkpoint, proof)
            if now < seen.at:
                raise InvalidInput(
                    f"the clock of the witness stepped back from {seen.at} to {now}",
                    hint="set the clock of the witness; both are Unix time in seconds",
                )
        # (3) Remember it before the answer: two answers must never contradict each other.
        mark = NoteSignature(
            name=self.signer.name,
            key_id=self._key_id,
            signature=now.to_bytes(8, "big") + self.signer.sign(_message(note.text, now)),
        )
        others = tuple(s for s in note.signatures if not self.is_own(s))
        self._memory.keep(Note(text=note.text, signatures=(*others, mark)).to_bytes())
        return mark

    def is_own(self, signature: NoteSignature) -> bool:
        """Whether a signature line carries the name and key of this witness."""
        return signature.name == self.signer.name and signature.key_id == self._key_id

    def _extends(self, seen: Checkpoint, new: Checkpoint, proof: Sequence[bytes]) -> None:
        if seen.size == 0:
            return
        try:
            verify_consistency(seen.size, new.size, seen.root, new.root, proof)
        except VerificationError as e:
            raise VerificationError(
                f"the log `{self.origin}` was rolled back or forked: the witness "
                f"`{self.signer.name}` saw {seen.size} entries, and {e.message}",
                hint="keep the folder as it is, and compare it with a copy that has these entries",
            ) from None


def cosigned_at(note: Note, *, name: str, public_key: str) -> int | None:
    """The time of a witness's cosignature (Unix seconds), or None if it did not cosign yet.

    Raises:
        VerificationError: the cosignature is wrong.
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
    return None


def verify_cosignature(note: Note, *, name: str, public_key: str) -> int:
    """Check a witness's cosignature on a note and return its time (Unix seconds).

    Raises:
        VerificationError: it is absent or wrong.
    """
    timestamp = cosigned_at(note, name=name, public_key=public_key)
    if timestamp is None:
        raise VerificationError(
            f"the checkpoint lacks the cosignature of `{name}`",
            hint="it is a promise, not yet a proof",
        )
    return timestamp
