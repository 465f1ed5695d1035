"""A joint study in the report: odds ratios in words, who took part, and how the pot was divided."""

from __future__ import annotations

import math
from fractions import Fraction

from heyi.catalogue.kinds import all_kinds
from heyi.crypto.canonical import Json
from heyi.exchange.consortium import Consortium, legal_day
from heyi.exchange.money.pay import settled_case
from heyi.exchange.study.joint_study import StudyResult
from heyi.model.decision import Decision, Text
from heyi.report.data import Coefficient, Payback, Share, StatementPart, StudyPart
from heyi.report.measures import decimal, exactly, measured, percent_range, shown, unit_of
from heyi.report.requests import answer_part
from heyi.report.uses import refusals
from heyi.report.words import kind_label, number, sentence_case, unit
from heyi.settlement.statement import Statement, yuan

_PICO = 10**12
_ALIKE = 5
"""Percent: an odds ratio nearer to one than this is called hardly any difference."""


def study_of(consortium: Consortium, result: StudyResult) -> StudyPart:
    """The model of a study, if it has one, and who took part in it."""
    case = consortium.case(result.case)
    outcome = reference = Text(zh="", en="")
    coefficients: tuple[Coefficient, ...] = ()
    if result.names:
        params = case.request.operations["logistic"]
        slopes = zip(params["covariates"], result.coefficients_nano[1:], strict=True)
        coefficients = tuple(_coefficient(covariate, nano) for covariate, nano in slopes)
        outcome, reference = _outcome(params), _reference(params, result.coefficients_nano[0])
    return StudyPart(
        title=Text(zh=case.request.zh, en=sentence_case(case.request.en)),
        outcome=outcome,
        reference=reference,
        coefficients=coefficients,
        rounds=result.rounds,
        answered=tuple(_name(consortium, p) for p in result.answered),
        refused=refusals(consortium, result.refused),
        not_permitted=tuple(
            _name(consortium, consortium.asset(a).holder)
            for a, d in case.decisions.items()
            if not d.made.outcome.is_permit
        ),
    )


def _outcome(params: dict[str, Json]) -> Text:
    label = kind_label(params["outcome"]["kind"])
    if above := params["outcome"].get("above_micro", 0):
        return Text(zh=f"{label.zh} > {number(above)}", en=f"{label.en} > {number(above)}")
    return label


def _reads(kind: str) -> str:
    """How the words treat a kind: as `sex`, as `flag` (yes or no), or as a number."""
    known = all_kinds().get(kind)
    return known.decode if known else "number"


def _coefficient(covariate: dict[str, Json], nano: int) -> Coefficient:
    kind, label = covariate["kind"], kind_label(covariate["kind"])
    odds = math.exp(nano / 1e9)
    percent = round((odds - 1) * 100)
    if abs(percent) < _ALIKE:
        zh, en = "几乎没有差别", "hardly any different"
    elif percent > 0:
        zh, en = f"升高约 {percent}%", f"about {percent} % higher"
    else:
        zh, en = f"降低约 {-percent}%", f"about {-percent} % lower"
    match _reads(kind):
        case "sex":
            compared = Text(zh="男性与女性相比", en="for men compared with women")
        case "flag":
            compared = Text(
                zh=f"“{label.zh}”为是与为否相比", en=f"with {label.en} compared with without"
            )
        case _:
            amount, measure = number(covariate["scale_micro"]), unit(kind)
            compared = Text(
                zh=f"{label.zh}每增加 {amount}{' ' + measure.zh if measure.zh else ''}",
                en=f"for each {amount}{' ' + measure.en if measure.en else ''} more of {label.en}",
            )
    return Coefficient(
        name=label,
        odds=f"{odds:.2f}",
        words=Text(
            zh=f"{compared.zh}，比值{zh}（其他因素相同时）",
            en=f"{compared.en}, the odds are {en}, all else equal",
        ),
        nano=nano,
    )


def _reference(params: dict[str, Json], nano: int) -> Text:
    """The sentence about the person whose every covariate is at its registered centre."""
    zh, en = [], []
    for c in params["covariates"]:
        label, centre = kind_label(c["kind"]), c["center_micro"]
        match _reads(c["kind"]):
            case "sex" if centre == 0:
                zh.append("女性")
                en.append("a woman")
            case "flag" if centre == 0:
                zh.append(f"“{label.zh}”为否")
                en.append(f"no {label.en}")
            case _:
                measure = unit(c["kind"])
                zh.append(f"{label.zh} {number(centre)} {measure.zh}".rstrip())
                en.append(f"{label.en} {number(centre)} {measure.en}".rstrip())
    percent = 100 / (1 + math.exp(-nano / 1e9))
    return Text(
        zh=f"参照者（{'，'.join(zh)}）的估计概率约 {percent:.1f}%。",
        en=f"The person of reference ({', '.join(en)}) has an estimated probability "
        f"of about {percent:.1f} %.",
    )


def payback_of(
    consortium: Consortium, result: StudyResult, *, payment: Decision | None, sample: str | None
) -> Payback:
    """How the pot of a study was divided.

    `payment` is the decision on the payment, if there was one; `sample` is the institution whose
    statement is shown in full.
    """
    case, settlement = settled_case(consortium, result.case)
    shares = tuple(_share(consortium, s) for s in result.statements)
    shared = sum(settlement.shares_fen.values())
    first = result.statements[0]
    chosen = next((n for n, s in enumerate(result.statements) if s.party == sample), 0)
    pot = settlement.pot_fen
    return Payback(
        pot=yuan(pot),
        paid=yuan(case.paid_fen),
        shared=yuan(shared),
        escrow=yuan(settlement.escrow_fen),
        balanced=shared + settlement.escrow_fen == pot,
        disputes_until=legal_day(settlement.disputes_until).isoformat(),
        unit=unit_of(first.unit),
        total=measured(first.total, first.unit),
        efficient=sum((s.contribution for s in result.statements), Fraction(0)) == first.total,
        shares=shares,
        sample=None
        if sample is None
        else StatementPart(
            share=shares[chosen],
            study=Text(zh=case.request.zh, en=sentence_case(case.request.en)),
            pot=yuan(pot),
            total=measured(first.total, first.unit),
            certificate=settlement.certificate,
        ),
        leave=None if payment is None else answer_part(consortium, [payment], []),
    )


def _share(consortium: Consortium, s: Statement) -> Share:
    return Share(
        party=s.party,
        name=_name(consortium, s.party),
        share_fen=s.share_fen,
        share=yuan(s.share_fen),
        contribution=exactly(s.contribution, s.unit),
        decimal=decimal(s.contribution, s.unit),
        interval="" if s.interval is None else percent_range(s.interval),
        scaled=round(shown(s.contribution, s.unit), 4),
        alone=measured(s.alone, s.unit),
        last=measured(s.last, s.unit),
        why=s.why,
    )


def _name(consortium: Consortium, party: str) -> Text:
    known = consortium.party(party)
    return Text(zh=known.zh, en=known.en)
