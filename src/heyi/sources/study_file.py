"""Read `study.toml`, the file of a study, as a plan; unknown keys are errors."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from enum import Enum
from fractions import Fraction
from pathlib import Path
from typing import Any, TypeVar

from heyi.exchange.request.grant import Terms
from heyi.exchange.study.plan import PlannedApproval, Site, StudyPlan
from heyi.exchange.study.valuation import Valuation
from heyi.federation.wire.operation import Operation
from heyi.model.errors import InvalidInput
from heyi.model.party import Tier, check_id
from heyi.settlement.allocate import Negatives, Policy
from heyi.settlement.pot import Payment, Pot

E = TypeVar("E", bound=Enum)
_TABLES = {  # table -> its keys
    "study": {"id", "zh", "en", "requester"},
    "data": {"columns", "origin", "secret"},
    "operation": {"name", "params"},
    "request": {"like", "facts", "profile", "registry"},
    "settlement": {
        *("utility", "fits", "of", "strata", "evaluations", "seed", "table"),
        *("pot_fen", "by", "floors", "floors_at_most", "group", "group_floor", "negatives"),
        *("owners", "levels", "twins", "dispute_days", "payment"),
    },
    "terms": {"min_cell", "max_calls", "days"},
    "site": {"id", "zh", "en", "tier", "file"},
    "approval": {"authority", "by", "given", "reasons", "conditions"},
}


def read_study(folder: Path) -> StudyPlan:
    """The plan in `folder/study.toml`.

    Raises:
        InvalidInput: the file is absent or is not TOML, or something in it is missing, unknown or
            out of range.
    """
    path = folder / "study.toml"
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InvalidInput(
            f"`{folder}` has no study.toml", hint="see examples/heart for one"
        ) from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as e:
        raise InvalidInput(
            f"cannot read `{path}`: {e}", hint="a study file is UTF-8 TOML"
        ) from None
    if unknown := sorted(set(raw) - set(_TABLES)):
        raise InvalidInput(
            f"{path}: unknown table `{unknown[0]}`", hint=f"one of {', '.join(sorted(_TABLES))}"
        )
    for table, keys in _TABLES.items():
        for row in raw.get(table, ()) if isinstance(raw.get(table), list) else [raw.get(table, {})]:
            if not isinstance(row, dict) or set(row) - keys:
                what = (
                    f"unknown key `{min(set(row) - keys)}`"
                    if isinstance(row, dict)
                    else "it is no table"
                )
                raise InvalidInput(
                    f"{path}: [{table}]: {what}", hint=f"one of {', '.join(sorted(keys))}"
                )
    try:
        return _plan(raw)
    except KeyError as e:
        raise InvalidInput(
            f"{path}: {e.args[0]} is missing", hint="see examples/heart for a whole study file"
        ) from None
    except (TypeError, ValueError, AttributeError, ArithmeticError) as e:
        raise InvalidInput(
            f"{path}: {e}", hint="see examples/heart for a whole study file"
        ) from None


def _plan(raw: dict[str, Any]) -> StudyPlan:
    """The plan; a missing key raises KeyError, a wrong value mostly ValueError or TypeError."""
    study, request, settlement = raw["study"], raw["request"], raw["settlement"]
    data = raw["data"]
    columns = data.get("columns")
    if not isinstance(data["secret"], bool):
        raise ValueError("secret must be true or false")
    terms = raw.get("terms", {})
    for name, value in (
        *terms.items(),
        *(c for a in raw.get("approval", ()) for c in a.get("conditions", {}).items()),
    ):
        if type(value) is not int or value < 1:
            raise ValueError(f"{name} must be a whole number above zero")
    if not all(isinstance(a["given"], bool) for a in raw.get("approval", ())):
        raise ValueError("given must be true or false")
    operations = raw["operation"] if isinstance(raw["operation"], list) else [raw["operation"]]
    pot = read_pot(settlement)
    pot.check_names({s["id"] for s in raw["site"]})
    return StudyPlan(
        id=check_id(study["id"], "study"),
        zh=study["zh"],
        en=study["en"],
        requester=check_id(study["requester"], "party"),
        sites=tuple(
            Site(
                id=check_id(s["id"], "party"),
                zh=s["zh"],
                en=s["en"],
                tier=Tier(s["tier"]),
                file=s["file"],
            )
            for s in raw["site"]
        ),
        columns=None if columns is None else tuple(columns),
        origin=data["origin"],
        secret=data["secret"],
        operations=tuple(Operation(name=o["name"], params=o["params"]) for o in operations),
        like=tuple(request["like"]),
        facts=request.get("facts", {}),
        profile=request.get("profile", {}),
        registry=request.get("registry", {}),
        approvals=tuple(
            PlannedApproval(
                authority=a["authority"],
                by=a["by"],
                given=a["given"],
                reasons=a["reasons"],
                conditions=a.get("conditions", {}),
            )
            for a in raw.get("approval", ())
        ),
        valuation=_valuation(settlement),
        pot=pot,
        settles=check_id(settlement.get("by", "finance-office"), "party"),
        terms=Terms(**terms),
    )


def _valuation(settlement: dict[str, Any]) -> Valuation:
    """How contributions are measured; a table is written `{ "a" = 3, "b" = 2, "a b" = 4 }`."""
    if not isinstance(settlement.get("table", {}), dict):
        raise ValueError('a table is written table = { "a" = 3, "b" = 2, "a b" = 4 }')
    return Valuation(
        utility=settlement["utility"],
        fits=settlement.get("fits", "exact"),
        of=settlement.get("of", ""),
        strata=tuple((s["name"], s["weight"]) for s in settlement.get("strata", ())),
        evaluations=settlement.get("evaluations", 0),
        seed=settlement.get("seed", 0),
        table=settlement.get("table", {}),
    )


def read_pot(settlement: Mapping[str, Any]) -> Pot:
    """The pot and its terms.

    A share is a text, for example `1/5`: a float would not be exact, and fen are divided exactly.
    """
    if type(settlement["pot_fen"]) is not int or settlement["pot_fen"] <= 0:
        raise ValueError("pot_fen must be a whole number of fen above zero")

    def share(key: str, value: object) -> Fraction:
        try:
            return Fraction(value) if isinstance(value, str) else Fraction("none")
        except (ValueError, ArithmeticError):
            raise ValueError(f'{key}: a share is a text such as "1/5", not {value!r}') from None

    def one_of(key: str, kind: type[E], value: object) -> E:
        try:
            return kind(value)
        except ValueError:
            raise ValueError(
                f"{key} is `{value}`, none of {', '.join(m.value for m in kind)}"
            ) from None

    for key, wanted, example in (
        ("floors", dict, '{ clinic = "1/20" }'),
        ("owners", dict, '{ clinic = "hospital" }'),
        ("levels", dict, '{ clinic = ["county", "township"] }'),
        ("group", list, '["clinic-a", "clinic-b"]'),
    ):
        if not isinstance(settlement.get(key, wanted()), wanted):
            raise ValueError(f"{key} is written {key} = {example}")
    return Pot(
        fen=settlement["pot_fen"],
        policy=Policy(
            floors={p: share("floors", f) for p, f in settlement.get("floors", {}).items()},
            floors_at_most=share("floors_at_most", settlement.get("floors_at_most", "1")),
            group=frozenset(settlement.get("group", ())),
            group_floor=share("group_floor", settlement.get("group_floor", "0")),
            negatives=one_of("negatives", Negatives, settlement.get("negatives", "zero")),
        ),
        owners=settlement.get("owners", {}),
        levels=settlement.get("levels", {}),
        twins=settlement.get("twins", "join"),
        dispute_days=settlement.get("dispute_days", 15),
        payment=one_of("payment", Payment, settlement.get("payment", "money")),
    )
