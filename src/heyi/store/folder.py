"""The folder of a run.

DIR/run.json            what runs here, from which seed, and whether it came to its end
DIR/trust.json          the public keys that an outsider needs to verify
DIR/heyi.db             the centre's log
DIR/nodes/HOST.db       each node's own log and counters
DIR/institutions/       the files of the synthetic institutions (demonstration only)
DIR/report.html         the report
DIR/interrupted-N/      an earlier run that did not come to its end; its log still verifies
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from heyi.model.errors import InvalidInput, StoreError

_KNOWN = ("heyi.db", "heyi.db-wal", "heyi.db-shm", "nodes", "institutions", "trust.json", "report.html", "run.json")


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """`what` is `demo` or the name of a study; `finished` is false while it runs and after it was interrupted."""

    what: str
    seed: int
    finished: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """Names and public keys (hexadecimal) that a verifier pins; get them by another way than the folder."""

    origin: str
    log_key: str
    witness: tuple[str, str]
    issuer: tuple[str, str]


def prepare(directory: Path) -> None:
    """Make room for a new run: a finished one is removed, an interrupted one is set aside.

    Raises:
        InvalidInput: the folder holds something else.
        StoreError: it cannot be written.
    """
    try:
        if directory.exists() and any(directory.iterdir()):
            if not (directory / "run.json").is_file():
                raise InvalidInput(
                    f"`{directory}` holds other things", hint="choose an empty or a new folder with --dir"
                )
            _put_away(directory, finished=read_run(directory).finished)
        (directory / "nodes").mkdir(parents=True, exist_ok=True)
    except OSError as e:
        raise StoreError(f"cannot write `{directory}`: {e.strerror}", hint="choose another folder") from None


def _put_away(directory: Path, *, finished: bool) -> None:
    aside = None
    if not finished:
        aside = next(p for n in range(1, 10**6) if not (p := directory / f"interrupted-{n}").exists())
        aside.mkdir()
    # run.json goes last: while it stands, the folder is known to be Heyi's
    for name in _KNOWN:
        path = directory / name
        if not path.exists():
            continue
        if aside is not None:
            path.rename(aside / name)
        elif path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()


def write_run(directory: Path, run: Run) -> None:
    _write(directory / "run.json", asdict(run))


def read_run(directory: Path) -> Run:
    """What runs in a folder.

    Raises:
        InvalidInput: it is no folder of Heyi.
    """
    value = _read(directory / "run.json")
    try:
        return Run(what=str(value["what"]), seed=int(value["seed"]), finished=value["finished"] is True)
    except (KeyError, TypeError, ValueError):
        raise InvalidInput(f"`{directory / 'run.json'}` is not of a run", hint="begin again in a new folder") from None


def write_trust(directory: Path, trust: Trust) -> None:
    _write(directory / "trust.json", asdict(trust))


def read_trust(path: Path) -> Trust:
    """The keys that a verifier pins.

    Raises:
        InvalidInput: the file is absent or holds something else.
    """
    value = _read(path)
    try:
        (witness, witness_key), (issuer, issuer_key) = value["witness"], value["issuer"]
        return Trust(
            origin=value["origin"],
            log_key=value["log_key"],
            witness=(witness, witness_key),
            issuer=(issuer, issuer_key),
        )
    except (KeyError, TypeError, ValueError):
        raise InvalidInput(f"`{path}` holds no keys to verify with") from None


def _write(path: Path, value: Mapping[str, object]) -> None:
    """A file is there whole or not at all."""
    partial = path.with_name(f".{path.name}.partial")
    text = json.dumps(value, ensure_ascii=False, indent=2, sort_keys=True) + "\n"
    try:
        partial.write_text(text, encoding="utf-8")
        partial.replace(path)
    except OSError as e:
        raise StoreError(
            f"cannot write `{path}`: {e.strerror}", hint="free the disk or choose another folder"
        ) from None


def _read(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InvalidInput(
            f"`{path.parent}` has no {path.name}", hint="name a folder that `heyi demo` or `heyi run` made"
        ) from None
    except (OSError, ValueError) as e:
        raise InvalidInput(f"cannot read `{path}`: {e}") from None
    if not isinstance(value, dict):
        raise InvalidInput(f"cannot read `{path}`: not a JSON object")
    return value
