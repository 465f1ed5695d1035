"""The demo's story as a report."""

from __future__ import annotations

from heyi.county.founding import records_of
from heyi.county.places import COUNTY_EN, COUNTY_ZH, PLACES
from heyi.county.story import Told
from heyi.exchange.consortium import Consortium
from heyi.exchange.money.pay import settled_case
from heyi.model.decision import Text
from heyi.model.party import PartyKind
from heyi.report.catalogue import catalogue_of, held
from heyi.report.data import Figure, Headline, ReportData, VerifiedNumbers
from heyi.report.evidence import (
    NO_ADVICE,
    RULES,
    SYNTHETIC,
    VERIFY,
    evidence_of,
    statement_command,
    verified_figure,
)
from heyi.report.logged import Tally, outcome_counts, tally
from heyi.report.requests import DecisionRound, card
from heyi.report.study import payback_of, study_of
from heyi.report.uses import frequency_of, uses_of
from heyi.settlement.statement import yuan

SAMPLE = "township-03"
DETAILED = tuple(
    records_of(p) for p in ("county-hospital", "township-01", "township-12", "village-01")
)
COUNTED = "village-blood-pressure"
"""The case whose counts the story takes before and after a withdrawal."""


def demo_report(
    consortium: Consortium,
    told: Told,
    *,
    seed: int,
    verified: VerifiedNumbers,
    witness: tuple[str, str],
) -> ReportData:
    """What the demo shows when it has come to its end."""
    counted = tally(consortium)
    scenes: dict[str, list[DecisionRound]] = {}
    for turn in told.turns:
        event = Text(zh=turn.zh, en=turn.en) if turn.zh else None
        scenes.setdefault(turn.scene.id, []).append(
            DecisionRound(decisions=turn.decisions, event=event)
        )
    days = sorted({d.legal_day for turn in told.turns for d in turn.decisions.values()})
    return ReportData(
        title=Text(
            zh=f"合医：{COUNTY_ZH}健康数据共治报告",
            en=f"Heyi: health data governance in {COUNTY_EN}",
        ),
        subtitle=Text(
            zh=f"合成县演示 · 种子 {seed} · 法律日 {days[0]} 至 {days[-1]}",
            en=f"synthetic county · seed {seed} · legal days {days[0]} to {days[-1]}",
        ),
        headline=_headline(consortium, told, counted, verified),
        notices=(SYNTHETIC, NO_ADVICE),
        catalogue=catalogue_of(consortium, detailed=DETAILED),
        requests=tuple(card(consortium, scene, rounds) for scene, rounds in scenes.items()),
        uses=uses_of(
            consortium,
            counted,
            frequency=frequency_of(consortium, COUNTED, told.before, told.after),
            refused=told.refused_after_revocation,
        ),
        study=study_of(consortium, told.study),
        payback=payback_of(consortium, told.study, payment=told.payment, sample=SAMPLE),
        evidence=evidence_of(
            consortium,
            verified,
            (VERIFY, statement_command(SAMPLE), RULES),
            witness=witness,
        ),
    )


def _headline(
    consortium: Consortium, told: Told, counted: Tally, verified: VerifiedNumbers
) -> Headline:
    study = told.study
    institutions = sum(p.kind is PartyKind.INSTITUTION for p in consortium.state.parties.values())
    exported = {records_of(p.id) for p in PLACES}
    assets = held(consortium)
    files = [a for a in assets if a.id in exported]
    fields, other = sum(len(a.fields) for a in files), len(assets) - len(files)
    case, settlement = settled_case(consortium, study.case)
    requests = len(consortium.state.cases)
    pot, paid = yuan(settlement.pot_fen), yuan(case.paid_fen)
    took_part, asked = len(study.answered), len(case.request.assets)
    return Headline(
        sentence=Text(
            zh=f"{COUNTY_ZH} {institutions} 家机构的 {requests} 项申请由法律逐条判定；"
            f"{took_part} 家机构的数据不出门，共同完成了一项研究，{paid} 元按各家贡献返还。",
            en=f"{requests} requests among {institutions} institutions of {COUNTY_EN} were "
            "judged by the law, article by article; "
            f"{took_part} institutions completed a joint study without handing over a record, "
            f"and {paid} yuan flowed back by what each contributed.",
        ),
        figures=(
            Figure(label=Text(zh="机构", en="institutions"), value=str(institutions)),
            Figure(
                label=Text(zh="份文件入目录", en="files catalogued"),
                value=str(len(files)),
                note=Text(
                    zh=f"{fields} 个字段逐项定级；另有 {other} 份无个人信息的目录",
                    en=f"{fields} fields graded one by one; "
                    f"besides, {other} data set without persons",
                ),
            ),
            Figure(
                label=Text(zh="项申请", en="requests"),
                value=str(requests),
                note=Text(
                    zh=f"共 {counted.kinds['decision.made']} 项判定",
                    en=f"{counted.kinds['decision.made']} decisions",
                ),
            ),
            Figure(
                label=Text(zh="参加联合研究的机构", en="institutions in the joint study"),
                value=f"{took_part} / {asked}",
                note=Text(zh="其余的缺什么，见下文", en="what the others lack is told below"),
            ),
            Figure(
                label=Text(zh="元已支付", en="yuan paid"),
                value=paid,
                note=Text(zh=f"总额 {pot} 元", en=f"of a pot of {pot} yuan"),
            ),
            verified_figure(verified),
        ),
        outcomes=outcome_counts(counted),
    )
