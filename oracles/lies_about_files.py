"""Lies about what lies beside the log: logs of nodes, certificates, rulebooks, lists."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace

from heyi.audit.checkpoint import open_checkpoint, sign_checkpoint
from heyi.audit.event import Event
from heyi.audit.log import Draft
from heyi.exchange.consortium import PLATFORM
from heyi.exchange.events import registered, settled, used
from heyi.store.database import Database
from oracles.forge import first, forge, last, logged, opened_node, said
from oracles.lying import CLAIM, Expected, Operator, Outcome, Room, Unseen, cut_log

ROOM = Room()
lie = ROOM.lie


# --- the logs of nodes ---

NODE = "tcm-hospital"


@lie("the node has no log")
def a_node_log_that_is_absent(op: Operator) -> Outcome:
    """The file of a node's log is gone."""
    (op.directory / "nodes" / f"{NODE}.db").unlink()
    return Expected(entry=None, words=f"the log of the node of `{NODE}` is absent")


@lie("the node's log cannot be looked at")
def a_node_log_that_is_garbage(op: Operator) -> Outcome:
    """The file of a node's log holds something else."""
    _replace_node_log(op, b"nothing to see here" * 100)
    return Expected(entry=None, words=f"the log of the node of `{NODE}` cannot be read")


@lie("the node's log is empty")
def a_node_log_that_is_an_empty_file(op: Operator) -> Outcome:
    """The file of a node's log has no byte."""
    _replace_node_log(op, b"")
    return Expected(entry=None, words=f"the log of the node of `{NODE}` cannot be read")


def _replace_node_log(op: Operator, content: bytes) -> None:
    path = op.directory / "nodes" / f"{NODE}.db"
    for left in path.parent.glob(f"{path.name}-*"):
        left.unlink()  # what waits to be written into it would be read too
    path.write_bytes(content)


@lie("the node is the file that I name")
def a_node_whose_name_is_a_path(op: Operator) -> Outcome:
    """A node is opened for a host that is a path out of the folder of nodes."""
    what = registered.NodeOpened(
        host="../heyi", origin="somebody", log_key=op.app.signer("somebody").public_key
    )
    entry = forge(op.consortium, what, by=PLATFORM)
    return Expected(entry=entry, words="of nobody who is registered")


@lie("the node is where nobody can look")
def a_node_whose_name_is_too_long(op: Operator) -> Outcome:
    """A node is opened for a host whose name no file can have."""
    what = registered.NodeOpened(
        host="a" * 5_000, origin="somebody", log_key=op.app.signer("somebody").public_key
    )
    entry = forge(op.consortium, what, by=PLATFORM)
    return Expected(entry=entry, words="of nobody who is registered")


@lie("the log has one entry more")
def an_entry_before_the_first(op: Operator) -> Outcome:
    """An entry is numbered -1, where no checkpoint covers it."""
    with op.database() as database:
        database.execute(
            "insert into entries (idx, leaf, leaf_hash) "
            "select -1, leaf, leaf_hash from entries where idx = 3"
        )
    return Expected(entry=None, words="an entry is numbered -1, before the first")


@lie("the node never answered this")
def a_node_log_that_was_cut(op: Operator) -> Outcome:
    """The node's log ends before its last receipt, with a checkpoint of its own."""
    with opened_node(op.app, NODE) as log:
        size = log.size
    cut_log(op.directory / "nodes" / f"{NODE}.db", size - 1)
    call = last(op.consortium, used.OperationAnswered)
    asked = [
        e for e in _asked(op) if any(permit.endswith(f"{NODE}-records") for permit, _, _ in e[1])
    ]
    assert call is not None
    return Expected(entry=asked[-1][0], words=f"the log of the node of `{NODE}` lacks")


def _asked(op: Operator) -> list[tuple[int, tuple[tuple[str, int, str], ...]]]:
    return [
        (e.index, said(e, used.OperationAsked).calls)
        for e in logged(op.consortium, used.OperationAsked)
    ]


@lie("this is the node's log")
def a_node_log_under_another_key(op: Operator) -> Outcome:
    """The node's log is signed anew with another key."""
    path = op.directory / "nodes" / f"{NODE}.db"
    signer = op.app.keyring.signer(f"node/{NODE}")
    other = replace(op.app.keyring.signer("somebody-else"), name=signer.name)
    with closing(Database.at(path)) as database:
        for size, note in list(database.checkpoints()):
            checkpoint, _ = open_checkpoint(note, origin=signer.name, public_key=signer.public_key)
            database.cosigned(size, sign_checkpoint(checkpoint, other).to_bytes())
    return Expected(log=NODE, entry=None, words="no checkpoint holds: the checkpoint lacks the")


@lie("the node said so")
def a_stranger_in_a_node_log(op: Operator) -> Outcome:
    """The node's log holds an event of no kind."""
    with opened_node(op.app, NODE) as log:
        event = Event(kind="node.slept", at=op.now, actor=NODE)
        (entry,) = log.append([Draft(event=event)])
    return Expected(log=NODE, entry=entry, words="is no event of a node's log")


# --- what lies beside the log ---


def _artefact(op: Operator, digest: str, content: bytes | None) -> None:
    with op.database() as database:
        if content is None:
            database.execute("delete from artefacts where digest = ?", (digest,))
        else:
            database.execute("update artefacts set content = ? where digest = ?", (content, digest))


def _certificate(op: Operator) -> tuple[int, str, bytes]:
    found = first(op.consortium, settled.SettlementCertified)
    assert isinstance(found.what, settled.SettlementCertified)
    content = op.consortium.artefacts.artefact(found.what.certificate)
    assert content is not None
    return found.index, found.what.certificate, content


@lie("the certificate says so")
def a_certificate_replaced(op: Operator) -> Outcome:
    """The kept certificate is another one."""
    entry, digest, content = _certificate(op)
    _artefact(op, digest, content.replace(b'"persons"', b'"parsons"'))
    return Expected(entry=entry, words="the certificate kept with the log is another one")


@lie("the certificate says so")
def a_certificate_damaged(op: Operator) -> Outcome:
    """The kept certificate is cut in the middle."""
    entry, digest, content = _certificate(op)
    _artefact(op, digest, content[: len(content) // 2])
    return Expected(entry=entry, words="kept with the log is another one")


@lie("there was a certificate")
def a_certificate_gone(op: Operator) -> Outcome:
    """The certificate is deleted."""
    entry, digest, _ = _certificate(op)
    _artefact(op, digest, None)
    return Expected(entry=entry, words="the certificate is not kept with the log")


def _rulebook(op: Operator) -> tuple[str, bytes]:
    digest = op.consortium.state.rulebook
    content = op.consortium.artefacts.artefact(digest)
    assert content is not None
    return digest, content


@lie("the rulebook said so")
def a_rulebook_replaced(op: Operator) -> Outcome:
    """One rule of the kept rulebook is another one."""
    digest, content = _rulebook(op)
    _artefact(op, digest, content.replace(b"forbid", b"oblige", 1))
    return Expected(entry=0, words="is another one")


@lie("the rulebook said so")
def a_rulebook_damaged(op: Operator) -> Outcome:
    """The kept rulebook is cut in the middle."""
    digest, content = _rulebook(op)
    _artefact(op, digest, content[: len(content) // 2])
    return Expected(entry=0, words="is another one")


@lie("there was a rulebook")
def a_rulebook_gone(op: Operator) -> Outcome:
    """The rulebook is deleted."""
    digest, _ = _rulebook(op)
    _artefact(op, digest, None)
    return Expected(entry=0, words="is not kept with the log")


@lie("the list of cases is whole")
def a_case_left_out_of_the_lists(op: Operator) -> Outcome:
    """Streams and summaries leave a case out, so that no page shows it."""
    with op.database() as database:
        database.execute("delete from summaries where kind = 'case' and name = ?", (CLAIM,))
        database.execute("delete from streams where stream = ?", (f"case/{CLAIM}",))
    return Unseen(
        who="whoever runs `heyi log check`, which compares the lists with the events; a "
        "verification reads the events alone, and judges the case that no list shows"
    )
