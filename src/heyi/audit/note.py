"""Signed notes (C2SP signed-note v1): a text and signature lines, byte for byte.

    <text, each line ended by a newline>
    <blank line>
    — <key name> <base64 of key id (4 bytes) and signature>

Parsing is strict: a parsed note must print to the same bytes, so every flipped bit is noticed.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass

from heyi.crypto.keys import Signer
from heyi.model.errors import InvalidInput, VerificationError

ED25519 = b"\x01"
COSIGNATURE = b"\x04"
_DASH = "— "


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteSignature:
    """One signature line; `key_id` has 4 bytes, and `signature` is all bytes after it."""

    name: str
    key_id: bytes
    signature: bytes

    def line(self) -> str:
        return f"{_DASH}{self.name} {base64.b64encode(self.key_id + self.signature).decode()}\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    text: str
    signatures: tuple[NoteSignature, ...]

    def to_bytes(self) -> bytes:
        return f"{self.text}\n{''.join(s.line() for s in self.signatures)}".encode()


def key_id(name: str, algorithm: bytes, public_key: str) -> bytes:
    """The first four bytes of SHA-256(name, newline, algorithm byte, key)."""
    named = name.encode() + b"\n" + algorithm + bytes.fromhex(public_key)
    return hashlib.sha256(named).digest()[:4]


def _is_name(name: str) -> bool:
    # a lone surrogate, which JSON can hold, has no bytes to sign
    return bool(name) and not any(
        c.isspace() or c == "+" or "\ud800" <= c <= "\udfff" for c in name
    )


def _has_controls(text: str) -> bool:
    return any(ord(c) < 32 and c != "\n" for c in text)


def check_name(name: str) -> None:
    """Check that a key name has no blanks and no plus signs.

    Raises:
        InvalidInput: it has, or it is empty.
    """
    if not _is_name(name):
        raise InvalidInput(f"`{name}` is not a key name", hint="leave out blanks and plus signs")


def sign_note(text: str, signer: Signer) -> Note:
    """Sign a text that ends with a newline.

    Raises:
        InvalidInput: it does not end so, or holds control characters.
    """
    check_name(signer.name)
    if not text.endswith("\n") or _has_controls(text):
        raise InvalidInput("a note is lines of text without control characters")
    signature = NoteSignature(
        name=signer.name,
        key_id=key_id(signer.name, ED25519, signer.public_key),
        signature=signer.sign(text.encode()),
    )
    return Note(text=text, signatures=(signature,))


def parse_note(data: bytes) -> Note:
    """Parse a signed note.

    Raises:
        VerificationError: the bytes are not exactly those of a signed note.
    """
    if not isinstance(data, bytes):  # a database may hold anything where somebody spoilt it
        raise VerificationError("not a signed note: it is no sequence of bytes")
    try:
        whole = data.decode("utf-8")
        # The text may hold blank lines. The last one separates it from the signatures.
        text, _, block = whole.rpartition("\n\n")
        signatures = []
        for line in block.splitlines(keepends=True):
            name, _, encoded = line.removeprefix(_DASH).removesuffix("\n").partition(" ")
            raw = base64.b64decode(encoded, validate=True)
            signatures.append(NoteSignature(name=name, key_id=raw[:4], signature=raw[4:]))
        note = Note(text=f"{text}\n", signatures=tuple(signatures))
    except (UnicodeDecodeError, binascii.Error, ValueError) as e:
        raise VerificationError(f"not a signed note: {e}") from None
    if not signatures or note.to_bytes() != data or any(not s.signature for s in signatures):
        raise VerificationError("not a signed note")
    if _has_controls(note.text) or not all(_is_name(s.name) for s in signatures):
        raise VerificationError("not a signed note: a name or a line holds what none may hold")
    return note
