"""Read the file of a utility that a program of the consortium computes. An example of the file:

    study = "cohort-model"
    players = ["clinic-a", "clinic-b", "hospital"]
    utility = "my_module:utility"      # a function of the ids of a coalition's members; the empty
                                       # coalition has utility 0 without a call
    unit = "points"
    decimals = 6                       # results are rounded to millionths (default: must be whole)
    evaluations = 600                  # size of a sample (default 0: every coalition)
    seed = 7
    data = ["cohort.csv", "helper.py"] # files beside this one that the program reads or imports

    [settlement]
    pot_fen = 10_000_000               # and the other terms, as in a study file

The digests of the program and of these files are part of the specification: after a change it is
another utility.
"""

from __future__ import annotations

import codecs
import io
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache, partial
from math import isfinite
from pathlib import Path
from types import ModuleType
from typing import Any, TextIO

from heyi.crypto.canonical import Json, digest_bytes
from heyi.model.errors import InvalidInput
from heyi.model.party import check_id
from heyi.settlement.evaluate import described
from heyi.sources.data_folder import check_regular, file_in
from heyi.sources.fields import LARGEST, Fields, errors_in, read_toml
from heyi.sources.study_file import MOST_EVALUATIONS, read_pot

_KEYS = {
    *("study", "players", "utility", "unit", "decimals"),
    *("evaluations", "seed", "data", "settlement"),
}
_POT = {
    *("pot_fen", "floors", "floors_at_most", "group", "group_floor", "negatives"),
    *("owners", "levels", "dispute_days", "payment"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class UtilityProgram:
    """A utility that a function computes.

    `program` is `module:function`, and `folder` holds the module. Each worker process loads it
    again, because a function cannot be sent to another process. Values are integers in units of
    10^-`decimals`. `evaluations` and `seed` describe a sample; 0 evaluations mean all coalitions.
    """

    study: str
    players: tuple[str, ...]
    unit: str
    specification: Mapping[str, Json]
    program: str
    folder: str
    decimals: int
    evaluations: int
    seed: int

    def value_batch(self, masks: Sequence[int]) -> list[int]:
        """The utility of each coalition; bit i of a mask says whether player i is a member.

        Raises:
            InvalidInput: the program fails, or does not return a finite number, or must return a
                whole number and does not.
        """
        function = _load(self.program, self.folder, self.specification["source"])
        found = []
        for mask in masks:
            members = tuple(p for i, p in enumerate(self.players) if mask >> i & 1)
            who = ", ".join(members)
            returned, failure = _guarded(partial(function, members))
            if failure:
                raise InvalidInput(
                    f"the program failed on {who}: {failure}", hint="mend it and run again"
                )
            value = _number(returned)
            if value is None:
                text, _ = _guarded(partial(described, returned))
                raise InvalidInput(f"the utility of {who} is {text}", hint="return a finite number")
            scaled = round(Fraction(value) * 10**self.decimals)
            if not self.decimals and scaled != value:
                raise InvalidInput(
                    f"the utility of {who} is {value!r}, no whole number", hint="give `decimals`"
                )
            found.append(scaled)
        return found


def _number(value: object) -> int | float | None:
    """The finite number that a program returned, as a plain int or float; None if it is none."""
    kind = type(value)
    # A subclass may compare, round and print as it likes. Its plain number has no foreign methods.
    if issubclass(kind, int) and kind is not bool:
        return int.__int__(value)  # type: ignore[arg-type]
    if issubclass(kind, float):
        plain = float.__float__(value)  # type: ignore[arg-type]
        return plain if isfinite(plain) else None
    return None


def _guarded(call: Callable[[], Any]) -> tuple[Any, str]:
    """What foreign code returns, and an empty text; or None, and what it raised or closed.

    The error itself does not leave this function, since its methods are foreign code too. An
    interrupt by the user is none of the program's errors.
    """
    with _lent_streams() as lent:
        try:
            returned, failure = call(), ""
        except KeyboardInterrupt:
            raise
        except BaseException as e:  # noqa: BLE001  foreign code may raise anything
            kind = type.__dict__["__name__"].__get__(type(e))
            returned, failure = None, f"{kind}: {described(e, str)}"
        closed = [name for name, stream in lent.items() if _is_closed(stream)]
    return returned, failure or (f"it closed sys.{closed[0]}" if closed else "")


def _is_closed(stream: io.TextIOWrapper) -> bool:
    try:
        return stream.closed
    except ValueError:  # its buffer was detached
        return True


class _Lent(io.RawIOBase):
    """The bottom of a lent stream: it passes text on, and closing it closes nothing else."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._stream.fileno()

    def isatty(self) -> bool:
        return self._stream.isatty()

    def write(self, data: Any) -> int:
        self._stream.write(self._decoder.decode(bytes(data)))
        return len(data)


@contextmanager
def _lent_streams() -> Iterator[dict[str, io.TextIOWrapper]]:
    """Other stdout and stderr while foreign code runs, since it may close or replace them."""
    names = ("stdout", "stderr", "__stdout__", "__stderr__")
    kept = {name: getattr(sys, name) for name in names}
    lent = {}
    for name, stream in kept.items():
        if stream is not None:
            buffer: Any = io.BufferedWriter(_Lent(stream))
            lent[name] = io.TextIOWrapper(buffer, "utf-8", "replace", line_buffering=True)
            setattr(sys, name, lent[name])
    try:
        yield lent
    finally:
        for name, stream in kept.items():
            setattr(sys, name, stream)
        for stream in lent.values():
            if not _is_closed(stream):
                stream.flush()


def read_utility_program(path: Path) -> UtilityProgram:
    """The utility that a file describes.

    Raises:
        InvalidInput: the file is absent or wrong, or its program cannot be found.
    """
    hint = "a file of a utility is UTF-8 TOML"
    try:
        raw = read_toml(path, hint)
    except FileNotFoundError as e:
        raise InvalidInput(f"cannot read `{path}`: {e}", hint=hint) from None
    settlement = raw.get("settlement")
    if not isinstance(settlement, dict):
        raise InvalidInput(
            f"{path}: [settlement] is missing", hint="with pot_fen and the terms of the pot"
        )
    for table, given, known in (("", raw, _KEYS), ("[settlement] ", settlement, _POT)):
        if unknown := sorted(set(given) - known):
            where = " It stands in [settlement]." if not table and unknown[0] in _POT else ""
            raise InvalidInput(
                f"{path}: {table}unknown key `{unknown[0]}`",
                hint=f"one of {', '.join(sorted(known))}.{where}",
            )
    with errors_in(path, "see examples/value for a whole file"):
        return _described(raw, settlement, str(path.resolve().parent))


def _described(raw: dict[str, Any], settlement: dict[str, Any], folder: str) -> UtilityProgram:
    """The utility of a file whose keys are known.

    Raises:
        InvalidInput: a field is missing or wrong, or a file beside this one cannot be read.
        ValueError: the same, for a few fields.
    """
    fields = Fields(raw, "")
    players = _players(raw.get("players"))
    numbers = _numbers(raw)
    files = raw.get("data", [])
    if not isinstance(files, list) or not all(isinstance(f, str) and f for f in files):
        raise ValueError("data is a list of files beside this one")
    pot, program = read_pot(settlement), fields.text("utility")
    pot.check_names(players)
    if numbers["evaluations"] and (pot.owners or pot.levels):
        raise ValueError(
            "a sample knows neither owners nor levels: leave evaluations out, or join owners"
        )
    if not all(program.partition(":")):
        raise ValueError(f'utility is `{program}`, and is written "module:function"')
    source = _source(program, folder)
    sample = {k: numbers[k] for k in ("evaluations", "seed")} if numbers["evaluations"] else None
    return UtilityProgram(
        study=check_id(fields.text("study"), "study"),
        players=players,
        unit=_unit(fields.text("unit", "points"), numbers["decimals"]),
        specification={
            "utility": "program",
            "program": program,
            "source": digest_bytes(source),
            "data": {name: digest_bytes(_beside(folder, name)) for name in sorted(files)},
            "decimals": numbers["decimals"],
            "sample": sample,
            **pot.to_json(),
        },
        program=program,
        folder=folder,
        **numbers,
    )


def _players(given: object) -> tuple[str, ...]:
    if not isinstance(given, list) or not all(isinstance(p, str) for p in given):
        raise ValueError('players is a list of ids, such as ["clinic-a", "hospital"]')
    players = tuple(check_id(p, "party") for p in given)
    # INVARIANT: the order of players is fixed, since bit i of a mask is player i in every file.
    if list(players) != sorted(set(players)):
        raise ValueError(
            f"players stand once each, in the order of their ids: {', '.join(sorted(set(players)))}"
        )
    return players


def _numbers(raw: Mapping[str, Any]) -> dict[str, int]:
    numbers = {k: raw.get(k, 0) for k in ("decimals", "evaluations", "seed")}
    if (
        any(type(n) is not int or not 0 <= n <= LARGEST for n in numbers.values())
        or numbers["decimals"] > 18
        or numbers["evaluations"] > MOST_EVALUATIONS
    ):
        raise ValueError(
            "decimals, evaluations and seed are whole numbers that are not negative; "
            f"decimals are at most 18, evaluations at most {MOST_EVALUATIONS:,}"
        )
    return numbers


def _unit(unit: str, decimals: int) -> str:
    """The unit of the integers, for example `1e-6 points`."""
    return f"1e-{decimals} {unit}" if decimals else unit


def _source(program: str, folder: str) -> bytes:
    """The source of the module of `program`."""
    module = program.partition(":")[0]
    try:
        return _content(folder, f"{module}.py")
    except OSError as e:
        raise InvalidInput(
            f"there is no program `{module}` in `{folder}`: {e.strerror}",
            hint='write utility = "module:function"',
        ) from None


def _content(folder: str, name: str) -> bytes:
    """The content of a file that lies in the folder, and nowhere else."""
    path = file_in(Path(folder), name)
    check_regular(path)
    return path.read_bytes()


def _beside(folder: str, name: str) -> bytes:
    """The content of a file of `data`."""
    try:
        return _content(folder, name)
    except OSError as e:
        raise InvalidInput(
            f"there is no file `{name}` in `{folder}`: {e.strerror}", hint="name files of `data`"
        ) from None


@lru_cache(maxsize=4)
def _load(program: str, folder: str, source: str) -> Callable[[tuple[str, ...]], float]:
    """The function of a program; `source` is the expected digest of its source."""
    # INVARIANT: only the registered source runs, also in a worker that starts late.
    content, (module, _, name) = _source(program, folder), program.partition(":")
    if digest_bytes(content) != source:
        raise InvalidInput(f"the program `{module}` was changed while it ran", hint="run again")
    found = ModuleType(module)
    found.__file__ = str(Path(folder, f"{module}.py"))
    if folder not in sys.path:  # the program may import modules beside it
        sys.path.append(folder)
    sys.modules[module] = found  # dataclasses look for their module there
    where = found.__file__
    _, failure = _guarded(lambda: exec(compile(content, where, "exec"), found.__dict__))
    if failure:
        sys.modules.pop(module, None)
        raise InvalidInput(
            f"the program `{module}` cannot be loaded: {failure}", hint="mend it and run again"
        )
    # `getattr` too may run foreign code: a module may have a `__getattr__` of its own
    function, failure = _guarded(lambda: getattr(found, name, None))
    if failure or not callable(function):
        raise InvalidInput(
            f"`{module}` has no function `{name}`", hint='write utility = "module:function"'
        )
    chosen: Callable[[tuple[str, ...]], float] = function
    return chosen
