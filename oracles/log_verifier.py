"""A second verifier of logs, written from docs/spec/log.md alone; it shares no code with Heyi."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from oracles.log_kinds import Refused, check_kind, need, refuse

LEAF = {"v", "kind", "at", "actor", "case", "public", "body"}

# --- values and bytes ---


def canonical(value: Any) -> bytes:
    """RFC 8785 with integers only."""
    if type(value) is int:
        need(abs(value) < 2**53, "a number is too large")
    elif type(value) is list:
        return b"[" + b",".join(map(canonical, value)) + b"]"
    elif type(value) is dict:
        names = sorted(value, key=lambda n: n.encode("utf-16-be"))
        return b"{" + b",".join(canonical(n) + b":" + canonical(value[n]) for n in names) + b"}"
    return json.dumps(value, ensure_ascii=False).encode()


def parse(data: bytes) -> Any:
    try:
        value = json.loads(data.decode(), parse_float=refuse, parse_constant=refuse)
        need(canonical(value) == data, "not canonical")
    except (ValueError, RecursionError) as e:
        raise Refused(str(e)) from None
    return value


def leaf(data: bytes) -> dict[str, Any]:
    event = parse(data)
    need(type(event) is dict and event.keys() == LEAF, "other members")
    types = {"v": int, "kind": str, "at": int, "actor": str, "case": str, "public": dict}
    need(all(type(event[n]) is t for n, t in types.items()) and event["v"] >= 1, "other types")
    if (body := event["body"]) is not None:
        need(type(body) is dict and body.keys() == {"alg", "mac"}, "no commitment")
        need(type(body["alg"]) is type(body["mac"]) is str, "no commitment")
        need(bool(re.fullmatch("[0-9a-f]{64}", body["mac"])), "no commitment")
    return dict(event)


def open_body(commitment: Any, body: bytes | None, key: bytes | None) -> Any:
    """The value of the body; None if there is none, or if it was erased."""
    need((body is None) == (key is None), "half a body")
    if body is None or key is None:
        return None
    need(commitment is not None, "a body without commitment")
    need(commitment["alg"] == "hmac-sha256" and len(key) == 32, "another algorithm or key")
    need(hmac.new(key, body, hashlib.sha256).hexdigest() == commitment["mac"], "another body")
    value = parse(body)
    need(value is not None, "the body is null")
    return value


# --- tree ---


def leaf_hash(data: bytes) -> bytes:
    return hashlib.sha256(b"\0" + data).digest()


def node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\1" + left + right).digest()


def split(n: int) -> int:
    return 1 << (n - 1).bit_length() - 1


def root(hashes: Sequence[bytes]) -> bytes:
    if len(hashes) < 2:
        return hashes[0] if hashes else hashlib.sha256().digest()
    k = split(len(hashes))
    return node(root(hashes[:k]), root(hashes[k:]))


def from_path(hashed: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes:
    """The root that an audit path gives (RFC 6962 section 2.1.1, read from the leaf upward)."""
    need(0 <= index < size and (size > 1) == bool(path), "the path has another length")
    if size == 1:
        return hashed
    k = split(size)
    if index < k:
        return node(from_path(hashed, index, k, path[:-1]), path[-1])
    return node(path[-1], from_path(hashed, index - k, size - k, path[:-1]))


def extends(old: int, new: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]) -> None:
    """RFC 6962 section 2.1.2: both roots follow from the proof."""

    def roots(m: int, n: int, path: Sequence[bytes], whole: bool) -> tuple[bytes, bytes]:
        if m == n:
            need(len(path) == (not whole), "the proof has another length")
            return (old_root, old_root) if whole else (path[0], path[0])
        need(bool(path), "the proof is too short")
        k = split(n)
        if m <= k:
            older, newer = roots(m, k, path[:-1], whole)
            return older, node(newer, path[-1])
        older, newer = roots(m - k, n - k, path[:-1], False)
        return node(path[-1], older), node(path[-1], newer)

    need(0 < old <= new, "nothing is proven")
    need(roots(old, new, proof, True) == (old_root, new_root), "another tree")


# --- notes ---


def unbase64(text: str) -> bytes:
    try:
        data = base64.b64decode(text, validate=True)
    except ValueError as e:
        raise Refused(str(e)) from None
    need(base64.b64encode(data).decode() == text, "loose base64")
    return data


def verify(key: str, message: bytes, signature: bytes) -> None:
    try:
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(key)).verify(signature, message)
    except InvalidSignature:
        raise Refused("a signature does not hold") from None


def open_note(data: bytes) -> tuple[str, list[tuple[str, bytes]]]:
    """The text of a note, and (name, key id and signature) of each line."""
    try:
        whole = data.decode()
    except ValueError as e:
        raise Refused(str(e)) from None
    text, empty, block = whole.rpartition("\n\n")
    need(bool(empty) and block.endswith("\n"), "no note")
    lines = []
    for line in block[:-1].split("\n"):
        found = re.fullmatch(r"— ([^\s+]+) (\S+)", line)
        need(found is not None, "no line of a signature")
        assert found is not None
        lines.append((found[1], unbase64(found[2])))
        need(len(lines[-1][1]) > 4, "no signature")
    need(all(c >= " " or c == "\n" for c in text), "control characters")
    return text + "\n", lines


def signed(lines: list[tuple[str, bytes]], name: str, kind: bytes, key: str) -> bytes | None:
    """What stands after the key id in the first line of that name and key."""
    wanted = hashlib.sha256(name.encode() + b"\n" + kind + bytes.fromhex(key)).digest()[:4]
    return next((s[4:] for n, s in lines if n == name and s[:4] == wanted), None)


def checkpoint(data: bytes, origin: str, key: str) -> tuple[int, bytes]:
    """Size and root of a checkpoint that the log signed."""
    text, lines = open_note(data)
    parts = text.split("\n")
    need(len(parts) == 4 and parts[0] == origin and parts[3] == "", "another log, or no checkpoint")
    need(bool(re.fullmatch("0|[1-9][0-9]*", parts[1])), "no size")
    hashed = unbase64(parts[2])
    need(len(hashed) == 32, "no root")
    signature = signed(lines, origin, b"\1", key)
    need(signature is not None, "the log has not signed")
    verify(key, text.encode(), signature or b"")
    return int(parts[1]), hashed


def cosigned(data: bytes, name: str, key: str) -> int | None:
    """When the witness cosigned; None if it did not."""
    text, lines = open_note(data)
    signature = signed(lines, name, b"\4", key)
    if signature is None:
        return None
    at = int.from_bytes(signature[:8], "big")
    verify(key, f"cosignature/v1\ntime {at}\n{text}".encode(), signature[8:])
    return at


def receipt(
    data: bytes, origin: str, key: str, witness: tuple[str, str]
) -> tuple[int, bytes, int | None]:
    """Entry, leaf, and the time when the witness cosigned."""
    head, _, note = data.partition(b"\n\n")
    form = rb"c2sp\.org/tlog-proof@v1\nextra (\S+)\nindex (0|[1-9][0-9]*)((?:\n\S+)*)"
    found = re.fullmatch(form, head)
    if found is None or not head.isascii():
        refuse("no receipt")
    entry, index = unbase64(found[1].decode()), int(found[2])
    path = [unbase64(h) for h in found[3].decode().split("\n")[1:]]
    need(all(len(h) == 32 for h in path), "no hash")
    size, wanted = checkpoint(note, origin, key)
    need(from_path(leaf_hash(entry), index, size, path) == wanted, "not in the log")
    return index, entry, cosigned(note, *witness)


# --- events ---


def check_signature(event: dict[str, Any], origin: str, keys: dict[str, str]) -> None:
    """Check the signature in an event of the centre, if its kind has one."""
    said = dict(event["public"])
    if "signature" not in said:
        return
    signature = bytes.fromhex(said.pop("signature"))
    if event["kind"].startswith("operation."):
        verify(keys[said["holder"]], canonical(said), signature)
        return
    around = {n: event[n] for n in ("kind", "case", "at")}
    message = said | around | {"origin": origin, "reasons": event["body"]}
    verify(keys[event["actor"]], canonical(message), signature)


# --- a whole log ---


def is_erasure(event: dict[str, Any]) -> bool:
    return bool(event["kind"] == "body.erased")


Stored = tuple[bytes, bytes | None, bytes | None]
"""An entry as it is stored: leaf, body, key."""


def check_log(
    entries: Sequence[Stored],
    checkpoints: Sequence[tuple[int, bytes]],
    *,
    origin: str,
    key: str,
    witness: tuple[str, str] | None,
    of_node: bool = False,
) -> Iterator[str]:
    """Yield every fault of the log: (L1) to (L5), kinds and signatures."""
    events: list[dict[str, Any]] = []
    gone: set[int] = set()
    keys: dict[str, str] = {}
    for n, (data, body, secret) in enumerate(entries):
        try:
            event = leaf(data)
            content = open_body(event["body"], body, secret)
            events.append(event)
            need(n == 0 or event["at"] >= events[n - 1]["at"], "the date falls")
            if event["body"] is not None and body is None:
                gone.add(n)
            check_kind(event, content, of_node=of_node)
            if event["kind"] == "party.registered":
                keys.setdefault(
                    event["public"]["party"]["id"], event["public"]["party"]["public_key"]
                )
            if not of_node:
                check_signature(event, origin, keys)
        except (Refused, KeyError) as e:
            yield f"{n}: {e}"
            if len(events) == n:
                return
    reports = [(n, e["public"].get("entry")) for n, e in enumerate(events) if is_erasure(e)]
    named = [entry for n, entry in reports if type(entry) is int and entry < n]
    if sorted(named) != sorted(gone) or len(named) != len(reports):
        yield f"bodies of {sorted(gone)} are gone, and {reports} are reported"
    hashes = [leaf_hash(data) for data, _, _ in entries]
    times = []
    for size, note in checkpoints:
        try:
            need(size <= len(hashes), "a longer log is promised")
            need(checkpoint(note, origin, key) == (size, root(hashes[:size])), "another root")
            at = cosigned(note, *witness) if witness else None
            need(witness is None or at is not None or len(open_note(note)[1]) == 1, "a stranger")
            if at is not None and size > 0:
                times.append(at)
                need(events[size - 1]["at"] <= at + 300, "dated after its cosignature")
                need(all(e["at"] >= at - 300 for e in events[size : size + 1]), "dated before")
        except Refused as e:
            yield f"checkpoint of {size}: {e}"
    last = max((size for size, _ in checkpoints), default=0)
    if last != len(entries) or (witness is not None and not times):
        yield "entries are under no checkpoint, or no witness has cosigned"
