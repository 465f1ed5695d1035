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

from heyi.crypto.canonical import Json, digest_bytes
from heyi.model.errors import InvalidInput
from heyi.model.party import check_id
from heyi.sources.study_file import read_pot

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
            try:
                value = function(members)
            # The program is foreign code and may raise anything; the error says what and where.
            except (Exception, SystemExit) as e:
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
    """The utility that a file describes.

    Raises:
        InvalidInput: the file is absent or wrong, or its program cannot be found.
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
        return _described(raw, settlement, str(path.resolve().parent))
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


def _described(raw: dict[str, Any], settlement: dict[str, Any], folder: str) -> UtilityProgram:
    """The utility of a file whose keys are known.

    Raises:
        KeyError: a key is missing.
        ValueError: a value is wrong.
        InvalidInput: an id is not valid, or a file beside this one cannot be read.
    """
    players = _players(raw["players"])
    numbers = _numbers(raw)
    files = raw.get("data", [])
    if not isinstance(files, list) or not all(isinstance(f, str) for f in files):
        raise ValueError("data is a list of files beside this one")
    pot, program = read_pot(settlement), str(raw["utility"])
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
        study=check_id(str(raw["study"]), "study"),
        players=players,
        unit=_unit(raw, numbers["decimals"]),
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
        any(type(n) is not int or not 0 <= n < 1 << 53 for n in numbers.values())
        or numbers["decimals"] > 18
    ):
        raise ValueError("decimals, evaluations and seed are whole numbers that are not negative")
    return numbers


def _unit(raw: Mapping[str, Any], decimals: int) -> str:
    """The unit of the integers, for example `1e-6 points`."""
    unit = raw.get("unit", "points")
    return f"1e-{decimals} {unit}" if decimals else str(unit)


def _source(program: str, folder: str) -> bytes:
    """The source of the module of `program`."""
    module = program.partition(":")[0]
    try:
        return Path(folder, f"{module}.py").read_bytes()
    except OSError as e:
        raise InvalidInput(
            f"there is no program `{module}` in `{folder}`: {e.strerror}",
            hint='write utility = "module:function"',
        ) from None


def _beside(folder: str, name: str) -> bytes:
    """The content of a file of `data`."""
    try:
        return Path(folder, name).read_bytes()
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
