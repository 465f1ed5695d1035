"""The folder of a run.

DIR/run.json            what runs here, from which seed, and whether it finished
DIR/trust.json          the public keys that an outsider needs to verify
DIR/heyi.db             the log of the centre
DIR/nodes/HOST.db       the log and the counters of each node
DIR/institutions/       the files of the synthetic institutions (demonstration only)
DIR/receipts/           proofs that acts were logged, for the parties to take away
DIR/report.html         the report
DIR/interrupted-N/      an earlier run that was interrupted; its log can still be verified
DIR/.heyi.lock          held while `heyi demo` or `heyi run` writes here

A backup has `backup.json` instead of `run.json`, so that no command writes into it.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

from heyi.audit.note import check_name
from heyi.audit.succession import Succeeds
from heyi.crypto.codec import from_json
from heyi.crypto.keys import load_public_key
from heyi.model.errors import Conflict, InvalidInput, StoreError
from heyi.store.file_lock import held

_KNOWN = (
    "heyi.db",
    "heyi.db-wal",
    "heyi.db-shm",
    "nodes",
    "institutions",
    "receipts",
    "trust.json",
    "report.html",
    "run.json",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """`what` is `demo` or the name of a study; `finished` is false until the run is complete.

    `id` is 32 hexadecimal digits that no other run has: the witness remembers the run by it, so
    that a copy of the folder is the same run, and a run from the same seed another one. `origin`
    is the name of its log. `store` is the address of the centre's database, such as
    `postgresql://heyi@db.example/log`; empty for `heyi.db` in the folder.
    """

    what: str
    seed: int
    id: str
    origin: str
    store: str = ""
    finished: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """Names and public keys (hexadecimal) that a verifier trusts.

    Get them by another way than the folder: whoever changes the folder can change them too.
    `succeeds` are the logs that this one goes on from, the oldest first.
    """

    origin: str
    log_key: str
    witness: tuple[str, str]
    issuer: tuple[str, str]
    succeeds: tuple[Succeeds, ...] = ()


RUN, BACKUP, _LOCK = "run.json", "backup.json", ".heyi.lock"


@contextmanager
def alone(directory: Path) -> Iterator[None]:
    """Nobody else makes a run in this folder within it.

    Raises:
        Conflict: somebody does.
        InvalidInput: the folder holds other files.
        StoreError: it cannot be written.
    """
    taken = Conflict(
        "another command is writing here",
        hint="wait until it has ended, or choose another folder with --dir",
    )
    try:
        _check_ours(directory)
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as e:
        raise _not_written(directory, e) from None
    with held(directory / _LOCK, taken):
        yield


def _check_ours(directory: Path) -> None:
    if directory.exists() and not (directory / RUN).is_file() and not _barely_begun(directory):
        raise InvalidInput(
            f"`{directory}` holds other things",
            hint="choose an empty or a new folder with --dir",
        )


def _not_written(directory: Path, error: OSError) -> StoreError:
    return StoreError(f"cannot write `{directory}`: {error.strerror}", hint="choose another folder")


def prepare(directory: Path) -> None:
    """Make room for a new run: remove a finished run, move an interrupted one aside.

    Raises:
        InvalidInput: the folder holds other files.
        StoreError: it cannot be written.
    """
    try:
        _check_ours(directory)
        if (directory / RUN).is_file():
            _put_away(directory, finished=read_run(directory).finished)
        (directory / "nodes").mkdir(parents=True, exist_ok=True)
    except OSError as e:
        raise _not_written(directory, e) from None


def _barely_begun(directory: Path) -> bool:
    """Whether a run was interrupted before it wrote `run.json`."""
    ours = ("nodes", ".run.json.partial", _LOCK)
    return all(
        p.name in ours or p.name.startswith("interrupted-") for p in directory.iterdir()
    ) and not any((directory / "nodes").glob("*"))


def _put_away(directory: Path, *, finished: bool) -> None:
    aside = None
    if not finished:
        # If this move was itself interrupted, the last folder has no run.json yet: continue there.
        numbered = (directory / f"interrupted-{n}" for n in range(1, 10**6))
        aside = next(p for p in numbered if not (p / "run.json").exists())
        aside.mkdir(exist_ok=True)
    # INVARIANT: run.json goes last. While it is there, the folder is known as a folder of Heyi.
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


def write_run(directory: Path, run: Run, name: str = RUN) -> None:
    """Write `run.json`; only its owner may read it, since the seed gives every key of the run."""
    _write(directory / name, asdict(run), mode=0o600)


def read_run(directory: Path, name: str = RUN) -> Run:
    """The run of a folder; `name` may be `backup.json` to read that of a backup.

    Raises:
        InvalidInput: it is not a folder of Heyi, or it is a backup.
    """
    if name == RUN and not (directory / RUN).exists() and (directory / BACKUP).exists():
        raise InvalidInput(
            f"`{directory}` is a backup, in which nobody works",
            hint=f"heyi restore {directory} NEW_FOLDER",
        )
    value = _read(directory / name)
    what, seed, finished = value.get("what"), value.get("seed"), value.get("finished")
    id_, origin, store = value.get("id"), value.get("origin"), value.get("store")
    if (
        not isinstance(what, str)
        or type(seed) is not int
        or not isinstance(finished, bool)
        or not isinstance(id_, str)
        or not re.fullmatch("[0-9a-f]{32}", id_)
        or not isinstance(origin, str)
        or not isinstance(store, str)
    ):
        raise InvalidInput(
            f"`{directory / name}` is not of a run", hint="begin again in a new folder"
        )
    check_name(origin)
    return Run(what=what, seed=seed, id=id_, origin=origin, store=store, finished=finished)


def finish_run(directory: Path) -> None:
    """Write that the run is complete.

    Raises:
        InvalidInput: the folder is none of Heyi.
        StoreError: it cannot be written.
    """
    write_run(directory, replace(read_run(directory), finished=True))


def write_receipt(directory: Path, entry: int, proof: bytes) -> Path:
    """Write a receipt for an entry into the folder's `receipts`, completely or not at all.

    Raises:
        StoreError: it cannot be written.
    """
    path = directory / "receipts" / f"entry-{entry}.tlog-proof"
    partial = path.with_name(f".{path.name}.partial")
    try:
        path.parent.mkdir(exist_ok=True)
        partial.write_bytes(proof)
        partial.replace(path)
    except OSError as e:
        raise StoreError(
            f"cannot write `{path}`: {e.strerror}",
            hint="the act is logged; free the disk and ask for its receipt again",
        ) from None
    return path


def write_trust(directory: Path, trust: Trust) -> None:
    _write(directory / "trust.json", asdict(trust))


def read_trust(path: Path) -> Trust:
    """The names and keys that a verifier trusts.

    Raises:
        InvalidInput: the file is absent or holds something else.
    """
    value = _read(path)

    def named(field: str) -> tuple[str, str]:
        pair = value.get(field)
        if (
            not isinstance(pair, list)
            or len(pair) != 2
            or not all(isinstance(v, str) and v for v in pair)
        ):
            raise InvalidInput(
                f"`{path}` holds no keys to verify with: `{field}` is no name with its key",
                hint="get trust.json from whoever runs the log",
            )
        check_name(pair[0])
        load_public_key(pair[1])
        return pair[0], pair[1]

    origin, log_key = value.get("origin"), value.get("log_key")
    if not isinstance(origin, str) or not origin or not isinstance(log_key, str):
        raise InvalidInput(
            f"`{path}` holds no keys to verify with",
            hint="get trust.json from whoever runs the log",
        )
    check_name(origin)
    load_public_key(log_key)
    return Trust(
        origin=origin,
        log_key=log_key,
        witness=named("witness"),
        issuer=named("issuer"),
        succeeds=_succeeds(value.get("succeeds"), path),
    )


def _succeeds(value: object, path: Path) -> tuple[Succeeds, ...]:
    """The predecessors in a trust file; each has taken over fewer entries than the next."""
    try:
        found = from_json([] if value is None else value, tuple[Succeeds, ...])
    except InvalidInput:
        found = None
    sizes = [before.size for before in found or ()]
    if (
        found is None
        or not all(re.fullmatch("[0-9a-f]{64}", before.root) for before in found)
        or any(a >= b for a, b in pairwise([-1, *sizes]))
    ):
        raise InvalidInput(
            f"`{path}` names its predecessor wrongly",
            hint="get trust.json from whoever runs the log",
        )
    for before in found:
        check_name(before.origin)
        load_public_key(before.log_key)
    return found


def _write(path: Path, value: Mapping[str, object], *, mode: int = 0o644) -> None:
    """Write a file completely or not at all."""
    # A rename is atomic, and readers never see the partial file under the right name.
    partial = path.with_name(f".{path.name}.partial")
    text = json.dumps(value, ensure_ascii=False, indent=2, sort_keys=True) + "\n"
    try:
        partial.write_text(text, encoding="utf-8")
        partial.chmod(mode)
        partial.replace(path)
    except OSError as e:
        raise StoreError(
            f"cannot write `{path}`: {e.strerror}", hint="free the disk or choose another folder"
        ) from None


_MOST = 1_000_000
"""The largest file of keys or of a run that is read, in bytes."""
_ANOTHER = "make it readable, or get it again from whoever runs the log"


def _read(path: Path) -> dict[str, Any]:
    try:
        if path.exists() and not path.is_file():
            # a pipe would wait for ever, a device would never end
            hint = f"name the file, such as {path / 'trust.json'}" if path.is_dir() else _ANOTHER
            raise InvalidInput(f"`{path}` is not a regular file", hint=hint)
        if path.exists() and path.stat().st_size > _MOST:
            raise InvalidInput(f"`{path}` is larger than such a file can be", hint=_ANOTHER)
        value = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InvalidInput(
            f"`{path.parent}` has no {path.name}",
            hint="name a folder that `heyi demo` or `heyi run` made",
        ) from None
    except (OSError, ValueError, RecursionError) as e:
        why = e.strerror if isinstance(e, OSError) else e
        raise InvalidInput(f"cannot read `{path}`: {why}", hint=_ANOTHER) from None
    if not isinstance(value, dict):
        raise InvalidInput(f"cannot read `{path}`: not a JSON object", hint=_ANOTHER)
    return value
