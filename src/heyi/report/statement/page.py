"""An institution's statement of a period: what its data were used for and added, what it is paid, how to doubt it.

Everything is read from a log that was verified; the page loads nothing, prints on A4, and says how to recompute it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from heyi.audit.verify import Checked
from heyi.crypto.canonical import Json
from heyi.exchange.consortium import legal_day
from heyi.exchange.state import Case, State
from heyi.federation.wire.operation import Operation
from heyi.model.decision import Text
from heyi.model.errors import InvalidInput
from heyi.report.data import Tone
from heyi.report.html import page as render_page
from heyi.report.measures import exactly, measured, percent_range, shown, unit_of, unit_short
from heyi.report.words import TIERS, sentence_case
from heyi.settlement.stages import Stage
from heyi.settlement.statement import yuan

STAGES: dict[Stage, tuple[Text, Tone]] = {
    Stage.ACCRUED: (Text(zh="已计提", en="accrued"), "wait"),
    Stage.STATED: (Text(zh="已送达", en="stated"), "wait"),
    Stage.DISPUTED: (Text(zh="异议处理中", en="disputed"), "cure"),
    Stage.APPROVED: (Text(zh="已核准，待支付", en="approved, to be paid"), "duty"),
    Stage.PAID: (Text(zh="已支付", en="paid"), "good"),
}
PAYMENTS = {
    "money": Text(zh="元", en="yuan"),
    "work_points": Text(zh="工分", en="work points"),
    "budget_transfer": Text(zh="元（预算划转）", en="yuan (budget transfer)"),
}
OPERATIONS = {
    "frequency": Text(zh="频数统计", en="frequency table"),
    "logistic": Text(zh="联合回归", en="joint regression"),
    "tokens": Text(zh="重复患者比对（仅密钥标记）", en="overlap of patients (keyed tokens only)"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """Calls of one operation under the permits of one case, answered and refused by the institution's node."""

    study: Text
    requester: Text
    operation: Text
    answered: int
    refused: int
    first: str
    last: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """One institution's part in a settlement, for the chart; `own` is whose statement it is."""

    name: Text
    contribution: float
    decimal: str
    own: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """The institution's share in one study. `part` is its part in all contributions, percent, with its interval."""

    study: Text
    case: str
    day: str
    entry: int
    unit: Text
    unit_short: Text
    payment: Text
    pot: str
    share: str
    share_fen: int
    paid_before: str
    interim: bool
    contribution: str
    exact: str
    part: str
    interval: str
    range: str
    alone: str
    last: str
    total: str
    strata: tuple[tuple[str, str], ...]
    why: Text
    stage: Text
    tone: Tone
    disputes_until: str
    disputable: bool
    certificate: str
    slices: tuple[Slice, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementPage:
    """All that an institution is told about a period; days are inclusive."""

    party: str
    name: Text
    tier: Text
    first: str
    last: str
    uses: tuple[Use, ...]
    settlements: tuple[Settlement, ...]
    shared: str
    paid: str
    verified: bool
    log_root: str


def statement_of(
    entries: Sequence[Checked],
    party: str,
    *,
    verified: bool,
    log_root: str,
    first: str = "",
    last: str = "",
) -> StatementPage:
    """The statement of an institution from the entries of a log; `first` and `last` bound the period, ISO days.

    Raises:
        InvalidInput: no such institution, or it has no statement in the period.
    """
    state = State()
    uses: dict[tuple[str, str], list[tuple[str, bool]]] = {}
    stated: list[Checked] = []
    paid = 0
    days: list[str] = []
    for entry in entries:
        state.apply(entry.index, entry.event, entry.body)
        event, day = entry.event, legal_day(entry.event.at).isoformat()
        if not (first or day) <= day <= (last or day):
            continue
        days.append(day)
        match event.kind:
            case "operation.answered" | "operation.refused" if event.public["holder"] == party:
                key = (event.case, event.public["operation"])
                uses.setdefault(key, []).append((day, not event.public["refusal"]))
            case "statement.issued" if event.public["party"] == party:
                stated.append(entry)
            case "settlement.paid" if event.public["party"] == party:
                paid += event.public["amount_fen"]
    if party not in state.parties or not stated:
        known = sorted(
            {e.event.public["party"] for e in entries if e.event.kind == "statement.issued"}
        )
        hint = f"one of {', '.join(known)}" if known else "run a study first"
        period = " in this period" if party in known else ""
        raise InvalidInput(
            f"no statement for `{party}`{period}", hint="choose another period" if period else hint
        )
    # a settlement that was withdrawn or trued up is told by the later one
    valid = [
        e
        for e in stated
        if e.event.public["certificate"] == _case(state, e).settlement.get("certificate")
    ]
    known_party = state.parties[party]
    return StatementPage(
        party=party,
        name=Text(zh=known_party.zh, en=known_party.en),
        tier=TIERS[known_party.tier],
        first=first or days[0],
        last=last or days[-1],
        uses=tuple(_use(state, key, calls) for key, calls in uses.items()),
        settlements=tuple(_settlement(state, e, now=entries[-1].event.at) for e in valid),
        shared=yuan(sum(e.event.public["share_fen"] for e in valid)),
        paid=yuan(paid),
        verified=verified,
        log_root=log_root,
    )


def _case(state: State, entry: Checked) -> Case:
    return state.cases[entry.event.case]


def _use(state: State, key: tuple[str, str], calls: list[tuple[str, bool]]) -> Use:
    case = state.cases[key[0]]
    names = {operation_digest(o): o["name"] for o in case.request["operations"]}
    requester = state.parties[case.request["requester"]]
    name = names.get(key[1], "")
    answered = sum(ok for _, ok in calls)
    return Use(
        study=_title(case),
        requester=Text(zh=requester.zh, en=requester.en),
        operation=OPERATIONS.get(name, Text(zh=name, en=name)),
        answered=answered,
        refused=len(calls) - answered,
        first=min(day for day, _ in calls),
        last=max(day for day, _ in calls),
    )


def operation_digest(operation: Json) -> str:
    """The digest by which receipts name an operation of a request."""
    return Operation(name=operation["name"], params=operation["params"]).digest


def _title(case: Case) -> Text:
    return Text(zh=case.request["zh"], en=sentence_case(case.request["en"]))


def _settlement(state: State, entry: Checked, *, now: int) -> Settlement:
    s, case = entry.event.public, _case(state, entry)
    stage = case.stages[s["party"]]
    words, tone = STAGES[stage]
    phi, total = Fraction(s["contribution"]), int(s["total"])
    low, high = (measured(Fraction(s[end]), s["unit"]) for end in ("low", "high"))
    slices = []
    for p, value in zip(case.settlement["players"], case.settlement["phi"], strict=True):
        known = state.parties[p]
        slices.append(
            Slice(
                name=Text(zh=known.zh, en=known.en),
                contribution=round(shown(Fraction(value), s["unit"]), 4),
                decimal=measured(Fraction(value), s["unit"]),
                own=p == s["party"],
            )
        )
    return Settlement(
        study=_title(case),
        case=case.id,
        day=legal_day(entry.event.at).isoformat(),
        entry=entry.index,
        unit=unit_of(s["unit"]),
        unit_short=unit_short(s["unit"]),
        payment=PAYMENTS[case.specification["payment"]],
        pot=yuan(s["pot_fen"]),
        share=yuan(s["share_fen"]),
        share_fen=s["share_fen"],
        paid_before=yuan(s["paid_fen"]) if s["paid_fen"] else "",
        interim=s["interim"],
        contribution=measured(phi, s["unit"]),
        exact=exactly(s["contribution"], s["unit"]),
        part=f"{float(phi / total):.2%}" if total else "",
        interval=percent_range(s["interval"]) if s["interval"] else "",
        range=f"{low} … {high}" if s["low"] != s["high"] else "",
        alone=measured(int(s["alone"]), s["unit"]),
        last=measured(int(s["last"]), s["unit"]),
        total=measured(total, s["unit"]),
        strata=tuple(
            (name, measured(Fraction(part), s["unit"])) for name, part in s["strata"].items()
        ),
        why=Text(**s["why"]),
        stage=words,
        tone=tone,
        disputes_until=dt.date.isoformat(legal_day(s["disputes_until"])),
        disputable=stage is Stage.STATED and now <= s["disputes_until"],
        certificate=s["certificate"],
        slices=tuple(slices),
    )


def render_statement(page: StatementPage) -> str:
    """The statement as one HTML document."""
    return render_page("statement.html", page=page, charts=statement_charts(page))


def statement_charts(page: StatementPage) -> dict[str, object]:
    """A waterfall for each settlement, in which every contribution begins where the one before ends; and the shares of
    one settlement after the other, where there are several."""
    drawn: dict[str, object] = {}
    for n, s in enumerate(page.settlements, 1):
        ends = [0.0]
        for part in s.slices:
            ends.append(ends[-1] + part.contribution)
        drawn[f"chart-waterfall-{n}"] = {
            "labels": [p.name.to_json() for p in s.slices],
            "values": [p.contribution for p in s.slices],
            "starts": ends[:-1],
            "prints": [p.decimal for p in s.slices],
            "own": [p.own for p in s.slices],
        }
    if len(page.settlements) > 1:
        drawn["chart-time"] = {
            "labels": [
                Text(zh=f"{s.day} {s.study.zh}", en=f"{s.day} {s.study.en}").to_json()
                for s in page.settlements
            ],
            "values": [s.share_fen / 100 for s in page.settlements],
            "prints": [s.share for s in page.settlements],
        }
    return drawn
