"""Read `study.toml`, the file of a study, as a plan; unknown keys are errors."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from enum import Enum
from fractions import Fraction
from pathlib import Path
from typing import Any, TypeVar

from heyi.crypto.canonical import canonical
from heyi.crypto.codec import to_fraction
from heyi.exchange.consortium import PLATFORM
from heyi.exchange.request.grant import Terms
from heyi.exchange.study.plan import ATTESTER, PlannedApproval, Site, StudyPlan
from heyi.exchange.study.valuation import Valuation
from heyi.federation.wire.operation import Operation
from heyi.model.errors import InvalidInput
from heyi.model.party import Tier, check_id
from heyi.settlement.allocate import Negatives, Policy
from heyi.settlement.evaluate import described
from heyi.settlement.pot import Payment, Pot
from heyi.sources.fields import LARGEST, Fields, errors_in, read_toml

E = TypeVar("E", bound=Enum)
MOST_EVALUATIONS = 1 << 24
"""As many as a game of all coalitions has at most."""
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
_MOST = {"min_cell": LARGEST, "max_calls": LARGEST, "days": 36_500}
"""The largest value of each term; a permit of 100 years ends before the calendar does."""
_HINT = "see examples/heart for a whole study file"


def read_study(folder: Path) -> StudyPlan:
    """The plan in `folder/study.toml`.

    Every field is checked here, because the run replaces an earlier one as soon as it begins. Only
    the rulebook's words (facts, profiles, authorities) are checked later.

    Raises:
        InvalidInput: the file is absent or is not TOML, or something in it is missing, unknown, of
            another type or out of range.
    """
    path = folder / "study.toml"
    try:
        raw = read_toml(path, "a study file is UTF-8 TOML")
    except FileNotFoundError:
        raise InvalidInput(
            f"`{folder}` has no study.toml", hint="see examples/heart for one"
        ) from None
    if unknown := sorted(set(raw) - set(_TABLES)):
        raise InvalidInput(
            f"{path}: unknown table `{unknown[0]}`", hint=f"one of {', '.join(sorted(_TABLES))}"
        )
    with errors_in(path, _HINT):
        plan = _plan(raw)
        _check_parties(plan)
    return plan


def _tables(raw: Mapping[str, Any], name: str, *, several: bool = False) -> list[Fields]:
    """The tables of one name: `[name]` is one, `[[name]]` are several."""
    found = raw.get(name, [])
    rows = found if isinstance(found, list) and several else [found]
    return [Fields(row, f"[{name}]: ", _TABLES[name]) for row in rows if name in raw]


def _table(raw: Mapping[str, Any], name: str) -> Fields:
    tables = _tables(raw, name)
    if not tables:
        raise InvalidInput(f"{name} is missing")
    return tables[0]


def _plan(raw: dict[str, Any]) -> StudyPlan:
    study, data, request = (_table(raw, name) for name in ("study", "data", "request"))
    settlement = _table(raw, "settlement")
    sites = _tables(raw, "site", several=True)
    if not sites:
        raise InvalidInput("site is missing", hint="write [[site]] for each institution")
    pot = read_pot(raw["settlement"])
    plan = StudyPlan(
        id=check_id(study.text("id"), "study"),
        zh=study.text("zh"),
        en=study.text("en"),
        requester=check_id(study.text("requester"), "party"),
        sites=tuple(map(_site, sites)),
        columns=data.texts("columns") if "columns" in data else None,
        origin=data.text("origin"),
        secret=data.flag("secret"),
        operations=_operations(raw),
        like=request.texts("like"),
        facts=request.facts("facts"),
        profile=request.facts("profile"),
        registry=request.facts("registry"),
        approvals=tuple(_approval(a) for a in _tables(raw, "approval", several=True)),
        valuation=_valuation(settlement),
        pot=pot,
        settles=check_id(settlement.text("by", "finance-office"), "party"),
        terms=Terms(**_terms(raw.get("terms", {}), "[terms]: ")),
    )
    if plan.columns is not None and len(set(plan.columns)) != max(len(plan.columns), 1):
        raise InvalidInput("[data]: columns names no column, or one of them twice")
    pot.check_names({s.id for s in plan.sites})
    return plan


def _check_parties(plan: StudyPlan) -> None:
    """Check that all parties and assets can be registered: each id is valid and is used once."""
    for name in (*(a.by for a in plan.approvals), *(plan.asset(s.id) for s in plan.sites)):
        check_id(name, "party or asset")
    officials = {*(a.by for a in plan.approvals), plan.settles}
    used = Counter([PLATFORM, ATTESTER, plan.requester, *officials, *(s.id for s in plan.sites)])
    if twice := sorted(name for name, times in used.items() if times > 1):
        raise InvalidInput(
            f"the id `{twice[0]}` belongs to two parties",
            hint="requester, sites and authorities have different ids; "
            f"`{PLATFORM}` and `{ATTESTER}` are taken",
        )


def _site(site: Fields) -> Site:
    return Site(
        id=check_id(site.text("id"), "party"),
        zh=site.text("zh"),
        en=site.text("en"),
        tier=Tier(site.text("tier")),
        file=site.text("file"),
    )


def _approval(approval: Fields) -> PlannedApproval:
    where = "[approval]: conditions: "
    return PlannedApproval(
        authority=approval.text("authority"),
        by=approval.text("by"),
        given=approval.flag("given"),
        reasons=approval.text("reasons"),
        conditions=_terms(approval.table("conditions", {}), where),
    )


def _terms(given: object, where: str) -> dict[str, int]:
    """The terms that are given, each a whole number above zero."""
    terms = Fields(given, where, _TABLES["terms"])
    return {name: terms.whole(name, 1, most) for name, most in _MOST.items() if name in terms}


def _operations(raw: Mapping[str, Any]) -> tuple[Operation, ...]:
    found = []
    for row in _tables(raw, "operation", several=True):
        name, params = row.text("name"), row.table("params")
        try:
            operation = Operation(name=name, params=params)
            if not all(isinstance(kind, str) for kind in operation.kinds):
                raise InvalidInput("the kind of a field must be a text")
            canonical(params)  # fails if a parameter cannot be registered, such as 1.5 or 2^53
        except InvalidInput as e:
            raise InvalidInput(f"[operation]: {e.message[:200]}", hint=e.hint) from None
        except (TypeError, AttributeError, LookupError):  # a text where a list or table must be
            raise InvalidInput(f"[operation]: a parameter of `{name}` is of another type") from None
        found.append(operation)
    if not found:
        raise InvalidInput("operation is missing")
    return tuple(found)


def _valuation(settlement: Fields) -> Valuation:
    """How contributions are measured; a table is written `{ "a" = 3, "b" = 2, "a b" = 4 }`."""
    strata = settlement.rows("strata", {"name", "weight"}, [])
    return Valuation(
        utility=settlement.text("utility"),
        fits=settlement.text("fits", "exact"),
        of=settlement.text("of", ""),
        strata=tuple((s.text("name"), s.whole("weight", 1, 10**9)) for s in strata),
        evaluations=settlement.whole("evaluations", 0, MOST_EVALUATIONS, 0),
        seed=settlement.whole("seed", 0, LARGEST, 0),
        table=settlement.numbers("table"),
    )


def read_pot(settlement: Mapping[str, Any]) -> Pot:
    """The pot and its terms.

    A share is a text, for example `1/5`: a float would not be exact, and fen are divided exactly.

    Raises:
        InvalidInput: a term is missing, is of another type or is out of range.
    """
    fields = Fields(settlement, "")
    fen = settlement.get("pot_fen", 1)  # where it is missing, `whole` says so below
    if type(fen) is not int or not 0 < fen <= LARGEST:
        raise InvalidInput("pot_fen must be a whole number of fen above zero, at most 2^53 - 1")

    def share(key: str, value: object) -> Fraction:
        try:
            return to_fraction(value)
        except InvalidInput as e:
            raise InvalidInput(
                f'{key}: a share is a text such as "1/5", not {described(value)[:60]}',
                hint=f"{e.message}; {e.hint}",
            ) from None

    def one_of(key: str, kind: type[E], default: str) -> E:
        value = settlement.get(key, default)
        known = [m.value for m in kind]
        if value not in known:
            raise InvalidInput(f"{key} is `{described(value, str)}`, none of {', '.join(known)}")
        return kind(value)

    for key, wanted, example in (
        ("floors", dict, '{ clinic = "1/20" }'),
        ("owners", dict, '{ clinic = "hospital" }'),
        ("levels", dict, '{ clinic = ["county", "township"] }'),
        ("group", list, '["clinic-a", "clinic-b"]'),
    ):
        if not isinstance(settlement.get(key, wanted()), wanted):
            raise InvalidInput(f"{key} is written {key} = {example}")
    names = [*settlement.get("owners", {}).values(), *settlement.get("levels", {}).values()]
    if any(name in ("", []) or (isinstance(name, list) and "" in name) for name in names):
        raise InvalidInput("owners and levels hold an empty name")
    return Pot(
        fen=fields.whole("pot_fen", 1, LARGEST),
        policy=Policy(
            floors={p: share("floors", f) for p, f in settlement.get("floors", {}).items()},
            floors_at_most=share("floors_at_most", settlement.get("floors_at_most", "1")),
            group=frozenset(fields.texts("group", ())),
            group_floor=share("group_floor", settlement.get("group_floor", "0")),
            negatives=one_of("negatives", Negatives, "zero"),
        ),
        owners=settlement.get("owners", {}),
        levels=settlement.get("levels", {}),
        twins=fields.text("twins", "join"),
        dispute_days=fields.whole("dispute_days", 0, 365, 15),
        payment=one_of("payment", Payment, "money"),
    )
