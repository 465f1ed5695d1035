"""The folder of a run: created, found again, moved aside; folders of others are not touched."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from heyi.model.errors import Conflict, InvalidInput, StoreError
from heyi.store.folder import (
    Run,
    Trust,
    alone,
    prepare,
    read_run,
    read_trust,
    write_run,
    write_trust,
)
from tests.support.logs import LOG, STRANGER, WITNESS

TRUST = Trust(
    origin=LOG.name,
    log_key=LOG.public_key,
    witness=(WITNESS.name, WITNESS.public_key),
    issuer=("platform", STRANGER.public_key),
)

ID = "0" * 32


def begun(directory: Path, *, finished: bool) -> Path:
    prepare(directory)
    (directory / "heyi.db").write_bytes(b"the log")
    (directory / "nodes" / "county-hospital.db").write_bytes(b"the node")
    write_trust(directory, TRUST)
    write_run(directory, Run(what="demo", seed=7, id=ID, origin="log.example", finished=finished))
    return directory


@pytest.mark.parametrize("exists", [False, True])
def test_a_new_or_empty_folder_is_made_ready(tmp_path: Path, exists: bool) -> None:
    directory = tmp_path / "deep" / "run"
    if exists:
        directory.mkdir(parents=True)
    prepare(directory)
    assert [p.name for p in directory.iterdir()] == ["nodes"]


def test_somebody_elses_folder_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "thesis.docx").write_text("years of work")
    with pytest.raises(InvalidInput, match="holds other things"):
        prepare(tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.docx"]


@pytest.mark.parametrize(
    "content", ["", "{}", "[]", '{"what": "x"}', '{"what": "x", "seed": null, "finished": true}']
)
def test_a_folder_with_another_programs_run_json_is_not_touched(
    tmp_path: Path, content: str
) -> None:
    (tmp_path / "run.json").write_text(content)
    (tmp_path / "heyi.db").write_bytes(b"whose?")
    with pytest.raises(InvalidInput):
        prepare(tmp_path)
    assert (tmp_path / "heyi.db").read_bytes() == b"whose?"


def test_a_finished_run_makes_room(tmp_path: Path) -> None:
    directory = begun(tmp_path / "run", finished=True)
    (directory / "my notes.txt").write_text("a person's own")
    prepare(directory)
    assert sorted(p.name for p in directory.iterdir()) == ["my notes.txt", "nodes"]
    assert list((directory / "nodes").iterdir()) == []


def test_interrupted_runs_are_set_aside_whole(tmp_path: Path) -> None:
    directory = begun(tmp_path / "run", finished=False)
    for n in (1, 2):
        prepare(directory)
        aside = directory / f"interrupted-{n}"
        assert (aside / "heyi.db").read_bytes() == b"the log"
        assert (aside / "nodes" / "county-hospital.db").read_bytes() == b"the node"
        assert read_run(aside) == Run(what="demo", seed=7, id=ID, origin="log.example")
        assert read_trust(aside / "trust.json") == TRUST
        assert not (directory / "heyi.db").exists()
        if n == 1:
            begun_again = Run(what="demo", seed=7, id=ID, origin="log.example")
            (directory / "heyi.db").write_bytes(b"the log")
            (directory / "nodes" / "county-hospital.db").write_bytes(b"the node")
            write_trust(directory, TRUST)
            write_run(directory, begun_again)
    assert sorted(p.name for p in directory.iterdir()) == [
        "interrupted-1",
        "interrupted-2",
        "nodes",
    ]


def test_a_run_interrupted_before_its_first_file_does_not_lock_the_folder(tmp_path: Path) -> None:
    prepare(tmp_path / "run")
    prepare(tmp_path / "run")


def test_a_file_in_the_place_of_the_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("a file")
    with pytest.raises(StoreError, match="cannot write"):
        prepare(tmp_path / "run")


@pytest.mark.parametrize("finished", [False, True])
def test_a_run_is_read_back(tmp_path: Path, finished: bool) -> None:
    run = Run(what="高血压", seed=2**40, id=ID, origin="log.example", finished=finished)
    write_run(tmp_path, run)
    assert read_run(tmp_path) == run
    assert [p.name for p in tmp_path.iterdir()] == ["run.json"]


def test_trust_is_read_back(tmp_path: Path) -> None:
    write_trust(tmp_path, TRUST)
    assert read_trust(tmp_path / "trust.json") == TRUST


def test_a_folder_without_a_run_says_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"has no run.json; name a folder that"):
        read_run(tmp_path)
    with pytest.raises(InvalidInput, match=r"has no trust.json"):
        read_trust(tmp_path / "trust.json")


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"null", b"[]", b'"run"', b"\xff\xfe", b"{}", b'{"what": "x", "seed": 1}',
     b'{"what": "x", "seed": "one", "finished": true}',
     b'{"what": "x", "seed": {}, "finished": true}',
     b'{"what": "x", "seed": Infinity, "finished": true}',
     b'{"what": "x", "seed": NaN, "finished": true}',
     pytest.param(b"[" * 100_000, id="deep")],
)  # fmt: skip
def test_a_malformed_run_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "run.json").write_bytes(content)
    with pytest.raises(InvalidInput):
        read_run(tmp_path)


@pytest.mark.parametrize("value", ["true", 1, None, "yes"])
def test_only_true_and_false_tell_whether_a_run_is_finished(tmp_path: Path, value: object) -> None:
    (tmp_path / "run.json").write_text(json.dumps({"what": "x", "seed": 1, "finished": value}))
    with pytest.raises(InvalidInput):
        read_run(tmp_path)


KEY = LOG.public_key


@pytest.mark.parametrize(
    "changed",
    [{"origin": 5}, {"origin": None}, {"log_key": []}, {"log_key": "zz" * 32}, {"witness": "ab"},
     {"witness": ["w"]}, {"witness": ["w", 5]}, {"witness": ["w", KEY, KEY]},
     {"witness": {"w": 1, "k": 2}}, {"witness": None},
     {"issuer": []}, {"issuer": ["p", "ff"]}, {"issuer": [KEY]}],
    ids=repr,
)  # fmt: skip
def test_malformed_trust_is_refused(tmp_path: Path, changed: dict[str, Any]) -> None:
    good = {"origin": LOG.name, "log_key": KEY, "witness": ["w", KEY], "issuer": ["p", KEY]}
    (tmp_path / "trust.json").write_text(json.dumps({**good, **changed}))
    with pytest.raises(InvalidInput):
        read_trust(tmp_path / "trust.json")


@pytest.mark.parametrize("member", ["origin", "log_key", "witness", "issuer"])
def test_trust_without_one_of_its_keys_is_refused(tmp_path: Path, member: str) -> None:
    write_trust(tmp_path, TRUST)
    value = json.loads((tmp_path / "trust.json").read_text())
    del value[member]
    (tmp_path / "trust.json").write_text(json.dumps(value))
    with pytest.raises(InvalidInput, match="holds no keys"):
        read_trust(tmp_path / "trust.json")


def test_writing_where_nothing_can_be_is_told(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot write"):
        write_run(tmp_path / "absent", Run(what="demo", seed=1, id=ID, origin="log.example"))


def test_one_command_at_a_time_makes_a_run(tmp_path: Path) -> None:
    directory = tmp_path / "deep" / "run"
    with alone(directory):
        begun(directory, finished=False)
        with pytest.raises(Conflict, match="another command is writing here"), alone(directory):
            pytest.fail("two at once")
        assert (directory / "heyi.db").read_bytes() == b"the log"
    with alone(directory):
        prepare(directory)
    (tmp_path / "thesis.docx").write_text("years of work")
    with pytest.raises(InvalidInput, match="holds other things"), alone(tmp_path):
        pytest.fail("somebody else's folder")
    assert {p.name for p in tmp_path.iterdir()} == {"deep", "thesis.docx"}
