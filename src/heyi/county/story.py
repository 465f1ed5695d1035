"""The story of the demo: some weeks in Anhe County, from separate files to money paid back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from heyi.county import scenes
from heyi.county.founding import DemoConsortium, Tell, Telling, raise_county, records_of
from heyi.county.places import PLACES
from heyi.county.resident import counted_resident
from heyi.county.scenes import Scene, decide_scene, play
from heyi.exchange.consortium import PLATFORM
from heyi.exchange.events.used import ResultReleased
from heyi.exchange.money.dispute import answer_dispute, dispute
from heyi.exchange.money.pay import approve_settlement, pay
from heyi.exchange.proof.erase import erase
from heyi.exchange.request.apply import approve
from heyi.exchange.request.grant import Terms, grant, revoke
from heyi.exchange.study.joint_study import StudyResult, register_study, run_study
from heyi.exchange.study.use import Session, withdraw
from heyi.exchange.study.valuation import Valuation
from heyi.model.decision import Decision
from heyi.model.party import GRASSROOTS, Tier
from heyi.settlement.allocate import Policy
from heyi.settlement.pot import Pot
from heyi.settlement.utility import COVERAGE

DAY = 86_400
POT_FEN = 30_000_000
GRASSROOTS_FLOOR = Fraction(1, 5)
"""The smallest share for township and village institutions together.

Source: article 7 of the county's agreement.
"""
MIN_CELL_OF_ETHICS = 10
DISPUTE_DAYS = 15


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One round of a scene: the request, the decisions, and a sentence about what happened."""

    scene: Scene
    decisions: dict[str, Decision]
    zh: str
    en: str


Record = Callable[..., dict[str, Decision]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """The results of the story, for the report."""

    turns: tuple[Turn, ...]
    before: ResultReleased
    after: ResultReleased
    refused_after_revocation: dict[str, dict[str, str]]
    study: StudyResult
    payment: Decision
    erased: int


def tell_story(
    demo: DemoConsortium, directory: Path, *, seed: int, persons: int, tell: Tell
) -> Told:
    """Play the whole story on a consortium of the demo."""
    raise_county(demo, directory, seed=seed, persons=persons, tell=tell)
    turns: list[Turn] = []

    def record(
        scene: Scene, decisions: dict[str, Decision], zh: str = "", en: str = ""
    ) -> dict[str, Decision]:
        turns.append(Turn(scene=scene, decisions=decisions, zh=zh, en=en))
        demo.forward(DAY // 4)
        return decisions

    tell(
        Telling(
            zh="申请逐一受理：法律先答，附条款",
            en="requests are judged: the law answers first, with its articles",
        )
    )
    # permitted; permitted with duties
    record(scenes.TREATMENT, play(demo, scenes.TREATMENT))
    grant(demo.consortium, scenes.TREATMENT.id, Terms(days=1), by=PLATFORM)
    record(scenes.REFERRAL, play(demo, scenes.REFERRAL))
    grant(demo.consortium, scenes.REFERRAL.id, Terms(days=30), by=PLATFORM)
    # refused with a cure, and cured
    record(scenes.REFERRAL_WITHOUT_CONSENT, play(demo, scenes.REFERRAL_WITHOUT_CONSENT))
    record(
        scenes.REFERRAL_WITHOUT_CONSENT,
        decide_scene(demo, scenes.REFERRAL_WITHOUT_CONSENT, {"consent.separate": True}),
        "患者补签单独同意后重新判定",
        "the patient signs a separate consent; decided again",
    )
    record(scenes.REFERRAL_UNANSWERED, play(demo, scenes.REFERRAL_UNANSWERED))
    record(
        scenes.REFERRAL_UNANSWERED,
        decide_scene(demo, scenes.REFERRAL_UNANSWERED, {"consent.withdrawn": False}),
        "同意登记处答复：未撤回",
        "the consent registry answers: not withdrawn",
    )
    # red lines
    record(scenes.FOREIGN_GENES, play(demo, scenes.FOREIGN_GENES))
    record(scenes.FOREIGN_COURT, play(demo, scenes.FOREIGN_COURT))
    record(scenes.MARKETING, play(demo, scenes.MARKETING))
    record(scenes.INSURER, play(demo, scenes.INSURER))
    # an authority refuses
    record(scenes.TRAINING, play(demo, scenes.TRAINING))
    approve(
        demo.consortium,
        scenes.TRAINING.id,
        authority="data_committee",
        by="data-committee",
        given=False,
        reasons="商业目的未说明患者如何受益",
    )
    record(
        scenes.TRAINING,
        decide_scene(demo, scenes.TRAINING),
        "数据安全委员会不同意",
        "the data security committee refuses",
    )
    # open data
    record(scenes.BEDS, play(demo, scenes.BEDS))

    before, after = _withdrawal(demo, record, tell)
    refused = _revocation(demo, record, tell)
    study = _study(demo, record, tell)
    payment = _settlement(demo, study, tell)
    erased = _erasure(demo, tell)
    return Told(
        turns=tuple(turns),
        before=before,
        after=after,
        refused_after_revocation=refused,
        study=study,
        payment=payment,
        erased=erased,
    )


def _withdrawal(
    demo: DemoConsortium, record: Record, tell: Tell
) -> tuple[ResultReleased, ResultReleased]:
    """The counts at twenty village clinics, before and after one person withdraws."""
    tell(
        Telling(
            zh="村卫生室统计进行中，一名居民撤回同意",
            en="a resident withdraws while village clinics are counted",
        )
    )
    record(scenes.STATISTICS, play(demo, scenes.STATISTICS))
    grant(demo.consortium, scenes.STATISTICS.id, by=PLATFORM)
    session = Session(demo.consortium, scenes.STATISTICS.id, by=PLATFORM)
    before = session.frequencies()
    clinic = session.seats[0].permit
    records = demo.records[clinic.audience]
    resident = counted_resident(records, clinic.asset, scenes.PRESSURE, clinic.min_cell)
    withdraw(
        demo.consortium,
        token=demo.node(clinic.audience).withdrawal_token(resident),
        via=clinic.audience,
        by=clinic.audience,
    )
    demo.forward(DAY)
    return before, session.frequencies()


def _revocation(demo: DemoConsortium, record: Record, tell: Tell) -> dict[str, dict[str, str]]:
    """The answers of the nodes after permits were used and revoked."""
    tell(
        Telling(
            zh="许可被撤销，节点自行拒绝",
            en="permits are revoked, and the nodes refuse by themselves",
        )
    )
    record(scenes.SURVEILLANCE, play(demo, scenes.SURVEILLANCE))
    grant(demo.consortium, scenes.SURVEILLANCE.id, by=PLATFORM)
    session = Session(demo.consortium, scenes.SURVEILLANCE.id, by=PLATFORM)
    session.frequencies()
    for permit in sorted(session.case.permits):
        revoke(
            demo.consortium,
            scenes.SURVEILLANCE.id,
            permit,
            reason="统计任务提前结束",
            by=PLATFORM,
        )
    demo.forward(3_600)
    return session.frequencies().refused


def _study(demo: DemoConsortium, record: Record, tell: Tell) -> StudyResult:
    """A study asks fourteen institutions; two may not take part, and two committees approve."""
    tell(
        Telling(
            zh="联合研究：伦理与数据安全委员会审批",
            en="a joint study goes to the ethics and data committees",
        )
    )
    record(scenes.STUDY, play(demo, scenes.STUDY))
    approve(
        demo.consortium,
        scenes.STUDY.id,
        authority="ethics_committee",
        by="ethics-committee",
        given=True,
        reasons="风险低、不接触个体记录；要求最小格不少于十",
        conditions={"min_cell": MIN_CELL_OF_ETHICS},
    )
    approve(
        demo.consortium,
        scenes.STUDY.id,
        authority="data_committee",
        by="data-committee",
        given=True,
        reasons="数据不出机构，逐次留痕",
    )
    demo.forward(DAY)
    record(
        scenes.STUDY,
        decide_scene(demo, scenes.STUDY),
        "两个委员会同意，伦理委员会附条件：最小格不少于 10",
        "both committees approve; ethics on condition of cells of at least 10",
    )
    grassroots = frozenset(p.id for p in PLACES if p.tier in GRASSROOTS)
    pot = Pot(
        fen=POT_FEN,
        policy=Policy(group=grassroots, group_floor=GRASSROOTS_FLOOR),
        dispute_days=DISPUTE_DAYS,
    )
    register_study(
        demo.consortium,
        scenes.STUDY.id,
        Valuation(utility=COVERAGE),
        pot,
        by=scenes.STUDY.requester,
    )
    grant(demo.consortium, scenes.STUDY.id, by=PLATFORM)
    tell(
        Telling(
            zh="数据不动，运算到各机构；按沙普利值反哺",
            en="computed where the data lie; valued by Shapley",
        )
    )
    result = run_study(demo.consortium, scenes.STUDY.id, by=PLATFORM)
    demo.forward(DAY)
    return result


def _settlement(demo: DemoConsortium, result: StudyResult, tell: Tell) -> Decision:
    """A health centre disputes its statement and gets an answer; then the pot is paid."""
    tell(
        Telling(
            zh="结算单送达，一家乡镇卫生院提出异议，获书面答复",
            en="a health centre disputes its statement",
        )
    )
    case = scenes.STUDY.id
    doubter = min(
        s.party for s in result.statements if demo.consortium.party(s.party).tier is Tier.TOWNSHIP
    )
    dispute(demo.consortium, case, party=doubter, reasons="随访患者似乎未全部计入", by=doubter)
    demo.forward(DAY)
    reasons = "与各家共有的患者由各家平分，已逐一复算；无其他遗漏"
    answer_dispute(
        demo.consortium, case, party=doubter, by="finance-office", upheld=False, reasons=reasons
    )
    demo.forward(DISPUTE_DAYS * DAY)
    tell(
        Telling(
            zh="异议期满，核准并按贡献支付", en="the days for disputes are over: approved, and paid"
        )
    )
    approve_settlement(demo.consortium, case, by="finance-office")
    payment, _, _ = pay(demo.consortium, case, by=PLATFORM)
    demo.forward(DAY)
    return payment


def _erasure(demo: DemoConsortium, tell: Tell) -> int:
    """Erase the facts of the first decision; the result is the index of the entry."""
    tell(
        Telling(
            zh="应患者要求删除一份事实，日志仍可核验",
            en="one body is erased on request; the log still verifies",
        )
    )
    case = demo.consortium.case(scenes.TREATMENT.id)
    entry = case.decisions[records_of("township-03")].index
    erase(demo.consortium, [entry], reason="subject's request", by=PLATFORM)
    return entry
