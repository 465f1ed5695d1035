"""Checkpoints (C2SP tlog-checkpoint): the size and root of a log, signed by the log."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass

from heyi.audit.note import ED25519, Note, key_id, parse_note, sign_note
from heyi.crypto.keys import Signer, verify_signature
from heyi.model.errors import VerificationError


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """`origin` names the log, `size` counts its entries, `root` is 32 bytes."""

    origin: str
    size: int
    root: bytes

    def to_text(self) -> str:
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"


def parse_checkpoint(text: str) -> Checkpoint:
    """Parse a checkpoint's text.

    Raises:
        VerificationError: it is not exactly a checkpoint.
    """
    # Python reads numbers and base64 loosely (` 1`, `1_0`). Printing the result again and comparing
    # it with the text refuses every second spelling.
    lines = text.split("\n")
    try:
        origin, size, root, end = lines
        checkpoint = Checkpoint(
            origin=origin, size=int(size), root=base64.b64decode(root, validate=True)
        )
    except (ValueError, binascii.Error):
        raise VerificationError("not a checkpoint") from None
    if (
        end
        or not origin
        or checkpoint.size < 0
        or len(checkpoint.root) != 32
        or checkpoint.to_text() != text
    ):
        raise VerificationError("not a checkpoint")
    return checkpoint


def sign_checkpoint(checkpoint: Checkpoint, signer: Signer) -> Note:
    """The log signs its state; the signer's name is the origin."""
    return sign_note(checkpoint.to_text(), signer)


def open_checkpoint(data: bytes, *, origin: str, public_key: str) -> tuple[Checkpoint, Note]:
    """Parse a signed checkpoint and check the log's signature.

    Raises:
        VerificationError: it is malformed or of another log, or its signature is missing or wrong.
    """
    note = parse_note(data)
    checkpoint = parse_checkpoint(note.text)
    if checkpoint.origin != origin:
        raise VerificationError(f"the checkpoint is of `{checkpoint.origin}`, not of `{origin}`")
    wanted = key_id(origin, ED25519, public_key)
    for s in note.signatures:
        if s.name == origin and s.key_id == wanted:
            verify_signature(
                public_key, note.text.encode(), s.signature, what=f"the checkpoint of `{origin}`"
            )
            return checkpoint, note
    raise VerificationError(f"the checkpoint lacks the signature of `{origin}`")
