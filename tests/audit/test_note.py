"""Signed notes and checkpoints: a round trip gives the same bytes, and a flipped bit is noticed."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heyi.audit.checkpoint import Checkpoint, open_checkpoint, parse_checkpoint, sign_checkpoint
from heyi.audit.note import ED25519, Note, check_name, key_id, parse_note, sign_note
from heyi.audit.witness import verify_cosignature
from heyi.crypto.keys import Signer
from heyi.model.errors import InvalidInput, VerificationError
from tests.support.logs import LOG, NOON, STRANGER, WITNESS, new_witness

CHECKPOINT = Checkpoint(origin=LOG.name, size=41, root=b"r" * 32)
ROOT = base64.b64encode(CHECKPOINT.root).decode()
BLOB = base64.b64encode(b"k" * 68).decode()


def cosigned() -> bytes:
    note = sign_checkpoint(CHECKPOINT, LOG)
    witness = new_witness()
    return Note(
        text=note.text, signatures=(*note.signatures, witness.cosign(note.to_bytes(), [], now=NOON))
    ).to_bytes()


def accept(data: bytes) -> Checkpoint:
    checkpoint, note = open_checkpoint(data, origin=LOG.name, public_key=LOG.public_key)
    verify_cosignature(note, name=WITNESS.name, public_key=WITNESS.public_key)
    return checkpoint


def test_a_cosigned_checkpoint_is_accepted() -> None:
    assert accept(cosigned()) == CHECKPOINT
    assert (
        verify_cosignature(parse_note(cosigned()), name=WITNESS.name, public_key=WITNESS.public_key)
        == NOON
    )


def test_every_flipped_bit_is_noticed() -> None:
    data = cosigned()
    for bit in range(8 * len(data)):
        spoilt = bytearray(data)
        spoilt[bit // 8] ^= 1 << bit % 8
        with pytest.raises(VerificationError):
            accept(bytes(spoilt))


def test_every_missing_or_doubled_byte_is_noticed() -> None:
    data = cosigned()
    for at in range(len(data)):
        with pytest.raises(VerificationError):
            accept(data[:at] + data[at + 1 :])
        # A doubled newline may only move the end of the text. Its signature is tested elsewhere.
        if data[at : at + 1] != b"\n":
            with pytest.raises(VerificationError):
                accept(data[: at + 1] + data[at:])


def test_a_note_is_laid_out_as_in_c2sp() -> None:
    note = sign_note("line one\n\nline two\n", LOG)
    text, line = note.to_bytes().decode().split("\n\n— ")
    name, encoded = line.removesuffix("\n").split(" ")
    assert (text, name, len(base64.b64decode(encoded))) == (
        "line one\n\nline two",
        LOG.name,
        4 + 64,
    )
    assert parse_note(note.to_bytes()) == note


def test_the_key_id_of_a_log_that_everybody_knows() -> None:
    """The Go checksum database publishes its key as `sum.golang.org+033de0ae+Ac4zctda0e5eza…`."""
    key = base64.b64decode("Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8")
    assert key[:1] == ED25519
    assert key_id("sum.golang.org", ED25519, key[1:].hex()).hex() == "033de0ae"


@given(
    st.text(st.characters(min_codepoint=32, exclude_categories=["Cs"]), max_size=30),
    st.integers(0, 3),
)
def test_any_text_is_read_back(text: str, blank_lines: int) -> None:
    note = sign_note(f"{text}\n" * (blank_lines + 1), LOG)
    assert parse_note(note.to_bytes()) == note


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\tb", "a\nb", "a\u2003b", "a\u3000b", "+"])
def test_names_with_blanks_or_plus_are_refused(name: str) -> None:
    with pytest.raises(InvalidInput, match="not a key name"):
        check_name(name)
    with pytest.raises(InvalidInput, match="not a key name"):
        sign_note("text\n", Signer.from_seed(name, b"s" * 32))


@pytest.mark.parametrize("name", ["", "a+b", "a\tb", "a\u2003b", "a\u2028b", "a\rb"])
def test_names_with_blanks_or_plus_are_not_parsed_either(name: str) -> None:
    with pytest.raises(VerificationError):
        parse_note(f"text\n\n— {name} {BLOB}\n".encode())


@pytest.mark.parametrize(
    "text", ["", "no newline", "bell\x07\n", "tab\t\n", "return\r\n", "nul\0\n"]
)
def test_control_characters_are_not_signed(text: str) -> None:
    with pytest.raises(InvalidInput, match="lines of text"):
        sign_note(text, LOG)


@pytest.mark.parametrize("text", ["bell\x07", "return\r", "nul\0"])
def test_control_characters_are_not_parsed_either(text: str) -> None:
    with pytest.raises(VerificationError):
        parse_note(f"{text}\n\n— log {BLOB}\n".encode())


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\n",
        b"text\n",
        b"text\n\n",
        f"text\n— log {BLOB}\n".encode(),
        f"text\n\n- log {BLOB}\n".encode(),
        f"text\n\n— log {BLOB}".encode(),
        f"text\n\n— log  {BLOB}\n".encode(),
        f"text\n\n— log {BLOB} \n".encode(),
        f"text\n\n— log {BLOB}\r\n".encode(),
        f"text\n\n— log {BLOB}\n\n".encode(),
        f"text\n\n— log {BLOB[:-2]}\n".encode(),
        f"text\n\n— log {BLOB[:-3]}!!!\n".encode(),
        "text\n\n— log\n".encode(),
        "text\n\n— log AAAA\n".encode(),
        f"text\n\n— log {base64.b64encode(b'abcd').decode()}\n".encode(),
        "text\xff\n\n".encode("latin-1") + f"— log {BLOB}\n".encode(),
    ],
)
def test_what_is_no_note_is_refused(data: bytes) -> None:
    with pytest.raises(VerificationError, match="not a signed note"):
        parse_note(data)


@given(st.binary(max_size=60) | st.text(alphabet="— \nlogABC=+/", max_size=60).map(str.encode))
def test_garbage_raises_our_error_or_prints_to_the_same_bytes(data: bytes) -> None:
    try:
        note = parse_note(data)
    except VerificationError:
        return
    assert note.to_bytes() == data


@given(st.integers(0, 2**63), st.binary(min_size=32, max_size=32))
def test_a_checkpoint_is_read_back(size: int, root: bytes) -> None:
    checkpoint = Checkpoint(origin=LOG.name, size=size, root=root)
    assert parse_checkpoint(checkpoint.to_text()) == checkpoint


@pytest.mark.parametrize(
    "text",
    ["", "log\n", "log\n1\n", f"log\n1\n{ROOT}", f"log\n1\n{ROOT}\nmore\n", f"\n1\n{ROOT}\n",
     f"log\n\n{ROOT}\n", f"log\n01\n{ROOT}\n", f"log\n+1\n{ROOT}\n", f"log\n-1\n{ROOT}\n",
     f"log\n 1\n{ROOT}\n", f"log\n1_0\n{ROOT}\n", f"log\n１\n{ROOT}\n", f"log\n1.0\n{ROOT}\n",
     f"log\n1\n{ROOT[:-4]}\n", f"log\n1\n{ROOT} \n", "log\n1\n\n",
     f"log\n1\n{ROOT.rstrip('=')}\n", f"log\n1\n{ROOT[:-2]}F=\n", f"log\r\n1\r\n{ROOT}\r\n",
     f"log\n{'9' * 5000}\n{ROOT}\n"],
    ids=lambda text: repr(text[:14] + text[-4:]),
)  # fmt: skip
def test_what_is_no_checkpoint_is_refused(text: str) -> None:
    with pytest.raises(VerificationError, match="not a checkpoint"):
        parse_checkpoint(text)


def test_a_checkpoint_of_another_log_is_refused() -> None:
    other = Signer.from_seed("log.example/city", b"l" * 32)
    data = sign_checkpoint(Checkpoint(origin=other.name, size=1, root=b"r" * 32), other).to_bytes()
    with pytest.raises(VerificationError, match=r"is of `log\.example/city`"):
        open_checkpoint(data, origin=LOG.name, public_key=LOG.public_key)


def test_a_checkpoint_signed_with_another_key_is_refused() -> None:
    with pytest.raises(VerificationError, match="lacks the signature"):
        open_checkpoint(
            sign_checkpoint(CHECKPOINT, STRANGER).to_bytes(),
            origin=LOG.name,
            public_key=LOG.public_key,
        )


def test_a_signature_under_the_right_name_and_key_id_must_hold() -> None:
    ours, theirs = sign_checkpoint(CHECKPOINT, LOG), sign_checkpoint(CHECKPOINT, STRANGER)
    forged = base64.b64encode(ours.signatures[0].key_id + theirs.signatures[0].signature).decode()
    with pytest.raises(VerificationError, match="does not hold"):
        open_checkpoint(
            f"{ours.text}\n— {LOG.name} {forged}\n".encode(),
            origin=LOG.name,
            public_key=LOG.public_key,
        )


def test_a_checkpoint_without_cosignature_is_a_promise() -> None:
    with pytest.raises(
        VerificationError, match=r"lacks the cosignature of `witness\.example`; it is a promise"
    ):
        accept(sign_checkpoint(CHECKPOINT, LOG).to_bytes())
