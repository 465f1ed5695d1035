"""Utilities that a consortium measures with a program of its own, and the file that registers how they are settled.

    study = "cohort-model"
    players = ["clinic-a", "clinic-b", "hospital"]
    utility = "my_module:utility"      # a function of the ids of a coalition's members; of nobody it is 0 unasked
    unit = "points"
    decimals = 6                       # what it returns is rounded to millionths (default 0: whole numbers)
    evaluations = 600                  # of a sample; 0, the default, is every coalition
    seed = 7
    data = ["cohort.csv", "helper.py"] # whatever else the program reads or imports, beside this file

    [settlement]
    pot_fen = 10_000_000               # and the terms of a study file

The digests of the program and of these files are part of the specification: changed, it is another utility.
"""

from __future__ import annotations

import hashlib
import sys
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from math import inf
from pathlib import Path
from types import ModuleType
from typing import Any

from heyi.crypto.canonical import Json
from heyi.model.errors import InvalidInput
from heyi.model.party import check_id
from heyi.sources.study_file import read_pot

_KEYS = {
    "study",
    "players",
    "utility",
    "unit",
    "decimals",
    "evaluations",
    "seed",
    "data",
    "settlement",
}
_POT = {
    *("pot_fen", "floors", "floors_at_most", "group", "group_floor", "negatives"),
    *("owners", "levels", "dispute_days", "payment"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class UtilityProgram:
    """A utility by the name of a function, which each worker loads for itself; `folder` is where its module lies."""

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
        """The utility of each coalition, in the order asked.

        Raises:
            InvalidInput: the function gives what is no finite number, or not a whole one where it should.
        """
        function = _load(self.program, self.folder, self.specification["source"])
        found = []
        for mask in masks:
            members = tuple(p for i, p in enumerate(self.players) if mask >> i & 1)
            try:
                value = function(members)
            except (
                Exception,
                SystemExit,
            ) as e:  # whatever a program raises, its user hears of what and where
                raise InvalidInput(
                    f"the program failed on {', '.join(members)}: {type(e).__name__}: {e}",
                    hint="mend it and run again",
                ) from e
            if (
                isinstance(value, bool)
                or not isinstance(value, int | float)
                or value != value
                or abs(value) == inf
            ):
                raise InvalidInput(
                    f"the utility of {', '.join(members)} is {value!r}",
                    hint="return a finite number",
                )
            scaled = round(Fraction(value) * 10**self.decimals)
            if not self.decimals and scaled != value:
                raise InvalidInput(
                    f"the utility of {', '.join(members)} is {value!r}, no whole number",
                    hint="give `decimals`",
                )
            found.append(scaled)
        return found


def read_utility_program(path: Path) -> UtilityProgram:
    """The utility that a file names.

    Raises:
        InvalidInput: the file is absent or not as it should be, or its program cannot be found.
    """
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as e:
        raise InvalidInput(
            f"cannot read `{path}`: {e}", hint="a file of a utility is UTF-8 TOML"
        ) from None
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
    try:
        if not isinstance(raw["players"], list) or not all(
            isinstance(p, str) for p in raw["players"]
        ):
            raise ValueError('players is a list of ids, such as ["clinic-a", "hospital"]')
        players = tuple(check_id(p, "party") for p in raw["players"])
        if list(players) != sorted(set(players)):
            raise ValueError(
                f"players stand once each, in the order of their ids: {', '.join(sorted(set(players)))}"
            )
        numbers = {k: raw.get(k, 0) for k in ("decimals", "evaluations", "seed")}
        if (
            any(type(n) is not int or not 0 <= n < 1 << 53 for n in numbers.values())
            or numbers["decimals"] > 18
        ):
            raise ValueError(
                "decimals, evaluations and seed are whole numbers that are not negative"
            )
        files = raw.get("data", [])
        if not isinstance(files, list) or not all(isinstance(f, str) for f in files):
            raise ValueError("data is a list of files beside this one")
        pot, program, folder = read_pot(settlement), str(raw["utility"]), str(path.resolve().parent)
        pot.check_names(players)
        if numbers["evaluations"] and (pot.owners or pot.levels):
            raise ValueError(
                "a sample knows neither owners nor levels: leave evaluations out, or join owners"
            )
        if not all(program.partition(":")):
            raise ValueError(f'utility is `{program}`, and is written "module:function"')
        source = _source(program, folder)
        return UtilityProgram(
            study=check_id(str(raw["study"]), "study"),
            players=players,
            unit=str(raw.get("unit", "points"))
            if not numbers["decimals"]
            else _scaled(raw, numbers["decimals"]),
            specification={
                "utility": "program",
                "program": program,
                "source": _digest(source),
                "data": {name: _digest(_beside(folder, name)) for name in sorted(files)},
                "decimals": numbers["decimals"],
                "sample": {k: numbers[k] for k in ("evaluations", "seed")}
                if numbers["evaluations"]
                else None,
                **pot.to_json(),
            },
            program=program,
            folder=folder,
            **numbers,
        )
    except KeyError as e:
        raise InvalidInput(
            f"{path}: {e.args[0]} is missing", hint="see examples/value for a whole file"
        ) from None
    except InvalidInput as e:
        raise InvalidInput(
            f"{path}: {e.message}", hint=e.hint or "see examples/value for a whole file"
        ) from None
    except (TypeError, ValueError, AttributeError, ArithmeticError) as e:
        raise InvalidInput(f"{path}: {e}", hint="see examples/value for a whole file") from None


def _scaled(raw: Mapping[str, Any], decimals: int) -> str:
    return f"1e-{decimals} {raw.get('unit', 'points')}"


def _source(program: str, folder: str) -> bytes:
    module = program.partition(":")[0]
    try:
        return Path(folder, f"{module}.py").read_bytes()
    except OSError as e:
        raise InvalidInput(
            f"there is no program `{module}` in `{folder}`: {e.strerror}",
            hint='write utility = "module:function"',
        ) from None


def _beside(folder: str, name: str) -> bytes:
    try:
        return Path(folder, name).read_bytes()
    except OSError as e:
        raise InvalidInput(
            f"there is no file `{name}` in `{folder}`: {e.strerror}", hint="name files of `data`"
        ) from None


@lru_cache(maxsize=4)
def _load(program: str, folder: str, source: str) -> Callable[[tuple[str, ...]], float]:
    """The function of the program whose source has this digest."""
    content, (module, _, name) = _source(program, folder), program.partition(":")
    if _digest(content) != source:
        raise InvalidInput(f"the program `{module}` was changed while it ran", hint="run again")
    found = ModuleType(module)
    found.__file__ = str(Path(folder, f"{module}.py"))
    if folder not in sys.path:  # for what it imports beside it
        sys.path.append(folder)
    sys.modules[module] = found  # where dataclasses look their module up
    try:
        exec(compile(content, found.__file__, "exec"), found.__dict__)
    except (Exception, SystemExit) as e:
        del sys.modules[module]
        raise InvalidInput(
            f"the program `{module}` cannot be loaded: {type(e).__name__}: {e}",
            hint="mend it and run again",
        ) from e
    function = getattr(found, name, None)
    if not callable(function):
        raise InvalidInput(
            f"`{module}` has no function `{name}`", hint='write utility = "module:function"'
        )
    chosen: Callable[[tuple[str, ...]], float] = function
    return chosen


def _digest(source: bytes) -> str:
    return f"sha256:{hashlib.sha256(source).hexdigest()}"
