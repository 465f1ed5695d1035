"""Every vector of `vectors/audit`, through Heyi and through a second verifier (docs/spec/log.md).

The second verifier shares no code with Heyi. Where the two agree on a vector that a third program
made by hand, and on a log that was really written, the specification says enough.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass
from typing import Any

import pytest

from docs import audit_vectors
from heyi.audit.checkpoint import open_checkpoint
from heyi.audit.event import from_leaf
from heyi.audit.log_store import Entry
from heyi.audit.note import parse_note
from heyi.audit.tlog_proof import open_receipt
from heyi.audit.verify import check_entry
from heyi.audit.witness import cosigned_at
from heyi.crypto.keys import verify_signature
from heyi.crypto.merkle import leaf_hash, root_of, verify_consistency, verify_inclusion
from heyi.exchange.events import applied, settled, used
from heyi.exchange.events.event_kinds import ALL, read_event
from heyi.exchange.events.typed import TypedEvent
from heyi.exchange.money.dispute import settlement_message
from heyi.exchange.request.apply import approval_message
from heyi.federation.node import node_events
from heyi.federation.wire.receipt import verify_receipt
from heyi.model.errors import HeyiError
from heyi.store.database import Database
from heyi.store.folder import read_trust
from oracles import log_kinds, log_verifier
from oracles.log_kinds import Refused
from tests.support.machine import ROOT
from tests.support.story import Story

FOLDER = ROOT / "vectors" / "audit"
FILES = {p.name: json.loads(p.read_text(encoding="utf-8")) for p in sorted(FOLDER.glob("*.json"))}
LEAF, BODY, TREE = FILES["leaf.json"], FILES["commitment.json"], FILES["tree.json"]
NOTE, COSIGNED = FILES["checkpoint.json"], FILES["cosignature.json"]
RECEIPT, KINDS = FILES["receipt.json"], FILES["kinds.json"]
ORIGIN, LOG_KEY = NOTE["keys"]["log"]["origin"], NOTE["keys"]["log"]["key"]
WITNESS = (NOTE["keys"]["witness"]["name"], NOTE["keys"]["witness"]["key"])
REFUSALS = (HeyiError, Refused)


class Heyi:
    """Heyi itself, asked as the second verifier is asked."""

    def leaf(self, data: bytes) -> tuple[Any, bytes]:
        e = from_leaf(data)
        body = e.commitment.to_json() if e.commitment else None
        around = {"v": e.version, "kind": e.kind, "at": e.at, "actor": e.actor, "case": e.case}
        return around | {"public": e.public, "body": body}, leaf_hash(data)

    def body(self, commitment: Any, body: bytes | None, key: bytes | None) -> Any:
        event = {"v": 1, "kind": "k", "at": 0, "actor": "a", "case": "", "public": {}}
        leaf = log_verifier.canonical(event | {"body": commitment})
        return check_entry(
            Entry(index=0, leaf=leaf, leaf_hash=leaf_hash(leaf), body=body, key=key)
        ).body

    def root(self, hashes: list[bytes]) -> bytes:
        return root_of(hashes)

    def inclusion(
        self, hashed: bytes, index: int, size: int, proof: list[bytes], root: bytes
    ) -> None:
        verify_inclusion(hashed, index, size, proof, root)

    def consistency(
        self, old: int, new: int, old_root: bytes, new_root: bytes, proof: list[bytes]
    ) -> None:
        verify_consistency(old, new, old_root, new_root, proof)

    def checkpoint(self, data: bytes) -> tuple[int, bytes]:
        found = open_checkpoint(data, origin=ORIGIN, public_key=LOG_KEY)[0]
        return found.size, found.root

    def cosigned(self, data: bytes) -> int | None:
        return cosigned_at(parse_note(data), name=WITNESS[0], public_key=WITNESS[1])

    def receipt(self, data: bytes) -> tuple[int, bytes, int | None]:
        index, leaf, _, at = open_receipt(data, origin=ORIGIN, log_key=LOG_KEY, witness=WITNESS)
        return index, leaf, at

    def explain(self, vector: Any, *, of_node: bool = False) -> None:
        leaf, body, key = stored(vector)
        entry = Entry(index=0, leaf=leaf, leaf_hash=leaf_hash(leaf), body=body, key=key)
        checked = check_entry(entry)
        if of_node:
            node_events.read_node_event(checked.event, checked.body)
            return
        found = read_event(0, checked.event, checked.body, erased=checked.erased)
        around = {"origin": KINDS["origin"], "case": found.case, "at": found.at}
        match found.what:
            case used.ReceiptLogged(holder=holder):
                verify_receipt(checked.event.public, public_key=KINDS["parties"][holder])
                return
            case applied.ApprovalAnswered(signature=signature) as what:
                assert found.commitment is not None
                message = approval_message(what, reasons=found.commitment, **around)
            case (
                settled.DisputeAnswered(signature=signature)
                | settled.SettlementApproved(signature=signature)
            ) as answer:
                message = settlement_message(answer, reasons=found.commitment, **around)
            case _:
                return
        key_ = KINDS["parties"][found.actor]
        verify_signature(key_, message, bytes.fromhex(signature), what="the answer")


class Second:
    """The second verifier."""

    root = staticmethod(log_verifier.root)
    body = staticmethod(log_verifier.open_body)
    consistency = staticmethod(log_verifier.extends)

    def leaf(self, data: bytes) -> tuple[Any, bytes]:
        return log_verifier.leaf(data), log_verifier.leaf_hash(data)

    def inclusion(
        self, hashed: bytes, index: int, size: int, proof: list[bytes], root: bytes
    ) -> None:
        log_kinds.need(log_verifier.from_path(hashed, index, size, proof) == root, "another root")

    def checkpoint(self, data: bytes) -> tuple[int, bytes]:
        return log_verifier.checkpoint(data, ORIGIN, LOG_KEY)

    def cosigned(self, data: bytes) -> int | None:
        return log_verifier.cosigned(data, *WITNESS)

    def receipt(self, data: bytes) -> tuple[int, bytes, int | None]:
        return log_verifier.receipt(data, ORIGIN, LOG_KEY, WITNESS)

    def explain(self, vector: Any, *, of_node: bool = False) -> None:
        leaf, body, key = stored(vector)
        event = log_verifier.leaf(leaf)
        content = log_verifier.open_body(event["body"], body, key)
        log_kinds.check_kind(event, content, of_node=of_node)
        log_verifier.check_signature(event, KINDS["origin"], KINDS["parties"])


Verifier = Heyi | Second
both = pytest.mark.parametrize("verifier", [Heyi(), Second()], ids=["heyi", "second"])


def unhex(text: str | None) -> Any:
    return None if text is None else bytes.fromhex(text)


def stored(vector: Any) -> log_verifier.Stored:
    body = vector["body"]
    return vector["leaf"].encode(), body and body.encode(), unhex(vector["key_hex"])


def note(vector: Any) -> bytes:
    if "note" in vector:
        return bytes(vector["note"].encode())
    return bytes.fromhex(vector["note_hex"])


def refused(why: str, ask: Callable[..., object], *arguments: Any) -> None:
    with suppress(*REFUSALS):
        pytest.fail(f"accepted: {why}: {ask(*arguments)!r}")


def test_the_files_are_those_that_the_program_writes() -> None:
    """The same bytes each time; after a change of the format, `make vectors`."""
    written = {p.name: p.read_text(encoding="utf-8") for p in FOLDER.glob("*.json")}
    assert written == dict(audit_vectors.rendered())


@both
def test_leaves(verifier: Verifier) -> None:
    for v in LEAF["leaves"]:
        event, hashed = verifier.leaf(bytes.fromhex(v["leaf_hex"]))
        assert (event, hashed.hex()) == (v["event"], v["hash_hex"]), v["name"]
    for v in LEAF["refused"]:
        data = bytes.fromhex(v["leaf_hex"])
        refused(v["why"], verifier.leaf, data)


@both
def test_commitments(verifier: Verifier) -> None:
    for v in BODY["commitments"]:
        body, key = unhex(v["body_hex"]), unhex(v["key_hex"])
        assert verifier.body(v["commitment"], body, key) == v["value"]
        assert verifier.body(v["commitment"], None, None) is None
    for v in BODY["refused"]:
        body, key = unhex(v["body_hex"]), unhex(v["key_hex"])
        refused(v["why"], verifier.body, v["commitment"], body, key)


@both
def test_trees(verifier: Verifier) -> None:
    leaves = [log_verifier.leaf_hash(f"entry {n}".encode()) for n in range(300)]
    for v in TREE["roots"]:
        assert verifier.root(leaves[: v["size"]]).hex() == v["root_hex"]

    def included(v: Any) -> None:
        proof, root = [unhex(h) for h in v["proof_hex"]], unhex(v["root_hex"])
        verifier.inclusion(unhex(v["leaf_hash_hex"]), v["index"], v["size"], proof, root)

    def consistent(v: Any) -> None:
        proof = [unhex(h) for h in v["proof_hex"]]
        roots = unhex(v["old_root_hex"]), unhex(v["new_root_hex"])
        verifier.consistency(v["old"], v["new"], *roots, proof)

    for ask, name in ((included, "inclusion"), (consistent, "consistency")):
        assert len(TREE[name]) > 30
        for v in TREE[name]:
            ask(v)
        for v in TREE[f"refused_{name}"]:
            refused(v["why"], ask, v)


@both
def test_checkpoints(verifier: Verifier) -> None:
    for v in NOTE["checkpoints"]:
        assert verifier.checkpoint(note(v)) == (v["size"], unhex(v["root_hex"])), v["name"]
    for v in NOTE["refused"]:
        refused(v["why"], verifier.checkpoint, note(v))


@both
def test_cosignatures(verifier: Verifier) -> None:
    for v in COSIGNED["cosignatures"]:
        verifier.checkpoint(note(v))
        assert verifier.cosigned(note(v)) == v["at"], v["name"]
    for v in COSIGNED["refused"]:
        verifier.checkpoint(note(v))
        refused(v["why"], verifier.cosigned, note(v))


@both
def test_receipts(verifier: Verifier) -> None:
    for v in RECEIPT["receipts"]:
        found = verifier.receipt(v["receipt"].encode())
        assert found == (v["index"], v["leaf"].encode(), v["at"]), v["name"]
    for v in RECEIPT["refused"]:
        refused(v["why"], verifier.receipt, v["receipt"].encode())
    good = RECEIPT["receipts"][0]
    for v in RECEIPT["flips"]:
        data = flip(good["receipt"].encode(), v["at"], v["bit"])
        if v["says"] == "promised":
            assert verifier.receipt(data) == (good["index"], good["leaf"].encode(), None)
        else:
            refused(v["part"], verifier.receipt, data)


def flip(data: bytes, at: int, bit: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 1 << bit]) + data[at + 1 :]


def test_both_say_the_same_of_every_flipped_byte_of_a_receipt() -> None:
    data = RECEIPT["receipts"][0]["receipt"].encode()

    def said(verifier: Verifier, spoilt: bytes) -> object:
        try:
            return verifier.receipt(spoilt)
        except REFUSALS:
            return "refused"

    for at in range(len(data)):
        spoilt = flip(data, at, at % 8)
        first, second = said(Heyi(), spoilt), said(Second(), spoilt)
        assert first == second, (at, at % 8)
        assert first == "refused" or first == (*Heyi().receipt(data)[:2], None)


@both
def test_kinds(verifier: Verifier) -> None:
    for place in ("centre", "node"):
        for v in KINDS[place]:
            verifier.explain(v, of_node=place == "node")
            assert verifier.leaf(v["leaf"].encode())[1].hex() == v["hash_hex"]
            erased = v | {"body": None, "key_hex": None}
            verifier.explain(erased, of_node=place == "node")
    for v in (*KINDS["unexplained"], *KINDS["false"]):
        refused(v["why"], verifier.explain, v)


def test_the_signed_messages_are_those_of_the_vectors() -> None:
    """A stranger who builds another message should see where it differs."""
    signed = [v for place in ("centre", "node") for v in KINDS[place] if "signed" in v]
    assert len(signed) == 9
    for v in signed:
        signature = json.loads(v["leaf"])["public"]["signature"]
        message = v["signed"]["message"].encode()
        log_verifier.verify(v["signed"]["key"], message, bytes.fromhex(signature))


def test_the_tables_of_the_specification_are_the_classes() -> None:
    """Each kind has a row with its members and a vector, and no row is without a class."""
    nodes = node_events.KINDS
    for heading, classes in (
        ("kind", {k.KIND: k for k in ALL}),
        ("kind of a node", {name: nodes[name] for name in nodes}),
    ):
        rows = log_kinds.kinds(heading)
        assert {k: (set(public), set(body)) for k, (public, body) in rows.items()} == {
            name: members(kind) for name, kind in classes.items()
        }
    assert sorted(k.KIND for k in ALL) == sorted(v["kind"] for v in KINDS["centre"])
    assert sorted(nodes) == sorted(v["kind"] for v in KINDS["node"])
    assert {k.VERSION for k in ALL} == {1}


def members(kind: type[TypedEvent] | type[node_events.NodeEvent]) -> tuple[set[str], set[str]]:
    body = kind.BODY.__struct_fields__ if kind.BODY else ()
    return set(kind.__struct_fields__), set(body)


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """A log as an auditor gets it: bytes alone."""

    entries: list[log_verifier.Stored]
    checkpoints: list[tuple[int, bytes]]
    origin: str
    key: str
    witness: tuple[str, str] | None = None

    def faults(self, entries: list[log_verifier.Stored] | None = None) -> list[str]:
        found = log_verifier.check_log(
            self.entries if entries is None else entries,
            self.checkpoints,
            origin=self.origin,
            key=self.key,
            witness=self.witness,
            of_node=self.witness is None,
        )
        return list(found)


def exported(database: Database, origin: str, key: str, **witness: Any) -> Exported:
    return Exported(
        entries=[(e.leaf, e.body, e.key) for e in database.entries()],
        checkpoints=list(database.checkpoints()),
        origin=origin,
        key=key,
        **witness,
    )


def of_centre(story: Story) -> Exported:
    trust = read_trust(story.directory / "trust.json")
    with closing(Database.at(story.directory / "heyi.db", read_only=True)) as database:
        return exported(database, trust.origin, trust.log_key, witness=trust.witness)


def test_the_second_verifier_finds_a_real_log_without_fault(story: Story) -> None:
    found = of_centre(story)
    assert found.faults() == []
    kinds = {log_verifier.leaf(leaf)["kind"] for leaf, _, _ in found.entries}
    assert len(kinds) > 15 and "body.erased" in kinds


def test_the_second_verifier_finds_the_logs_of_nodes_without_fault(story: Story) -> None:
    """Their names and keys stand in the centre's log."""
    events = [log_verifier.leaf(leaf) for leaf, _, _ in of_centre(story).entries]
    nodes, read = [e["public"] for e in events if e["kind"] == "node.opened"], 0
    for node in nodes:
        path = story.directory / "nodes" / f"{node['host']}.db"
        with closing(Database.at(path, read_only=True)) as log:
            if log.size():
                assert exported(log, node["origin"], node["log_key"]).faults() == [], node
                read += 1
    assert read > 10


def test_the_second_verifier_checks_the_receipts_of_a_real_log(story: Story) -> None:
    trust = read_trust(story.directory / "trust.json")
    log = story.app.consortium.log
    for entry in (0, log.size // 2, log.size - 1):
        index, leaf, at = log_verifier.receipt(
            log.prove(entry), trust.origin, trust.log_key, trust.witness
        )
        (kept,) = log.store.entries(entry, entry + 1)
        assert (index, leaf) == (entry, kept.leaf) and at is not None


def test_the_second_verifier_notices_what_was_changed(story: Story) -> None:
    """One flipped bit of a leaf, a body or a key; a body that is gone; an entry that is lacking."""
    found, rng = of_centre(story), random.Random("second")
    entries = found.entries
    bodies = [n for n, (_, body, _) in enumerate(entries) if body is not None]

    def spoilt(n: int, part: int) -> list[log_verifier.Stored]:
        entry: list[Any] = list(entries[n])
        entry[part] = flip(entry[part], rng.randrange(len(entry[part])), rng.randrange(8))
        return [*entries[:n], (entry[0], entry[1], entry[2]), *entries[n + 1 :]]

    changed = [spoilt(rng.randrange(len(entries)), 0)]
    changed += [spoilt(rng.choice(bodies), part) for part in (1, 2)]
    silent = rng.choice(bodies)
    gone = (entries[silent][0], None, None)
    changed.append([*entries[:silent], gone, *entries[silent + 1 :]])
    changed += [entries[:-1], entries[1:], [*entries, entries[-1]]]
    for wrong in changed:
        assert found.faults(wrong) != []
