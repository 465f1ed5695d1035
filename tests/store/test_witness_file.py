"""A witness remembers what it cosigned, in a file that is whole or is refused."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from heyi.model.errors import StoreError
from heyi.store.witness_file import WitnessFile, witness_folder

NOTE = b"log.example/county\n2\nroot=\n\n\xe2\x80\x94 log.example/county sig\n"


def test_what_was_kept_last_is_remembered(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "county"
    assert WitnessFile(path).load() is None
    for note in (b"first", NOTE, b"\x00"):
        WitnessFile(path).keep(note)
        assert WitnessFile(path).load() == note
    assert [p.name for p in path.parent.iterdir()] == ["county"]


def test_a_file_that_was_cut_or_changed_is_refused(tmp_path: Path) -> None:
    memory = WitnessFile(tmp_path / "county")
    memory.keep(NOTE)
    whole = (tmp_path / "county").read_bytes()
    damaged = [whole[:n] for n in range(len(whole))]
    damaged += [whole[:n] + bytes([whole[n] ^ 1]) + whole[n + 1 :] for n in range(len(whole))]
    for content in (*damaged, whole + b"\n", b"x" + whole, b"\x00" * len(whole), whole * 2):
        (tmp_path / "county").write_bytes(content)
        with pytest.raises(StoreError, match="damaged"):
            memory.load()
    (tmp_path / "county").write_bytes(whole)
    assert memory.load() == NOTE


def test_a_half_written_file_beside_it_does_not_count(tmp_path: Path) -> None:
    memory = WitnessFile(tmp_path / "county")
    memory.keep(NOTE)
    (tmp_path / ".county.partial").write_bytes(b"heyi wit")
    assert memory.load() == NOTE
    memory.keep(b"next")
    assert memory.load() == b"next"


def test_a_place_that_cannot_be_used_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    (tmp_path / "county").mkdir()
    with pytest.raises(StoreError, match="could not be read"):
        WitnessFile(tmp_path / "county").load()
    with pytest.raises(StoreError, match="could not remember"):
        WitnessFile(tmp_path / "county").keep(NOTE)
    with pytest.raises(StoreError, match="could not remember"):
        WitnessFile(tmp_path / "file" / "county").keep(NOTE)


@pytest.mark.skipif(os.name != "posix", reason="folders of POSIX systems")
@pytest.mark.parametrize(
    ("variables", "folder"),
    [
        ({"HEYI_WITNESS": "/w", "XDG_STATE_HOME": "/state", "HOME": "/home/li"}, "/w"),
        ({"XDG_STATE_HOME": "/state", "HOME": "/home/li"}, "/state/heyi/witness"),
        ({"XDG_STATE_HOME": "", "HOME": "/home/li"}, "/home/li/.local/state/heyi/witness"),
        ({"XDG_STATE_HOME": "not/whole", "HOME": "/h"}, "/h/.local/state/heyi/witness"),
    ],
)
def test_where_witnesses_remember(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], folder: str
) -> None:
    monkeypatch.delenv("HEYI_WITNESS", raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert witness_folder() == Path(folder)
