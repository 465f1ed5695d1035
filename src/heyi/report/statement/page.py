"""The statement of one institution: what its data were used for, what they added, what it is paid.

It is read from a log that was verified. The page prints on A4, and says how to recompute and how to
dispute it.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import accumulate, chain

from heyi.audit.event import from_leaf
from heyi.audit.log_store import LogReader
from heyi.crypto.codec import VALUE_DIGITS, to_fraction
from heyi.exchange.case_file import Case
from heyi.exchange.consortium import legal_day
from heyi.exchange.events.event_kinds import read_entry
from heyi.exchange.events.settled import SettlementCertified, SettlementPaid, StatementIssued
from heyi.exchange.events.typed import Logged
from heyi.exchange.events.used import ReceiptLogged
from heyi.exchange.projections import MONEY, USE, stream
from heyi.exchange.request.grant import permitted_operations
from heyi.exchange.state import State
from heyi.exchange.streams import loading_state
from heyi.model.decision import Text
from heyi.model.errors import InvalidInput
from heyi.report.data import Tone
from heyi.report.html import bars, render_page
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
    """Calls of one operation in one case, answered and refused by the institution's node.

    `first` and `last` are days.
    """

    study: Text
    requester: Text
    operation: Text
    answered: int
    refused: int
    first: str
    last: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """One institution's contribution in the chart; `own` marks the one whose statement it is."""

    name: Text
    contribution: float
    decimal: str
    own: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """The institution's share in one study, with amounts as they are printed.

    `part` is its part of all contributions in percent, and `interval` the interval of that part.
    `range` is the interval of the contribution. A text is empty where there is nothing to say.
    """

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
    """Everything on the page for a period; both days are inclusive."""

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
    reader: LogReader,
    party: str,
    *,
    verified: bool,
    log_root: str,
    first: str = "",
    last: str = "",
) -> StatementPage:
    """The statement of an institution, from its own stream and the cases in it.

    `first` and `last` bound the period, ISO days, inclusive; empty ones leave it open.

    Raises:
        InvalidInput: no such institution, or it has no statement in the period.
    """
    state = loading_state(reader)
    read = _read(reader, party, first, last)
    if party not in state.parties or not read.stated:
        raise _none(reader, party)
    # a settlement that was withdrawn or trued up is left out: the later one is shown
    valid = [(e, s) for e, s in read.stated if s.certificate == _standing(state, e)]
    known_party = state.parties[party]
    newest = next(iter(reader.entries(reader.size() - 1)))
    now = from_leaf(newest.leaf).at
    begun = from_leaf(next(iter(reader.entries(0, 1))).leaf).at
    return StatementPage(
        party=party,
        name=Text(zh=known_party.zh, en=known_party.en),
        tier=TIERS[known_party.tier],
        first=first or legal_day(begun).isoformat(),
        last=last or legal_day(now).isoformat(),
        uses=tuple(_use(state, key, calls) for key, calls in read.uses.items()),
        settlements=tuple(_settlement(state, e, s, now=now) for e, s in valid),
        shared=yuan(sum(s.share_fen for _, s in valid)),
        paid=yuan(read.paid_fen),
        verified=verified,
        log_root=log_root,
    )


@dataclass(slots=True, kw_only=True)
class _Read:
    """What a log says about one institution in a period.

    `uses` has the day of each call, and whether it was answered, by case and operation.
    """

    uses: dict[tuple[str, str], list[tuple[str, bool]]] = field(default_factory=dict)
    stated: list[tuple[Logged, StatementIssued]] = field(default_factory=list)
    paid_fen: int = 0


def _read(reader: LogReader, party: str, first: str, last: str) -> _Read:
    read = _Read()
    for stored in chain(reader.stream(stream(USE, party)), reader.stream(stream(MONEY, party))):
        entry = read_entry(stored)
        what, day = entry.what, legal_day(entry.at).isoformat()
        if not (first or day) <= day <= (last or day):
            continue
        if isinstance(what, ReceiptLogged):
            key = (entry.case, what.operation)
            read.uses.setdefault(key, []).append((day, not what.refusal))
        elif isinstance(what, StatementIssued):
            read.stated.append((entry, what))
        elif isinstance(what, SettlementPaid):
            read.paid_fen += what.amount_fen
    return read


def stated_parties(reader: LogReader) -> list[str]:
    """The institutions that have a statement, in the order of their ids."""
    return [
        party
        for party, _ in reader.summaries(MONEY)
        if any(
            isinstance(read_entry(e).what, StatementIssued)
            for e in reader.stream(stream(MONEY, party))
        )
    ]


def _none(reader: LogReader, party: str) -> InvalidInput:
    """The error of an institution that has no statement, with what to choose instead."""
    known = stated_parties(reader)
    if party in known:
        return InvalidInput(
            f"no statement for `{party}` in this period", hint="choose another period"
        )
    hint = f"one of {', '.join(known)}" if known else "run a study first"
    return InvalidInput(f"no statement for `{party}`", hint=hint)


def _standing(state: State, entry: Logged) -> str:
    """The certificate of the settlement that stands in the case of an entry, empty if none."""
    settlement = state.cases[entry.case].settlement
    return "" if settlement is None else settlement.certificate


def _use(state: State, key: tuple[str, str], calls: list[tuple[str, bool]]) -> Use:
    case = state.cases[key[0]]
    names = {digest: name for name, digest in permitted_operations(case.request).items()}
    requester = state.parties[case.request.requester]
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


def _title(case: Case) -> Text:
    return Text(zh=case.request.zh, en=sentence_case(case.request.en))


def _fraction(text: str) -> Fraction:
    return to_fraction(text, digits=VALUE_DIGITS)


def _slices(
    state: State, settlement: SettlementCertified, statement: StatementIssued
) -> tuple[Slice, ...]:
    unit, slices = statement.unit, []
    for party, phi in zip(settlement.players, settlement.phi, strict=True):
        known, value = state.parties[party], _fraction(phi)
        slices.append(
            Slice(
                name=Text(zh=known.zh, en=known.en),
                contribution=round(shown(value, unit), 4),
                decimal=measured(value, unit),
                own=party == statement.party,
            )
        )
    return tuple(slices)


def _settlement(state: State, entry: Logged, s: StatementIssued, *, now: int) -> Settlement:
    case = state.cases[entry.case]
    assert case.settlement is not None  # its certificate is the one of this statement
    stage = case.stages[s.party]
    words, tone = STAGES[stage]
    phi, total = _fraction(s.contribution), int(s.total)
    low, high = (measured(_fraction(end), s.unit) for end in (s.low, s.high))
    return Settlement(
        study=_title(case),
        case=case.id,
        day=legal_day(entry.at).isoformat(),
        entry=entry.index,
        unit=unit_of(s.unit),
        unit_short=unit_short(s.unit),
        payment=PAYMENTS[case.specification["payment"]],
        pot=yuan(s.pot_fen),
        share=yuan(s.share_fen),
        share_fen=s.share_fen,
        paid_before=yuan(s.paid_fen) if s.paid_fen else "",
        interim=s.interim,
        contribution=measured(phi, s.unit),
        exact=exactly(s.contribution, s.unit),
        part=f"{float(phi / total):.2%}" if total else "",
        interval=percent_range(s.interval) if s.interval else "",
        range=f"{low} … {high}" if s.low != s.high else "",
        alone=measured(int(s.alone), s.unit),
        last=measured(int(s.last), s.unit),
        total=measured(total, s.unit),
        strata=tuple((name, measured(_fraction(part), s.unit)) for name, part in s.strata.items()),
        why=s.why,
        stage=words,
        tone=tone,
        disputes_until=dt.date.isoformat(legal_day(s.disputes_until)),
        disputable=stage is Stage.STATED and now <= s.disputes_until,
        certificate=s.certificate,
        slices=_slices(state, case.settlement, s),
    )


def render_statement(page: StatementPage) -> str:
    """The statement as one HTML document."""
    return render_page("statement.html", page=page, charts=statement_charts(page))


def statement_charts(page: StatementPage) -> dict[str, object]:
    """The charts of a statement, by the id of their element.

    Each settlement has a waterfall, in which every contribution begins where the one before ends.
    Where there are several settlements, a chart shows their shares over time.
    """
    drawn: dict[str, object] = {}
    for n, s in enumerate(page.settlements, 1):
        values = [p.contribution for p in s.slices]
        drawn[f"chart-waterfall-{n}"] = {
            **bars([p.name for p in s.slices], values, [p.decimal for p in s.slices]),
            "starts": list(accumulate(values, initial=0.0))[:-1],
            "own": [p.own for p in s.slices],
        }
    if len(page.settlements) > 1:
        drawn["chart-time"] = bars(
            [
                Text(zh=f"{s.day} {s.study.zh}", en=f"{s.day} {s.study.en}")
                for s in page.settlements
            ],
            [s.share_fen / 100 for s in page.settlements],
            [s.share for s in page.settlements],
        )
    return drawn
