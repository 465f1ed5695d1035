"""Writes vectors/audit: worked examples of docs/spec/log.md, for verifiers in any language.

    python -m docs.audit_vectors        (make vectors)

All keys are made from one seed, so the bytes are the same each time.
"""

from __future__ import annotations

import base64
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

from docs import kind_vectors
from heyi.audit.checkpoint import Checkpoint, sign_checkpoint
from heyi.audit.event import Event
from heyi.audit.note import COSIGNATURE, ED25519, Note, NoteSignature, key_id
from heyi.audit.tlog_proof import LoggedProof
from heyi.audit.witness import Witness
from heyi.crypto.canonical import Json, canonical
from heyi.crypto.commitment import Commitment, commit_bytes
from heyi.crypto.keys import Signer, derive
from heyi.crypto.merkle import leaf_hash, node_hash, root_of
from heyi.crypto.stored_tree import StoredTree

FOLDER = Path(__file__).resolve().parents[1] / "vectors" / "audit"
SEED = b"heyi audit vectors"
NOON = 1_796_097_600
SIZES = (0, 1, 2, 3, 7, 8, 255, 256, 257)
LARGEST = 2**53 - 1


def signer(name: str) -> Signer:
    return Signer.from_seed(name, derive(SEED, "signer", name))


LOG, WITNESS = signer("log.example/county"), signer("witness.example")
OTHER_LOG, OTHER_WITNESS = signer("log.example/city"), signer("witness.example/other")
IMPOSTOR = Signer.from_seed(LOG.name, derive(SEED, "impostor"))
KEYS: Json = {
    "log": {"origin": LOG.name, "key": LOG.public_key},
    "witness": {"name": WITNESS.name, "key": WITNESS.public_key},
}


# --- leaves ---


def events() -> Iterator[tuple[str, Event]]:
    plain = Event(kind="alarm.raised", at=NOON, actor="platform", case="diabetes")
    yield "the least", replace(plain, public={})
    yield "nothing but defaults", Event(kind="", at=0, actor="")
    yield "Chinese and quotes", replace(plain, public={"zh": "合医", "en": 'a "b" \\ /'})
    yield "control characters", replace(plain, public={"text": "\x00\b\t\n\f\r\x1f\x7f\u2028"})
    yield (
        "members are sorted by UTF-16 units",
        replace(plain, public={"\ue000": 1, "𐀀": 2, "é": 3, "a": 4, "": 5, "A": 6}),
    )
    yield "the largest numbers", replace(plain, public={"most": LARGEST, "least": -LARGEST})
    yield "nested", replace(plain, public={"a": [[], {}, [None, True, False, {"b": [0]}]]})
    yield "a later version of a kind", replace(plain, version=2)
    yield "with a body", replace(plain, commitment=Commitment(mac="0f" * 32))
    yield (
        "with a body of an algorithm of later",
        replace(plain, commitment=Commitment(mac="0f" * 32, algorithm="hmac-sm3")),
    )


GOOD = Event(kind="alarm.raised", at=NOON, actor="platform", public={"a": "A", "n": 1}).to_leaf()


def altered(old: str, new: str) -> bytes:
    text = GOOD.decode()
    assert text.count(old) == 1, old
    return text.replace(old, new).encode("utf-8", "surrogatepass")


def no_leaves() -> Iterator[tuple[str, bytes]]:
    """What is no leaf; most differ from the good leaf in one place."""
    yield "empty", b""
    yield "not JSON", GOOD[:-1]
    yield "a line break at the end", GOOD + b"\n"
    yield "a byte order mark", b"\xef\xbb\xbf" + GOOD
    yield "UTF-16", GOOD.decode().encode("utf-16-le")
    yield "not UTF-8", GOOD.replace(b'"A"', b'"\xff"')
    yield "UTF-8 of a surrogate", altered('"A"', '"\ud800"')
    yield "an escape of a lone surrogate", altered('"A"', '"\\ud800"')
    yield "an escape that is not needed", altered('"A"', '"\\u0041"')
    yield "an escaped solidus", altered('"A"', '"\\/"')
    yield "an escape in upper case", altered('"A"', '"\\u001F"')
    yield "a control character without escape", altered('"A"', '"\x01"')
    yield "a blank", altered('"n":1', '"n": 1')
    yield "members in another order", altered('"a":"A","n":1', '"n":1,"a":"A"')
    yield "a member twice", altered('"n":1', '"n":1,"n":1')
    for number in ("1.0", "1.5", "1e2", "-0", "01", "+1", str(2**53), "NaN", "Infinity"):
        yield f"the number {number}", altered('"n":1', f'"n":{number}')
    yield "a list", b"[]"
    yield "a text", b'"leaf"'
    yield "a member is lacking", altered('"case":"",', "")
    yield "a member that this version does not know", altered(',"v":1', ',"v":1,"w":1')
    yield "version 0", altered('"v":1', '"v":0')
    yield "a version that is a truth value", altered('"v":1', '"v":true')
    yield "a version that is a text", altered('"v":1', '"v":"1"')
    yield "a time that is a truth value", altered(f'"at":{NOON}', '"at":true')
    yield "a time that is null", altered(f'"at":{NOON}', '"at":null')
    yield "an actor that is null", altered('"actor":"platform"', '"actor":null')
    yield "a case that is null", altered('"case":""', '"case":null')
    yield "a kind that is a number", altered('"kind":"alarm.raised"', '"kind":1')
    yield "a public part that is a list", altered('"public":{"a":"A","n":1}', '"public":[]')
    mac = "0f" * 32
    for why, body in (
        ("a text", f'"{mac}"'),
        ("false", "false"),
        ("empty", "{}"),
        ("without an algorithm", f'{{"mac":"{mac}"}}'),
        ("with a further member", f'{{"alg":"hmac-sha256","mac":"{mac}","n":1}}'),
        ("with a mac in upper case", f'{{"alg":"hmac-sha256","mac":"{mac.upper()}"}}'),
        ("with a short mac", f'{{"alg":"hmac-sha256","mac":"{mac[2:]}"}}'),
        ("with a line break in the mac", f'{{"alg":"hmac-sha256","mac":"{mac}\\n"}}'),
        ("with an algorithm that is null", f'{{"alg":null,"mac":"{mac}"}}'),
    ):
        yield f"a commitment that is {why}", altered('"body":null', f'"body":{body}')


def leaf_vectors() -> Json:
    return {
        "about": "An event, its leaf (canonical bytes) and the hash of the leaf; bytes that are "
        "no leaf.",
        "leaves": [
            {
                "name": name,
                "event": {
                    "v": e.version,
                    "kind": e.kind,
                    "at": e.at,
                    "actor": e.actor,
                    "case": e.case,
                    "public": e.public,
                    "body": e.commitment.to_json() if e.commitment else None,
                },
                "leaf_hex": e.to_leaf().hex(),
                "hash_hex": leaf_hash(e.to_leaf()).hex(),
            }
            for name, e in events()
        ],
        "refused": [{"why": why, "leaf_hex": data.hex()} for why, data in no_leaves()],
    }


# --- bodies ---


def commitment_vectors() -> Json:
    bodies: list[Json] = [{}, {"reasons": "a count is wrong"}, {"reasons": "人数不对"}, [1], "text"]
    key = derive(SEED, "key")
    body, made = canonical(bodies[1]), commit_bytes(canonical(bodies[1]), key).to_json()
    null, loose = b"null", b'{ "reasons": "a count is wrong" }'
    refused: list[tuple[str, Json, bytes | None, bytes | None]] = [
        ("another body", made, canonical(bodies[2]), key),
        ("a bit of the body", made, bytes([body[0], body[1] ^ 1]) + body[2:], key),
        ("another key", made, body, derive(SEED, "another key")),
        ("a short key", made, body, key[:31]),
        ("a key with a zero at its end, which HMAC alone does not notice", made, body, key + b"\0"),
        ("a body without key", made, body, None),
        ("a key without body", made, None, key),
        ("an algorithm that nobody knows", made | {"alg": "hmac-sm3"}, body, key),
        ("a body that no leaf commits to", None, body, key),
        ("null, which could pass for erased", commit_bytes(null, key).to_json(), null, key),
        ("no canonical bytes", commit_bytes(loose, key).to_json(), loose, key),
    ]
    return {
        "about": "The commitment of a leaf to its body; commitments that are refused with what is "
        "kept beside them. A body and key that are both null were erased.",
        "commitments": [
            {
                "value": value,
                "body_hex": canonical(value).hex(),
                "key_hex": (own := derive(SEED, "body", str(n))).hex(),
                "commitment": commit_bytes(canonical(value), own).to_json(),
            }
            for n, value in enumerate(bodies)
        ],
        "refused": [
            {
                "why": why,
                "commitment": commitment,
                "body_hex": None if kept is None else kept.hex(),
                "key_hex": None if secret is None else secret.hex(),
            }
            for why, commitment, kept, secret in refused
        ],
    }


# --- trees ---


class Leaves:
    """The first leaves of the vectors' tree, as a store has them."""

    def __init__(self, size: int) -> None:
        self.hashes = [leaf_hash(f"entry {n}".encode()) for n in range(size)]

    def subtrees(self, level: int, begin: int, end: int) -> list[bytes]:
        width = 1 << level
        return [root_of(self.hashes[n * width : (n + 1) * width]) for n in range(begin, end)]


LARGEST_TREE = Leaves(SIZES[-1])
TREE = StoredTree(LARGEST_TREE, SIZES[-1])


def inclusion(index: int, size: int, **changed: Json) -> Json:
    return {
        "index": index,
        "size": size,
        "leaf_hash_hex": LARGEST_TREE.hashes[index].hex(),
        "root_hex": TREE.root(size).hex(),
        "proof_hex": [h.hex() for h in TREE.inclusion_proof(index, size)],
    } | changed


def consistency(old: int, new: int, **changed: Json) -> Json:
    return {
        "old": old,
        "new": new,
        "old_root_hex": TREE.root(old).hex(),
        "new_root_hex": TREE.root(new).hex(),
        "proof_hex": [h.hex() for h in TREE.consistency_proof(old, new)] if old else [],
    } | changed


def flipped(hashes: Sequence[str], n: int) -> list[str]:
    found = list(hashes)
    found[n] = f"{int(found[n], 16) ^ 1:064x}"
    return found


def false_inclusions() -> Iterator[tuple[str, Json]]:
    good = inclusion(2, 7)
    proof = good["proof_hex"]
    for n in range(len(proof)):
        yield f"a bit of hash {n}", good | {"proof_hex": flipped(proof, n)}
    yield "a hash is lacking", good | {"proof_hex": proof[:-1]}
    yield "a hash too many", good | {"proof_hex": [*proof, proof[-1]]}
    yield "another order", good | {"proof_hex": proof[::-1]}
    yield "another index", good | {"index": 3}
    yield "another size", good | {"size": 4}
    yield "an index beyond the tree", good | {"index": 7}
    yield "a negative index", good | {"index": -1}
    yield "the root of another tree", good | {"root_hex": TREE.root(8).hex()}
    yield "the leaf of another entry", good | {"leaf_hash_hex": LARGEST_TREE.hashes[3].hex()}
    pair = node_hash(*LARGEST_TREE.hashes[:2]).hex()
    yield (
        "a node as if it were a leaf",
        {
            "index": 0,
            "size": 2,
            "leaf_hash_hex": pair,
            "root_hex": TREE.root(4).hex(),
            "proof_hex": [inclusion(0, 4)["proof_hex"][1]],
        }
        | {"size": 4},
    )
    yield "a proof where there is one entry", inclusion(0, 1, proof_hex=[pair])


def false_consistencies() -> Iterator[tuple[str, Json]]:
    good = consistency(3, 7)
    proof = good["proof_hex"]
    for n in range(len(proof)):
        yield f"a bit of hash {n}", good | {"proof_hex": flipped(proof, n)}
    yield "a hash is lacking", good | {"proof_hex": proof[1:]}
    yield "a hash too many", good | {"proof_hex": [*proof, proof[0]]}
    yield "no proof", good | {"proof_hex": []}
    yield "another old size", good | {"old": 4}
    yield "another new size", good | {"new": 9}
    yield "another old root", good | {"old_root_hex": TREE.root(2).hex()}
    yield "another new root", good | {"new_root_hex": TREE.root(8).hex()}
    yield "a log that became shorter", good | {"old": 7, "new": 3}
    yield "nothing is proven from an empty log", consistency(0, 7)
    yield "one size, two roots", consistency(7, 7, new_root_hex=TREE.root(8).hex())
    yield "one size, and a proof", consistency(7, 7, proof_hex=[TREE.root(7).hex()])


def tree_vectors() -> Json:
    indices = {
        size: sorted({0, 1, size // 2, size - 2, size - 1} & set(range(size))) for size in SIZES
    }
    return {
        "about": "Leaf n is the text `entry n`. Roots, inclusion and consistency proofs.",
        "roots": [{"size": size, "root_hex": TREE.root(size).hex()} for size in SIZES],
        "inclusion": [inclusion(n, size) for size, places in indices.items() for n in places],
        "consistency": [consistency(old, new) for new in SIZES for old in SIZES if 0 < old <= new],
        "refused_inclusion": [{"why": why} | v for why, v in false_inclusions()],
        "refused_consistency": [{"why": why} | v for why, v in false_consistencies()],
    }


# --- notes ---


def checkpoint(size: int = 7, log: Signer = LOG) -> Note:
    return sign_checkpoint(Checkpoint(origin=log.name, size=size, root=TREE.root(size)), log)


def note(text: str, by: Signer = LOG, *, name: str = "", type_: bytes = ED25519) -> Note:
    """A note that is signed, whatever its text is."""
    mark = NoteSignature(
        name=name or by.name,
        key_id=key_id(name or by.name, type_, by.public_key),
        signature=by.sign(text.encode()),
    )
    return Note(text=text, signatures=(mark,))


def false_checkpoints() -> Iterator[tuple[str, bytes]]:
    good = checkpoint()
    text, (mark,) = good.text, good.signatures
    data = good.to_bytes()
    _, _, root, _ = text.split("\n")

    def made(size: str = "7", root: str = root, origin: str = LOG.name, more: str = "") -> bytes:
        return note(f"{origin}\n{size}\n{root}\n{more}").to_bytes()

    yield "empty", b""
    yield "not UTF-8", data.replace(b"log.example", b"log.\xffxample", 1)
    yield "no empty line", data.replace(b"\n\n", b"\n")
    yield "no signature", text.encode() + b"\n"
    yield "no newline at the end", data[:-1]
    yield "a newline more", data + b"\n"
    yield "carriage returns", data.replace(b"\n", b"\r\n")
    yield "a hyphen for the dash", data.replace("— ".encode(), b"- ")
    yield "a blank more before the signature", data.replace(b"county ", b"county  ")
    yield "base64 without padding", data.rstrip(b"=\n") + b"\n"
    yield "base64 with loose bits", loosened(data)
    yield "a key id without signature", note_of(text, replace(mark, signature=b"")).to_bytes()
    yield (
        "a signature that is too short",
        note_of(text, replace(mark, signature=mark.signature[:-1])).to_bytes(),
    )
    yield (
        "a signature with a bit flipped",
        note_of(
            text, replace(mark, signature=bytes([mark.signature[0] ^ 1]) + mark.signature[1:])
        ).to_bytes(),
    )
    yield "another key id", note_of(text, replace(mark, key_id=bytes(4))).to_bytes()
    yield "the key id of a witness", note(text, type_=COSIGNATURE).to_bytes()
    yield "signed by another key of that name", checkpoint(log=IMPOSTOR).to_bytes()
    yield "of another log", checkpoint(log=OTHER_LOG).to_bytes()
    yield "of another log, signed by this one", made(origin=OTHER_LOG.name)
    yield "signed under another name", note(text, name="log.example").to_bytes()
    yield "another size than was signed", data.replace(b"\n7\n", b"\n8\n", 1)
    yield "a size with a leading zero", made("07")
    yield "a size with a sign", made("+7")
    yield "a negative size", made("-7")
    yield "a size with a blank", made(" 7")
    yield "a size with an underscore", made("1_0")
    yield "a size in digits of another script", made("٧")
    yield "a size of nothing", made("")
    yield "a root of 31 bytes", made(root=base64.b64encode(bytes(31)).decode())
    yield "a root of 33 bytes", made(root=base64.b64encode(bytes(33)).decode())
    yield "a root in another alphabet", made(root=base64.urlsafe_b64encode(b"\xff" * 32).decode())
    yield "a line of extension", made(more="extension\n")
    yield "an empty line more", made(more="\n")
    yield "two lines", note(f"{LOG.name}\n7\n").to_bytes()
    yield "a control character", made(more="\x07\n")
    yield (
        "the first line of its key does not hold, the second does",
        note_of(text, replace(mark, signature=bytes(64)), mark).to_bytes(),
    )


def note_of(text: str, *marks: NoteSignature) -> Note:
    return Note(text=text, signatures=marks)


def loosened(data: bytes) -> bytes:
    """The same signature in base64 whose unused bits are not zero."""
    alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    at = len(data.rstrip(b"=\n")) - 1
    assert data[at + 1 : at + 2] == b"="
    return data[:at] + bytes([alphabet[alphabet.index(data[at]) + 1]]) + data[at + 1 :]


def as_text(data: bytes) -> dict[str, str]:
    """Bytes as text, or in hexadecimal where they are none."""
    try:
        return {"note": data.decode()}
    except UnicodeDecodeError:
        return {"note_hex": data.hex()}


def checkpoint_vectors() -> Json:
    stranger = NoteSignature(name="stranger", key_id=b"\1\2\3\4", signature=b"whatever")
    good = [("of each size", checkpoint(size)) for size in SIZES]
    first = checkpoint()
    good.append(
        ("with a line of a stranger before", note_of(first.text, stranger, *first.signatures))
    )
    good.append(
        ("with a line of a stranger behind", note_of(first.text, *first.signatures, stranger))
    )
    return {
        "about": "Checkpoints of the log, and what must be refused as a checkpoint of it.",
        "keys": KEYS,
        "checkpoints": [
            {
                "name": name,
                "note": made.to_bytes().decode(),
                "size": int(made.text.split("\n")[1]),
                "root_hex": base64.b64decode(made.text.split("\n")[2]).hex(),
            }
            for name, made in good
        ],
        "refused": [{"why": why} | as_text(data) for why, data in false_checkpoints()],
    }


# --- cosignatures ---


class Nothing:
    """A witness without memory: in the vectors each cosignature is its first."""

    def load(self) -> bytes | None:
        return None

    def keep(self, note: bytes) -> None:
        pass

    def alone(self) -> AbstractContextManager[None]:
        return nullcontext()


def cosign(made: Note, by: Signer = WITNESS, at: int = NOON, log: Signer = LOG) -> Note:
    witness = Witness(signer=by, origin=log.name, log_key=log.public_key, memory=Nothing())
    mark = witness.cosign(made.to_bytes(), (), now=at)
    return note_of(made.text, *made.signatures, mark)


def false_cosignatures() -> Iterator[tuple[str, Note]]:
    good = cosign(checkpoint())
    log, mark = good.signatures
    other = cosign(checkpoint(8)).signatures[1]

    def marked(**changed: Any) -> Note:
        return note_of(good.text, log, replace(mark, **changed))

    yield "of another checkpoint", note_of(good.text, log, other)
    yield "another time", marked(signature=(NOON + 1).to_bytes(8, "big") + mark.signature[8:])
    yield "a bit of the signature", marked(signature=mark.signature[:-1] + b"\0")
    yield "too short", marked(signature=mark.signature[:-1])
    yield "too long", marked(signature=mark.signature + b"\0")
    yield "no more than a time", marked(signature=mark.signature[:8])
    yield "a note that it signed as a log signs", marked(signature=WITNESS.sign(good.text.encode()))
    little = NOON.to_bytes(8, "little")
    yield "a time in another order of bytes", marked(signature=little + mark.signature[8:])


def cosignature_vectors() -> Json:
    absent = cosign(checkpoint(), OTHER_WITNESS)
    good = [
        ("cosigned", cosign(checkpoint()), NOON),
        ("cosigned at another time", cosign(checkpoint(256), at=NOON + 300), NOON + 300),
        ("at the first second", cosign(checkpoint(1), at=0), 0),
        ("by two witnesses", cosign(absent), NOON),
        ("by nobody", checkpoint(), None),
        ("by another witness alone", absent, None),
        (
            "under its name by another key",
            cosign(checkpoint(), Signer.from_seed(WITNESS.name, derive(SEED, "another"))),
            None,
        ),
        (
            "by its key under another name",
            cosign(checkpoint(), Signer.from_seed("w", derive(SEED, "signer", WITNESS.name))),
            None,
        ),
    ]
    return {
        "about": "The time when the witness cosigned a checkpoint, null if it did not; false "
        "cosignatures of it. Each checkpoint itself is signed by the log.",
        "keys": KEYS,
        "cosignatures": [
            {"name": name, "note": made.to_bytes().decode(), "at": at} for name, made, at in good
        ],
        "refused": [
            {"why": why, "note": made.to_bytes().decode()} for why, made in false_cosignatures()
        ],
    }


# --- receipts ---


def receipt(
    index: int, size: int, *, log: Signer = LOG, by: Signer | None = WITNESS, entry: int = -1
) -> LoggedProof:
    made = checkpoint(size, log)
    return LoggedProof(
        index=index,
        hashes=tuple(TREE.inclusion_proof(index, size)),
        note=(made if by is None else cosign(made, by, log=log)).to_bytes(),
        extra=f"entry {index if entry < 0 else entry}".encode(),
    )


def flips(data: bytes) -> Iterator[Json]:
    """One bit flipped in each part of a receipt, and what a verifier must say to it."""
    text = data.decode()
    at = {
        "the version": text.index("v1\n") + 1,
        "the leaf": text.index("extra ") + 8,
        "the index": text.index("index ") + 6,
        "a hash": text.index("\n", text.index("index ")) + 5,
        "the line between": text.index("\n\n"),
        "the origin": text.index(LOG.name) + 4,
        "the size": text.index("\n257\n") + 2,
        "the root": text.index("\n257\n") + 9,
        "the dash": text.index("— "),
        "the signature of the log": text.index(f"— {LOG.name} ") + len(LOG.name) + 30,
        "the cosignature": text.index(f"— {WITNESS.name} ") + len(WITNESS.name) + 40,
        "its time": text.index(f"— {WITNESS.name} ") + len(WITNESS.name) + 13,
        "the last newline": len(text) - 1,
        # a line of somebody who is not known says nothing
        "the name of the witness": text.index(f"— {WITNESS.name} ") + 4,
        "the key id of the witness": text.index(f"— {WITNESS.name} ") + len(WITNESS.name) + 3,
    }
    for part, place in at.items():
        byte = len(text[:place].encode())
        says = "promised" if part.endswith("of the witness") else "refused"
        bit = next(b for b in range(8) if says == "refused" or _stays(data, byte, b))
        yield {"part": part, "at": byte, "bit": bit, "says": says}


def _stays(data: bytes, byte: int, bit: int) -> bool:
    """Whether a flip leaves a letter or a digit, so that the line can be parsed."""
    return chr(data[byte] ^ 1 << bit).isalnum() and data[byte] ^ 1 << bit < 128


def false_receipts() -> Iterator[tuple[str, bytes]]:
    good = receipt(2, 257)
    data = good.to_bytes()
    yield "of another log", receipt(2, 257, log=OTHER_LOG).to_bytes()
    yield "of another log of that name", receipt(2, 257, log=IMPOSTOR).to_bytes()
    yield "the leaf of another entry", receipt(2, 257, entry=3).to_bytes()
    yield "another index", replace(good, index=3).to_bytes()
    yield "an index beyond the tree", replace(good, index=257).to_bytes()
    yield "a hash is lacking", replace(good, hashes=good.hashes[:-1]).to_bytes()
    yield "a hash too many", replace(good, hashes=(*good.hashes, good.hashes[0])).to_bytes()
    yield "a short hash", replace(good, hashes=(good.hashes[0][:-1], *good.hashes[1:])).to_bytes()
    yield "no leaf", replace(good, extra=b"").to_bytes()
    yield "the checkpoint of an earlier log", replace(good, note=receipt(2, 7).note).to_bytes()
    yield "no checkpoint", replace(good, note=b"").to_bytes()
    yield (
        "a false cosignature",
        replace(good, note=next(n for _, n in false_cosignatures()).to_bytes()).to_bytes(),
    )
    yield "another version", data.replace(b"proof@v1", b"proof@v2", 1)
    yield "an index with a leading zero", data.replace(b"index 2", b"index 02", 1)
    yield "a line of extension", data.replace(b"index 2", b"extension\nindex 2", 1)
    yield "carriage returns", data.replace(b"\n", b"\r\n")
    yield "a blank line before", b"\n" + data
    yield "empty", b""


def receipt_vectors() -> Json:
    good = [
        ("witnessed", receipt(2, 257), NOON),
        ("the first and only entry, with no hash", receipt(0, 1), NOON),
        ("the last entry", receipt(256, 257), NOON),
        ("promised: nobody has cosigned", receipt(2, 257, by=None), None),
        ("promised: another witness has cosigned", receipt(2, 257, by=OTHER_WITNESS), None),
    ]
    return {
        "about": "Receipts of entries of the log, with the time of the cosignature, null if they "
        "are only promised; receipts that are refused. `flips` are bits of the first receipt.",
        "keys": KEYS,
        "receipts": [
            {
                "name": name,
                "receipt": made.to_bytes().decode(),
                "index": made.index,
                "leaf": made.extra.decode(),
                "at": at,
            }
            for name, made, at in good
        ],
        "flips": list(flips(good[0][1].to_bytes())),
        "refused": [{"why": why, "receipt": data.decode()} for why, data in false_receipts()],
    }


def vectors() -> dict[str, Json]:
    """The files of `vectors/audit`, by name."""
    return {
        "leaf.json": leaf_vectors(),
        "commitment.json": commitment_vectors(),
        "tree.json": tree_vectors(),
        "checkpoint.json": checkpoint_vectors(),
        "cosignature.json": cosignature_vectors(),
        "receipt.json": receipt_vectors(),
        "kinds.json": kind_vectors.vectors(),
    }


def rendered() -> Iterable[tuple[str, str]]:
    for name, value in vectors().items():
        yield name, json.dumps(value, ensure_ascii=False, indent=1) + "\n"


def main() -> int:
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, text in rendered():
        (FOLDER / name).write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
