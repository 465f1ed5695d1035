"""The report of a single study."""

from __future__ import annotations

from collections.abc import Sequence

from heyi.exchange.consortium import Consortium
from heyi.exchange.events.settled import SettlementCertified
from heyi.exchange.money.pay import settled_case
from heyi.exchange.study.joint_study import StudyResult
from heyi.model.asset import Asset
from heyi.model.decision import Text
from heyi.report.catalogue import catalogue_of, held
from heyi.report.data import Figure, Headline, ReportData, VerifiedNumbers
from heyi.report.evidence import (
    NO_ADVICE,
    RULES,
    VERIFY,
    evidence_of,
    statement_command,
    verified_figure,
)
from heyi.report.logged import Tally, outcome_counts, rounds, tally
from heyi.report.requests import DecisionRound, card
from heyi.report.study import payback_of, study_of
from heyi.report.uses import uses_of
from heyi.settlement.statement import yuan

AFTER = Text(zh="审批意见作出后重新判定", en="decided again after the authorities had spoken")


def study_report(
    consortium: Consortium,
    case: str,
    result: StudyResult,
    *,
    zh: str,
    en: str,
    verified: VerifiedNumbers,
    witness: tuple[str, str],
) -> ReportData:
    """The report of a run; its decisions are computed again from what was logged."""
    counted = tally(consortium)
    decided = [
        DecisionRound(decisions=decisions, event=AFTER if n else None)
        for n, decisions in enumerate(rounds(consortium, case))
    ]
    days = sorted({d.legal_day for r in decided for d in r.decisions.values()})
    sample = result.statements[0].party
    assets = held(consortium)
    return ReportData(
        title=Text(zh=f"合医：{zh}", en=f"Heyi: {en}"),
        subtitle=Text(
            zh="联合研究报告" + (f" · 法律日 {days[0]}" if days else ""),
            en="joint study" + (f" · legal day {days[0]}" if days else ""),
        ),
        headline=_headline(settled_case(consortium, case)[1], result, counted, verified, assets),
        notices=(NO_ADVICE,),
        catalogue=catalogue_of(consortium, detailed=[a.id for a in assets]),
        requests=(card(consortium, case, decided),) if decided else (),
        uses=uses_of(consortium, counted),
        study=study_of(consortium, result),
        payback=payback_of(consortium, result, payment=None, sample=sample),
        evidence=evidence_of(
            consortium,
            verified,
            (VERIFY, statement_command(sample), RULES),
            witness=witness,
        ),
    )


def _headline(
    settlement: SettlementCertified,
    result: StudyResult,
    counted: Tally,
    verified: VerifiedNumbers,
    assets: Sequence[Asset],
) -> Headline:
    rows, took_part = sum(a.rows for a in assets), len(result.answered)
    due, pot = sum(settlement.shares_fen.values()), settlement.pot_fen
    done = Text(
        zh=f"{result.rounds} 轮运算完成一个联合模型" if result.rounds else "共同查明各覆盖哪些人员",
        en=f"fitted one joint model in {result.rounds} rounds"
        if result.rounds
        else "found out whom they cover together",
    )
    return Headline(
        sentence=Text(
            zh=f"{took_part} 家机构的数据不出门，{done.zh}，{yuan(due)} 元按贡献分配。",
            en=f"{took_part} institutions {done.en} without handing over a record, "
            f"and {yuan(due)} yuan are divided by what each contributed.",
        ),
        figures=(
            Figure(label=Text(zh="机构参加", en="institutions took part"), value=str(took_part)),
            Figure(
                label=Text(zh="份文件", en="files"),
                value=str(len(assets)),
                note=Text(zh=f"{rows:,} 行记录", en=f"{rows:,} rows"),
            ),
            Figure(
                label=Text(zh="项判定", en="decisions"), value=str(counted.kinds["decision.made"])
            ),
            Figure(
                label=Text(
                    zh="元已结算，待异议期满支付",
                    en="yuan stated, to be paid when nobody can dispute them",
                ),
                value=yuan(due),
                note=Text(zh=f"总额 {yuan(pot)} 元", en=f"of a pot of {yuan(pot)} yuan"),
            ),
            verified_figure(verified),
        ),
        outcomes=outcome_counts(counted),
    )
