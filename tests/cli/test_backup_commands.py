"""A run is backed up while it is used; a backup that lacks entries never goes on as one log."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from heyi.app.backup import backup, restore
from heyi.app.centre import writing
from heyi.app.verification import verify_directory
from heyi.exchange.proof.erase import erase
from heyi.model.errors import InvalidInput, StoreError, VerificationError
from heyi.store.folder import read_run, read_trust
from tests.support.command import HANGING, Heyi

WITNESS = "\u2014 county-witness".encode()
"""How the line of the witness begins on a checkpoint."""


def go_on(directory: Path, entry: int) -> list[int]:
    """Log one more event."""
    with writing(directory) as app:
        return erase(app.consortium, [entry], reason="the subject asked", by="platform")


@pytest.fixture
def copy(run_copy: Path, tmp_path: Path) -> Path:
    """A backup of the run that `run_copy` is."""
    backup(run_copy, tmp_path / "copy")
    return tmp_path / "copy"


def test_a_backup_of_everything_is_the_same_log(copy: Path, run_copy: Path, tmp_path: Path) -> None:
    restored = tmp_path / "restored"
    assert restore(copy, restored).lost == 0
    before, after = verify_directory(run_copy), verify_directory(restored)
    assert after.holds and after.centre.checkpoint == before.centre.checkpoint
    assert read_run(restored) == read_run(run_copy)
    go_on(restored, 133)
    assert verify_directory(restored).holds
    # the original is now the older of two copies
    with pytest.raises(VerificationError, match="rolled back or forked"):
        go_on(run_copy, 132)


def test_a_backup_that_lacks_entries_is_refused(copy: Path, run_copy: Path, tmp_path: Path) -> None:
    go_on(run_copy, 133)
    with pytest.raises(VerificationError, match=r"without the last 1 would fork"):
        restore(copy, tmp_path / "restored")
    assert not (tmp_path / "restored").exists()
    # nor does anybody work in the backup itself, which would make the original the older copy
    with pytest.raises(InvalidInput, match="is a backup"):
        go_on(copy, 132)
    assert verify_directory(copy).holds
    by_hand = tmp_path / "by-hand"
    shutil.copytree(copy, by_hand)
    (by_hand / "backup.json").rename(by_hand / "run.json")
    with pytest.raises(VerificationError, match="rolled back or forked"):
        go_on(by_hand, 132)


def test_it_goes_on_as_another_log_that_says_so(copy: Path, run_copy: Path, tmp_path: Path) -> None:
    go_on(run_copy, 133)
    restored = tmp_path / "restored"
    assert restore(copy, restored, new_origin="heyi.example/anhe-2").lost == 1
    found = verify_directory(restored)
    assert found.faults == []
    succession = found.replayed.succession
    assert succession is not None and (succession.lost, succession.adopted) == (1, False)
    assert succession.origin == read_trust(run_copy / "trust.json").origin
    # the keys of the predecessor are no keys of this log
    others = verify_directory(restored, run_copy / "trust.json")
    assert "not of `heyi.example/anhe`" in others.faults[0][1].message
    go_on(restored, 132)
    assert verify_directory(restored).holds
    go_on(run_copy, 132)
    assert verify_directory(run_copy).holds


def test_what_cannot_be_restored(copy: Path, run_copy: Path, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="lacks nothing"):
        restore(copy, tmp_path / "restored", new_origin="heyi.example/anhe-2")
    with pytest.raises(InvalidInput, match="is not empty"):
        restore(copy, run_copy)
    with pytest.raises(InvalidInput, match="is not empty"):
        backup(run_copy, copy)
    with pytest.raises(InvalidInput, match="within the run itself"):
        backup(run_copy, run_copy / "copy")
    go_on(run_copy, 133)
    for name, message in (("heyi.example/anhe", "is the old one"), ("a name", "not a key name")):
        with pytest.raises(InvalidInput, match=message):
            restore(copy, tmp_path / "refused", new_origin=name)
        assert {p.name for p in tmp_path.iterdir()} == {"copy", "run"}


def test_a_backup_needs_a_log(run_copy: Path, tmp_path: Path) -> None:
    (run_copy / "heyi.db").unlink()
    with pytest.raises(InvalidInput, match="has no log"):
        backup(run_copy, tmp_path / "copy")
    assert not (run_copy / "heyi.db").exists() and not (tmp_path / "copy").exists()


def test_a_backup_that_fails_leaves_nothing(run_copy: Path, tmp_path: Path) -> None:
    for left in (run_copy / "nodes").glob("county-hospital.db*"):
        left.unlink()  # also what waits to be written into it
    (run_copy / "nodes" / "county-hospital.db").write_bytes(b"no database" * 100)
    with pytest.raises(StoreError, match=r"`county-hospital\.db` could not be copied"):
        backup(run_copy, tmp_path / "copy")
    assert {p.name for p in tmp_path.iterdir()} == {"run"}


def test_what_the_former_log_signed_still_counts(
    copy: Path, run_copy: Path, tmp_path: Path
) -> None:
    """As far as its entries were taken over; what proves a lost entry is refused, and told so."""
    with writing(run_copy) as app:
        (kept,) = app.receipts([5])
        old = app.consortium.log.head
    (tmp_path / "old.checkpoint").write_bytes(old)
    (lost,) = go_on(run_copy, 133)
    with writing(run_copy) as app:
        (beyond,) = app.receipts([lost])
    restored = tmp_path / "restored"
    restore(copy, restored, new_origin="heyi.example/anhe-2")
    assert verify_directory(restored, seen=[kept, tmp_path / "old.checkpoint"]).faults == []
    with pytest.raises(VerificationError, match="of which this log has taken over"):
        verify_directory(restored, seen=[beyond])
    # entries that were taken over are those of the root that the trust file names
    trust = json.loads((restored / "trust.json").read_text())
    trust["succeeds"][0]["root"] = "0" * 64
    (tmp_path / "trust.json").write_text(json.dumps(trust))
    told = [f.message for _, f in verify_directory(restored, tmp_path / "trust.json").faults]
    assert any("rewritten behind what was seen in `trust.json`" in message for message in told)


def test_a_folder_of_another_consortium_is_noticed(
    run_copy: Path, stated: Path, tmp_path: Path
) -> None:
    """The log of one run beside the keys of another."""
    shutil.copy(stated / "heyi.db", run_copy / "heyi.db")
    with pytest.raises(VerificationError, match=r"another|lacks the signature"):
        go_on(run_copy, 133)
    assert not verify_directory(run_copy).holds


def test_the_commands_say_what_they_did(heyi: Heyi, run_copy: Path, tmp_path: Path) -> None:
    done = heyi("backup", str(run_copy), "copy", "--json")
    assert json.loads(done.stdout)["entries"] == verify_directory(run_copy).centre.size
    done = heyi("restore", "copy", "again")
    assert done.returncode == 0 and "restored" in done.stdout
    go_on(run_copy, 133)
    done = heyi("restore", "copy", "other")
    assert done.returncode == 1 and "--new-origin" in done.stderr
    done = heyi("restore", "copy", "third", "--new-origin", "heyi.example/anhe-2")
    assert done.returncode == 0 and "lost" in done.stdout
    assert "the members have not adopted it" in heyi("verify", "third").stdout


def test_a_witness_without_memory_lets_nothing_go_on_as_the_same_log(
    copy: Path, run_copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On another machine nobody knows whether the backup, or the folder, is the newest."""
    go_on(run_copy, 133)
    monkeypatch.setenv("HEYI_WITNESS", str(tmp_path / "another-machine"))
    with pytest.raises(VerificationError, match="remembers nothing") as refused:
        restore(copy, tmp_path / "restored")
    assert "--new-origin" in refused.value.hint
    with pytest.raises(VerificationError, match="remembers nothing"):
        go_on(run_copy, 132)
    restored = tmp_path / "restored"
    assert restore(copy, restored, new_origin="heyi.example/anhe-2").lost is None
    assert verify_directory(restored).faults == []
    go_on(restored, 132)
    assert verify_directory(restored).holds


def test_a_restore_under_another_name_lets_the_old_log_stay_unknown(
    copy: Path, run_copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The machine without memory remembers the new log alone, and no second one of that name."""
    go_on(run_copy, 133)
    monkeypatch.setenv("HEYI_WITNESS", str(tmp_path / "another-machine"))
    promised = tmp_path / "promised"
    shutil.copytree(copy, promised)
    with closing(sqlite3.connect(promised / "heyi.db")) as c, c:
        # the backup was made between a commit and its cosignature
        size, note = c.execute("select size, note from checkpoints order by size").fetchall()[-1]
        signed = note[: note.index(WITNESS)]
        c.execute("update checkpoints set note = ? where size = ?", (signed, size))
    for source in (copy, promised):
        name = f"heyi.example/{source.name}"
        restored = tmp_path / f"restored-{source.name}"
        assert restore(source, restored, new_origin=name).lost is None
        found = verify_directory(restored)
        assert found.faults == []
        (said,) = found.replayed.successions
        assert said.lost is None
        with pytest.raises(VerificationError, match="remembers nothing"):
            restore(source, tmp_path / "plain")
        with pytest.raises(InvalidInput, match="goes on from this one already"):
            restore(source, tmp_path / "twice", new_origin=name)


def spoilt_leaf(copy: Path) -> None:
    with closing(sqlite3.connect(copy / "heyi.db")) as c, c:
        c.execute("update entries set leaf = leaf || x'20' where idx = 7")


def no_bodies(copy: Path) -> None:
    with closing(sqlite3.connect(copy / "heyi.db")) as c, c:
        c.execute("delete from bodies")


def no_node(copy: Path) -> None:
    (copy / "nodes" / "county-hospital.db").unlink()


def no_nodes(copy: Path) -> None:
    shutil.rmtree(copy / "nodes")


def an_empty_node(copy: Path) -> None:
    (copy / "nodes" / "county-hospital.db").write_bytes(b"")


def another_node(copy: Path) -> None:
    nodes = copy / "nodes"
    shutil.copy(nodes / "tcm-hospital.db", nodes / "county-hospital.db")


def a_node_with_a_hole(copy: Path) -> None:
    with closing(sqlite3.connect(copy / "nodes" / "county-hospital.db")) as c, c:
        c.execute("delete from entries where idx = 1")


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (spoilt_leaf, "entry 7: the leaf was changed"),
        (no_bodies, "the body is gone, though no event says"),
        (no_node, "lacks the log of the node of `county-hospital`"),
        (no_nodes, "lacks the log of the node of `county-hospital`"),
        (an_empty_node, "the node of `county-hospital`: the database is empty"),
        (another_node, "the node of `county-hospital`: no checkpoint holds"),
        (a_node_with_a_hole, "the node of `county-hospital`: entry 1"),
    ],
)
def test_a_damaged_backup_is_not_restored(
    copy: Path, tmp_path: Path, spoil: Callable[[Path], None], words: str
) -> None:
    spoil(copy)
    with pytest.raises(VerificationError, match=words):
        restore(copy, tmp_path / "restored")
    assert not (tmp_path / "restored").exists()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes")
@pytest.mark.parametrize("name", ["heyi.db", "heyi.db-journal", "nodes/zz.db"])
def test_a_pipe_in_a_backup_is_not_waited_for(copy: Path, tmp_path: Path, name: str) -> None:
    (copy / name).unlink(missing_ok=True)
    os.mkfifo(copy / name)
    with pytest.raises(StoreError, match="is not a regular file"):
        restore(copy, tmp_path / "restored")
    assert not list(tmp_path.glob("*.partial")) and not list(tmp_path.glob(".*.partial"))


def test_a_link_in_a_backup_brings_nothing_in(copy: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("of whoever restores")
    (copy / "receipts").mkdir(exist_ok=True)
    (copy / "receipts" / "z").symlink_to(tmp_path / "secret")
    restore(copy, tmp_path / "restored")
    assert not (tmp_path / "restored" / "receipts" / "z").exists()


def test_a_folder_that_is_a_link_to_itself(run_copy: Path, tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    with pytest.raises(StoreError, match="cannot write"):
        backup(run_copy, tmp_path / "loop" / "x")


@pytest.mark.skipif(not hasattr(signal, "SIGTERM"), reason="needs signals")
def test_a_backup_that_is_ended_leaves_no_copy(run_copy: Path, tmp_path: Path) -> None:
    """It is ended while it holds a partial copy, as a service manager ends it."""
    code = (
        "import os, signal, sys\n"
        "from heyi.app import backup\n"
        "backup._copy_files = lambda *_, **__: os.kill(os.getpid(), signal.SIGTERM)\n"
        "from heyi.cli import main\n"
        "sys.argv = ['heyi', 'backup', sys.argv[1], sys.argv[2]]\n"
        "main()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, run_copy, tmp_path / "ended"],
        capture_output=True,
        text=True,
        check=False,
        timeout=HANGING,
    )
    assert done.returncode == 1 and "interrupted" in done.stderr
    assert not list(tmp_path.glob(".ended*")) and not (tmp_path / "ended").exists()


def test_two_branches_never_go_on_under_one_name(
    copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A successor of a successor, and a sibling of it, would have one key and one name."""
    monkeypatch.setenv("HEYI_WITNESS", str(tmp_path / "first-machine"))
    restore(copy, tmp_path / "a", new_origin="heyi.example/a")
    backup(tmp_path / "a", tmp_path / "copy-of-a")
    go_on(tmp_path / "a", 133)
    restore(tmp_path / "copy-of-a", tmp_path / "b", new_origin="heyi.example/b")
    with pytest.raises(InvalidInput, match="goes on from this one already"):
        restore(copy, tmp_path / "other-b", new_origin="heyi.example/b")
    assert verify_directory(tmp_path / "b").faults == []


def test_the_owner_of_a_run_may_link_its_files(run_copy: Path, tmp_path: Path) -> None:
    keys = (run_copy / "trust.json").rename(tmp_path / "keys.json")
    (run_copy / "trust.json").symlink_to(keys)
    backup(run_copy, tmp_path / "linked")
    assert not (tmp_path / "linked" / "trust.json").is_symlink()
    assert restore(tmp_path / "linked", tmp_path / "again").lost == 0
